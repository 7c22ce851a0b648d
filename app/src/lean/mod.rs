//! Stand-ins for types of the framework and the standard library for which less code is compiled.

pub(crate) mod reactive;
pub(crate) mod signal;
pub(crate) mod sorted;
