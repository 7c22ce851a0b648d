use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::{Message, http::Uri};

use crate::{FeedError, FrameError, Publisher};

/// The protocol of one source. It lives as long as one connection.
pub(crate) trait Protocol: Send {
    /// The address to connect to. Its query is never shown to anybody: it may hold a key.
    fn address(&self) -> Uri;

    /// Sends the first messages of a connection.
    fn greet(&mut self, _outbox: &mut Outbox) {}

    /// What has to come before the connection is of use, `an answer to the login`; `None` when
    /// nothing is missing, which is also when there is nothing to wait for.
    fn awaits(&self) -> Option<&'static str> {
        None
    }

    /// Takes a text.
    ///
    /// # Errors
    /// When the text cannot be read, or shows that the connection is of no use.
    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Heard, Fault>;

    /// What to send when nothing has come for a while, so that something comes.
    fn ping(&mut self) -> Message {
        Message::Ping(Default::default())
    }

    /// What a code of closing means, where the source gives it a meaning of its own.
    fn closed(&self, _code: u16, _reason: &str) -> Option<FeedError> {
        None
    }
}

/// What a text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The source does what it was asked for: data, a heartbeat, a subscription that stands.
    Data,
    /// A step on the way there.
    Handshake,
    /// A text of a kind that is not used.
    Unknown,
}

/// Why a text is of no use, or the whole connection.
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
    /// Adds a text behind all that waits.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.push(Message::text(text.into()));
    }

    /// Adds a message behind all that waits.
    pub(super) fn push(&mut self, message: Message) {
        self.0.push_back(message);
    }

    /// Takes the message that is sent next.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.0.pop_front()
    }
}
