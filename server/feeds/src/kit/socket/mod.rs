//! The WebSocket connection of a feed ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455)), for any protocol on it.
//!
//! [`run`] makes one connection and holds it until it breaks, falls silent or has lived long enough. A [`Protocol`] has
//! what is particular to a source: the address, the first messages, the meaning of a text. Any other message is counted
//! or ends the connection, and has no other effect.

mod bounded;
mod connect;
mod protocol;
mod rate;
mod refusal;
mod text;
mod timeouts;

use std::{future::pending, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    pin, select,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_tungstenite::tungstenite::{self, Message};

use self::{
    bounded::Unfinished,
    connect::{Socket, connect},
    rate::Rate,
    refusal::closed,
};
use crate::{
    End, FeedError, Publisher, Recorder,
    kit::wire::{Played, Wire},
};

pub use self::timeouts::Timeouts;
pub(crate) use self::{
    protocol::{Fault, Outbox, Protocol, Received},
    text::{shown, words},
    timeouts::ConnectBudget,
};

/// The most pings and pongs a second. Sources send one ping in some seconds.
const MAX_PINGS: u32 = 1_000;

/// The most useless messages a second, in the long run and at once. Unused channels of some ten products bring 650
/// within a second, and messages that were delayed meanwhile arrive at once.
const MAX_USELESS: (u32, u32) = (1_000, 20_000);

/// After so many invalid frames in a row the connection is given up: another one may be better.
const MAX_WRONG: u32 = 100;

/// Makes a connection and holds it.
///
/// # Errors
/// If there is no connection or it ends. It is [`FeedError::Fatal`] only if the source is explicit about it, by its
/// response to the connection or by a text that the [`Protocol`] recognises.
pub(crate) async fn run(
    protocol: &mut dyn Protocol,
    timeouts: Timeouts,
    publisher: &Publisher,
) -> Result<End, FeedError> {
    let address = protocol.address();
    let shown = shown(&address);
    let recorder = match publisher.wire() {
        Wire::Live(recorder) => recorder,
        Wire::Played(played) => return play(protocol, &played, &shown, publisher).await,
    };
    let (socket, unfinished) = connect(address, timeouts, &shown, publisher).await?;
    let mut outbox = Outbox::default();
    let recording = recorder.map(|recorder| (recorder.connected(&shown), recorder));
    protocol.greet(&mut outbox);
    let connection = Connection {
        protocol,
        publisher,
        timeouts,
        socket,
        outbox,
        inbox: Inbox {
            unfinished,
            recording,
            wrong: 0,
            pings: Rate::new(MAX_PINGS, MAX_PINGS, "pings"),
            useless: Rate::new(MAX_USELESS.0, MAX_USELESS.1, "useless messages"),
        },
    };
    connection.hold().await
}

/// An established connection.
struct Connection<'a> {
    protocol: &'a mut dyn Protocol,
    publisher: &'a Publisher,
    timeouts: Timeouts,
    socket: Socket,
    outbox: Outbox,
    inbox: Inbox,
}

/// What has been received on a connection, as far as it is counted or recorded.
struct Inbox {
    unfinished: Unfinished,
    /// The number of the connection in a recording, and its recorder.
    recording: Option<(u64, Arc<Recorder>)>,
    /// How many texts in a row were invalid.
    wrong: u32,
    pings: Rate,
    useless: Rate,
}

impl Connection<'_> {
    async fn hold(mut self) -> Result<End, FeedError> {
        let timeouts = self.timeouts;
        let ping = timeouts.ping.min(timeouts.silence / 2);
        self.publisher.expect_every(ping);
        let mut opening = None;
        let renewal = sleep(timeouts.lifetime);
        pin!(renewal);
        let mut last_receipt = Instant::now();
        let mut pinged = last_receipt;
        loop {
            self.send_all(last_receipt).await?;
            let awaits = self.protocol.awaits();
            let due = match awaits {
                Some(_) => *opening.get_or_insert_with(|| Instant::now() + timeouts.opening),
                None => {
                    opening = None;
                    last_receipt
                }
            };
            select! {
                message = self.socket.next() => {
                    last_receipt = Instant::now();
                    self.receive(message, last_receipt)?;
                }
                () = sleep_until(last_receipt + timeouts.silence) => {
                    let why = format_args!("silence for {:?}", timeouts.silence);
                    return Err(FeedError::transient(&why));
                }
                () = sleep_until(last_receipt.max(pinged) + ping) => {
                    pinged = Instant::now();
                    self.outbox.push(self.protocol.ping());
                }
                () = sleep_until(due), if awaits.is_some() => {
                    let what = awaits.unwrap_or_default();
                    let why = format_args!("{what} did not come within {:?}", timeouts.opening);
                    return Err(FeedError::transient(&why));
                }
                () = &mut renewal => return Ok(End::Renew),
            }
        }
    }

    /// Takes the next message, or the end of the connection.
    fn receive(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
        now: Instant,
    ) -> Result<(), FeedError> {
        self.publisher.record_receipt();
        let inbox = &mut self.inbox;
        match message {
            Some(Ok(Message::Text(text))) => {
                inbox.finish(text.as_bytes());
                let (protocol, outbox) = (&mut *self.protocol, &mut self.outbox);
                if !take(protocol, &text, self.publisher, outbox, &mut inbox.wrong)? {
                    inbox.useless.one_more(now)?;
                }
                Ok(())
            }
            Some(Ok(Message::Close(frame))) => Err(closed(self.protocol, frame)),
            // Tungstenite answers a ping with the next read or write.
            Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => {
                inbox.unfinished.leave_out(bytes.len());
                inbox.pings.one_more(now)
            }
            Some(Ok(Message::Binary(bytes))) => {
                inbox.finish(&bytes);
                self.publisher.ignore();
                inbox.useless.one_more(now)
            }
            Some(Ok(Message::Frame(_))) => Ok(()),
            Some(Err(error)) => Err(broken(&error)),
            None => Err(FeedError::transient(&"the connection broke")),
        }
    }

    /// Sends the messages in the outbox.
    async fn send_all(&mut self, last_receipt: Instant) -> Result<(), FeedError> {
        let silence = self.timeouts.silence;
        while let Some(message) = self.outbox.pop() {
            match timeout_at(last_receipt + silence, self.socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(broken(&error)),
                Err(_) => {
                    let why = format_args!("it takes nothing for {silence:?}");
                    return Err(FeedError::transient(&why));
                }
            }
        }
        Ok(())
    }
}

impl Inbox {
    /// A message is whole.
    fn finish(&self, bytes: &[u8]) {
        self.unfinished.finish();
        if let Some((connection, recorder)) = &self.recording {
            recorder.message(*connection, bytes);
        }
    }
}

fn broken(error: &tungstenite::Error) -> FeedError {
    FeedError::transient(&format_args!("the connection broke: {error}"))
}

/// Handles a text, and gives the connection up after too many invalid ones. Returns whether it was useful.
fn take(
    protocol: &mut dyn Protocol,
    text: &str,
    publisher: &Publisher,
    outbox: &mut Outbox,
    wrong: &mut u32,
) -> Result<bool, FeedError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut is_of_use = true;
    match protocol.read(text, publisher, outbox) {
        Ok(Received::Data) => publisher.live(),
        Ok(Received::Handshake) => {}
        Ok(Received::Unknown) => {
            publisher.ignore();
            is_of_use = false;
        }
        Err(Fault::Feed(error)) => return Err(error),
        Err(Fault::Frame(error)) => {
            publisher.wrong(&error);
            *wrong += 1;
            if *wrong == MAX_WRONG {
                return Err(FeedError::Transient(format!(
                    "{wrong} messages in a row cannot be read: {error}"
                )));
            }
            return Ok(false);
        }
    }
    *wrong = 0;
    Ok(is_of_use)
}

/// Receives the messages of a recorded connection. Messages that the protocol would send are dropped.
async fn play(
    protocol: &mut dyn Protocol,
    played: &Played,
    shown: &str,
    publisher: &Publisher,
) -> Result<End, FeedError> {
    let Some(connection) = played.connected(shown).await else {
        // The recording is over, which its player notices.
        return pending().await;
    };
    let mut wrong = 0;
    protocol.greet(&mut Outbox::default());
    while let Some(bytes) = played.message(connection, shown).await {
        publisher.record_receipt();
        let outbox = &mut Outbox::default();
        match bytes.as_deref().map(std::str::from_utf8) {
            Ok(Ok(text)) => {
                take(protocol, text, publisher, outbox, &mut wrong)?;
            }
            Ok(Err(_)) => publisher.ignore(),
            Err(error) => publisher.wrong(error),
        }
    }
    Ok(End::Renew)
}
