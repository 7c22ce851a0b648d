//! The writer of a stream: a socket and a cursor, and as little as possible around them.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::net::TcpStream;
use tracing::debug;

use crate::{
    handover::EventStream, meter::Connected, places::Permit, respond::LAST_CHUNK,
    settings::Settings, stall::Stall,
};

/// How much of a stream the system may hold that its reader has not read. Linux doubles it, and includes its own
/// bookkeeping.
const SEND_BUFFER: usize = 32 * 1024;

/// A client has nothing to send after the request for a stream; one that sends more than this is closed.
const MAX_CHATTER: usize = 64 * 1024;

/// Writes a stream until it ends or the other end leaves. A subscriber costs the memory of this, of its cursor on the
/// tape, and of the socket.
pub(super) struct Writer {
    stream: Box<dyn EventStream>,
    tcp: TcpStream,
    unsent: Bytes,
    settings: Arc<Settings>,
    stall: Stall,
    chatter: usize,
    ending: bool,
    #[expect(dead_code, reason = "held for its drop")]
    connection: (Connected, Permit),
}

impl Writer {
    /// A writer that begins with `opening`.
    pub(super) fn new(
        stream: Box<dyn EventStream>,
        tcp: TcpStream,
        opening: Vec<u8>,
        settings: Arc<Settings>,
        connection: (Connected, Permit),
    ) -> Self {
        if let Err(error) = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER) {
            debug!(%error, "could not set the size of the send buffer");
        }
        Writer {
            stream,
            tcp,
            unsent: opening.into(),
            settings,
            stall: Stall::default(),
            chatter: 0,
            ending: false,
            connection,
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.wake();
        loop {
            if !self.unsent.is_empty() {
                match self.tcp.try_write(&self.unsent) {
                    Ok(count) => {
                        self.unsent.advance(count);
                        self.stall.end();
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if self.tcp.poll_write_ready(context)?.is_ready() {
                            continue;
                        }
                        if let Poll::Ready(error) = self.stall.poll(context, &self.settings) {
                            self.stream.ends("the client took nothing for too long");
                            self.reset();
                            return Poll::Ready(Err(error));
                        }
                        return self.poll_leave(context);
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            if self.ending {
                return Poll::Ready(Ok(()));
            }
            // The allocation must not outlast the write: most streams are idle most of the time.
            self.unsent = Bytes::new();
            match self.stream.poll_chunks(context) {
                Poll::Ready(Some(bytes)) => self.unsent = bytes,
                Poll::Ready(None) => {
                    self.ending = true;
                    self.unsent = LAST_CHUNK;
                }
                Poll::Pending => {
                    ready!(self.poll_leave(context))?;
                    // It may have closed only its half: what it has read is then complete.
                    self.ending = true;
                    self.unsent = LAST_CHUNK;
                }
            }
        }
    }

    /// Ready when the other end has left.
    fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tcp.poll_read_ready(context)?.is_ready() {
            let mut chatter = [0; 512];
            match self.tcp.try_read(&mut chatter) {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(count) => {
                    self.chatter += count;
                    if self.chatter > MAX_CHATTER {
                        return Poll::Ready(Err(io::Error::other(
                            "the other end goes on talking on a stream",
                        )));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Pending
    }

    /// Lets the system discard at once what the other end does not read.
    fn reset(&self) {
        if let Err(error) = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)) {
            debug!(%error, "could not have the connection reset");
        }
    }
}

impl Future for Writer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.poll_write(context).map(|result| {
            if let Err(error) = result {
                debug!(%error, "a stream broke off");
            }
        })
    }
}
