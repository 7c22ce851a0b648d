//! What this browser remembers from one visit to the next: texts under the page's own keys. A text of another version
//! is ignored.

use leptos::{ev, prelude::*};

use crate::{
    browser::local_storage::{self, Refusal},
    lean::{signal::StoredValue, sorted::SortedMap},
    widgets::notes::Notes,
};

/// The prefix of all names, so that they do not clash with others of the same origin.
pub(crate) const PREFIX: &str = "tickertape:";
/// The prefix of all texts: the version of their format.
pub(crate) const VERSION: &str = "1 ";

/// The browser's storage, or the page's memory for what the browser refused to store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage {
    /// What the browser refused to store.
    refused: StoredValue<SortedMap<&'static str, String>>,
    /// Whether the refusal has been shown to the person.
    shown: StoredValue<bool>,
    notes: Notes,
}

impl Storage {
    /// A storage that shows refusals as `notes`.
    pub(crate) fn new(notes: Notes) -> Self {
        Storage {
            refused: StoredValue::new(SortedMap::new()),
            shown: StoredValue::new(false),
            notes,
        }
    }

    /// The text of a key; `None` if there is none of this version.
    pub(crate) fn read(self, key: &'static str) -> Option<String> {
        let refused = self.refused.with_value(|texts| texts.get(&key).cloned());
        refused.or_else(|| {
            let text = local_storage::kept(&named(key))?;
            text.strip_prefix(VERSION).map(str::to_owned)
        })
    }

    /// Stores the text of a key.
    pub(crate) fn write(self, key: &'static str, text: &str) {
        let outcome = local_storage::keep(&named(key), &[VERSION, text].concat());
        self.refused.update_value(|texts| match outcome {
            Ok(()) => drop(texts.remove(&key)),
            Err(_) => drop(texts.insert(key, text.to_owned())),
        });
        if let Err(refusal) = outcome
            && !self.shown.get_value()
        {
            self.shown.set_value(true);
            self.notes.show(sentence(refusal).to_owned());
        }
    }

    /// Stores a text that is not needed if the browser refuses.
    pub(crate) fn note(self, key: &'static str, text: &str) {
        let _ = local_storage::keep(&named(key), &[VERSION, text].concat());
    }

    /// Calls back with the text of a key that another tab has written.
    pub(crate) fn on_change(self, key: &'static str, change: impl Fn(Option<String>) + 'static) {
        let handle = window_event_listener(ev::storage, move |event| {
            // An event without a name means that everything was cleared.
            if event.key().is_none_or(|name| name == named(key)) {
                change(self.read(key));
            }
        });
        on_cleanup(move || handle.remove());
    }
}

fn named(key: &str) -> String {
    [PREFIX, key].concat()
}

const fn sentence(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Full => {
            "This browser has no room left to remember your watchlist, settings and alerts: they last \
             until this page is closed."
        }
        Refusal::Forbidden => {
            "This browser does not let the page remember your watchlist, settings and alerts: they last \
             until this page is closed."
        }
    }
}
