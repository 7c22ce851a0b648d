//! The WebAssembly entry of the page.
