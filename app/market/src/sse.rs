//! Server-Sent Events as bytes, according to the [HTML
//! standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).

use std::fmt::{self, Write as _};

use bytes::Bytes;

use crate::{Event, EventKind, Snapshot, event};

/// An event as it is sent to subscribers: encoded once, shared by all of them.
#[derive(Debug, Clone)]
pub struct Frame {
    bytes: Bytes,
    /// Where the `id:` line ends and the rest begins.
    id_end: usize,
    /// Where the data begins; it ends before the two line ends.
    data_start: usize,
}

impl Frame {
    /// Encodes an event, with its id if it has one.
    pub fn new(id: Option<&dyn fmt::Display>, event: &Event) -> Self {
        Encoded::new(event).frame(id)
    }

    /// The frame, with its id if it has one.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The frame without its id: for an event that is sent out of order, which must not move the
    /// position that a client resumes from.
    pub fn bytes_without_id(&self) -> Bytes {
        self.bytes.slice(self.id_end..)
    }

    /// The event's data alone: JSON, on one line.
    pub fn data(&self) -> Bytes {
        self.bytes.slice(self.data_start..self.bytes.len() - 2)
    }

    /// The frame's size in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is empty, which does not happen.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// An event that is encoded except for its id, which is assigned when the event is appended.
#[derive(Debug, Clone)]
pub struct Encoded {
    text: String,
    data_start: usize,
}

impl Encoded {
    /// Encodes an event.
    ///
    /// JSON escapes every line break and control character, so whatever text an event carries, it
    /// stays within its one `data:` line.
    pub fn new(event: &Event) -> Self {
        let data = event.data();
        Encoded::of(event.kind(), data.len(), |text| text.push_str(&data))
    }

    /// Encodes a snapshot from quotes and sessions that are JSON already, as [`Frame::data`] has them, and from
    /// `rest`, which holds everything else and no quote and no session. Encoding each of thousands of quotes anew
    /// would take longer than everything else about a snapshot of all symbols.
    pub fn snapshot(rest: &Snapshot, quotes: &[Bytes], sessions: &[Bytes]) -> Self {
        debug_assert!(rest.quotes.is_empty() && rest.sessions.is_empty());
        let rest = event::json(rest);
        // Only a number and a Boolean value stand before the two lists.
        let (head, tail) = rest.split_once(EMPTY_LISTS).unwrap_or((&rest, ""));
        let size = |list: &[Bytes]| list.iter().map(|json| json.len() + 1).sum::<usize>();
        let len = rest.len() + size(quotes) + size(sessions);
        Encoded::of(EventKind::Snapshot, len, |text| {
            text.push_str(head);
            text.push_str("\"quotes\":[");
            push_list(text, quotes);
            text.push_str("],\"sessions\":[");
            push_list(text, sessions);
            text.push(']');
            text.push_str(tail);
        })
    }

    /// Encodes an event whose data has about `len` bytes and is written by `data`.
    fn of(kind: EventKind, len: usize, data: impl FnOnce(&mut String)) -> Self {
        let mut text = String::with_capacity(len + 32);
        // Writing to a String cannot fail.
        // An omitted name means `message`.
        if kind != EventKind::Quote {
            let _ = writeln!(text, "event: {}", kind.name());
        }
        text.push_str("data: ");
        let data_start = text.len();
        data(&mut text);
        text.push_str("\n\n");
        Encoded { text, data_start }
    }

    /// The frame, with its id if it has one.
    pub fn frame(&self, id: Option<&dyn fmt::Display>) -> Frame {
        let mut text = String::with_capacity(self.text.len() + 32);
        if let Some(id) = id {
            let _ = writeln!(text, "id: {id}");
        }
        let id_end = text.len();
        text.push_str(&self.text);
        Frame {
            bytes: Bytes::from(text),
            id_end,
            data_start: id_end + self.data_start,
        }
    }
}

/// How the two lists of a snapshot are encoded that has neither quotes nor sessions.
const EMPTY_LISTS: &str = "\"quotes\":[],\"sessions\":[]";

/// Appends the elements of a JSON array.
fn push_list(text: &mut String, list: &[Bytes]) {
    for (index, json) in list.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&String::from_utf8_lossy(json));
    }
}

/// What an `EventSource` would dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name; empty stands for `message`.
    pub name: String,
    /// The data lines, joined with line feeds.
    pub data: String,
    /// The last id that the stream has sent so far.
    pub last_event_id: String,
}

/// Parses a stream, however it is cut into chunks.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    started: bool,
    after_carriage_return: bool,
    name: String,
    data: String,
    has_data: bool,
    id: String,
    last_event_id: String,
    retry: Option<u64>,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last reconnection time that the stream sent, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Takes the next bytes and returns the messages that they complete.
    pub fn push(&mut self, chunk: &[u8], mut message: impl FnMut(Message)) {
        for &byte in chunk {
            let after_carriage_return = std::mem::take(&mut self.after_carriage_return);
            match byte {
                b'\n' if after_carriage_return => {}
                b'\n' => self.end_line(&mut message),
                b'\r' => {
                    self.after_carriage_return = true;
                    self.end_line(&mut message);
                }
                byte => self.line.push(byte),
            }
        }
    }

    fn end_line(&mut self, message: &mut impl FnMut(Message)) {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch(message);
            return;
        }
        let (field, value) = match line.iter().position(|&byte| byte == b':') {
            Some(0) => return,
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        let value = String::from_utf8_lossy(value);
        match field {
            b"event" => self.name = value.into_owned(),
            b"data" => {
                self.data.push_str(&value);
                self.data.push('\n');
                self.has_data = true;
            }
            b"id" if !value.contains('\0') => self.id = value.into_owned(),
            b"retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().or(self.retry);
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, message: &mut impl FnMut(Message)) {
        self.last_event_id.clone_from(&self.id);
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        if std::mem::take(&mut self.has_data) {
            data.pop();
            message(Message {
                name,
                data,
                last_event_id: self.last_event_id.clone(),
            });
        }
    }
}
