//! Starts the page's connection.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;
use market::Symbol;

use super::{
    connect,
    source::{Shared, Source},
    tab::Tab,
    tabs::Wants,
    together,
};
use crate::{
    browser::environment,
    lean::reactive::{effect, effect_after},
    state::dashboard::Dashboard,
};

/// How often the connection is checked. An `EventSource` reports nothing while it reconnects by itself, so this is also
/// how late a lost connection is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the stream after a position on the tape, as long as the page is open.
pub(crate) fn follow(dashboard: Dashboard, symbols: Option<Vec<Symbol>>, last_id: String) {
    let now = environment::now();
    // Any number but 0 that a JavaScript number holds exactly.
    let id = 1 + (environment::chance() * (1_u64 << 52) as f64) as u64;
    let wants = symbols.map_or(Wants::All, |symbols| {
        Wants::These(symbols.into_iter().collect())
    });
    let source = Source::shared(dashboard, Tab::new(id, wants, last_id), now);
    together::join(&source);
    together::listen(&source);
    let opener = Rc::clone(&source);
    effect(move || {
        dashboard.market.open.track();
        dashboard.chart.choices.range.track();
        opener.borrow_mut().bars.fill(dashboard);
    });
    let follower = Rc::clone(&source);
    effect_after(move |before: Option<usize>| {
        let followed = dashboard.market.followed.get();
        follow_also(&follower, &followed[before.unwrap_or(0)..]);
        followed.len()
    });
    set_interval(move || connect::look(&source, true), LOOK);
}

/// Follows additional symbols: requests their state as of the page's position, and follows all symbols from there.
fn follow_also(source: &Shared, symbols: &[Symbol]) {
    let mut this = source.borrow_mut();
    let dashboard = this.dashboard;
    let is_unknown = |symbol: &&Symbol| match this.tab.tabs.wants() {
        Wants::These(wanted) => !wanted.contains(*symbol),
        // Everything is followed. Symbols that have not had an event are unknown.
        Wants::All => !dashboard.knows(**symbol),
    };
    let unknown: Vec<Symbol> = symbols.iter().filter(is_unknown).copied().collect();
    if unknown.is_empty() {
        return;
    }
    let mut wants = this.tab.tabs.wants().clone();
    if let Wants::These(wanted) = &mut wants {
        wanted.extend(&unknown);
    }
    this.tab.tabs.want(wants);
    this.added.extend(unknown);
    this.tab.reader.miss();
    drop(this);
    connect::look(source, false);
}
