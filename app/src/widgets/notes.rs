use leptos::prelude::*;

use crate::lean::{
    reactive::{drawn, handler},
    signal::RwSignal,
};

/// The maximum number of notes. The oldest are dropped.
const MAX_NOTES: usize = 4;

/// A message that the person can dismiss.
#[derive(Debug, Clone)]
struct Note {
    text: String,
    /// Undoes what was done.
    undo: Option<Callback<()>>,
}

/// The messages, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notes {
    notes: RwSignal<Vec<Note>>,
}

impl Notes {
    /// No messages.
    pub(crate) fn new() -> Self {
        Notes {
            notes: RwSignal::new(Vec::new()),
        }
    }

    /// Shows a message.
    pub(crate) fn show(self, text: String) {
        self.add(Note { text, undo: None });
    }

    /// Shows a message with an undo button. Only the last one can be undone.
    pub(crate) fn show_done(self, text: String, undo: Callback<()>) {
        self.forget_done();
        self.add(Note {
            text,
            undo: Some(undo),
        });
    }

    /// Removes messages with an undo button.
    pub(crate) fn forget_done(self) {
        let is_done = |note: &Note| note.undo.is_some();
        if self.notes.with_untracked(|notes| notes.iter().any(is_done)) {
            self.notes
                .update(|notes| notes.retain(|note| !is_done(note)));
        }
    }

    fn add(self, note: Note) {
        self.notes.update(|notes| {
            notes.retain(|other| other.text != note.text);
            notes.push(note);
            let surplus = notes.len().saturating_sub(MAX_NOTES);
            notes.drain(..surplus);
        });
    }

    fn take(self, at: usize) -> Option<Note> {
        self.notes
            .try_update(|notes| (at < notes.len()).then(|| notes.remove(at)))
            .flatten()
    }
}

/// The notes, above the lower edge of the page, so that they move nothing. Screen readers announce them politely.
#[component]
pub(crate) fn NoteList(notes: Notes) -> impl IntoView {
    // The number of slots is fixed: the browser then needs no code to build notes.
    let slots = (0..MAX_NOTES).map(|at| {
        let text = move || {
            notes
                .notes
                .with(|notes| notes.get(at).map(|note| note.text.clone()))
        };
        let undo = move || {
            notes
                .notes
                .with(|notes| notes.get(at).and_then(|note| note.undo))
        };
        view! {
            <p class="note" hidden=drawn(move || text().is_none())>
                <span>{drawn(text)}</span>
                <button
                    type="button"
                    hidden=drawn(move || undo().is_none())
                    on:click=handler(move |_| {
                        if let Some(undo) = notes.take(at).and_then(|note| note.undo) {
                            undo.run(());
                        }
                    })
                >
                    "Undo"
                </button>
                <button type="button" on:click=handler(move |_| drop(notes.take(at)))>
                    "Dismiss"
                </button>
            </p>
        }
    });
    view! {
        <div class="notes" role="status">
            {slots.collect_view()}
        </div>
    }
}
