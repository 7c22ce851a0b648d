//! The journal of events that are about to be shown: events are in it before any client can receive them, and until
//! they are in the database. So a process that dies loses no event that a client has seen, and gives none of them
//! another id.
//!
//! A record is written but not synced: data that the system has accepted survives the process, and nothing waits for
//! the disk. After a power cut only the database counts.
//!
//! There are two files, so that one can be emptied once all of it is in the database while the other one is written. A
//! record is its length and its CRC-32, both 4 bytes in little-endian order, followed by Server-Sent Events with their
//! ids and, for each of them that a token owns, one named `owner`. An incomplete record ends its file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use market::{Event, sse::Decoder};
use serde_json::{Value, json};
use tape::EventId;

use crate::{Ownership, Subject, database::beside};

/// The size from which the other file is used, if all of it is in the database.
const TURN_BYTES: u64 = 256 << 10;

/// How large a file may become while the database cannot be written. Later events are not recorded.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// How large a record may be: more than a publication.
const MAX_RECORD_BYTES: usize = 32 << 20;

const HEADER_BYTES: usize = 8;

/// The event name of a record with an event's owner. An older version ignores it.
const OWNER: &str = "owner";

/// The suffixes of the archive's name.
const SUFFIXES: [&str; 2] = ["-journal-0", "-journal-1"];

/// Records events before they are shown. A clone is the same journal.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    current: Part,
    other: Part,
    unrecorded: u64,
    /// Whether it was reported that events are not recorded.
    reported: bool,
}

#[derive(Debug)]
struct Part {
    file: File,
    bytes: u64,
    /// The newest id in it.
    last: Option<EventId>,
}

impl Part {
    fn empty(path: &Path) -> io::Result<Self> {
        // After a file was emptied, appending continues at its beginning.
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(0)?;
        Ok(Part {
            file,
            bytes: 0,
            last: None,
        })
    }

    fn is_written(&self, position: EventId) -> bool {
        self.last.is_none_or(|last| last <= position)
    }

    fn clear(&mut self) -> io::Result<()> {
        if self.bytes > 0 {
            self.file.set_len(0)?;
        }
        (self.bytes, self.last) = (0, None);
        Ok(())
    }
}

impl Journal {
    /// Begins the journal of an archive anew: its content is gone.
    pub(crate) fn begin(file: &Path) -> io::Result<Self> {
        let [current, other] = SUFFIXES.map(|suffix| Part::empty(&beside(file, suffix)));
        Ok(Journal(Arc::new(Mutex::new(State {
            current: current?,
            other: other?,
            unrecorded: 0,
            reported: false,
        }))))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A file is emptied or appended to, and counted afterwards.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records events that are shown together, as Server-Sent Events with their ids, and the owners from these events
    /// on; `last` is the newest id among them. It waits for the system's memory, not for the disk. Events that cannot
    /// be recorded are counted.
    pub fn record<'a>(
        &self,
        frames: impl IntoIterator<Item = &'a [u8]>,
        owners: impl IntoIterator<Item = (EventId, Ownership)>,
        last: EventId,
    ) {
        let mut record = vec![0; HEADER_BYTES];
        for frame in frames {
            record.extend_from_slice(frame);
        }
        for (id, Ownership { subject, owner }) in owners {
            // JSON without a line break in it.
            let owned = json!({"subject": subject.key(), "owner": owner.as_deref()});
            let frame = format!("id: {id}\nevent: {OWNER}\ndata: {owned}\n\n");
            record.extend_from_slice(frame.as_bytes());
        }
        let body = &record[HEADER_BYTES..];
        let (len, crc) = (body.len(), crc32fast::hash(body));
        record[..4].copy_from_slice(&(len as u32).to_le_bytes());
        record[4..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        let mut state = self.lock();
        let part = &mut state.current;
        let room = len <= MAX_RECORD_BYTES && part.bytes + record.len() as u64 <= MAX_FILE_BYTES;
        let written = match room {
            true => part.file.write_all(&record),
            false => Err(io::ErrorKind::FileTooLarge.into()),
        };
        match written {
            Ok(()) => {
                part.bytes += record.len() as u64;
                part.last = Some(last);
                state.reported = false;
            }
            Err(error) => {
                // A record behind half a record is not found again.
                let _ = part.file.set_len(part.bytes);
                state.unrecorded += 1;
                if !state.reported {
                    state.reported = true;
                    tracing::warn!(%error, "events are not recorded before they are shown");
                }
            }
        }
    }

    /// Frees everything that is in the database: up to a position.
    pub fn written(&self, position: EventId) {
        let mut state = self.lock();
        let State { current, other, .. } = &mut *state;
        if current.bytes < TURN_BYTES || !other.is_written(position) {
            return;
        }
        match other.clear() {
            Ok(()) => std::mem::swap(current, other),
            Err(error) => tracing::debug!(%error, "the journal could not be emptied"),
        }
    }

    /// At the end, empties everything that is in the database: up to a position.
    pub(crate) fn end(&self, position: Option<EventId>) {
        let mut state = self.lock();
        let State { current, other, .. } = &mut *state;
        for part in [current, other] {
            if position.is_some_and(|position| part.is_written(position))
                && let Err(error) = part.clear()
            {
                tracing::debug!(%error, "the journal could not be emptied");
            }
        }
    }

    /// How many steps were shown without being recorded, because the disk was full or the database could not be written
    /// for long.
    pub fn unrecorded(&self) -> u64 {
        self.lock().unrecorded
    }
}

/// The content of an archive's journal, in the order of the ids.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) events: Vec<(EventId, Event)>,
    /// The owners, each from the event of this id on.
    pub(crate) owners: Vec<(EventId, Ownership)>,
}

/// Reads the journal of an archive.
pub(crate) fn recorded(file: &Path) -> io::Result<Recorded> {
    let mut recorded = Recorded::default();
    for suffix in SUFFIXES {
        let mut bytes = Vec::new();
        match File::open(beside(file, suffix)) {
            Ok(journal) => {
                let limit = MAX_FILE_BYTES + MAX_RECORD_BYTES as u64;
                journal.take(limit).read_to_end(&mut bytes)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        read(&bytes, &mut recorded);
    }
    recorded.events.sort_by_key(|(id, _)| *id);
    recorded.owners.sort_by_key(|(id, _)| *id);
    Ok(recorded)
}

fn read(mut bytes: &[u8], recorded: &mut Recorded) {
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let [a, b, c, d, crc @ ..] = *header;
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some((body, rest)) = rest.split_at_checked(len) else {
            return;
        };
        if crc32fast::hash(body) != u32::from_le_bytes(crc) {
            tracing::warn!("a record of the journal is damaged; what is behind it is not read");
            return;
        }
        bytes = rest;
        Decoder::new().push(body, |message| {
            let Ok(id) = message.last_event_id.parse::<EventId>() else {
                return;
            };
            if message.name == OWNER {
                let ownership = ownership(&message.data);
                recorded
                    .owners
                    .extend(ownership.map(|ownership| (id, ownership)));
            } else if let Ok(event) = Event::decode(&message.name, &message.data) {
                recorded.events.push((id, event));
            }
        });
    }
}

fn ownership(data: &str) -> Option<Ownership> {
    let owned: Value = serde_json::from_str(data).ok()?;
    Some(Ownership {
        subject: Subject::of(owned["subject"].as_str()?)?,
        owner: owned["owner"].as_str().map(Arc::from),
    })
}

/// Moves the journal of a file that is set aside.
pub(crate) fn set_aside(file: &Path, aside: &Path) {
    for suffix in SUFFIXES {
        // If there is none, or it cannot be moved, its ids are of another tape and it is begun anew.
        let _ = fs::rename(beside(file, suffix), beside(aside, suffix));
    }
}

#[cfg(test)]
mod tests {
    use market::{Frame, Heartbeat};

    use super::*;

    fn files(file: &Path) -> [std::path::PathBuf; 2] {
        SUFFIXES.map(|suffix| beside(file, suffix))
    }

    fn frame(ms: u64) -> (EventId, Vec<u8>) {
        let id = EventId { ms, n: 7_000 };
        let event = Event::Heartbeat(Heartbeat { time: ms });
        (id, Frame::new(Some(&id), &event).bytes().to_vec())
    }

    fn ids(file: &Path) -> Vec<u64> {
        let recorded = recorded(file).unwrap();
        recorded.events.into_iter().map(|(id, _)| id.ms).collect()
    }

    #[test]
    fn what_was_recorded_is_found_until_it_is_in_the_database() {
        let folder =
            std::env::temp_dir().join(format!("tickertape-journal-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("test.db");
        assert!(ids(&file).is_empty());
        let journal = Journal::begin(&file).unwrap();
        for ms in [1, 2] {
            let (id, bytes) = frame(ms);
            journal.record([&*bytes], [], id);
        }
        assert_eq!(ids(&file), [1, 2]);
        // An incomplete record of two events.
        let whole = fs::read(&files(&file)[0]).unwrap();
        fs::write(&files(&file)[0], &whole[..whole.len() - 1]).unwrap();
        assert_eq!(ids(&file), [1]);
        let mut damaged = whole.clone();
        damaged[HEADER_BYTES + 3] ^= 1;
        fs::write(&files(&file)[0], damaged).unwrap();
        assert!(ids(&file).is_empty());

        // More than a file's worth: the older file is emptied once it is written.
        let journal = Journal::begin(&file).unwrap();
        let mut last = 0;
        let mut fill = |journal: &Journal| {
            for _ in 0..=TURN_BYTES / 40 {
                last += 1;
                let (id, bytes) = frame(last);
                journal.record([&*bytes], [], id);
            }
            EventId { ms: last, n: 7_000 }
        };
        let first = fill(&journal);
        journal.written(EventId { ms: 5, n: 7_000 });
        let second = fill(&journal);
        journal.written(EventId { ms: 6, n: 7_000 });
        assert_eq!(ids(&file).len() as u64, second.ms, "nothing is gone yet");
        journal.written(first);
        let third = fill(&journal);
        let left = ids(&file);
        assert_eq!(left.first(), Some(&(first.ms + 1)));
        assert_eq!(left.last(), Some(&third.ms));
        assert_eq!(journal.unrecorded(), 0);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_recorded_is_whose_it_was() {
        let folder =
            std::env::temp_dir().join(format!("tickertape-journal-owners-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("test.db");
        let journal = Journal::begin(&file).unwrap();
        let owned = |id: &str, owner: Option<&str>| Ownership {
            subject: Subject::Story(id.to_owned()),
            owner: owner.map(Arc::from),
        };
        let (first, bytes) = frame(1);
        let several = [
            (first, owned("a \"story\"\r\nof lines", Some("desk"))),
            (first, owned("another", None)),
        ];
        journal.record([&*bytes], several.clone(), first);
        let (second, bytes) = frame(2);
        journal.record([&*bytes], [], second);
        let found = recorded(&file).unwrap();
        assert_eq!(found.owners, several);
        assert_eq!(ids(&file), [1, 2]);
        fs::remove_dir_all(folder).unwrap();
    }
}
