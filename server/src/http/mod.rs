//! HTTP: one file per resource. Every resource reads the tape through cursors and views only.

mod admission;
mod bars;
mod bounds;
mod chart;
mod cors;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod headers;
mod health;
mod installed;
mod known;
mod limits;
mod market_view;
mod metrics;
mod news;
mod openapi;
mod opening;
mod outgoing;
mod page;
mod poll;
mod publish;
mod recall;
mod remembered;
mod request;
mod router;
mod routes;
mod search;
mod security;
mod selection;
mod service;
mod snapshots;
mod stats;
mod stocks;
mod stream;
mod symbols;

pub use self::{
    cors::Origin,
    limits::{Limits, Slots},
    outgoing::Outgoing,
    remembered::Remembered,
    router::router,
    search::Search,
    security::FrameAncestors,
    service::{FeedStatuses, FeedsSkipped, Service},
    snapshots::Snapshots,
};
