use leptos::prelude::*;
use leptos_meta::provide_meta_context;

use crate::page::Page;

/// The page. It draws from the [`PageData`](crate::PageData) of the context.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! { <Page /> }
}

/// Takes over the page that the server drew, in the browser: reads its data, then builds on it. Between
/// the two the browser may answer the person, who has read the page for a while by then.
#[cfg(target_arch = "wasm32")]
pub fn hydrate() {
    let data = embedded_data();
    let build = move || {
        leptos::mount::hydrate_body(move || {
            provide_context(data);
            view! { <App /> }
        });
    };
    set_timeout(build, std::time::Duration::ZERO);
}

/// What the server drew the page from.
#[cfg(target_arch = "wasm32")]
fn embedded_data() -> crate::PageData {
    let text = document()
        .get_element_by_id("page-data")
        .and_then(|element| element.text_content())
        .unwrap_or_default();
    match crate::json::read(&text) {
        Ok(data) => crate::PageData {
            query: window().location().search().unwrap_or_default(),
            ..data
        },
        Err(error) => {
            leptos::logging::error!("the page carries no data to start from: {error}");
            crate::PageData::default()
        }
    }
}
