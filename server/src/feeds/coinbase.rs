//! Frames of Coinbase Exchange, after its
//! [WebSocket feed](https://docs.cdp.coinbase.com/exchange/websocket-feed/channels).
//!
//! Everything comes from the `ticker` channel: it carries each trade's price and size with the best
//! prices and the figures of the last 24 hours. `match` and `last_match` tell of the same trades
//! and are passed over, so that none is counted twice; where trades cascade, the source itself
//! folds several into one `ticker`, and volumes of bars are those of what it told.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use jiff::Timestamp;
use market::{Best, Clock, Day, Millis, Price, Quality, Session, Size, Symbol, Tick, Trade};
use serde::Deserialize;

use super::{FrameError, currency, exchange_time};

/// Reads the frames of one connection.
#[derive(Debug, Default)]
pub struct Parser {
    // The newest sequence number of each product: the source says to ignore what is older.
    sequences: HashMap<Symbol, u64>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Ticker<'a> {
    sequence: u64,
    product_id: Symbol,
    price: Price,
    last_size: Option<Size>,
    open_24h: Option<Price>,
    high_24h: Option<Price>,
    low_24h: Option<Price>,
    volume_24h: Option<Size>,
    best_bid: Option<Price>,
    best_bid_size: Option<Size>,
    best_ask: Option<Price>,
    best_ask_size: Option<Size>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
}

impl Parser {
    /// A parser at the beginning of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a frame; `None` for one of another type, or one that is older than another before it.
    ///
    /// # Errors
    /// When the frame is not JSON, or not what its type promises.
    pub fn parse(&mut self, text: &str, received: Millis) -> Result<Option<Tick>, FrameError> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let typed: Typed<'_> = serde_json::from_str(text).map_err(error)?;
        if typed.kind.as_deref() != Some("ticker") {
            return Ok(None);
        }
        let ticker: Ticker<'_> = serde_json::from_str(text).map_err(error)?;
        let negative = ticker.last_size.is_some_and(|size| size < Size::ZERO);
        if ticker.price <= Price::ZERO || negative {
            return Err(FrameError::new(&"a price or a size below zero", text));
        }
        let (time, clock) = match &ticker.time {
            Some(time) => {
                let time = exchange_time(millis(time, text)?, received, text)?;
                (time, Clock::Exchange)
            }
            None => (received, Clock::Receipt),
        };
        match self.sequences.entry(ticker.product_id) {
            Entry::Occupied(newest) if ticker.sequence <= *newest.get() => return Ok(None),
            Entry::Occupied(mut newest) => {
                newest.insert(ticker.sequence);
            }
            Entry::Vacant(none) => {
                none.insert(ticker.sequence);
            }
        }
        let mut tick = Tick::new(ticker.product_id, time, clock);
        tick.trade = Some(Trade::new(ticker.price, ticker.last_size));
        tick.bid = side(ticker.best_bid, ticker.best_bid_size);
        tick.ask = side(ticker.best_ask, ticker.best_ask_size);
        tick.day = Day {
            volume: ticker.volume_24h,
            high: ticker.high_24h,
            low: ticker.low_24h,
            open: ticker.open_24h,
            // The day rolls: it began with the price that changes are counted from.
            prev_close: ticker.open_24h,
        };
        Ok(Some(tick))
    }
}

fn millis(time: &str, frame: &str) -> Result<Millis, FrameError> {
    time.parse()
        .ok()
        .and_then(|time: Timestamp| Millis::try_from(time.as_millisecond()).ok())
        .ok_or_else(|| {
            let why = format_args!("{time:?} is not a time: expected RFC 3339 since 1970");
            FrameError::new(&why, frame)
        })
}

/// The size of a side is optional: older recordings have none.
fn side(price: Option<Price>, size: Option<Size>) -> Best {
    match price {
        None => Best::Unchanged,
        Some(price) if price <= Price::ZERO => Best::Nobody,
        Some(price) => Best::At { price, size },
    }
}

/// What is known of a product without asking: its name and currency, from its letters.
pub fn session(product: Symbol, source: &str, quality: Quality) -> Session {
    let sides = product.as_str().split_once('-');
    currency::session(product, sides, "Coinbase", source, quality)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECEIVED: Millis = 1_618_677_817_079;
    const TICKER: &str = r#"{"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","price":"14.7775","open_24h":"14.6647","volume_24h":"94381.28000000","low_24h":"14.3691","high_24h":"16.55","volume_30d":"2295579.57000000","best_bid":"14.7550","best_ask":"14.8060","side":"buy","time":"2021-04-17T16:43:30.244075Z","trade_id":881613,"last_size":"0.04"}"#;

    #[test]
    fn reads_a_ticker_with_and_without_sizes() {
        let tick = Parser::new().parse(TICKER, RECEIVED).unwrap().unwrap();
        assert_eq!(tick.symbol.as_str(), "BAND-GBP");
        assert_eq!(
            (tick.time, tick.clock),
            (1_618_677_810_244, Clock::Exchange)
        );
        let trade = tick.trade.unwrap();
        assert_eq!(trade.price.to_string(), "14.7775");
        assert_eq!(trade.size.unwrap().to_string(), "0.04");
        assert_eq!(tick.bid, side(Some("14.7550".parse().unwrap()), None));
        assert_eq!(tick.day.volume.unwrap().to_string(), "94381.28000000");
        assert_eq!(tick.day.high.unwrap().to_string(), "16.55");
        assert_eq!(tick.day.low.unwrap().to_string(), "14.3691");
        assert_eq!(tick.day.open.unwrap().to_string(), "14.6647");

        let sized = TICKER.replace("\"side\"", "\"best_bid_size\":\"1.50\",\"side\"");
        let tick = Parser::new().parse(&sized, RECEIVED).unwrap().unwrap();
        assert_eq!(
            tick.bid,
            side(
                Some("14.7550".parse().unwrap()),
                Some("1.50".parse().unwrap())
            )
        );
    }

    #[test]
    fn passes_over_what_is_older_and_what_is_of_another_type() {
        let mut parser = Parser::new();
        assert!(parser.parse(TICKER, RECEIVED).unwrap().is_some());
        assert_eq!(parser.parse(TICKER, RECEIVED), Ok(None), "the same again");
        let older = TICKER.replace("333938798", "333938797");
        assert_eq!(parser.parse(&older, RECEIVED), Ok(None));
        let other = older.replace("BAND-GBP", "BAND-BTC");
        assert!(
            parser.parse(&other, RECEIVED).unwrap().is_some(),
            "numbers are a product's own"
        );
        for text in [
            r#"{"type":"match","size":"985","price":"0.00001305","product_id":"SKL-BTC","sequence":1}"#,
            r#"{"type":"heartbeat","sequence":90}"#,
            r#"{"type":"anything new"}"#,
            "{}",
        ] {
            assert_eq!(parser.parse(text, RECEIVED), Ok(None), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_wrong_and_remembers_none_of_it() {
        let mut parser = Parser::new();
        for text in [
            "",
            "{",
            &TICKER.replace("14.7775", "much"),
            &TICKER.replace("2021-04-17T", "yesterday "),
            &TICKER.replace("0.04", "-0.04"),
            &TICKER.replace("2021-04-17", "2021-05-17"),
            &TICKER.replace("333938798", "-1"),
        ] {
            assert!(parser.parse(text, RECEIVED).is_err(), "{text}");
        }
        assert!(parser.parse(TICKER, RECEIVED).unwrap().is_some());
    }

    #[test]
    fn names_products() {
        let session = session("YFI-BTC".parse().unwrap(), "x", Quality::Replay);
        assert_eq!(session.name, "yearn.finance / Bitcoin");
        assert_eq!(session.currency.as_deref(), Some("BTC"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TICKER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
            let mut parser = Parser::new();
            let _ = parser.parse(&text, RECEIVED);
            let _ = parser.parse(&format!("{}{with}{}", &TICKER[..cut], &TICKER[cut..]), 0);
        }
    }
}
