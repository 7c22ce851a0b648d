//! The history of a tape on disk: events, trades and bars, in one SQLite database.
//!
//! - An [`Archive`] is written by one thread, which owns the one connection that writes. What it is
//!   given while it writes goes into the next transaction together; [`Archive::commit`] answers when
//!   its events are on disk, [`Archive::trade`] and [`Archive::correct`] never wait.
//! - A [`Reader`] answers questions: bars, news, trades, quotes. An archive is one too; another
//!   process opens its own, also while a server writes.
//! - An [`Importer`] writes history from elsewhere, also while a server writes.
//!
//! Bars are made of trades and of one another, second by second, and follow every trade that comes
//! late, is corrected or is cancelled. What the disk does to the archive is in its [`Status`]:
//! nothing here panics or stops in silence. Nothing reads the machine's clock to say what time it
//! is: the time comes from the [`Options`].

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

/// Tells the time, in milliseconds since the Unix epoch.
pub type Clock = std::sync::Arc<dyn Fn() -> market::Millis + Send + Sync>;
