use market::{Quality, Quote, Session, Symbol, TradingState};

use crate::{
    format::figures::{Change, Shown, digits},
    quote::halts,
    state::days::Days,
};

/// All displayed figures and words of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct QuoteFigures {
    /// The name of the instrument; empty if it is unknown.
    pub(crate) name: String,
    /// The currency of the prices.
    pub(crate) currency: Option<String>,
    /// The last price.
    pub(crate) price: Shown,
    /// Its change from the previous close.
    pub(crate) change: Change,
    /// The best bid and its size.
    pub(crate) bid: (Shown, Shown),
    /// The best ask and its size.
    pub(crate) ask: (Shown, Shown),
    /// The figures of the newest session.
    pub(crate) day: DayFigures,
    /// The figures of many days.
    pub(crate) history: HistoryFigures,
    /// The venue.
    pub(crate) venue: Option<String>,
    /// The primary source, if the marks do not name it. It changes when another source becomes primary.
    pub(crate) source: Option<String>,
    /// The marks beside the price, `Simulated`, `Halted T1`.
    pub(crate) marks: Vec<Mark>,
}

/// The numbers of the newest session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DayFigures {
    /// The session's first price.
    pub(crate) open: Shown,
    /// The session's highest price.
    pub(crate) high: Shown,
    /// The session's lowest price.
    pub(crate) low: Shown,
    /// The close of the previous session.
    pub(crate) prev_close: Shown,
    /// The volume of the session.
    pub(crate) volume: Shown,
    /// The volume-weighted average price of the newest day.
    pub(crate) vwap: Shown,
}

/// The numbers of many days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HistoryFigures {
    /// The lowest and the highest price of 52 weeks.
    pub(crate) year: (Shown, Shown),
    /// The average volume of a day.
    pub(crate) average_volume: Shown,
}

/// A word beside a price that is needed to read the price correctly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its name in the style sheets.
    pub(crate) kind: &'static str,
    /// The word.
    pub(crate) text: String,
    /// Its meaning, as a sentence.
    pub(crate) meaning: &'static str,
}

impl QuoteFigures {
    /// The figures of a symbol.
    pub(crate) fn new(
        symbol: Symbol,
        quote: Option<&Quote>,
        session: Option<&Session>,
        days: &Days,
    ) -> Self {
        let digits = digits(session, quote);
        let price = |price| Shown::price(symbol, price, digits);
        let size = |size| Shown::size(symbol, size);
        QuoteFigures {
            // A symbol that was published without a session has itself as its name.
            name: session
                .map(|session| session.name.clone())
                .filter(|name| name != symbol.as_str())
                .unwrap_or_default(),
            currency: session.and_then(|session| session.currency.clone()),
            price: price(quote.and_then(|quote| quote.price)),
            change: Change::of(symbol, quote, session),
            bid: (
                price(quote.and_then(|quote| quote.bid)),
                size(quote.and_then(|quote| quote.bid_size)),
            ),
            ask: (
                price(quote.and_then(|quote| quote.ask)),
                size(quote.and_then(|quote| quote.ask_size)),
            ),
            day: DayFigures {
                open: price(session.and_then(|session| session.open)),
                high: price(quote.and_then(|quote| quote.high)),
                low: price(quote.and_then(|quote| quote.low)),
                prev_close: price(session.and_then(|session| session.prev_close)),
                volume: size(quote.and_then(|quote| quote.volume)),
                vwap: price(days.vwap),
            },
            history: HistoryFigures {
                year: (
                    price(days.year.map(|(low, _)| low)),
                    price(days.year.map(|(_, high)| high)),
                ),
                average_volume: size(days.volume),
            },
            venue: session.and_then(|session| session.venue.clone()),
            source: session.and_then(source),
            marks: session.map(marks).unwrap_or_default(),
        }
    }
}

/// The primary source, unless it has the same name as the quality of the data.
fn source(session: &Session) -> Option<String> {
    let is_named = quality_name(session.quality) == Some(&session.source);
    (!is_named && !session.source.is_empty()).then(|| format!("from {}", session.source))
}

/// The marks of a price; none if it is live and the market open.
fn marks(session: &Session) -> Vec<Mark> {
    let state = match session.state {
        TradingState::Open => None,
        TradingState::Pre => Some((
            "pre",
            "Pre-market",
            "The regular session has not begun: thin trading, volatile prices.",
        )),
        TradingState::Post => Some((
            "post",
            "After hours",
            "The regular session is over: thin trading, volatile prices.",
        )),
        TradingState::Closed => Some((
            "closed",
            "Closed",
            "The market is closed: the price is that of the last session.",
        )),
        TradingState::Halted => None,
    };
    let quality = match session.quality {
        Quality::Live => None,
        Quality::Delayed => Some((
            "delayed",
            "Prices are some minutes late, as the source provides them.",
        )),
        Quality::Simulated => Some((
            "simulated",
            "Simulated by this server: not real market data.",
        )),
        Quality::Replay => Some(("replay", "Recorded data, not live.")),
    };
    let word = quality_name(session.quality);
    let quality = quality.zip(word).map(|((kind, meaning), word)| Mark {
        kind,
        text: word.to_owned(),
        meaning,
    });
    let state = state.map(|(kind, word, meaning)| Mark {
        kind,
        text: word.to_owned(),
        meaning,
    });
    let code = session.halt_code.as_deref();
    let halt = (session.state == TradingState::Halted).then(|| Mark {
        kind: "halted",
        text: code.map_or("Halted".to_owned(), |code| format!("Halted {code}")),
        meaning: halts::meaning(code.unwrap_or_default()),
    });
    quality.into_iter().chain(state).chain(halt).collect()
}

/// The word for data that is not live.
pub(crate) const fn quality_name(quality: Quality) -> Option<&'static str> {
    match quality {
        Quality::Live => None,
        Quality::Delayed => Some("Delayed"),
        Quality::Simulated => Some("Simulated"),
        Quality::Replay => Some("Replay"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::figures::tests::{quote, session, symbol};

    #[test]
    fn marks_what_has_to_be_known_of_the_price() {
        let mut session = session("GOOG", None, None);
        let words = |session: &Session| {
            let marks = marks(session).into_iter();
            marks.map(|mark| mark.text).collect::<Vec<_>>()
        };
        assert_eq!(words(&session), ["Simulated"]);
        session.quality = Quality::Live;
        assert_eq!(words(&session), [""; 0]);
        session.state = TradingState::Halted;
        session.halt_code = Some("T1".to_owned());
        assert_eq!(words(&session), ["Halted T1"]);
        assert!(marks(&session)[0].meaning.contains("news"));
        session.quality = Quality::Delayed;
        session.state = TradingState::Closed;
        assert_eq!(words(&session), ["Delayed", "Closed"]);
    }

    #[test]
    fn names_the_source_once() {
        let mut session = session("GOOG", None, None);
        session.source = "Simulated".to_owned();
        assert_eq!(source(&session), None);
        session.quality = Quality::Live;
        session.source = "Kraken".to_owned();
        assert_eq!(source(&session).as_deref(), Some("from Kraken"));
    }

    #[test]
    fn all_prices_have_the_digits_of_the_tick() {
        let quote = Quote {
            bid: Some("597.3".parse().unwrap()),
            bid_size: Some("100".parse().unwrap()),
            ..quote("GOOG", 0, "597.32")
        };
        let session = session("GOOG", Some("596"), Some("0.01"));
        let figures = QuoteFigures::new(
            symbol("GOOG"),
            Some(&quote),
            Some(&session),
            &Days::default(),
        );
        assert_eq!(figures.bid.0.text, "597.30");
        assert_eq!(figures.bid.0.exact, "597.3");
        assert_eq!(figures.bid.1.text, "100");
        assert_eq!(figures.day.prev_close.text, "596.00");
        assert_eq!(figures.ask.0.text, "–");
        assert_eq!(figures.name, "GOOG Inc.");
    }
}
