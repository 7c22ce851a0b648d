use leptos::prelude::*;

use crate::{chart_panel::choices, lean::signal::RwSignal, news::filter, state::address};

/// Moves between the addresses of the page without loading it anew.
///
/// It is a router without routes, since the page is the same everywhere and only reads the symbol out
/// of the address. leptos_router cannot be had without the code that hydrates every component out of
/// order, which made a fifth of the page's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Navigation {
    path: RwSignal<String>,
}

impl Navigation {
    /// At the path that the page was drawn for.
    pub(crate) fn new(path: String) -> Self {
        Navigation {
            path: RwSignal::new(path),
        }
    }

    /// The path of the address, encoded as it stands there.
    pub(crate) fn path(self) -> RwSignal<String> {
        self.path
    }

    /// Opens an address of the page, so that the browser's back button returns. One that is open
    /// already is no second step: otherwise the way back would lead through it once for each click.
    pub(crate) fn open(self, address: &str) {
        let here = window().location();
        // Which news is wanted, and how the chart is, stays as it was chosen.
        let is_carried =
            |name: &str| filter::PARTS.contains(&name) || choices::PARTS.contains(&name);
        let address = &address::with_parts_of(address, &search(), is_carried);
        if here.pathname().is_ok_and(|path| {
            here.search()
                .is_ok_and(|search| address.strip_prefix(&*path) == Some(&*search))
        }) {
            return;
        }
        if let Ok(history) = window().history()
            && history
                .push_state_with_url(&leptos::wasm_bindgen::JsValue::NULL, "", Some(address))
                .is_ok()
        {
            self.read_address();
        }
    }

    /// Puts what is shown now into the address, without a step that the back button undoes.
    pub(crate) fn replace(self, address: &str) {
        replace(&address::with_parts_of(address, &search(), |name| {
            name != "symbols"
        }));
        self.read_address();
    }

    /// From now on links within the page and the browser's back and forward come here.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn listen(self) {
        use leptos::ev;

        let clicks = window_event_listener(ev::click, move |event| {
            if let Some(address) = address_of_click(&event) {
                event.prevent_default();
                self.open(&address);
            }
        });
        let steps = window_event_listener(ev::popstate, move |_| self.read_address());
        on_cleanup(move || {
            clicks.remove();
            steps.remove();
        });
    }

    fn read_address(self) {
        if let Ok(path) = window().location().pathname()
            && self.path.with_untracked(|old| *old != path)
        {
            self.path.set(path);
        }
    }
}

/// Has the address carry what the parts of these names are now, which is no step that the back button undoes. Whatever else
/// stands in the query stays there.
pub(crate) fn replace_parts(names: &[&str], new: &str) {
    if let Ok(path) = window().location().pathname() {
        let query = address::with_parts(&search(), names, new);
        replace(&address::of_parts(&path, &query));
    }
}

/// The query of the address.
pub(crate) fn search() -> String {
    window().location().search().unwrap_or_default()
}

fn replace(address: &str) {
    if let Ok(history) = window().history() {
        let null = leptos::wasm_bindgen::JsValue::NULL;
        // A browser that refuses, because there were too many, leaves the address as it is.
        let _ = history.replace_state_with_url(&null, "", Some(address));
    }
}

/// Where a click leads, if it is a plain one on a link to another place of the page. A link that is
/// `external`, or opens elsewhere, or is a download, is left to the browser.
#[cfg(target_arch = "wasm32")]
fn address_of_click(event: &web_sys::MouseEvent) -> Option<String> {
    use wasm_bindgen::JsCast;

    let is_plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented();
    if !is_plain {
        return None;
    }
    let clicked = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = clicked.closest("a[href]").ok()??;
    let link = link.dyn_into::<web_sys::HtmlAnchorElement>().ok()?;
    let stays = link.target().is_empty()
        && !link.has_attribute("download")
        && link.rel() != "external"
        && link.hash().is_empty()
        && link.origin() == window().location().origin().ok()?;
    let path = link.pathname();
    let is_ours = path == "/" || path == "/stocks" || path.starts_with("/stocks/");
    (stays && is_ours).then(|| path + &link.search())
}
