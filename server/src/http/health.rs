use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use market::FeedState;

use crate::http::service::Service;
use history::Scribe;
use web::problem::Problem;

/// As `Cache-Control`: no cache may answer in the server's place.
const NO_STORE: &str = "no-store";

/// Liveness.
///
/// 200 as long as it answers at all: otherwise a supervisor restarts it.
#[utoipa::path(
    get,
    path = "/health/live",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain", example = "live\n"))
)]
pub(crate) async fn live() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, NO_STORE)], "live\n")
}

/// Readiness.
///
/// 200 once every feed is live or has failed with a reason, and until shutdown begins: otherwise a load balancer sends
/// no clients. A source that breaks off later does not take the server out: it still has the newest prices, and reports
/// how old they are. Nor does an archive that cannot write, or that has lost or set aside history: the stream is
/// correct all the same, and no other server has the history either. The answer is `degraded: ` and the reason then,
/// until that is repaired or acknowledged.
#[utoipa::path(
    get,
    path = "/health/ready",
    responses(
        (status = 200, description = "It is ready", body = String, content_type = "text/plain", example = "ready\n"),
        (status = 503, description = "A feed is still connecting, or the server shuts down"),
    )
)]
pub(crate) async fn ready(State(service): State<Arc<Service>>) -> Response {
    // Problems have caching rules of their own.
    let mut response = readiness(&service).into_response();
    let value = HeaderValue::from_static(NO_STORE);
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

fn readiness(service: &Service) -> Result<String, Problem> {
    if service.shutdown.is_cancelled() {
        return Err(Problem::Unavailable(
            "the server is shutting down".to_owned(),
        ));
    }
    let statuses = service.feed_statuses();
    match statuses
        .iter()
        .find(|feed| feed.state == FeedState::Connecting)
    {
        Some(feed) => Err(Problem::Unavailable(format!(
            "the feed {} is still connecting",
            feed.name
        ))),
        None => Ok(match service.archive.as_ref().and_then(Scribe::alarm) {
            Some(alarm) => format!("degraded: {alarm}\n"),
            None => "ready\n".to_owned(),
        }),
    }
}
