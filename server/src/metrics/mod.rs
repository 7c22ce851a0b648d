//! What the server counts, for whoever runs it.

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
