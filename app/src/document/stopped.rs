//! A page that has stopped after a panic or without data. A script of the document shows that, since the framework may
//! no longer work.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// The event that the script of the document waits for.
pub(crate) const EVENT: &str = "stopped";

/// The title of a page that has stopped.
pub(crate) const TITLE: &str = "Stopped · Tickertape";

/// Whether the page has stopped and must not draw any more.
pub(crate) fn is_stopped() -> bool {
    STOPPED.load(Relaxed)
}

/// Stops the page, and notifies the script of the document.
#[cfg(target_arch = "wasm32")]
pub fn stop() {
    STOPPED.store(true, Relaxed);
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new(EVENT)) {
        let _ = window.dispatch_event(&event);
    }
}
