//! The person's watchlist: adding, removing and moving symbols. It is stored in the browser and in the address.
//!
//! A watchlist of the address takes precedence over the stored one, and that over the server's. If the address names
//! another list than the stored one, the page shows it as a shared list: it can be changed, but replaces the stored
//! list only when the person keeps it.

use leptos::prelude::*;
use market::{Symbol, wire::MAX_WATCHLIST};

use crate::{
    browser::elements,
    lean::signal::{RwSignal, StoredValue},
    state::{address, dashboard::Dashboard, navigation::Navigation},
};

/// The storage key of the watchlist.
const KEY: &str = "watchlist";

/// Changes the watchlist.
#[derive(Clone, Copy)]
pub(crate) struct OwnList {
    dashboard: Dashboard,
    navigation: Navigation,
    /// Whether the shown list is the person's own, which follows changes of other tabs. If it is neither own nor
    /// shared, it is that of the address and no list is stored. It then becomes the person's own when they change it.
    own: StoredValue<bool>,
    /// Whether the shown list is shared. The stored list then stays unchanged.
    pub(crate) shared: RwSignal<bool>,
    /// What screen readers announce about the list. It is separate from other announcements, so that headlines do not
    /// interrupt it.
    pub(crate) announcement: RwSignal<String>,
    /// How often the list was changed: answers to requests before a change are ignored.
    changes: StoredValue<u32>,
}

impl OwnList {
    /// The watchlist of the drawn page.
    pub(crate) fn new(dashboard: Dashboard, navigation: Navigation) -> Self {
        OwnList {
            dashboard,
            navigation,
            own: StoredValue::new(false),
            shared: RwSignal::new(false),
            announcement: RwSignal::new(String::new()),
            changes: StoredValue::new(0),
        }
    }

    /// Shows the stored list, unless the address names one, and follows changes of other tabs.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn begin(self) {
        let storage = self.dashboard.person.storage;
        let kept = storage.read(KEY).map(|text| read(&text));
        match (self.dashboard.market.chosen.get_untracked(), kept) {
            (None, kept) => {
                self.own.set_value(true);
                if let Some(kept) = kept {
                    let first = kept.iter().find(|symbol| self.dashboard.knows(**symbol));
                    self.take(&kept, first.copied());
                }
            }
            (Some(chosen), kept) => {
                self.own.set_value(kept.as_ref() == Some(&chosen));
                self.shared.set(kept.is_some_and(|kept| kept != chosen));
            }
        }
        storage.on_change(KEY, move |text| {
            let Some(kept) = text.map(|text| read(&text)) else {
                return;
            };
            if self.own.get_value() {
                self.take(&kept, None);
            } else {
                let is_other = self
                    .dashboard
                    .market
                    .watchlist
                    .with_untracked(|list| *list != kept);
                self.shared.set(is_other);
                self.own.set_value(!is_other);
            }
        });
    }

    /// Stores the shared list as the person's own. This can be undone.
    pub(crate) fn keep(self) {
        let storage = self.dashboard.person.storage;
        let mine = storage.read(KEY);
        let list = self.dashboard.market.watchlist.get_untracked();
        storage.write(KEY, &write(&list));
        self.own.set_value(true);
        self.shared.set(false);
        let undo = Callback::new(move |()| {
            if let Some(mine) = &mine {
                storage.write(KEY, mine);
                self.go_back();
            }
        });
        let text = "This list is yours now.".to_owned();
        self.dashboard.person.notes.show_done(text, undo);
    }

    /// Shows the stored list in place of the shared one.
    pub(crate) fn go_back(self) {
        self.own.set_value(true);
        self.shared.set(false);
        if let Some(kept) = self.dashboard.person.storage.read(KEY) {
            self.take(&read(&kept), None);
        }
    }

    /// Adds a symbol that can be followed, and announces it. The error is a sentence for the person.
    pub(crate) fn add(self, symbol: Symbol) -> Result<(), String> {
        let (there, full) = self
            .dashboard
            .market
            .watchlist
            .with_untracked(|list| (list.contains(&symbol), list.len() >= MAX_WATCHLIST));
        if there {
            return Err(format!("{symbol} is in the watchlist already."));
        }
        if full {
            return Err(format!(
                "The watchlist has {MAX_WATCHLIST} symbols, as many as it can: remove one before you add {symbol}."
            ));
        }
        self.dashboard.follow_also(&[symbol]);
        self.change(|list| list.push(symbol));
        reveal(format!("[data-symbol='{symbol}']"));
        self.announce(format!("{symbol} was added to the watchlist."));
        Ok(())
    }

    /// Removes a symbol. This can be undone.
    pub(crate) fn remove(self, symbol: Symbol) {
        let Some(at) = self.position(symbol) else {
            return;
        };
        self.change(|list| {
            list.remove(at);
        });
        let undo = Callback::new(move |()| {
            if self.position(symbol).is_none() {
                self.change(|list| list.insert(at.min(list.len()), symbol));
                focus_row(symbol);
            }
        });
        let text = format!("{symbol} was removed from the watchlist.");
        self.dashboard.person.notes.show_done(text, undo);
    }

    /// Removes the focused symbol, and focuses the next one.
    pub(crate) fn remove_here(self, symbol: Symbol) {
        let next = self.dashboard.market.watchlist.with_untracked(|list| {
            let at = list.iter().position(|other| *other == symbol)?;
            let after = list.get(at + 1);
            after.or_else(|| list.get(at.checked_sub(1)?)).copied()
        });
        // The next row is there already: a key that is pressed right after this one is for it.
        if let Some(next) = next {
            focus_now(&selector_of(next));
        }
        self.remove(symbol);
        if next.is_none() {
            focus(".list-tools > button".to_owned());
        }
    }

    /// Moves a symbol by a step, and announces its new place.
    pub(crate) fn step(self, symbol: Symbol, by: isize) {
        let Some(from) = self.position(symbol) else {
            return;
        };
        let count = self.dashboard.market.watchlist.with_untracked(Vec::len);
        let Some(to) = from.checked_add_signed(by).filter(|to| *to < count) else {
            return;
        };
        self.shift(symbol, to);
        self.settle(symbol);
    }

    /// Moves a symbol to an index during a drag.
    pub(crate) fn shift(self, symbol: Symbol, to: usize) {
        if let Some(from) = self.position(symbol)
            && from != to
        {
            self.name_open();
            let mut list = self.dashboard.market.watchlist.get_untracked();
            let symbol = list.remove(from);
            list.insert(to.min(list.len()), symbol);
            self.dashboard.market.watchlist.set(list);
        }
    }

    /// Stores the order after a symbol was moved, and announces its place.
    pub(crate) fn settle(self, symbol: Symbol) {
        self.change(|_| ());
        if let Some(at) = self.position(symbol) {
            let count = self.dashboard.market.watchlist.with_untracked(Vec::len);
            self.announce(format!("{symbol} is number {} of {count} now.", at + 1));
        }
    }

    /// The index of a symbol.
    pub(crate) fn position(self, symbol: Symbol) -> Option<usize> {
        self.dashboard
            .market
            .watchlist
            .with_untracked(|list| list.iter().position(|other| *other == symbol))
    }

    /// Makes the address name the open symbol. If it names none, the first of the list is open, which may change with
    /// the list.
    fn name_open(self) {
        let named = address::symbol_of(&self.navigation.path().get_untracked());
        if let (None, Some(open)) = (named, self.dashboard.market.open.get_untracked()) {
            self.navigation
                .replace(&untrack(|| self.dashboard.address_of(open)));
        }
    }

    fn announce(self, text: String) {
        self.announcement.set(text);
    }

    /// Changes the list, and stores it unless it is shared.
    fn change(self, change: impl FnOnce(&mut Vec<Symbol>)) {
        self.name_open();
        let mut list = self.dashboard.market.watchlist.get_untracked();
        change(&mut list);
        self.dashboard.person.notes.forget_done();
        if !self.shared.get_untracked() {
            self.own.set_value(true);
            self.dashboard.person.storage.write(KEY, &write(&list));
        }
        self.show(list, self.dashboard.market.open.get_untracked());
    }

    /// Shows a stored list: symbols that the page knows at once, and the others when the server has confirmed them. If
    /// the address names no symbol, `first` is opened, or the open symbol stays.
    fn take(self, list: &[Symbol], first: Option<Symbol>) {
        let dashboard = self.dashboard;
        let known: Vec<Symbol> = (list.iter().copied())
            .filter(|symbol| dashboard.knows(*symbol))
            .collect();
        let unknown: Vec<Symbol> = (list.iter().copied())
            .filter(|symbol| !known.contains(symbol))
            .collect();
        let named = address::symbol_of(&self.navigation.path().get_untracked());
        let open = first.filter(|_| named.is_none());
        let open = open.or_else(|| dashboard.market.open.get_untracked());
        dashboard.follow_also(&known);
        self.show(known, open);
        reveal("[aria-current]".to_owned());
        if unknown.is_empty() {
            return;
        }
        let change = self.changes.get_value();
        let list = list.to_vec();
        #[cfg(not(target_arch = "wasm32"))]
        let _ = (change, list);
        #[cfg(target_arch = "wasm32")]
        leptos::task::spawn_local(async move {
            let Ok(quoted) = crate::live::directory::quoted(&unknown).await else {
                return;
            };
            if self.changes.get_value() != change {
                return;
            }
            dashboard.follow_also(&quoted);
            let is_left_out =
                |symbol: &Symbol| unknown.contains(symbol) && !quoted.contains(symbol);
            let left_out: Vec<&str> = (list.iter())
                .filter(|symbol| is_left_out(symbol))
                .map(Symbol::as_str)
                .collect();
            if !left_out.is_empty() {
                dashboard.person.notes.show(format!(
                    "Not in the watchlist now, since no feed of this server quotes it: {}.",
                    left_out.join(", ")
                ));
            }
            let shown = list.iter().filter(|symbol| !is_left_out(symbol)).copied();
            self.show(shown.collect(), dashboard.market.open.get_untracked());
        });
    }

    /// Shows a list, and writes it and the open symbol into the address.
    fn show(self, list: Vec<Symbol>, open: Option<Symbol>) {
        self.changes.update_value(|changes| *changes += 1);
        let address = match open {
            Some(symbol) => address::of_symbol(symbol, Some(&list)),
            None => address::with_watchlist(&self.navigation.path().get_untracked(), &list),
        };
        self.dashboard.choose(list);
        self.navigation.replace(&address);
    }
}

/// Scrolls the list to the element of a selector, once it is drawn.
pub(crate) fn reveal(selector: String) {
    request_animation_frame(move || elements::scroll_within(".watchlist > ul", &selector));
}

/// Focuses the row of a symbol, once it is drawn.
pub(crate) fn focus_row(symbol: Symbol) {
    focus(selector_of(symbol));
}

/// What selects the link of a row.
fn selector_of(symbol: Symbol) -> String {
    format!("a[data-symbol='{symbol}']")
}

/// Focuses the element of a selector in the watchlist, once it is drawn.
pub(crate) fn focus(selector: String) {
    request_animation_frame(move || focus_now(&selector));
}

/// Puts the focus on what a selector finds in the watchlist.
fn focus_now(selector: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;

        let found = document().query_selector(&[".watchlist ", selector].concat());
        let element = found.ok().flatten();
        if let Some(element) = element.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = element.focus();
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = selector;
}

/// The symbols of a stored text. Anything else is left out.
fn read(text: &str) -> Vec<Symbol> {
    let mut list = Vec::new();
    for symbol in text.split(',').filter_map(|name| name.parse().ok()) {
        if !list.contains(&symbol) && list.len() < MAX_WATCHLIST {
            list.push(symbol);
        }
    }
    list
}

fn write(list: &[Symbol]) -> String {
    let names: Vec<&str> = list.iter().map(Symbol::as_str).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::figures::tests::symbol;

    #[test]
    fn reads_what_it_writes() {
        let list = ["BRK.B", "^GSPC", "EURUSD=X"].map(symbol);
        assert_eq!(write(&list), "BRK.B,^GSPC,EURUSD=X");
        assert_eq!(read(&write(&list)), list);
        assert_eq!(read(&write(&[])), []);
    }

    #[test]
    fn passes_over_what_is_no_symbol_and_what_comes_twice() {
        assert_eq!(
            read("AAPL,,{\"a\":1},aapl,<b>,GOOG"),
            ["AAPL", "GOOG"].map(symbol)
        );
        let many: Vec<String> = (0..200).map(|number| format!("S{number}")).collect();
        assert_eq!(read(&many.join(",")).len(), MAX_WATCHLIST);
    }
}
