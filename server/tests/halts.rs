//! The feed of trading halts against a server that plays its document, valid and invalid.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use events::Topic;
use feeds::{
    FeedSpec, Publisher,
    fetch::Timeouts,
    sources::halts::{Halts, Options},
};
use market::{Action, Basis, Event, FeedState, NewsType, Quality, Session, TradingState};
use support::{
    script::{Reply, Script, ok, status},
    stage::Stage,
};

/// 2026-06-22, 10:00:00 in New York.
const TEN: u64 = 1_782_136_800_000;

struct Item<'a> {
    symbol: &'a str,
    halted: &'a str,
    code: &'a str,
    quotes: &'a str,
    trades: &'a str,
}

const HALT: Item<'static> = Item {
    symbol: "TEST",
    halted: "09:57:48.636",
    code: "LUDP",
    quotes: "",
    trades: "",
};

fn xml(item: &Item<'_>) -> String {
    let date = match (item.quotes, item.trades) {
        ("", "") => "",
        _ => "06/22/2026",
    };
    format!(
        "<item>\r\n<title>{symbol}</title>\r\n<pubDate>Mon, 22 Jun 2026 04:00:00 GMT</pubDate>\r\n<ndaq:HaltDate>06/22/2026</ndaq:HaltDate><ndaq:HaltTime>{halted}</ndaq:HaltTime><ndaq:IssueSymbol>{symbol}</ndaq:IssueSymbol><ndaq:IssueName>{symbol} Company</ndaq:IssueName><ndaq:Market>NASDAQ</ndaq:Market><ndaq:ReasonCode>{code}</ndaq:ReasonCode><ndaq:PauseThresholdPrice /><ndaq:ResumptionDate>{date}</ndaq:ResumptionDate><ndaq:ResumptionQuoteTime>{quotes}</ndaq:ResumptionQuoteTime><ndaq:ResumptionTradeTime>{trades}</ndaq:ResumptionTradeTime><description><![CDATA[<table><tr><td>{symbol}</td></tr></table>]]></description></item>",
        symbol = item.symbol,
        halted = item.halted,
        code = item.code,
        quotes = item.quotes,
        trades = item.trades,
    )
}

fn document(items: &str) -> Reply {
    ok(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\" xmlns:ndaq=\"http://www.nasdaqtrader.com/\"><channel><title>NASDAQTrader.com</title><ttl>0</ttl><ndaq:numItems>1</ndaq:numItems>{items}</channel></rss>"
    ))
}

struct Halting {
    script: Script,
    plays: Arc<Mutex<Reply>>,
    now: Arc<AtomicU64>,
    stage: Stage,
    quotes: Publisher,
}

impl Halting {
    async fn start(reply: Reply) -> Self {
        let plays = Arc::new(Mutex::new(reply));
        let playing = Arc::clone(&plays);
        let script = Script::new(move |_| playing.lock().unwrap().clone()).await;
        let options = Options {
            interval: Duration::from_millis(5),
            url: script.url("/rss.aspx?feed=tradehalts").parse().unwrap(),
        };
        let now = Arc::new(AtomicU64::new(TEN));
        let clock = Arc::clone(&now);
        let feed = Halts::new(options).with_timeouts(Timeouts {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(3),
            answer: Duration::from_secs(10),
        });
        let stage = Stage::at(Arc::new(move || clock.load(Ordering::SeqCst)), feed);
        // Another feed quotes the halted symbol.
        let quotes = Publisher::new(stage.context.clone(), "Quotes");
        let halting = Halting {
            script,
            plays,
            now,
            stage,
            quotes,
        };
        for symbol in ["TEST", "OTHER"] {
            halting.quote(symbol);
        }
        halting
    }

    /// Publishes a quote of a symbol by another feed.
    fn quote(&self, symbol: &str) {
        self.quotes.session(Session {
            symbol: symbol.parse().unwrap(),
            name: symbol.to_owned(),
            currency: Some("USD".to_owned()),
            venue: Some("Nasdaq".to_owned()),
            source: "Quotes".to_owned(),
            quality: Quality::Live,
            state: TradingState::Open,
            halt_code: None,
            hours: None,
            open: None,
            prev_close: None,
            tick: None,
        });
    }

    fn play(&self, reply: Reply) {
        *self.plays.lock().unwrap() = reply;
    }

    /// Waits until the current document has been processed.
    async fn taken(&self) {
        let requests = self.script.requests().len();
        self.script.wait_for_requests(requests + 3).await;
    }

    fn session(&self, symbol: &str) -> (TradingState, Option<String>) {
        let symbol = symbol.parse().unwrap();
        self.stage.context.tape.view(|view| {
            let (_, entry) = view.newest(&Topic::Session(symbol)).unwrap();
            match &*entry.event {
                Event::Session(session) => (session.state, session.halt_code.clone()),
                other => panic!("{other:?}"),
            }
        })
    }
}

fn halted(code: &str) -> (TradingState, Option<String>) {
    (TradingState::Halted, Some(code.to_owned()))
}

const OPEN: (TradingState, Option<String>) = (TradingState::Open, None);

#[tokio::test]
async fn a_halt_is_one_story_until_it_is_over() {
    let mut halting = Halting::start(document(&xml(&HALT))).await;
    let story = halting.stage.stories(1).await.remove(0);
    assert_eq!(story.id, "nasdaq-halts:TEST:2026-06-22 09:57:48");
    assert_eq!((story.kind, story.basis), (NewsType::Halt, Basis::Native));
    assert_eq!(story.code.as_deref(), Some("LUDP"));
    assert_eq!(story.symbols[0].as_str(), "TEST");
    assert_eq!(
        story.headline,
        "TEST Company (TEST) is halted: volatility pause (LUDP)"
    );
    assert_eq!(
        story.summary.as_deref(),
        Some("Halted at 2026-06-22 09:57:48 in New York on NASDAQ")
    );
    // 13:57:48.636 UTC: it is summer.
    assert_eq!(story.published, TEN - 2 * 60_000 - 12_000 + 636);
    halting.taken().await;
    assert_eq!(halting.session("TEST"), halted("LUDP"));
    assert_eq!(halting.session("OTHER"), OPEN);
    assert_eq!(halting.stage.more_stories(), []);
    halting.stage.reaches(FeedState::Live).await;

    // The times become known.
    halting.play(document(&xml(&Item {
        code: "T3",
        quotes: "10:02:48",
        trades: "10:07:48",
        ..HALT
    })));
    let update = halting.stage.stories(1).await.remove(0);
    assert_eq!(
        (update.id, update.action),
        (story.id.clone(), Action::Updated)
    );
    assert_eq!(
        update.headline,
        "TEST Company (TEST) is halted: news, and times of resumption (T3); trading resumes at 2026-06-22 10:07:48 in New York"
    );
    halting.taken().await;
    assert_eq!(halting.session("TEST"), halted("T3"));
    assert_eq!(halting.stage.more_stories(), []);

    // And arrive.
    halting
        .now
        .store(TEN + 7 * 60_000 + 48_000, Ordering::SeqCst);
    let over = halting.stage.stories(1).await.remove(0);
    assert_eq!(over.id, format!("{}:resume", story.id));
    assert_eq!((over.kind, over.basis), (NewsType::Resume, Basis::Native));
    assert_eq!(over.headline, "TEST Company (TEST) is traded again");
    assert_eq!(over.published, TEN + 7 * 60_000 + 48_000);
    halting.taken().await;
    assert_eq!(halting.session("TEST"), OPEN);

    // A second halt of the same day is another story.
    let second = Item {
        halted: "10:07:50",
        ..HALT
    };
    halting.play(document(&xml(&second)));
    let story = halting.stage.stories(1).await.remove(0);
    assert_eq!(story.id, "nasdaq-halts:TEST:2026-06-22 10:07:50");
    halting.taken().await;
    assert_eq!(halting.session("TEST"), halted("LUDP"));
    drop(halting.quotes);
    halting.stage.end().await;
}

#[tokio::test]
async fn what_is_over_when_it_is_first_seen_stops_nothing() {
    let over = Item {
        halted: "09:40:00",
        quotes: "09:45:00",
        trades: "09:45:00",
        ..HALT
    };
    let mut halting = Halting::start(document(&[xml(&HALT), xml(&over)].concat())).await;
    let stories = halting.stage.stories(3).await;
    let kinds: Vec<_> = stories
        .iter()
        .map(|news| (news.kind, news.published))
        .collect();
    let minute = 60_000;
    assert_eq!(
        kinds,
        [
            (NewsType::Halt, TEN - 20 * minute),
            (NewsType::Halt, TEN - 132_000 + 636),
            (NewsType::Resume, TEN - 15 * minute),
        ]
    );
    halting.taken().await;
    // The end of the first one is not the end of the second.
    assert_eq!(halting.session("TEST"), halted("LUDP"));
    halting.play(document(&xml(&over)));
    halting.taken().await;
    halting.taken().await;
    assert_eq!(
        halting.session("TEST"),
        OPEN,
        "what is listed no more is over"
    );
    assert_eq!(halting.stage.more_stories(), []);
    halting.stage.end().await;
}

#[tokio::test]
async fn the_end_may_stand_in_an_item_of_its_own() {
    let over = xml(&Item {
        code: "T3",
        trades: "09:59:00",
        ..HALT
    });
    for items in [[xml(&HALT), over.clone()], [over.clone(), xml(&HALT)]] {
        let mut halting = Halting::start(document(&items.concat())).await;
        let stories = halting.stage.stories(2).await;
        halting.taken().await;
        assert_eq!(halting.stage.more_stories(), []);
        assert_eq!(stories[0].code.as_deref(), Some("T3"));
        assert_eq!(stories[1].kind, NewsType::Resume);
        assert_eq!(halting.session("TEST"), OPEN);
        halting.stage.end().await;
    }
}

#[tokio::test]
async fn a_market_wide_halt_stops_all() {
    let halting = Halting::start(document(&xml(&Item {
        code: "MWC1",
        ..HALT
    })))
    .await;
    halting.taken().await;
    assert_eq!(halting.session("OTHER"), halted("MWC1"));
    halting.play(document(&xml(&Item {
        code: "MWC1",
        trades: "09:59:00",
        ..HALT
    })));
    halting.taken().await;
    assert_eq!(halting.session("OTHER"), OPEN);
    halting.stage.end().await;
}

#[tokio::test]
async fn symbols_with_suffixes_are_halted_as_others() {
    let symbols = [
        "ABR$D", "ACHR+", "AAC=", "AGM.A", "BAC-A#", "PHGE^", "T%*", "ZVZZT~",
    ];
    let items = symbols.map(|symbol| xml(&Item { symbol, ..HALT }));
    let mut halting = Halting::start(document(&items.concat())).await;
    let stories = halting.stage.stories(symbols.len()).await;
    for symbol in symbols {
        let id = format!("nasdaq-halts:{symbol}:2026-06-22 09:57:48");
        let story = stories.iter().find(|story| story.id == id).unwrap();
        assert_eq!(story.symbols, [symbol.parse().unwrap()]);
        // It is halted for every feed that quotes it from now on.
        halting.quote(symbol);
        assert_eq!(halting.session(symbol), halted("LUDP"), "{symbol}");
    }
    assert_eq!(halting.stage.skipped().wrong, 0);
    halting.stage.end().await;
}

#[tokio::test]
async fn a_halt_without_a_symbol_is_of_the_market() {
    let market = |code, trades| {
        xml(&Item {
            symbol: "",
            code,
            trades,
            ..HALT
        })
    };
    let mut halting = Halting::start(document(&market("MWC1", ""))).await;
    let story = halting.stage.stories(1).await.remove(0);
    assert_eq!(story.id, "nasdaq-halts:market:2026-06-22 09:57:48");
    assert_eq!(story.symbols, []);
    assert_eq!(
        story.headline,
        "The US stock market is halted: market-wide halt, level 1 (MWC1)"
    );
    halting.taken().await;
    assert_eq!(halting.session("TEST"), halted("MWC1"));
    assert_eq!(halting.session("OTHER"), halted("MWC1"));
    halting.quote("ABR$D");
    assert_eq!(halting.session("ABR$D"), halted("MWC1"));
    // The times become known, and come.
    halting.play(document(&market("MWC1", "10:12:48")));
    halting.stage.stories(1).await;
    halting.taken().await;
    assert_eq!(halting.session("OTHER"), halted("MWC1"));
    halting
        .now
        .store(TEN + 12 * 60_000 + 48_000, Ordering::SeqCst);
    let over = halting.stage.stories(1).await.remove(0);
    assert_eq!(over.kind, NewsType::Resume);
    assert_eq!(over.headline, "The US stock market is traded again");
    halting.taken().await;
    for symbol in ["TEST", "OTHER", "ABR$D"] {
        assert_eq!(halting.session(symbol), OPEN, "{symbol}");
    }
    halting.stage.end().await;
}

#[tokio::test]
async fn the_end_of_a_halt_of_the_market_has_a_code_of_its_own() {
    let begin = xml(&Item {
        symbol: "",
        code: "MWC2",
        ..HALT
    });
    let mut halting = Halting::start(document(&begin)).await;
    halting.stage.stories(1).await;
    halting.taken().await;
    assert_eq!(halting.session("TEST"), halted("MWC2"));
    let end = xml(&Item {
        symbol: "",
        code: "MWCQ",
        halted: "09:59:30",
        ..HALT
    });
    halting.play(document(&[begin, end].concat()));
    let over = halting.stage.stories(1).await.remove(0);
    assert_eq!(
        (over.kind, over.code.as_deref()),
        (NewsType::Resume, Some("MWCQ"))
    );
    assert_eq!(
        over.summary.as_deref(),
        Some("Resumed at 2026-06-22 09:59:30 in New York")
    );
    halting.taken().await;
    assert_eq!(halting.session("TEST"), OPEN);
    assert_eq!(halting.stage.more_stories(), []);
    halting.stage.end().await;
}

#[tokio::test]
async fn items_that_are_none_are_counted_and_the_rest_is_told() {
    let right = xml(&HALT);
    let items = [
        right.replace("ndaq:IssueSymbol", "ndaq:Symbol"),
        right.replace("<ndaq:IssueSymbol>TEST", "<ndaq:IssueSymbol>a b"),
        right.replace("<ndaq:IssueSymbol>TEST", "<ndaq:IssueSymbol>"),
        right.replace("09:57:48.636", "noon"),
        right.replace("06/22/2026", "22/06/2026"),
        // Published, with its credible parts.
        right.replace("06/22/2026", "06/22/2036"),
        xml(&Item {
            symbol: "SOON",
            trades: "10:07:48",
            ..HALT
        })
        .replace(
            "<ndaq:ResumptionDate>06/22/2026",
            "<ndaq:ResumptionDate>07/22/2026",
        ),
        xml(&Item {
            symbol: "EVIL",
            code: "\u{202e}&lt;b&gt;",
            ..HALT
        }),
        right.clone(),
        right,
    ];
    let mut halting = Halting::start(document(&items.concat())).await;
    let mut stories = halting.stage.stories(4).await;
    halting.taken().await;
    assert_eq!(halting.stage.more_stories(), []);
    stories.sort_by(|one, other| one.id.cmp(&other.id));
    let ids: Vec<&str> = stories.iter().map(|news| news.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "nasdaq-halts:EVIL:2026-06-22 09:57:48",
            "nasdaq-halts:SOON:2026-06-22 09:57:48",
            "nasdaq-halts:TEST:2026-06-22 09:57:48",
            "nasdaq-halts:TEST:2036-06-22 09:57:48",
        ]
    );
    assert_eq!(stories[0].code.as_deref(), Some("<b>"));
    assert_eq!(
        stories[1].headline,
        "SOON Company (SOON) is halted: volatility pause (LUDP)"
    );
    assert_eq!(stories[3].published, TEN);
    assert!(halting.stage.skipped().wrong >= 7);
    halting.stage.end().await;
}

#[tokio::test]
async fn whatever_comes_it_says_so_and_goes_on() {
    let good = document(&xml(&HALT));
    let mut halting = Halting::start(good.clone()).await;
    halting.stage.stories(1).await;
    for (fault, words) in [
        (status(503), "answers 503"),
        (ok("<rss><channel><title>a"), "breaks off in the middle"),
        (ok(b"\xff\xfe\0\0"), "no XML"),
        (ok("<feed/>"), "it is Atom: expected RSS"),
        (Reply::Silence, "nothing came for"),
        (
            Reply::Bytes(b"HTTP/1.1 200 OK\r\n\r\n<rss>".to_vec()),
            "breaks off in the middle",
        ),
    ] {
        halting.play(fault);
        halting.stage.reaches_with(FeedState::Degraded, words).await;
        // A halt does not end because it is no longer listed.
        assert_eq!(halting.session("TEST"), halted("LUDP"));
        halting.play(good.clone());
        halting.stage.reaches(FeedState::Live).await;
    }
    assert_eq!(halting.stage.more_stories(), []);
    halting.stage.end().await;
}

#[test]
fn it_is_asked_for_by_its_name() {
    let spec: FeedSpec = "nasdaq-halts".parse().unwrap();
    let FeedSpec::NasdaqHalts(options) = &spec else {
        panic!("{spec:?}");
    };
    assert_eq!(options.interval, Duration::from_secs(60));
    assert_eq!(
        options.url.as_str(),
        "https://www.nasdaqtrader.com/rss.aspx?feed=tradehalts"
    );
    let error = "nasdaq-halts?intervall=5".parse::<FeedSpec>().unwrap_err();
    assert!(
        error.to_string().contains("did you mean interval?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_halt_that_is_listed_twice_is_one_in_either_order() {
    let (bare, coded) = (xml(&HALT), xml(&Item { code: "T1", ..HALT }));
    // An impossible time: that of receipt replaces it, from when it was first listed.
    let ahead = xml(&Item {
        symbol: "OTHER",
        ..HALT
    })
    .replace("06/22/2026</ndaq:HaltDate>", "06/29/2026</ndaq:HaltDate>");
    let mut halting = Halting::start(document(&format!("{bare}{coded}{ahead}"))).await;
    let stories = halting.stage.stories(2).await;
    for (at, order) in [[&bare, &coded], [&coded, &bare]].into_iter().enumerate() {
        let items = order.map(String::as_str).concat();
        halting
            .now
            .store(TEN + 60_000 * (at as u64 + 1), Ordering::SeqCst);
        halting.play(document(&format!("{items}{ahead}")));
        halting.taken().await;
    }
    assert_eq!(halting.stage.more_stories(), []);
    let codes: Vec<_> = stories.iter().map(|news| news.code.as_deref()).collect();
    assert!(codes.contains(&Some("T1")), "{codes:?}");
    let skipped = halting.stage.skipped();
    assert_eq!((skipped.duplicates, skipped.wrong), (1, 1));
    halting.stage.end().await;
}
