use std::fmt;

use market::{Millis, Price, Size, Symbol, TimeUnit};
use serde_json::value::RawValue;

use super::{
    options::{Options, Subject, Unit},
    picked::Picked,
    pointer::Pointer,
};
use crate::kit::{exact, markup};
use text::without_bom;

/// The most symbols of one feed.
pub(super) const MAX_SYMBOLS: usize = 1_000;

/// The most rows of a document that are parsed.
const MAX_ROWS: usize = 2 * MAX_SYMBOLS;

/// One symbol's part of a document.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    /// `None` if it is invalid.
    pub(super) symbol: Option<Symbol>,
    pub(super) name: Option<String>,
    /// The figures, or why there are none.
    pub(super) figures: Result<Figures, String>,
    /// Errors of single figures.
    pub(super) faults: Vec<String>,
    /// The beginning of the row, for display.
    pub(super) start: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    pub(super) price: Option<Price>,
    pub(super) size: Option<Size>,
    pub(super) bid: Option<Price>,
    pub(super) bid_size: Option<Size>,
    pub(super) ask: Option<Price>,
    pub(super) ask_size: Option<Size>,
    pub(super) volume: Option<Size>,
    pub(super) high: Option<Price>,
    pub(super) low: Option<Price>,
    pub(super) open: Option<Price>,
    pub(super) prev_close: Option<Price>,
    pub(super) time: Option<Millis>,
}

impl Figures {
    /// Whether they are the same, at whatever time.
    pub(super) fn is_as(&self, other: &Figures) -> bool {
        let other = Figures {
            time: self.time,
            ..other.clone()
        };
        *self == other
    }
}

/// Parses a document, each of its rows separately.
///
/// # Errors
/// If it has no rows.
pub(super) fn read(body: &[u8], options: &Options) -> Result<Vec<Row>, String> {
    let document: &RawValue = serde_json::from_slice(without_bom(body))
        .map_err(|error| format!("it is no JSON: {error}"))?;
    let missing = || {
        let place = options.items.0.join("/");
        format!("there is nothing at /{place} in it")
    };
    let items = options.items.find(document).ok_or_else(missing)?;
    let error = |error: serde_json::Error| format!("it is no JSON: {error}");
    match items.get().as_bytes().first() {
        Some(b'{') if options.keyed => {
            let keyed: Picked<'_> = serde_json::from_str(items.get()).map_err(error)?;
            let rows = keyed.0.iter().map(|(key, item)| (Some(&**key), *item));
            Ok(all(rows, options))
        }
        Some(b'[') if !options.keyed => {
            let rows: Vec<&RawValue> = serde_json::from_str(items.get()).map_err(error)?;
            Ok(all(rows.into_iter().map(|item| (None, item)), options))
        }
        Some(b'{') => Ok(vec![row(None, items, options)]),
        _ => {
            let expected = match options.keyed {
                true => "an object whose keys are the symbols",
                false => "an object or an array of objects",
            };
            Err(format!(
                "{} is no row of prices: expected {expected}",
                start(items)
            ))
        }
    }
}

/// The rows of a document, up to the limit.
fn all<'a>(
    items: impl Iterator<Item = (Option<&'a str>, &'a RawValue)>,
    options: &Options,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut left_out = 0;
    for (key, item) in items {
        match rows.len() < MAX_ROWS {
            true => rows.push(row(key, item, options)),
            false => left_out += 1,
        }
    }
    if let Some(last) = rows.last_mut()
        && left_out > 0
    {
        let why = format!("{left_out} rows are left out: expected at most {MAX_ROWS}");
        last.faults.push(why);
    }
    rows
}

fn row(key: Option<&str>, item: &RawValue, options: &Options) -> Row {
    let mut row = Row {
        symbol: None,
        name: None,
        figures: Err(String::new()),
        faults: Vec::new(),
        start: start(item),
    };
    match symbol(key, item, options) {
        Err(why) => row.figures = Err(why),
        Ok(symbol) => {
            row.symbol = Some(symbol);
            let name = options.name.find(item).and_then(words);
            let name = name.map(|name| markup::cut(market::plain(&name), 200));
            row.name = name.filter(|name| !name.is_empty());
            row.figures = figures(symbol, item, options, &mut row.faults);
        }
    }
    row
}

fn symbol(key: Option<&str>, item: &RawValue, options: &Options) -> Result<Symbol, String> {
    match (&options.symbol, key) {
        (Subject::Is(symbol), _) => Ok(*symbol),
        (Subject::At(_), Some(key)) => named(key, options),
        (Subject::At(pointer), None) => {
            let text = pointer.find(item).and_then(words).ok_or_else(|| {
                format!("{} has no symbol at /{}", start(item), pointer.0.join("/"))
            })?;
            named(&text, options)
        }
    }
}

/// The figures of a row. An invalid one goes to `faults` and leaves the others unaffected; zero is no price.
fn figures(
    symbol: Symbol,
    item: &RawValue,
    options: &Options,
    faults: &mut Vec<String>,
) -> Result<Figures, String> {
    let before = faults.len();
    let mut price = |pointer: &Pointer, what: &str| -> Option<Price> {
        let price: Price = number(pointer, item, symbol, what, faults)?;
        if price < Price::ZERO {
            faults.push(format!(
                "{symbol}: the {what} is {price}: expected a price above zero, or zero where there is none"
            ));
        }
        Some(price).filter(|price| *price > Price::ZERO)
    };
    let (last, bid, ask) = (
        price(&options.price, "price"),
        price(&options.bid, "bid"),
        price(&options.ask, "ask"),
    );
    let (high, low) = (price(&options.high, "high"), price(&options.low, "low"));
    let (open, prev_close) = (
        price(&options.open, "open"),
        price(&options.prev_close, "prev_close"),
    );
    let mut size = |pointer: &Pointer, what: &str| -> Option<Size> {
        let size: Size = number(pointer, item, symbol, what, faults)?;
        if size < Size::ZERO {
            faults.push(format!(
                "{symbol}: the {what} is {size}: expected a size of zero or more"
            ));
        }
        Some(size).filter(|size| *size >= Size::ZERO)
    };
    let figures = Figures {
        price: last,
        size: size(&options.size, "size"),
        bid,
        bid_size: size(&options.bid_size, "bid_size"),
        ask,
        ask_size: size(&options.ask_size, "ask_size"),
        volume: size(&options.volume, "volume"),
        high,
        low,
        open,
        prev_close,
        time: options.time.find(item).and_then(|value| {
            time(value, options.time_unit).unwrap_or_else(|why| {
                faults.push(format!("{symbol}: the time {why}"));
                None
            })
        }),
    };
    if (figures.price, figures.bid, figures.ask) == (None, None, None) {
        // The error of an invalid price is already reported.
        let why = faults.drain(before..).next();
        return Err(why.unwrap_or_else(|| {
            format!(
                "{symbol} has no price: nothing above zero at /{}, /{} or /{}",
                options.price.0.join("/"),
                options.bid.0.join("/"),
                options.ask.0.join("/")
            )
        }));
    }
    Ok(figures)
}

/// The symbol of a source's own name. Characters that a symbol cannot have, as the slash of BTC/USD, become dashes.
pub(super) fn named(text: &str, options: &Options) -> Result<Symbol, String> {
    if let Some(symbol) = options.rename.get(text) {
        return Ok(*symbol);
    }
    let dashed: String = text
        .trim()
        .chars()
        .map(|c| if "/: ".contains(c) { '-' } else { c })
        .collect();
    dashed.parse().map_err(|error| format!("{error}"))
}

/// A text, or the digits of a number.
fn words(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'-' | b'0'..=b'9' => Some(value.get().to_owned()),
        _ => None,
    }
}

/// A number with its original digits, whether quoted or not. An empty text is absent.
pub(super) fn number<T>(
    pointer: &Pointer,
    item: &RawValue,
    symbol: Symbol,
    what: &str,
    faults: &mut Vec<String>,
) -> Option<T>
where
    T: std::str::FromStr<Err: fmt::Display>,
{
    let value = pointer.find(item)?;
    let read = match words(value) {
        None => Err(format!("{} is no number", start(value))),
        Some(text) if text.trim().is_empty() => return None,
        Some(text) => exact::read(text.trim()).map_err(|error| format!("is wrong: {error}")),
    };
    read.map_err(|why| faults.push(format!("{symbol}: the {what} {why}")))
        .ok()
}

/// A time as a number in the given unit, or the one that its magnitude shows, or as a text with a date. An empty text
/// is absent.
pub(super) fn time(value: &RawValue, unit: Option<Unit>) -> Result<Option<Millis>, String> {
    let refused = || format!("{} is no time", start(value));
    let text = words(value).ok_or_else(refused)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let Ok(number) = exact::read::<Price>(text) else {
        return markup::time(text).map(Some).ok_or_else(refused);
    };
    let number = number.decimal();
    let Some(unit) = unit.map(TimeUnit::from) else {
        let read = market::since_epoch(number);
        return read
            .map(|(time, _)| Some(time))
            .map_err(|error| error.to_string());
    };
    let time = unit.millis(number).ok_or_else(refused)?;
    // The unit is not the given one: no time can be before the format could express it.
    match TimeUnit::of(time) {
        Some(TimeUnit::Millis) => Ok(Some(time)),
        _ => Err(format!(
            "{} is no time in {}: expected one from March 3, 1973 on",
            start(value),
            unit.name()
        )),
    }
}

/// The beginning of a value, for display.
fn start(value: &RawValue) -> String {
    let start: String = value.get().chars().take(60).collect();
    format!("{start:?}")
}
