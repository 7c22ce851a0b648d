use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use market::FeedState;

use super::{Service, problem::Problem};

/// 200 as long as the process answers at all: a supervisor restarts it otherwise.
pub(crate) async fn live() -> impl IntoResponse {
    "live\n"
}

/// 200 when every feed has spoken or has said why it cannot, and until shutdown begins: a load
/// balancer sends nobody here otherwise. A source that breaks off later does not take the server
/// out: it still has the newest prices, and says how old they are.
pub(crate) async fn ready(
    State(service): State<Arc<Service>>,
) -> Result<impl IntoResponse, Problem> {
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
        None => Ok("ready\n"),
    }
}
