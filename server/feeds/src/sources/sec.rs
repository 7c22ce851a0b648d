//! The latest filings of the SEC's EDGAR, after its
//! [structured disclosure feeds](https://www.sec.gov/about/rss-feeds) and within its rules of
//! [fair access](https://www.sec.gov/search-filings/edgar-search-assistance/accessing-edgar-data): a
//! `User-Agent` that names who asks and how to reach him, and fewer than ten requests a second.
//!
//! The feed has an entry for each party of a filing; a filing is one story here. Whose filing it is decides
//! what it is filed under: its issuer or the company that it is about before whoever files. Companies are
//! numbered there (CIK); the SEC's own `company_tickers.json` says under which symbols they are traded.
//!
//! What a filing says is known by its form, and for a form 8-K by its items, which stand in the summary of
//! its entry: see [`FORMS`] and [`ITEMS`].

use std::{collections::HashMap, time::Duration};

use futures_util::future::BoxFuture;
use market::{Action, Basis, Link, Millis, News, NewsType, Symbol};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use tokio::{task::spawn_blocking, time::Instant};

use crate::kit::time::exchange_time;
use crate::{
    About, End, Feed, FeedError, Licence, Publisher,
    kit::options::{self, FeedOptions, Main},
    kit::{
        fetch::{self, Document, FetchError, Fetcher, Page, pause},
        forms,
        markup::{self, Date, Form, Item, Syndication},
        seen::{Reported, Seen},
    },
    list,
};
use directory::Listing;
use text::without_bom;

const NAME: &str = "SEC EDGAR";

/// How many entries a page has: the most that the SEC gives.
const COUNT: usize = 100;

/// How many pages are turned back at the most when all of a page is new.
const PAGES: usize = 10;

/// The least time between two requests: four a second.
const GAP: Duration = Duration::from_millis(250);

/// How many filings are remembered. A busy day has some eight thousand, of all forms.
const FILINGS: usize = 10_000;

/// The most parties of one filing that are told apart.
const PARTIES: usize = 50;

/// How long the file of symbols does, and how long it is let alone when it could not be read.
const TICKERS: Duration = Duration::from_secs(24 * 60 * 60);
const TICKERS_AGAIN: Duration = Duration::from_secs(10 * 60);

/// The most symbols that are taken from the SEC's file, which has some ten thousand, and of one company.
const MAX_SYMBOLS: usize = 50_000;
const MAX_OF_ONE: usize = 10;

/// How long the SEC locks out who asks too often.
const LOCKED_OUT: Duration = Duration::from_secs(10 * 60);

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The forms to tell of, their amendments included; none for all.
    #[serde(default, deserialize_with = "read_forms")]
    pub forms: Vec<String>,
    /// Who asks, and how to reach him.
    #[serde(default)]
    pub user_agent: String,
    /// How often the SEC is asked.
    #[serde(default = "interval", deserialize_with = "options::seconds")]
    pub interval: Duration,
    /// The address of the latest filings.
    #[serde(default = "url", deserialize_with = "options::http")]
    pub url: Url,
    /// The address of the file that says which symbols a company has.
    #[serde(default = "tickers", deserialize_with = "options::http")]
    pub tickers: Url,
}

fn interval() -> Duration {
    Duration::from_secs(15)
}

fn url() -> Url {
    options::fixed("https://www.sec.gov/cgi-bin/browse-edgar")
}

fn tickers() -> Url {
    options::fixed("https://www.sec.gov/files/company_tickers.json")
}

fn read_forms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let mut forms = Vec::new();
    for form in Vec::<String>::deserialize(deserializer)? {
        let is_form = !form.is_empty()
            && form.len() <= 20
            && form
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-/ ".contains(&byte));
        if !is_form {
            return Err(D::Error::custom(format!(
                "{form:?} is not a form of the SEC: expected letters, digits and dashes, as in 8-K"
            )));
        }
        let form = forms::named(&form);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    Ok(forms)
}

impl Options {
    /// What there is to say of forms that are not known: they may be misspelt.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let forms = self.forms.iter();
        forms.filter_map(|form| forms::doubt(form)).collect()
    }
}

impl FeedOptions for Options {
    const NAME: &'static str = "sec";
    const KEYS: &'static [&'static str] = &["forms", "user_agent", "interval", "url", "tickers"];
    const MAIN: Main = Main::List("forms");

    fn about(&self) -> About {
        let forms = match &self.forms[..] {
            [] => "all forms".to_owned(),
            forms => format!("the forms {}", list(forms)),
        };
        About {
            does: format!(
                "asks {} every {:?} for the latest filings of {forms}",
                fetch::place(&self.url),
                self.interval
            ),
            symbols: Vec::new(),
            licence: Licence::Public,
        }
    }

    fn checked(self) -> Result<Self, String> {
        const MOST: usize = 10;
        let example =
            "expected a name and an address of mail, as in user_agent=Jane Doe jane@example.com";
        let agent = &self.user_agent;
        if agent.is_empty() {
            return Err(format!(
                "without a user_agent: the SEC answers only those who say who they are; {example}"
            ));
        }
        let is_printable = agent.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let has_mail = agent.split(' ').any(|word| {
            let parts = word.split_once('@');
            parts.is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
        });
        if !is_printable || !has_mail || agent.len() > 200 {
            return Err(format!(
                "{agent:?} does not say who asks, which the SEC demands: {example}"
            ));
        }
        match self.forms.len() {
            0..=MOST => Ok(self),
            many => Err(format!(
                "{many} forms: expected at most {MOST}, because each is asked for by itself; none means all"
            )),
        }
    }
}

/// A feed of filings.
#[derive(Debug)]
pub struct Sec {
    options: Options,
    timeouts: fetch::Timeouts,
    gap: Duration,
    queries: Vec<Query>,
    filings: Seen<String, Filing>,
    reported: Reported,
    /// How often a newest page has been asked for.
    polls: u64,
    tickers: Tickers,
}

/// One form that is asked for, or all of them.
#[derive(Debug)]
struct Query {
    form: String,
    newest: Page,
    /// The last poll that came down to something known. What later ones met stands above a gap.
    caught_up: u64,
    /// Whether there was a filing of the form.
    has_met: bool,
}

#[derive(Debug)]
struct Tickers {
    page: Page,
    due: Instant,
    problem: Option<String>,
    of: HashMap<u64, Vec<Symbol>>,
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
            tickers: Tickers {
                page: Page::new(options.tickers.clone()),
                due: Instant::now(),
                problem: None,
                of: HashMap::new(),
            },
            options,
        }
    }

    /// The same feed with other limits of waiting.
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
            let mut wish = None;
            for at in 0..self.queries.len() {
                wish = wish.max(self.poll(&fetcher, at, publisher).await?);
                publisher.rest(self.gap).await;
            }
            publisher.set_partial_entitlement(self.doubts());
            match &self.tickers.problem {
                None => publisher.live(),
                Some(problem) => {
                    publisher.degraded(format!("filings come without symbols: {problem}"));
                }
            }
            publisher.rest(pause(self.options.interval, wish)).await;
        }
    }

    /// What there is to say of forms that are not known, and of which there was no filing either.
    fn doubts(&self) -> Option<String> {
        let unmet = self.queries.iter().filter(|query| !query.has_met);
        let doubts: Vec<String> = unmet
            .filter_map(|query| forms::doubt(&query.form))
            .collect();
        Some(doubts.join("; ")).filter(|doubts| !doubts.is_empty())
    }

    /// Asks for the newest page of a form, and for those before it until one has something known.
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
        // The first time there is nothing to be known, and one page is enough to begin with.
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
            // It was asked for without conditions.
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

    /// Tells what is new in a page, and answers whether it comes down to something known.
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
                        told: None,
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
        // The newest stand first, and are told last.
        for accession in touched.into_iter().rev() {
            let Some(filing) = self.filings.get_mut(&accession) else {
                continue;
            };
            let news = filing.news(&accession, &self.tickers.of);
            if filing.told.as_ref() != Some(&news) {
                filing.told = Some(news.clone());
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

/// The SEC says 403 to who does not name himself, and to whom it has locked out.
fn refused(mut error: FetchError, interval: Duration) -> FeedError {
    if matches!(
        error.status,
        Some(StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
    ) {
        error.why.push_str(
            "; the SEC locks out for ten minutes who asks more than ten times a second from one address, and answers nobody whose user_agent does not name him",
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
        // What is missing could not be told from what is not there.
        Form::Atom if !read.is_whole => Err("it breaks off in the middle".to_owned()),
        Form::Atom => Ok(read),
    }
}

/// Whether a form is asked for: the SEC's own filter takes every form that begins so.
fn covers(asked: &str, form: &str) -> bool {
    asked.is_empty() || form == asked || form.strip_suffix("/A") == Some(asked)
}

impl Tickers {
    async fn refresh(&mut self, fetcher: &Fetcher, publisher: &Publisher) {
        let result = match fetcher.get(&mut self.page).await {
            Ok(answer) => match answer.document {
                None => Ok(()),
                Some(document) => spawn_blocking(move || companies(&document.body))
                    .await
                    .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
                    .map(|companies| self.take(companies, publisher))
                    .map_err(|why| {
                        self.page.forget();
                        format!("{}: {why}", fetch::place(self.page.url()))
                    }),
            },
            Err(error) => Err(error.why),
        };
        self.due = Instant::now()
            + match result {
                Ok(()) => TICKERS,
                Err(_) => TICKERS_AGAIN,
            };
        if let Err(why) = &result {
            tracing::warn!(feed = NAME, "the symbols of companies: {why}");
        }
        // Yesterday's file does.
        self.problem = result.err().filter(|_| self.of.is_empty());
    }

    fn take(&mut self, companies: Vec<Company>, publisher: &Publisher) {
        self.of.clear();
        for company in &companies {
            let symbols = self.of.entry(company.cik).or_default();
            if symbols.len() < MAX_OF_ONE && !symbols.contains(&company.symbol) {
                symbols.push(company.symbol);
            }
        }
        publisher.list(companies.into_iter().map(|company| Listing {
            symbol: company.symbol,
            name: company.name,
            venue: None,
            currency: None,
            tick: None,
        }));
    }
}

struct Company {
    cik: u64,
    symbol: Symbol,
    name: String,
}

/// Reads the file of symbols, `{"0":{"cik_str":320193,"ticker":"AAPL","title":"Apple Inc."},…}`, and leaves
/// out what is none.
fn companies(body: &[u8]) -> Result<Vec<Company>, String> {
    let rows: serde_json::Map<String, Value> =
        serde_json::from_slice(without_bom(body)).map_err(|error| error.to_string())?;
    let companies: Vec<Company> = rows
        .values()
        .take(MAX_SYMBOLS)
        .filter_map(company)
        .collect();
    if companies.is_empty() {
        return Err("no company is in it: expected cik_str, ticker and title of each".to_owned());
    }
    Ok(companies)
}

fn company(row: &Value) -> Option<Company> {
    let cik = match row.get("cik_str")? {
        Value::String(text) => text.parse().ok()?,
        number => number.as_u64()?,
    };
    let ticker = row.get("ticker")?.as_str()?;
    // A class of shares is written BRK-B by the SEC, and BRK.B where it is traded.
    let class = ticker
        .rsplit_once('-')
        .filter(|(_, class)| class.len() == 1);
    let symbol = match class {
        Some((base, class)) => format!("{base}.{class}").parse().ok()?,
        None => ticker.parse().ok()?,
    };
    let name = row.get("title").and_then(Value::as_str).unwrap_or_default();
    let name = markup::cut(market::plain(name), 200);
    Some(Company { cik, symbol, name })
}

/// What one entry says: a filing, of one of its parties.
#[derive(Debug, PartialEq)]
struct Part {
    accession: String,
    form: String,
    link: Option<Link>,
    updated: Millis,
    items: Vec<(String, String)>,
    party: Option<Party>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Party {
    name: String,
    cik: u64,
    role: Role,
}

/// What somebody is to a filing, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// Whose securities somebody else reports to own or to trade.
    Issuer,
    /// Whom somebody else's filing is about.
    Subject,
    /// Who files about himself.
    Filer,
    /// Who reports what he owns, or files about another.
    Reporting,
}

fn part(entry: &Item) -> Result<Part, String> {
    let title = entry.title.as_ref().map(|title| title.plain());
    let title = title.unwrap_or_default();
    let start: String = title.chars().take(80).collect();
    let accession = entry
        .id
        .as_deref()
        .unwrap_or_default()
        .trim()
        .rsplit_once("accession-number=")
        .map(|(_, number)| number)
        .filter(|number| is_accession(number))
        .ok_or_else(|| format!("the entry {start:?} has no accession number"))?;
    let form = entry
        .categories
        .iter()
        .map(|(_, term)| market::plain(term))
        .find(|term| (1..=20).contains(&term.chars().count()))
        .ok_or_else(|| format!("the entry {start:?} has no form"))?;
    let updated = match &entry.date {
        Date::At(time) => *time,
        Date::Missing => return Err(format!("the entry {start:?} has no time")),
        Date::Unread(text) => {
            return Err(format!(
                "the entry {start:?} at {text:?}: expected a time of RFC 3339"
            ));
        }
    };
    let summary = entry.summary.as_ref().map_or("", |text| text.raw());
    Ok(Part {
        accession: accession.to_owned(),
        party: party(&title, &form),
        items: items(summary),
        form,
        link: entry.link.clone(),
        updated,
    })
}

/// Ten digits of who files, two of the year, six of the number.
fn is_accession(text: &str) -> bool {
    let is_digits =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], [filer, year, number]
        if is_digits(filer, 10) && is_digits(year, 2) && is_digits(number, 6))
}

/// The party that a title names: `8-K - NAME (CIK) (Filer)`.
fn party(title: &str, form: &str) -> Option<Party> {
    let rest = title.strip_prefix(form).unwrap_or(title);
    let rest = rest.trim_start().strip_prefix("- ").unwrap_or(rest);
    let (rest, role) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let (name, cik) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let role = match role {
        "Issuer" => Role::Issuer,
        "Subject" => Role::Subject,
        "Filer" => Role::Filer,
        _ => Role::Reporting,
    };
    Some(Party {
        name: markup::cut(name.trim().to_owned(), 120),
        cik: cik.parse().ok()?,
        role,
    })
}

/// The items of a form 8-K, as `Item 2.02: Results of Operations …` in the lines of a summary.
fn items(summary: &str) -> Vec<(String, String)> {
    let lines = summary.split("<br>").map(markup::text_of);
    let items = lines.filter_map(|line| {
        let (number, title) = line.strip_prefix("Item ")?.split_once(": ")?;
        let is_number = matches!(number.as_bytes(), [a, b'.', b, c]
            if [a, b, c].iter().all(|byte| byte.is_ascii_digit()));
        is_number.then(|| (number.to_owned(), markup::cut(title.to_owned(), 200)))
    });
    items.take(20).collect()
}

/// What the items of a form 8-K mean
/// ([the form](https://www.sec.gov/files/form8-k.pdf)), the gravest first. An agreement (1.01) may be a
/// merger and is a credit more often, so that it stays a filing; its title says what it is.
pub const ITEMS: [(&str, NewsType); 8] = [
    ("1.03", NewsType::Notice),
    ("1.05", NewsType::Notice),
    ("3.01", NewsType::Notice),
    ("4.02", NewsType::Notice),
    ("2.02", NewsType::Earnings),
    ("2.01", NewsType::Merger),
    ("5.01", NewsType::Merger),
    ("5.02", NewsType::Management),
];

/// What forms are, with their types.
pub const FORMS: [(&str, NewsType, &str); 39] = [
    ("3", NewsType::Insider, "first holdings of an insider"),
    ("4", NewsType::Insider, "trade of an insider"),
    ("5", NewsType::Insider, "yearly statement of an insider"),
    ("144", NewsType::Insider, "planned sale of an insider"),
    ("8-K", NewsType::Filing, "current report"),
    ("6-K", NewsType::Filing, "report of a foreign issuer"),
    ("10-K", NewsType::Filing, "annual report"),
    ("10-Q", NewsType::Filing, "quarterly report"),
    ("20-F", NewsType::Filing, "annual report"),
    ("40-F", NewsType::Filing, "annual report"),
    ("11-K", NewsType::Filing, "annual report of a plan"),
    ("DEF 14A", NewsType::Filing, "proxy statement"),
    ("DEFA14A", NewsType::Filing, "more for its proxy statement"),
    ("PRE 14A", NewsType::Filing, "draft of a proxy statement"),
    ("SC 13D", NewsType::Filing, "stake of an active owner"),
    ("SC 13G", NewsType::Filing, "stake of a passive owner"),
    ("SCHEDULE 13D", NewsType::Filing, "stake of an active owner"),
    ("SCHEDULE 13G", NewsType::Filing, "stake of a passive owner"),
    ("13F-HR", NewsType::Filing, "holdings of a manager"),
    ("S-1", NewsType::Offering, "registration of securities"),
    ("S-3", NewsType::Offering, "registration of securities"),
    ("F-1", NewsType::Offering, "registration of securities"),
    ("F-3", NewsType::Offering, "registration of securities"),
    ("424B2", NewsType::Offering, "prospectus"),
    ("424B3", NewsType::Offering, "prospectus"),
    ("424B4", NewsType::Offering, "prospectus"),
    ("424B5", NewsType::Offering, "prospectus"),
    ("D", NewsType::Offering, "private offering"),
    ("425", NewsType::Merger, "statement on a merger"),
    ("S-4", NewsType::Merger, "registration for a merger"),
    ("F-4", NewsType::Merger, "registration for a merger"),
    ("DEFM14A", NewsType::Merger, "proxy statement on a merger"),
    (
        "PREM14A",
        NewsType::Merger,
        "draft of a proxy statement on a merger",
    ),
    ("SC TO-T", NewsType::Merger, "tender offer"),
    ("SC 14D9", NewsType::Merger, "answer to a tender offer"),
    ("NT 10-K", NewsType::Notice, "annual report will be late"),
    ("NT 10-Q", NewsType::Notice, "quarterly report will be late"),
    ("25", NewsType::Notice, "removal from an exchange"),
    ("25-NSE", NewsType::Notice, "removal from an exchange"),
];

/// What is known of a filing.
#[derive(Debug)]
struct Filing {
    /// The poll that met it first.
    met: u64,
    form: String,
    link: Option<Link>,
    published: Millis,
    items: Vec<(String, String)>,
    // In the order in which they were met.
    parties: Vec<Party>,
    told: Option<News>,
}

impl Filing {
    fn add(&mut self, party: Option<Party>) {
        let known = |party: &Party| self.parties.iter().any(|other| other.cik == party.cik);
        if let Some(party) = party.filter(|party| !known(party))
            && self.parties.len() < PARTIES
        {
            self.parties.push(party);
        }
    }

    fn news(&self, accession: &str, tickers: &HashMap<u64, Vec<Symbol>>) -> News {
        let first = self.parties.iter().map(|party| party.role).min();
        let (about, others): (Vec<&Party>, Vec<&Party>) = self
            .parties
            .iter()
            .partition(|party| Some(party.role) == first);
        let mut symbols: Vec<Symbol> = Vec::new();
        for symbol in about
            .iter()
            .filter_map(|party| tickers.get(&party.cik))
            .flatten()
        {
            if !symbols.contains(symbol) && symbols.len() < PARTIES {
                symbols.push(*symbol);
            }
        }
        let (kind, what) = self.meaning();
        let who = match about[..] {
            [] => NAME.to_owned(),
            [one] => one.name.clone(),
            [one, ..] => format!("{} and {} more", one.name, about.len() - 1),
        };
        let by = match others[..] {
            [] => String::new(),
            [one] => format!(", by {}", one.name),
            [one, ..] => format!(", by {} and {} more", one.name, others.len() - 1),
        };
        let what = if what.is_empty() { "filing" } else { &what };
        let names = |parties: &[&Party]| {
            let names: Vec<&str> = parties.iter().map(|party| party.name.as_str()).collect();
            names.join("; ")
        };
        let mut summary = Vec::new();
        if !self.items.is_empty() {
            let items: Vec<String> = self
                .items
                .iter()
                .map(|(number, title)| format!("Item {number}: {title}"))
                .collect();
            summary.push(items.join("; "));
        }
        if others.len() > 1 {
            summary.push(format!("By {}", names(&others)));
        }
        if about.len() > 1 {
            summary.push(format!("About {}", names(&about)));
        }
        let summary = Some(summary.join(". ")).filter(|summary| !summary.is_empty());
        News {
            id: format!("sec:{accession}"),
            kind,
            basis: match kind {
                NewsType::Filing => Basis::Native,
                _ => Basis::Mapped,
            },
            action: Action::Created,
            symbols,
            headline: markup::cut(format!("{who}: {what}{by} ({})", self.form), 500),
            summary: summary.map(|summary| markup::cut(summary, 4_000)),
            url: self.link.clone(),
            source: NAME.to_owned(),
            published: self.published,
            form: Some(self.form.clone()),
            accession: Some(accession.to_owned()),
            code: None,
        }
    }

    /// The type of a filing, and what it is in words.
    fn meaning(&self) -> (NewsType, String) {
        let base = self.form.strip_suffix("/A").unwrap_or(&self.form);
        let row = FORMS.iter().find(|(form, ..)| *form == base);
        let (mut kind, mut what) = row.map_or((NewsType::Filing, String::new()), |row| {
            (row.1, row.2.to_owned())
        });
        if base == "8-K" {
            let has = |number: &str| self.items.iter().any(|(item, _)| item == number);
            if let Some((_, gravest)) = ITEMS.iter().find(|(number, _)| has(number)) {
                kind = *gravest;
            }
            // Exhibits stand beside almost everything and say nothing.
            let titles: Vec<&str> = self
                .items
                .iter()
                .filter(|(number, _)| number != "9.01")
                .map(|(_, title)| title.as_str())
                .collect();
            if !titles.is_empty() {
                what = titles.join("; ");
            }
        }
        (kind, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_has_no_blanks_around_its_name() {
        for title in [
            "8-K - Acme Corp. (0000000077) (Filer)",
            "8-K  -  Acme Corp.  (0000000077) (Filer)",
            // Another dash, or what was left of one.
            "8-K Acme Corp. (0000000077) (Filer)",
        ] {
            let party = party(title, "8-K").unwrap();
            assert_eq!(
                (party.name.as_str(), party.cik),
                ("Acme Corp.", 77),
                "{title}"
            );
        }
        assert!(party("8-K - Acme Corp.", "8-K").is_none());
    }
}
