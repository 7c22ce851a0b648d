//! The page: rendered on the server, hydrated in the browser.
//!
//! [`PageData`] is what both draw it from. A server provides it as context and renders `shell`;
//! in the browser `hydrate` reads the same data out of the document and goes on from there.

// Only a browser follows the stream; its build finds what is dead.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
// What the component macro writes beside a component is public, whatever the component is.
#![allow(unreachable_pub)]

mod address;
mod announcer;
mod app;
mod browser;
pub mod chart;
mod clock;
mod connection_status;
mod dashboard;
mod figure;
mod figures;
mod flash;
#[cfg(target_arch = "wasm32")]
mod json;
mod live;
mod market_state;
mod navigation;
mod news;
mod news_list;
mod page;
mod page_data;
mod pause;
mod pause_button;
mod price_path;
mod problem;
mod quote_figures;
mod quote_header;
mod range;
mod range_buttons;
mod search;
#[cfg(feature = "ssr")]
mod shell;
mod sparkline;
mod top_bar;
mod watchlist;

pub use app::App;
#[cfg(target_arch = "wasm32")]
pub use app::hydrate;
pub use page_data::{PageData, Problem};
pub use range::{Range, RangeError};
#[cfg(feature = "ssr")]
pub use shell::shell;
