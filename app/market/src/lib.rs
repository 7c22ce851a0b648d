//! Symbols, quotes, bars and news, and their wire format.
//!
//! Everything here is pure: no IO, no clock, no web framework. Times are arguments, in milliseconds since the Unix
//! epoch, UTC. Money is decimal and exact, from a source's text to the JSON that leaves ([`Price`], [`Size`]).
//!
//! [`Event`] is the one type that the server writes and the page reads. [`Event::decode`] and [`Frame::new`] are the
//! only places that convert it from and to bytes. [`wire`] holds the contract of both sides.

mod bar;
mod board;
mod decimal;
mod event;
mod feed;
mod interval;
mod news;
mod number;
mod quote;
mod roll;
#[cfg(feature = "schema")]
mod schema;
mod session;
mod snapshot;
pub mod sse;
mod symbol;
mod text;
mod tick;
mod time;
pub mod wire;

pub use bar::Bar;
pub use board::{Board, Change, CorrectionOutcome};
pub use decimal::{DecimalError, Price, Size};
pub use event::{DecodeError, Event, Heartbeat};
pub use feed::{FeedState, FeedStatus};
pub use interval::{Interval, IntervalError};
pub use news::{Action, Basis, Link, LinkError, News, NewsType, words_of};
pub use number::MAX_NUMBER;
pub use quote::Quote;
pub use roll::{Minute, Roll, Sums};
pub use session::{Quality, RegularHours, Session, TradingState};
pub use snapshot::{Closes, Snapshot};
pub use sse::{Encoded, Frame};
pub use symbol::{Symbol, SymbolError};
pub use text::plain;
pub use tick::{Best, Clock, Correction, Day, Tick, Trade, TradeEligibility};
pub use time::{TimeError, TimeUnit, since_epoch};
pub use wire::EventKind;

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = u64;
