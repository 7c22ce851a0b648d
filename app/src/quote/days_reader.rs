use std::time::Duration;

use leptos::prelude::*;
use market::{Interval, Millis, Symbol};

use crate::state::{address, dashboard::Dashboard, days::Days};

/// How long a symbol is open before its days are asked for: somebody may only pass by.
const REST: Duration = Duration::from_millis(400);

/// How often the newest day is asked for again.
const AGAIN: Millis = 60_000;

/// Keeps the daily figures of the open symbol current.
pub(crate) fn follow_days(dashboard: Dashboard) {
    Effect::new(move |before: Option<(Option<Symbol>, Millis)>| {
        let open = dashboard.market.open.get();
        let now = dashboard.clock.minute.get();
        // The page was drawn with those of the first.
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
    // Without an archive there is no more than this.
    let limit = if dashboard.market.archived {
        Days::BARS
    } else {
        2
    };
    let address = address::of_newest_bars(symbol, Interval::Day, limit as u64);
    #[cfg(target_arch = "wasm32")]
    leptos::task::spawn_local(async move {
        let Ok(bars) = crate::live::history::bars(&address).await else {
            // The next minute asks again, and what is known stays true.
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
