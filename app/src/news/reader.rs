use crate::{
    lean::signal::RwSignal,
    news::{
        filter::{self, NewsFilter},
        list::{NewsList, Story},
    },
    state::navigation,
};

/// The state of the request for older stories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Older {
    /// There may be some.
    #[default]
    Unasked,
    /// They were requested.
    Coming,
    /// Loading failed, for this reason.
    Failed(String),
    /// There are no more, or no room for them.
    Over,
}

impl Older {
    /// The state after an answer.
    pub(super) fn after(news: &NewsList) -> Self {
        match news.question() {
            Some(_) => Older::Unasked,
            None => Older::Over,
        }
    }
}

/// The signals that the news are drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewsReader {
    /// The chosen filter.
    pub(crate) filter: RwSignal<NewsFilter>,
    /// How many stories are known, shown or not.
    pub(crate) known: RwSignal<usize>,
    /// The state of the request for older ones.
    pub(crate) older: RwSignal<Older>,
    /// The stories that are shown, newest first.
    pub(crate) stories: RwSignal<Vec<Story>>,
    /// How many stories wait.
    pub(crate) waiting: RwSignal<usize>,
    /// Whether the person reads the news, so that new stories have to wait.
    pub(crate) reading: RwSignal<bool>,
}

impl NewsReader {
    /// The signals for a list, with the filter of the address that the page was drawn for.
    pub(crate) fn new(filter: NewsFilter, news: &NewsList) -> Self {
        NewsReader {
            filter: RwSignal::new(filter),
            known: RwSignal::new(news.known()),
            older: RwSignal::new(Older::after(news)),
            stories: RwSignal::new(news.shown()),
            waiting: RwSignal::new(0),
            reading: RwSignal::new(false),
        }
    }

    /// Changes the filter, also in the address.
    pub(crate) fn choose(self, change: impl FnOnce(&mut NewsFilter)) {
        self.filter.update(|filter| {
            filter.mistake = None;
            change(filter);
        });
        let query = self.filter.with_untracked(NewsFilter::query);
        navigation::replace_parts(&filter::PARTS, &query);
    }
}
