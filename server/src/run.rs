//! One server, from its socket to its end.

use std::{sync::Arc, time::Duration};

use archive::{Archive, Ownership, Reader};
use leptos::config::LeptosOptions;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{error, warn};

use crate::{
    Config, Metrics,
    http::{Limits, Outgoing, Remembered, Search, Service, Slots, Snapshots},
    serve,
    watch::watch_clock,
};
use clock::{Clock, Now};
use events::{Closing, Tape};
use feeds::{Backoff, FeedContext, FeedSpec, ResumeStates, Statuses, Supervisor};
use front::Proxies;
use history::{History, RecoveredState, Scribe};
use publication::Builder;
use publishers::PublishGate;
use sessions::{keep_sessions, previous_closes};
use web::work::Work;

/// The part of the grace period that the archive may take before the streams end; as much is kept for it after they
/// have.
const LAST_WORDS: u32 = 8;

/// Runs the server on a socket until `shutdown` is cancelled: feeds, tape, archive and HTTP. It ends in order: the
/// feeds stop, their last events are written, the streams end, the connections close, the archive is closed.
pub async fn run(
    listener: TcpListener,
    mut config: Config,
    desk: Arc<PublishGate>,
    beginning: RecoveredState,
    leptos: LeptosOptions,
    clock: Clock,
    shutdown: CancellationToken,
) {
    let mut settings = config.settings();
    let grace = settings.grace;
    let last_words = grace / LAST_WORDS;
    settings.grace -= 2 * last_words;
    let RecoveredState {
        tape,
        left,
        archive,
        owners,
    } = beginning;
    let now = clock.as_now();
    let stored = archive.as_ref().and_then(|archive| archive.clone().ok());
    let context = feed_context(&config, &desk, tape.clone(), left, stored, &now);
    let metrics = Arc::new(Metrics::new(now()));
    let watching = watch_clock(clock.clone(), Arc::clone(&metrics), shutdown.clone());
    let watching = AbortOnDropHandle::new(tokio::spawn(watching));
    let writer = archive.map(|archive| Writer::start(archive, owners, &tape, &now, &metrics));
    let scribe = writer.as_ref().map(|writer| writer.scribe.clone());
    let feeds = std::mem::take(&mut config.sources.feeds);
    let sources = Sources::start(feeds, config.sources.seed, &context, &shutdown);
    let end = tokio::spawn(deadline(shutdown.clone(), grace));
    let running = Running {
        statuses: sources.supervisor.statuses(),
        scribe: scribe.clone(),
        metrics,
        context,
        clock,
        desk,
        leptos,
        shutdown,
    };
    let ended = async {
        sources.end().await;
        if let Some(scribe) = &scribe {
            write_last(scribe, &tape, last_words).await;
        }
    };
    serve(listener, running.service(config), settings, ended).await;
    drop(watching);
    if let Some(writer) = writer {
        writer.close(end, last_words).await;
    }
}

/// The parts that the feeds share.
fn feed_context(
    config: &Config,
    desk: &PublishGate,
    tape: Tape,
    left: ResumeStates,
    archive: Option<Archive>,
    now: &Now,
) -> FeedContext {
    let mut context = FeedContext::new(tape.clone(), Arc::clone(now));
    context.archive = archive;
    context.restore(left);
    desk.newcomers.learn(&tape);
    context.newcomers = desk.newcomers.clone();
    if let Some(symbols) = &config.sources.symbols {
        context.directory.list(symbols.listings().iter().cloned());
    }
    let builder = Arc::new(Builder::new(context.surroundings()));
    context.builder = Some(Arc::clone(&builder));
    // A gate serves one server.
    let _ = desk.builder.set(builder);
    context
}

/// The deadline of the shutdown.
async fn deadline(shutdown: CancellationToken, grace: Duration) -> Instant {
    shutdown.cancelled().await;
    Instant::now() + grace
}

/// Gives the archive some time to write the last events of the feeds to disk.
async fn write_last(scribe: &Scribe, tape: &Tape, patience: Duration) {
    let position = tape.view(|view| view.position());
    let written = timeout(patience, scribe.on_disk(position)).await;
    if !matches!(written, Ok(Ok(()))) {
        warn!("streams end before everything is archived");
    }
}

/// The publishers of the tape: feeds, the exchanges' hours, and bars of publications.
struct Sources {
    supervisor: Supervisor,
    hours: JoinHandle<()>,
    building: Option<JoinHandle<()>>,
}

impl Sources {
    fn start(
        feeds: Vec<FeedSpec>,
        seed: Option<u64>,
        context: &FeedContext,
        shutdown: &CancellationToken,
    ) -> Self {
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        let feeds = feeds
            .into_iter()
            .filter_map(|spec| spec.build(seed))
            .collect();
        let archive = context.archive.as_ref();
        let closes = archive.map(|archive| previous_closes(Reader::clone(archive)));
        let hours = {
            let (context, stop) = (context.clone(), shutdown.clone());
            tokio::spawn(async move {
                keep_sessions(
                    &context.sessions,
                    &context.tape,
                    &context.clock,
                    closes,
                    stop,
                )
                .await;
            })
        };
        let building = context.builder.clone().map(|builder| {
            let shutdown = shutdown.clone();
            tokio::spawn(async move { builder.run(&shutdown).await })
        });
        Sources {
            supervisor: Supervisor::start(feeds, context, Backoff::default(), shutdown),
            hours,
            building,
        }
    }

    /// Waits until all of them have ended.
    async fn end(self) {
        self.supervisor.join().await;
        if let Err(error) = self.hours.await {
            error!("the task of the exchanges' hours: {error}");
        }
        if let Some(building) = self.building
            && let Err(error) = building.await
        {
            error!("the task that builds the bars of what is published: {error}");
        }
    }
}

/// The writer of the tape to the archive.
struct Writer {
    scribe: Scribe,
    /// `None` if the archive could not be opened.
    task: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Writer {
    fn start(
        archive: Result<Archive, String>,
        owners: Vec<Ownership>,
        tape: &Tape,
        now: &Now,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let stop = CancellationToken::new();
        let (scribe, task) = match archive {
            Ok(archive) => {
                let metrics = Arc::clone(metrics);
                let committed = move |took| metrics.committed(took);
                let now = Arc::clone(now);
                let (scribe, task) =
                    Scribe::start(archive, tape, now, committed, owners, stop.clone());
                (scribe, Some(task))
            }
            Err(reason) => (Scribe::failed(reason), None),
        };
        Writer { scribe, task, stop }
    }

    /// Writes the rest and closes the archive, until the deadline.
    async fn close(self, end: JoinHandle<Instant>, patience: Duration) {
        self.stop.cancel();
        let Some(task) = self.task else {
            return;
        };
        let close = async {
            task.await.map_err(|error| error.to_string())?;
            match self.scribe.archive() {
                Some(archive) => archive.close().await.map_err(|error| error.to_string()),
                None => Ok(()),
            }
        };
        let end = end.await.unwrap_or_else(|_| Instant::now() + patience);
        match timeout_at(end, close).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => error!("the end of the tape is not archived: {error}"),
            Err(_) => error!("the disk takes too long; the end of the tape may not be archived"),
        }
    }
}

/// The state of the resources, once everything runs.
struct Running {
    metrics: Arc<Metrics>,
    context: FeedContext,
    statuses: Statuses,
    scribe: Option<Scribe>,
    clock: Clock,
    desk: Arc<PublishGate>,
    leptos: LeptosOptions,
    shutdown: CancellationToken,
}

impl Running {
    fn service(self, config: Config) -> Service {
        let (limits, access) = (config.limits, config.access);
        let (statuses, machine) = (self.statuses.clone(), self.clock.clone());
        Service {
            metrics: self.metrics,
            limits: Limits {
                symbols: limits.max_symbols,
                request_timeout: limits.request_timeout,
                body: limits.max_body,
            },
            slots: Slots::new(limits.max_streams, limits.max_streams_per_address),
            outgoing: Outgoing::new(limits.max_answers_per_address),
            proxies: Proxies {
                trusted: access.trusted_proxies,
                header: access.client_header,
            },
            origins: access.allowed_origins,
            tape: self.context.tape.clone(),
            skipped: Arc::new(move || self.statuses.skipped()),
            history: match self.scribe.as_ref().and_then(Scribe::archive) {
                Some(archive) => History::new(Arc::new(archive.clone())),
                None => History::default(),
            }
            .with_minutes(Arc::clone(&self.context.minutes)),
            search: Search::new(Arc::clone(&self.context.directory)),
            remembered: Remembered::default(),
            work: Work::default(),
            feeds: Arc::new(move || {
                let mut current = statuses.current();
                current.extend(machine.status());
                current
            }),
            clock: self.clock.as_now(),
            heartbeat: market::wire::HEARTBEAT,
            lifetime: config.connections.stream_lifetime,
            shutdown: self.shutdown,
            closing: Closing::default(),
            snapshots: Snapshots::default(),
            archive: self.scribe,
            desk: self.desk,
            leptos: self.leptos,
            frame_ancestors: config.page.frame_ancestors,
        }
    }
}
