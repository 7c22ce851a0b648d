//! The state that a restarted server continues from.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use archive::{Archive, OpenError, Options, Ownership, Subject};
use market::{Bar, Event, Millis, Quote, Session, Symbol};
use tape::{EventId, Payload as _, Refill, Stored};

use crate::options::Kind;
use clock::Clock;
use events::{Entry, Owner, Tape, Topic, claims::ownership};
use feeds::{HighWaterMark, ResumeState, ResumeStates};
use sessions::Calendar;

/// The state that a server continues from.
#[derive(Debug)]
pub struct RecoveredState {
    /// The tape, with everything that was on it, as far as it was stored.
    pub tape: Tape,
    /// The state that feeds continue from.
    pub left: ResumeStates,
    /// The owners of the symbols and stories on it.
    pub owners: Vec<Ownership>,
    /// The writer of new events; nothing if no archive is configured; or why a configured one is missing.
    pub archive: Option<Result<Archive, String>>,
}

/// The bytes of a topic with a retained entry, as measured: its name, its place in the tables and its queue. A story
/// that names fifty symbols which no other story names takes fifty times that.
const TOPIC_BYTES: usize = 400;

/// The window of the tape: a day of one-minute bars of seventy symbols, and their news. The bytes bound it if stories
/// are long.
const WINDOW: tape::Limits = tape::Limits {
    entries: 100_000,
    bytes: 128 * 1024 * 1024,
    topic_bytes: TOPIC_BYTES,
    age_ms: 24 * 60 * 60 * 1000,
};

/// The number of marks that a tape's is drawn from: an id of one run of the server is valid in another once in ten
/// thousand times.
const MARKS: std::ops::RangeInclusive<u32> = 1..=9_999;

impl RecoveredState {
    /// Opens the state of a server with an archive in this folder, or without one. It blocks on the disk.
    ///
    /// A disk that fails to open the archive does not stop the server: the failure is reported among the feeds.
    ///
    /// # Errors
    /// If another server has the archive, or this server cannot read the file.
    pub fn new(
        place: Option<(PathBuf, Kind)>,
        keep: archive::Keep,
        clock: &Clock,
    ) -> Result<Self, String> {
        let anew = |archive| RecoveredState {
            tape: Tape::new(clock.now(), fastrand::u32(MARKS), WINDOW),
            left: ResumeStates::default(),
            owners: Vec::new(),
            archive,
        };
        let Some((folder, kind)) = place else {
            return Ok(anew(None));
        };
        match open(&folder, kind, keep, clock) {
            Ok(beginning) => Ok(beginning),
            Err(
                error @ (OpenError::InUse { .. } | OpenError::Newer { .. } | OpenError::Foreign(_)),
            ) => Err(format!(
                "cannot use the archive: {error}; choose another folder with --data, or none"
            )),
            Err(error) => {
                let why = format!(
                    "the archive cannot be opened: {error}; put that right and restart, choose another folder with --data, or none"
                );
                tracing::error!("{why}");
                Ok(anew(Some(Err(why))))
            }
        }
    }
}

/// Opens the archive of that kind in a folder, and a tape that continues where it ended.
fn open(
    folder: &Path,
    kind: Kind,
    keep: archive::Keep,
    clock: &Clock,
) -> Result<RecoveredState, OpenError> {
    let file = folder.join(kind.file());
    if kind == Kind::Replayed {
        begin_anew(&file);
    }
    let refill = archive::Refill {
        entries: WINDOW.entries,
        bytes: WINDOW.bytes / 2,
        age_ms: WINDOW.age_ms,
    };
    let now = clock.now();
    let options = Options {
        keep,
        refill,
        zone: |session: &Session| Calendar::of(session.venue.as_deref()).zone().clone(),
        removal_clock: clock.for_removal().as_now(),
        ..Options::new(clock.as_now())
    };
    let (archive, opened) = Archive::open(folder, kind.file(), options)?;
    let mut entries = Vec::with_capacity(opened.refill.len());
    let mut newest: HashMap<Symbol, Newest> = HashMap::new();
    let mut bytes = 0;
    let owners: HashMap<&Subject, &Option<Arc<str>>> = opened
        .owners
        .iter()
        .map(|ownership| (&ownership.subject, &ownership.owner))
        .collect();
    for (id, event) in opened.refill {
        keep_newest(&mut newest, &event);
        let (topics, conflation_key) = (Topic::of(&event), Topic::conflation_key(&event));
        let owner = owner_of(&event, &owners);
        let payload = Entry::owned(id, event, owner);
        if conflation_key.is_none() {
            bytes += payload.weight();
        }
        entries.push(Stored {
            id,
            topics,
            conflation_key,
            payload,
        });
    }
    let is_small = keep
        .bytes
        .is_none_or(|most| archive.status().file_bytes < most / 2);
    let has_room = is_small && 2 * bytes < refill.bytes;
    let age = keep
        .events
        .map_or(refill.age_ms, |age| age.min(refill.age_ms));
    let oldest_of_age = EventId {
        ms: now.saturating_sub(age),
        n: u64::from(opened.mark) * tape::IDS_PER_MS,
    };
    let since = complete_since(&entries, has_room, refill.entries, oldest_of_age);
    let loss_horizon = entries.last().map_or(since, |newest| newest.id);
    let refilled = entries.len();
    let refill = Refill {
        now,
        since,
        loss_horizon,
        entries,
    };
    let tape = Tape::refilled(opened.start, opened.mark, WINDOW, refill);
    record_in_journal(&tape, &archive);
    let marks = newest
        .iter()
        .map(|(&symbol, newest)| HighWaterMark {
            symbol,
            quote: newest.quote.as_ref().map_or(0, |quote| quote.time),
            bars_until: newest.closed_until,
        })
        .collect();
    let left = newest
        .into_values()
        .filter_map(|newest| newest.left(&archive))
        .collect::<Vec<ResumeState>>();
    tracing::info!(file = %file.display(), refilled, "goes on where the archive ends");
    Ok(RecoveredState {
        tape,
        left: ResumeStates::new(left, marks),
        owners: opened.owners,
        archive: Some(Ok(archive)),
    })
}

/// Keeps an event where it is the newest of its symbol.
fn keep_newest(newest: &mut HashMap<Symbol, Newest>, event: &Event) {
    match event {
        Event::Quote(quote) => newest.entry(quote.symbol).or_default().quote = Some(quote.clone()),
        Event::Session(session) => {
            newest.entry(session.symbol).or_default().session = Some(session.clone());
        }
        Event::Bar(bar) => {
            let newest = newest.entry(bar.symbol).or_default();
            newest.closed_until = newest.closed_until.max(bar.start + Bar::INTERVAL);
        }
        Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {}
    }
}

/// From which id on no retained entry is missing. With room left, everything of the window's age is there; otherwise only
/// everything after the oldest entry is certain to be.
fn complete_since(
    entries: &[Stored<Topic, Entry>],
    has_room: bool,
    max_entries: usize,
    oldest_of_age: EventId,
) -> EventId {
    let mut retained = entries
        .iter()
        .filter(|stored| stored.conflation_key.is_none());
    let is_full = !has_room || retained.clone().count() >= max_entries;
    match retained.next() {
        Some(oldest) if is_full => oldest.id,
        _ => oldest_of_age,
    }
}

/// Has the archive's journal record each retained entry before a reader sees it.
fn record_in_journal(tape: &Tape, archive: &Archive) {
    let journal = archive.journal().clone();
    tape.set_witness(move |retained| {
        let Some((last, _)) = retained.last() else {
            return;
        };
        let frames: Vec<_> = retained
            .iter()
            .map(|(_, entry)| entry.chunk().frame())
            .collect();
        let owners = retained.iter().filter_map(|(id, entry)| {
            let ownership = ownership(&entry.event, &entry.owner)?;
            Some((*id, ownership))
        });
        journal.record(frames.iter().map(|frame| &**frame), owners, *last);
    });
}

/// The owner of an event that was on the tape before. Stories of feeds are not stored with one.
fn owner_of(event: &Event, owners: &HashMap<&Subject, &Option<Arc<str>>>) -> Owner {
    let symbol = match event {
        Event::News(news) => {
            let owner = owners.get(&Subject::Story(news.id.clone()));
            return Owner::written(Some(*owner.unwrap_or(&&None)));
        }
        Event::Quote(quote) => quote.symbol,
        Event::Session(session) => session.symbol,
        Event::Bar(_) | Event::Snapshot(_) | Event::Heartbeat(_) => return Owner::Unknown,
    };
    Owner::written(owners.get(&Subject::Symbol(symbol)).copied())
}

/// Removes the archive of an earlier replay, unless a server is using it: the events of another recording are not the
/// past of this one.
fn begin_anew(file: &Path) {
    let beside = |suffix: &str| {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let lock = File::options().write(true).open(beside(".lock"));
    if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
        for suffix in ["", "-wal", "-shm", "-journal-0", "-journal-1"] {
            // Missing files need not be removed; one that cannot be removed is opened as it is.
            let _ = fs::remove_file(beside(suffix));
        }
    }
}

/// The refill's content for a symbol.
#[derive(Debug, Default)]
struct Newest {
    quote: Option<Quote>,
    session: Option<Session>,
    closed_until: Millis,
}

/// No bar stays open for longer than this after its end.
const OPEN: Millis = 10 * Bar::INTERVAL;

impl Newest {
    fn left(self, archive: &Archive) -> Option<ResumeState> {
        let (quote, session) = (self.quote?, self.session?);
        let since = self.closed_until.max(quote.time.saturating_sub(OPEN));
        let since = since - since % Bar::INTERVAL;
        let mut trades = Vec::new();
        for page in archive.trades(quote.symbol, since..Millis::MAX) {
            match page {
                // Of the feed that restores them only.
                Ok(print) if print.feed.as_deref() == Some(&*session.source) => {
                    trades.push((print.time, print.trade));
                }
                Ok(_) => {}
                Err(failure) => {
                    // The bar that was open is published with the trades that are still to come.
                    tracing::warn!(symbol = %quote.symbol, %failure, "its last trades could not be read");
                    trades.clear();
                    break;
                }
            }
        }
        Some(ResumeState {
            session,
            quote,
            closed_until: self.closed_until,
            trades,
        })
    }
}
