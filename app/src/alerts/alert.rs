//! One alert: what it waits for, and how it is written down.

use market::{Action, Millis, News, NewsType, Price, Symbol};
use rust_decimal::Decimal;

/// What an alert waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// A price at or above this one.
    Above(Price),
    /// A price at or below this one.
    Below(Price),
    /// A change by so many percent or more, up or down, from the close before.
    Change(Decimal),
    /// A story of this type.
    News(NewsType),
}

/// An alert: a condition that the person is notified of once.
///
/// It fires when a price comes over to the far side of its condition. A price that is beyond when the
/// alert is made or armed, or when a symbol appears for the first time, fires nothing: that is
/// what the person saw or could have seen. It has to be on the near side once, which is remembered,
/// so that a price that jumps while no page is open fires when the page is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    /// No two have the same.
    pub(crate) id: Millis,
    /// Of what; of any of the watchlist where it is none.
    pub(crate) symbol: Option<Symbol>,
    /// What it waits for.
    pub(crate) condition: Condition,
    /// Since when, by the server's clock.
    pub(crate) armed: Millis,
    /// When it fired, by this machine's clock.
    pub(crate) fired: Option<Millis>,
    /// The symbols that have been on the near side since it was armed.
    pub(crate) near: Vec<Symbol>,
}

/// What a price is to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing new.
    Nothing,
    /// It is on the near side, for the first time.
    Near,
    /// It came over to the far side.
    Far,
}

impl Condition {
    /// Whether a price is on the far side; none where that cannot be known, or where it is no
    /// condition of prices. `close` is the close before.
    fn is_beyond(self, price: Price, close: Option<Price>) -> Option<bool> {
        match self {
            Condition::Above(limit) => Some(price >= limit),
            Condition::Below(limit) => Some(price <= limit),
            Condition::Change(percent) => {
                let close = close?.decimal();
                // Without a division nothing is rounded.
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
    /// What a price of a symbol is to it. `watched`: whether the symbol is on the watchlist.
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

    /// Whether it waits for a story. One that names no symbol is of the whole market, and so of any.
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

    /// Whether its one symbol has not been on the near side yet.
    pub(crate) fn is_beyond_already(&self) -> bool {
        let is_of_prices = !matches!(self.condition, Condition::News(_));
        is_of_prices && self.symbol.is_some() && self.near.is_empty()
    }

    /// What it waits for, in words.
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

    /// One line without an end.
    fn write(&self) -> String {
        let (name, value) = match self.condition {
            Condition::Above(price) => ("above", price.to_string()),
            Condition::Below(price) => ("below", price.to_string()),
            Condition::Change(percent) => ("change", percent.to_string()),
            Condition::News(kind) => ("news", kind_name(kind)),
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

/// The name of a type of news, in one word.
pub(crate) fn kind_name(kind: NewsType) -> String {
    kind.label().replace(' ', "_")
}

fn kind_of(name: &str) -> Option<NewsType> {
    NewsType::ALL
        .into_iter()
        .find(|kind| kind_name(*kind) == name)
}

/// The alerts of a text; lines that are no alerts are left out.
pub(crate) fn read(text: &str) -> Vec<Alert> {
    text.lines().filter_map(Alert::read).collect()
}

/// The alerts as a text, a line each.
pub(crate) fn write(alerts: &[Alert]) -> String {
    let lines: Vec<String> = alerts.iter().map(Alert::write).collect();
    lines.join("\n")
}

/// The condition of a form: the name of a condition, and the text, the type of news and the symbol that
/// were given.
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

/// A number without the commas between its thousands, which is how the page shows it; none where
/// commas stand elsewhere.
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
