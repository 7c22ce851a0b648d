//! Handing a stream over from the router to the connection that writes it.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    task::{Context, Poll},
};

use bytes::Bytes;

/// A stream that a connection writes itself.
pub trait EventStream: Send {
    /// Begins a poll of the task that writes the stream: anything that the stream waits for may have woken it.
    fn wake(&mut self);

    /// The bytes to write now, as chunks of HTTP/1.1; `None` when the stream has ended. Within one poll of the task
    /// ([`EventStream::wake`]) it may be called repeatedly.
    fn poll_chunks(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// Records for the log why the stream ends, if it does not end by itself.
    fn ends(&mut self, reason: &'static str);
}

/// An extension of a request whose connection writes a stream itself. A handler that answers with a stream sends
/// it here, and leaves the body of its response empty.
#[derive(Clone)]
pub struct StreamSender(SyncSender<Box<dyn EventStream>>);

/// The place of the stream once the router has answered.
pub struct StreamReceiver(Receiver<Box<dyn EventStream>>);

/// A channel for the one stream of a request.
pub fn handover() -> (StreamSender, StreamReceiver) {
    let (sender, receiver) = sync_channel(1);
    (StreamSender(sender), StreamReceiver(receiver))
}

impl StreamSender {
    /// Hands the stream over. A stream whose receiver is gone ends.
    pub fn send(&self, stream: Box<dyn EventStream>) {
        let _ = self.0.try_send(stream);
    }
}

impl StreamReceiver {
    /// The stream, if the request was answered with one.
    pub fn take(self) -> Option<Box<dyn EventStream>> {
        self.0.try_recv().ok()
    }
}
