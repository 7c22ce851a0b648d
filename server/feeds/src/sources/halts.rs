//! Trading halts of the US exchanges, after
//! [Nasdaq's feed of trade halts](https://www.nasdaqtrader.com/Trader.aspx?id=TradeHaltRSS): RSS with fields
//! of its own (`ndaq:`), and [codes of reasons](https://www.nasdaqtrader.com/Trader.aspx?id=TradeHaltCodes).
//!
//! A halt is one story from when it is called to when the times of its resumption are known, and its
//! resumption another one when it comes. Between the two the symbol's session is halted. A halt of the whole
//! market is listed without a symbol; between it and its resumption all US stocks are halted. Times there are
//! of New York.

use std::{collections::HashMap, fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use market::{Action, Basis, Link, Millis, News, NewsType, Price, Symbol, SymbolError};
use reqwest::Url;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::kit::time::exchange_time;
use crate::{
    About, End, Feed, FeedError, Licence, Publisher,
    kit::options::{self, FeedOptions, Main},
    kit::{
        fetch::{self, Fetcher, Page, pause},
        markup::{self, Form, Item, Syndication},
        seen::{Reported, Seen},
    },
};
use sessions::is_market_wide;

const NAME: &str = "Nasdaq Trade Halts";

/// The most halts of one document. Some are listed for months; on a bad day there are a few hundred.
const ITEMS: usize = 5_000;

/// How many halts are remembered.
const REMEMBERED: usize = 2 * ITEMS;

/// Trading resumes on the next trading day at the latest, where a time is known; one that is further ahead
/// is wrong.
const FURTHEST: Millis = 7 * 24 * 60 * 60 * 1_000;

/// So many documents in a row without a halt that was listed, and it is over, although no item ended it.
const MISSED: u32 = 3;

/// The code of the end of a halt of the whole market.
const RESUMED: &str = "MWCQ";

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// How often Nasdaq is asked; never more often than its feed allows.
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
                "asks {} every {:?} for halts of trading and their ends",
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
    /// The halts that are not over, by their ids, with how many documents in a row did not list them.
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

    /// The same feed with other limits of waiting.
    pub fn with_timeouts(self, timeouts: fetch::Timeouts) -> Self {
        Halts { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let fetcher = Fetcher::new(fetch::USER_AGENT, self.timeouts)?.of(publisher);
        loop {
            // What the last documents announced holds also while there is no new one.
            self.resume(publisher);
            let answer = fetcher
                .get(&mut self.page)
                .await
                .map_err(|error| error.paced(self.interval))?;
            publisher.record_receipt();
            let mut asked = answer.fresh;
            if let Some(document) = answer.document {
                let address = self.page.url().clone();
                let read = match markup::read(document, address.clone()).await {
                    Ok(read) if read.form == Form::Atom => {
                        Err("it is Atom: expected RSS".to_owned())
                    }
                    // A halt that is missing is not over.
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
                asked = asked.max(read.ttl);
                self.reported.faults(&read.faults, &address, publisher);
                self.take(&read, publisher);
            }
            publisher.live();
            let due = Instant::now() + pause(self.interval, asked);
            while let Some(next) = self.next_resumption(publisher.now()) {
                // The time of a recording only goes on with what it holds.
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

    /// Tells what is new in a document.
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
                // A time of receipt stands for the halt from when it was first listed.
                if let Some(known) = self.halts.get(&id) {
                    halt.halted = known.published.halted.clone();
                }
            }
            match listed.get_mut(&id) {
                None => {
                    listed.insert(id, halt);
                }
                // Where a halt is listed twice, the item with the later end says more, in either order.
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

    /// Tells of each halt whose time of resumption has come.
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

    /// Takes the halts of the market for over that a resumption ends: those of its symbol, or all
    /// where it is of the market.
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

    /// Takes a halt for over; what it is of is traded again where no other halt of it stands.
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

/// A halt, as the feed lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Halt {
    /// What is halted; none where it is the whole market.
    symbol: Option<Symbol>,
    name: String,
    market: String,
    code: String,
    halted: Moment,
    threshold: Option<Price>,
    quotes: Option<Moment>,
    trades: Option<Moment>,
    link: Option<Link>,
}

/// A time, and how it was written for people in New York.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    time: Millis,
    text: String,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads an item; with it comes what of it is wrong and was left out.
fn halt(item: &Item, now: Millis) -> Result<(Halt, Option<String>), String> {
    let title = item.title.as_ref().map(|title| title.plain());
    let title: String = title.unwrap_or_default().chars().take(64).collect();
    // Names of fields are in small letters there.
    let field = |name: &str| {
        let mut fields = item.fields.iter();
        let (_, value) = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        let value = market::plain(value);
        Some(markup::cut(value, 120)).filter(|value| !value.is_empty())
    };
    let has_symbol = item.fields.iter().any(|(name, _)| name == "issuesymbol");
    if !has_symbol {
        return Err(format!("the item {title:?} has no ndaq:IssueSymbol"));
    }
    let code = field("ReasonCode").unwrap_or_default();
    let symbol = match field("IssueSymbol") {
        None if is_market_wide(&code) || code == RESUMED => None,
        text => Some(read_symbol(&text.unwrap_or_default())?),
    };
    let of = symbol.map_or("the market".to_owned(), |symbol| symbol.to_string());
    let date = field("HaltDate").unwrap_or_default();
    let time = field("HaltTime").unwrap_or_default();
    let mut halted = new_york(&date, &time).ok_or_else(|| {
        format!("the halt of {of} at {date:?} {time:?}: expected MM/DD/YYYY and HH:MM:SS")
    })?;
    let mut problem = None;
    if let Err(error) = exchange_time(halted.time, now, &title) {
        problem = Some(format!("the halt of {of}: {error}"));
        halted.time = now;
    }
    let day = field("ResumptionDate").unwrap_or(date);
    let mut resumption = |name: &str| {
        let time = field(name)?;
        let moment =
            new_york(&day, &time).filter(|moment| moment.time.saturating_sub(now) <= FURTHEST);
        if moment.is_none() {
            problem = Some(format!(
                "the resumption of {of} at {day:?} {time:?}: expected MM/DD/YYYY and HH:MM:SS within a week"
            ));
        }
        moment
    };
    let (quotes, trades) = (
        resumption("ResumptionQuoteTime"),
        resumption("ResumptionTradeTime"),
    );
    let halt = Halt {
        symbol,
        name: field("IssueName").unwrap_or_default(),
        market: field("Market").or_else(|| field("Mkt")).unwrap_or_default(),
        code: markup::cut(code, 40),
        halted,
        threshold: field("PauseThresholdPrice").and_then(|price| price.parse().ok()),
        quotes,
        trades,
        link: item.link.clone(),
    };
    Ok((halt, problem))
}

fn read_symbol(text: &str) -> Result<Symbol, String> {
    text.parse().map_err(|error: SymbolError| error.to_string())
}

/// A date and a time of New York, `06/22/2026` and `09:57:48.636`.
fn new_york(date: &str, time: &str) -> Option<Moment> {
    let time: String = time.chars().filter(|c| !c.is_whitespace()).collect();
    let civil = DateTime::strptime("%m/%d/%Y %H:%M:%S%.f", format!("{date} {time}")).ok()?;
    let zone = TimeZone::get("America/New_York").ok()?;
    let timestamp: Timestamp = civil.to_zoned(zone).ok()?.timestamp();
    let text = civil.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let time = Millis::try_from(timestamp.as_millisecond()).ok()?;
    Some(Moment { time, text })
}

impl Halt {
    /// It is the same halt as long as it is of the same symbol and time.
    fn id(&self) -> String {
        // Symbols are in upper case.
        let of = self.symbol.as_ref().map_or("market", Symbol::as_str);
        format!("nasdaq-halts:{of}:{}", self.halted.text)
    }

    /// Whether it is no halt but the end of one of the market.
    fn ends_market_halt(&self) -> bool {
        self.code == RESUMED
    }

    /// Which of two listings of the halt counts: the greater one.
    fn rank(&self) -> impl Ord + use<> {
        let times = (self.trades.clone(), self.quotes.clone());
        let details = (self.code.clone(), self.name.clone(), self.market.clone());
        (times, details, self.threshold)
    }

    /// When trading resumes, where that is known.
    fn resumes(&self) -> Option<&Moment> {
        let at_once = self.ends_market_halt().then_some(&self.halted);
        self.trades.as_ref().or(at_once)
    }

    fn resumption(&self) -> Option<Millis> {
        Some(self.resumes()?.time)
    }

    /// Halts the symbol or the market.
    fn stop(&self, publisher: &Publisher) {
        match self.symbol {
            // Until its time comes, the halt that it ends goes on.
            _ if self.ends_market_halt() => {}
            Some(symbol) => publisher.halt(symbol, &self.code),
            None => publisher.halt_market(&self.code),
        }
    }

    /// Whose halt it is.
    fn who(&self) -> String {
        match self.symbol {
            None => "The US stock market".to_owned(),
            Some(symbol) if self.name.is_empty() => symbol.to_string(),
            Some(symbol) => format!("{} ({symbol})", self.name),
        }
    }

    fn news(&self) -> News {
        let mut headline = format!("{} is halted", self.who());
        if !self.code.is_empty() {
            headline.push_str(": ");
            headline.push_str(&in_words(&self.code));
        }
        if let Some(trades) = &self.trades {
            headline.push_str(&format!("; trading resumes at {trades} in New York"));
        } else if let Some(quotes) = &self.quotes {
            headline.push_str(&format!("; quotes resume at {quotes} in New York"));
        }
        let mut summary = format!("Halted at {} in New York", self.halted);
        if !self.market.is_empty() {
            summary.push_str(&format!(" on {}", self.market));
        }
        if let Some(threshold) = self.threshold {
            summary.push_str(&format!("; the price that set it off: {threshold}"));
        }
        if let Some(quotes) = &self.quotes {
            summary.push_str(&format!("; quotes from {quotes}"));
        }
        if let Some(trades) = &self.trades {
            summary.push_str(&format!("; trades from {trades}"));
        }
        News {
            id: self.id(),
            kind: NewsType::Halt,
            basis: Basis::Native,
            action: Action::Created,
            symbols: self.symbol.into_iter().collect(),
            headline,
            summary: Some(summary),
            url: self.link.clone(),
            source: NAME.to_owned(),
            published: self.halted.time,
            form: None,
            accession: None,
            code: Some(self.code.clone()).filter(|code| !code.is_empty()),
        }
    }

    fn resumed(&self) -> Option<News> {
        let resumed = self.resumes()?;
        let summary = match self.ends_market_halt() {
            true => format!("Resumed at {resumed} in New York"),
            false => format!(
                "Halted at {} and resumed at {resumed} in New York",
                self.halted
            ),
        };
        Some(News {
            id: format!("{}:resume", self.id()),
            kind: NewsType::Resume,
            headline: format!("{} is traded again", self.who()),
            summary: Some(summary),
            published: resumed.time,
            ..self.news()
        })
    }
}

/// What the codes mean, shortened from Nasdaq's own list.
const CODES: [(&str, &str); 35] = [
    ("T1", "news pending"),
    ("T2", "news released"),
    ("T3", "news, and times of resumption"),
    ("T5", "single stock pause"),
    ("T6", "extraordinary market activity"),
    ("T7", "quotes only after a single stock pause"),
    ("T8", "exchange-traded fund"),
    ("T12", "more information is requested"),
    ("H4", "listing requirements not met"),
    ("H9", "not current in its filings"),
    ("H10", "suspended by the SEC"),
    ("H11", "regulatory concern"),
    ("O1", "operations"),
    ("IPO1", "not yet traded for the first time"),
    ("IPOQ", "quotes before the first trade"),
    ("IPOE", "first trade put off"),
    ("M1", "corporate action"),
    ("M2", "no quotes to be had"),
    ("M", "volatility pause"),
    ("LUDP", "volatility pause"),
    ("LUDS", "volatility pause, no quotes within the bands"),
    ("MWC0", "market-wide halt of the day before"),
    ("MWC1", "market-wide halt, level 1"),
    ("MWC2", "market-wide halt, level 2"),
    ("MWC3", "market-wide halt, level 3"),
    ("MWCQ", "market-wide halt is over"),
    ("R1", "new issue"),
    ("R2", "issue to be had"),
    ("R4", "qualification resolved"),
    ("R9", "filings brought up to date"),
    ("C3", "news did not come"),
    ("C4", "qualification halt ended"),
    ("C9", "qualification halt ended, filings met"),
    ("C11", "halt of another authority ended"),
    ("D", "no longer listed"),
];

fn in_words(code: &str) -> String {
    match CODES.iter().find(|(known, _)| *known == code) {
        Some((_, words)) => format!("{words} ({code})"),
        None => format!("code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn times_of_new_york_are_taken_by_the_season() {
        for (date, time, utc) in [
            ("06/22/2026", "09:57:48.636", "2026-06-22T13:57:48.636Z"),
            ("11/20/2026", "09:57:48", "2026-11-20T14:57:48Z"),
            ("09/29/2026", "07:32:12 .540", "2026-09-29T11:32:12.540Z"),
            // The days on which the clocks are changed, and the hours that come twice or never.
            ("03/08/2026", "01:59:59", "2026-03-08T06:59:59Z"),
            ("03/08/2026", "03:00:00", "2026-03-08T07:00:00Z"),
            ("03/08/2026", "02:30:00", "2026-03-08T07:30:00Z"),
            ("11/01/2026", "01:30:00", "2026-11-01T05:30:00Z"),
            ("11/01/2026", "09:30:00", "2026-11-01T14:30:00Z"),
        ] {
            let expected: Timestamp = utc.parse().unwrap();
            let moment = new_york(date, time).unwrap();
            assert_eq!(
                moment.time as i64,
                expected.as_millisecond(),
                "{date} {time}"
            );
        }
        for (date, time) in [
            ("", ""),
            ("22/06/2026", "09:57:48"),
            ("06/22/2026", "25:00:00"),
            ("06/22/2026", "noon"),
            ("01/01/1960", "09:30:00"),
        ] {
            assert_eq!(new_york(date, time), None, "{date} {time}");
        }
    }

    #[test]
    fn codes_are_said_in_words_once() {
        let codes: HashSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), CODES.len());
        assert_eq!(in_words("T1"), "news pending (T1)");
        assert_eq!(in_words("X9"), "code X9");
    }
}
