use market::{Quote, Session, Symbol};

use crate::{lean::signal::RwSignal, state::market::Instrument, watchlist::sparkline};

/// The signals of one symbol that the page is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticker {
    /// The symbol.
    pub(crate) symbol: Symbol,
    /// The newest quote.
    pub(crate) quote: RwSignal<Option<Quote>>,
    /// The newest session.
    pub(crate) session: RwSignal<Option<Session>>,
    /// The path of the sparkline.
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

/// The path of an instrument's sparkline.
pub(super) fn line(instrument: &Instrument) -> String {
    let newest = instrument.quote.as_ref().and_then(|quote| quote.price);
    sparkline::path(&instrument.closes, newest)
}
