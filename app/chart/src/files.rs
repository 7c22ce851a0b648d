//! Downloads that are made in the browser.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Downloads a text. `kind` is its media type.
pub(super) fn offer_text(text: &str, kind: &str, name: &str) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&text.into());
    if let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &options) {
        offer(&blob, name);
    }
}

/// Downloads a blob, by a click on a link to it.
pub(super) fn offer(blob: &Blob, name: &str) {
    let clicked = || -> Option<Result<(), JsValue>> {
        let document = web_sys::window()?.document()?;
        let address = Url::create_object_url_with_blob(blob).ok()?;
        let link = document.create_element("a").ok()?;
        let link: HtmlAnchorElement = link.dyn_into().ok()?;
        link.set_href(&address);
        link.set_download(name);
        link.click();
        Some(Url::revoke_object_url(&address))
    };
    // A browser that gives no address for a blob has no downloads either.
    let _ = clicked();
}
