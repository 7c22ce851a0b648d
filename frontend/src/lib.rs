//! The WebAssembly entry of the page.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server drew. The document's own script calls it.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::hydrate();
}
