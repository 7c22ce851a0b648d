use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::Router;

use crate::page::Page;

/// The page within its router. It draws from the [`PageData`](crate::PageData) of the context.
///
/// There are no routes: the page is the same at every address and reads what it shows out of it, and
/// routes would bring every component's code for hydrating out of order, a fifth of the whole.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Addressed />
        </Router>
    }
}

/// The page, with the address in the browser following the router's.
#[component]
fn Addressed() -> impl IntoView {
    // Routes would do this: a followed link's address is shown once what it leads to is.
    #[cfg(target_arch = "wasm32")]
    {
        use leptos_router::location::{BrowserUrl, LocationProvider};

        let browser = use_context::<BrowserUrl>();
        let path = leptos_router::hooks::use_location().pathname;
        Effect::new(move || {
            path.track();
            if let Some(browser) = &browser {
                browser.ready_to_complete();
            }
        });
    }
    view! { <Page /> }
}

/// Takes over the page that the server drew, in the browser.
#[cfg(target_arch = "wasm32")]
pub fn hydrate() {
    let data = embedded_data();
    leptos::mount::hydrate_body(move || {
        provide_context(data);
        view! { <App /> }
    });
}

/// What the server drew the page from.
#[cfg(target_arch = "wasm32")]
fn embedded_data() -> crate::PageData {
    let text = document()
        .get_element_by_id("page-data")
        .and_then(|element| element.text_content())
        .unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(data) => data,
        Err(error) => {
            leptos::logging::error!("the page carries no data to start from: {error}");
            crate::PageData::default()
        }
    }
}
