//! The resources that a stream holds while it lasts.

use std::{net::IpAddr, time::Instant};

use axum::http::HeaderValue;
use tracing::debug;

use crate::StreamGauge;
use crate::http::service::Service;
use front::Permit;
use web::problem::Problem;

/// The client, as an extension of the request.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The request's id, which is in its answer and in every line of the log about it.
    pub(crate) id: HeaderValue,
    /// The client's address.
    pub(crate) client: IpAddr,
}

impl Asker {
    /// The id as text.
    pub(crate) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }
}

/// The admission of one stream: its place among the others, counted and logged from its opening
/// until it is dropped. It belongs to whatever ends with the stream.
#[derive(Debug)]
#[must_use]
pub(crate) struct Admission {
    #[expect(dead_code, reason = "held for its drop")]
    slot: Permit,
    #[expect(dead_code, reason = "held for its drop")]
    gauge: StreamGauge,
    asker: Asker,
    /// When the stream was opened.
    pub(crate) opened: Instant,
    /// How many events it has carried, for the log.
    pub(crate) delivered: u64,
    /// Why it ends, for the log.
    pub(crate) end: &'static str,
}

impl Admission {
    /// Admits a stream.
    ///
    /// # Errors
    /// If a limit is reached, as in [`crate::http::Slots`].
    pub(crate) fn new(service: &Service, asker: Asker) -> Result<Self, Problem> {
        let slot = service.slots.take(asker.client, &service.metrics)?;
        debug!(target: "stream", id = asker.id(), client = %asker.client, "opened");
        Ok(Admission {
            slot,
            gauge: service.metrics.opened(),
            asker,
            opened: Instant::now(),
            delivered: 0,
            end: "the client left",
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        debug!(
            target: "stream",
            id = self.asker.id(),
            client = %self.asker.client,
            duration = ?self.opened.elapsed(),
            delivered = self.delivered,
            reason = self.end,
            "ended"
        );
    }
}
