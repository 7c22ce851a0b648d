//! Replacements for types of the framework and the standard library that compile to less code.

pub(crate) mod reactive;
pub(crate) mod signal;
pub(crate) mod sorted;
