//! Trading halts of the US exchanges, after [Nasdaq's feed of trade
//! halts](https://www.nasdaqtrader.com/Trader.aspx?id=TradeHaltRSS): RSS with additional fields (`ndaq:`), and [codes
//! of reasons](https://www.nasdaqtrader.com/Trader.aspx?id=TradeHaltCodes).
//!
//! A halt is one story from its announcement until the times of its resumption are known, and the resumption is another
//! one when its time comes. Between the two the symbol's session is halted. A halt of the whole market is listed
//! without a symbol; between it and its resumption all US stocks are halted. Times in the feed are those of New York.

mod halt;

use std::{collections::HashMap, time::Duration};

use futures_util::future::BoxFuture;
use market::Millis;
use reqwest::Url;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use self::halt::{Halt, NAME, halt};
use crate::{
    About, End, Feed, FeedError, Licence, Publisher,
    kit::options::{self, FeedOptions, Main},
    kit::{
        fetch::{self, Fetcher, Page, pause},
        markup::{self, Form, Syndication},
        seen::{Reported, Seen},
    },
};
use sessions::is_market_wide;

/// The most halts of one document. Some are listed for months; on a bad day there are a few hundred.
const ITEMS: usize = 5_000;

/// How many halts are recorded.
const REMEMBERED: usize = 2 * ITEMS;

/// After so many documents in a row without a listed halt it is over, although no item ended it.
const MISSED: u32 = 3;

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The interval of polls; the feed's own interval may be longer.
    #[serde(default = "interval", deserialize_with = "options::seconds")]
    pub interval: Duration,
    /// The address of the feed.
    #[serde(default = "url", deserialize_with = "options::http")]
    pub url: Url,
}

fn interval() -> Duration {
    Duration::from_secs(60)
}

fn url() -> Url {
    options::fixed("https://www.nasdaqtrader.com/rss.aspx?feed=tradehalts")
}

impl FeedOptions for Options {
    const NAME: &'static str = "nasdaq-halts";
    const KEYS: &'static [&'static str] = &["interval", "url"];
    const MAIN: Main = Main::Nothing;

    fn about(&self) -> About {
        About {
            does: format!(
                "polls {} every {:?} for halts of trading and their ends",
                fetch::place(&self.url),
                self.interval
            ),
            symbols: Vec::new(),
            licence: Licence::Terms,
        }
    }
}

/// A feed of halts and resumptions.
#[derive(Debug)]
pub struct Halts {
    interval: Duration,
    timeouts: fetch::Timeouts,
    page: Page,
    halts: Seen<String, HaltRecord>,
    reported: Reported,
    /// The halts that are not over, by their ids, with the number of documents in a row that did not list them.
    open: HashMap<String, (Halt, u32)>,
}

/// A halt as it was published last.
#[derive(Debug)]
struct HaltRecord {
    published: Halt,
    is_over: bool,
}

impl Halts {
    /// A feed of all halts.
    pub fn new(options: Options) -> Self {
        Halts {
            interval: options.interval,
            timeouts: fetch::Timeouts::default(),
            page: Page::new(options.url),
            halts: Seen::new(REMEMBERED),
            reported: Reported::new(REMEMBERED),
            open: HashMap::new(),
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: fetch::Timeouts) -> Self {
        Halts { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let fetcher = Fetcher::new(fetch::USER_AGENT, self.timeouts)?.of(publisher);
        loop {
            // Resumptions in the last documents take place even if there is no new one.
            self.resume(publisher);
            let answer = fetcher
                .get(&mut self.page)
                .await
                .map_err(|error| error.paced(self.interval))?;
            publisher.record_receipt();
            let mut fresh = answer.fresh;
            if let Some(document) = answer.document {
                let address = self.page.url().clone();
                let read = match markup::read(document, address.clone()).await {
                    Ok(read) if read.form == Form::Atom => {
                        Err("it is Atom: expected RSS".to_owned())
                    }
                    // A missing halt is not over.
                    Ok(read) if !read.is_whole => Err("it breaks off in the middle".to_owned()),
                    read => read,
                };
                let read = read.map_err(|why| {
                    self.page.forget();
                    FeedError::Later {
                        why: format!("{}: {why}", fetch::place(&address)),
                        wait: self.interval,
                    }
                })?;
                fresh = fresh.max(read.ttl);
                self.reported.faults(&read.faults, &address, publisher);
                self.take(&read, publisher);
            }
            publisher.live();
            let due = Instant::now() + pause(self.interval, fresh);
            while let Some(next) = self.next_resumption(publisher.now()) {
                // The time of a recording advances only with its content.
                if publisher.is_played() || Instant::now() + next >= due {
                    break;
                }
                sleep(next).await;
                self.resume(publisher);
            }
            publisher
                .rest(due.saturating_duration_since(Instant::now()))
                .await;
        }
    }

    /// Publishes the news of a document.
    fn take(&mut self, read: &Syndication, publisher: &Publisher) {
        let now = publisher.now();
        let listed = self.listed(read, publisher);
        let mut halts: Vec<Halt> = listed.values().cloned().collect();
        halts.sort_by_key(|halt| (halt.halted.time, halt.symbol));
        for halt in halts {
            let id = halt.id();
            let known = self.halts.get(&id);
            if known.is_some_and(|known| known.published == halt) {
                continue;
            }
            let is_over = known.is_some_and(|known| known.is_over);
            if !halt.ends_market_halt() {
                publisher.news(halt.news());
            }
            if !is_over {
                // The code may have changed with the times.
                if halt.resumption().is_none_or(|trade| trade > now) {
                    halt.stop(publisher);
                }
                self.open.insert(id.clone(), (halt.clone(), 0));
            }
            let published = halt;
            self.halts.insert(id, HaltRecord { published, is_over });
        }
        self.resume(publisher);
        let mut gone = Vec::new();
        for (id, (_, missed)) in &mut self.open {
            *missed = match listed.contains_key(id) {
                true => 0,
                false => *missed + 1,
            };
            if *missed >= MISSED {
                gone.push(id.clone());
            }
        }
        for id in gone {
            self.close(&id, publisher);
        }
    }

    /// The halts of a document, each once.
    fn listed(&mut self, read: &Syndication, publisher: &Publisher) -> HashMap<String, Halt> {
        let now = publisher.now();
        let mut listed: HashMap<String, Halt> = HashMap::new();
        for item in read.items.iter().take(ITEMS) {
            let (mut halt, problem) = match halt(item, now) {
                Ok(read) => read,
                Err(why) => {
                    if self.reported.is_new(&why) {
                        publisher.wrong(&why);
                    }
                    continue;
                }
            };
            let id = halt.id();
            if let Some(problem) = problem {
                // The time of receipt in it is another one with each poll.
                let lasting = problem.split(" of its receipt").next();
                if self.reported.is_new(lasting.unwrap_or_default()) {
                    publisher.wrong(&problem);
                }
                // The time of receipt counts from when it was first listed.
                if let Some(known) = self.halts.get(&id) {
                    halt.halted = known.published.halted.clone();
                }
            }
            match listed.get_mut(&id) {
                None => {
                    listed.insert(id, halt);
                }
                // If a halt is listed twice, the item with the later end is more complete, in either order.
                Some(known) => {
                    if *known != halt {
                        let what = format!("the halt {id} is listed twice with different details");
                        if self.reported.is_new(&what) {
                            publisher.duplicate(&what);
                        }
                    }
                    if halt.rank() > known.rank() {
                        *known = halt;
                    }
                }
            }
        }
        listed
    }

    /// Publishes each halt whose time of resumption has come.
    fn resume(&mut self, publisher: &Publisher) {
        let now = publisher.now();
        let over = |halt: &Halt| halt.resumption().filter(|trade| *trade <= now);
        let mut due: Vec<(Millis, String)> = self
            .open
            .iter()
            .filter_map(|(id, (halt, _))| Some((over(halt)?, id.clone())))
            .collect();
        due.sort();
        for (_, id) in due {
            let Some(halt) = self.close(&id, publisher) else {
                continue;
            };
            if let Some(news) = halt.resumed() {
                publisher.news(news);
            }
            if halt.ends_market_halt() {
                self.close_market_halts(&halt, publisher);
            }
        }
    }

    /// Ends the halts of the market that a resumption ends: those of its symbol, or all if it is of the market.
    fn close_market_halts(&mut self, end: &Halt, publisher: &Publisher) {
        let ended = |halt: &Halt| {
            is_market_wide(&halt.code) && (end.symbol.is_none() || end.symbol == halt.symbol)
        };
        let open = self.open.iter();
        let ids: Vec<String> = open
            .filter(|(_, (halt, _))| ended(halt) && halt.halted.time <= end.halted.time)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.close(&id, publisher);
        }
    }

    /// Ends a halt; trading resumes unless another halt of the same applies.
    fn close(&mut self, id: &str, publisher: &Publisher) -> Option<Halt> {
        let (halt, _) = self.open.remove(id)?;
        if let Some(known) = self.halts.get_mut(&id.to_owned()) {
            known.is_over = true;
        }
        let mut others = self.open.values();
        if !others.any(|(other, _)| other.symbol == halt.symbol) {
            match halt.symbol {
                Some(symbol) => publisher.resume(symbol),
                None => publisher.resume_market(),
            }
        }
        Some(halt)
    }

    fn next_resumption(&self, now: Millis) -> Option<Duration> {
        let times = self.open.values().filter_map(|(halt, _)| halt.resumption());
        let wait = times.min()?.saturating_sub(now);
        // A clock that stands still must not make this a loop.
        Some(Duration::from_millis(wait.max(10)))
    }
}

impl Feed for Halts {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}
