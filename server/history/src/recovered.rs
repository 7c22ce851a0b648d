//! What a restarted server goes on from.

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

/// What a server goes on from.
#[derive(Debug)]
pub struct RecoveredState {
    /// The tape, with everything on it that it had, as far as it was stored.
    pub tape: Tape,
    /// Where feeds go on.
    pub left: ResumeStates,
    /// Whose the symbols and stories on it are.
    pub owners: Vec<Ownership>,
    /// What is written from now on; nothing where there shall be no archive; or why there is none
    /// though there should be.
    pub archive: Option<Result<Archive, String>>,
}

/// What a topic takes that holds a retained entry, as measured: its name, its place in the tables and its queue. A
/// story that speaks of fifty symbols which nothing else speaks of takes fifty times that.
const TOPIC_BYTES: usize = 400;

/// What the tape keeps: a day of one-minute bars of seventy symbols, and their news. The bytes
/// bound it where stories are long.
const WINDOW: tape::Limits = tape::Limits {
    entries: 100_000,
    bytes: 128 * 1024 * 1024,
    topic_bytes: TOPIC_BYTES,
    age_ms: 24 * 60 * 60 * 1000,
};

/// What the mark of a tape is drawn from: an id of one run of the server passes for one of another
/// once in ten thousand times.
const MARKS: std::ops::RangeInclusive<u32> = 1..=9_999;

impl RecoveredState {
    /// What a server goes on from whose archive is in this folder, or that has none. It waits for the disk.
    ///
    /// A disk that does not let the archive be opened is no reason not to serve: it is reported among
    /// the feeds.
    ///
    /// # Errors
    /// When another server has the archive, or the file is not one that this server can read.
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

/// Opens the archive of that kind in a folder, and makes the tape go on where it ended.
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
        match &event {
            Event::Quote(quote) => {
                newest.entry(quote.symbol).or_default().quote = Some(quote.clone())
            }
            Event::Session(session) => {
                newest.entry(session.symbol).or_default().session = Some(session.clone());
            }
            Event::Bar(bar) => {
                let newest = newest.entry(bar.symbol).or_default();
                newest.closed_until = newest.closed_until.max(bar.start + Bar::INTERVAL);
            }
            Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {}
        }
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
    let retained = || {
        entries
            .iter()
            .filter(|stored| stored.conflation_key.is_none())
    };
    // With room left, everything of the window's age is there; otherwise nothing is sure but that
    // what came after the oldest is.
    let room = retained().count() < refill.entries
        && 2 * bytes < refill.bytes
        && keep
            .bytes
            .is_none_or(|most| archive.status().file_bytes < most / 2);
    let age = keep
        .events
        .map_or(refill.age_ms, |age| age.min(refill.age_ms));
    let since = match retained().next() {
        Some(oldest) if !room => oldest.id,
        _ => EventId {
            ms: now.saturating_sub(age),
            n: u64::from(opened.mark) * tape::IDS_PER_MS,
        },
    };
    let loss_horizon = entries.last().map_or(since, |newest| newest.id);
    let refilled = entries.len();
    let refill = Refill {
        now,
        since,
        loss_horizon,
        entries,
    };
    let tape = Tape::refilled(opened.start, opened.mark, WINDOW, refill);
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
    let told = newest
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
        left: ResumeStates::new(left, told),
        owners: opened.owners,
        archive: Some(Ok(archive)),
    })
}

/// Whose an event is that was on the tape before. Stories of feeds are not written down.
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

/// Removes the archive of another replay, unless a server is using it: what a recording told the last
/// time is not the past of what it tells now.
fn begin_anew(file: &Path) {
    let beside = |suffix: &str| {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let lock = File::options().write(true).open(beside(".lock"));
    if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
        for suffix in ["", "-wal", "-shm", "-journal-0", "-journal-1"] {
            // What is not there need not be removed; what cannot be, is opened as it is.
            let _ = fs::remove_file(beside(suffix));
        }
    }
}

/// What the refill has of a symbol.
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
                // Of the feed alone that takes them up.
                Ok(print) if print.feed.as_deref() == Some(&*session.source) => {
                    trades.push((print.time, print.trade));
                }
                Ok(_) => {}
                Err(failure) => {
                    // The bar that was open is told as what comes from now on makes it.
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
