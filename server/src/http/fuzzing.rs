//! The parts of the targets under `server/fuzz` that concern the resources.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use archive::Archive;
use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request, StatusCode, Uri, header},
};
use clap::Parser as _;
use http_body_util::BodyExt as _;
use leptos::config::LeptosOptions;
use market::Millis;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::http::{
    FrameAncestors, Limits, Outgoing, Remembered, Search, Service, Slots, Snapshots, router,
};
use crate::{Config, Metrics};
use directory::{Directory, Listing};
use events::testing::through;
use events::{Closing, Tape};
use front::{Peer, Proxies};
use history::History;
use publication::{Format, Submission};
use publishers::PublishGate;
use web::work::Work;

/// A day of trading of two symbols, a story of each, as they would be published.
const EVENTS: &str = r#"
{"event":"session","data":{"symbol":"GOOG","name":"Alphabet & Co","source":"Us","quality":"live","state":"open","currency":"USD","tick":"0.01"}}
{"event":"quote","data":{"symbol":"GOOG","time":1789999999000,"price":"181.5","size":"100","bid":"181.2","ask":"181.3"}}
{"event":"quote","data":{"symbol":"BTC-USD","time":1789999999500,"price":"65000.123456789"}}
{"event":"bar","data":{"symbol":"GOOG","start":1789999800000,"open":"181","high":"182","low":"180.5","close":"181.5","volume":"1200","trades":14}}
{"event":"bar","data":{"symbol":"GOOG","start":1789999920000,"open":"181.5","high":"181.5","low":"181.5","close":"181.5","volume":"0.5","trades":1}}
{"event":"news","data":{"id":"us:1","type":"filing","basis":"native","headline":"Alphabet \"buys\" <nothing> & all","source":"Us","published":1789999990000,"symbols":["GOOG"],"form":"8-K"}}
{"event":"news","data":{"id":"us:2","type":"headline","basis":"inferred","headline":"=Ein Wort, größer","summary":"]]>","source":"Us","published":1789999991000,"url":"https://example.com/?a=b&c"}}
"#;

const NOW: Millis = 1_790_000_000_000;

/// How long a request may take, by the clock of the runtime: longer than any request may wait.
const TIMEOUT: Duration = Duration::from_secs(30);

struct Server {
    runtime: Runtime,
    router: Router,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    // Its clock advances as soon as nothing else runs: waiting takes no time.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let folder = std::env::temp_dir().join(format!("tickertape-queries-{}", std::process::id()));
    let options = archive::Options::new(Arc::new(|| NOW));
    let (archive, opened) = Archive::open(&folder, "fuzzed.db", options).expect("an archive");
    // Open resources stay until the process ends.
    let _ = std::fs::remove_dir_all(&folder);
    let limits = tape::Limits {
        entries: 1000,
        bytes: 1 << 20,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    let tape = Tape::new(opened.start.max(NOW), opened.mark, limits);
    let written = Submission::read(EVENTS.trim().as_bytes(), Format::Lines, NOW, 100);
    for draft in written.expect("events").into_drafts() {
        let event = Arc::clone(draft.event());
        let id = tape.append_all(NOW, |batch| draft.append(batch));
        runtime
            .block_on(archive.commit(vec![(id, event)]))
            .expect("a commit");
    }
    let directory = Directory::default();
    directory.list([Listing {
        symbol: "GOOG".parse().expect("a symbol"),
        name: "Alphabet & Co".to_owned(),
        venue: None,
        currency: None,
        tick: None,
    }]);
    let config = Config::parse_from(["tickertape"]);
    let service = Service {
        metrics: Arc::new(Metrics::new(NOW)),
        limits: Limits {
            symbols: 20,
            request_timeout: TIMEOUT,
            ..Limits::default()
        },
        slots: Slots::new(100, 100),
        outgoing: Outgoing::default(),
        proxies: Proxies::default(),
        origins: Vec::new(),
        tape,
        history: History::new(Arc::new(archive)),
        search: Search::new(Arc::new(directory)),
        remembered: Remembered::default(),
        work: Work::default(),
        feeds: Arc::new(Vec::new),
        skipped: Arc::new(Vec::new),
        clock: Arc::new(|| NOW),
        heartbeat: market::wire::HEARTBEAT,
        lifetime: None,
        archive: None,
        desk: Arc::new(PublishGate::new(&config.publish)),
        shutdown: CancellationToken::new(),
        closing: Closing::default(),
        snapshots: Snapshots::default(),
        leptos: LeptosOptions::builder().output_name("tickertape").build(),
        frame_ancestors: FrameAncestors::default(),
    };
    let router = runtime.block_on(async { router(service) });
    Server { runtime, router }
});

/// Requests an address, with headers in the lines after it: no answer may be a server error, and its content must fit
/// its type.
pub(crate) fn queries(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.lines();
    let Ok(address) = lines.next().unwrap_or_default().parse::<Uri>() else {
        return;
    };
    // Only addresses of data: the page takes long, and reads nothing else.
    if !["/stocks", "/news", "/symbols"]
        .iter()
        .any(|resource| address.path().starts_with(resource))
    {
        return;
    }
    let mut request = Request::builder().uri(&address);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if let (Ok(name), Ok(value)) = (
            name.trim().parse::<HeaderName>(),
            value.trim().parse::<HeaderValue>(),
        ) {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request
        .extension(Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))))
        .body(Body::empty())
    else {
        return;
    };
    let answered = async {
        let response = SERVER.router.clone().oneshot(request).await;
        let (head, body) = response.expect("an answer").into_parts();
        let media = head.headers.get(header::CONTENT_TYPE);
        let media = media.and_then(|media| media.to_str().ok()).unwrap_or("");
        assert!(!head.status.is_server_error(), "{}: {address}", head.status);
        through(usize::from(head.status.is_success()));
        // A stream does not end.
        if media.starts_with("text/event-stream") {
            return None;
        }
        let body = body.collect().await.expect("a body").to_bytes();
        let is_packed = head.headers.contains_key(header::CONTENT_ENCODING);
        (!is_packed).then(|| (head.status, media.to_owned(), body))
    };
    let Some((status, media, body)) = SERVER.runtime.block_on(answered) else {
        return;
    };
    let body = String::from_utf8_lossy(&body);
    if media.starts_with("application/json") || media.starts_with("application/problem+json") {
        let json = serde_json::from_str::<serde_json::Value>(&body);
        assert!(json.is_ok(), "{address}: {body}");
    } else if media.starts_with("image/svg+xml") || media.starts_with("application/atom+xml") {
        assert!(is_xml(&body), "{address}: {body}");
    } else if media.starts_with("text/csv") {
        let mut reader = csv::Reader::from_reader(body.as_bytes());
        assert!(
            reader.records().all(|record| record.is_ok()),
            "{address}: {body}"
        );
    } else if status == StatusCode::OK {
        assert!(body.is_empty(), "{address}: {media:?}");
    }
}

/// Whether it can be parsed to its end, with every tag closed.
fn is_xml(text: &str) -> bool {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}
