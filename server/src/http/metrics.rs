use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::{Service, problem::Problem};

/// `GET /metrics`: what is counted, for Prometheus, in the text format of
/// [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/).
pub(crate) async fn metrics(State(service): State<Service>) -> Result<Response, Problem> {
    let text = service
        .metrics
        .encode(service.tape.stats(), service.feed_statuses())
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
