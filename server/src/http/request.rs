//! What happens around every request.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tracing::debug;

use super::Service;

/// Counts a request, and tells of it once it is answered.
pub(crate) async fn observe(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let route = match &route {
        Some(route) => route.as_str(),
        None if path.starts_with(&format!("/{}/", service.leptos.site_pkg_dir)) => "files",
        None => "none",
    };
    let status = response.status().as_u16();
    service.metrics.answered(route, status);
    debug!(%method, path, status, latency = ?begun.elapsed(), "answered");
    response
}
