use std::{borrow::Cow, fmt};

use market::{DecodeError, Event, EventKind, Millis, wire::one_of};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::check::check;
use events::Draft;
use text::without_bom;

/// The most events of one publication: as many as can be appended within a millisecond, because no other read or append
/// happens meanwhile.
pub const MAX_EVENTS: usize = 1_000;

/// The format of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One event, or an array of them.
    Json,
    /// One event per line; empty lines do not count.
    Lines,
}

/// A place in a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventLocation {
    /// It is the only event.
    Only,
    /// The line, from 1.
    Line(usize),
    /// The element of the array, from 0.
    Index(usize),
}

impl fmt::Display for EventLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventLocation::Only => f.write_str("the event"),
            EventLocation::Line(line) => write!(f, "line {line}"),
            EventLocation::Index(index) => write!(f, "event {index} of the array"),
        }
    }
}

/// An error at one place of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The event.
    pub place: EventLocation,
    /// The field, as a JSON pointer from the event on
    /// ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)); empty for the whole event.
    pub pointer: String,
    /// The invalid value and what was expected.
    pub detail: String,
}

/// Why nothing of a publication was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It does not follow its format, so that its events cannot be parsed.
    NotJson(NotJson),
    /// It has too many events; their number.
    TooMany(usize),
    /// These events are invalid.
    Faults(Vec<Fault>),
}

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotJson(String);

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A publication that has been parsed and checked.
#[derive(Debug)]
pub struct Submission {
    pub(super) events: Vec<(EventLocation, Draft)>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = r#"an object such as {"event":"quote","data":{…}}"#
)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Submission {
    /// Parses a publication at the time `now` and checks every event of it.
    ///
    /// # Errors
    /// If any of them is invalid: all errors, so that one attempt shows everything.
    pub fn read(
        body: &[u8],
        format: Format,
        now: Millis,
        max_events: usize,
    ) -> Result<Submission, Refusal> {
        let body = without_bom(body);
        let mut reading = Reading {
            now,
            events: Vec::new(),
            faults: Vec::new(),
        };
        match format {
            Format::Lines => {
                let lines = || {
                    let lines = body.split(|&byte| byte == b'\n').zip(1..);
                    lines.filter(|(line, _)| !line.trim_ascii().is_empty())
                };
                within(lines().count(), max_events)?;
                for (line, number) in lines() {
                    reading.event(line, EventLocation::Line(number));
                }
            }
            Format::Json if body.trim_ascii_start().first() == Some(&b'[') => {
                let elements: Vec<&RawValue> =
                    serde_json::from_slice(body).map_err(|error| not_json(&error))?;
                within(elements.len(), max_events)?;
                for (index, element) in elements.into_iter().enumerate() {
                    reading.event(element.get().as_bytes(), EventLocation::Index(index));
                }
            }
            Format::Json => {
                within(1, max_events)?;
                reading.only(body)?;
            }
        }
        if reading.faults.is_empty() {
            Ok(Submission {
                events: reading.events,
            })
        } else {
            Err(Refusal::Faults(reading.faults))
        }
    }

    /// Its events, without their places.
    pub fn into_drafts(self) -> impl Iterator<Item = Draft> {
        self.events.into_iter().map(|(_, draft)| draft)
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it has none, as in an empty array.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

fn within(events: usize, max_events: usize) -> Result<(), Refusal> {
    if events > max_events {
        return Err(Refusal::TooMany(events));
    }
    Ok(())
}

fn not_json(error: &serde_json::Error) -> Refusal {
    Refusal::NotJson(NotJson(error.to_string()))
}

struct Reading {
    now: Millis,
    events: Vec<(EventLocation, Draft)>,
    faults: Vec<Fault>,
}

impl Reading {
    /// Parses a body that is one event.
    fn only(&mut self, body: &[u8]) -> Result<(), Refusal> {
        match serde_json::from_slice::<Envelope<'_>>(body) {
            Ok(envelope) => self.enclosed(&envelope, EventLocation::Only),
            Err(error) if error.is_data() => {
                self.fault(EventLocation::Only, "", without_place(&error))
            }
            Err(error) => return Err(not_json(&error)),
        }
        Ok(())
    }

    /// Parses one event of several.
    fn event(&mut self, text: &[u8], place: EventLocation) {
        match serde_json::from_slice::<Envelope<'_>>(text) {
            Ok(envelope) => self.enclosed(&envelope, place),
            Err(error) if error.is_data() => self.fault(place, "", without_place(&error)),
            Err(error) => {
                let column = error.column();
                let mut detail = format!("{} at column {column}", without_place(&error));
                if error.to_string().starts_with("trailing characters") {
                    detail.push_str(
                        ": expected one event a line; curl keeps line breaks with --data-binary alone",
                    );
                }
                self.fault(place, "", detail);
            }
        }
    }

    fn enclosed(&mut self, envelope: &Envelope<'_>, place: EventLocation) {
        let kind = match published_kind(&envelope.event) {
            Ok(kind) => kind,
            Err(detail) => {
                self.fault(place, "/event", detail);
                return;
            }
        };
        let data = envelope.data.get();
        let mut ignored = Vec::new();
        let mut json = serde_json::Deserializer::from_str(data);
        let mut ignore = |path: serde_ignored::Path<'_>| ignored.push(path.to_string());
        let read = Event::read(
            kind,
            serde_ignored::Deserializer::new(&mut json, &mut ignore),
        );
        match read {
            Ok(event) => {
                let before = self.faults.len();
                // An unknown field is most often a misspelt one.
                for field in ignored {
                    let field: String = field.chars().take(64).collect();
                    let name = kind.published_name();
                    let detail = format!("{field:?} is no field of a {name} event");
                    self.fault(place, &format!("/data{}", pointer_part(&field)), detail);
                }
                for (field, detail) in check(&event, self.now) {
                    self.fault(place, &format!("/data/{field}"), detail);
                }
                if self.faults.len() == before {
                    self.events.push((place, Draft::new(event)));
                }
            }
            Err(_) => self.wrong_data(kind, data, place),
        }
    }

    /// Parses invalid data again, for the path to the error.
    fn wrong_data(&mut self, kind: EventKind, data: &str, place: EventLocation) {
        let mut json = serde_json::Deserializer::from_str(data);
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
        let detail = match Event::read(kind, tracked) {
            Err(DecodeError::Data { error, .. }) => cut_place(&error).to_owned(),
            Err(error) => error.to_string(),
            Ok(_) => return,
        };
        let mut pointer = "/data".to_owned();
        for segment in track.path().iter() {
            if !matches!(segment, serde_path_to_error::Segment::Unknown) {
                pointer.push_str(&pointer_part(&segment.to_string()));
            }
        }
        self.fault(place, &pointer, detail);
    }

    fn fault(&mut self, place: EventLocation, pointer: &str, detail: String) {
        self.faults.push(Fault {
            place,
            pointer: pointer.to_owned(),
            detail,
        });
    }
}

/// The kind of an event as a publisher names it, or why it cannot be published.
fn published_kind(name: &str) -> Result<EventKind, String> {
    let mut kinds = EventKind::ALL.iter().copied();
    let kind = kinds.find(|kind| [kind.name(), kind.published_name()].contains(&name));
    let why = match kind {
        Some(kind @ (EventKind::Quote | EventKind::Session | EventKind::Bar | EventKind::News)) => {
            return Ok(kind);
        }
        Some(EventKind::Snapshot) => {
            "is made by the server: publish the quotes, sessions, bars and news of it"
        }
        Some(EventKind::Heartbeat) => "is the server's own sign of life",
        None => "is no event",
    };
    let start: String = name.chars().take(64).collect();
    let published = EventKind::ALL.iter().filter(|kind| kind.is_published());
    let expected = one_of(published.map(|kind| kind.published_name()));
    Err(format!("{start:?} {why}: expected {expected}"))
}

/// One step of a JSON pointer, RFC 6901, section 3. The library writes a list's step as `[0]`.
fn pointer_part(part: &str) -> String {
    let part = part
        .strip_prefix('[')
        .and_then(|part| part.strip_suffix(']'))
        .unwrap_or(part);
    format!("/{}", part.replace('~', "~0").replace('/', "~1"))
}

/// An error's words without its line and column, which are counted from a position that is not shown.
fn without_place(error: &serde_json::Error) -> String {
    cut_place(&error.to_string()).to_owned()
}

fn cut_place(words: &str) -> &str {
    words.rfind(" at line ").map_or(words, |end| &words[..end])
}
