//! A source with a WebSocket, played by a test: valid, invalid, or silent.
#![allow(
    dead_code,
    reason = "each file of tests is a crate of its own and uses a part"
)]

use std::{panic::Location, sync::Arc, time::Duration};

use clock::Now;
use events::{Tape, Topic};
use feeds::{Backoff, Feed, FeedContext, Skipped, Statuses, Supervisor};
use futures_util::{SinkExt, StreamExt};
use market::{Bar, Event, FeedState, FeedStatus, News, Quote, Session, Symbol};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Error, Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::CloseFrame,
    },
};
use tokio_util::sync::CancellationToken;

/// So that a test that would wait for ever fails instead, with the place where it waited.
#[track_caller]
pub(crate) fn within<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = Location::caller();
    async move {
        match timeout(Duration::from_secs(60), future).await {
            Ok(done) => done,
            Err(_) => panic!("not within 20 seconds, at {place}"),
        }
    }
}

/// The listener that a feed connects to.
pub(crate) struct SocketServer {
    listener: TcpListener,
}

impl SocketServer {
    pub(crate) async fn bind() -> Self {
        SocketServer {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    /// Its address with this path, `/stream`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.listener.local_addr().unwrap())
    }

    /// Accepts the next connection, and sends nothing.
    pub(crate) async fn hang(&self) -> TcpStream {
        within(self.listener.accept()).await.unwrap().0
    }

    /// Accepts the next connection and shakes hands.
    pub(crate) async fn accept(&self) -> Dialogue {
        let stream = self.hang().await;
        let mut path = String::new();
        #[expect(
            clippy::result_large_err,
            reason = "the callback's type is the library's"
        )]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            path = request.uri().to_string();
            Ok(response)
        };
        let socket = within(accept_hdr_async(stream, look)).await.unwrap();
        Dialogue { socket, path }
    }

    /// Answers the next connection with something else than a WebSocket: a status such as `429 Too
    /// Many Requests`, lines of headers, each with its line end, and a body.
    pub(crate) async fn answer(&self, status: &str, headers: &str, body: &str) {
        let mut stream = self.hang().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(stream.read_u8()).await.unwrap());
        }
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        // Until the feed has left, so that nothing of it is lost to a reset.
        let _ = within(stream.read_to_end(&mut head)).await;
    }
}

/// One connection of a feed.
pub(crate) struct Dialogue {
    socket: WebSocketStream<TcpStream>,
    /// The requested path and query.
    pub(crate) path: String,
}

impl Dialogue {
    /// Sends a text.
    pub(crate) async fn text(&mut self, text: impl Into<String>) {
        self.send(Message::text(text.into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within(self.socket.send(message)).await.unwrap();
    }

    /// Sends a message during which the feed may close the connection.
    pub(crate) async fn try_send(&mut self, message: Message) -> Result<(), Error> {
        within(self.socket.send(message)).await
    }

    /// The next text of the feed, parsed as JSON. Pings are answered meanwhile.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message of the feed, of any kind.
    pub(crate) async fn next(&mut self) -> Message {
        let message = within(self.socket.next()).await;
        let message = message.expect("the feed has gone").unwrap();
        within(self.socket.flush()).await.unwrap();
        message
    }

    /// Waits until the feed has read everything sent so far.
    pub(crate) async fn settled(&mut self) {
        const MARK: &[u8] = b"read so far?";
        self.send(Message::Ping(MARK.into())).await;
        loop {
            match self.next().await {
                Message::Pong(mark) if mark == MARK => return,
                Message::Close(frame) => panic!("{frame:?}"),
                _ => {}
            }
        }
    }

    /// Closes with a code and a reason.
    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        within(self.socket.close(Some(frame))).await.unwrap();
        while within(self.socket.next())
            .await
            .is_some_and(|message| message.is_ok())
        {}
    }

    /// Cuts the connection without a close frame.
    pub(crate) fn cut(self) {
        drop(self.socket.into_inner());
    }

    /// Writes bytes that need not be a frame.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        within(self.socket.get_mut().write_all(bytes))
            .await
            .unwrap();
    }

    /// Writes bytes that need not be a frame, during which the feed may close the connection.
    pub(crate) async fn try_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        within(self.socket.get_mut().write_all(bytes)).await
    }

    /// Waits until the feed has closed the connection.
    pub(crate) async fn gone(mut self) {
        while within(self.socket.next())
            .await
            .is_some_and(|message| message.is_ok())
        {}
    }
}

/// Running feeds, and the tape that they write.
pub(crate) struct Stage {
    pub(crate) tape: Tape,
    pub(crate) statuses: Statuses,
    supervisor: Supervisor,
    stop: CancellationToken,
}

impl Stage {
    /// Runs feeds whose time of receipt is always the same.
    pub(crate) fn at(now: u64, feeds: Vec<Box<dyn Feed>>) -> Self {
        Stage::new(Arc::new(move || now), feeds)
    }

    pub(crate) fn new(now: Now, feeds: Vec<Box<dyn Feed>>) -> Self {
        let limits = tape::Limits {
            entries: 100_000,
            bytes: 1 << 28,
            topic_bytes: 0,
            age_ms: u64::MAX,
        };
        let tape = Tape::new(now(), 0, limits);
        let backoff = Backoff {
            base: Duration::from_millis(2),
            cap: Duration::from_millis(10),
        };
        let stop = CancellationToken::new();
        let context = FeedContext::new(tape.clone(), now);
        let supervisor = Supervisor::start(feeds, &context, backoff, &stop);
        Stage {
            tape,
            statuses: supervisor.statuses(),
            supervisor,
            stop,
        }
    }

    /// Waits until the first feed is in this state.
    pub(crate) async fn reaches(&self, state: FeedState) -> FeedStatus {
        self.becomes(0, |status| status.state == state).await
    }

    /// Waits until the first feed is degraded for a reason with these words in it.
    pub(crate) async fn degraded(&self, words: &str) -> String {
        self.reaches_with(FeedState::Degraded, words).await
    }

    /// Waits until the first feed is in this state with these words about it.
    pub(crate) async fn reaches_with(&self, state: FeedState, words: &str) -> String {
        let is_reached = |status: &FeedStatus| {
            let detail = status.detail.as_deref().unwrap_or_default();
            status.state == state && detail.contains(words)
        };
        let waited = timeout(
            Duration::from_secs(60),
            self.statuses.wait_for(0, is_reached),
        )
        .await;
        match waited {
            Ok(status) => status.unwrap().detail.unwrap_or_default(),
            Err(_) => panic!("not {state:?}, {words:?}: {:?}", self.statuses.current()[0]),
        }
    }

    /// Waits until a condition holds for the status of the feed at this position.
    pub(crate) async fn becomes(
        &self,
        position: usize,
        condition: impl FnMut(&FeedStatus) -> bool,
    ) -> FeedStatus {
        within(self.statuses.wait_for(position, condition))
            .await
            .unwrap()
    }

    /// What the first feed has skipped.
    pub(crate) fn skipped(&self) -> Skipped {
        self.statuses.skipped()[0]
    }

    fn events<T>(&self, of: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.tape.view(|view| {
            let merging = view.conflated(&Topic::Symbols);
            let kept = view.retained(&Topic::Symbols);
            let entries = merging.chain(kept);
            entries.filter_map(|(_, entry)| of(&entry.event)).collect()
        })
    }

    /// The stories, oldest first.
    pub(crate) fn news(&self) -> Vec<News> {
        self.tape.view(|view| {
            let kept = view.retained(&Topic::AllNews).rev();
            let stories = kept.filter_map(|(_, entry)| match &*entry.event {
                Event::News(news) => Some(news.clone()),
                _ => None,
            });
            stories.collect()
        })
    }

    /// The newest quote of a symbol.
    pub(crate) fn quote(&self, symbol: &str) -> Option<Quote> {
        let symbol: Symbol = symbol.parse().unwrap();
        let quotes = self.events(|event| match event {
            Event::Quote(quote) if quote.symbol == symbol => Some(quote.clone()),
            _ => None,
        });
        quotes.into_iter().next()
    }

    /// The newest session of a symbol.
    pub(crate) fn session(&self, symbol: &str) -> Option<Session> {
        let symbol: Symbol = symbol.parse().unwrap();
        let sessions = self.events(|event| match event {
            Event::Session(session) if session.symbol == symbol => Some(session.clone()),
            _ => None,
        });
        sessions.into_iter().next()
    }

    /// All bars, in the order in which they were published.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let mut bars = self.events(|event| match event {
            Event::Bar(bar) => Some(bar.clone()),
            _ => None,
        });
        // The tape returns retained entries newest first.
        bars.reverse();
        bars
    }

    /// Stops the feeds and waits for their ends.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        within(self.supervisor.join()).await;
        for status in self.statuses.current() {
            assert!(
                matches!(status.state, FeedState::Ended | FeedState::Failed),
                "{status:?}"
            );
        }
    }
}
