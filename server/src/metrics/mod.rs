//! Metrics, for the person who runs the server.

mod archived;
mod counted;
mod delay;
mod encoding;
mod reading;
mod refusal;

pub use self::{
    counted::{Counts, Metrics, StreamGauge},
    refusal::Refusal,
};
