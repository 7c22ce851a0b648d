//! The WebAssembly entry of the page.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server drew. The document's own script calls it.
#[wasm_bindgen]
pub fn hydrate() {
    // The browser adds the stack.
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        app::stop();
    }));
    app::hydrate();
}
