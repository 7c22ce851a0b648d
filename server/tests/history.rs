//! History over HTTP: bars, news, charts and the directory, with an archive and without one.

mod support;

use std::{
    collections::BTreeSet,
    ops::Range,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use ::archive::{Archive, FoundNews, Importer, Options, Overlay, Rolled, Split};
use directory::{Directory, Listing};
use events::Tape;
use front::Settings;
use history::{History, NewsFilter, Past, Unreadable};
use market::{Action, Bar, Event, Interval, Millis, News, NewsType, Symbol};
use reqwest::Response;
use serde_json::Value;
use server::http::Search;
use tape::{EventId, Limits};

use support::{START, Server, bar, problem, quote, service, session, symbol};

const MINUTE: u64 = 60_000;

/// The first minute of the tests.
const FIRST: u64 = START / MINUTE * MINUTE;

/// A server with an archive that is written when a test requests it, and removed with it.
struct Archived {
    server: Server,
    archive: Archive,
    waiting: Mutex<Vec<(EventId, Arc<Event>)>>,
    folder: PathBuf,
}

impl Archived {
    fn start() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "tickertape-history-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&folder);
        let options = Options::new(Arc::new(|| START));
        let (archive, opened) = Archive::open(&folder, "test.db", options).unwrap();
        let mut service = service(1000);
        let limits = Limits {
            entries: 1000,
            bytes: usize::MAX,
            topic_bytes: 0,
            age_ms: u64::MAX,
        };
        service.tape = Tape::new(opened.start.max(START), opened.mark, limits);
        service.history = History::new(Arc::new(archive.clone()));
        let now = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&now);
        service.clock = Arc::new(move || clock.load(Ordering::SeqCst));
        Archived {
            server: Server::serving(service, now, Settings::default()),
            archive,
            waiting: Mutex::default(),
            folder,
        }
    }

    fn append(&self, event: Event) -> EventId {
        let id = self.server.append(event.clone());
        self.waiting.lock().unwrap().push((id, Arc::new(event)));
        id
    }

    /// Writes everything that was appended so far.
    async fn write(&self) {
        let events = std::mem::take(&mut *self.waiting.lock().unwrap());
        self.archive.commit(events).await.unwrap();
    }
}

impl Drop for Archived {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A bar of a minute at a price.
fn at(minute: u64, price: u64) -> Event {
    let Event::Bar(bar) = bar("GOOG", 0) else {
        unreachable!()
    };
    let price = price.to_string().parse().unwrap();
    Event::Bar(Bar {
        start: FIRST + minute * MINUTE,
        open: price,
        high: price,
        low: price,
        close: price,
        vwap: Some(price),
        ..bar
    })
}

fn news(id: usize, headline: &str) -> News {
    let Event::News(news) = support::news(&format!("test:{id}"), "GOOG") else {
        unreachable!()
    };
    News {
        headline: headline.to_owned(),
        ..news
    }
}

fn numbers<'a>(answer: &'a Value, list: &str, field: &str) -> Vec<&'a Value> {
    let list = answer[list].as_array().unwrap();
    list.iter().map(|item| &item[field]).collect()
}

/// The target of `Link` with the relation `next`.
fn next(response: &Response) -> Option<String> {
    let link = response.headers().get("link")?.to_str().unwrap();
    let address = link.strip_suffix(">; rel=\"next\"").unwrap();
    Some(address.strip_prefix('<').unwrap().to_owned())
}

async fn text(response: Response) -> String {
    assert_eq!(response.status(), 200, "{}", response.url());
    response.text().await.unwrap()
}

#[tokio::test]
async fn bars_come_from_the_archive_and_go_on_with_the_tape() {
    let of = Archived::start();
    of.append(quote("GOOG", "5"));
    for minute in 0..7 {
        of.append(at(minute, minute + 1));
    }
    of.write().await;
    for minute in 7..12 {
        of.append(at(minute, minute + 1));
    }
    let minutes = of.server.json("/stocks/GOOG/bars").await;
    let closes: Vec<String> = (1..=12).map(|price| price.to_string()).collect();
    assert_eq!(
        numbers(&minutes, "bars", "close"),
        closes.iter().collect::<Vec<_>>()
    );
    assert_eq!(minutes["until"], Value::Null);

    // Whatever is written, every minute is in exactly one longer bar.
    let path = "/stocks/GOOG/bars?interval=15m";
    let before = of.server.json(path).await;
    of.write().await;
    let after = of.server.json(path).await;
    assert_eq!(before, after);
    let trades = numbers(&after, "bars", "trades");
    let trades: u64 = trades.iter().map(|trades| trades.as_u64().unwrap()).sum();
    assert_eq!(trades, 12 * 3);
    assert_eq!(after["until"], FIRST + 12 * MINUTE);
    for interval in ["5m", "1h", "1d"] {
        let path = format!("/stocks/GOOG/bars?interval={interval}");
        let bars = of.server.json(&path).await;
        let length = interval.parse::<Interval>().unwrap().millis();
        let starts = numbers(&bars, "bars", "start");
        assert!(
            starts
                .iter()
                .all(|start| start.as_u64().unwrap() % length == 0),
            "{bars}"
        );
        let volumes = numbers(&bars, "bars", "volume");
        let volume: u64 = volumes
            .iter()
            .map(|v| v.as_str().unwrap().parse::<u64>().unwrap())
            .sum();
        assert_eq!(volume, 12 * 10, "{interval}");
    }
}

/// Over a weekend four shares became ten: Friday's bars are in the archive only, Monday's first ones on the tape only,
/// and one on the tape is from before the split.
#[tokio::test]
async fn an_imported_split_is_taken_out_unless_bars_are_wanted_as_they_were() {
    let of = Archived::start();
    of.server.at(3 * MINUTE);
    of.append(quote("GOOG", "5"));
    of.append(at(0, 100));
    of.write().await;
    of.append(at(1, 110));
    of.append(at(2, 44));
    let path = "/stocks/GOOG/bars";
    let closes = async |path: &str| {
        let bars = of.server.json(path).await;
        let closes = numbers(&bars, "bars", "close").into_iter();
        let closes: Vec<String> = closes.map(|c| c.as_str().unwrap().to_owned()).collect();
        closes
    };
    assert_eq!(closes(path).await, ["100", "110", "44"]);
    let chart = "/stocks/GOOG/chart.svg";
    let cliff = text(of.server.get(chart, &[]).await).await;

    // By another process, while the server runs.
    let split = Split {
        symbol: symbol("GOOG"),
        time: FIRST + 2 * MINUTE,
        ratio: "2.5".parse().unwrap(),
    };
    let folder = of.folder.clone();
    tokio::task::spawn_blocking(move || {
        let mut importer = Importer::open(&folder, "test.db").unwrap();
        importer.split(&split).unwrap();
    })
    .await
    .unwrap();
    assert_eq!(closes(path).await, ["40", "44", "44"]);
    let raw = format!("{path}?adjust=none");
    assert_eq!(closes(&raw).await, ["100", "110", "44"]);
    let adjusted = format!("{path}?adjust=splits");
    assert_eq!(closes(&adjusted).await, ["40", "44", "44"]);
    let level = text(of.server.get(chart, &[]).await).await;
    assert_ne!(level, cliff);
    let raw = of.server.get(&format!("{chart}?adjust=none"), &[]).await;
    assert_eq!(text(raw).await, cliff);
    // Written or not, on one side of the seam or the other.
    of.write().await;
    assert_eq!(closes(path).await, ["40", "44", "44"]);
}

#[tokio::test]
async fn paging_walks_every_bar_once_while_new_ones_come() {
    let of = Archived::start();
    of.append(quote("GOOG", "5"));
    for minute in 0..40 {
        of.append(at(minute, 1));
        if minute == 25 {
            of.write().await;
        }
    }
    for limit in [1, 7, 40, 100] {
        let mut walked = Vec::new();
        let mut path = Some(format!(
            "/stocks/GOOG/bars?limit={limit}&from={}",
            FIRST + 3 * MINUTE
        ));
        let mut step = 0;
        while let Some(address) = path {
            let response = of.server.get(&address, &[]).await;
            path = next(&response);
            let answer: Value = serde_json::from_str(&text(response).await).unwrap();
            let starts = numbers(&answer, "bars", "start");
            assert!(starts.len() <= limit);
            let starts = starts.iter().rev();
            walked.extend(starts.map(|start| (start.as_u64().unwrap() - FIRST) / MINUTE));
            of.append(at(1_000 * limit as u64 + step, 2));
            step += 1;
            if step % 2 == 0 {
                of.write().await;
            }
        }
        let walked: Vec<u64> = walked.into_iter().filter(|minute| *minute < 40).collect();
        assert_eq!(walked, (3..40).rev().collect::<Vec<_>>(), "{limit} a page");
    }
}

#[tokio::test]
async fn bars_as_csv_are_exact_and_named() {
    let server = Server::start().listed();
    server.append(bar("GOOG", 0));
    for (path, accept) in [
        ("/stocks/GOOG/bars?format=csv", "application/json"),
        ("/stocks/GOOG/bars", "text/csv"),
    ] {
        let response = server.get(path, &[("accept", accept)]).await;
        let headers = response.headers();
        assert_eq!(
            headers["content-type"],
            "text/csv; charset=utf-8; header=present"
        );
        assert_eq!(
            headers["content-disposition"],
            "attachment; filename=\"GOOG-1m.csv\""
        );
        let tag = headers["etag"].to_str().unwrap().to_owned();
        let time = "2024-11-20T13:58:00Z";
        assert_eq!(
            text(response).await,
            format!(
                "start,time,open,high,low,close,volume,vwap,trades\r\n{FIRST},{time},1.0,2.0,0.5,1.5,10,,3\r\n"
            )
        );
        let held = server
            .get(path, &[("accept", accept), ("if-none-match", &tag)])
            .await;
        assert_eq!(held.status(), 304, "{path}");
        // The tag is of this format only.
        let other = server
            .get("/stocks/GOOG/bars?format=json", &[("if-none-match", &tag)])
            .await;
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn what_only_the_archive_knows_has_bars_and_a_chart() {
    let of = Archived::start();
    of.append(quote("GOOG", "5"));
    let Event::Bar(bar) = bar("OLD", 0) else {
        unreachable!()
    };
    let id = of.append(quote("GOOG", "6"));
    let next = EventId { n: id.n + 1, ..id };
    let event = Arc::new(Event::Bar(bar));
    of.archive.commit(vec![(next, event)]).await.unwrap();
    let bars = of.server.json("/stocks/old/bars?interval=1d").await;
    assert_eq!(numbers(&bars, "bars", "close"), ["1.5"]);
    let chart = of.server.get("/stocks/OLD/chart.svg", &[]).await;
    assert!(text(chart).await.contains("1.5"));
    let close = of.server.json("/stocks/OLD").await;
    assert_eq!(
        (&close["price"], &close["close_of"]),
        (&"1.5".into(), &"2024-11-20".into())
    );
    for path in ["/stocks/OLDER/bars", "/stocks/OLDER"] {
        problem(of.server.get(path, &[]).await, 404).await;
    }
}

#[tokio::test]
async fn seconds_are_refused_where_there_is_no_archive() {
    let server = Server::start().listed();
    for path in [
        "/stocks/GOOG/bars?interval=1s",
        "/stocks/GOOG/chart.svg?range=1m&interval=1s",
    ] {
        let problem = problem(server.get(path, &[]).await, 404).await;
        assert!(
            problem["detail"].as_str().unwrap().contains("expected 1m"),
            "{problem}"
        );
    }
    let of = Archived::start();
    of.append(quote("GOOG", "5"));
    let bars = of.server.json("/stocks/GOOG/bars?interval=1s").await;
    assert_eq!(bars["bars"], Value::Array(Vec::new()));
}

/// An archive that cannot be read.
struct Broken;

impl Past for Broken {
    fn written(&self) -> Option<EventId> {
        None
    }

    fn bars(
        &self,
        _: Symbol,
        _: Interval,
        _: Range<Millis>,
        _: usize,
        _: &Overlay,
    ) -> Result<Vec<Rolled>, Unreadable> {
        Err("/var/lib/secret.db: database disk image is malformed".to_owned())
    }

    fn splits(&self, _: Symbol, _: Range<Millis>) -> Result<Vec<Split>, Unreadable> {
        panic!("the reader panics")
    }

    fn news(&self, _: &NewsFilter, _: Option<EventId>, _: usize) -> Result<FoundNews, Unreadable> {
        panic!("the reader panics")
    }
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_is_not_passed_over_in_silence() {
    let server = Server::set(|service| service.history = History::new(Arc::new(Broken))).listed();
    server.append(bar("GOOG", 0));
    for path in ["/stocks/GOOG/bars", "/stocks/GOOG/chart.svg", "/news"] {
        let response = server.get(path, &[]).await;
        assert!(response.headers().contains_key("retry-after"), "{path}");
        let problem = problem(response, 503).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("archive") && !detail.contains("secret"),
            "{detail}"
        );
    }
    // Symbols that only the archive may have cannot be reported as unknown.
    for path in ["/stocks/OLD", "/stocks?symbols=OLD,OLDER"] {
        problem(server.get(path, &[]).await, 503).await;
    }
    // Requests that do not need it continue to work.
    assert_eq!(server.json("/stocks/GOOG").await["price"], "597.32");
    assert_eq!(
        server.json("/stocks?symbols=GOOG,OLD").await[0]["price"],
        "597.32"
    );
    let found = server.json("/symbols?q=GOOG").await;
    assert_eq!(numbers(&found, "symbols", "archived"), [false]);
    let page = server.get("/stocks/GOOG", &[("accept", "text/html")]).await;
    assert!(text(page).await.contains("597.32"));
}

#[tokio::test]
async fn paging_walks_every_story_once_while_new_ones_come() {
    let of = Archived::start();
    for id in 0..30 {
        of.append(Event::News(news(id, "a story")));
        if id == 20 {
            of.write().await;
        }
    }
    for limit in [1, 7, 30] {
        let mut walked = Vec::new();
        let mut path = Some(format!("/news?limit={limit}&symbols=GOOG"));
        while let Some(address) = path {
            let response = of.server.get(&address, &[]).await;
            path = next(&response);
            let answer: Value = serde_json::from_str(&text(response).await).unwrap();
            let ids = numbers(&answer, "news", "id");
            walked.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
            match (&path, answer["next"].as_str()) {
                (Some(path), Some(next)) => assert!(path.ends_with(&format!("before={next}"))),
                (None, None) => {}
                other => panic!("{other:?}"),
            }
            of.append(Event::News(news(1_000 * limit + walked.len(), "new")));
            of.write().await;
        }
        let old = walked.iter().filter(|id| id.len() <= "test:29".len());
        let expected: Vec<String> = (0..30).rev().map(|id| format!("test:{id}")).collect();
        assert_eq!(old.cloned().collect::<Vec<_>>(), expected, "{limit} a page");
        let once: BTreeSet<_> = walked.iter().collect();
        assert_eq!(once.len(), walked.len(), "{limit} a page");
    }
}

#[tokio::test]
async fn news_are_filtered_alike_with_an_archive_and_without() {
    let of = Archived::start();
    let alone = Server::start();
    let stories = [
        News {
            kind: NewsType::Filing,
            ..news(1, "Quarterly report of Alphabet")
        },
        News {
            kind: NewsType::Halt,
            symbols: vec![symbol("AAPL")],
            ..news(2, "Halted for news")
        },
        News {
            summary: Some("Of chips, cheaply".to_owned()),
            ..news(3, "Alphabet buys makers")
        },
        News {
            symbols: Vec::new(),
            ..news(4, "The market sleeps")
        },
        news(3, "Alphabet buys a maker"),
    ];
    for story in &stories {
        of.append(Event::News(story.clone()));
        alone.append(Event::News(story.clone()));
    }
    for is_written in [false, true] {
        for (query, expected) in [
            ("", &[3, 4, 2, 1][..]),
            ("?symbols=AAPL", &[2]),
            ("?symbols=aapl,GOOG", &[3, 2, 1]),
            ("?symbols=*&type=filing,halt", &[2, 1]),
            ("?q=alphabet", &[3, 1]),
            ("?q=ALPHABET+buys+mak", &[3]),
            ("?q=makers", &[]),
            ("?q=alphabet&type=halt", &[]),
            ("?limit=0", &[]),
        ] {
            for server in [&of.server, &alone] {
                let answer = server.json(&format!("/news{query}")).await;
                let ids = numbers(&answer, "news", "id");
                let expected: Vec<String> =
                    expected.iter().map(|id| format!("test:{id}")).collect();
                assert_eq!(
                    ids,
                    expected.iter().collect::<Vec<_>>(),
                    "{query}, {is_written}"
                );
            }
        }
        of.write().await;
    }
}

/// Texts with a meaning to anything that does not treat them as text.
const HOSTILE: [&str; 5] = [
    "</title><script>alert(1)</script> & \"more\" 'quotes' ]]>",
    "=HYPERLINK(\"https://example.org\",\"a\"), a comma",
    "<!-- &lt;b&gt; &#0; &nbsp; -->",
    "two\u{fffe}\u{ffff}\u{0}\u{b}lines\u{2028}of \u{1f4c8} \u{5e2}\u{5d1}",
    "<![CDATA[ ]]&gt; <?xml version=\"1.0\"?>",
];

#[tokio::test]
async fn hostile_news_are_well_formed_in_every_form() {
    let server = Server::start();
    for (id, text) in HOSTILE.iter().enumerate() {
        server.append(Event::News(News {
            id: format!("x:<{id}> &"),
            summary: Some((*text).to_owned()),
            source: (*text).to_owned(),
            form: Some((*text).to_owned()),
            url: (id % 2 == 0).then(|| "https://example.org/?a=1&b=<2>\"".parse().unwrap()),
            ..news(id, text)
        }));
    }
    let withdrawn = News {
        action: Action::Deleted,
        ..news(99, "withdrawn")
    };
    server.append(Event::News(withdrawn));

    let response = server.get("/news?limit=5&format=atom", &[]).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/atom+xml; charset=utf-8"
    );
    let xml = text(response).await;
    assert!(xml.starts_with("<?xml version=\"1.0\""), "{xml}");
    assert!(!xml.contains("<script"), "{xml}");
    let feed: atom_syndication::Feed = xml.parse().unwrap();
    let of_rel = |rel: &str| {
        let mut links = feed.links.iter().filter(|link| link.rel == rel);
        links.next().map(|link| link.href.clone())
    };
    assert_eq!(of_rel("self").unwrap(), "/news?limit=5&format=atom");
    assert!(
        of_rel("next")
            .unwrap()
            .starts_with("/news?limit=5&format=atom&before=")
    );
    // Withdrawn stories are in no feed.
    assert_eq!(feed.entries.len(), 4);
    let newest = feed.entries.first().unwrap();
    for (entry, hostile) in feed.entries.iter().zip(HOSTILE.iter().rev()) {
        let text: String = hostile
            .chars()
            .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{0}' | '\u{b}'))
            .collect();
        assert_eq!(entry.title.value, text);
        assert_eq!(entry.authors[0].name, text);
        assert!(
            entry.id.starts_with("urn:tickertape:story:x:%3C"),
            "{}",
            entry.id
        );
        assert!(entry.updated >= newest.published.unwrap());
        // An entry has a link, or content to read.
        assert_ne!(entry.links.is_empty(), entry.content.is_none());
        assert_eq!(entry.categories[0].term, "headline");
        assert_eq!(entry.categories[1].term, "GOOG");
    }
    let ids: BTreeSet<&str> = feed.entries.iter().map(|entry| &*entry.id).collect();
    assert_eq!(ids.len(), 4);

    let response = server.get("/news", &[("accept", "text/csv")]).await;
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename=\"news.csv\""
    );
    let table = text(response).await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let at = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "headline")
        .unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6);
    for (row, hostile) in rows[1..].iter().zip(HOSTILE.iter().rev()) {
        let cell = hostile.replacen('=', "'=", usize::from(hostile.starts_with('=')));
        assert_eq!(&row[at], cell);
    }

    let json = server.json("/news").await;
    assert_eq!(json["news"][0]["action"], "deleted");
    assert_eq!(json["news"][1]["headline"], HOSTILE[4]);
}

#[tokio::test]
async fn a_feed_without_stories_is_a_feed() {
    let server = Server::start();
    let headers = [("accept", "application/atom+xml")];
    let feed = text(server.get("/news?symbols=%5EGSPC", &headers).await).await;
    let feed: atom_syndication::Feed = feed.parse().unwrap();
    assert!(feed.entries.is_empty());
    assert_eq!(feed.authors[0].name, "Tickertape");
}

#[tokio::test]
async fn a_chart_is_an_image_that_stands_alone() {
    let server = Server::start().listed();
    for minute in 0..90 {
        server.append(at(minute, 100 + minute % 7));
    }
    let path = "/stocks/goog/chart.svg?range=1h&width=300&height=200";
    let response = server.get(path, &[]).await;
    let headers = response.headers();
    assert_eq!(headers["content-type"], "image/svg+xml; charset=utf-8");
    assert!(
        headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let dark = text(response).await;
    assert!(dark.contains("width=\"300\" height=\"200\""), "{dark}");
    assert!(
        dark.contains("<title id=\"title\">GOOG GOOG Incorporated, 1 hour</title>"),
        "{dark}"
    );
    // A minute ends when the next begins.
    assert!(dark.contains("60 bars from"), "{dark}");
    assert!(!dark.contains("<script") && !dark.contains("var(") && !dark.contains("href"));
    let held = server.get(path, &[("if-none-match", &tag)]).await;
    assert_eq!(held.status(), 304);
    let light = text(server.get(&format!("{path}&theme=light"), &[]).await).await;
    assert!(light.contains("#ffffff") && !light.contains("#0f1419"));
    let candles = text(
        server
            .get(&format!("{path}&type=candles&interval=5m"), &[])
            .await,
    )
    .await;
    assert!(
        candles.contains(" bars from") && candles.contains("#ef5350"),
        "{candles}"
    );
    let percent = format!("{path}&scale=percent&volume=no&type=line");
    let percent = text(server.get(&percent, &[]).await).await;
    assert!(percent.contains(" %</text>"), "{percent}");
    let (volume, area) = ("fill-opacity", "linearGradient");
    assert!(dark.contains(volume) && dark.contains(area));
    assert!(!percent.contains(volume) && !percent.contains(area));
}

#[tokio::test]
async fn the_directory_finds_what_is_listed_and_what_is_quoted() {
    let directory = Arc::new(Directory::default());
    let listing = |name: &str, title: &str| Listing {
        name: title.to_owned(),
        venue: Some("NYSE".to_owned()),
        ..Listing::new(symbol(name))
    };
    directory.list([
        listing("GOLD", "Barrick <Gold>"),
        listing("GO", "Grocery Outlet"),
    ]);
    let server = Server::set(|service| service.search = Search::new(directory)).listed();
    let found = server.json("/symbols?q=go").await;
    assert_eq!(numbers(&found, "symbols", "symbol"), ["GO", "GOOG", "GOLD"]);
    assert_eq!(numbers(&found, "symbols", "quoted"), [false, true, false]);
    assert_eq!(found["symbols"][1]["name"], "GOOG Incorporated");
    assert_eq!(found["symbols"][1]["tick"], "0.01");
    let found = server.json("/symbols?q=gogo&limit=1").await;
    assert_eq!(numbers(&found, "symbols", "symbol"), ["GOOG"]);
    let all = text(server.get("/symbols?format=csv", &[]).await).await;
    assert!(
        all.starts_with("symbol,name,venue,currency,tick,quoted,archived\r\n"),
        "{all}"
    );
    assert!(
        all.contains("GOLD,Barrick <Gold>,NYSE,,,false,false\r\n"),
        "{all}"
    );

    let problem = problem(server.get("/stocks/GOLD", &[]).await, 404).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("in the directory as Barrick <Gold>"),
        "{detail}"
    );
    // Nothing that is quoted is near.
    assert_eq!(problem.get("suggestions"), None);
}

#[tokio::test]
async fn a_name_in_place_of_a_symbol_suggests_the_symbol() {
    let server = Server::start().listed();
    let Event::Session(apple) = session("AAPL") else {
        unreachable!()
    };
    server.append(Event::Session(market::Session {
        name: "Apple Inc.".to_owned(),
        ..apple
    }));
    let problem = problem(server.get("/stocks/APPLE", &[]).await, 404).await;
    assert_eq!(problem["suggestions"][0], "AAPL");
}

#[tokio::test]
async fn what_is_wrong_names_the_value_and_what_was_expected() {
    let server = Server::start().listed();
    let long = "x".repeat(201);
    for (path, words) in [
        ("/stocks/GOOG/bars?adjust=all", "\"all\""),
        (
            "/stocks/GOOG/bars?interval=7m",
            "interval: \"7m\" is not an",
        ),
        ("/stocks/GOOG/bars?format=xml", "\"xml\""),
        ("/stocks/GOOG/bars?to=-1", "\"-1\""),
        ("/news?before=yesterday", "before: \"yesterday\" is not"),
        ("/news?type=filing,rumour", "`rumour`"),
        ("/news?symbols=A%7CB", "\"A|B\""),
        ("/news?limit=501", "\"501\""),
        (
            &*format!("/news?q={long}"),
            "q has 201 characters: expected at most 200",
        ),
        ("/symbols?limit=20001", "\"20001\""),
        (
            &*format!("/symbols?q={long}"),
            "q has 201 characters: expected at most 64",
        ),
        ("/symbols?format=atom", "\"atom\""),
        ("/stocks/GOOG/chart.svg?range=2D", "range: \"2D\" is not a"),
        ("/stocks/GOOG/chart.svg?width=119", "119"),
        ("/stocks/GOOG/chart.svg?height=1e9", "\"1e9\""),
        ("/stocks/GOOG/chart.svg?theme=pink", "\"pink\""),
        ("/stocks/GOOG/chart.svg?type=pie", "\"pie\""),
        (
            "/stocks/GOOG/chart.svg?scale=logs",
            "\"logs\": expected linear, log or percent",
        ),
        ("/stocks/GOOG/chart.svg?volume=0", "\"0\""),
        ("/stocks/GOOG/chart.svg?adjust=Splits", "\"Splits\""),
        ("/stocks/GOOG/chart.svg?range=1Y&interval=1m", "\"1m\""),
    ] {
        let problem = problem(server.get(path, &[]).await, 400).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{path}: {detail}");
        assert!(detail.contains("expected"), "{path}: {detail}");
    }
    for path in ["/stocks/GOOG/bars", "/news", "/symbols"] {
        problem(server.get(path, &[("accept", "image/png")]).await, 406).await;
    }
}

#[tokio::test]
async fn a_month_of_minutes_is_answered_whole() {
    let of = Archived::start();
    of.append(quote("GOOG", "5"));
    let id = of.append(quote("GOOG", "5"));
    let month: Vec<(EventId, Arc<Event>)> = (0..43_200)
        .map(|minute| {
            let ms = id.ms + 1 + minute / 900;
            let n = id.n / 1000 * 1000 + minute % 900;
            (EventId { ms, n }, Arc::new(at(minute, 100 + minute % 50)))
        })
        .collect();
    of.archive.commit(month).await.unwrap();
    of.server.at(43_201 * MINUTE);
    for (path, answers) in [
        (
            "/stocks/GOOG/bars?limit=43200",
            &[20_000, 20_000, 3_201][..],
        ),
        ("/stocks/GOOG/bars?interval=15m&limit=3000", &[2_881]),
    ] {
        let mut counts = Vec::new();
        let mut starts = BTreeSet::new();
        let mut page = Some(path.to_owned());
        while let Some(path) = page {
            let response = of.server.get(&path, &[]).await;
            page = next(&response);
            let bytes = response.bytes().await.unwrap();
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            let bars = answer["bars"].as_array().unwrap();
            counts.push(bars.len());
            starts.extend(bars.iter().map(|bar| bar["start"].as_u64().unwrap()));
        }
        let near = counts
            .iter()
            .zip(answers)
            .all(|(count, answer)| count.abs_diff(*answer) <= 1);
        assert!(near && counts.len() == answers.len(), "{path}: {counts:?}");
        assert_eq!(starts.len(), counts.iter().sum::<usize>(), "{path}");
    }
}
