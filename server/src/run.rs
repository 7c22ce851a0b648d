use std::sync::Arc;

use leptos::config::LeptosOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    Closing, Config, Metrics, Now, Tape,
    feeds::{Backoff, FeedSpec, Floor, Supervisor},
    history::History,
    http::{self, Limits, Proxies, Search, Service, Slots, Snapshots},
    publish::Desk,
    serve,
};

/// What the tape keeps: a day of one-minute bars of seventy symbols, and their news. The bytes
/// bound it where stories are long.
const WINDOW: tape::Limits = tape::Limits {
    entries: 100_000,
    bytes: 128 * 1024 * 1024,
    age_ms: 24 * 60 * 60 * 1000,
};

/// What the mark of a tape is drawn from: an id of one run of the server passes for one of another
/// once in ten thousand times.
const MARKS: std::ops::RangeInclusive<u32> = 1..=9_999;

/// Runs the server on a socket until `shutdown` is cancelled: feeds, tape and HTTP. It ends in
/// order: the feeds stop, the streams end, the connections close.
pub async fn run(
    listener: TcpListener,
    config: Config,
    leptos: LeptosOptions,
    clock: Now,
    shutdown: CancellationToken,
) {
    let settings = config.settings();
    let tape = Tape::new(clock(), fastrand::u32(MARKS), WINDOW);
    let seed = config.seed.unwrap_or_else(|| fastrand::u64(..));
    if config.feeds.contains(&FeedSpec::Simulate) {
        info!(seed, "the simulated feed can be repeated with --seed");
    }
    let feeds = config
        .feeds
        .into_iter()
        .filter_map(|spec| spec.build(seed))
        .collect();
    let floor = Floor::new(tape.clone(), Arc::clone(&clock));
    if let Some(symbols) = &config.symbols {
        floor.directory.list(symbols.listings().iter().cloned());
    }
    let supervisor = Supervisor::start(feeds, &floor, Backoff::default(), &shutdown);
    let statuses = supervisor.statuses();
    let metrics = Arc::new(Metrics::new(clock()));
    let service = Service {
        metrics: Arc::clone(&metrics),
        limits: Limits {
            symbols: config.max_symbols,
            request_timeout: config.request_timeout,
            body: config.max_body,
        },
        slots: Slots::new(config.max_streams, config.max_streams_per_address),
        proxies: Proxies {
            trusted: config.trusted_proxies,
            header: config.client_header,
        },
        origins: config.allowed_origins,
        tape,
        history: History::default(),
        search: Search::new(Arc::clone(&floor.directory)),
        feeds: Arc::new(move || statuses.current()),
        clock,
        heartbeat: http::HEARTBEAT,
        lifetime: config.stream_lifetime,
        shutdown,
        closing: Closing::default(),
        snapshots: Snapshots::default(),
        desk: Arc::new(Desk::new(&config.publish)),
        leptos,
        frame_ancestors: config.frame_ancestors,
    };
    serve(listener, service, settings, supervisor.join()).await;
}
