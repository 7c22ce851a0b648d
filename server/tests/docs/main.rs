//! The documentation: its commands run, its links and paths lead somewhere, and its reference equals the code.
//!
//! `TICKERTAPE_REWRITE_DOCS=1 cargo test -p server --test docs` rewrites the generated parts.
#![cfg(unix)]

mod commands;
mod links;
mod pages;
mod reference;
mod server;
