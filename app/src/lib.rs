//! The page: rendered on the server, hydrated in the browser.
//!
//! [`PageData`] is what both draw it from. A server provides it as context and renders `shell`;
//! in the browser `hydrate` reads the same data out of the document and goes on from there.

// Only a browser follows the stream; its build finds what is dead.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
// What the component macro writes beside a component is public, whatever the component is.
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
    range::{Range, RangeError},
};
