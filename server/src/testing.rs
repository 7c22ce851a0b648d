//! What several tests need.

use std::sync::Arc;

use market::{Event, Millis};
use tokio::time::Instant;

use crate::{
    Now, Tape, Topic,
    feeds::{Floor, Publisher},
};

pub(crate) const START: Millis = 1_790_000_000_000;

/// A tape that keeps everything that a test writes.
pub(crate) fn tape() -> Tape {
    let limits = tape::Limits {
        entries: 1_000_000,
        bytes: 1 << 30,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    Tape::new(START, 0, limits)
}

/// The runtime's clock: it stands still in a test that pauses it, but for what the test waits.
pub(crate) fn runtime_now() -> Now {
    let begin = Instant::now();
    Arc::new(move || START + begin.elapsed().as_millis() as Millis)
}

pub(crate) fn fixed_now() -> Now {
    Arc::new(|| START)
}

pub(crate) fn floor(tape: Tape) -> Floor {
    Floor::new(tape, fixed_now())
}

pub(crate) fn publisher(tape: &Tape) -> Publisher {
    Publisher::new(floor(tape.clone()), "Test")
}

/// A cursor of everything that is published from now on.
pub(crate) fn listen(tape: &Tape) -> Reader {
    Reader(tape.subscribe(&[Topic::Symbols, Topic::AllNews]))
}

pub(crate) struct Reader(tape::Cursor<Topic, crate::Entry>);

impl Reader {
    /// What has been published since the last call and has not been superseded.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut read = Vec::new();
        self.0.read(START, usize::MAX, &mut read).unwrap();
        read.iter()
            .map(|delivery| Event::clone(&delivery.payload.event))
            .collect()
    }
}
