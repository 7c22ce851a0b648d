//! A client that has access to every byte.

use std::{net::SocketAddr, time::Duration};

use market::{
    Event,
    sse::{Decoder, Message},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::Server;

/// Ends a test that hangs. However slow a machine is, nothing takes as long.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) const PLAIN: &str =
    "GET /stocks/GOOG HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\n\r\n";

pub(crate) const STREAM: &str =
    "GET /stocks/GOOG HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\n\r\n";

/// A stream that hyper writes.
pub(crate) const OLD_STREAM: &str =
    "GET /stocks/GOOG HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n";

pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(TEST_TIMEOUT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took too long"),
    }
}

/// Waits until a condition holds that nothing signals.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    patiently(what, waiting).await;
}

/// The part before a body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) version: String,
    pub(crate) status: u16,
    /// In the order of arrival, the names in lower case.
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().filter(|(other, _)| other == name);
        let found = fields.next().map(|(_, value)| value.as_str());
        assert!(fields.next().is_none(), "{name} comes twice: {self:?}");
        found
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Checks the properties that all problems share.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.head.status, status, "{self:?}");
        let kind = self.head.field("content-type");
        assert_eq!(kind, Some("application/problem+json"));
        let id = self.head.field("x-request-id").unwrap_or_default();
        assert!(!id.is_empty(), "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], status);
        problem
    }
}

/// A connection.
pub(crate) struct Raw {
    pub(crate) tcp: TcpStream,
    unread: Vec<u8>,
    chunked: bool,
    decoder: Decoder,
    messages: Vec<Message>,
    /// How many bytes of the stream were read.
    pub(crate) taken: usize,
    /// The events that were read, in order.
    pub(crate) ids: Vec<String>,
}

impl Raw {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::of(TcpStream::connect(server.address).await.unwrap())
    }

    /// With a receive buffer of so many bytes, as the system understands it.
    pub(crate) async fn with_buffer(address: SocketAddr, bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(bytes).unwrap();
        Self::of(socket.connect(address).await.unwrap())
    }

    pub(crate) fn of(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).unwrap();
        Raw {
            tcp,
            unread: Vec::new(),
            chunked: false,
            decoder: Decoder::new(),
            messages: Vec::new(),
            taken: 0,
            ids: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) -> &mut Self {
        self.tcp.write_all(text.as_bytes()).await.unwrap();
        self
    }

    /// Signals the end of input, as `nc -N` does.
    pub(crate) async fn half_close(&mut self) -> &mut Self {
        self.tcp.shutdown().await.unwrap();
        self
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> bool {
        let read = patiently("reading", self.tcp.read_buf(&mut self.unread)).await;
        read.unwrap() > 0
    }

    /// Returns bytes to be read again.
    pub(crate) fn put_back(&mut self, bytes: Vec<u8>) {
        self.unread.splice(0..0, bytes);
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(self.fill().await, "it ends early: {:?}", self.text());
        }
        self.unread.drain(..count).collect()
    }

    async fn through(&mut self, end: &str) -> String {
        let found = loop {
            let mut windows = self.unread.windows(end.len());
            match windows.position(|part| part == end.as_bytes()) {
                Some(at) => break at + end.len(),
                None => assert!(self.fill().await, "it ends early: {:?}", self.text()),
            }
        };
        String::from_utf8(self.take(found).await).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    pub(crate) async fn head(&mut self) -> Head {
        let text = self.through("\r\n\r\n").await;
        let mut lines = text.trim_end().split("\r\n");
        let mut first = lines.next().unwrap().splitn(3, ' ');
        let head = Head {
            version: first.next().unwrap().to_owned(),
            status: first.next().unwrap().parse().unwrap(),
            fields: lines
                .map(|line| {
                    let (name, value) = line.split_once(": ").unwrap();
                    (name.to_ascii_lowercase(), value.to_owned())
                })
                .collect(),
        };
        self.chunked = head.field("transfer-encoding") == Some("chunked");
        head
    }

    /// The head of an answer, or the end of the connection, in whatever way.
    pub(crate) async fn head_or_end(&mut self) -> Option<Head> {
        let read = patiently("reading", self.tcp.read_buf(&mut self.unread)).await;
        match read {
            Err(_) | Ok(0) if self.unread.is_empty() => None,
            _ => Some(self.head().await),
        }
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let mut body = Vec::new();
        if self.chunked {
            while let Some(chunk) = self.chunk().await {
                body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = head.field("content-length") {
            body = self.take(length.parse().unwrap()).await;
        } else {
            while self.fill().await {}
            body.append(&mut self.unread);
        }
        Answer { head, body }
    }

    /// The next part of a body, a chunk where there are any; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        if !self.chunked {
            if self.unread.is_empty() && !self.fill().await {
                return None;
            }
            return Some(std::mem::take(&mut self.unread));
        }
        let size = self.through("\r\n").await;
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut chunk = self.take(size + 2).await;
        assert!(chunk.ends_with(b"\r\n"), "{chunk:?}");
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    /// The next event of a stream; `None` at its clean end.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        while self.messages.is_empty() {
            let chunk = self.chunk().await?;
            self.taken += chunk.len();
            let messages = &mut self.messages;
            self.decoder.push(&chunk, |message| messages.push(message));
        }
        let message = self.messages.remove(0);
        let event = Event::decode(&message.name, &message.data).unwrap();
        self.ids.push(message.last_event_id);
        Some(event)
    }

    /// Opens a stream, up to its snapshot.
    pub(crate) async fn open(&mut self, request: &str) -> Event {
        let head = self.send(request).await.head().await;
        assert_eq!(head.status, 200, "{head:?}");
        let event = self.event().await.expect("the stream ends");
        assert!(matches!(event, Event::Snapshot(_)), "{event:?}");
        event
    }

    /// The end of the connection, before which nothing else comes.
    pub(crate) async fn closed(&mut self) {
        let more = self.fill().await;
        assert!(!more && self.unread.is_empty(), "{:?}", self.text());
    }
}

/// The request for the stream after an id.
pub(crate) fn resume(id: &str) -> String {
    STREAM.replace("Host: here", &format!("Host: here\r\nLast-Event-ID: {id}"))
}
