use leptos::prelude::*;
use market::{Millis, Session, TradingState};

use crate::{
    format::clock::{self, Zone},
    lean::{reactive::drawn, signal::Memo},
    state::dashboard::Dashboard,
};

/// The hours of the regular session of the open symbol, or when the next one opens; hidden if they are not known.
#[component]
pub(crate) fn OpeningHours() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let hours = Memo::new(move |_| {
        let ticker = dashboard.ticker(dashboard.market.open.get()?)?;
        let (now, zone) = (
            dashboard.clock.now.get(),
            dashboard.person.preferences.zone.get(),
        );
        words(&ticker.session.get()?, now, zone)
    });
    view! {
        <p class="hours" hidden=drawn(move || hours.with(Option::is_none))>
            {drawn(move || hours.get().unwrap_or_default())}
        </p>
    }
}

fn words(session: &Session, now: Millis, zone: Zone) -> Option<String> {
    let hours = session.hours.filter(|hours| now < hours.close)?;
    let (name, opens) = (
        zone.name(hours.open),
        clock::hours_and_minutes(hours.open, zone),
    );
    if now < hours.open {
        let day = clock::weekday_unless(now, hours.open, zone);
        let day = day.map_or_else(String::new, |day| format!("{day} "));
        return Some(format!("Opens {day}{opens} {name}"));
    }
    let closes = clock::hours_and_minutes(hours.close, zone);
    // A halt is shown beside the price.
    let open = if session.state == TradingState::Open {
        "Open "
    } else {
        ""
    };
    Some(format!("{open}{opens}–{closes} {name}"))
}

#[cfg(test)]
mod tests {
    use market::RegularHours;

    use super::*;
    use crate::format::figures::tests::session;

    #[test]
    fn the_hours_are_shown_as_they_approach() {
        const HOUR: Millis = 60 * 60 * 1_000;
        // Friday, 10 July 2026, in New York's summer.
        const OPEN: Millis = 1_783_690_200_000;
        let unknown = session("GOOG", None, None);
        assert_eq!(words(&unknown, OPEN, Zone::NewYork), None);
        let session = |state| Session {
            state,
            hours: Some(RegularHours {
                open: OPEN,
                close: OPEN + 13 * HOUR / 2,
            }),
            ..unknown.clone()
        };
        let shown = |now, state| words(&session(state), now, Zone::NewYork);
        for (now, state, words) in [
            (
                OPEN - 24 * HOUR,
                TradingState::Post,
                "Opens Fri 09:30 New York",
            ),
            (OPEN - HOUR, TradingState::Pre, "Opens 09:30 New York"),
            (OPEN, TradingState::Open, "Open 09:30–16:00 New York"),
            (OPEN + HOUR, TradingState::Halted, "09:30–16:00 New York"),
        ] {
            assert_eq!(shown(now, state).as_deref(), Some(words));
        }
        assert_eq!(shown(OPEN + 7 * HOUR, TradingState::Open), None);
        let utc = words(&session(TradingState::Open), OPEN, Zone::Utc);
        assert_eq!(utc.as_deref(), Some("Open 13:30–20:00 UTC"));
    }
}
