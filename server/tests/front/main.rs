//! The front, seen from the client's side.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod heads;
mod keep_alive;
mod raw;
mod slow;
mod storm;
mod timeouts;
