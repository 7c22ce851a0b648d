use market::{Bar, Snapshot, Symbol};
use serde::{Deserialize, Serialize};

use crate::Days;

/// What the page is drawn from. The server draws from it and writes it into the page; the script
/// starts from the same numbers, and its stream resumes after [`PageData::id`], so that nothing is
/// drawn twice or missed in between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PageData {
    /// The position on the tape that the rest is as of.
    pub id: String,
    /// The path of the address that the page was drawn for, encoded as it came.
    pub path: String,
    /// The query of the same address. The script reads it there.
    #[serde(skip)]
    pub query: String,
    /// What the watchlist shows: the symbols of the address, or else the server's own choice.
    pub watchlist: Vec<Symbol>,
    /// Whether the address named the watchlist, so that links keep it.
    pub chosen: bool,
    /// The open symbol; none where the server knows no symbol yet.
    pub symbol: Option<Symbol>,
    /// Quotes, sessions, sparklines, news and feeds of all of these.
    pub snapshot: Snapshot,
    /// The newest one-minute bars of the open symbol, oldest first.
    pub bars: Vec<Bar>,
    /// What its days say.
    #[serde(default)]
    pub days: Days,
    /// Whether the server keeps more than its tape does, and so bars of a second.
    #[serde(default)]
    pub archived: bool,
    /// What is wrong with the address, where something is.
    pub problem: Option<Problem>,
}

impl PageData {
    /// How many of the newest bars [`PageData::bars`] has at the most. Where it has less, there are no
    /// more.
    pub const BARS: usize = 500;
}

/// Why there is nothing to show, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A plain sentence.
    pub title: String,
    /// What to do about it.
    pub detail: String,
    /// Known symbols that are near what was asked for.
    pub suggestions: Vec<Symbol>,
}
