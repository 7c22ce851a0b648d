//! One alert: its condition, and how it is stored.

use market::{Action, Millis, News, NewsType, Price, Symbol};
use rust_decimal::Decimal;

use crate::news::filter::{kind_of, word_of};

/// The condition of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// A price at or above this one.
    Above(Price),
    /// A price at or below this one.
    Below(Price),
    /// A change of at least so many percent, up or down, from the previous close.
    Change(Decimal),
    /// A story of this type.
    News(NewsType),
}

/// An alert: a condition that the person is notified of once.
///
/// It fires when a price crosses to the far side of its condition. A price that is already on the far side when the
/// alert is created or armed, or when a symbol first appears, does not fire it. The price has to be on the near side
/// once. That is stored, so that a crossing while no page is open fires when a page is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    /// Unique among the alerts.
    pub(crate) id: Millis,
    /// The symbol; `None` for any symbol of the watchlist.
    pub(crate) symbol: Option<Symbol>,
    /// Its condition.
    pub(crate) condition: Condition,
    /// Since when it is armed, by the server's clock.
    pub(crate) armed: Millis,
    /// When it fired, by this machine's clock.
    pub(crate) fired: Option<Millis>,
    /// The symbols whose prices have been on the near side since it was armed.
    pub(crate) near: Vec<Symbol>,
}

/// The effect of a price on an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// None.
    Nothing,
    /// The price is on the near side for the first time.
    Near,
    /// The price crossed to the far side.
    Far,
}

impl Condition {
    /// Whether a price is on the far side; `None` if that is not known, or if the condition is not about prices.
    /// `close` is the previous close.
    fn is_beyond(self, price: Price, close: Option<Price>) -> Option<bool> {
        match self {
            Condition::Above(limit) => Some(price >= limit),
            Condition::Below(limit) => Some(price <= limit),
            Condition::Change(percent) => {
                let close = close?.decimal();
                // There is no division, so nothing is rounded.
                let change = price.decimal().checked_sub(close)?.abs();
                let change = change.checked_mul(Decimal::ONE_HUNDRED)?;
                let limit = close.abs().checked_mul(percent)?;
                (!close.is_zero()).then_some(change >= limit)
            }
            Condition::News(_) => None,
        }
    }
}

impl Alert {
    /// The effect of a symbol's price. `watched` is whether the symbol is on the watchlist.
    pub(crate) fn look(
        &self,
        symbol: Symbol,
        price: Price,
        close: Option<Price>,
        watched: bool,
    ) -> Seen {
        if self.fired.is_some() || self.symbol.map_or(!watched, |own| own != symbol) {
            return Seen::Nothing;
        }
        match (
            self.condition.is_beyond(price, close),
            self.near.contains(&symbol),
        ) {
            (Some(false), false) => Seen::Near,
            (Some(true), true) => Seen::Far,
            _ => Seen::Nothing,
        }
    }

    /// Whether a story fires it. A story without symbols concerns the whole market, and so any symbol of the watchlist.
    pub(crate) fn wants(&self, news: &News, is_watched: impl Fn(&Symbol) -> bool) -> bool {
        let concerns = match self.symbol {
            Some(symbol) => news.symbols.contains(&symbol),
            None => news.symbols.is_empty() || news.symbols.iter().any(is_watched),
        };
        self.fired.is_none()
            && news.action == Action::Created
            && self.condition == Condition::News(news.kind)
            && concerns
    }

    /// Whether its symbol has not been on the near side yet.
    pub(crate) fn is_beyond_already(&self) -> bool {
        let is_of_prices = !matches!(self.condition, Condition::News(_));
        is_of_prices && self.symbol.is_some() && self.near.is_empty()
    }

    /// Its condition in words.
    pub(crate) fn words(&self) -> String {
        let symbol = match &self.symbol {
            Some(symbol) => symbol.as_str(),
            None => "Any watchlist symbol",
        };
        match self.condition {
            Condition::Above(price) => format!("{symbol} at {price} or above"),
            Condition::Below(price) => format!("{symbol} at {price} or below"),
            Condition::Change(percent) => format!("{symbol} up or down by {percent}% or more"),
            Condition::News(kind) => format!("{symbol}: news, {}", kind.label()),
        }
    }

    /// The alert as one line, without a line break.
    fn write(&self) -> String {
        let (name, value) = match self.condition {
            Condition::Above(price) => ("above", price.to_string()),
            Condition::Below(price) => ("below", price.to_string()),
            Condition::Change(percent) => ("change", percent.to_string()),
            Condition::News(kind) => ("news", word_of(kind)),
        };
        let near: Vec<&str> = self.near.iter().map(Symbol::as_str).collect();
        [
            self.id.to_string(),
            self.symbol.map_or("*".to_owned(), |it| it.to_string()),
            name.to_owned(),
            value,
            self.armed.to_string(),
            self.fired.map_or("-".to_owned(), |it| it.to_string()),
            near.join(","),
        ]
        .join(" ")
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut next = || words.next();
        let id = next()?.parse().ok()?;
        let symbol = match next()? {
            "*" => None,
            name => Some(name.parse().ok()?),
        };
        let (name, value) = (next()?, next()?);
        let condition = match name {
            "above" => Condition::Above(value.parse().ok()?),
            "below" => Condition::Below(value.parse().ok()?),
            "change" => Condition::Change(value.parse().ok()?),
            "news" => Condition::News(kind_of(value)?),
            _ => return None,
        };
        Some(Alert {
            id,
            symbol,
            condition,
            armed: next()?.parse().ok()?,
            fired: match next()? {
                "-" => None,
                time => Some(time.parse().ok()?),
            },
            near: (next()?.split(','))
                .filter_map(|name| name.parse().ok())
                .collect(),
        })
    }
}

/// The alerts of a stored text. Lines that are not alerts are left out.
pub(crate) fn read(text: &str) -> Vec<Alert> {
    text.lines().filter_map(Alert::read).collect()
}

/// The alerts as a text to store, one line each.
pub(crate) fn write(alerts: &[Alert]) -> String {
    let lines: Vec<String> = alerts.iter().map(Alert::write).collect();
    lines.join("\n")
}

/// The condition that a form describes, by the name of a condition, a text, a type of news and a symbol. The error is a
/// sentence for the person.
pub(crate) fn condition(
    name: &str,
    value: &str,
    kind: &str,
    symbol: Option<Symbol>,
) -> Result<Condition, String> {
    if name == "news" {
        let kind = kind_of(kind).ok_or_else(|| format!("“{kind}” is not a news type."));
        return kind.map(Condition::News);
    }
    let value = value.trim();
    let number = value.strip_suffix('%').unwrap_or(value).trim_end();
    let number: Option<Price> = ungrouped(number).and_then(|number| number.parse().ok());
    if name == "change" {
        let percent = number.map(Price::decimal);
        let percent = percent.filter(|percent| *percent > Decimal::ZERO);
        return percent
            .map(Condition::Change)
            .ok_or_else(|| complaint(value, "percentage", "a number above 0, e.g. 2.5"));
    }
    let price = number.filter(|_| !value.ends_with('%'));
    let price = price.ok_or_else(|| complaint(value, "price", "a number, e.g. 226.80"))?;
    match (symbol, name) {
        (None, _) => Err(
            "A price alert needs one symbol: choose it instead of any watchlist symbol.".to_owned(),
        ),
        (_, "below") => Ok(Condition::Below(price)),
        _ => Ok(Condition::Above(price)),
    }
}

fn complaint(value: &str, what: &str, expected: &str) -> String {
    match value {
        "" => format!("No {what} given. Enter {expected}."),
        value => format!("“{value}” is not a {what}. Enter {expected}."),
    }
}

/// Removes the commas between thousands, with which the page shows numbers; `None` if commas are elsewhere.
fn ungrouped(text: &str) -> Option<String> {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut number = first.to_owned();
    for group in groups {
        if group.len() != 3 || !(1..=3).contains(&first.len()) {
            return None;
        }
        number.push_str(group);
    }
    (!rest.contains(',')).then(|| number + rest)
}

#[cfg(test)]
mod tests;
