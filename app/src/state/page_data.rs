use market::{Bar, Millis, News, Snapshot, Symbol};
use serde::{Deserialize, Serialize};

use crate::{
    news::filter::NewsFilter,
    state::{days::Days, range::Range},
};

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
    /// The open symbol; none where the server has no symbol yet.
    pub symbol: Option<Symbol>,
    /// Quotes, sessions, sparklines, news and feeds of all of these.
    pub snapshot: Snapshot,
    /// The newest stories that pass the filter of the address, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<FoundNews>,
    /// How much of the past the chart shows at first, as a [`Range`] is written, where it is not that of the address: there
    /// are no bars for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The newest bars of the open symbol, oldest first, that the range is drawn from.
    pub bars: Vec<Bar>,
    /// Where the last of them is not over: the end of the newest minute in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// The same bars of each symbol that the address compares with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<FoundBars>,
    /// The daily figures of the open symbol.
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
    /// more. Those of a day would make the page twice as long, and come afterwards.
    pub fn most_bars(range: Range, archived: bool) -> usize {
        match range {
            Range::Day => 500,
            range => range.bars(archived) as usize,
        }
    }

    /// The range of [`PageData::range`].
    pub(crate) fn opening_range(&self) -> Option<Range> {
        self.range.as_deref().and_then(Range::named)
    }

    /// All stories of the page.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn stories(&self) -> impl Iterator<Item = &News> {
        let found = self.older.iter().flat_map(|found| &found.news);
        self.snapshot.news.iter().chain(found)
    }
}

/// What `/stocks/{symbol}/bars` answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundBars {
    /// The bars, oldest first.
    pub bars: Vec<Bar>,
    /// Where the last bar is not over: the end of the newest minute in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// Of which interval there are older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
}

/// What `/news` answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundNews {
    /// The stories, newest first.
    pub news: Vec<News>,
    /// Before which id there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where `/news` has the stories that pass the filter of a page's query; none where the query has no filter. `open` is the
/// open symbol, and `chosen` the watchlist where the address names it.
pub fn address_of_news(
    query: &str,
    open: Option<Symbol>,
    chosen: Option<&[Symbol]>,
) -> Option<String> {
    let filter = NewsFilter::read(query);
    (!filter.is_open()).then(|| filter.lens(open, chosen).address(None))
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
