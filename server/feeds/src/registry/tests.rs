use std::path::PathBuf;

use market::Symbol;
use serde::Deserialize;

use super::*;
use crate::{Speed, kit::pairs::Pair};

fn read(text: &str) -> FeedSpec {
    text.parse().unwrap()
}

fn error(text: &str) -> String {
    text.parse::<FeedSpec>().unwrap_err().to_string()
}

#[test]
fn reads_every_form() {
    assert_eq!(read("simulate"), FeedSpec::Simulate);
    assert_eq!(read("none"), FeedSpec::None);
    assert!(read("none").build(1).is_none());
    let symbols = |names: &[&str]| {
        names
            .iter()
            .map(|name| name.parse().unwrap())
            .collect::<Vec<Symbol>>()
    };
    assert_eq!(
        read("binance:btcusdt, ETHUSDT,BTCUSDT"),
        FeedSpec::Binance(binance::Options {
            symbols: symbols(&["BTCUSDT", "ETHUSDT"]),
            url: Binance::URL.parse().unwrap(),
        })
    );
    assert_eq!(
        read("binance:BTCUSDT?url=ws://127.0.0.1:9000/stream?key=1&b=2"),
        FeedSpec::Binance(binance::Options {
            symbols: symbols(&["BTCUSDT"]),
            url: "ws://127.0.0.1:9000/stream?key=1&b=2".parse().unwrap(),
        })
    );
    let pairs = |names: &[&str]| names.iter().map(|name| Pair::read(name).unwrap()).collect();
    assert_eq!(
        read("coinbase:btc-usd, ETH-USD,BTC-USD"),
        FeedSpec::Coinbase(coinbase::Options::new(
            pairs(&["BTC-USD", "ETH-USD"]),
            "wss://ws-feed.exchange.coinbase.com".parse().unwrap(),
        ))
    );
    assert_eq!(
        read("kraken:BTC/USD,ETH-EUR?url=ws://127.0.0.1:9000/v2"),
        FeedSpec::Kraken(kraken::Options::new(
            pairs(&["BTC-USD", "ETH-EUR"]),
            "ws://127.0.0.1:9000/v2".parse().unwrap(),
        ))
    );
    let FeedSpec::Alpaca(alpaca) = read("alpaca:fakepaca?feed=test&key_env=KEY") else {
        panic!("it is alpaca");
    };
    assert_eq!(alpaca.symbols, symbols(&["FAKEPACA"]));
    assert_eq!(alpaca.feed, alpaca::Endpoint::Test);
    assert_eq!(alpaca.key, Secret::Env("KEY".to_owned()));
    let secret = Secret::Env("TICKERTAPE_ALPACA_SECRET".to_owned());
    assert_eq!(alpaca.secret, secret);
    let FeedSpec::AlpacaNews(news) = read("alpaca-news?backfill=0") else {
        panic!("it is alpaca-news");
    };
    assert_eq!((news.backfill, news.symbols), (0, Vec::new()));
    let FeedSpec::Finnhub(finnhub) = read("finnhub:BRK.B?url=ws://127.0.0.1:9/") else {
        panic!("it is finnhub");
    };
    assert_eq!(finnhub.symbols, symbols(&["BRK.B"]));
    for (text, file, speed) in [
        ("replay:a/b.gz", "a/b.gz", Speed::Times(1.0)),
        ("replay:C:b?c.gz?speed=50", "C:b?c.gz", Speed::Times(50.0)),
        ("replay:b.gz?speed=max", "b.gz", Speed::Max),
        ("replay:b.gz?speed=0.5", "b.gz", Speed::Times(0.5)),
    ] {
        let file = PathBuf::from(file);
        assert_eq!(
            read(text),
            FeedSpec::Replay(replay::Options { file, speed })
        );
    }
}

#[test]
fn names_what_is_wrong_and_what_was_expected() {
    for (text, parts) in [
        ("", ["\"\" is not a feed", "simulate, alpaca,"]),
        ("alpacca:AAPL", ["\"alpacca\"", "did you mean alpaca?"]),
        ("alpaca", ["without a symbol", "alpaca:AAPL"]),
        ("alpaca:BTC/USD", ["\"BTC/USD\"", "BRK.B"]),
        ("alpaca:AAPL?feed=ieks", ["`ieks`", "delayed_sip"]),
        ("alpaca-news?backfill=1001", ["1001", "0 to 1000"]),
        ("alpaca-news?rest=ftp://a", ["\"ftp://a\"", "https://HOST"]),
        ("finnhub:AAPL?key=K3Y", ["\"key\" is a secret", "key_env"]),
        ("finnhub", ["without a symbol", "finnhub:AAPL"]),
        ("simulat", ["\"simulat\"", "did you mean simulate?"]),
        ("Binanse:BTCUSDT", ["\"Binanse\"", "did you mean binance?"]),
        ("reply:x", ["\"reply\"", "did you mean replay?"]),
        ("simulate?seed=5", ["\"?seed=5\"", "nothing more"]),
        ("binance", ["without a symbol", "binance:BTCUSDT"]),
        ("binance:,", ["without a symbol", "binance:BTCUSDT"]),
        ("binance:BTC-USDT", ["\"BTC-USDT\"", "BTCUSDT"]),
        ("binance:BTC", ["\"BTC\"", "5 to 20"]),
        (
            "binance:BTCUSDT?url=http://a",
            ["\"http://a\"", "wss://HOST"],
        ),
        ("binance:BTCUSDT?url=", ["\"\"", "wss://HOST"]),
        (
            "binance:BTCUSDT?ulr=ws://a",
            ["\"ulr\"", "did you mean url?"],
        ),
        ("coinbase:", ["without a symbol", "coinbase:BTC-USD"]),
        ("coinbase:BTCUSD", ["\"BTCUSD\"", "BTC-USD"]),
        ("kraken:BTC/USD/X", ["\"BTC/USD/X\"", "BTC-USD"]),
        ("kraken:BTC-USD?url=x", ["\"x\"", "wss://HOST"]),
        ("krakn:BTC-USD", ["\"krakn\"", "did you mean kraken?"]),
        ("replay:", ["without a file", "replay:recording"]),
        ("replay:f?speed=quick", ["\"quick\"", "or max"]),
        ("replay:f?speed=0", ["\"0\"", "or max"]),
        ("replay:f?speed=NaN", ["\"NaN\"", "or max"]),
        ("replay:f?sped=2", ["\"sped\"", "did you mean speed?"]),
    ] {
        let error = error(text);
        for part in parts {
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
    assert!(!error("nasdaq").contains("did you mean"));
    let many: Vec<String> = (10_000..10_101)
        .map(|number| format!("A{number}"))
        .collect();
    assert!(error(&format!("binance:{}", many.join(","))).contains("101 symbols"));
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Keyed {
    key: Secret,
    #[serde(default)]
    word: Option<Secret>,
    #[serde(default)]
    rows: u8,
    #[serde(default)]
    names: Vec<Symbol>,
}

impl FeedOptions for Keyed {
    const NAME: &'static str = "keyed";
    const KEYS: &'static [&'static str] = &["rows", "names"];
    const SECRETS: &'static [&'static str] = &["key", "word"];
    const MAIN: Main = Main::List("names");

    fn about(&self) -> About {
        FeedSpec::None.about()
    }

    fn secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.key).chain(&self.word).collect()
    }
}

fn keyed(text: &str) -> Result<Keyed, SpecError> {
    options(Keyed::MAIN.read(text))
}

#[test]
fn a_secret_is_named_by_its_place() {
    let read = keyed(":GOOG?key_env=ALPACA_KEY&word_file=/run/secrets/word").unwrap();
    let key = Secret::Env("ALPACA_KEY".to_owned());
    let word = Secret::File("/run/secrets/word".into());
    assert_eq!(read.secrets(), [&key, &word]);
    assert_eq!(keyed("?key_env=A").unwrap().word, None);
    for (text, words) in [
        ("", "without key_env or key_file"),
        ("?key=hunter2", "\"key\" is a secret, which is not written"),
        ("?key_env=hunter2", "key_env is no name"),
        ("?key_env=", "key_env is no name"),
        ("?key_env=A&key_file=b", "key_env beside key_file"),
        ("?key_evn=A", "did you mean key_env?"),
    ] {
        let error = keyed(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
        assert!(!error.contains("hunter"), "{error}");
    }
}

#[test]
fn every_error_of_a_table_is_reported_with_its_place() {
    let text = r#"key = "hunter2"
            rows = "many"
            names = ["GOOG", "two words", "AAPL"]
            colour = "red""#;
    let error = options::<Keyed>(text.parse().unwrap()).unwrap_err();
    let places: Vec<_> = error
        .faults()
        .iter()
        .map(|fault| (fault.key.as_deref(), fault.item))
        .collect();
    assert_eq!(
        places,
        [
            (Some("key"), None),
            (Some("colour"), None),
            (Some("rows"), None),
            (Some("names"), Some(1)),
        ]
    );
    let message = error.to_string();
    assert!(
        message.contains("two words") && message.contains("many"),
        "{message}"
    );
    assert!(!message.contains("hunter"), "{message}");
}

/// A description comes from the recorded feed, which would be itself, for ever.
#[test]
fn a_recording_of_a_recording_is_refused() {
    let file = Table::from_iter([("file".to_owned(), "itself.jsonl".into())]);
    for (kind, options) in [("replay", file), ("simulate", Table::new())] {
        let error = recorded_feed(&Header::new(7, kind, &options))
            .err()
            .unwrap();
        assert!(error.contains("receives nothing"), "{error}");
    }
    assert!(recorded_feed(&Header::new(7, "nasdaq-halts", &Table::new())).is_ok());
}
