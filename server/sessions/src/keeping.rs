//! Keeping sessions current as time passes.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use clock::Now;
use events::Tape;

use crate::overlay::{PreviousClose, Sessions};

/// The machine may have slept, or its clock may have been set.
pub(super) const LOOK: Duration = Duration::from_secs(30);

/// How long a result of history is valid: bars or splits may have been imported since.
pub(super) const HISTORY: Duration = Duration::from_secs(5 * 60);

/// Keeps the sessions of a tape current: publishes openings and closings as time passes, and requests previous closes
/// from history. Ends when `stop` is cancelled.
pub async fn keep_sessions(
    sessions: &Sessions,
    tape: &Tape,
    clock: &Now,
    previous_close: Option<PreviousClose>,
    stop: CancellationToken,
) {
    let mut requested = tokio::time::Instant::now();
    loop {
        let now = clock();
        sessions.refresh(tape, now);
        if let Some(previous_close) = &previous_close {
            if requested.elapsed() >= HISTORY {
                requested = tokio::time::Instant::now();
                sessions.forget_history();
            }
            let wanted = sessions.wanted(now);
            if !wanted.is_empty() {
                let previous_close = Arc::clone(previous_close);
                let asking = tokio::task::spawn_blocking(move || {
                    let answer = |(symbol, calendar, day)| {
                        (symbol, calendar, day, previous_close(symbol, calendar, day))
                    };
                    wanted.into_iter().map(answer).collect()
                });
                match stop.run_until_cancelled(asking).await {
                    None => return,
                    Some(Ok(closes)) => sessions.remember(tape, clock(), closes),
                    Some(Err(error)) => tracing::error!("cannot look up previous closes: {error}"),
                }
            }
        }
        let next = sessions.next(now).map_or(LOOK, |next| {
            Duration::from_millis(next.saturating_sub(clock())).min(LOOK)
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(next) => {}
            () = sessions.wanted.notified() => {}
        }
    }
}
