//! Limits of answers that are being sent.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use front::Full;
use http_body::Body as _;
use web::problem::Problem;

use crate::Refusal;
use crate::http::{
    admission::Asker,
    outgoing::{Held, Outgoing},
    poll,
    service::Service,
};

/// After how many seconds a client with too many pending answers may try again.
const RETRY_AFTER: u64 = 2;

/// Limits pending answers. An answer takes its places until the last byte of it has been passed to the system, or is
/// dropped.
pub(crate) async fn bound(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    // A liveness check must be answered, whatever else its address does.
    if request.uri().path().starts_with("/health/") {
        return next.run(request).await;
    }
    let Some(client) = request
        .extensions()
        .get::<Asker>()
        .map(|asker| asker.client)
    else {
        return next.run(request).await;
    };
    let Outgoing { answers, bytes, .. } = &service.outgoing;
    // A poll that waits has a place of its own.
    let place = match poll::wait(request.uri()).is_zero() {
        false => None,
        true => match answers.take(Some(client), 1) {
            Ok(place) => Some(place),
            Err(_) => {
                service.metrics.refused(Refusal::AnswersOfAddress);
                return Problem::TooMany {
                    detail: format!(
                        "{client} waits for {} answers or has not read them, as many as one address may: read them first",
                        answers.most_of_address()
                    ),
                    retry_after: RETRY_AFTER,
                }
                .into_response();
            }
        },
    };
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind == "text/event-stream") {
        return response;
    }
    // An answer that is produced while it is sent holds little.
    let length = response.body().size_hint().exact().unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let unsent = match bytes.take(Some(client), length) {
        Ok(unsent) => unsent,
        Err(Full::Address) => {
            service.metrics.refused(Refusal::BytesOfAddress);
            return Problem::TooMany {
                detail: format!(
                    "{client} has too many unread answers, {} bytes with this one and more than one address may have: read the others first",
                    length
                ),
                retry_after: RETRY_AFTER,
            }
            .into_response();
        }
        Err(Full::All) => {
            service.metrics.refused(Refusal::Bytes);
            return Problem::Unavailable(
                "too much waits to be read by others: try again in a moment".to_owned(),
            )
            .into_response();
        }
    };
    let places = Arc::new((place, unsent));
    response.map(|body| Body::new(Held { body, places }))
}

/// Bounds how many of the page's files are open.
pub(crate) async fn bound_files(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let client = request
        .extensions()
        .get::<Asker>()
        .map(|asker| asker.client);
    match service.outgoing.files.take(client, 1) {
        Ok(place) => {
            let places = Arc::new((None, place));
            let response = next.run(request).await;
            response.map(|body| Body::new(Held { body, places }))
        }
        Err(_) => {
            service.metrics.refused(Refusal::Files);
            Problem::Unavailable(
                "too many files are on their way: try again in a moment".to_owned(),
            )
            .into_response()
        }
    }
}
