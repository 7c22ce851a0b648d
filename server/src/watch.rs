//! Watching the machine's clock.

use std::{sync::Arc, time::Duration};

use clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::Metrics;

/// How often it is read.
const LOOK: Duration = Duration::from_secs(1);

/// Watches the clock for as long as the server runs, so that a step is noticed when it happens.
pub(crate) async fn watch_clock(clock: Clock, metrics: Arc<Metrics>, stop: CancellationToken) {
    loop {
        clock.now();
        let (steps, ahead) = clock.steps();
        metrics.clock(steps, ahead);
        if stop
            .run_until_cancelled(tokio::time::sleep(LOOK))
            .await
            .is_none()
        {
            return;
        }
    }
}
