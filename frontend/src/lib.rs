//! The WebAssembly entry of the page.

use wasm_bindgen::prelude::wasm_bindgen;

/// Hydrates the page that the server drew. A script of the document calls it.
#[wasm_bindgen]
pub fn hydrate() {
    // The browser adds the stack trace.
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        app::stop();
    }));
    app::hydrate();
}
