use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest message that is accepted. Sources send some hundred bytes, and first snapshots of many symbols some ten
/// thousand.
pub(super) const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// The most bytes before a message is whole: the longest message in fragments of a byte, each with a head of two.
/// Fragments may be empty, so that the length of a message does not bound them.
const MAX_UNFINISHED_BYTES: usize = 4 * MAX_MESSAGE_BYTES;

/// The bytes of the incomplete message.
#[derive(Debug, Clone, Default)]
pub(super) struct Unfinished(Arc<AtomicUsize>);

impl Unfinished {
    /// The message is whole.
    pub(super) fn finish(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// A control frame with a payload of this many bytes came in between. Its head has two bytes, up to 125 of payload.
    pub(super) fn leave_out(&self, payload: usize) {
        let count = self.0.load(Ordering::Relaxed);
        self.0
            .store(count.saturating_sub(payload + 2), Ordering::Relaxed);
    }
}

/// A stream that breaks off if its peer never finishes a message.
pub(super) struct Bounded<S> {
    stream: S,
    unfinished: Unfinished,
}

impl<S> Bounded<S> {
    pub(super) fn new(stream: S, unfinished: Unfinished) -> Self {
        Bounded { stream, unfinished }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        let count = self.unfinished.0.fetch_add(read, Ordering::Relaxed) + read;
        Poll::Ready(match count > MAX_UNFINISHED_BYTES {
            false => Ok(()),
            true => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("more than {MAX_UNFINISHED_BYTES} bytes without a whole message"),
            )),
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
