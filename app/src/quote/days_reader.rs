use std::time::Duration;

use leptos::prelude::*;
use market::{Interval, Millis, Symbol};

use crate::{
    lean::reactive::effect_after,
    state::{address, dashboard::Dashboard, days::Days},
};

/// How long a symbol is open before its days are requested, so that skipping through symbols makes no requests.
const REST: Duration = Duration::from_millis(400);

/// How often the days are requested again.
const AGAIN: Millis = 60_000;

/// Keeps the daily figures of the open symbol current.
pub(crate) fn follow_days(dashboard: Dashboard) {
    effect_after(move |before: Option<(Option<Symbol>, Millis)>| {
        let open = dashboard.market.open.get();
        let now = dashboard.clock.minute.get();
        // The page was drawn with the days of the first symbol.
        let Some((symbol, asked)) = before else {
            return (open, now);
        };
        let other = symbol != open;
        if !other && now < asked + AGAIN {
            return (symbol, asked);
        }
        if other {
            dashboard.market.days.set(Days::default());
        }
        if let Some(symbol) = open {
            let rest = if other { REST } else { Duration::ZERO };
            set_timeout(move || ask(dashboard, symbol), rest);
        }
        (open, now)
    });
}

/// Fetches the days of a symbol, if it is still open.
fn ask(dashboard: Dashboard, symbol: Symbol) {
    if dashboard.market.open.get_untracked() != Some(symbol) {
        return;
    }
    // Without an archive there are no more days.
    let limit = if dashboard.market.archived {
        Days::BARS
    } else {
        2
    };
    let address = address::of_newest_bars(symbol, Interval::Day, limit as u64);
    #[cfg(target_arch = "wasm32")]
    leptos::task::spawn_local(async move {
        let Ok(bars) = crate::live::bars::bars(&address).await else {
            // They are requested again in a minute, and the known ones stay valid.
            return;
        };
        if dashboard.market.open.get_untracked() == Some(symbol) {
            let days = Days::of(&bars, dashboard.clock.now.get_untracked());
            if dashboard.market.days.with_untracked(|old| *old != days) {
                dashboard.market.days.set(days);
            }
        }
    });
    #[cfg(not(target_arch = "wasm32"))]
    let _ = address;
}
