//! Each kind of feed has the same results from its source and from a recording of it.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use events::Topic;
use feeds::{End, Feed, FeedError, FeedSpec, ParsedFeed, Publisher, Skipped};
use futures_util::future::BoxFuture;
use market::{Bar, Event, FeedState, Millis, News, Quality, Quote, Session, Symbol, TradingState};
use serde_json::{Value, json};
use server::{RecordOptions, record};
use support::{
    script::{Reply, Requested, Script, ok, status},
    secrets::Kept,
    socket_server::{Dialogue, SocketServer, within},
    stage::Stage,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use toml::Table;

struct Boxed(Box<dyn Feed>);

impl Feed for Boxed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        self.0.run(publisher)
    }
}

fn stage(feed: FeedSpec) -> Stage {
    Stage::new(Boxed(feed.build(0).unwrap()))
}

/// All published events, without the marks of a replay.
#[derive(Debug, PartialEq)]
struct Published {
    bars: BTreeMap<(Symbol, Millis), Bar>,
    quotes: BTreeMap<Symbol, Quote>,
    sessions: BTreeMap<Symbol, Session>,
    stories: Vec<News>,
}

impl Published {
    fn of(stage: &Stage) -> Self {
        let mut published = Published {
            bars: BTreeMap::new(),
            quotes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            stories: Vec::new(),
        };
        stage.context.tape.view(|view| {
            let kept = [Topic::Symbols, Topic::AllNews];
            let kept = kept.iter().flat_map(|topic| view.retained(topic));
            for (_, entry) in kept.chain(view.conflated(&Topic::Symbols)) {
                match Event::clone(&entry.event) {
                    Event::Bar(bar) => drop(published.bars.insert((bar.symbol, bar.start), bar)),
                    Event::Quote(quote) => drop(published.quotes.insert(quote.symbol, quote)),
                    Event::News(story) if !published.stories.contains(&story) => {
                        published.stories.push(story);
                    }
                    Event::Session(session) => {
                        let session = Session {
                            source: String::new(),
                            quality: Quality::Replay,
                            // Replayed data is not of the present, and has none.
                            hours: None,
                            ..session
                        };
                        published.sessions.insert(session.symbol, session);
                    }
                    _ => {}
                }
            }
        });
        published.stories.sort_by(|a, b| a.id.cmp(&b.id));
        published
    }

    /// A source continues, while a recording ends and its open bars with it: those are left out.
    fn without_open_bars(mut self, live: &Published) -> Self {
        self.bars.retain(|bar, _| live.bars.contains_key(bar));
        self
    }

    /// With the states of the other's sessions.
    fn with_hours_of(mut self, other: &Published) -> Self {
        for (symbol, session) in &mut self.sessions {
            session.state = other.sessions[symbol].state;
        }
        self
    }
}

fn parsed(kind: &str, options: &str) -> ParsedFeed {
    let options: Table = options.parse().unwrap();
    ParsedFeed {
        kind: kind.to_owned(),
        spec: FeedSpec::from_table(kind, options.clone()).unwrap(),
        options,
    }
}

/// A file that is removed with the test.
struct Recording(PathBuf);

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs a feed, records it, and plays the recording: the published events of both, and what the two have skipped.
/// `play` is the source; it returns when the feed has received everything.
async fn both(feed: ParsedFeed, mut play: impl AsyncFnMut() -> Playing) -> (Published, Published) {
    let live = stage(feed.spec.clone());
    let playing = play().await;
    live.reaches(FeedState::Live).await;
    let (published, skipped) = (Published::of(&live), live.skipped());
    drop(playing);
    live.end().await;

    let name = format!("tickertape-{}-{}.jsonl.gz", feed.kind, std::process::id());
    let file = Recording(std::env::temp_dir().join(name));
    let options = RecordOptions {
        feed,
        file: file.0.clone(),
        time: None,
        max_bytes: None,
        overwrite: true,
    };
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let recording = tokio::spawn(async move { record(options, &stopping).await });
    let playing = play().await;
    stop.cancel();
    within(recording).await.unwrap().unwrap();
    drop(playing);

    let replay = format!("replay:{}?speed=max", file.0.display());
    let again = stage(replay.parse().unwrap());
    again.reaches(FeedState::Ended).await;
    assert_eq!(passed_over(again.skipped()), passed_over(skipped));
    let replayed = Published::of(&again).without_open_bars(&published);
    again.end().await;
    (published, replayed)
}

/// Responses without news, as many as there were requests.
fn passed_over(skipped: Skipped) -> [u64; 3] {
    [skipped.wrong, skipped.late, skipped.gaps]
}

/// Whatever continues as long as this is held.
type Playing = Option<Dialogue>;

/// The beginning of a recent minute: sources whose clock stands are not trusted.
fn minute() -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_millis() as Millis;
    now - now % Bar::INTERVAL - 4 * Bar::INTERVAL
}

fn iso(time: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(time as i64).unwrap();
    format!("{time:.6}")
}

fn symbol(name: &str) -> Symbol {
    name.parse().unwrap()
}

fn last(published: &Published, name: &str) -> String {
    published.quotes[&symbol(name)].price.unwrap().to_string()
}

/// Messages that no source should send.
async fn nonsense(dialogue: &mut Dialogue) {
    dialogue.text("half a fr").await;
    dialogue.send(Message::binary(vec![0xFF, 0, 1])).await;
}

#[tokio::test]
async fn coinbase() {
    let server = SocketServer::bind().await;
    let start = minute();
    let feed = parsed(
        "coinbase",
        &format!(
            "symbols = ['BTC-USD', 'ETH-USD']\nurl = {:?}",
            server.url("/")
        ),
    );
    let ticker = |product: &str, number: u64, price: &str, second: u64| {
        json!({
            "type": "ticker", "sequence": number, "product_id": product, "price": price,
            "open_24h": "22000.00", "volume_24h": "1000.5", "low_24h": "21900.1", "high_24h": "22500.2",
            "best_bid": "22345.66", "best_bid_size": "0.5", "best_ask": "22345.68", "best_ask_size": "0.25",
            "side": "sell", "time": iso(start + second * 1_000), "trade_id": number, "last_size": "0.01000000",
        })
        .to_string()
    };
    let (published, replayed) = both(feed, async || {
        let mut dialogue = server.accept().await;
        dialogue.receive().await;
        let products = ["BTC-USD", "ETH-USD"];
        let granted = json!({"type": "subscriptions", "channels": [
            {"name": "ticker", "product_ids": products}, {"name": "heartbeat", "product_ids": products},
        ]});
        dialogue.text(granted.to_string()).await;
        dialogue.text(ticker("BTC-USD", 1, "22345.6700", 1)).await;
        dialogue.text(ticker("ETH-USD", 9, "1500.10", 2)).await;
        nonsense(&mut dialogue).await;
        dialogue.text(ticker("BTC-USD", 2, "22350.00", 30)).await;
        dialogue.text(ticker("BTC-USD", 3, "22346.00", 61)).await;
        dialogue.settled().await;
        // The trades before it breaks off are sent again.
        dialogue.cut();
        let mut dialogue = server.accept().await;
        dialogue.receive().await;
        dialogue.text(granted.to_string()).await;
        dialogue.text(ticker("BTC-USD", 3, "22346.00", 61)).await;
        dialogue.text(ticker("BTC-USD", 4, "22347.00", 125)).await;
        dialogue.settled().await;
        Some(dialogue)
    })
    .await;
    assert_eq!(published, replayed);
    assert_eq!(last(&published, "BTC-USD"), "22347.00");
    assert_eq!(last(&published, "ETH-USD"), "1500.10");
    let bar = &published.bars[&(symbol("BTC-USD"), start)];
    assert_eq!(
        (bar.trades, bar.high.to_string()),
        (2, "22350.00".to_owned())
    );
}

#[tokio::test]
async fn kraken() {
    let server = SocketServer::bind().await;
    let start = minute();
    let feed = parsed(
        "kraken",
        &format!("symbols = ['ALGO-USD']\nurl = {:?}", server.url("/v2")),
    );
    let trade = |number: u64, price: &str, second: u64| {
        let time = iso(start + second * 1_000);
        format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"ALGO/USD","side":"sell","price":{price},"qty":6423.46326000,"ord_type":"limit","trade_id":{number},"timestamp":"{time}"}}]}}"#
        )
    };
    let ticker = format!(
        r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,"timestamp":"{}"}}]}}"#,
        iso(start + 126_000)
    );
    let (published, replayed) = both(feed, async || {
        let mut dialogue = server.accept().await;
        for _ in 0..2 {
            let request = dialogue.receive().await;
            let granted = json!({
                "method": "subscribe", "req_id": request["req_id"], "success": true,
                "result": {"channel": request["params"]["channel"], "snapshot": true, "symbol": "ALGO/USD"},
            });
            dialogue.text(granted.to_string()).await;
        }
        let nothing = r#"{"channel":"trade","type":"snapshot","data":[]}"#;
        dialogue.text(nothing).await;
        dialogue.text(trade(1, "0.10020", 1)).await;
        dialogue.text(trade(2, "0.1003000", 30)).await;
        nonsense(&mut dialogue).await;
        dialogue.text(trade(3, "0.10010", 62)).await;
        dialogue.text(trade(4, "0.10035", 125)).await;
        dialogue.text(ticker.as_str()).await;
        dialogue.settled().await;
        Some(dialogue)
    })
    .await;
    assert_eq!(published, replayed);
    let quote = &published.quotes[&symbol("ALGO-USD")];
    assert_eq!(quote.bid.unwrap().to_string(), "0.10025");
    assert_eq!(last(&published, "ALGO-USD"), "0.10035");
    assert_eq!(published.bars[&(symbol("ALGO-USD"), start)].trades, 2);
}

#[tokio::test]
async fn alpaca() {
    let server = SocketServer::bind().await;
    let start = minute();
    let (key, secret) = (Kept::new("key", "PKTESTKEY"), Kept::new("secret", "hush"));
    let feed = parsed(
        "alpaca",
        &format!(
            "symbols = ['AAPL']\nkey_file = {:?}\nsecret_file = {:?}\nurl = {:?}",
            key.path(),
            secret.path(),
            server.url("/v2/iex")
        ),
    );
    let trade = |number: u64, price: &str, second: u64| {
        let time = iso(start + second * 1_000);
        format!(
            r#"[{{"T":"t","i":{number},"S":"AAPL","x":"V","p":{price},"s":100,"t":"{time}","c":["@"],"z":"C"}}]"#
        )
    };
    let quote = format!(
        r#"[{{"T":"q","S":"AAPL","bx":"V","bp":218.10,"bs":300,"ax":"V","ap":218.20,"as":4,"t":"{}","c":["R"],"z":"C"}}]"#,
        iso(start + 126_000)
    );
    let halt = format!(
        r#"[{{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T1","rm":"News Pending","t":"{}","z":"C"}}]"#,
        iso(start + 127_000)
    );
    let correction = format!(
        r#"[{{"T":"c","S":"AAPL","x":"V","oi":2,"op":300,"os":100,"oc":["@"],"ci":7,"cp":218.5,"cs":100,"cc":["@"],"t":"{}","z":"C"}}]"#,
        iso(start + 31_000)
    );
    let (published, replayed) = both(feed, async || {
        let mut dialogue = server.accept().await;
        dialogue.text(r#"[{"T":"success","msg":"connected"}]"#).await;
        let login = dialogue.receive().await;
        assert_eq!(login["key"], "PKTESTKEY");
        dialogue.text(r#"[{"T":"success","msg":"authenticated"}]"#).await;
        dialogue.receive().await;
        dialogue.text(r#"[{"T":"subscription","trades":["AAPL"],"quotes":["AAPL"],"bars":[],"updatedBars":[],"dailyBars":[],"statuses":["AAPL"],"lulds":["AAPL"],"corrections":["AAPL"],"cancelErrors":["AAPL"]}]"#).await;
        dialogue.text(trade(1, "218.11000", 1)).await;
        dialogue.text(trade(2, "300", 30)).await;
        dialogue.text(correction.as_str()).await;
        nonsense(&mut dialogue).await;
        dialogue.text(trade(3, "219", 125)).await;
        dialogue.text(quote.as_str()).await;
        dialogue.text(halt.as_str()).await;
        dialogue.settled().await;
        Some(dialogue)
    })
    .await;
    assert_eq!(published, replayed);
    assert_eq!(last(&published, "AAPL"), "219");
    let bar = &published.bars[&(symbol("AAPL"), start)];
    assert_eq!(bar.high.to_string(), "218.5");
    let session = &published.sessions[&symbol("AAPL")];
    assert_eq!(session.state, TradingState::Halted);
    assert_eq!(published.stories.len(), 1, "{:?}", published.stories);
}

#[tokio::test]
async fn finnhub() {
    let server = SocketServer::bind().await;
    let start = minute();
    let key = Kept::new("finnhub", "c0ffee");
    let feed = parsed(
        "finnhub",
        &format!(
            "symbols = ['AAPL']\nkey_file = {:?}\nurl = {:?}",
            key.path(),
            server.url("/")
        ),
    );
    let trade = |price: &str, second: u64| {
        let time = start + second * 1_000;
        format!(
            r#"{{"data":[{{"c":["1"],"p":{price},"s":"AAPL","t":{time},"v":100}}],"type":"trade"}}"#
        )
    };
    let (published, replayed) = both(feed, async || {
        let mut dialogue = server.accept().await;
        dialogue.receive().await;
        dialogue.text(r#"{"type":"ping"}"#).await;
        dialogue.text(trade("218.1100", 1)).await;
        dialogue.text(trade("1e-05", 2)).await;
        nonsense(&mut dialogue).await;
        dialogue.text(trade("219", 61)).await;
        dialogue.text(trade("220.5", 125)).await;
        dialogue.settled().await;
        Some(dialogue)
    })
    .await;
    // Data that depends on the present time is absent for the past.
    assert_eq!(published.with_hours_of(&replayed), replayed);
    assert_eq!(last(&replayed, "AAPL"), "220.5");
    let bar = &replayed.bars[&(symbol("AAPL"), start)];
    assert_eq!((bar.trades, bar.low.to_string()), (2, "0.00001".to_owned()));
}

/// A script that responds for each address by the number of its requests, counted anew on `again`.
async fn answers(mut answer: impl FnMut(u32) -> Reply + Send + 'static) -> Script {
    let mut number = 0;
    Script::new(move |request: &Requested| {
        // A request without a tag begins.
        if request.header("if-none-match").is_empty() {
            number = 0;
        }
        number += 1;
        answer(number)
    })
    .await
}

#[tokio::test]
async fn rss() {
    let item = |number: u32| {
        format!(
            "<item><guid>story-{number}</guid><title>Acme appoints Jane Doe as CEO {number}</title><link>https://a.example/{number}</link><pubDate>Sat, 21 Nov 2026 06:0{number}:00 GMT</pubDate></item>"
        )
    };
    let document = move |items: String| {
        let text = format!(
            "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Wire</title><link>https://a.example</link>{items}</channel></rss>"
        );
        ok(text)
    };
    let script = answers(move |number| match number {
        1 => document(item(1) + &item(2)).with("etag", "\"a\""),
        2 => status(304),
        _ => document(item(1) + &item(2) + &item(3)).with("etag", "\"b\""),
    })
    .await;
    let feed = parsed(
        "rss",
        &format!(
            "url = [{:?}]\ninterval = 1\nsymbols = ['ACME']",
            script.url("/wire")
        ),
    );
    let (published, replayed) = both(feed, async || {
        let before = script.requests().len();
        // A request after a response shows that the response was processed.
        script.wait_for_requests(before + 4).await;
        None
    })
    .await;
    assert_eq!(published, replayed);
    let ids: Vec<&str> = published.stories.iter().map(|story| &*story.id).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(published.stories[0].symbols, [symbol("ACME")]);
}

#[tokio::test]
async fn json() {
    let start = minute();
    let row = move |price: &str, second: u64| {
        let time = start + second * 1_000;
        let document: Value = json!({"rates": [
            {"pair": "BTC/USD", "last": price, "at": time},
            {"pair": "ETH/USD", "last": "1500.10", "at": start},
        ]});
        ok(document.to_string())
    };
    let script = answers(move |number| match number {
        1 => row("61837.6300", 1).with("etag", "\"a\""),
        2 => status(304),
        _ => row("61840.5", 65).with("etag", "\"b\""),
    })
    .await;
    let feed = parsed(
        "json",
        &format!(
            "url = {:?}\ninterval = 1\nitems = '/rates'\nsymbol = '/pair'\nprice = '/last'\ntime = '/at'\ncurrency = 'USD'",
            script.url("/rates?key=hush")
        ),
    );
    let (published, replayed) = both(feed, async || {
        let before = script.requests().len();
        script.wait_for_requests(before + 4).await;
        None
    })
    .await;
    assert_eq!(published, replayed);
    assert_eq!(last(&published, "BTC-USD"), "61840.5");
    assert_eq!(last(&published, "ETH-USD"), "1500.10");
}

/// Nothing is received that could be recorded: the writer of the lines has them.
#[tokio::test]
async fn the_standard_input_is_not_recorded() {
    let stop = CancellationToken::new();
    let file = Recording(std::env::temp_dir().join(format!("tickertape-{}", std::process::id())));
    let options = RecordOptions {
        feed: "stdin".parse().unwrap(),
        file: file.0.clone(),
        time: Some(Duration::from_secs(1)),
        max_bytes: None,
        overwrite: false,
    };
    let error = record(options, &stop).await.unwrap_err();
    assert!(error.contains("stdin receives nothing"), "{error}");
    assert!(!file.0.exists());
}
