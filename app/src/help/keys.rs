//! The keys of the page: one table for the handler and the help.
//!
//! An element has its key in `aria-keyshortcuts`. The key clicks the element or focuses it, and the help lists a key
//! only if there is such an element. So the handler, screen readers and the help agree.

use leptos::{ev, prelude::*};
use market::Symbol;

use crate::{
    browser::elements,
    lean::reactive::effect,
    state::{dashboard::Dashboard, navigation::Navigation},
};

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// Everywhere except in text fields.
    Anywhere,
    /// In the chart, which handles the key itself.
    Chart,
    /// In the watchlist, which handles the key itself.
    Watchlist,
}

/// One line of the help.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Where it works.
    pub(crate) at: Where,
    /// The names of the keys, as in `aria-keyshortcuts`. The first is looked up for all.
    pub(crate) names: &'static [&'static str],
    /// The label of the keys.
    pub(crate) written: &'static str,
    /// What they do.
    pub(crate) does: &'static str,
}

const fn key(
    at: Where,
    names: &'static [&'static str],
    written: &'static str,
    does: &'static str,
) -> Key {
    Key {
        at,
        names,
        written,
        does,
    }
}

/// Every key, in the order in which the help lists them.
pub(crate) const KEYS: [Key; 19] = {
    use Where::{Anywhere, Chart, Watchlist};
    [
        key(Anywhere, &["/"], "/", "Search"),
        key(Anywhere, &["j"], "j", "Next symbol in the watchlist"),
        key(Anywhere, &["k"], "k", "Previous symbol"),
        key(
            Anywhere,
            &["1", "2", "3", "4", "5", "6", "7", "8"],
            "1 – 8",
            "Chart range",
        ),
        key(Anywhere, &["c"], "c", "Chart type"),
        key(Anywhere, &["n"], "n", "Go to the news"),
        key(Anywhere, &["a"], "a", "Alerts"),
        key(Anywhere, &["Space"], "space", "Pause / resume"),
        key(Anywhere, &["?"], "?", "This help"),
        key(
            Chart,
            &["ArrowLeft", "ArrowRight"],
            "← →",
            "Previous / next bar",
        ),
        key(
            Chart,
            &["PageUp", "PageDown"],
            "Page ↑ ↓",
            "Ten bars back / forward",
        ),
        key(
            Chart,
            &["Shift+ArrowLeft", "Shift+ArrowRight"],
            "Shift + ← →",
            "Scroll back / forward",
        ),
        key(Chart, &["+", "-"], "+ −", "Zoom in / out"),
        key(Chart, &["Home"], "Home", "Whole range"),
        key(Chart, &["End"], "End", "Newest bar"),
        key(
            Chart,
            &["Enter"],
            "Enter",
            "Open the story, or read a summary",
        ),
        key(Chart, &["Escape"], "Escape", "Hide crosshair"),
        key(
            Watchlist,
            &["Alt+ArrowUp", "Alt+ArrowDown"],
            "Alt + ↑ ↓",
            "Move the symbol",
        ),
        key(Watchlist, &["Delete"], "Delete", "Remove the symbol"),
    ]
};

/// The storage key of whether single-key shortcuts are on.
const ON_OR_OFF: &str = "keys";

/// Whether the person turned single-key shortcuts off ([WCAG
/// 2.1.4](https://www.w3.org/TR/WCAG22/#character-key-shortcuts)).
pub(crate) fn are_off(dashboard: Dashboard) -> bool {
    dashboard
        .person
        .storage
        .read(ON_OR_OFF)
        .is_some_and(|kept| kept == "off")
}

/// Turns single-key shortcuts on or off.
pub(crate) fn set_enabled(dashboard: Dashboard, on: bool) {
    dashboard
        .person
        .storage
        .write(ON_OR_OFF, if on { "on" } else { "off" });
}

/// The name of a pressed key, if it works anywhere.
fn name_of(key: &str) -> Option<&'static str> {
    let name = if key == " " { "Space" } else { key };
    let anywhere = KEYS.iter().filter(|key| key.at == Where::Anywhere);
    let mut names = anywhere.flat_map(|key| key.names);
    names.find(|known| **known == name).copied()
}

/// Handles the keys.
pub(crate) fn listen(dashboard: Dashboard, navigation: Navigation) {
    effect(move || {
        let handle = window_event_listener(ev::keydown, move |event| {
            let Some(name) = name_of(&event.key()) else {
                return;
            };
            let is_plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            // The space bar is not a character key, and so stays on.
            let off = name != "Space" && are_off(dashboard);
            if !is_plain || event.default_prevented() || is_elsewhere(name) || off {
                return;
            }
            let steps = matches!(name, "j" | "k");
            if event.repeat() && !steps {
                return;
            }
            let done = match name {
                "j" => step(dashboard, navigation, 1),
                "k" => step(dashboard, navigation, -1),
                "c" => {
                    dashboard.chart.choices.next_kind();
                    true
                }
                name => elements::press(name),
            };
            if done {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Elements that use the space bar themselves.
const SPACE: &str = "input,textarea,select,dialog,[popover],a:focus-visible,button,summary,[tabindex='0'],[contenteditable]";

/// Whether the focused element uses a key itself: a field or an open popover, and for the space bar anything that it
/// activates.
fn is_elsewhere(name: &str) -> bool {
    let Some(focused) = document().active_element() else {
        return false;
    };
    let within = match name {
        "Space" => SPACE,
        _ => "input,textarea,select,dialog,[popover]",
    };
    matches!(focused.closest(within), Ok(Some(_)))
}

/// Opens the symbol `by` steps after the open one in the watchlist. Returns whether there is one.
fn step(dashboard: Dashboard, navigation: Navigation, by: isize) -> bool {
    let open = dashboard.market.open.get_untracked();
    let next = dashboard
        .market
        .watchlist
        .with_untracked(|symbols| neighbour(symbols, open, by));
    let Some(symbol) = next else {
        return false;
    };
    navigation.open(&untrack(|| dashboard.address_of(symbol)));
    true
}

/// The symbol `step` steps after the open one; the first if none is open; `None` beyond the ends.
fn neighbour(symbols: &[Symbol], open: Option<Symbol>, step: isize) -> Option<Symbol> {
    let position = symbols.iter().position(|symbol| Some(*symbol) == open);
    let next = match position {
        Some(position) => position.checked_add_signed(step)?,
        None => 0,
    };
    symbols.get(next).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::figures::tests::symbol;

    #[test]
    fn walks_the_watchlist_without_leaving_it() {
        let symbols = ["AAPL", "GOOG", "MSFT"].map(symbol);
        let [aapl, goog, msft] = symbols;
        assert_eq!(neighbour(&symbols, Some(goog), 1), Some(msft));
        assert_eq!(neighbour(&symbols, Some(goog), -1), Some(aapl));
        assert_eq!(neighbour(&symbols, Some(aapl), -1), None);
        assert_eq!(neighbour(&symbols, Some(msft), 1), None);
        assert_eq!(neighbour(&symbols, None, 1), Some(aapl));
        assert_eq!(neighbour(&symbols, Some(symbol("X")), 1), Some(aapl));
        assert_eq!(neighbour(&[], None, 1), None);
    }

    #[test]
    fn handles_what_the_help_lists_for_the_whole_page() {
        assert_eq!(name_of("j"), Some("j"));
        assert_eq!(name_of("8"), Some("8"));
        assert_eq!(name_of(" "), Some("Space"));
        for other in ["9", "x", "Home", "ArrowLeft", "Space", "J"] {
            let expected = (other == "Space").then_some("Space");
            assert_eq!(name_of(other), expected, "{other}");
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for (at, key) in KEYS.iter().enumerate() {
            for other in &KEYS[at + 1..] {
                let shared = key.names.iter().any(|name| other.names.contains(name));
                assert!(key.at != other.at || !shared, "{}", key.written);
            }
        }
    }
}
