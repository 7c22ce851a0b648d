//! A page that has stopped. The document's own script shows that, since nothing of the framework can be relied on any more.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// The event that the document's own script waits for.
pub(crate) const EVENT: &str = "stopped";

/// The title of a page that has stopped.
pub(crate) const TITLE: &str = "Stopped · Tickertape";

/// Whether the page has stopped, and nothing is to be drawn any more.
pub(crate) fn is_stopped() -> bool {
    STOPPED.load(Relaxed)
}

/// Stops the page and has the document show it.
#[cfg(target_arch = "wasm32")]
pub fn stop() {
    STOPPED.store(true, Relaxed);
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new(EVENT)) {
        let _ = window.dispatch_event(&event);
    }
}
