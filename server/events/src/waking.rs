//! Waking the streams that an event concerns, a few at a time.
//!
//! Writing to thousands of sockets takes tens of milliseconds of a core. Events that are published meanwhile should
//! neither wait for the last of them nor reach all of them in a separate write. So streams are woken in slices, with
//! all other tasks having their turn in between, and while one fan-out closely follows another, each waits a little for
//! further events.
//!
//! The slices also keep the order: a worker of the runtime queues 256 tasks and moves the rest to a queue that it
//! checks only now and then. Under constant load, streams in that queue would wait for seconds while others have their
//! turn again and again.

use std::{future::poll_fn, time::Duration};

use tokio::{runtime::Handle, time::Instant};

use crate::Tape;

/// How many streams are woken for each worker of the runtime before other tasks have their turn: a tenth of a
/// millisecond of writing, which is how long a publication waits, and fewer than the 61 tasks after which a worker
/// checks the sockets, so that it has run them all by then.
const SLICE: usize = 8;

/// The part of the last fan-out's duration that the next one waits at most, if it follows closely, for as long as
/// something more is published.
const GATHERING: u32 = 4;

/// How long nothing more has to arrive; a timer is no finer.
const LULL: Duration = Duration::from_millis(1);

/// Wakes the streams that the tape leaves to it, for as long as it is polled.
pub async fn wake_streams(tape: Tape) {
    let mut scheduler = tape.wake_scheduler();
    let slice = SLICE * Handle::current().metrics().num_workers();
    let mut last = (Instant::now(), Duration::ZERO);
    loop {
        // The first slice is sent at once if the scheduler was idle.
        let (ended, took) = last;
        let gathering = took / GATHERING;
        poll_fn(|context| scheduler.poll_due(context)).await;
        let due = Instant::now();
        if due - ended < gathering {
            let mut appended = tape.stats().appended;
            while due.elapsed() + LULL <= gathering {
                tokio::time::sleep(LULL).await;
                let now = tape.stats().appended;
                if now == std::mem::replace(&mut appended, now) {
                    break;
                }
            }
        }
        let began = Instant::now();
        loop {
            let woken = scheduler.wake(slice);
            tokio::task::yield_now().await;
            if woken < slice {
                break;
            }
        }
        let now = Instant::now();
        last = (now, now - began);
    }
}
