//! Helpers of the tests of several crates.

use std::{cell::Cell, sync::Arc};

use market::{Action, Basis, Event, Millis, News, NewsType};
use tokio::time::Instant;

use crate::{Cursor, Tape, Topic};

/// The time of the tests.
pub const START: Millis = 1_790_000_000_000;

/// A tape without limits.
pub fn tape() -> Tape {
    let limits = tape::Limits {
        entries: 1_000_000,
        bytes: 1 << 30,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    Tape::new(START, 0, limits)
}

/// A story, always with the same id.
pub fn news(headline: &str) -> News {
    News {
        id: "test:1".to_owned(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: Vec::new(),
        headline: headline.to_owned(),
        summary: None,
        url: None,
        source: "test".to_owned(),
        published: START,
        form: None,
        accession: None,
        code: None,
    }
}

/// A clock that follows the runtime's, which a test may pause and advance.
pub fn runtime_now() -> Arc<dyn Fn() -> Millis + Send + Sync> {
    let begin = Instant::now();
    Arc::new(move || START + begin.elapsed().as_millis() as Millis)
}

/// A clock that stands still.
pub fn fixed_now() -> Arc<dyn Fn() -> Millis + Send + Sync> {
    Arc::new(|| START)
}

/// A reader of everything that is appended from now on.
pub fn listen(tape: &Tape) -> Reader {
    Reader(tape.subscribe(&[Topic::Symbols, Topic::AllNews]))
}

/// A cursor that hands out events.
#[derive(Debug)]
pub struct Reader(Cursor);

impl Reader {
    /// The events since the last call.
    ///
    /// # Panics
    /// When the cursor has fallen off the tape.
    pub fn events(&mut self) -> Vec<Event> {
        let mut read = Vec::new();
        self.0.read(START, usize::MAX, &mut read).unwrap();
        read.iter()
            .map(|delivery| Event::clone(&delivery.payload.event))
            .collect()
    }
}

thread_local! {
    static THROUGH: Cell<usize> = const { Cell::new(0) };
}

/// Counts what a parser has parsed on this thread, for the test that the seeds of the fuzz targets reach their parsers.
pub fn through(count: usize) {
    THROUGH.set(THROUGH.get() + count);
}

/// The count since the last call.
pub fn take_through() -> usize {
    THROUGH.take()
}
