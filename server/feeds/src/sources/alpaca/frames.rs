//! The messages of Alpaca, after its [channels of
//! stocks](https://docs.alpaca.markets/docs/real-time-stock-pricing-data).

use std::borrow::Cow;

use market::{Correction, Millis, Price, Symbol, Tick, Trade};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    FrameError,
    kit::{
        conditions::{self, Scope, Tape},
        fields::{self, Field, Fields},
    },
};

/// One object of a message, about a stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A trade or a quote.
    Tick(Tick),
    /// A cancel or correction of a trade.
    Correction(Correction),
    /// A trading status.
    Status(Status),
    /// The price band of a stock.
    Bands(Bands),
}

/// A trading status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The symbol.
    pub symbol: Symbol,
    /// The venue's time of it.
    pub time: Millis,
    /// What has changed.
    pub change: Change,
    /// The venue's words for it.
    pub words: String,
    /// The venue's words for the reason.
    pub reason: String,
}

/// The change of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Trading stops, with the code of the reason as the other sources give it.
    Halt(String),
    /// Trading resumes.
    Resume,
    /// Something else: quotes before a resumption, an imbalance.
    Nothing,
}

/// Limit up, limit down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bands {
    /// The symbol.
    pub symbol: Symbol,
    /// The highest price at which it may be traded.
    pub up: Price,
    /// The lowest one.
    pub down: Price,
}

/// Parses an object of a message; `None` for one of another type. Invalid optional fields go to `faults`.
///
/// # Errors
/// If it is not JSON, or not valid for its type.
pub fn parse(
    scope: Scope,
    kind: &str,
    text: &str,
    received: Millis,
    faults: &mut Vec<FrameError>,
) -> Result<Option<Message>, FrameError> {
    Ok(Some(match kind {
        "t" => Message::Tick(trade(scope, text, received)?),
        "q" => Message::Tick(quote(text, received, faults)?),
        "c" => Message::Correction(correction(scope, text, received)?),
        "x" => Message::Correction(cancel(text, received)?),
        "s" => Message::Status(status(text, received)?),
        "l" => return Ok(bands(text, faults)?.map(Message::Bands)),
        _ => return Ok(None),
    }))
}

/// The objects of a message, as written.
pub(super) fn split(text: &str) -> Result<Vec<&RawValue>, FrameError> {
    serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))
}

/// The type of an object.
pub(super) fn kind(message: &RawValue) -> Result<Cow<'_, str>, FrameError> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(rename = "T", borrow)]
        kind: Cow<'a, str>,
    }
    read::<Typed<'_>>(message.get()).map(|typed| typed.kind)
}

pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))
}

/// The time of a report, or that of its receipt if it has none.
pub(super) fn moment(time: Field<'_>, received: Millis, text: &str) -> Result<Millis, FrameError> {
    fields::moment(time, received, text).map(|(time, _)| time)
}

/// The identity of a trade. An exchange gives a number once, but two exchanges may give the same.
fn id(exchange: &str, number: u64) -> Option<u64> {
    const NUMBER: u32 = 56;
    let &[letter] = exchange.as_bytes() else {
        return None;
    };
    (number >> NUMBER == 0).then_some(u64::from(letter) << NUMBER | number)
}

/// A trade, or its correction.
struct Executed<'a> {
    price: (&'static str, Field<'a>),
    size: (&'static str, Field<'a>),
    exchange: Field<'a>,
    number: u64,
    tape: Field<'a>,
    conditions: Field<'a>,
}

impl Executed<'_> {
    fn trade(&self, scope: Scope, text: &str) -> Result<Trade, FrameError> {
        let price = fields::traded(self.price.0, self.price.1, text)?;
        let size = fields::quantity(self.size.0, self.size.1, text)?;
        let conditions = fields::conditions(self.conditions, text)?;
        let tape = self.tape.text().and_then(|tape| Tape::of(&tape));
        let conditions = conditions.iter().map(|condition| &**condition);
        Ok(Trade {
            id: id(&self.exchange.text().unwrap_or_default(), self.number),
            moves: conditions::moves(scope, tape, conditions),
            ..Trade::new(price, size)
        })
    }
}

#[derive(Deserialize)]
struct TradeFrame<'a> {
    #[serde(rename = "S")]
    symbol: Symbol,
    #[serde(rename = "i")]
    number: Option<u64>,
    #[serde(rename = "x", borrow, default)]
    exchange: Field<'a>,
    #[serde(rename = "p", borrow, default)]
    price: Field<'a>,
    #[serde(rename = "s", borrow, default)]
    size: Field<'a>,
    #[serde(rename = "c", borrow, default)]
    conditions: Field<'a>,
    #[serde(rename = "t", borrow, default)]
    time: Field<'a>,
    #[serde(rename = "z", borrow, default)]
    tape: Field<'a>,
}

fn trade(scope: Scope, text: &str, received: Millis) -> Result<Tick, FrameError> {
    let frame: TradeFrame<'_> = read(text)?;
    let (time, clock) = fields::moment(frame.time, received, text)?;
    let mut tick = Tick::new(frame.symbol, time, clock);
    let executed = Executed {
        price: ("p", frame.price),
        size: ("s", frame.size),
        exchange: frame.exchange,
        number: frame.number.unwrap_or_default(),
        tape: frame.tape,
        conditions: frame.conditions,
    };
    let trade = executed.trade(scope, text)?;
    tick.trade = Some(Trade {
        id: trade.id.filter(|_| frame.number.is_some()),
        ..trade
    });
    Ok(tick)
}

#[derive(Deserialize)]
struct QuoteFrame<'a> {
    #[serde(rename = "S")]
    symbol: Symbol,
    #[serde(rename = "bp", borrow, default)]
    bid: Field<'a>,
    #[serde(rename = "bs", borrow, default)]
    bid_size: Field<'a>,
    #[serde(rename = "ap", borrow, default)]
    ask: Field<'a>,
    #[serde(rename = "as", borrow, default)]
    ask_size: Field<'a>,
    #[serde(rename = "t", borrow, default)]
    time: Field<'a>,
}

/// Sizes are in shares; they were in round lots before November 3, 2025. A price of zero means that the side is empty.
fn quote(text: &str, received: Millis, faults: &mut Vec<FrameError>) -> Result<Tick, FrameError> {
    let frame: QuoteFrame<'_> = read(text)?;
    let (time, clock) = fields::moment(frame.time, received, text)?;
    let mut tick = Tick::new(frame.symbol, time, clock);
    let mut fields = Fields::new(text, faults);
    tick.bid = fields.side(("bp", frame.bid), ("bs", frame.bid_size));
    tick.ask = fields.side(("ap", frame.ask), ("as", frame.ask_size));
    Ok(tick)
}

#[derive(Deserialize)]
struct CorrectionFrame<'a> {
    #[serde(rename = "S")]
    symbol: Symbol,
    #[serde(rename = "x", borrow, default)]
    exchange: Field<'a>,
    #[serde(rename = "oi")]
    wrong: u64,
    #[serde(rename = "ci")]
    right: u64,
    #[serde(rename = "cp", borrow, default)]
    price: Field<'a>,
    #[serde(rename = "cs", borrow, default)]
    size: Field<'a>,
    #[serde(rename = "cc", borrow, default)]
    conditions: Field<'a>,
    #[serde(rename = "t", borrow, default)]
    time: Field<'a>,
    #[serde(rename = "z", borrow, default)]
    tape: Field<'a>,
}

fn correction(scope: Scope, text: &str, received: Millis) -> Result<Correction, FrameError> {
    let frame: CorrectionFrame<'_> = read(text)?;
    let right = Executed {
        price: ("cp", frame.price),
        size: ("cs", frame.size),
        exchange: frame.exchange,
        number: frame.right,
        tape: frame.tape,
        conditions: frame.conditions,
    };
    Ok(Correction {
        symbol: frame.symbol,
        time: moment(frame.time, received, text)?,
        trade: named(frame.exchange, frame.wrong, text)?,
        right: Some(right.trade(scope, text)?),
    })
}

#[derive(Deserialize)]
struct CancelFrame<'a> {
    #[serde(rename = "S")]
    symbol: Symbol,
    #[serde(rename = "i")]
    number: u64,
    #[serde(rename = "x", borrow, default)]
    exchange: Field<'a>,
    #[serde(rename = "t", borrow, default)]
    time: Field<'a>,
}

/// A cancel (`a` is `C`) and an error (`E`) both cancel the trade.
fn cancel(text: &str, received: Millis) -> Result<Correction, FrameError> {
    let frame: CancelFrame<'_> = read(text)?;
    Ok(Correction {
        symbol: frame.symbol,
        time: moment(frame.time, received, text)?,
        trade: named(frame.exchange, frame.number, text)?,
        right: None,
    })
}

fn named(exchange: Field<'_>, number: u64, text: &str) -> Result<u64, FrameError> {
    let exchange = exchange.text().unwrap_or_default();
    id(&exchange, number).ok_or_else(|| {
        let why = format_args!(
            "{exchange:?} with {number} is no trade: expected the letter of an exchange and a number below 2^56"
        );
        FrameError::new(&why, text)
    })
}

#[derive(Deserialize)]
struct StatusFrame<'a> {
    #[serde(rename = "S")]
    symbol: Symbol,
    #[serde(rename = "sc", borrow)]
    code: Cow<'a, str>,
    #[serde(rename = "sm", borrow, default)]
    words: Field<'a>,
    #[serde(rename = "rc", borrow, default)]
    reason_code: Field<'a>,
    #[serde(rename = "rm", borrow, default)]
    reason: Field<'a>,
    #[serde(rename = "t", borrow, default)]
    time: Field<'a>,
    #[serde(rename = "z", borrow, default)]
    tape: Field<'a>,
}

fn status(text: &str, received: Millis) -> Result<Status, FrameError> {
    let frame: StatusFrame<'_> = read(text)?;
    let words = |field: Field<'_>| field.text().unwrap_or_default().into_owned();
    Ok(Status {
        symbol: frame.symbol,
        time: moment(frame.time, received, text)?,
        change: change(
            &words(frame.tape),
            frame.code.trim(),
            words(frame.reason_code).trim(),
        ),
        words: market::plain(&words(frame.words)),
        reason: market::plain(&words(frame.reason)),
    })
}

/// The meaning of a status, by the
/// [codes](https://docs.alpaca.markets/docs/real-time-stock-pricing-data#trading-status) of its tape. When quotes
/// resume (`Q` on tape C), there are no trades yet.
fn change(tape: &str, code: &str, reason: &str) -> Change {
    let halted = |code: &str| Change::Halt(code.to_owned());
    let named = |otherwise: &str| halted(if reason.is_empty() { otherwise } else { reason });
    match (Tape::of(tape), code) {
        // Tapes A and B have their own codes of reasons for Nasdaq's LUDP and MWC1 …
        (Some(Tape::Cta) | None, "2") => match reason {
            "M" => halted("LUDP"),
            "1" | "2" | "3" => halted(&format!("MWC{reason}")),
            _ => named("H"),
        },
        (Some(Tape::Utp) | None, "H") => named("H"),
        (Some(Tape::Utp) | None, "P") => named("LUDP"),
        (Some(Tape::Cta) | None, "3") | (Some(Tape::Utp) | None, "T") => Change::Resume,
        _ => Change::Nothing,
    }
}

#[derive(Deserialize)]
struct BandsFrame<'a> {
    #[serde(rename = "S")]
    symbol: Symbol,
    #[serde(rename = "u", borrow, default)]
    up: Field<'a>,
    #[serde(rename = "d", borrow, default)]
    down: Field<'a>,
}

/// The price band of a stock; `None` if the source does not give two prices.
fn bands(text: &str, faults: &mut Vec<FrameError>) -> Result<Option<Bands>, FrameError> {
    let frame: BandsFrame<'_> = read(text)?;
    let mut fields = Fields::new(text, faults);
    let (up, down) = (fields.price("u", frame.up), fields.price("d", frame.down));
    Ok(up.zip(down).map(|(up, down)| Bands {
        symbol: frame.symbol,
        up,
        down,
    }))
}

#[cfg(test)]
mod tests;
