use std::fmt;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use market::{Action, Basis, Link, Millis, News, NewsType, Price, Symbol, SymbolError};

use crate::{
    Publisher,
    kit::{
        markup::{self, Item},
        time::exchange_time,
    },
};
use sessions::is_market_wide;

/// The name of the source.
pub(super) const NAME: &str = "Nasdaq Trade Halts";

/// Trading resumes on the next trading day at the latest, if a time is known; one that is further ahead is wrong.
const FURTHEST: Millis = 7 * 24 * 60 * 60 * 1_000;

/// The code of the end of a halt of the whole market.
const RESUMED: &str = "MWCQ";

/// A halt in the source's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Halt {
    /// The halted symbol; `None` for the whole market.
    pub(super) symbol: Option<Symbol>,
    pub(super) name: String,
    pub(super) market: String,
    pub(super) code: String,
    pub(super) halted: Moment,
    pub(super) threshold: Option<Price>,
    pub(super) quotes: Option<Moment>,
    pub(super) trades: Option<Moment>,
    pub(super) link: Option<Link>,
}

/// A time, and its form for people in New York.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) time: Millis,
    pub(super) text: String,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Parses an item; returns also the errors of fields that were left out.
pub(super) fn halt(item: &Item, now: Millis) -> Result<(Halt, Option<String>), String> {
    let title = item.title.as_ref().map(|title| title.plain());
    let title: String = title.unwrap_or_default().chars().take(64).collect();
    // Names of fields are in lower case there.
    let field = |name: &str| {
        let mut fields = item.fields.iter();
        let (_, value) = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        let value = market::plain(value);
        Some(markup::cut(value, 120)).filter(|value| !value.is_empty())
    };
    let has_symbol = item.fields.iter().any(|(name, _)| name == "issuesymbol");
    if !has_symbol {
        return Err(format!("the item {title:?} has no ndaq:IssueSymbol"));
    }
    let code = field("ReasonCode").unwrap_or_default();
    let symbol = match field("IssueSymbol") {
        None if is_market_wide(&code) || code == RESUMED => None,
        text => Some(read_symbol(&text.unwrap_or_default())?),
    };
    let of = symbol.map_or("the market".to_owned(), |symbol| symbol.to_string());
    let date = field("HaltDate").unwrap_or_default();
    let time = field("HaltTime").unwrap_or_default();
    let mut halted = new_york(&date, &time).ok_or_else(|| {
        format!("the halt of {of} at {date:?} {time:?}: expected MM/DD/YYYY and HH:MM:SS")
    })?;
    let mut problem = None;
    if let Err(error) = exchange_time(halted.time, now, &title) {
        problem = Some(format!("the halt of {of}: {error}"));
        halted.time = now;
    }
    let day = field("ResumptionDate").unwrap_or(date);
    let mut resumption = |name: &str| {
        let time = field(name)?;
        let moment =
            new_york(&day, &time).filter(|moment| moment.time.saturating_sub(now) <= FURTHEST);
        if moment.is_none() {
            problem = Some(format!(
                "the resumption of {of} at {day:?} {time:?}: expected MM/DD/YYYY and HH:MM:SS within a week"
            ));
        }
        moment
    };
    let (quotes, trades) = (
        resumption("ResumptionQuoteTime"),
        resumption("ResumptionTradeTime"),
    );
    let halt = Halt {
        symbol,
        name: field("IssueName").unwrap_or_default(),
        market: field("Market").or_else(|| field("Mkt")).unwrap_or_default(),
        code: markup::cut(code, 40),
        halted,
        threshold: field("PauseThresholdPrice").and_then(|price| price.parse().ok()),
        quotes,
        trades,
        link: item.link.clone(),
    };
    Ok((halt, problem))
}

fn read_symbol(text: &str) -> Result<Symbol, String> {
    text.parse().map_err(|error: SymbolError| error.to_string())
}

/// A date and a time of New York, `06/22/2026` and `09:57:48.636`.
fn new_york(date: &str, time: &str) -> Option<Moment> {
    let time: String = time.chars().filter(|c| !c.is_whitespace()).collect();
    let civil = DateTime::strptime("%m/%d/%Y %H:%M:%S%.f", format!("{date} {time}")).ok()?;
    let zone = TimeZone::get("America/New_York").ok()?;
    let timestamp: Timestamp = civil.to_zoned(zone).ok()?.timestamp();
    let text = civil.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let time = Millis::try_from(timestamp.as_millisecond()).ok()?;
    Some(Moment { time, text })
}

impl Halt {
    /// Its identity: symbol and time.
    pub(super) fn id(&self) -> String {
        // Symbols are in upper case.
        let of = self.symbol.as_ref().map_or("market", Symbol::as_str);
        format!("nasdaq-halts:{of}:{}", self.halted.text)
    }

    /// Whether it is not a halt but the end of a market-wide one.
    pub(super) fn ends_market_halt(&self) -> bool {
        self.code == RESUMED
    }

    /// The order of two listings of the halt: the greater one counts.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let times = (self.trades.clone(), self.quotes.clone());
        let details = (self.code.clone(), self.name.clone(), self.market.clone());
        (times, details, self.threshold)
    }

    /// When trading resumes, if that is known.
    pub(super) fn resumes(&self) -> Option<&Moment> {
        let at_once = self.ends_market_halt().then_some(&self.halted);
        self.trades.as_ref().or(at_once)
    }

    pub(super) fn resumption(&self) -> Option<Millis> {
        Some(self.resumes()?.time)
    }

    /// Halts the symbol or the market.
    pub(super) fn stop(&self, publisher: &Publisher) {
        match self.symbol {
            // Until its time, the halt that it ends continues.
            _ if self.ends_market_halt() => {}
            Some(symbol) => publisher.halt(symbol, &self.code),
            None => publisher.halt_market(&self.code),
        }
    }

    /// The halted symbol or market, in words.
    pub(super) fn subject(&self) -> String {
        match self.symbol {
            None => "The US stock market".to_owned(),
            Some(symbol) if self.name.is_empty() => symbol.to_string(),
            Some(symbol) => format!("{} ({symbol})", self.name),
        }
    }

    pub(super) fn news(&self) -> News {
        let mut headline = format!("{} is halted", self.subject());
        if !self.code.is_empty() {
            headline.push_str(": ");
            headline.push_str(&in_words(&self.code));
        }
        if let Some(trades) = &self.trades {
            headline.push_str(&format!("; trading resumes at {trades} in New York"));
        } else if let Some(quotes) = &self.quotes {
            headline.push_str(&format!("; quotes resume at {quotes} in New York"));
        }
        let mut summary = format!("Halted at {} in New York", self.halted);
        if !self.market.is_empty() {
            summary.push_str(&format!(" on {}", self.market));
        }
        if let Some(threshold) = self.threshold {
            summary.push_str(&format!("; the price that set it off: {threshold}"));
        }
        if let Some(quotes) = &self.quotes {
            summary.push_str(&format!("; quotes from {quotes}"));
        }
        if let Some(trades) = &self.trades {
            summary.push_str(&format!("; trades from {trades}"));
        }
        News {
            id: self.id(),
            kind: NewsType::Halt,
            basis: Basis::Native,
            action: Action::Created,
            symbols: self.symbol.into_iter().collect(),
            headline,
            summary: Some(summary),
            url: self.link.clone(),
            source: NAME.to_owned(),
            published: self.halted.time,
            form: None,
            accession: None,
            code: Some(self.code.clone()).filter(|code| !code.is_empty()),
        }
    }

    pub(super) fn resumed(&self) -> Option<News> {
        let resumed = self.resumes()?;
        let summary = match self.ends_market_halt() {
            true => format!("Resumed at {resumed} in New York"),
            false => format!(
                "Halted at {} and resumed at {resumed} in New York",
                self.halted
            ),
        };
        Some(News {
            id: format!("{}:resume", self.id()),
            kind: NewsType::Resume,
            headline: format!("{} is traded again", self.subject()),
            summary: Some(summary),
            published: resumed.time,
            ..self.news()
        })
    }
}

/// The meanings of the codes, shortened from Nasdaq's own list.
const CODES: [(&str, &str); 35] = [
    ("T1", "news pending"),
    ("T2", "news released"),
    ("T3", "news, and times of resumption"),
    ("T5", "single stock pause"),
    ("T6", "extraordinary market activity"),
    ("T7", "quotes only after a single stock pause"),
    ("T8", "exchange-traded fund"),
    ("T12", "more information is requested"),
    ("H4", "listing requirements not met"),
    ("H9", "not current in its filings"),
    ("H10", "suspended by the SEC"),
    ("H11", "regulatory concern"),
    ("O1", "operations"),
    ("IPO1", "not yet traded for the first time"),
    ("IPOQ", "quotes before the first trade"),
    ("IPOE", "first trade put off"),
    ("M1", "corporate action"),
    ("M2", "no quotes to be had"),
    ("M", "volatility pause"),
    ("LUDP", "volatility pause"),
    ("LUDS", "volatility pause, no quotes within the bands"),
    ("MWC0", "market-wide halt of the day before"),
    ("MWC1", "market-wide halt, level 1"),
    ("MWC2", "market-wide halt, level 2"),
    ("MWC3", "market-wide halt, level 3"),
    ("MWCQ", "market-wide halt is over"),
    ("R1", "new issue"),
    ("R2", "issue to be had"),
    ("R4", "qualification resolved"),
    ("R9", "filings brought up to date"),
    ("C3", "news did not come"),
    ("C4", "qualification halt ended"),
    ("C9", "qualification halt ended, filings met"),
    ("C11", "halt of another authority ended"),
    ("D", "no longer listed"),
];

fn in_words(code: &str) -> String {
    match CODES.iter().find(|(known, _)| *known == code) {
        Some((_, words)) => format!("{words} ({code})"),
        None => format!("code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn times_of_new_york_are_taken_by_the_season() {
        for (date, time, utc) in [
            ("06/22/2026", "09:57:48.636", "2026-06-22T13:57:48.636Z"),
            ("11/20/2026", "09:57:48", "2026-11-20T14:57:48Z"),
            ("09/29/2026", "07:32:12 .540", "2026-09-29T11:32:12.540Z"),
            // The days of clock changes, and the hours that occur twice or never.
            ("03/08/2026", "01:59:59", "2026-03-08T06:59:59Z"),
            ("03/08/2026", "03:00:00", "2026-03-08T07:00:00Z"),
            ("03/08/2026", "02:30:00", "2026-03-08T07:30:00Z"),
            ("11/01/2026", "01:30:00", "2026-11-01T05:30:00Z"),
            ("11/01/2026", "09:30:00", "2026-11-01T14:30:00Z"),
        ] {
            let expected: Timestamp = utc.parse().unwrap();
            let moment = new_york(date, time).unwrap();
            assert_eq!(
                moment.time as i64,
                expected.as_millisecond(),
                "{date} {time}"
            );
        }
        for (date, time) in [
            ("", ""),
            ("22/06/2026", "09:57:48"),
            ("06/22/2026", "25:00:00"),
            ("06/22/2026", "noon"),
            ("01/01/1960", "09:30:00"),
        ] {
            assert_eq!(new_york(date, time), None, "{date} {time}");
        }
    }

    #[test]
    fn codes_are_put_into_words_once() {
        let codes: HashSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), CODES.len());
        assert_eq!(in_words("T1"), "news pending (T1)");
        assert_eq!(in_words("X9"), "code X9");
    }
}
