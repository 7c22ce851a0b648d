//! The front, seen from the other end of the wire.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod heads;
mod keep_alive;
mod raw;
mod slow;
mod storm;
mod timeouts;
