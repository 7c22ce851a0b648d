//! The page: rendered on the server, hydrated in the browser.

pub mod chart;
mod page_data;

use leptos::prelude::*;

pub use page_data::{PageData, Problem};

/// The whole document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
            </head>
            <body><App/></body>
        </html>
    }
}

/// The page.
#[component]
pub fn App() -> impl IntoView {
    view! { <main>"Tickertape"</main> }
}
