use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::{Message, http::Uri};

use crate::{FeedError, FrameError, Publisher};

/// The protocol of one source. It lives as long as one connection.
pub(crate) trait Protocol: Send {
    /// The address to connect to. Its query is never shown: it may contain a key.
    fn address(&self) -> Uri;

    /// Sends the first messages of a connection.
    fn greet(&mut self, _outbox: &mut Outbox) {}

    /// What must arrive before the connection is useful, `an answer to the login`; `None` when nothing is missing,
    /// which is also when there is nothing to wait for.
    fn awaits(&self) -> Option<&'static str> {
        None
    }

    /// Handles a text.
    ///
    /// # Errors
    /// If the text is invalid, or shows that the connection is useless.
    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Received, Fault>;

    /// What to send after a silence, so that the source responds.
    fn ping(&mut self) -> Message {
        Message::Ping(Default::default())
    }

    /// The meaning of a close code, if the source gives it one of its own.
    fn closed(&self, _code: u16, _reason: &str) -> Option<FeedError> {
        None
    }
}

/// The result of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// The source works as requested: data, a heartbeat, a confirmed subscription.
    Data,
    /// A step on the way there.
    Handshake,
    /// A text of a kind that is not used.
    Unknown,
}

/// Why a text is useless, or the whole connection.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The text alone.
    Frame(FrameError),
    /// The connection.
    Feed(FeedError),
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Fault::Frame(error)
    }
}

impl From<FeedError> for Fault {
    fn from(error: FeedError) -> Self {
        Fault::Feed(error)
    }
}

/// The messages that a protocol sends next, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<Message>);

impl Outbox {
    /// Adds a text behind all waiting ones.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.push(Message::text(text.into()));
    }

    /// Adds a message behind all waiting ones.
    pub(super) fn push(&mut self, message: Message) {
        self.0.push_back(message);
    }

    /// Takes the next message to send.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.0.pop_front()
    }
}
