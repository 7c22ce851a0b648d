//! The latest filings of the SEC's EDGAR, after its [structured disclosure feeds](https://www.sec.gov/about/rss-feeds)
//! and within its rules of [fair
//! access](https://www.sec.gov/search-filings/edgar-search-assistance/accessing-edgar-data): a `User-Agent` with a name
//! and a way to reach it, and fewer than ten requests a second.
//!
//! The feed has an entry for each party of a filing; a filing is one story here. Its symbols are those of its issuer or
//! subject company before those of the filer. EDGAR numbers companies (CIK); the SEC's own `company_tickers.json` maps
//! the numbers to symbols.
//!
//! The content of a filing follows from its form, and for a form 8-K from its items, which are in the summary of its
//! entry: see [`FORMS`] and [`ITEMS`].

mod filing;
mod options;
mod tickers;

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

pub use self::{
    filing::{FORMS, ITEMS},
    options::Options,
};
use self::{
    filing::{Filing, NAME, part},
    tickers::Tickers,
};
use crate::kit::time::exchange_time;
use crate::{
    End, Feed, FeedError, Publisher,
    kit::{
        fetch::{self, Document, FetchError, Fetcher, Page, pause},
        forms,
        markup::{self, Form, Syndication},
        options::FeedOptions as _,
        seen::{Reported, Seen},
    },
};

/// How many entries a page has: the SEC's maximum.
const COUNT: usize = 100;

/// How many earlier pages are requested at most if a page has only new filings.
const PAGES: usize = 10;

/// The least time between two requests: four a second.
const GAP: Duration = Duration::from_millis(250);

/// How many filings are recorded. A busy day has some eight thousand, of all forms.
const FILINGS: usize = 10_000;

/// How long the SEC blocks an address that sends too many requests.
const LOCKED_OUT: Duration = Duration::from_secs(10 * 60);

/// A feed of filings.
#[derive(Debug)]
pub struct Sec {
    options: Options,
    timeouts: fetch::Timeouts,
    gap: Duration,
    queries: Vec<Query>,
    filings: Seen<String, Filing>,
    reported: Reported,
    /// How often a newest page has been requested.
    polls: u64,
    tickers: Tickers,
}

/// One form that is polled, or all of them.
#[derive(Debug)]
struct Query {
    form: String,
    newest: Page,
    /// The last poll that reached known filings. Filings of later ones are above a gap.
    caught_up: u64,
    /// Whether there was a filing of the form.
    has_met: bool,
}

impl Sec {
    /// A feed of these filings.
    pub fn new(options: Options) -> Self {
        let forms = match options.forms.is_empty() {
            true => vec![String::new()],
            false => options.forms.clone(),
        };
        let queries = forms.into_iter().map(|form| Query {
            newest: Page::new(address(&options.url, &form, 0)),
            form,
            caught_up: 0,
            has_met: false,
        });
        Sec {
            timeouts: fetch::Timeouts::default(),
            gap: GAP.min(options.interval),
            queries: queries.collect(),
            filings: Seen::new(FILINGS),
            reported: Reported::new(FILINGS),
            polls: 0,
            tickers: Tickers::new(Page::new(options.tickers.clone())),
            options,
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: fetch::Timeouts) -> Self {
        Sec { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let fetcher = Fetcher::new(&self.options.user_agent, self.timeouts)?.of(publisher);
        for doubt in self.options.doubts() {
            tracing::warn!(feed = NAME, "{doubt}");
        }
        loop {
            if self.tickers.due <= Instant::now() {
                self.tickers.refresh(&fetcher, publisher).await;
                publisher.rest(self.gap).await;
            }
            let mut fresh = None;
            for at in 0..self.queries.len() {
                fresh = fresh.max(self.poll(&fetcher, at, publisher).await?);
                publisher.rest(self.gap).await;
            }
            publisher.set_partial_entitlement(self.doubts());
            match &self.tickers.problem {
                None => publisher.live(),
                Some(problem) => {
                    publisher.degraded(format!("filings come without symbols: {problem}"));
                }
            }
            publisher.rest(pause(self.options.interval, fresh)).await;
        }
    }

    /// A warning about unknown forms without any filing.
    fn doubts(&self) -> Option<String> {
        let unmet = self.queries.iter().filter(|query| !query.has_met);
        let doubts: Vec<String> = unmet
            .filter_map(|query| forms::doubt(&query.form))
            .collect();
        Some(doubts.join("; ")).filter(|doubts| !doubts.is_empty())
    }

    /// Requests the newest page of a form, and earlier ones until one has known filings.
    async fn poll(
        &mut self,
        fetcher: &Fetcher,
        at: usize,
        publisher: &Publisher,
    ) -> Result<Option<Duration>, FeedError> {
        let interval = self.options.interval;
        self.polls += 1;
        let newest = &mut self.queries[at].newest;
        let answer = fetcher
            .get(newest)
            .await
            .map_err(|error| refused(error, interval))?;
        publisher.record_receipt();
        let Some(document) = answer.document else {
            return Ok(answer.fresh);
        };
        let unreadable = |page: &mut Page, why: String| {
            page.forget();
            FeedError::Later {
                why: format!("{}: {why}", fetch::place(page.url())),
                wait: interval,
            }
        };
        let mut page = match entries(document, newest).await {
            Ok(page) => page,
            Err(why) => return Err(unreadable(newest, why)),
        };
        // The first time nothing is known, and one page is enough to begin with.
        let is_first = self.queries[at].caught_up == 0;
        for turned in 1.. {
            let is_full = page.items.len() >= COUNT;
            let meets = self.take(&page, at, publisher);
            if meets || is_first || !is_full {
                break;
            }
            if turned == PAGES {
                let most = COUNT * PAGES;
                publisher.wrong(&format_args!(
                    "more than {most} entries since the last time: what is older is left out"
                ));
                break;
            }
            publisher.rest(self.gap).await;
            let form = &self.queries[at].form;
            let mut before = Page::new(address(&self.options.url, form, turned * COUNT));
            let answer = fetcher
                .get(&mut before)
                .await
                .map_err(|error| refused(error, interval))?;
            // It was requested without conditions.
            let Some(document) = answer.document else {
                break;
            };
            page = match entries(document, &before).await {
                Ok(page) => page,
                Err(why) => return Err(unreadable(&mut before, why)),
            };
        }
        self.queries[at].caught_up = self.polls;
        Ok(answer.fresh)
    }

    /// Publishes the new filings of a page. Returns whether it reaches known ones.
    fn take(&mut self, page: &Syndication, at: usize, publisher: &Publisher) -> bool {
        let address = self.queries[at].newest.url();
        self.reported.faults(&page.faults, address, publisher);
        let Query {
            form, caught_up, ..
        } = &self.queries[at];
        let mut touched: Vec<String> = Vec::new();
        let mut meets = false;
        let mut has_met = false;
        for entry in page.items.iter().take(COUNT) {
            let part = match part(entry) {
                Ok(part) => part,
                Err(why) => {
                    if self.reported.is_new(&why) {
                        publisher.wrong(&why);
                    }
                    continue;
                }
            };
            if !covers(form, &part.form) {
                publisher.ignore();
                continue;
            }
            has_met = true;
            let is_new_here = !touched.contains(&part.accession);
            match self.filings.get_mut(&part.accession) {
                Some(filing) => {
                    meets |= filing.met <= *caught_up;
                    filing.add(part.party);
                }
                None => {
                    let now = publisher.now();
                    let published = exchange_time(part.updated, now, &part.accession);
                    let published = published.unwrap_or_else(|error| {
                        publisher.wrong(&error);
                        now
                    });
                    let mut filing = Filing {
                        met: self.polls,
                        form: part.form,
                        link: part.link,
                        published,
                        items: part.items,
                        parties: Vec::new(),
                        published_news: None,
                    };
                    filing.add(part.party);
                    self.filings.insert(part.accession.clone(), filing);
                }
            }
            if is_new_here {
                touched.push(part.accession);
            }
        }
        self.queries[at].has_met |= has_met;
        // The newest come first, and are published last.
        for accession in touched.into_iter().rev() {
            let Some(filing) = self.filings.get_mut(&accession) else {
                continue;
            };
            let news = filing.news(&accession, &self.tickers.of);
            if filing.published_news.as_ref() != Some(&news) {
                filing.published_news = Some(news.clone());
                publisher.news(news);
            }
        }
        meets
    }
}

impl Feed for Sec {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// The SEC responds with 403 to a client without a name, and to one that it has blocked.
fn refused(mut error: FetchError, interval: Duration) -> FeedError {
    if matches!(
        error.status,
        Some(StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
    ) {
        error.why.push_str(
            "; the SEC locks out for ten minutes an address that sends more than ten requests a second, and every client without a name in its user_agent",
        );
        error.wait = Some(error.wait.unwrap_or_default().max(LOCKED_OUT));
        error.is_fatal = false;
    }
    error.paced(interval).into()
}

pub(crate) fn address(url: &Url, form: &str, start: usize) -> Url {
    let mut address = url.clone();
    address
        .query_pairs_mut()
        .append_pair("action", "getcurrent")
        .append_pair("type", form)
        .append_pair("company", "")
        .append_pair("dateb", "")
        .append_pair("owner", "include")
        .append_pair("start", &start.to_string())
        .append_pair("count", &COUNT.to_string())
        .append_pair("output", "atom");
    address
}

async fn entries(document: Document, page: &Page) -> Result<Syndication, String> {
    let read = markup::read(document, page.url().clone()).await?;
    match read.form {
        Form::Rss => Err("it is RSS: expected Atom".to_owned()),
        // A missing symbol would look like one that does not exist.
        Form::Atom if !read.is_whole => Err("it breaks off in the middle".to_owned()),
        Form::Atom => Ok(read),
    }
}

/// Whether a form is requested: the SEC's own filter accepts every form that begins so.
fn covers(requested: &str, form: &str) -> bool {
    requested.is_empty() || form == requested || form.strip_suffix("/A") == Some(requested)
}
