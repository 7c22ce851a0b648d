//! History: the archive and the tape read as one, and the state that a restarted server continues from.
//!
//! The crate `archive` is the database. This crate joins it to the tape: the [`Scribe`] writes what is appended, a
//! restarted server continues from a [`RecoveredState`], and a [`History`] reads both.
//!
//! The archive is behind the tape by what it has not written yet, and the tape forgets what has left its window. So
//! every reading takes the archive first and the tape afterwards, and joins them by the identity of bars and stories: a
//! start, an id. Without an archive there is only the tape.

mod bars;
mod close;
mod filter;
mod news;
mod options;
mod past;
mod reading;
mod recovered;
mod report;
mod scribe;

pub use self::{
    bars::{Adjust, BarQuery, Bars, older_interval, read_bars, read_span},
    close::last_closes,
    filter::NewsFilter,
    news::{Stories, read_news},
    options::{Age, ArchiveOptions, DataFolder, DataSize, Kind},
    past::{Past, Unreadable},
    reading::History,
    recovered::RecoveredState,
    report::Report,
    scribe::Scribe,
};
