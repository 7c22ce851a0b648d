use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use market::{Bar, Millis, Price, Session, Symbol};
use tokio::time::Instant;

/// How long a feed may hear nothing at all before the next one that does takes over.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// How long a bar that lacks its beginning waits for a whole one of another feed. Boards close the
/// same minute within [`market::Board::GRACE`] and what the clocks of two exchanges are apart.
const WHOLE: Duration = Duration::from_secs(5);

/// The most bars of one symbol that are held of a feed that does not speak: the one that closes
/// while the next is chosen, and the one before.
const MOST_HELD: usize = 2;

/// Who speaks for each symbol where several feeds quote it.
///
/// A feed can speak for a symbol when its connection stands and it has spoken of the symbol since
/// the connection began. Of those that heard anything within [`SILENCE`] the first one speaks, in
/// the order in which they were configured, and one that is degraded only when there is no other.
/// When nobody hears anything, nothing changes.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    // A std mutex: it is held for the moment of one tick and never across an await. A publisher
    // takes it while it holds its own lock, never the other way around. It is held while what was
    // decided is appended, so that the tape has it in the order of the decisions.
    floor: Mutex<Seats>,
}

/// All feeds, in the order in which they were configured, and what was told of each symbol.
#[derive(Debug, Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    voices: BTreeMap<Symbol, Voice>,
}

#[derive(Debug)]
struct Seat {
    standing: Standing,
    /// When anything came from the source.
    heard: Instant,
    /// The time of receipt at which the connection began: no bar before it is whole.
    since: Millis,
    /// What it has spoken of since then.
    spoken: BTreeSet<Symbol>,
}

/// How a feed stands, as far as it matters for who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// There is no connection.
    Away,
    /// It speaks, but not as it should.
    Degraded,
    /// It speaks.
    Good,
}

/// What was told of a symbol.
#[derive(Debug, Default)]
struct Voice {
    speaker: Option<usize>,
    /// Whose session was told, and the session.
    session: Option<(usize, Session)>,
    /// The time of the newest quote that was told.
    time: Millis,
    /// The end of the newest bar that was told.
    bars_until: Millis,
    /// Bars that were closed by feeds that do not speak, oldest first.
    held: Vec<(usize, Bar)>,
    /// The speaker's own bar, which lacks its beginning and waits for a whole one.
    waiting: Option<(Bar, Instant)>,
}

/// Whether a feed speaks for a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It does.
    Speaks,
    /// It does from now on: it has to introduce itself.
    Begins,
    /// Another one does.
    Listens,
}

impl Speakers {
    pub(super) fn lock(&self) -> MutexGuard<'_, Seats> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    /// A seat behind all others.
    pub(super) fn sit(&mut self, now: Millis) -> usize {
        self.seats.push(Seat {
            standing: Standing::Good,
            heard: Instant::now(),
            since: now,
            spoken: BTreeSet::new(),
        });
        self.seats.len() - 1
    }

    /// A connection begins. One that replaces another without a break inherits what that one has
    /// spoken of.
    pub(super) fn begin(&mut self, rank: usize, now: Millis, renewal: bool) {
        let seat = &mut self.seats[rank];
        seat.since = now;
        if !renewal {
            seat.standing = Standing::Good;
            seat.spoken.clear();
        }
    }

    pub(super) fn stand(&mut self, rank: usize, standing: Standing) {
        self.seats[rank].standing = standing;
    }

    pub(super) fn heard(&mut self, rank: usize) {
        self.seats[rank].heard = Instant::now();
    }

    /// A feed speaks of a symbol. Answers whether it is heard.
    pub(super) fn speak(&mut self, rank: usize, symbol: Symbol) -> Turn {
        let seat = &mut self.seats[rank];
        seat.heard = Instant::now();
        seat.spoken.insert(symbol);
        self.turn(rank, symbol)
    }

    /// Whether it is a feed's turn to speak for a symbol.
    pub(super) fn turn(&mut self, rank: usize, symbol: Symbol) -> Turn {
        let speaker = self.speaker(symbol);
        let chosen = self.chosen(symbol, speaker);
        match (chosen == Some(rank), speaker == Some(rank)) {
            // Who was chosen has not said so yet; until then nobody falls silent.
            (_, true) => Turn::Speaks,
            (false, false) => Turn::Listens,
            (true, false) => {
                self.voice(symbol).speaker = Some(rank);
                Turn::Begins
            }
        }
    }

    /// The symbols that a feed is to take over although it does not speak of them now.
    pub(super) fn due(&self, rank: usize) -> Vec<Symbol> {
        let symbols = self.seats[rank].spoken.iter().copied();
        symbols
            .filter(|&symbol| {
                let speaker = self.speaker(symbol);
                speaker != Some(rank) && self.chosen(symbol, speaker) == Some(rank)
            })
            .collect()
    }

    fn speaker(&self, symbol: Symbol) -> Option<usize> {
        self.voices.get(&symbol).and_then(|voice| voice.speaker)
    }

    fn chosen(&self, symbol: Symbol, speaker: Option<usize>) -> Option<usize> {
        let present = |rank: &usize| self.is_present(*rank, symbol);
        let ranks = || (0..self.seats.len()).filter(present);
        let fresh = |rank: &usize| self.seats[*rank].heard.elapsed() <= SILENCE;
        let good = |rank: &usize| self.seats[*rank].standing == Standing::Good;
        ranks()
            .find(|rank| fresh(rank) && good(rank))
            .or_else(|| ranks().find(fresh))
            .or_else(|| speaker.filter(present))
            .or_else(|| ranks().next())
    }

    fn is_present(&self, rank: usize, symbol: Symbol) -> bool {
        let seat = &self.seats[rank];
        seat.standing != Standing::Away && seat.spoken.contains(&symbol)
    }

    fn voice(&mut self, symbol: Symbol) -> &mut Voice {
        self.voices.entry(symbol).or_default()
    }

    /// Whether a feed's session is to be told: that of the speaker is, and while nobody has spoken,
    /// that of the first feed which has one.
    pub(super) fn presents(&mut self, rank: usize, session: &Session) -> bool {
        let voice = self.voice(session.symbol);
        let told = voice.session.as_ref().map(|(rank, _)| *rank);
        let first = voice.speaker.or(told).is_none_or(|other| rank <= other);
        let presents = voice.speaker.map_or(first, |speaker| speaker == rank);
        if presents {
            voice.session = Some((rank, session.clone()));
        }
        presents
    }

    /// The session by which a feed introduces itself: its own, with what it does not know from the
    /// one before it; or the one before it in its name. `None` when that has been told.
    pub(super) fn introduction(
        &mut self,
        rank: usize,
        symbol: Symbol,
        own: Option<&Session>,
        name: &str,
    ) -> Option<Session> {
        let voice = self.voice(symbol);
        let before = voice.session.as_ref().map(|(_, session)| session);
        let session = match (own, before) {
            (Some(own), Some(before)) => {
                let mut session = own.clone();
                // Figures of another venue in another currency would be wrong.
                if session.currency == before.currency {
                    let known = |own: Option<Price>, before| own.or(before);
                    session.open = known(session.open, before.open);
                    session.prev_close = known(session.prev_close, before.prev_close);
                    session.tick = known(session.tick, before.tick);
                }
                session
            }
            (Some(own), None) => own.clone(),
            (None, Some(before)) => Session {
                source: name.to_owned(),
                ..before.clone()
            },
            (None, None) => return None,
        };
        if matches!(&voice.session, Some((told, before)) if *told == rank && *before == session) {
            return None;
        }
        voice.session = Some((rank, session.clone()));
        Some(session)
    }

    /// Whether a quote of this time may be told: none goes back in time.
    pub(super) fn tells(&mut self, symbol: Symbol, time: Millis) -> bool {
        let voice = self.voice(symbol);
        let tells = time >= voice.time;
        if tells {
            voice.time = time;
        }
        tells
    }

    /// Takes a bar that a feed's board has closed. Answers the bars that are to be told now.
    pub(super) fn close(&mut self, rank: usize, bar: Bar) -> Vec<Bar> {
        let (symbol, start) = (bar.symbol, bar.start);
        let seats = &self.seats;
        let is_whole = |rank: usize| seats[rank].since <= start;
        let will_have_whole = (0..seats.len()).any(|other| {
            let fresh = || seats[other].heard.elapsed() <= SILENCE;
            other != rank && is_whole(other) && self.is_present(other, symbol) && fresh()
        });
        let voice = self.voices.entry(symbol).or_default();
        if start < voice.bars_until {
            return Vec::new();
        }
        let mut told = Vec::new();
        if voice.speaker == Some(rank) {
            told.extend(voice.waiting.take().map(|(waiting, _)| waiting));
            let has_whole = |(other, held): &(usize, Bar)| held.start == start && is_whole(*other);
            if is_whole(rank) {
                told.push(bar);
            } else if let Some(held) = voice.held.iter().position(has_whole) {
                told.push(voice.held.remove(held).1);
            } else if will_have_whole {
                voice.waiting = Some((bar, Instant::now()));
            } else {
                told.push(bar);
            }
        } else if is_whole(rank)
            && voice
                .waiting
                .take_if(|(waiting, _)| waiting.start == start)
                .is_some()
        {
            told.push(bar);
        } else {
            voice.hold(rank, bar);
        }
        voice.told(&told);
        told
    }

    /// The bars that are to be told because a feed begins to speak: those that it closed while
    /// another one spoke that did not come to close them.
    pub(super) fn inherit(&mut self, rank: usize, symbol: Symbol) -> Vec<Bar> {
        let since = self.seats[rank].since;
        let voice = self.voice(symbol);
        let mut bars: BTreeMap<Millis, Bar> = BTreeMap::new();
        if let Some((waiting, _)) = voice.waiting.take() {
            bars.insert(waiting.start, waiting);
        }
        let (own, others) = std::mem::take(&mut voice.held)
            .into_iter()
            .partition(|(other, _)| *other == rank);
        voice.held = others;
        let own: Vec<(usize, Bar)> = own;
        for (_, bar) in own {
            if since <= bar.start || !bars.contains_key(&bar.start) {
                bars.insert(bar.start, bar);
            }
        }
        let told: Vec<Bar> = bars.into_values().collect();
        voice.told(&told);
        told
    }

    /// The bars that have waited long enough for a whole one of another feed.
    pub(super) fn overdue(&mut self) -> Vec<Bar> {
        let mut told = Vec::new();
        for voice in self.voices.values_mut() {
            let late = voice
                .waiting
                .take_if(|(_, since)| since.elapsed() >= WHOLE)
                .map(|(bar, _)| bar);
            voice.told(late.as_slice());
            told.extend(late);
        }
        told
    }
}

impl Voice {
    fn hold(&mut self, rank: usize, bar: Bar) {
        let own = |(other, _): &(usize, Bar)| *other == rank;
        if self.held.iter().filter(|held| own(held)).count() >= MOST_HELD
            && let Some(oldest) = self.held.iter().position(own)
        {
            self.held.remove(oldest);
        }
        self.held.push((rank, bar));
    }

    /// No bar is told twice: what is held of the same minutes is of no use any more.
    fn told(&mut self, bars: &[Bar]) {
        for bar in bars {
            self.bars_until = self.bars_until.max(bar.start + Bar::INTERVAL);
        }
        let until = self.bars_until;
        self.held.retain(|(_, bar)| bar.start >= until);
    }
}
