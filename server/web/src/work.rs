//! Work that takes a core for too long to run on the serving threads.

use std::sync::Arc;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    task,
};

use crate::problem::Problem;

/// How many such jobs run at one time. The others wait, as long as a request may take: more at once would take the
/// cores from the streams.
const MAX_WORKERS: usize = 2;

/// Runs long jobs on threads of their own, a few at a time. A clone is the same pool.
#[derive(Debug, Clone)]
pub struct Work(Arc<Semaphore>);

impl Default for Work {
    fn default() -> Self {
        Work(Arc::new(Semaphore::new(MAX_WORKERS)))
    }
}

impl Work {
    /// Runs a job when it is its turn.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] if it panicked.
    pub async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Problem> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let working = task::spawn_blocking(move || {
            // Held until the job is done: a cancelled request does not stop it.
            let _turn = turn;
            work()
        });
        working.await.map_err(|error| {
            tracing::error!("work for a request broke off: {error}");
            Problem::Unavailable("the answer could not be made: try again".to_owned())
        })
    }
}

/// Runs work of some ten milliseconds in code that cannot await, and moves the other tasks of this thread to another
/// meanwhile.
pub fn in_place<R>(work: impl FnOnce() -> R) -> R {
    let several = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    match several {
        true => task::block_in_place(work),
        false => work(),
    }
}
