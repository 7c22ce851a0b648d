use leptos::prelude::*;

use crate::{chart_panel::choices, lean::signal::RwSignal, news::filter, state::address};

/// Navigation between addresses of the page without reloading it.
///
/// It is a router without routes, since the page is the same everywhere and only reads the symbol of the address.
/// leptos_router would bring in code that hydrates every component out of order, a fifth of the page's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Navigation {
    path: RwSignal<String>,
}

impl Navigation {
    /// Starts at the path that the page was drawn for.
    pub(crate) fn new(path: String) -> Self {
        Navigation {
            path: RwSignal::new(path),
        }
    }

    /// The path of the address, still encoded.
    pub(crate) fn path(self) -> RwSignal<String> {
        self.path
    }

    /// Opens an address of the page as a new entry of the browser's history. An address that is already open makes no
    /// entry, so that going back takes one step.
    pub(crate) fn open(self, address: &str) {
        let here = window().location();
        // The filter of the news and the choices of the chart stay.
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

    /// Replaces the address without a new entry in the browser's history.
    pub(crate) fn replace(self, address: &str) {
        replace(&address::with_parts_of(address, &search(), |name| {
            name != "symbols"
        }));
        self.read_address();
    }

    /// Handles clicks on links within the page, and the browser's back and forward buttons.
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

/// Replaces the parameters of these names in the address by those of `new`, without a new entry in the browser's
/// history. Other parameters stay.
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
        // A browser refuses after too many changes. The address then stays unchanged.
        let _ = history.replace_state_with_url(&null, "", Some(address));
    }
}

/// The address of a click, if it is a plain click on a link within the page. Links that are `external`, open in another
/// tab or download a file are left to the browser.
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
