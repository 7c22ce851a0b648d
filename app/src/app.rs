use leptos::prelude::*;
use leptos_meta::provide_meta_context;

use crate::page::Page;

/// The page. It draws from the [`PageData`](crate::state::page_data::PageData) of the context.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! { <Page /> }
}

/// Takes over the page that the server drew, in the browser: reads its data, then builds on it. Between
/// the two the browser may answer the person, who has read the page for a while by then.
#[cfg(target_arch = "wasm32")]
pub fn hydrate() {
    // Nothing can be built on data that cannot be read, and what the server drew is all there is to see.
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

/// What the server drew the page from; none where it cannot be read. A story that was left out of it is left out of the
/// page, too, since the two have to be the same.
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
