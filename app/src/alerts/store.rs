//! The alerts of the person: stored in the browser, checked with each event, and shown once.

use market::{Millis, News, Symbol};

use crate::{
    alerts::alert::{self, Alert, Condition, Seen},
    browser::{environment, notification, storage::Storage},
    format::figures::{Change, digits},
    lean::{reactive::effect, signal::RwSignal},
    state::market::Instrument,
    widgets::notes::Notes,
};

/// The storage key of the alerts.
const KEY: &str = "alerts";
/// The maximum number of alerts.
const MAX_ALERTS: usize = 50;

/// The alerts, in the order in which they were created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alerts {
    /// All of them.
    pub(crate) list: RwSignal<Vec<Alert>>,
    storage: Storage,
    notes: Notes,
}

impl Alerts {
    /// The stored alerts, once the page is hydrated. Changes of other tabs are followed.
    pub(crate) fn new(storage: Storage, notes: Notes) -> Self {
        let alerts = Alerts {
            list: RwSignal::new(Vec::new()),
            storage,
            notes,
        };
        effect(move || {
            alerts.list.set(alerts.kept());
            storage.on_change(KEY, move |text| {
                alerts.list.set(alert::read(&text.unwrap_or_default()));
            });
        });
        alerts
    }

    /// Adds an alert. The error is a sentence for the person: there are [`MAX_ALERTS`] already.
    pub(crate) fn add(
        self,
        symbol: Option<Symbol>,
        condition: Condition,
        now: Millis,
    ) -> Result<(), String> {
        self.change(|list| {
            if list.len() >= MAX_ALERTS {
                return Err(format!(
                    "There are {MAX_ALERTS} alerts, as many as there can be: remove one first."
                ));
            }
            let newest = list.iter().map(|alert| alert.id + 1).max();
            list.push(Alert {
                id: newest.unwrap_or_default().max(environment::now()),
                symbol,
                condition,
                armed: now,
                fired: None,
                near: Vec::new(),
            });
            Ok(())
        })
    }

    /// Removes an alert.
    pub(crate) fn remove(self, id: Millis) {
        self.change(|list| list.retain(|alert| alert.id != id));
    }

    /// Arms an alert again after it fired. `now` is by the server's clock.
    pub(crate) fn arm(self, id: Millis, now: Millis) {
        self.change(|list| {
            for alert in list.iter_mut().filter(|alert| alert.id == id) {
                alert.armed = now;
                alert.fired = None;
                alert.near.clear();
            }
        });
    }

    /// Whether there are no alerts.
    pub(crate) fn is_empty(self) -> bool {
        self.list.with_untracked(Vec::is_empty)
    }

    /// Checks the price of a symbol. `watched` is whether the symbol is on the watchlist.
    pub(crate) fn look(self, symbol: Symbol, instrument: &Instrument, watched: bool) {
        let (quote, session) = (instrument.quote.as_ref(), instrument.session.as_ref());
        let Some(price) = quote.and_then(|quote| quote.price) else {
            return;
        };
        let close = session.and_then(|session| session.prev_close.or(session.open));
        let look = |alert: &Alert| alert.look(symbol, price, close, watched);
        let is_new = |alert: &Alert| look(alert) != Seen::Nothing;
        if !self.list.with_untracked(|list| list.iter().any(is_new)) {
            return;
        }
        let mut fired = Vec::new();
        self.change(|list| {
            for alert in list {
                match look(alert) {
                    Seen::Nothing => {}
                    Seen::Near => alert.near.push(symbol),
                    Seen::Far => {
                        alert.fired = Some(environment::now());
                        fired.push(alert.clone());
                    }
                }
            }
        });
        let change = Change::of(symbol, quote, session).percent.text;
        let change = change.trim_matches(['(', ')']);
        let price = price.rounded(price.scale().max(digits(session, quote)));
        for alert in fired {
            let what = match alert.condition {
                Condition::Change(_) => format!("{symbol} {change}, at {price}"),
                _ => format!("{symbol} at {price}"),
            };
            self.notify(&alert, &what);
        }
    }

    /// Checks a story.
    pub(crate) fn look_at_story(self, news: &News, is_watched: impl Fn(&Symbol) -> bool) {
        let wants = |alert: &Alert| alert.wants(news, &is_watched);
        if !self.list.with_untracked(|list| list.iter().any(wants)) {
            return;
        }
        let mut fired = Vec::new();
        self.change(|list| {
            for alert in list.iter_mut().filter(|alert| wants(alert)) {
                alert.fired = Some(environment::now());
                fired.push(alert.clone());
            }
        });
        for alert in fired {
            self.notify(&alert, &news.headline);
        }
    }

    /// The moment from which on stories of a snapshot concern an alert, by the server's clock; `None` if no alert waits
    /// for news.
    pub(crate) fn wants_news_since(self) -> Option<Millis> {
        self.list.with_untracked(|list| {
            let waits = |alert: &&Alert| {
                alert.fired.is_none() && matches!(alert.condition, Condition::News(_))
            };
            list.iter().filter(waits).map(|alert| alert.armed).min()
        })
    }

    /// Shows that an alert fired, on the page and as a notification of the browser. Each open tab may do so: the
    /// browser shows only one notification of a tag.
    fn notify(self, alert: &Alert, what: &str) {
        let words = alert.words();
        self.notes.show(format!("{what}. Your alert: {words}."));
        let tag = format!("tickertape-{}-{}", alert.id, alert.armed);
        notification::show(what, &words, &tag);
    }

    fn kept(self) -> Vec<Alert> {
        alert::read(&self.storage.read(KEY).unwrap_or_default())
    }

    /// Changes the stored alerts, which another tab may have just written.
    fn change<T>(self, change: impl FnOnce(&mut Vec<Alert>) -> T) -> T {
        let mut list = self.kept();
        let outcome = change(&mut list);
        self.storage.write(KEY, &alert::write(&list));
        self.list.set(list);
        outcome
    }
}
