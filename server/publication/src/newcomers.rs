use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use market::{Event, Symbol};
use tape::EventId;

use events::{
    Tape, Topic, View,
    slices::{END, Retained},
};

/// How many symbols may have a quote and a session. Those of a symbol never leave the tape, so that a publisher of
/// made-up symbols would fill the memory.
pub const MAX_SYMBOLS: usize = 10_000;

/// The symbols of which only stories are on the tape. They count as the others do for as long as one of their stories
/// is there; otherwise a publisher of stories about made-up symbols would fill the memory. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Newcomers(Arc<Mutex<StorySymbols>>);

#[derive(Debug, Default)]
struct StorySymbols {
    /// Each with the newest story that names it.
    symbols: HashMap<Symbol, EventId>,
    /// The beginning of the tape's window when they were last checked, and the number of its keys.
    pruned: Option<(EventId, usize)>,
}

impl Newcomers {
    /// Records the stories of a tape.
    pub fn learn(&self, tape: &Tape) {
        let stories: Vec<_> = Retained::before(tape, &[Topic::AllNews], END).collect();
        for (id, entry) in stories.into_iter().rev() {
            self.note(id, &entry.event);
        }
    }

    /// Records appended events.
    pub fn note(&self, id: EventId, event: &Event) {
        let mut known = self.lock();
        match event {
            Event::News(news) => {
                let symbols = news.symbols.iter().map(|symbol| (*symbol, id));
                known.symbols.extend(symbols);
            }
            // From now on its quote or session counts.
            Event::Quote(market::Quote { symbol, .. })
            | Event::Session(market::Session { symbol, .. }) => {
                known.symbols.remove(symbol);
            }
            Event::Bar(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {}
        }
    }

    /// For how many quotes and sessions there is room beside those of a tape. A symbol of stories counts as much as
    /// both.
    pub fn room(&self, view: &View<'_>) -> usize {
        let keys = view.conflation_keys();
        let room =
            |known: &StorySymbols| (2 * MAX_SYMBOLS).saturating_sub(keys + 2 * known.symbols.len());
        let mut known = self.lock();
        let state = (view.stats().oldest, keys);
        // Checked only if something has changed and it may matter.
        if room(&known) < MAX_SYMBOLS / 5 && known.pruned != Some(state) {
            known.pruned = Some(state);
            let (oldest, _) = state;
            known
                .symbols
                .retain(|symbol, id| *id > oldest && !view.holds(&Topic::Symbol(*symbol)));
        }
        room(&known)
    }

    /// Removes the symbols that there is no room for.
    pub fn admit(&self, view: &View<'_>, symbols: &mut Vec<Symbol>) {
        let mut room = self.room(view);
        symbols.retain(|symbol| {
            if self.has(*symbol) || view.holds(&Topic::Symbol(*symbol)) {
                return true;
            }
            let fits = room >= 2;
            room = room.saturating_sub(2);
            fits
        });
    }

    /// Whether a symbol is one of them.
    pub fn has(&self, symbol: Symbol) -> bool {
        self.lock().symbols.contains_key(&symbol)
    }

    fn lock(&self) -> MutexGuard<'_, StorySymbols> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
