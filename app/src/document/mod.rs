//! The document around the page.

#[cfg(feature = "ssr")]
mod program;
#[cfg(feature = "ssr")]
pub(crate) mod shell;
pub(crate) mod stopped;
