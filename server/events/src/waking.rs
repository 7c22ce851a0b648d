//! Waking the streams that an event concerns, a few at a time.
//!
//! To write to thousands of sockets takes tens of milliseconds of a core, and what is published
//! meanwhile should neither wait for the last of them nor have to go to all of them in a write of its
//! own. So streams are woken in slices, with everything else having its turn in between; and while
//! one fan-out follows on the heels of another, each waits a little for what comes with it.
//!
//! The slices are also what keeps the order: a worker of the runtime queues 256 tasks and hands what
//! is beyond to a queue that it looks at only now and then. Under a load that never ends, streams that
//! got there would wait for seconds while others have their turn again and again.

use std::{future::poll_fn, time::Duration};

use tokio::{runtime::Handle, time::Instant};

use crate::Tape;

/// How many streams are woken for each worker of the runtime before everything else has its turn: a
/// tenth of a millisecond of writing, which is how long a publication waits, and fewer than the 61
/// tasks after which a worker looks at the sockets, so that it has run them all by then.
const SLICE: usize = 8;

/// Which part of the time that the last fan-out took the next one waits at the most, if it comes so
/// soon after, for as long as something more is published.
const GATHERING: u32 = 4;

/// How long nothing more has to come; a timer is no finer.
const LULL: Duration = Duration::from_millis(1);

/// Wakes whom the tape leaves to it, for as long as it is polled.
pub async fn ring(tape: Tape) {
    let mut ringer = tape.ringer();
    let slice = SLICE * Handle::current().metrics().num_workers();
    let mut last = (Instant::now(), Duration::ZERO);
    loop {
        // The first slice goes out at once when nothing was going on.
        let (ended, took) = last;
        let gathering = took / GATHERING;
        poll_fn(|context| ringer.poll_due(context)).await;
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
            let woken = ringer.ring(slice);
            tokio::task::yield_now().await;
            if woken < slice {
                break;
            }
        }
        let now = Instant::now();
        last = (now, now - began);
    }
}
