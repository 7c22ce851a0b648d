//! A stream: a cursor, written as Server-Sent Events.

use std::{
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
use bytes::{Bytes, BytesMut};
use http_body::Frame as BodyFrame;
use market::{Event, Frame, Heartbeat};
use tape::EventId;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    Service,
    admission::Admission,
    market_view::{self, View},
    selection::Selection,
};
use crate::{Cursor, Delivery};

/// How long a stream may be silent before it says that it lives, as the page expects it.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// What one write carries at the most: as much as a socket takes at once, so that what a slow
/// reader has not taken is still on the tape, where newer quotes supersede it.
const WRITE_BYTES: usize = 16 * 1024;

/// The bounds of the reconnection time that clients are told, in milliseconds: spread, so that a
/// restart is no stampede.
const RETRY: std::ops::Range<u64> = 1_000..3_000;

/// Opens the stream of a selection: after `last_event_id` where that is on the tape, and else from
/// a snapshot.
pub(crate) fn open(
    service: &Arc<Service>,
    selection: &Selection,
    last_event_id: Option<&str>,
    admission: Admission,
) -> Response {
    let (cursor, opening) = start(service, selection, last_event_id);
    let mut first =
        BytesMut::from(format!(": tickertape\nretry: {}\n\n", fastrand::u64(RETRY)).as_bytes());
    if let Some(snapshot) = opening {
        let frame = Frame::new(Some(&cursor.position()), &snapshot);
        first.extend_from_slice(&frame.bytes());
    }
    let body = StreamBody {
        service: service.clone(),
        selection: selection.clone(),
        cursor,
        admission,
        first: Some(first.freeze()),
        deliveries: Vec::new(),
        timer: Box::pin(tokio::time::sleep(service.heartbeat)),
        heartbeat_at: Instant::now() + service.heartbeat,
        shutdown: Box::pin(service.shutdown.clone().cancelled_owned()),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (header::VARY, "accept"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::new(body)).into_response()
}

/// A cursor, and the snapshot to open with where the client does not continue on the tape.
pub(crate) fn start(
    service: &Service,
    selection: &Selection,
    last_event_id: Option<&str>,
) -> (Cursor, Option<Event>) {
    let asked = last_event_id.filter(|id| !id.is_empty());
    let resumed = asked
        .and_then(|id| id.parse::<EventId>().ok())
        .and_then(|id| {
            let topics = selection.topics();
            service
                .tape
                .resume(&topics, id, selection.min_interval)
                .ok()
        });
    match resumed {
        Some(cursor) => (cursor, None),
        None => {
            let topics = selection.topics();
            let (mut cursor, snapshot) = service.tape.open(&topics, |view| {
                snapshot(service, selection, asked.is_some(), view)
            });
            cursor.set_min_interval(selection.min_interval);
            (cursor, Some(snapshot))
        }
    }
}

fn snapshot(service: &Service, selection: &Selection, reset: bool, view: &View<'_>) -> Event {
    Event::Snapshot(market_view::snapshot(
        view,
        selection,
        service.feed_statuses(),
        service.now(),
        reset,
    ))
}

struct StreamBody {
    service: Arc<Service>,
    selection: Selection,
    cursor: Cursor,
    admission: Admission,
    first: Option<Bytes>,
    /// Filled and emptied in one poll; kept for its allocation.
    deliveries: Vec<Delivery>,
    /// Rings at the heartbeat or when an entry that `max_rate` held back is due, whichever is first.
    timer: Pin<Box<Sleep>>,
    heartbeat_at: Instant,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl StreamBody {
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        if self.shutdown.as_mut().poll(context).is_ready() {
            self.admission.end = "the server shuts down";
            return Poll::Ready(None);
        }
        loop {
            let now = self.service.now();
            match self
                .cursor
                .poll_read(context, now, WRITE_BYTES, &mut self.deliveries)
            {
                Poll::Ready(Ok(())) => {
                    self.count_delays();
                    let events = self.deliveries.len() as u64;
                    let bytes = joined(&mut self.deliveries);
                    self.service.metrics.delivered(events, bytes.len() as u64);
                    self.admission.delivered += events;
                    return Poll::Ready(Some(bytes));
                }
                Poll::Ready(Err(_)) => {
                    self.service.metrics.reset();
                    let snapshot = self
                        .cursor
                        .restart(|view| snapshot(&self.service, &self.selection, true, view));
                    let frame = Frame::new(Some(&self.cursor.position()), &snapshot);
                    return Poll::Ready(Some(frame.bytes()));
                }
                Poll::Pending => {}
            }
            let due = self
                .cursor
                .due()
                .map(|due| Instant::now() + Duration::from_millis(due.saturating_sub(now).max(1)));
            let wake_at = due.map_or(self.heartbeat_at, |due| due.min(self.heartbeat_at));
            if self.timer.deadline() != wake_at {
                self.timer.as_mut().reset(wake_at);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= self.heartbeat_at {
                let heartbeat = Heartbeat {
                    time: self.service.now(),
                };
                return Poll::Ready(Some(Frame::new(None, &Event::Heartbeat(heartbeat)).bytes()));
            }
        }
    }
}

impl StreamBody {
    /// Counts how long the events that are about to be written have been on the tape; not those that
    /// were there before the stream was, nor any that `max_rate` may have held back.
    fn count_delays(&self) {
        if self.selection.min_interval.is_some() {
            return;
        }
        let now = std::time::Instant::now();
        for delivery in &self.deliveries {
            let appended = delivery.payload.appended;
            if appended >= self.admission.opened {
                self.service.metrics.delay(now.duration_since(appended));
            }
        }
    }
}

/// The deliveries as one write: the tape's own bytes where there is one, a copy where several are
/// joined, because one write costs more than the copy.
fn joined(deliveries: &mut Vec<Delivery>) -> Bytes {
    let bytes_of = |delivery: &Delivery| {
        if delivery.in_order {
            delivery.payload.frame.bytes()
        } else {
            delivery.payload.frame.bytes_without_id()
        }
    };
    let bytes = match deliveries.as_slice() {
        [only] => bytes_of(only),
        several => {
            let mut all = BytesMut::with_capacity(
                several
                    .iter()
                    .map(|delivery| delivery.payload.frame.len())
                    .sum(),
            );
            for delivery in several {
                all.extend_from_slice(&bytes_of(delivery));
            }
            all.freeze()
        }
    };
    deliveries.clear();
    bytes
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
        let poll = self.poll_bytes(context);
        if matches!(poll, Poll::Ready(Some(_))) {
            self.heartbeat_at = Instant::now() + self.service.heartbeat;
        }
        poll.map(|bytes| bytes.map(|bytes| Ok(BodyFrame::data(bytes))))
    }
}
