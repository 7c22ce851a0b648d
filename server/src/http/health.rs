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

/// Whether the process lives.
///
/// 200 as long as it answers at all: a supervisor restarts it otherwise.
#[utoipa::path(
    get,
    path = "/health/live",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain", example = "live\n"))
)]
pub(crate) async fn live() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, NO_STORE)], "live\n")
}

/// Whether the server can be sent clients.
///
/// 200 when every feed has spoken or has said why it cannot, and until shutdown begins: a load
/// balancer sends nobody here otherwise. A source that breaks off later does not take the server
/// out: it still has the newest prices, and says how old they are. Nor does an archive that cannot
/// write, or that has lost or set aside history: what is streamed is right all the same, and no other
/// server has the history either. The answer is `degraded: ` and the reason then, until that is put
/// right or acknowledged.
#[utoipa::path(
    get,
    path = "/health/ready",
    responses(
        (status = 200, description = "It is ready", body = String, content_type = "text/plain", example = "ready\n"),
        (status = 503, description = "A feed is still connecting, or the server shuts down"),
    )
)]
pub(crate) async fn ready(State(service): State<Arc<Service>>) -> Response {
    // A problem has a rule of its own for caches.
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
