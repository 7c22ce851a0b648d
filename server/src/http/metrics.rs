use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::http::service::Service;
use history::Scribe;
use web::problem::Problem;

/// Metrics, for Prometheus.
///
/// In the text format of
/// [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/).
#[utoipa::path(
    get,
    path = "/metrics",
    responses((
        status = 200,
        description = "What is counted",
        body = String,
        content_type = "application/openmetrics-text",
    ))
)]
pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let text = service
        .metrics
        .encode(
            service.tape.stats(),
            service.feed_counts(),
            service.archive.as_ref().map(Scribe::report),
        )
        .map_err(|error| Problem::Unavailable(format!("the metrics cannot be written: {error}")))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, text).into_response())
}
