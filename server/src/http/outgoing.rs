//! Answers that are on their way: how many an address may have at a time, and how much memory those may take
//! that are not sent yet. Streams have [`Slots`](crate::http::Slots) and hold next to nothing.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::Refusal;
use crate::http::{Service, admission::Asker, poll, problem::Problem};
use front::{Full, MAX_FILES, Place, Places};

/// How much of the answers of one address may wait to be sent, in bytes: eight of the longest.
const MAX_UNSENT_BYTES_PER_ADDRESS: usize = 64 * 1024 * 1024;

/// How much of all answers may wait to be sent, in bytes.
const MAX_UNSENT_BYTES: usize = 256 * 1024 * 1024;

/// How many of the page's files may be on their way to one address, of [`MAX_FILES`] in all.
const MAX_FILES_PER_ADDRESS: usize = 200;

/// After how many seconds somebody may try again who has too much on its way.
const RETRY_AFTER: u64 = 2;

/// The answers that are on their way. A clone is the same.
#[derive(Debug, Clone)]
pub struct Outgoing {
    answers: Places,
    bytes: Places,
    files: Places,
}

impl Outgoing {
    /// With so many answers at a time to one address.
    pub fn new(most_of_address: usize) -> Self {
        Outgoing::bounded(
            most_of_address,
            MAX_UNSENT_BYTES,
            MAX_UNSENT_BYTES_PER_ADDRESS,
        )
    }

    /// With so many bytes in all and to one address.
    pub fn bounded(answers: usize, bytes: usize, bytes_of_address: usize) -> Self {
        Outgoing {
            answers: Places::new(usize::MAX, answers),
            bytes: Places::new(bytes, bytes_of_address),
            files: Places::new(MAX_FILES, MAX_FILES_PER_ADDRESS),
        }
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Outgoing::new(200)
    }
}

/// Bounds what is on its way. An answer takes its places until the last byte of it has been handed to the
/// system, or is given up.
pub(crate) async fn bound(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    // Whoever asks whether the server lives is to hear it, whatever else its address does.
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
    // Of what is made as it is sent, little waits.
    let length = response.body().size_hint().exact().unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let unsent = match bytes.take(Some(client), length) {
        Ok(unsent) => unsent,
        Err(Full::Address) => {
            service.metrics.refused(Refusal::BytesOfAddress);
            return Problem::TooMany {
                detail: format!(
                    "{client} has not read what it has asked for, {} bytes with this answer and more than one address may: read the others first",
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

type Taken = Arc<(Option<Place>, Place)>;

/// A body whose bytes hold their places, wherever they wait.
struct Held {
    body: Body,
    places: Taken,
}

/// Bytes with their places: the writer of a connection keeps bytes when it has done with their body.
struct Piece {
    bytes: Bytes,
    #[expect(dead_code, reason = "held for its drop")]
    places: Taken,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let held = |bytes| {
            let places = Arc::clone(&self.places);
            Bytes::from_owner(Piece { bytes, places })
        };
        frame.map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(held))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
