use market::{Bar, Millis, News, Snapshot, Symbol};
use serde::{Deserialize, Serialize};

use crate::{
    news::filter::NewsFilter,
    state::{days::Days, range::Range},
};

/// What the page is drawn from. The server draws from it and writes it into the page. The script starts from the same
/// data, and its stream resumes after [`PageData::id`], so that no event is duplicated or lost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PageData {
    /// The position on the tape of the other fields.
    pub id: String,
    /// The path of the address that the page was drawn for, still encoded.
    pub path: String,
    /// The query of that address. The script reads it from the address.
    #[serde(skip)]
    pub query: String,
    /// The symbols of the watchlist: those of the address, or else the server's choice.
    pub watchlist: Vec<Symbol>,
    /// Whether the address names the watchlist, so that links keep it.
    pub chosen: bool,
    /// The open symbol; `None` if the server has no symbol yet, or with a problem.
    pub symbol: Option<Symbol>,
    /// Quotes, sessions, sparklines, news and feeds.
    pub snapshot: Snapshot,
    /// The newest stories that pass the filter of the address, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<FoundNews>,
    /// The range that the chart opens with, as a [`Range`] is written, if it is not that of the address because there
    /// are no bars for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The newest bars of the open symbol for the range, oldest first.
    pub bars: Vec<Bar>,
    /// If the last bar is not complete: the end of the newest minute in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// The same bars for each symbol that the address compares with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<FoundBars>,
    /// The daily figures of the open symbol.
    #[serde(default)]
    pub days: Days,
    /// Whether the server has an archive, and so bars of a second.
    #[serde(default)]
    pub archived: bool,
    /// What is wrong with the address, if something is.
    pub problem: Option<Problem>,
}

impl PageData {
    /// The maximum number of [`PageData::bars`]. If there are fewer, there are no more. All bars of a day would double
    /// the size of the page, so the others are fetched later.
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

    /// All stories of the page's data.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn stories(&self) -> impl Iterator<Item = &News> {
        let found = self.older.iter().flat_map(|found| &found.news);
        self.snapshot.news.iter().chain(found)
    }
}

/// The answer of `/stocks/{symbol}/bars`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundBars {
    /// The bars, oldest first.
    pub bars: Vec<Bar>,
    /// If the last bar is not complete: the end of the newest minute in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// The interval of older bars, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
}

/// The answer of `/news`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FoundNews {
    /// The stories, newest first.
    pub news: Vec<News>,
    /// The id before which there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The address of the stories that pass the filter of a page's query; `None` if the query has no filter. `open` is the
/// open symbol, and `chosen` the watchlist if the address names one.
pub fn address_of_news(
    query: &str,
    open: Option<Symbol>,
    chosen: Option<&[Symbol]>,
) -> Option<String> {
    let filter = NewsFilter::read(query);
    (!filter.is_open()).then(|| filter.lens(open, chosen).address(None))
}

/// Why there is nothing to show, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, as a heading.
    pub title: String,
    /// What to do about it; empty where there is nothing to do.
    pub detail: String,
    /// Known symbols that are near what was asked for.
    pub suggestions: Vec<Symbol>,
}

impl Problem {
    /// The problem of a symbol that no feed quotes and the archive has no bars of.
    pub fn unknown_symbol(symbol: Symbol) -> Self {
        Problem {
            status: 404,
            title: format!("{symbol} isn’t available here"),
            detail: String::new(),
            suggestions: Vec::new(),
        }
    }
}
