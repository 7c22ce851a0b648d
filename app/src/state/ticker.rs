use market::{Quote, Session, Symbol};

use crate::{lean::signal::RwSignal, state::market::Instrument, watchlist::sparkline};

/// What the page draws of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticker {
    /// What is traded.
    pub(crate) symbol: Symbol,
    /// The newest quote.
    pub(crate) quote: RwSignal<Option<Quote>>,
    /// What changes slower.
    pub(crate) session: RwSignal<Option<Session>>,
    /// The line of the newest closes.
    pub(crate) sparkline: RwSignal<String>,
}

impl Ticker {
    pub(super) fn new(symbol: Symbol, instrument: &Instrument) -> Self {
        Ticker {
            symbol,
            quote: RwSignal::new(instrument.quote.clone()),
            session: RwSignal::new(instrument.session.clone()),
            sparkline: RwSignal::new(line(instrument)),
        }
    }
}

/// The sparkline of an instrument.
pub(super) fn line(instrument: &Instrument) -> String {
    let newest = instrument.quote.as_ref().and_then(|quote| quote.price);
    sparkline::path(&instrument.closes, newest)
}
