//! Parts of HTTP resources: queries, representations, conditional answers, and problems.

pub mod accept;
pub mod compression;
pub mod conditional;
pub mod format;
pub mod plus_signs;
pub mod problem;
pub mod query;
pub mod work;
