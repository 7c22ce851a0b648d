//! Noticing readers that take nothing, or too little.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::settings::Settings;

/// Notices a peer that takes nothing, or too little.
///
/// It may be waited for as long as the write timeout says, in all. What it takes gives it some of that
/// back: as much time as so many bytes take at the lowest rate that is allowed.
#[derive(Default)]
pub(super) struct Stall {
    /// For how long it was waited for, less what it has been given back.
    waited: Duration,
    /// Since when it takes nothing, and when that is too long.
    on: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Stall {
    /// Whether the socket takes nothing, as of the last try.
    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// The socket took something, after which all is forgotten.
    pub(super) fn end(&mut self) {
        *self = Stall::default();
    }

    /// The socket took so many bytes.
    pub(super) fn took(&mut self, bytes: usize, settings: &Settings) {
        if let Some((since, _)) = self.on.take() {
            self.waited += since.elapsed();
        }
        let back = match settings.min_read_rate {
            0 => Duration::MAX,
            rate => Duration::from_secs_f64(bytes as f64 / f64::from(rate)),
        };
        self.waited = self.waited.saturating_sub(back);
    }

    /// The socket takes nothing. Ready when it has not for so long.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        settings: &Settings,
    ) -> Poll<io::Error> {
        let left = settings.write_timeout.saturating_sub(self.waited);
        let (_, timer) = self
            .on
            .get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            "the other end has taken nothing, or too little, for too long",
        ))
    }
}
