use std::sync::Arc;

use archive::Reader;
use leptos::config::LeptosOptions;
use tokio::{
    net::TcpListener,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{error, warn};

use crate::{
    Config, Metrics,
    http::{self, Limits, Outgoing, Remembered, Search, Service, Slots, Snapshots, Work},
    serve,
    watch::watch_clock,
};
use clock::Clock;
use events::Closing;
use feeds::{Backoff, FeedContext, Supervisor};
use front::Proxies;
use history::{History, RecoveredState, Scribe};
use publication::Builder;
use publishers::PublishGate;
use sessions::{keep_sessions, previous_closes};

/// The part of the grace period that the archive may take before the streams end; and it is left as
/// much in any case when they have.
const LAST_WORDS: u32 = 8;

/// Runs the server on a socket until `shutdown` is cancelled: feeds, tape, archive and HTTP. It ends
/// in order: the feeds stop, what they said last is written, the streams end, the connections close,
/// the archive is closed.
pub async fn run(
    listener: TcpListener,
    config: Config,
    desk: Arc<PublishGate>,
    beginning: RecoveredState,
    leptos: LeptosOptions,
    clock: Clock,
    shutdown: CancellationToken,
) {
    let mut settings = config.settings();
    let machine = clock;
    let clock = machine.as_now();
    let RecoveredState {
        tape,
        left,
        archive,
        owners,
    } = beginning;
    let seed = config.seed.unwrap_or_else(|| fastrand::u64(..));
    let feeds = config
        .feeds
        .into_iter()
        .filter_map(|spec| spec.build(seed))
        .collect();
    let mut floor = FeedContext::new(tape.clone(), Arc::clone(&clock));
    floor.archive = archive.as_ref().and_then(|archive| archive.clone().ok());
    floor.go_on(left);
    desk.newcomers.learn(&tape);
    floor.newcomers = desk.newcomers.clone();
    if let Some(symbols) = &config.symbols {
        floor.directory.list(symbols.listings().iter().cloned());
    }
    let builder = Arc::new(Builder::new(floor.surroundings()));
    floor.builder = Some(Arc::clone(&builder));
    // A desk serves one server.
    let _ = desk.builder.set(Arc::clone(&builder));
    let metrics = Arc::new(Metrics::new(clock()));
    let watching = watch_clock(machine.clone(), Arc::clone(&metrics), shutdown.clone());
    let watching = AbortOnDropHandle::new(tokio::spawn(watching));
    let closing = CancellationToken::new();
    let mut writing = None;
    let scribe = archive.map(|archive| match archive {
        Ok(archive) => {
            let (clock, metrics) = (Arc::clone(&clock), Arc::clone(&metrics));
            let committed = move |took| metrics.committed(took);
            let (scribe, task) =
                Scribe::start(archive, &tape, clock, committed, owners, closing.clone());
            writing = Some(task);
            scribe
        }
        Err(reason) => Scribe::failed(reason),
    });
    let closes = floor
        .archive
        .as_ref()
        .map(|archive| previous_closes(Reader::clone(archive)));
    let hours = {
        let (floor, shutdown) = (floor.clone(), shutdown.clone());
        tokio::spawn(async move {
            keep_sessions(&floor.sessions, &floor.tape, &floor.clock, closes, shutdown).await;
        })
    };
    let building = {
        let shutdown = shutdown.clone();
        tokio::spawn(async move { builder.run(&shutdown).await })
    };
    let supervisor = Supervisor::start(feeds, &floor, Backoff::default(), &shutdown);
    let statuses = supervisor.statuses();
    let grace = settings.grace;
    let last_words = grace / LAST_WORDS;
    settings.grace -= 2 * last_words;
    let begun = shutdown.clone();
    let end = async move {
        begun.cancelled().await;
        Instant::now() + grace
    };
    let end = tokio::spawn(end);
    let service = Service {
        metrics: Arc::clone(&metrics),
        limits: Limits {
            symbols: config.max_symbols,
            request_timeout: config.request_timeout,
            body: config.max_body,
        },
        slots: Slots::new(config.max_streams, config.max_streams_per_address),
        outgoing: Outgoing::new(config.max_answers_per_address),
        proxies: Proxies {
            trusted: config.trusted_proxies,
            header: config.client_header,
        },
        origins: config.allowed_origins,
        tape: tape.clone(),
        skipped: {
            let statuses = statuses.clone();
            Arc::new(move || statuses.skipped())
        },
        history: match scribe.as_ref().and_then(Scribe::archive) {
            Some(archive) => History::new(Arc::new(archive.clone())),
            None => History::default(),
        }
        .with_minutes(Arc::clone(&floor.minutes)),
        search: Search::new(Arc::clone(&floor.directory)),
        remembered: Remembered::default(),
        work: Work::default(),
        feeds: Arc::new(move || {
            let mut current = statuses.current();
            current.extend(machine.status());
            current
        }),
        clock,
        heartbeat: http::HEARTBEAT,
        lifetime: config.stream_lifetime,
        shutdown,
        closing: Closing::default(),
        snapshots: Snapshots::default(),
        archive: scribe.clone(),
        desk,
        leptos,
        frame_ancestors: config.frame_ancestors,
    };
    let ended = async {
        supervisor.join().await;
        if let Err(error) = hours.await {
            error!("the task of the exchanges' hours: {error}");
        }
        if let Err(error) = building.await {
            error!("the task that builds the bars of what is published: {error}");
        }
        if let Some(scribe) = &scribe {
            let position = tape.view(|view| view.position());
            let written = timeout(last_words, scribe.on_disk(position)).await;
            if !matches!(written, Ok(Ok(()))) {
                warn!("streams end before everything is archived");
            }
        }
    };
    serve(listener, service, settings, ended).await;
    drop(watching);
    closing.cancel();
    let Some((scribe, writing)) = scribe.as_ref().zip(writing) else {
        return;
    };
    let close = async {
        writing.await.map_err(|error| error.to_string())?;
        match scribe.archive() {
            Some(archive) => archive.close().await.map_err(|error| error.to_string()),
            None => Ok(()),
        }
    };
    let end = end.await.unwrap_or_else(|_| Instant::now() + last_words);
    match timeout_at(end, close).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => error!("the end of the tape is not archived: {error}"),
        Err(_) => error!("the disk takes too long; the end of the tape may not be archived"),
    }
}
