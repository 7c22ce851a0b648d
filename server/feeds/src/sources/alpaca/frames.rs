//! What the messages of Alpaca say, after its
//! [channels of stocks](https://docs.alpaca.markets/docs/real-time-stock-pricing-data).

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

/// What one object of a message says of a stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A trade or a quote.
    Tick(Tick),
    /// A trade that is taken back or put right.
    Correction(Correction),
    /// Whether a stock is traded.
    Status(Status),
    /// Between which prices a stock may be traded.
    Bands(Bands),
}

/// A trading status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is about.
    pub symbol: Symbol,
    /// When the venue said so.
    pub time: Millis,
    /// What has changed.
    pub change: Change,
    /// The venue's words for it.
    pub words: String,
    /// The venue's words for the reason.
    pub reason: String,
}

/// What a status changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Trading stops, with the code of the reason as the other sources give it.
    Halt(String),
    /// Trading goes on.
    Resume,
    /// Something else: quotes before a resumption, an imbalance.
    Nothing,
}

/// Limit up, limit down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bands {
    /// What it is about.
    pub symbol: Symbol,
    /// The highest price at which it may be traded.
    pub up: Price,
    /// The lowest one.
    pub down: Price,
}

/// Reads an object of a message; `None` for one of another type. Fields that can be done without and
/// cannot be read go to `faults`.
///
/// # Errors
/// When it is not JSON, or not what its type promises.
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

/// The objects of a message, as they are written.
pub(super) fn split(text: &str) -> Result<Vec<&RawValue>, FrameError> {
    serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))
}

/// What an object is.
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

/// The time of a report, which is that of its receipt where it has none.
pub(super) fn moment(time: Field<'_>, received: Millis, text: &str) -> Result<Millis, FrameError> {
    fields::moment(time, received, text).map(|(time, _)| time)
}

/// The name of a trade. A number is given once by an exchange, but two of them may give the same.
fn id(exchange: &str, number: u64) -> Option<u64> {
    const NUMBER: u32 = 56;
    let &[letter] = exchange.as_bytes() else {
        return None;
    };
    (number >> NUMBER == 0).then_some(u64::from(letter) << NUMBER | number)
}

/// A trade, or what stands in place of one.
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

/// Sizes are in shares; they were in round lots before November 3, 2025. A price of zero means that
/// nobody is there.
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

/// A cancel (`a` is `C`) and an error (`E`) both mean that the trade does not stand.
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

/// What a status means, by the
/// [codes](https://docs.alpaca.markets/docs/real-time-stock-pricing-data#trading-status) of its tape.
/// When quotes come again (`Q` on tape C), there are no trades yet.
fn change(tape: &str, code: &str, reason: &str) -> Change {
    let halted = |code: &str| Change::Halt(code.to_owned());
    let named = |otherwise: &str| halted(if reason.is_empty() { otherwise } else { reason });
    match (Tape::of(tape), code) {
        // Tapes A and B have codes of reasons of their own: what Nasdaq calls LUDP and MWC1 …
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

/// Between which prices a stock may be traded; `None` where the source gives no two.
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
mod tests {
    use market::{Best, Clock, TradeEligibility};
    use proptest::prelude::*;

    use super::*;

    const NOW: Millis = 1_614_009_105_000;
    const TRADE: &str = r#"{"T":"t","i":96921,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],"z":"C"}"#;
    const QUOTE: &str = r#"{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.680,"as":4,"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"C"}"#;
    const CORRECTION: &str = r#"{"T":"c","S":"AAPL","x":"D","oi":96921,"op":126.55,"os":1,"oc":["@","I"],"ci":96922,"cp":126.5,"cs":10,"cc":["@"],"t":"2021-02-22T15:51:44.5Z","z":"C"}"#;
    const CANCEL: &str = r#"{"T":"x","S":"AAPL","i":96922,"x":"D","p":126.5,"s":10,"a":"C","t":"2021-02-22T15:51:44.6Z","z":"C"}"#;
    const STATUS: &str = r#"{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12","rm":"Trading Halted; For information requested by NASDAQ","t":"2021-02-22T15:51:44.6Z","z":"C"}"#;
    const BANDS: &str =
        r#"{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B","t":"2021-02-22T15:51:44.6Z","z":"C"}"#;

    fn parsed(text: &str) -> Result<Option<Message>, FrameError> {
        let text = format!("[{text}]");
        let objects = split(&text)?;
        let [object] = objects[..] else {
            return Err(FrameError::new(&"not one object", &text));
        };
        let mut faults = Vec::new();
        let read = parse(
            Scope::OneExchange,
            &kind(object)?,
            object.get(),
            NOW,
            &mut faults,
        )?;
        faults.pop().map_or(Ok(read), Err)
    }

    fn tick(text: &str) -> Tick {
        match parsed(text) {
            Ok(Some(Message::Tick(tick))) => tick,
            other => panic!("{other:?}"),
        }
    }

    fn corrected(text: &str) -> Correction {
        match parsed(text) {
            Ok(Some(Message::Correction(correction))) => correction,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_trades_to_the_last_digit() {
        let told = tick(TRADE);
        assert_eq!(
            (told.time, told.clock),
            (1_614_009_104_208, Clock::Exchange)
        );
        let trade = told.trade.unwrap();
        assert_eq!(trade.price.to_string(), "126.55");
        assert_eq!(trade.size.unwrap().to_string(), "1");
        assert!(!trade.moves.last, "it is an odd lot");
        for (written, price) in [("126.550", "126.550"), ("1e-05", "0.00001"), ("1E2", "100")] {
            let trade = tick(&TRADE.replace("126.55", written)).trade.unwrap();
            assert_eq!(trade.price.to_string(), price);
        }
        let fraction = TRADE.replace("\"s\":1", "\"s\":0.016");
        assert_eq!(
            tick(&fraction).trade.unwrap().size.unwrap().to_string(),
            "0.016"
        );
        for conditions in ["null", "[]", "[\" \"]"] {
            let text = TRADE.replace(r#"["@","I"]"#, conditions);
            assert_eq!(tick(&text).trade.unwrap().moves, TradeEligibility::ALL);
        }
    }

    #[test]
    fn reads_quotes_and_who_is_not_there() {
        let quote = tick(QUOTE);
        assert_eq!(quote.time, 1_614_009_105_335);
        let Best::At { price, size } = quote.ask else {
            panic!("{quote:?}");
        };
        assert_eq!(
            (price.to_string(), size.unwrap().to_string()),
            ("87.680".to_owned(), "4".to_owned())
        );
        assert_eq!(tick(&QUOTE.replace("87.66", "0")).bid, Best::Empty);
    }

    #[test]
    fn what_a_report_can_do_without_is_missing_or_empty() {
        for nobody in ["null", "\"\"", "0"] {
            assert_eq!(tick(&QUOTE.replace("87.66", nobody)).bid, Best::Empty);
        }
        let quote = tick(&QUOTE.replace("\"bp\":87.66,\"bs\":1,", ""));
        assert_eq!(quote.bid, Best::Unchanged);
        assert!(matches!(quote.ask, Best::At { .. }));
        let mut faults = Vec::new();
        let wrong = QUOTE.replace("87.66", "\"n/a\"");
        let read = parse(Scope::OneExchange, "q", &wrong, NOW, &mut faults);
        let Ok(Some(Message::Tick(quote))) = read else {
            panic!("{read:?}");
        };
        assert!(matches!(quote.ask, Best::At { .. }));
        assert!(faults[0].to_string().contains("\"n/a\""), "{faults:?}");

        let bare = r#"{"T":"t","S":"AAPL","p":126.55,"s":null,"x":null,"z":"","c":"","t":null}"#;
        let told = tick(bare);
        assert_eq!((told.time, told.clock), (NOW, Clock::Receipt));
        let trade = told.trade.unwrap();
        assert_eq!(
            (trade.size, trade.id, trade.moves),
            (None, None, TradeEligibility::ALL)
        );
        let halt = STATUS.replace("\"Trading Halt\"", "null");
        let halt = halt.replace(
            "\"rm\":\"Trading Halted; For information requested by NASDAQ\",",
            "",
        );
        let Ok(Some(Message::Status(status))) = parsed(&halt) else {
            panic!("{halt}");
        };
        assert_eq!(status.change, Change::Halt("T12".to_owned()));
        assert_eq!(parsed(&BANDS.replace("3.24", "0")), Ok(None));
    }

    #[test]
    fn a_correction_names_the_trade_that_was_told() {
        let trade = tick(TRADE).trade.unwrap();
        let correction = corrected(CORRECTION);
        assert_eq!(Some(correction.trade), trade.id);
        let right = correction.right.unwrap();
        assert_eq!(
            (right.price.to_string().as_str(), right.moves),
            ("126.5", TradeEligibility::ALL)
        );
        let cancel = corrected(CANCEL);
        assert_eq!((Some(cancel.trade), cancel.right), (right.id, None));
        let elsewhere = corrected(&CANCEL.replace("\"x\":\"D\"", "\"x\":\"V\""));
        assert_ne!(elsewhere.trade, cancel.trade, "another exchange's trade");
    }

    #[test]
    fn a_status_is_a_halt_or_a_resumption_by_its_tape() {
        for (tape, code, reason, change) in [
            ("C", "H", "T12", Change::Halt("T12".to_owned())),
            ("C", "H", "", Change::Halt("H".to_owned())),
            ("C", "P", "LUDS", Change::Halt("LUDS".to_owned())),
            ("C", "P", "", Change::Halt("LUDP".to_owned())),
            ("C", "Q", "", Change::Nothing),
            ("C", "T", "", Change::Resume),
            ("C", "2", "", Change::Nothing),
            ("A", "2", "P", Change::Halt("P".to_owned())),
            ("B", "2", "M", Change::Halt("LUDP".to_owned())),
            ("A", "2", "1", Change::Halt("MWC1".to_owned())),
            ("A", "3", "", Change::Resume),
            ("A", "T", "", Change::Nothing),
            ("", "H", "T1", Change::Halt("T1".to_owned())),
        ] {
            let text = STATUS
                .replace("\"sc\":\"H\"", &format!("\"sc\":\"{code}\""))
                .replace("T12", reason)
                .replace("\"z\":\"C\"", &format!("\"z\":\"{tape}\""));
            let Ok(Some(Message::Status(status))) = parsed(&text) else {
                panic!("{text}");
            };
            assert_eq!(status.change, change, "{tape} {code} {reason}");
            assert_eq!(status.words, "Trading Halt");
        }
        let Ok(Some(Message::Bands(bands))) = parsed(BANDS) else {
            panic!("{BANDS}");
        };
        assert_eq!(
            (
                bands.up.to_string().as_str(),
                bands.down.to_string().as_str()
            ),
            ("3.24", "2.65")
        );
    }

    #[test]
    fn passes_over_what_is_unknown_and_refuses_what_is_wrong() {
        for text in [r#"{"T":"b","S":"AAPL","o":1}"#, r#"{"T":"","x":null}"#] {
            assert_eq!(parsed(text), Ok(None), "{text}");
        }
        for text in [
            "",
            "1",
            "{}",
            r#"{"T":5}"#,
            r#"{"T":"t"}"#,
            &TRADE.replace("126.55", "\"much\""),
            &TRADE.replace("126.55", "-1"),
            &TRADE.replace("126.55", "0"),
            &TRADE.replace("\"s\":1", "\"s\":-1"),
            &TRADE.replace("AAPL", "A,B"),
            &TRADE.replace("2021-02-22", "2021-02-24"),
            &TRADE.replace("2021-02-22T", "1921-02-22T"),
            &TRADE.replace("2021-02-22T15:51:44.208Z", "soon"),
            &CANCEL.replace("\"x\":\"D\"", "\"x\":\"\""),
            &CANCEL.replace("96922", "72057594037927936"),
            &TRADE.replace("[\"@\",\"I\"]", "5"),
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
        assert!(split("{}").is_err() && split("[").is_err() && split("null").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TRADE.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
            let _ = parsed(&text);
            for frame in [TRADE, CORRECTION, STATUS] {
                let cut = cut.min(frame.len());
                if frame.is_char_boundary(cut) {
                    let _ = parsed(&format!("{}{with}{}", &frame[..cut], &frame[cut..]));
                    let _ = parsed(&frame[..cut]);
                }
            }
        }
    }
}
