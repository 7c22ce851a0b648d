//! The server of a test, on a socket.
#![allow(
    dead_code,
    reason = "each file of tests is a crate of its own and uses a part"
)]

pub(crate) mod script;
pub(crate) mod secrets;
pub(crate) mod socket_server;
pub(crate) mod stage;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use events::{Closing, Entry, Tape, Topic};
use feeds::{Skipped, provide_tls};
use front::{Proxies, Settings};
use history::History;
use leptos::config::LeptosOptions;
use market::{
    Action, Bar, Basis, Event, FeedState, FeedStatus, News, NewsType, Quality, Quote, Session,
    Snapshot, Symbol, TradingState,
    sse::{Decoder, Message},
};
use publishers::PublishGate;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use server::{
    Config, Metrics,
    http::{self, FrameAncestors, Outgoing, Remembered, Search, Service, Slots, Snapshots},
};
use tape::{EventId, Limits};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use web::work::Work;

/// The moment at which the tests' tapes begin.
pub(crate) const START: u64 = 1_732_111_111_111;

/// A client that uses no proxy and passes bodies on as they arrive.
pub(crate) fn client() -> Client {
    provide_tls();
    Client::builder().no_proxy().no_gzip().build().unwrap()
}

/// The default service: a tape with a window of so many retained entries, no feeds, and no publishers.
pub(crate) fn service(window: usize) -> Service {
    let limits = Limits {
        entries: window,
        bytes: usize::MAX,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    Service {
        metrics: Arc::new(Metrics::new(START)),
        limits: http::Limits::default(),
        slots: Slots::new(10_000, 500),
        outgoing: Outgoing::default(),
        proxies: Proxies::default(),
        origins: Vec::new(),
        tape: Tape::new(START, 0, limits),
        history: History::default(),
        search: Search::default(),
        remembered: Remembered::default(),
        work: Work::default(),
        feeds: Arc::new(Vec::new),
        skipped: Arc::new(Vec::new),
        clock: Arc::new(|| START),
        heartbeat: Duration::from_secs(15),
        lifetime: None,
        archive: None,
        desk: Arc::new(PublishGate::new(
            &Config::parse_from(["tickertape"]).publish,
        )),
        shutdown: CancellationToken::new(),
        closing: Closing::default(),
        snapshots: Snapshots::default(),
        leptos: LeptosOptions::builder().output_name("tickertape").build(),
        frame_ancestors: FrameAncestors::default(),
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) tape: Tape,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) now: Arc<AtomicU64>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) client: Client,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(FeedState::Live, Duration::from_secs(15), 1000)
    }

    pub(crate) fn with(state: FeedState, heartbeat: Duration, window: usize) -> Self {
        Self::adjusted(state, heartbeat, window, |_| ())
    }

    /// With custom settings.
    pub(crate) fn set(adjust: impl FnOnce(&mut Service)) -> Self {
        Self::adjusted(FeedState::Live, Duration::from_secs(15), 1000, adjust)
    }

    fn adjusted(
        state: FeedState,
        heartbeat: Duration,
        window: usize,
        adjust: impl FnOnce(&mut Service),
    ) -> Self {
        let now = Arc::new(AtomicU64::new(START));
        let clock = now.clone();
        let mut service = service(window);
        service.feeds = Arc::new(move || {
            vec![FeedStatus {
                name: "test".to_owned(),
                state,
                detail: None,
            }]
        });
        service.skipped = Arc::new(|| {
            vec![Skipped {
                wrong: 3,
                gaps: 2,
                mended: 4,
                duplicates: 5,
                ..Skipped::default()
            }]
        });
        service.clock = Arc::new(move || clock.load(Ordering::SeqCst));
        service.heartbeat = heartbeat;
        adjust(&mut service);
        Self::serving(service, now, Settings::default())
    }

    /// With a custom front.
    pub(crate) fn fronted(settings: Settings) -> Self {
        let now = Arc::new(AtomicU64::new(START));
        Self::serving(service(1000), now, settings)
    }

    pub(crate) fn serving(service: Service, now: Arc<AtomicU64>, settings: Settings) -> Self {
        let tape = service.tape.clone();
        let metrics = Arc::clone(&service.metrics);
        let shutdown = service.shutdown.clone();
        let listener = front::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let feeds = std::future::ready(());
        let serving = tokio::spawn(server::serve(listener, service, settings, feeds));
        let client = client();
        Server {
            address,
            tape,
            metrics,
            now,
            shutdown,
            serving,
            client,
        }
    }

    pub(crate) fn append(&self, event: Event) -> EventId {
        let now = self.now.load(Ordering::SeqCst);
        let conflation_key = Topic::conflation_key(&event);
        self.tape
            .append(now, &Topic::of(&event), conflation_key.as_ref(), |id| {
                Entry::new(id, event)
            })
    }

    pub(crate) fn position(&self) -> EventId {
        self.tape.view(|view| view.position())
    }

    pub(crate) fn at(&self, ms: u64) -> &Self {
        self.now.store(START + ms, Ordering::SeqCst);
        self
    }

    /// Both symbols of the tests with a name and a price.
    pub(crate) fn listed(self) -> Self {
        for (name, price) in [("GOOG", "597.32"), ("AAPL", "226.80")] {
            self.append(session(name));
            self.append(quote(name, price));
        }
        self
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// The value of a line of `/metrics`.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics", &[]).await.text().await.unwrap();
        text.lines()
            .filter_map(|line| line.rsplit_once(' '))
            .find(|(written, _)| *written == name)
            .map(|(_, value)| value.parse().unwrap())
    }

    /// Waits until a line of `/metrics` has a value: resources of a connection are released a moment after it ends.
    pub(crate) async fn becomes(&self, name: &str, expected: f64) {
        let waiting = async {
            while self.metric(name).await != Some(expected) {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        if waited.is_err() {
            panic!("{name} is {:?}, not {expected}", self.metric(name).await);
        }
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path, &[("accept", "application/json")]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    pub(crate) async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut all = vec![("accept", "text/event-stream")];
        all.extend_from_slice(headers);
        let response = self.get(path, &all).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Stream {
            response,
            decoder: Decoder::new(),
            waiting: Vec::new(),
            raw: Vec::new(),
        }
    }
}

pub(crate) struct Stream {
    pub(crate) response: Response,
    pub(crate) decoder: Decoder,
    waiting: Vec<Message>,
    pub(crate) raw: Vec<u8>,
}

impl Stream {
    /// The next message; `None` at the end of the stream.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        while self.waiting.is_empty() {
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.response.chunk());
            let chunk = chunk.await.expect("the stream is silent").unwrap()?;
            self.raw.extend_from_slice(&chunk);
            let waiting = &mut self.waiting;
            self.decoder.push(&chunk, |message| waiting.push(message));
        }
        Some(self.waiting.remove(0))
    }

    pub(crate) async fn event(&mut self) -> (String, Event) {
        let message = self.message().await.expect("the stream has ended");
        let event = Event::decode(&message.name, &message.data).unwrap();
        (message.last_event_id, event)
    }

    pub(crate) async fn snapshot(&mut self) -> (String, Snapshot) {
        match self.event().await {
            (id, Event::Snapshot(snapshot)) => (id, snapshot),
            other => panic!("expected a snapshot, got {other:?}"),
        }
    }
}

pub(crate) fn symbol(name: &str) -> Symbol {
    name.parse().unwrap()
}

pub(crate) fn quote(name: &str, price: &str) -> Event {
    let mut quote = Quote::new(symbol(name), START);
    quote.price = Some(price.parse().unwrap());
    Event::Quote(quote)
}

pub(crate) fn session(name: &str) -> Event {
    Event::Session(Session {
        symbol: symbol(name),
        name: format!("{name} Incorporated"),
        currency: Some("USD".to_owned()),
        venue: Some("Nasdaq".to_owned()),
        source: "test".to_owned(),
        quality: Quality::Live,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: Some("100.00".parse().unwrap()),
        tick: Some("0.01".parse().unwrap()),
    })
}

pub(crate) fn news(id: &str, name: &str) -> Event {
    Event::News(News {
        id: id.to_owned(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: vec![symbol(name)],
        headline: format!("{name} does something"),
        summary: None,
        url: None,
        source: "test".to_owned(),
        published: START,
        form: None,
        accession: None,
        code: None,
    })
}

pub(crate) fn bar(name: &str, minute: u64) -> Event {
    Event::Bar(Bar {
        symbol: symbol(name),
        start: START / 60_000 * 60_000 + minute * 60_000,
        open: "1.0".parse().unwrap(),
        high: "2.0".parse().unwrap(),
        low: "0.5".parse().unwrap(),
        close: "1.5".parse().unwrap(),
        volume: "10".parse().unwrap(),
        vwap: None,
        trades: 3,
    })
}

/// A problem, after checking the properties that all of them share.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    let address = response.url().clone();
    assert_eq!(response.status().as_u16(), status, "{address}");
    let kind = &response.headers()["content-type"];
    assert_eq!(kind, "application/problem+json", "{address}");
    let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["status"], status, "{address}");
    assert_eq!(problem["type"], "about:blank", "{address}");
    for text in ["title", "detail"] {
        assert!(!problem[text].as_str().unwrap().is_empty(), "{address}");
    }
    problem
}
