//! What resources of HTTP are made of: queries, representations, conditional answers, and problems.

pub mod accept;
pub mod asked;
pub mod compression;
pub mod conditional;
pub mod format;
pub mod plus_signs;
pub mod problem;
pub mod work;
