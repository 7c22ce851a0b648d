use std::borrow::Cow;

use market::{Clock, Day, Millis, Price, Symbol, Tick, Trade};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    FrameError,
    kit::{
        fields::{self, Field, Fields},
        pairs::Pair,
    },
};

#[derive(Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(borrow)]
    pub(super) channel: Option<Cow<'a, str>>,
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) method: Option<Cow<'a, str>>,
    pub(super) success: Option<bool>,
    #[serde(borrow)]
    pub(super) error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) result: Option<Subscription<'a>>,
    /// The type of a message in version 1.
    #[serde(borrow)]
    pub(super) event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Subscription<'a> {
    #[serde(borrow)]
    pub(super) channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) symbol: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct System<'a> {
    #[serde(borrow)]
    pub(super) system: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct TickerData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    bid: Field<'a>,
    #[serde(borrow, default)]
    bid_qty: Field<'a>,
    #[serde(borrow, default)]
    ask: Field<'a>,
    #[serde(borrow, default)]
    ask_qty: Field<'a>,
    #[serde(borrow, default)]
    last: Field<'a>,
    #[serde(borrow, default)]
    volume: Field<'a>,
    #[serde(borrow, default)]
    low: Field<'a>,
    #[serde(borrow, default)]
    high: Field<'a>,
    #[serde(borrow, default)]
    change: Field<'a>,
    #[serde(borrow, default)]
    timestamp: Field<'a>,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    price: Field<'a>,
    #[serde(borrow, default)]
    qty: Field<'a>,
    trade_id: u64,
    #[serde(borrow, default)]
    timestamp: Field<'a>,
}

/// Whether a text is of version 1 of the source's API: data in an array that ends with the channel and the pair,
/// everything else in an object with an `event`.
pub(crate) fn is_of_version_1(text: &str) -> bool {
    let text = text.trim_start();
    if !text.starts_with('[') {
        let frame: Result<Frame<'_>, _> = serde_json::from_str(text);
        return text.starts_with('{') && frame.is_ok_and(|frame| frame.event.is_some());
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    matches!(&elements[..], [_, .., channel, pair]
        if channel.get().starts_with('"') && pair.get().starts_with('"'))
}

/// What to do about version 1.
pub(crate) const VERSION_1: &str = "these are messages of version 1 of Kraken's API: expected version 2, as at wss://ws.kraken.com/v2";

/// A pair in Tickertape's notation.
pub(super) fn symbol(text: &str) -> Option<Symbol> {
    Pair::read(text).ok().map(|pair| pair.symbol())
}

/// The entries of a message, as written.
pub(super) fn list<'a>(
    data: Option<&'a RawValue>,
    text: &str,
) -> Result<Vec<&'a RawValue>, FrameError> {
    let data = data.ok_or_else(|| FrameError::new(&"no data", text))?;
    serde_json::from_str(data.get()).map_err(|error| FrameError::new(&error, text))
}

fn pair(text: &str, frame: &str) -> Result<Symbol, FrameError> {
    Pair::read(text)
        .map(|pair| pair.symbol())
        .map_err(|error| FrameError::new(&error, frame))
}

pub(super) fn tickers(
    data: Option<&RawValue>,
    received: Millis,
    text: &str,
    faults: &mut Vec<FrameError>,
) -> Result<Vec<Tick>, FrameError> {
    let mut ticks = Vec::new();
    for entry in list(data, text)? {
        match ticker(entry.get(), received, faults) {
            Ok(tick) => ticks.push(tick),
            Err(error) => faults.push(error),
        }
    }
    Ok(ticks)
}

fn ticker(text: &str, received: Millis, faults: &mut Vec<FrameError>) -> Result<Tick, FrameError> {
    let ticker: TickerData<'_> =
        serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))?;
    let symbol = pair(&ticker.symbol, text)?;
    let mut fields = Fields::new(text, faults);
    let (time, clock) = fields::moment(ticker.timestamp, received, text).unwrap_or_else(|error| {
        fields.wrong(&error);
        (received, Clock::Receipt)
    });
    let mut tick = Tick::new(symbol, time, clock);
    tick.bid = fields.side(("bid", ticker.bid), ("bid_qty", ticker.bid_qty));
    tick.ask = fields.side(("ask", ticker.ask), ("ask_qty", ticker.ask_qty));
    let last = fields.price("last", ticker.last).map(Price::decimal);
    let change = fields.change("change", ticker.change).map(Price::decimal);
    // The day rolls: it began with the price that changes are counted from. A day without a first price has none.
    let open = last
        .zip(change)
        .and_then(|(last, change)| last.checked_sub(change))
        .map(Price::from)
        .filter(|open| *open > Price::ZERO);
    tick.day = Day {
        volume: fields.size("volume", ticker.volume),
        high: fields.price("high", ticker.high),
        low: fields.price("low", ticker.low),
        open,
        prev_close: open,
    };
    Ok(tick)
}

/// An entry of the channel of trades.
#[derive(Debug)]
pub(super) struct TradeEntry {
    pub(super) id: u64,
    pub(super) symbol: Symbol,
    /// `None` if only the number is valid.
    pub(super) tick: Option<Tick>,
}

pub(super) fn trades(
    data: Option<&RawValue>,
    received: Millis,
    text: &str,
    faults: &mut Vec<FrameError>,
) -> Result<Vec<TradeEntry>, FrameError> {
    let mut entries = Vec::new();
    for entry in list(data, text)? {
        match trade_entry(entry.get(), received, faults) {
            Ok(entry) => entries.push(entry),
            Err(error) => faults.push(error),
        }
    }
    Ok(entries)
}

fn trade_entry(
    text: &str,
    received: Millis,
    faults: &mut Vec<FrameError>,
) -> Result<TradeEntry, FrameError> {
    let data: TradeData<'_> =
        serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))?;
    let symbol = pair(&data.symbol, text)?;
    let id = data.trade_id;
    let tick = || {
        let (time, clock) = fields::moment(data.timestamp, received, text)?;
        let price = fields::traded("price", data.price, text)?;
        let size = fields::quantity("qty", data.qty, text)?;
        let mut tick = Tick::new(symbol, time, clock);
        tick.trade = Some(Trade::new(price, size).with_id(id));
        Ok(tick)
    };
    let tick = tick().map_err(|error| faults.push(error)).ok();
    Ok(TradeEntry { id, symbol, tick })
}
