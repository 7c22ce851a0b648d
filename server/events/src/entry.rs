use std::{fmt::Write as _, ops::Deref, sync::Arc, time::Instant};

use bytes::Bytes;
use market::{Encoded, Event, Frame, Symbol, wire::Topics};
use tape::{EventId, Payload};

use crate::{Batch, Owner, Topic};

/// The bytes of an entry in each topic beside the topic itself: its place in the topic's queue, which may be half
/// empty, and the topic's number in the entry.
const SEAT_BYTES: usize = 24;

/// An entry of the tape: an event, encoded once for every subscriber. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Entry(Arc<Record>);

/// An event and its bytes.
#[derive(Debug)]
pub struct Record {
    /// The event itself, for snapshots and for answers other than streams.
    pub event: Arc<Event>,
    /// When it was appended, to measure the time until it is written.
    pub appended: Instant,
    /// Who published it. It is not sent to readers.
    pub owner: Owner,
    chunk: Chunk,
}

impl Entry {
    /// Encodes an event under its id.
    pub fn new(id: EventId, event: Event) -> Self {
        Entry::owned(id, event, Owner::Unknown)
    }

    /// As [`Entry::new`], of an owner.
    pub fn owned(id: EventId, event: Event, owner: Owner) -> Self {
        let frame = Frame::new(Some(&id), &event);
        Entry::of(&frame, Arc::new(event), owner)
    }

    fn of(frame: &Frame, event: Arc<Event>, owner: Owner) -> Self {
        Entry(Arc::new(Record {
            chunk: Chunk::new(frame),
            event,
            owner,
            appended: Instant::now(),
        }))
    }
}

/// An event that is ready for the tape. All expensive work is done before the tape is locked.
#[derive(Debug, Clone)]
pub struct Draft {
    event: Arc<Event>,
    encoded: Encoded,
    topics: Vec<Topic>,
    owner: Owner,
}

impl Draft {
    /// Encodes an event except for its id.
    pub fn new(event: Event) -> Self {
        Draft {
            encoded: Encoded::new(&event),
            topics: Topic::of(&event),
            event: Arc::new(event),
            owner: Owner::default(),
        }
    }

    /// The same, with an owner.
    #[must_use]
    pub fn of(self, owner: Owner) -> Self {
        Draft { owner, ..self }
    }

    /// Who publishes it.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The event to append.
    pub fn event(&self) -> &Arc<Event> {
        &self.event
    }

    /// Adds it to a batch for the tape.
    pub fn append(self, batch: &mut Batch<'_>) -> EventId {
        let Draft {
            event,
            encoded,
            topics,
            owner,
        } = self;
        let conflation_key = Topic::conflation_key(&event);
        batch.append(topics, conflation_key.as_ref(), |id| {
            Entry::of(&encoded.frame(Some(&id)), event, owner)
        })
    }
}

impl Record {
    /// The event as a stream sends it.
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }
}

impl Deref for Entry {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0
    }
}

impl Payload for Entry {
    fn weight(&self) -> usize {
        // The event holds about the same text again, next to its own fixed size. And a story stands in
        // the queue of each of its symbols.
        let symbols = match self.event.topics() {
            Topics::News(news) => news.symbols.len() * (size_of::<Symbol>() + SEAT_BYTES),
            Topics::Market(_) | Topics::Connection => 0,
        };
        2 * self.chunk.framed.len() + size_of::<Event>() + symbols
    }
}

/// The frame of an event, with the chunk of HTTP/1.1 around it
/// ([RFC 9112, section 7.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1)): both are
/// slices of the same bytes, so that neither way of sending them has to copy or to compute.
#[derive(Debug, Clone)]
pub struct Chunk {
    framed: Bytes,
    /// Where the frame begins; it ends before the chunk's last line end.
    start: usize,
    /// Where in the frame its `id:` line ends.
    id_len: usize,
    /// How long the event's data is, which ends before the frame's two line ends.
    data_len: usize,
}

/// What ends a line of HTTP.
const CRLF: &str = "\r\n";

/// What ends a frame.
const FRAME_END: &str = "\n\n";

impl Chunk {
    /// Puts a chunk around a frame.
    pub fn new(frame: &Frame) -> Self {
        let bytes = frame.bytes();
        let mut framed = Vec::with_capacity(bytes.len() + 8);
        let start = put_chunk(&mut framed, &bytes);
        Chunk {
            framed: framed.into(),
            start,
            id_len: bytes.len() - frame.bytes_without_id().len(),
            data_len: frame.data().len(),
        }
    }

    /// The frame in its chunk.
    pub fn framed(&self) -> &Bytes {
        &self.framed
    }

    /// The frame alone.
    pub fn frame(&self) -> Bytes {
        self.framed
            .slice(self.start..self.framed.len() - CRLF.len())
    }

    /// The frame without its `id:` line, for an event that is sent out of order.
    pub fn frame_without_id(&self) -> Bytes {
        self.frame().slice(self.id_len..)
    }

    /// The event's data alone: JSON, on one line.
    pub fn data(&self) -> Bytes {
        let end = self.framed.len() - CRLF.len() - FRAME_END.len();
        self.framed.slice(end - self.data_len..end)
    }
}

/// Writes one chunk of a body. Returns how many bytes stand before its data.
pub fn put_chunk(out: &mut Vec<u8>, data: &[u8]) -> usize {
    let mut size = String::with_capacity(10);
    // Writing to a String cannot fail.
    let _ = write!(size, "{:x}{CRLF}", data.len());
    out.extend_from_slice(size.as_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(CRLF.as_bytes());
    size.len()
}

#[cfg(test)]
mod tests {
    use market::Heartbeat;

    use super::*;

    #[test]
    fn a_chunk_holds_its_frame() {
        let event = Event::Heartbeat(Heartbeat { time: 7 });
        let id = EventId { ms: 5, n: 1 };
        let chunk = Chunk::new(&Frame::new(Some(&id), &event));
        assert_eq!(
            chunk.frame(),
            "id: 5-1\nevent: heartbeat\ndata: {\"time\":7}\n\n"
        );
        assert_eq!(
            chunk.frame_without_id(),
            "event: heartbeat\ndata: {\"time\":7}\n\n"
        );
        assert_eq!(
            chunk.framed(),
            "2b\r\nid: 5-1\nevent: heartbeat\ndata: {\"time\":7}\n\n\r\n"
        );
        assert_eq!(chunk.frame().len(), 0x2b);
        assert_eq!(chunk.data(), "{\"time\":7}");
    }
}
