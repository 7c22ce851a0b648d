use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use market::Millis;

/// Tells the time. It is handed in, so that a test can decide what time it is.
pub type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The machine's clock. It may step back; the tape's ids rise all the same.
pub fn system_now() -> Now {
    Arc::new(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as Millis)
    })
}
