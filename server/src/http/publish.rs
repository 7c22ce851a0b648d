//! `POST /publish`: events from outside.

mod refused;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use market::EventKind;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use self::refused::{invalid, refused};
use crate::http::{admission::Asker, service::Service};
use events::Owner;
use front::{NOBODY, counted_as};
use history::Scribe;
use publication::{By, Format, Outcome, Submission};
use publishers::{PublishGate, Publisher};
use web::{problem::Problem, query};

/// The accepted types, as in `Accept`.
const TYPES: &str = "application/json, application/x-ndjson, application/jsonl";

/// The source in the session of a symbol with a published quote and no session.
const PUBLISHED: &str = "publish";

/// How much of a refused body is read and discarded: a client that is still sending reads the answer only if the
/// connection is not closed under it.
const DISCARDED_BYTES: usize = 4 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(2);

/// The result of a publication.
#[derive(Serialize, ToSchema)]
#[schema(as = Published)]
struct Answer {
    /// Events that were appended.
    count: usize,
    /// Events that were on the tape already, unchanged.
    unchanged: usize,
    /// Events that are older than those of their symbol on the tape.
    late: usize,
    /// The position of the tape after the publication.
    last_event_id: String,
}

/// Events as a publisher sends them.
#[derive(ToSchema)]
#[schema(as = Publication)]
#[expect(dead_code, reason = "it describes what is read piece by piece")]
struct Publication {
    #[schema(schema_with = published_names)]
    event: String,
    /// The event's data, as a stream carries it.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// Describes the names that publishers may send.
fn published_names() -> Object {
    let mut names = Vec::new();
    for kind in EventKind::ALL.iter().filter(|kind| kind.is_published()) {
        names.push(kind.published_name());
        names.extend((kind.name() != kind.published_name()).then_some(kind.name()));
    }
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("`quote` (or `message`), `session`, `bar` or `news`."))
        .examples(["news"])
        .pattern(Some(format!("^({})$", names.join("|"))))
        .build()
}

/// One publication, or several.
#[derive(ToSchema)]
#[schema(as = Publications)]
#[expect(dead_code, reason = "it describes what is read piece by piece")]
#[serde(untagged)]
enum Publications {
    /// One.
    One(Publication),
    /// Several; all of them are appended, or none.
    Several(Vec<Publication>),
}

/// Publish events
///
/// All or nothing: with 422 nothing was appended, and `errors` names each invalid place.
#[utoipa::path(
    post,
    path = "/publish",
    request_body(
        description = "One event, an array of them, or one on each line",
        content((Publications = "application/json"), (String = "application/x-ndjson"), (String = "application/jsonl")),
    ),
    security(("token" = [])),
    responses(
        (status = 200, description = "All of it is on the tape, and on disk where there is an archive", body = Answer),
        (status = 400, description = "The body cannot be read at all, or the address has a parameter"),
        (status = 401, description = "No token, or one that is not known"),
        (status = 403, description = "Publishing is off"),
        (status = 413, description = "Too long, or too many events"),
        (status = 415, description = "Another type of content"),
        (status = 422, description = "An event is not valid"),
        (status = 429, description = "More events than the publisher may send, or too many requests of one address without a right token"),
        (status = 503, description = "The archive cannot write: nothing was taken, or it is on the tape and not on disk"),
    )
)]
pub(crate) async fn publish(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, mut body) = request.into_parts();
    let asker = parts.extensions.get::<Asker>();
    let publisher = permitted(&service.desk, &parts.headers).map_err(|problem| {
        let asker = asker.map(|asker| (asker.client, asker.id()));
        counted(&service.desk, problem, asker.unwrap_or((NOBODY, "")))
    });
    let publisher = publisher.and_then(|publisher| {
        let query::Nothing {} = query::strict(&parts.uri)?;
        let format = format(&parts.headers)?;
        announced(&parts.headers, service.desk.max_body)?;
        Ok((publisher, format))
    });
    let read = match publisher {
        Ok((publisher, format)) => {
            let body = whole(&mut body, service.desk.max_body).await;
            body.map(|body| (publisher, format, body))
        }
        Err(problem) => Err(problem),
    };
    match read {
        Ok((publisher, format, body)) => take(&service, &publisher, format, &body).await,
        Err(problem) => {
            // A client that waits for leave to send a body has not sent one.
            if !parts.headers.contains_key(header::EXPECT) {
                discard(body).await;
            }
            Err(problem)
        }
    }
}

/// The query of `/publish` with another method.
pub(crate) async fn only_post(request: Request) -> Problem {
    Problem::MethodNotAllowed {
        method: request.method().to_string(),
        allowed: "POST",
    }
}

async fn take(
    service: &Service,
    publisher: &Publisher,
    format: Format,
    body: &[u8],
) -> Result<Response, Problem> {
    let desk = &service.desk;
    let submission = Submission::read(body, format, service.now(), desk.max_events)
        .map_err(|refusal| refused(refusal, desk))?;
    let events = submission.len();
    publisher.admit(events).map_err(|wait| Problem::TooMany {
        detail: format!(
            "{} may publish {} events a second, and these {events} are more: nothing was taken, try again in {} ms",
            publisher.name(),
            publisher.rate(),
            wait.as_millis().max(1),
        ),
        retry_after: wait.as_millis().div_ceil(1_000).max(1) as u64,
    })?;
    let archive = service.archive.as_ref();
    if let Some(reason) = archive.and_then(|scribe| scribe.trouble(&service.tape)) {
        return Err(Problem::Unavailable(format!(
            "nothing can be written to disk, and nothing was taken: {reason}"
        )));
    }
    let began = Instant::now();
    let owner = Owner::Token(publisher.name().into());
    let by = By {
        owner: &owner,
        newcomers: &desk.newcomers,
    };
    let builder = desk.builder.get().map(Arc::as_ref);
    let outcome = submission.append_built(&service.tape, service.now(), by, builder, PUBLISHED);
    service.metrics.appended(began.elapsed());
    let outcome = outcome.map_err(invalid)?;
    tracing::debug!(
        publisher = publisher.name(),
        count = outcome.count,
        unchanged = outcome.unchanged,
        late = outcome.late,
        "published"
    );
    if let Some(scribe) = archive {
        on_disk(scribe, &outcome, service.limits.request_timeout).await?;
    }
    let answer = Answer {
        count: outcome.count,
        unchanged: outcome.unchanged,
        late: outcome.late,
        last_event_id: outcome.position.to_string(),
    };
    Ok(Json(answer).into_response())
}

/// Waits until the tape is on disk up to a publication's position: unchanged events, too, may have been appended only a
/// moment before.
async fn on_disk(scribe: &Scribe, outcome: &Outcome, patience: Duration) -> Result<(), Problem> {
    // Less than the request may take, so that the answer has the result.
    let written = timeout(patience.mul_f64(0.9), scribe.on_disk(outcome.position)).await;
    let reason = match written {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(reason)) => reason,
        Err(_) => format!("the disk took longer than {patience:?}"),
    };
    Err(Problem::Unavailable(format!(
        "the events are on the tape up to {} and streamed, but not on disk: {reason}; send them again, what is there already is left out",
        outcome.position
    )))
}

/// Logs a request without a valid token; an address that sends many of them has to wait.
fn counted(desk: &PublishGate, problem: Problem, (client, id): (IpAddr, &str)) -> Problem {
    if !matches!(problem, Problem::Unauthorized { .. }) {
        return problem;
    }
    let counted = counted_as(client);
    match desk.strangers.count(counted) {
        Ok(()) => {
            tracing::warn!(id, %client, "not allowed to publish: {}", problem.detail());
            problem
        }
        Err(wait) => Problem::TooMany {
            detail: format!(
                "{counted} has sent too many requests without a token that is known here: try again in {} s",
                wait.as_secs() + 1
            ),
            retry_after: wait.as_secs() + 1,
        },
    }
}

/// The publisher, by the token of the request, RFC 6750, section 2.1.
fn permitted(desk: &PublishGate, headers: &HeaderMap) -> Result<Arc<Publisher>, Problem> {
    if !desk.is_open() {
        return Err(Problem::Forbidden(
            "publishing is off: make a token with `tickertape token NAME` and start the server with the --publish-token that it prints"
                .to_owned(),
        ));
    }
    let unauthorized = |wrong_token, detail: &str| Problem::Unauthorized {
        detail: detail.to_owned(),
        wrong_token,
    };
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(unauthorized(
            false,
            "publishing takes a token: send the header Authorization: Bearer TOKEN",
        ));
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(token) = token else {
        return Err(unauthorized(
            false,
            "the header Authorization is of another kind: expected Bearer TOKEN",
        ));
    };
    desk.publisher(token).ok_or_else(|| {
        unauthorized(
            true,
            "the token is not known here: expected one whose hash the server was started with",
        )
    })
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let unsupported = |detail: String| Problem::UnsupportedContent {
        detail,
        types: TYPES,
    };
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(unsupported(format!(
            "the content is encoded as {encoding:?}: expected it as it is"
        )));
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(unsupported(format!(
            "the header Content-Type is missing: expected one of {TYPES}"
        )));
    };
    let value = value.to_str().unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Format::Json),
        "application/x-ndjson" | "application/jsonl" => Ok(Format::Lines),
        "application/x-www-form-urlencoded" => Err(unsupported(format!(
            "the content type is that of a form, the default of curl: expected one of {TYPES}, as in curl -H 'content-type: application/json' --data-binary @FILE"
        ))),
        _ => Err(unsupported(format!(
            "{value:?} is not read here: expected one of {TYPES}"
        ))),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::TooLarge(format!(
        "the body is larger than {limit} bytes: send the events in several publications, or start the server with another --publish-body"
    ))
}

/// Refuses a body by its announced length, before anything of it is read.
fn announced(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// The body, of which no more than the limit is ever held.
async fn whole(body: &mut Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(error) => Err(Problem::Malformed(format!(
            "the body could not be read to its end: {error}"
        ))),
    }
}

async fn discard(mut body: Body) {
    let reading = async {
        let mut discarded = 0;
        while let Some(Ok(frame)) = body.frame().await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > DISCARDED_BYTES {
                break;
            }
        }
    };
    // After that time so slow a client goes without the answer.
    let _ = tokio::time::timeout(DISCARDING, reading).await;
}
