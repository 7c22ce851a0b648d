//! The page: rendered on the server, hydrated in the browser.
//!
//! [`PageData`] is what both draw it from. A server provides it as context and renders `shell`;
//! in the browser `hydrate` reads the same data out of the document and goes on from there.

// Only a browser follows the stream; its build finds what is dead.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
// What the component macro writes beside a component is public, whatever the component is.
#![allow(unreachable_pub)]

mod add_symbol;
mod address;
mod alert;
mod alert_form;
mod alert_panel;
mod alerts;
mod announcer;
mod app;
mod browser;
mod chart_choices;
mod chart_menus;
mod chart_panel;
mod chart_selects;
mod chart_table;
mod charted;
mod clock;
mod combobox;
mod connection_status;
mod dashboard;
mod days;
mod days_reader;
mod drag;
mod figure;
mod figures;
mod flash;
mod halts;
mod help;
#[cfg(target_arch = "wasm32")]
mod json;
#[cfg(target_arch = "wasm32")]
mod json_value;
mod keys;
mod live;
mod mark;
mod market_state;
mod missing;
mod navigation;
mod news;
mod news_filter;
mod news_filter_form;
mod news_list;
mod news_reader;
mod notes;
mod notification;
mod older_news;
mod opening_hours;
mod own_list;
mod page;
mod page_data;
mod pause;
mod pause_button;
mod preferences;
mod price_path;
mod problem;
#[cfg(feature = "ssr")]
mod program;
mod quote_figures;
mod quote_header;
mod range;
mod range_bar;
mod range_buttons;
mod reactive;
mod search;
mod settings;
#[cfg(feature = "ssr")]
mod shell;
mod signal;
mod sorted;
mod sparkline;
mod stopped;
mod storage;
mod story;
mod top_bar;
mod watchlist;
mod watchlist_row;

pub use app::App;
#[cfg(target_arch = "wasm32")]
pub use app::hydrate;
#[cfg(feature = "ssr")]
pub use chart_choices::charted_by;
pub use days::Days;
pub use page_data::{FoundBars, FoundNews, PageData, Problem, address_of_news};
pub use range::{Range, RangeError};
#[cfg(feature = "ssr")]
pub use shell::shell;
#[cfg(target_arch = "wasm32")]
pub use stopped::stop;
