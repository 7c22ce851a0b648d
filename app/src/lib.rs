//! The page: rendered on the server, hydrated in the browser.
//!
//! Both draw it from [`PageData`]. The server provides it as context and renders `shell`; in the browser `hydrate`
//! reads the same data from the document.

// Only the browser follows the stream. Its build reports dead code.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
// The component macro generates public items even for private components.
#![allow(unreachable_pub)]

mod alerts;
mod app;
mod browser;
mod chart_panel;
mod document;
mod format;
mod help;
mod lean;
mod live;
mod news;
mod page;
mod quote;
mod settings;
mod state;
mod top_bar;
mod watchlist;
mod widgets;

pub use app::App;
#[cfg(target_arch = "wasm32")]
pub use app::hydrate;
#[cfg(feature = "ssr")]
pub use chart_panel::choices::charted_by;
#[cfg(feature = "ssr")]
pub use document::shell::shell;
#[cfg(target_arch = "wasm32")]
pub use document::stopped::stop;
pub use state::{
    days::Days,
    page_data::{FoundBars, FoundNews, PageData, Problem, address_of_news},
    price_history::sample_of,
    range::{Range, RangeError},
};
