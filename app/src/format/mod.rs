//! Numbers and times as text.

pub(crate) mod clock;
pub(crate) mod figures;
