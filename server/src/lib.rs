//! The server: feeds in, one tape, Server-Sent Events out.

mod topic;

pub use topic::Topic;
