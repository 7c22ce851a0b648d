//! Detecting readers that read nothing, or too little.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::settings::Settings;

/// Detects a peer that reads nothing, or too little.
///
/// The total wait is limited by the write timeout. Bytes that the peer reads restore some of it: as much time as they
/// take at the lowest allowed rate.
#[derive(Default)]
pub(super) struct Stall {
    /// The total wait so far, less the restored time.
    waited: Duration,
    /// When it stopped reading, and the deadline of that.
    on: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Stall {
    /// Whether the socket accepted nothing at the last attempt.
    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// The socket accepted something, which resets everything.
    pub(super) fn end(&mut self) {
        *self = Stall::default();
    }

    /// The socket accepted so many bytes.
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

    /// The socket accepts nothing. Ready when it has not for too long.
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
