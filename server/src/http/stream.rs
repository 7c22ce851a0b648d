//! A stream: a cursor, read as Server-Sent Events.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use front::{EventStream, StreamSender};
use http_body::Frame as BodyFrame;
use market::{Event, Frame, Heartbeat, Millis};
use tape::EventId;
use tokio::time::{Instant, Sleep};

use crate::http::{
    admission::Admission, market_view, opening, selection::Selection, service::Service,
};
use events::{Cursor, Delivery, put_chunk};

/// The most that one write carries: as much as a socket accepts at once, so that events that a slow reader has not read
/// are still on the tape, where newer quotes supersede them.
const WRITE_BYTES: usize = 16 * 1024;

/// The bounds of the reconnection time sent to clients, in milliseconds: spread, so that clients do not come back all
/// at once after a restart.
const RETRY: std::ops::Range<u64> = 1_000..3_000;

/// The random part of a stream's lifetime, so that streams that began together do not end together.
const LIFETIME_JITTER: f64 = 0.2;

/// The lifetime of a stream with this maximum.
fn lasts(lifetime: Duration) -> Duration {
    lifetime.mul_f64(1.0 - LIFETIME_JITTER * fastrand::f64())
}

thread_local! {
    /// The buffer that a read fills and its write empties, kept for its allocation: one per thread, not per stream.
    static DELIVERIES: RefCell<Vec<Delivery>> = const { RefCell::new(Vec::new()) };
}

/// How the bytes of a stream are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Not at all: the sender frames them.
    Plain,
    /// As chunks of HTTP/1.1.
    Chunked,
}

/// Opens the stream of a selection: after `last_event_id` if that is on the tape, and otherwise from a snapshot. A
/// connection that writes streams itself receives it through `writer`; otherwise it is the body of the response.
pub(crate) fn open(
    service: &Arc<Service>,
    selection: Selection,
    last_event_id: Option<&str>,
    admission: Admission,
    writer: Option<&StreamSender>,
) -> Response {
    let (cursor, snapshot) = start(service, &selection, last_event_id);
    let opening = match snapshot {
        Some(snapshot) => Start::Snapshot(snapshot.frame),
        None => Start::Resumed,
    };
    let now = Instant::now();
    let heartbeat_at = now + service.heartbeat;
    let stream = Box::new(Stream {
        ends_at: service.lifetime.map(|lifetime| now + lasts(lifetime)),
        service: Arc::clone(service),
        measures: selection.min_interval.is_none(),
        selection: Box::new(selection),
        admission,
        cursor,
        opening: Some(opening),
        timer: Box::pin(tokio::time::sleep_until(heartbeat_at)),
        rings_at: heartbeat_at,
        waits: false,
        read: false,
        heartbeat_at,
        due: None,
        closing: false,
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (header::VARY, "accept"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    match writer {
        Some(writer) => {
            writer.send(stream);
            (headers, Body::empty()).into_response()
        }
        None => (headers, Body::new(StreamBody(stream))).into_response(),
    }
}

/// The snapshot that a stream or a poll begins with.
pub(crate) struct Opening {
    /// Its id, if the client needs nothing else up to there.
    pub(crate) id: Option<EventId>,
    pub(crate) frame: Bytes,
    pub(crate) data: Bytes,
}

/// A cursor, and the snapshot to begin with: of everything if the client does not continue on the tape, and otherwise
/// of the symbols that it has added.
pub(crate) fn start(
    service: &Service,
    selection: &Selection,
    last_event_id: Option<&str>,
) -> (Cursor, Option<Opening>) {
    let requested = last_event_id.filter(|id| !id.is_empty());
    let resumed = requested
        .and_then(|id| id.parse::<EventId>().ok())
        .and_then(|id| {
            let topics = selection.topics();
            service
                .tape
                .resume(&topics, id, selection.min_interval)
                .ok()
        });
    match resumed {
        Some(cursor) => {
            let opening = added(service, selection, cursor.position());
            (cursor, opening)
        }
        None => {
            let (cursor, taken) = opening::open(service, selection, requested.is_some());
            let opening = Opening {
                id: Some(taken.position),
                frame: taken.frame,
                data: taken.data,
            };
            (cursor, Some(opening))
        }
    }
}

/// The snapshot of the symbols that a resuming client has added. It has no id, because the client is not at that
/// position for the others.
fn added(service: &Service, selection: &Selection, position: EventId) -> Option<Opening> {
    let selection = selection.of_added()?;
    let (feeds, now) = (service.feed_statuses(), service.now());
    let snapshot = market_view::snapshot(
        &service.tape,
        &service.remembered,
        &selection,
        position,
        feeds,
        now,
        false,
    );
    let frame = snapshot.frame(None);
    Some(Opening {
        id: None,
        frame: frame.bytes(),
        data: frame.data(),
    })
}

/// How a stream begins.
enum Start {
    /// With this frame of a snapshot.
    Snapshot(Bytes),
    /// With the events after the client's position, or with a heartbeat.
    Resumed,
}

/// The fields before those of a stream's first event. They are no event of their own: some clients would deliver it,
/// empty.
pub(crate) fn greeting() -> String {
    format!(": tickertape\nretry: {}\n", fastrand::u64(RETRY))
}

/// A cursor that writes its events.
struct Stream {
    service: Arc<Service>,
    // Boxed, because it is only needed when the cursor falls off the tape.
    selection: Box<Selection>,
    admission: Admission,
    /// Whether the time from append to write measures the server: with a rate that the client chose, it does not.
    measures: bool,
    cursor: Cursor,
    /// The first bytes to send.
    opening: Option<Start>,
    /// Wakes at the heartbeat, when an entry that `max_rate` held back is due, or at the stream's end; also too early,
    /// if the time it was set for has been postponed since.
    timer: Pin<Box<Sleep>>,
    /// When the timer fires, so that the timer itself need not be read.
    rings_at: Instant,
    /// Whether the timer will wake the stream's task.
    waits: bool,
    /// Whether the cursor has read everything and waits since this poll began.
    read: bool,
    heartbeat_at: Instant,
    /// When an entry that `max_rate` holds back may be sent.
    due: Option<Instant>,
    ends_at: Option<Instant>,
    /// Whether the stream has noticed that the server is about to stop, and set `ends_at` for that.
    closing: bool,
}

impl EventStream for Stream {
    fn wake(&mut self) {
        self.read = false;
    }

    fn poll_chunks(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.poll_next(context, Framing::Chunked)
    }

    fn ends(&mut self, reason: &'static str) {
        self.admission.end = reason;
    }
}

impl Stream {
    /// The bytes to send now, as one write; `None` when the stream has ended. Within one poll of its task
    /// ([`EventStream::wake`]) it may be called repeatedly.
    fn poll_next(&mut self, context: &mut Context<'_>, framing: Framing) -> Poll<Option<Bytes>> {
        match self.opening.take() {
            Some(Start::Snapshot(frame)) => {
                let opening = [greeting().as_bytes(), &*frame].concat();
                return Poll::Ready(Some(framed(opening.into(), framing)));
            }
            Some(Start::Resumed) => return Poll::Ready(Some(self.resumed(context, framing))),
            None => {}
        }
        loop {
            let now = Instant::now();
            if let Some(within) = self.service.closing.within()
                && !self.closing
            {
                self.closing = true;
                self.admission.end = "the server shuts down";
                let end = now + within.mul_f64(fastrand::f64());
                self.ends_at = Some(self.ends_at.map_or(end, |at| at.min(end)));
            }
            let over = self.ends_at.is_some_and(|at| at <= now);
            if over && !self.closing {
                self.admission.end = "it has lasted as long as a stream may";
                return Poll::Ready(None);
            }
            if !self.read {
                let wall = self.service.now();
                if let Poll::Ready(bytes) = self.poll_cursor(context, now, wall, framing) {
                    self.heartbeat_at = now + self.service.heartbeat;
                    self.read = self.cursor.waits();
                    return Poll::Ready(Some(bytes));
                }
                self.due = self
                    .cursor
                    .due()
                    .map(|due| now + Duration::from_millis(due.saturating_sub(wall).max(1)));
            }
            // When the server stops, the feeds have ended, and there may be no tape to come back to: all of it is sent
            // first.
            if over {
                return Poll::Ready(None);
            }
            if self.heartbeat_at <= now {
                self.heartbeat_at = now + self.service.heartbeat;
                let time = self.service.now();
                let event = Event::Heartbeat(Heartbeat { time });
                let frame = Frame::new(None, &event).bytes();
                return Poll::Ready(Some(framed(frame, framing)));
            }
            let wake_at = [self.due, self.ends_at]
                .into_iter()
                .flatten()
                .fold(self.heartbeat_at, Instant::min);
            // A timer that fires too early costs one check; resetting it with each event costs more.
            if self.rings_at > wake_at || self.rings_at <= now {
                self.timer.as_mut().reset(wake_at);
                self.rings_at = wake_at;
                self.waits = false;
            }
            if self.waits {
                return Poll::Pending;
            }
            if self.timer.as_mut().poll(context).is_pending() {
                self.waits = true;
                return Poll::Pending;
            }
        }
    }

    /// The first write of a stream that resumes: the events since then, or a heartbeat, so that the client has an event
    /// to read and proxies pass the stream on.
    fn resumed(&mut self, context: &mut Context<'_>, framing: Framing) -> Bytes {
        let now = Instant::now();
        let wall = self.service.now();
        let first = match self.poll_cursor(context, now, wall, framing) {
            Poll::Ready(bytes) => bytes,
            Poll::Pending => {
                let event = Event::Heartbeat(Heartbeat { time: wall });
                framed(Frame::new(None, &event).bytes(), framing)
            }
        };
        let greeting = framed(greeting().into(), framing);
        [greeting, first].concat().into()
    }

    /// The cursor's next events.
    fn poll_cursor(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        wall: Millis,
        framing: Framing,
    ) -> Poll<Bytes> {
        DELIVERIES.with_borrow_mut(|deliveries| {
            match self
                .cursor
                .poll_read_ahead(context, wall, WRITE_BYTES, deliveries)
            {
                Poll::Ready(Ok(())) => {
                    let events = deliveries.len() as u64;
                    let metrics = &self.service.metrics;
                    if self.measures {
                        let now = now.into_std();
                        for delivery in deliveries.iter() {
                            let appended = delivery.payload.appended;
                            // Entries from before the stream do not measure its delay.
                            if appended >= self.admission.opened {
                                metrics.delay(now.saturating_duration_since(appended));
                            }
                        }
                    }
                    let bytes = joined(deliveries, framing);
                    metrics.delivered(events, bytes.len() as u64);
                    self.admission.delivered += events;
                    Poll::Ready(bytes)
                }
                Poll::Ready(Err(_)) => {
                    self.service.metrics.reset();
                    let service = &self.service;
                    let (cursor, taken) = opening::open(service, &self.selection, true);
                    self.cursor = cursor;
                    Poll::Ready(framed(taken.frame, framing))
                }
                Poll::Pending => Poll::Pending,
            }
        })
    }
}

fn framed(frame: Bytes, framing: Framing) -> Bytes {
    match framing {
        Framing::Plain => frame,
        Framing::Chunked => {
            let mut chunk = Vec::with_capacity(frame.len() + 12);
            put_chunk(&mut chunk, &frame);
            chunk.into()
        }
    }
}

/// The deliveries as one write: the tape's own bytes for one, a copy for several, because one write costs more than the
/// copy.
fn joined(deliveries: &mut Vec<Delivery>, framing: Framing) -> Bytes {
    let bytes_of = |delivery: &Delivery| {
        let chunk = delivery.payload.chunk();
        match (delivery.in_order, framing) {
            (true, Framing::Chunked) => chunk.framed().clone(),
            (true, Framing::Plain) => chunk.frame(),
            (false, _) => framed(chunk.frame_without_id(), framing),
        }
    };
    let bytes = match deliveries.as_slice() {
        [only] => bytes_of(only),
        several => {
            let size = several
                .iter()
                .map(|delivery| delivery.payload.chunk().framed().len())
                .sum();
            let mut all = Vec::with_capacity(size);
            for delivery in several {
                all.extend_from_slice(&bytes_of(delivery));
            }
            all.into()
        }
    };
    deliveries.clear();
    bytes
}

/// The stream as the body of a response, for requests that hyper answers.
struct StreamBody(Box<Stream>);

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
        self.0.wake();
        let next = self.0.poll_next(context, Framing::Plain);
        next.map(|bytes| bytes.map(|bytes| Ok(BodyFrame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_begin_together_do_not_end_together() {
        let most = Duration::from_secs(100);
        let mut ends = [0; 20];
        for _ in 0..2_000 {
            let lasts = lasts(most);
            assert!((most * 4 / 5..=most).contains(&lasts), "{lasts:?}");
            let second = (lasts.as_secs() - 80).min(19);
            ends[second as usize] += 1;
        }
        // A hundred in each second, give or take ten: fewer than forty come once in some ten million runs.
        assert!(ends.iter().all(|count| *count >= 40), "{ends:?}");
    }
}
