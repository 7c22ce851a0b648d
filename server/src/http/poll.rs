//! Long polling, for clients without an `EventSource`: the events after an id, as JSON, at once or as soon as there are
//! some.

use std::{future::poll_fn, time::Duration};

use axum::{
    Json,
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use market::{EventKind, Symbol, wire::MAX_POLL_WAIT};
use serde::Serialize;
use serde_json::value::RawValue;
use tape::EventId;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::http::{
    admission::Asker,
    selection::{Query, Selection},
    service::Service,
    stream::{self, Opening},
};
use events::{Cursor, Delivery};
use web::{problem::Problem, query};

/// The longest wait, in seconds.
const MAX_WAIT: u64 = MAX_POLL_WAIT.as_secs();

/// The largest content of one answer, in bytes of events.
const ANSWER_BYTES: usize = 256 * 1024;

/// The events after an id.
#[derive(Serialize, ToSchema)]
#[schema(as = Events)]
pub(crate) struct Answer {
    /// The events, as a stream would have carried them.
    events: Vec<Item>,
    /// The `after` of the next request.
    last_event_id: String,
    /// The symbols that no feed has published so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    unknown: Vec<Symbol>,
}

/// An event.
#[derive(Serialize, ToSchema)]
#[schema(as = EventOfPoll)]
pub(crate) struct Item {
    /// Its id; absent if an older quote comes after a younger event, and in the snapshot of added symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Its name; `message` is a quote.
    event: &'static str,
    /// Its data.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

impl Item {
    fn new(id: Option<String>, event: &'static str, data: String) -> Option<Self> {
        Some(Item {
            id,
            event,
            data: RawValue::from_string(data).ok()?,
        })
    }
}

/// Parses `wait`, in seconds.
pub(crate) fn parse_wait(wait: Option<&str>) -> Result<Duration, Problem> {
    let expected = format!("whole seconds from 0 to {MAX_WAIT}");
    let seconds = query::number("wait", wait, &expected, MAX_WAIT)?;
    Ok(Duration::from_secs(seconds.unwrap_or(0)))
}

/// The valid `wait` of an address.
pub(crate) fn wait(uri: &Uri) -> Duration {
    let query = query::lenient::<Query>(uri).ok();
    query
        .and_then(|query| parse_wait(query.wait.as_deref()).ok())
        .unwrap_or_default()
}

/// Answers with the events after `after`, waiting for them at most `wait`; with a snapshot if `after` is not on the
/// tape. A request that may wait takes a place like a stream.
///
/// # Errors
/// If a limit is reached, as in [`crate::http::Slots`].
pub(crate) async fn answer(
    service: &Service,
    selection: &Selection,
    after: &str,
    wait: Duration,
    asker: &Asker,
) -> Result<Response, Problem> {
    let _slot = if wait.is_zero() {
        None
    } else {
        Some(service.slots.take(asker.client, &service.metrics)?)
    };
    // An empty `after` is an id that is not on the tape, like any other.
    let after = if after.is_empty() { "0-0" } else { after };
    let (mut cursor, opening) = stream::start(service, selection, Some(after));
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept"),
    ];
    if let Some(snapshot) = opening {
        let json = [(header::CONTENT_TYPE, "application/json")];
        let unknown = service.unknown(&selection.symbols);
        let answer = of_snapshot(&snapshot, cursor.position(), &unknown);
        return Ok((headers, json, answer).into_response());
    }
    let answer = Answer {
        events: read(service, &mut cursor, wait).await,
        last_event_id: cursor.position().to_string(),
        unknown: service.unknown(&selection.symbols),
    };
    Ok((headers, Json(answer)).into_response())
}

/// An [`Answer`] with only a snapshot. One of thousands of symbols has some megabytes: they are copied, and neither
/// parsed nor written anew.
fn of_snapshot(snapshot: &Opening, position: EventId, unknown: &[Symbol]) -> Vec<u8> {
    // Symbols have no characters that JSON would escape.
    let names: Vec<String> = unknown.iter().map(|name| format!("\"{name}\"")).collect();
    let unknown = match names.is_empty() {
        true => String::new(),
        false => format!(",\"unknown\":[{}]", names.join(",")),
    };
    let id = match snapshot.id {
        Some(id) => format!("\"id\":\"{id}\","),
        None => String::new(),
    };
    let name = EventKind::Snapshot.name();
    [
        format!("{{\"events\":[{{{id}\"event\":\"{name}\",\"data\":").as_bytes(),
        &snapshot.data,
        format!("}}],\"last_event_id\":\"{position}\"{unknown}}}").as_bytes(),
    ]
    .concat()
}

async fn read(service: &Service, cursor: &mut Cursor, wait: Duration) -> Vec<Item> {
    let mut deliveries: Vec<Delivery> = Vec::new();
    let deadline = Instant::now() + wait;
    let due =
        poll_fn(|context| cursor.poll_read(context, service.now(), ANSWER_BYTES, &mut deliveries));
    // Falling off the tape between the resume and the first read takes a full window of retained entries in no time;
    // the client's next poll is answered with the snapshot.
    tokio::select! {
        biased;
        _ = due => {}
        () = tokio::time::sleep_until(deadline) => {}
        () = service.shutdown.cancelled() => {}
    }
    deliveries
        .iter()
        .filter_map(|delivery| {
            let id = delivery.in_order.then(|| delivery.id.to_string());
            let event = &delivery.payload.event;
            Item::new(id, event.name(), event.data())
        })
        .collect()
}
