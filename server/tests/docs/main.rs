//! The documentation: its commands run, its links and paths lead somewhere, and its reference is what the code says.
//!
//! `TICKERTAPE_REWRITE_DOCS=1 cargo test -p server --test docs` writes the generated parts anew.
#![cfg(unix)]

mod commands;
mod links;
mod pages;
mod reference;
mod server;
