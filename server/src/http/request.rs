//! The layers around every request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::Body as _;
use tower_http::request_id::{MakeRequestId, RequestId};
use tracing::debug;

use crate::http::{admission::Asker, headers::REQUEST_ID, poll, service::Service};
use crate::{Metrics, Refusal};
use front::{NOBODY, Peer, is_sane_id};
use web::problem::Problem;

/// Generates the id of a request without one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MakeId;

impl MakeRequestId for MakeId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = HeaderValue::from_str(&format!("{:016x}", fastrand::u64(..)));
        id.ok().map(RequestId::new)
    }
}

/// Drops the id that a request brings, unless it is a proxy's: a client that chooses ids could make two requests look
/// like one in the log.
pub(crate) async fn distrust(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Peer(peer) = peer(&request);
    let ids = request.headers().get_all(REQUEST_ID);
    let sane = ids.iter().all(is_sane_id) && ids.iter().count() == 1;
    if !sane || !service.proxies.trust(peer.ip().to_canonical()) {
        request.headers_mut().remove(REQUEST_ID);
    }
    next.run(request).await
}

/// Determines the client, counts the request, and logs it once it is answered.
pub(crate) async fn observe(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let Peer(peer) = peer(&request);
    let asker = Asker {
        id: request
            .headers()
            .get(REQUEST_ID)
            .cloned()
            .unwrap_or(HeaderValue::from_static("")),
        client: service.proxies.client(peer.ip(), request.headers()),
    };
    request.extensions_mut().insert(asker.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let route = match &route {
        Some(route) => route.as_str(),
        None if path.starts_with(&format!("/{}/", service.leptos.site_pkg_dir)) => "files",
        None => "none",
    };
    let status = response.status().as_u16();
    service.metrics.answered(route, status);
    debug!(
        target: "request",
        id = asker.id(),
        client = %asker.client,
        %method,
        path,
        status,
        latency = ?begun.elapsed(),
        "answered"
    );
    response
}

/// Answers for a request that takes too long. A missing body is the client's fault, the rest is the server's.
pub(crate) async fn in_time(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let limit = service.limits.request_timeout;
    within(limit, &service.metrics, request, next).await
}

async fn within(limit: Duration, metrics: &Metrics, request: Request, next: Next) -> Response {
    let awaits_body = !request.body().is_end_stream();
    let allowed = limit + poll::wait(request.uri());
    match tokio::time::timeout(allowed, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            metrics.refused(Refusal::Timeout);
            let seconds = limit.as_secs_f64();
            let problem = if awaits_body {
                Problem::Timeout(format!(
                    "the request did not arrive within {seconds} s: send it again, without a pause"
                ))
            } else {
                Problem::Unavailable(format!(
                    "the answer was not ready within {seconds} s: try again in a moment"
                ))
            };
            problem.into_response()
        }
    }
}

/// Refuses a long body of a request that needs none.
pub(crate) async fn without_body(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let limit = service.limits.body;
    if request
        .body()
        .size_hint()
        .upper()
        .is_some_and(|upper| upper <= limit)
    {
        return next.run(request).await;
    }
    service.metrics.refused(Refusal::Body);
    Problem::TooLarge(format!(
        "the request brings a body, and nothing is done with one here: expected none, or at most {limit} bytes of a known length"
    ))
    .into_response()
}

fn peer(request: &Request) -> Peer {
    let peer = request.extensions().get().copied();
    peer.unwrap_or(Peer((NOBODY, 0).into()))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::{Router, body::Body, http::StatusCode, middleware::from_fn, routing::post};
    use bytes::Bytes;
    use futures_util::stream;
    use tower::ServiceExt as _;

    use super::*;

    /// The answer to a request whose handler never ends by itself.
    async fn answer(uri: &str, body: Body) -> (StatusCode, tokio::time::Instant) {
        let limit = Duration::from_secs(30);
        let metrics = Arc::new(Metrics::new(0));
        let router = Router::new()
            .route(
                "/",
                post(async |body: Body| {
                    let mut body = std::pin::pin!(body);
                    while std::future::poll_fn(|context| body.as_mut().poll_frame(context))
                        .await
                        .is_some()
                    {}
                    pending::<()>().await
                }),
            )
            .layer(from_fn(move |request: Request, next: Next| {
                let metrics = Arc::clone(&metrics);
                async move { within(limit, &metrics, request, next).await }
            }));
        let request = axum::http::Request::post(uri).body(body).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json");
        assert_eq!(
            response.headers().contains_key("retry-after"),
            response.status() == StatusCode::SERVICE_UNAVAILABLE
        );
        (response.status(), tokio::time::Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_answered_for() {
        let begun = tokio::time::Instant::now();
        let (status, ended) = answer("/", Body::empty()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((ended - begun).as_secs(), 30);
        let never = stream::pending::<Result<Bytes, std::io::Error>>();
        let (status, _) = answer("/", Body::from_stream(never)).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        let begun = tokio::time::Instant::now();
        let (_, ended) = answer("/?wait=25", Body::empty()).await;
        assert_eq!((ended - begun).as_secs(), 55);
    }
}
