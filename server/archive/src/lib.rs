//! The history of a tape on disk: events, trades and bars, in one SQLite database.
//!
//! - An [`Archive`] is written by one thread, which owns the only connection that writes. Everything that arrives
//!   during a write goes into the next transaction together; [`Archive::commit`] resolves when its events are on disk,
//!   [`Archive::trade`] and [`Archive::correct`] never wait.
//! - A [`Reader`] queries bars, news, trades and quotes. An archive is one too; another process opens its own, even
//!   while a server writes.
//! - An [`Importer`] writes history from elsewhere, even while a server writes.
//!
//! Bars are made of trades and of one another, from seconds up, and follow every trade that arrives late, is corrected
//! or is cancelled. Failures of the disk are in its [`Status`]: nothing here panics or stops silently. Nothing reads
//! the machine's clock: the time comes from the [`Options`].

mod archive;
mod aside;
mod checkpoint;
mod checksum;
mod coding;
mod database;
mod failure;
mod import;
mod inbox;
mod journal;
mod lock;
mod meta;
mod names;
mod options;
mod overlay;
mod owner;
mod pages;
mod pool;
mod priority;
mod quarantine;
mod read;
mod readable;
mod reader;
mod refill;
mod repair;
mod retain;
mod roll;
mod schema;
mod scrub;
mod search;
mod shares;
mod status;
mod store;
mod sums;
mod symbol_row;
mod table;
mod write;
mod writer;
mod zone;

#[cfg(test)]
mod tests;

pub use archive::{Archive, Opened};
pub use aside::{acknowledge, set_aside_files};
#[cfg(any(test, fuzzing))]
pub use coding::fuzz_coding;
pub use failure::{Failure, FailureKind, OpenError};
pub use import::{Dividend, Importer, Split, Written};
pub use journal::Journal;
pub use options::{Keep, Options, Refill};
pub use overlay::{Overlay, Rolled};
pub use owner::{Ownership, Subject};
pub use pages::Pages;
pub use reader::Reader;
pub use repair::{Repaired, repair};
pub use scrub::Checks;
pub use search::{FoundNews, NewsQuery};
pub use status::{State, Status};
pub use write::Print;

/// A clock, in milliseconds since the Unix epoch.
pub type Clock = std::sync::Arc<dyn Fn() -> market::Millis + Send + Sync>;
