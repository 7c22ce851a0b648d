//! An ordered log of events with cursors that share its bytes and never queue.
//!
//! An event gets its [`EventId`] once, when it is appended, and is encoded once, with that id. A subscriber is a
//! [`Cursor`]: some topics and a position. Its unread events are not stored for it; they are the part of the tape after
//! its position. So a subscriber costs the same however much it leaves unread, and live delivery, replay after a broken
//! connection, slow readers and a limited rate are one way of reading at different speeds.
//!
//! That is possible because the tape is small:
//!
//! - A **conflated** entry (a quote) takes the place of the one before it with the same key. There
//!   is one a key, it never leaves, and a cursor that was slow reads only that one.
//! - A **retained** entry (a story) stays in a window bounded in entries, bytes and age ([`Limits`]),
//!   and every cursor of its topics reads it exactly once. A cursor that has not read it when it
//!   leaves is off the tape: it gets [`OffTape`], never a part for the whole, and
//!   starts again from a [`View`].
//!
//! Ids carry the time, so those of two tapes overlap: of a server and the one after it when the clock
//! steps back, or of two behind one address. Each tape therefore has a mark, which all its ids bear
//! in their `n`, and does not accept the id of another tape as a position of its own.
//!
//! A tape can continue where another one ended ([`Tape::refilled`]), with the entries of it that were stored: the
//! earlier ids are then positions on it, and each keeps its mark.
//!
//! The clock of the caller may be set. Ids rise all the same: if the clock is behind the newest id, they continue from
//! that id by counting `n`, and once a millisecond has used all its numbers with the next one, until the clock has
//! caught up. Ages do not wait for that: a time that is more than [`MAX_DISORDER_MS`] behind the latest one is the new
//! time, and entries that were appended while the clock was ahead age from then on.
//!
//! Topics and conflation keys are of one type `K`, in two namespaces. Nothing polls: an append wakes the cursors that
//! wait for its topics, and no others. Nothing here reads a clock, blocks for long or depends on a runtime; the time is
//! an argument, in milliseconds since the Unix epoch.
//!
//! Conflated entries are read in the order of their ids, the least recently changed first. A cursor that never catches
//! up therefore reads keys that rest before keys that change all the time.
//!
//! ```
//! use tape::{Limits, Payload, Tape};
//!
//! #[derive(Clone)]
//! struct Line(std::sync::Arc<str>);
//!
//! impl Payload for Line {
//!     fn weight(&self) -> usize {
//!         self.0.len()
//!     }
//! }
//!
//! let limits = Limits { entries: 1000, bytes: 1 << 20, topic_bytes: 0, age_ms: 3_600_000 };
//! let tape = Tape::new(1_000, 42, limits);
//! let mut cursor = tape.subscribe(&["GOOG", "news"]);
//!
//! tape.append(1_001, &["GOOG"], Some(&"GOOG"), |id| Line(format!("{id} 597.30").into()));
//! tape.append(1_002, &["news"], None, |id| Line(format!("{id} a story").into()));
//! tape.append(1_002, &["GOOG"], Some(&"GOOG"), |id| Line(format!("{id} 597.32").into()));
//! tape.append(1_003, &["AAPL"], Some(&"AAPL"), |id| Line(format!("{id} 226.80").into()));
//!
//! let mut read = Vec::new();
//! cursor.read(1_004, usize::MAX, &mut read)?;
//! let lines: Vec<&str> = read.iter().map(|delivery| &*delivery.payload.0).collect();
//! assert_eq!(lines, ["1002-42000 a story", "1002-42001 597.32"]);
//!
//! // The connection breaks, and the client comes back with the last id that it has seen.
//! let mut cursor = tape.resume(&["GOOG", "news"], "1002-42000".parse()?, None)?;
//! read.clear();
//! cursor.read(1_005, usize::MAX, &mut read)?;
//! assert_eq!(&*read[0].payload.0, "1002-42001 597.32");
//!
//! // An id from before the tape, from after it, or with another tape's mark is not on it.
//! for id in ["999-42000", "2000-42000", "1002-7000"] {
//!     assert!(tape.resume(&["GOOG"], id.parse()?, None).is_err());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod cursor;
mod entry;
mod id;
mod limits;
mod log;
mod off_tape;
mod refill;
mod tape;
mod view;
mod waiting;
mod wake_scheduler;

pub use batch::Batch;
pub use cursor::{Cursor, Delivery};
pub use entry::{Key, Payload};
pub use id::{EventId, EventIdError, IDS_PER_MS};
pub use limits::{Limits, Stats};
pub use log::MAX_DISORDER_MS;
pub use off_tape::OffTape;
pub use refill::{Refill, Stored};
pub use tape::Tape;
pub use view::View;
pub use wake_scheduler::WakeScheduler;
