//! Trades of stocks from Finnhub, after its
//! [WebSocket](https://finnhub.io/docs/api/websocket-trades), which has no quotes.
//!
//! The key is in the address, so the address is never shown with its query. A key has one connection. There is no
//! answer to a subscription; `{"type":"ping"}` arrives when nothing else does.

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use market::{Clock, Millis, Quality, Size, Symbol, Tick, Trade};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{json, value::RawValue};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::{
    About, End, Feed, FeedError, FrameError, Licence, Publisher, Timeouts,
    kit::about::list,
    kit::options::{self, FeedOptions, Main},
    kit::{
        conditions,
        fields::{self, Field},
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received, words},
        us_stock,
    },
};
use crate::{Revealed, Secret};

const NAME: &str = "Finnhub";

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The symbols, without repetition.
    #[serde(deserialize_with = "symbols")]
    pub symbols: Vec<Symbol>,
    /// The key.
    #[serde(default = "key")]
    pub key: Secret,
    /// The address, to which the key is added.
    #[serde(default = "url", deserialize_with = "options::websocket")]
    pub url: Uri,
}

fn key() -> Secret {
    Secret::Env("TICKERTAPE_FINNHUB_KEY".to_owned())
}

fn url() -> Uri {
    Uri::from_static("wss://ws.finnhub.io/")
}

fn symbols<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<Symbol>, D::Error> {
    let mut symbols = Vec::new();
    for name in Vec::<String>::deserialize(reader)? {
        let symbol: Symbol = name.parse().map_err(D::Error::custom)?;
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

impl FeedOptions for Options {
    const NAME: &'static str = "finnhub";
    const KEYS: &'static [&'static str] = &["symbols", "url"];
    const MAIN: Main = Main::List("symbols");
    const SECRETS: &'static [&'static str] = &["key"];

    fn about(&self) -> About {
        About {
            does: format!(
                "connects to {} and subscribes to trades of {}",
                socket::shown(&self.url),
                list(&self.symbols)
            ),
            symbols: self.symbols.clone(),
            licence: Licence::Personal,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.key]
    }

    fn checked(self) -> Result<Self, String> {
        options::some(&self.symbols, "finnhub:AAPL,MSFT")?;
        Ok(self)
    }

    fn alone(&self) -> Option<(String, &'static str)> {
        Some((
            format!("finnhub with the key in {}", self.key),
            "a key has one connection, and the second would be refused: expected one feed with the symbols of both",
        ))
    }
}

/// A feed of trades.
#[derive(Debug)]
pub struct Finnhub {
    options: Options,
    timeouts: Timeouts,
    made: ConnectBudget,
}

impl Finnhub {
    /// A feed with these options.
    pub fn new(options: Options) -> Self {
        Finnhub {
            options,
            timeouts: Timeouts::default(),
            made: ConnectBudget::default(),
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Finnhub { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let key = publisher.reveal(&self.options.key);
        let key = key.map_err(|error| FeedError::Fatal(error.to_string()))?;
        for &symbol in &self.options.symbols {
            publisher.session(us_stock::session(
                symbol,
                "US",
                NAME,
                Quality::Live,
                publisher,
            ));
        }
        self.made.one_more(&self.timeouts, publisher).await;
        let mut conversation = Conversation {
            address: address(&self.options.url, &key)?,
            symbols: &self.options.symbols,
            key: &key,
        };
        let end = socket::run(&mut conversation, self.timeouts, publisher).await;
        end.map_err(|error| error.hiding(&key))
    }
}

impl Feed for Finnhub {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// The address with the key in it. Errors do not show the key.
fn address(url: &Uri, key: &Revealed) -> Result<Uri, FeedError> {
    let right = key
        .expose()
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let mark = if url.query().is_some() { '&' } else { '?' };
    format!("{url}{mark}token={}", key.expose())
        .parse()
        .ok()
        .filter(|_| right)
        .ok_or_else(|| {
            FeedError::Fatal(
                "the key has characters that no key of Finnhub has: expected letters and digits"
                    .to_owned(),
            )
        })
}

/// One connection.
struct Conversation<'a> {
    address: Uri,
    symbols: &'a [Symbol],
    key: &'a Revealed,
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.address.clone()
    }

    fn greet(&mut self, outbox: &mut Outbox) {
        for symbol in self.symbols {
            outbox.text(json!({"type": "subscribe", "symbol": symbol}).to_string());
        }
    }

    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        _say: &mut Outbox,
    ) -> Result<Received, Fault> {
        match parse(text, publisher.now()).map_err(|error| error.hiding(self.key))? {
            Message::Trades(trades) => {
                let mut received = Received::Unknown;
                for trade in trades {
                    match trade {
                        Ok(tick) if self.symbols.contains(&tick.symbol) => {
                            timely(&tick, publisher);
                            publisher.tick(&tick);
                            received = Received::Data;
                        }
                        Ok(_) => {}
                        Err(error) => publisher.wrong(&error.hiding(self.key)),
                    }
                }
                Ok(received)
            }
            Message::Ping => Ok(Received::Data),
            Message::Error(reported) => {
                let reported = words(&self.key.hide(&reported));
                Err(failure(&reported).map_or_else(
                    || FrameError::new(&"the source reports an error", &reported).into(),
                    Fault::Feed,
                ))
            }
            Message::Other => Ok(Received::Unknown),
        }
    }
}

/// Compares the time of a trade that is sent at once with the server's clock. Trades that move no last price may be
/// reported long after.
fn timely(tick: &Tick, publisher: &Publisher) {
    let is_of_now = tick.trade.is_some_and(|trade| trade.moves.last);
    if is_of_now && tick.clock == Clock::Exchange {
        publisher.clock(tick.time);
    }
}

/// The meaning of an error, which consists of words only. `None` if it is about one request, and the rest continues.
fn failure(reported: &str) -> Option<FeedError> {
    let lower = reported.to_lowercase();
    let has = |part: &str| lower.contains(part);
    let fatal = |what_to_do: &str| {
        Some(FeedError::Fatal(format!(
            "the source reports {reported:?}: {what_to_do}"
        )))
    };
    if has("api key") || has("token") || has("unauthorized") {
        fatal("the key is wrong; the right one stands on the source's page")
    } else if has("too many symbols") {
        fatal("the key has no right to so many; take some symbols out")
    } else if has("don't have access") || has("no access") {
        fatal("the key has no right to one of the symbols; take it out")
    } else {
        None
    }
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// Trades, each parsed separately, so that an invalid one does not affect the others.
    Trades(Vec<Result<Tick, FrameError>>),
    /// A heartbeat.
    Ping,
    /// An error, in the source's own words.
    Error(String),
    /// A type that is not used.
    Other,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    msg: Field<'a>,
}

#[derive(Deserialize)]
struct TradeFrame<'a> {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "p", borrow, default)]
    price: Field<'a>,
    #[serde(rename = "t", borrow, default)]
    time: Field<'a>,
    #[serde(rename = "v", borrow, default)]
    size: Field<'a>,
    #[serde(rename = "c", borrow, default)]
    conditions: Field<'a>,
}

/// Parses a message.
///
/// # Errors
/// If it is not JSON, or has no type.
pub fn parse(text: &str, received: Millis) -> Result<Message, FrameError> {
    let typed: Typed<'_> =
        serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))?;
    Ok(match &*typed.kind {
        "trade" => {
            let trades = typed.data.unwrap_or_default();
            let read = |trade: &RawValue| trade_of(trade.get(), received);
            Message::Trades(trades.into_iter().map(read).collect())
        }
        "ping" => Message::Ping,
        "error" => Message::Error(typed.msg.text().unwrap_or_default().into_owned()),
        _ => Message::Other,
    })
}

/// If no volume is given, it is a change of the price without a known trade.
fn trade_of(text: &str, received: Millis) -> Result<Tick, FrameError> {
    let frame: TradeFrame<'_> =
        serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))?;
    let price = fields::traded("p", frame.price, text)?;
    let size = fields::quantity("v", frame.size, text)?;
    let (time, clock) = fields::moment(frame.time, received, text)?;
    let mut tick = Tick::new(frame.symbol, time, clock);
    let conditions = fields::conditions(frame.conditions, text)?;
    tick.trade = Some(Trade {
        moves: conditions::numbered(conditions.iter().map(|condition| &**condition)),
        ..Trade::new(price, size.filter(|size| *size > Size::ZERO))
    });
    Ok(tick)
}

#[cfg(test)]
mod tests {
    use market::TradeEligibility;
    use proptest::prelude::*;

    use super::*;

    const NOW: Millis = 1_672_348_888_000;
    const TRADES: &str = r#"{"data":[{"c":["1","8","24","12"],"p":122.1,"s":"TSLA","t":1672348887195,"v":1},{"c":null,"p":7296.890,"s":"AAPL","t":1672348887666,"v":0.011467}],"type":"trade"}"#;

    fn trades(text: &str) -> Vec<Result<Tick, FrameError>> {
        match parse(text, NOW) {
            Ok(Message::Trades(trades)) => trades,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_trades_with_their_digits_and_conditions() {
        let ticks = trades(TRADES);
        let [Ok(first), Ok(second)] = &ticks[..] else {
            panic!("{ticks:?}");
        };
        let trade = first.trade.unwrap();
        assert_eq!(
            (first.time, trade.price.to_string().as_str()),
            (1_672_348_887_195, "122.1")
        );
        assert!(!trade.moves.last, "after hours");
        let trade = second.trade.unwrap();
        assert_eq!(trade.price.to_string(), "7296.890");
        assert_eq!(trade.size.unwrap().to_string(), "0.011467");
        assert_eq!(trade.moves, TradeEligibility::ALL);
    }

    #[test]
    fn a_trade_that_is_wrong_leaves_the_others() {
        let ticks = trades(&TRADES.replace("122.1", "-1"));
        assert!(matches!(&ticks[..], [Err(_), Ok(_)]), "{ticks:?}");
        let ticks = trades(&TRADES.replace("1672348887195", "1872348887195"));
        assert!(matches!(&ticks[..], [Err(_), Ok(_)]), "{ticks:?}");
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"trade","data":5}"#,
        ] {
            assert!(parse(text, NOW).is_err(), "{text}");
        }
        assert_eq!(
            parse(r#"{"type":"news","data":[]}"#, NOW),
            Ok(Message::Other)
        );
        assert_eq!(parse(r#"{"type":"ping"}"#, NOW), Ok(Message::Ping));
    }

    #[test]
    fn a_time_in_seconds_is_of_today_and_one_of_1970_is_refused() {
        let ticks = trades(&TRADES.replace("1672348887195", "1672348887"));
        let [Ok(first), Ok(_)] = &ticks[..] else {
            panic!("{ticks:?}");
        };
        assert_eq!(first.time, 1_672_348_887_000);
        let ticks = trades(&TRADES.replace("1672348887195", "1672348"));
        let [Err(error), Ok(_)] = &ticks[..] else {
            panic!("{ticks:?}");
        };
        let error = error.to_string();
        assert!(error.starts_with("1672348 is not a time"), "{error}");
    }

    #[test]
    fn conditions_may_be_numbers_and_what_is_missing_costs_nothing() {
        let ticks = trades(
            r#"{"type":"trade","data":[{"s":"AAPL","p":"1.50","c":[1,24]},{"s":"AAPL","p":2,"t":"","v":null,"c":""},{"s":"AAPL","p":0,"t":1672348887195,"v":1}]}"#,
        );
        let [Ok(first), Ok(second), Err(error)] = &ticks[..] else {
            panic!("{ticks:?}");
        };
        assert!(!first.trade.unwrap().moves.last);
        assert_eq!((second.time, second.clock), (NOW, Clock::Receipt));
        assert!(error.to_string().starts_with("p is 0: "), "{error}");
    }

    #[test]
    fn errors_are_known_by_their_words() {
        for (reported, fatal) in [
            ("Invalid API key", true),
            ("Subscribing to too many symbols", true),
            ("You don't have access to this resource.", true),
            ("Invalid symbol", false),
        ] {
            let failure = failure(reported);
            assert_eq!(
                matches!(failure, Some(FeedError::Fatal(_))),
                fatal,
                "{reported}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TRADES.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
            let _ = parse(&text, NOW);
            let _ = parse(&format!("{}{with}{}", &TRADES[..cut], &TRADES[cut..]), NOW);
            let _ = parse(&TRADES[..cut], NOW);
        }
    }
}
