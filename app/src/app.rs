use leptos::prelude::*;
use leptos_meta::provide_meta_context;

use crate::page::Page;

/// The page. It is drawn from the [`PageData`](crate::state::page_data::PageData) of the context.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! { <Page /> }
}

/// Hydrates the page that the server drew: reads its data and then builds on it. Between the two steps the browser may
/// handle input.
#[cfg(target_arch = "wasm32")]
pub fn hydrate() {
    // Without readable data the server's drawing is all that can be shown.
    let Some(data) = embedded_data() else {
        return crate::document::stopped::stop();
    };
    let build = move || {
        leptos::mount::hydrate_body(move || {
            provide_context(data);
            view! { <App /> }
        });
    };
    set_timeout(build, std::time::Duration::ZERO);
}

/// The data that the server drew the page from; `None` if it cannot be read. A story that was left out of the data is
/// also removed from the page, since the two have to agree.
#[cfg(target_arch = "wasm32")]
fn embedded_data() -> Option<crate::state::page_data::PageData> {
    let text = document()
        .get_element_by_id("page-data")
        .and_then(|element| element.text_content())
        .unwrap_or_default();
    match crate::browser::json::read(&text) {
        Ok(data) => {
            if crate::browser::json::left_out() > 0 {
                crate::news::story::keep_drawn(&data);
            }
            let query = window().location().search().unwrap_or_default();
            Some(crate::state::page_data::PageData { query, ..data })
        }
        Err(error) => {
            leptos::logging::error!("the page carries no data to start from: {error}");
            None
        }
    }
}
