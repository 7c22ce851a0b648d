//! `/stats`: the state of the server, as JSON and as a stream.

use std::{sync::Arc, time::Duration};

use archive::State;
use axum::{
    Extension, Json,
    body::Body,
    extract,
    http::{HeaderMap, HeaderName, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use market::{FeedStatus, Millis};
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use utoipa::ToSchema;

use feeds::Skipped;

use crate::http::{
    admission::{Admission, Asker},
    service::Service,
    stream::greeting,
};
use history::Scribe;
use web::{accept::Representation, problem::Problem, query};

/// The interval of the stream's events.
const INTERVAL: Duration = Duration::from_secs(1);

/// The state of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// The server's time, in milliseconds since the epoch.
    #[schema(value_type = u64)]
    time: Millis,
    connections: Connections,
    requests: Requests,
    uptime: Uptime,
    tape: TapeStats,
    /// The state of the archive; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<ArchiveStats>,
    /// The state of each feed.
    feeds: Vec<FeedStats>,
}

/// The state of a feed.
#[derive(Debug, Serialize, ToSchema)]
struct FeedStats {
    #[serde(flatten)]
    status: FeedStatus,
    /// What it has skipped.
    skipped: Skipped,
}

/// Clients.
#[derive(Debug, Serialize, ToSchema)]
struct Connections {
    /// Connections that are open.
    open: u64,
    /// Connections that have been accepted so far.
    accepted: u64,
    /// Event streams that are open.
    streams: u64,
    /// Event streams that have been opened so far.
    streams_opened: u64,
}

/// Requests.
#[derive(Debug, Serialize, ToSchema)]
struct Requests {
    /// Requests that have been answered so far; that of a stream counts when it opens.
    answered: u64,
    /// Events that streams have carried so far, each as often as it was written.
    delivered: u64,
    /// Bytes of them.
    delivered_bytes: u64,
}

/// The start of the server.
#[derive(Debug, Serialize, ToSchema)]
struct Uptime {
    /// When it started, in milliseconds since the epoch.
    #[schema(value_type = u64)]
    started: Millis,
    /// How long that is ago.
    seconds: u64,
}

/// The content of the tape and what has happened on it.
#[derive(Debug, Serialize, ToSchema)]
struct TapeStats {
    /// Events appended so far.
    appended: u64,
    /// Quotes and sessions that a newer one of their symbol replaced so far.
    superseded: u64,
    /// Retained events that left the window so far.
    evicted: u64,
    /// Retained events in the window.
    kept: usize,
    /// Their bytes.
    kept_bytes: usize,
    /// The newest quotes and sessions.
    merging: usize,
    /// Their bytes.
    merging_bytes: usize,
    /// Cursors of streams, of polls that wait, and of the archive.
    cursors: usize,
    /// The oldest id from which every stream can be resumed.
    oldest: String,
    /// The id of the newest event.
    newest: String,
}

/// The archive.
#[derive(Debug, Serialize, ToSchema)]
struct ArchiveStats {
    /// `ok`, `degraded` while it cannot write and tries again, `failed` when it has stopped trying.
    #[schema(example = "ok")]
    state: &'static str,
    /// The reason, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// An incident of its file, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    /// Everything on the tape up to this id is on disk.
    written: String,
    /// When something was last on disk, in milliseconds since the epoch.
    #[schema(value_type = Option<u64>)]
    last_commit: Option<Millis>,
    /// Transactions so far.
    commits: u64,
    /// How long the slowest of them took, in milliseconds.
    slowest_commit_ms: u64,
    /// Attempts to write that failed so far.
    failures: u64,
    /// Rows written so far: events, quotes, trades, bars.
    rows: u64,
    /// Trades and corrections that wait for the disk.
    queued: u64,
    /// Trades and corrections that were dropped because too many waited.
    dropped: u64,
    /// Retained events that left the tape before they could be written.
    lost: u64,
    /// Rows removed so far because of their age or of the file's size.
    removed: u64,
    /// The size of the file, in bytes.
    file_bytes: u64,
    /// Rows in quarantine: damaged ones, and those that SQLite refused.
    quarantined: u64,
    /// Damaged rows that could not be moved there.
    damaged: u64,
    /// Rows left out because only a newer version can read them.
    newer: u64,
    /// Corrupt files that were set aside and not acknowledged.
    set_aside: usize,
}

impl ArchiveStats {
    fn now(scribe: &Scribe) -> Self {
        let detail = scribe.feed_status().and_then(|status| status.detail);
        let report = scribe.report();
        let status = report.status;
        ArchiveStats {
            state: match status.state {
                State::Ok => "ok",
                State::Degraded(_) => "degraded",
                State::Failed(_) => "failed",
            },
            detail,
            notice: status.notice,
            written: report.written.to_string(),
            last_commit: status.last_commit,
            commits: status.commits,
            slowest_commit_ms: status.slowest_commit.as_millis() as u64,
            failures: status.failures,
            rows: status.rows,
            queued: status.queued,
            dropped: status.dropped,
            lost: report.lost,
            removed: status.removed,
            file_bytes: status.file_bytes,
            quarantined: status.quarantined,
            damaged: status.damaged,
            newer: status.newer,
            set_aside: status.set_aside.len(),
        }
    }
}

impl Stats {
    fn now(service: &Service) -> Self {
        let counts = service.metrics.counts();
        let tape = service.tape.stats();
        Stats {
            time: service.now(),
            connections: Connections {
                open: counts.connections,
                accepted: counts.accepted,
                streams: counts.streams,
                streams_opened: counts.opened,
            },
            requests: Requests {
                answered: counts.requests,
                delivered: counts.delivered,
                delivered_bytes: counts.bytes,
            },
            uptime: Uptime {
                started: service.metrics.started(),
                seconds: service.metrics.uptime().as_secs(),
            },
            tape: TapeStats {
                appended: tape.appended,
                superseded: tape.superseded,
                evicted: tape.evicted,
                kept: tape.retained,
                kept_bytes: tape.retained_bytes,
                merging: tape.conflated,
                merging_bytes: tape.conflated_bytes,
                cursors: tape.cursors,
                oldest: tape.oldest.to_string(),
                newest: tape.newest.to_string(),
            },
            archive: service.archive.as_ref().map(ArchiveStats::now),
            feeds: service
                .feed_counts()
                .into_iter()
                .map(|(status, skipped)| FeedStats { status, skipped })
                .collect(),
        }
    }

    /// The parts that a stream carries, each as an event with its name.
    fn events(&self) -> Result<String, serde_json::Error> {
        let parts = [
            ("connections", serde_json::to_string(&self.connections)?),
            ("requests", serde_json::to_string(&self.requests)?),
            ("uptime", serde_json::to_string(&self.uptime)?),
        ];
        let events = parts.map(|(name, data)| format!("event: {name}\ndata: {data}\n\n"));
        Ok(events.concat())
    }
}

/// The state of the server.
///
/// Connections, requests, how long it has been running, the tape, the archive and the
/// feeds. As a stream, three events a second, named `connections`, `requests` and `uptime`, each
/// with the part of the JSON of that name.
#[utoipa::path(
    get,
    path = "/stats",
    responses(
        (status = 200, description = "The state of the server", content(
            (Stats = "application/json"),
            (String = "text/event-stream", example = "event: uptime\ndata: {\"started\":1732111111111,\"seconds\":5}\n\n"),
        )),
        (status = 400, description = "The address has a parameter"),
        (status = 406, description = "Neither JSON nor a stream is accepted"),
        (status = 429, description = "The client's address has too many streams"),
    )
)]
pub(crate) async fn stats(
    extract::State(service): extract::State<Arc<Service>>,
    Extension(asker): Extension<Asker>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query::Nothing {} = query::strict(&uri)?;
    if Representation::negotiate_data(&headers)? == Representation::Stream {
        return Ok(follow(
            Arc::clone(&service),
            Admission::new(&service, asker)?,
        ));
    }
    let headers = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
    ];
    Ok((headers, Json(Stats::now(&service))).into_response())
}

fn follow(service: Arc<Service>, admission: Admission) -> Response {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let state = (service, admission, ticks, greeting());
    let events = stream::unfold(
        state,
        async |(service, mut admission, mut ticks, greeting)| {
            tokio::select! {
                _ = ticks.tick() => {
                    let events = Stats::now(&service).events();
                    let events = events.map(|events| greeting + &events);
                    Some((events, (service, admission, ticks, String::new())))
                }
                () = service.shutdown.cancelled() => {
                    admission.end = "the server shuts down";
                    None
                }
            }
        },
    );
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (header::VARY, "accept"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}
