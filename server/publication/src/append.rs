use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use clock::MAX_AHEAD;
use events::{Batch, Draft, Owner, Tape, Topic, View, claims, story};
use market::{Bar, Event, Millis, Symbol};
use tape::EventId;

use crate::{Builder, EventLocation, Fault, MAX_SYMBOLS, Newcomers, Submission, builder::Hold};

/// The result of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Events that were appended.
    pub count: usize,
    /// Stories, sessions and bars that are on the tape already, unchanged.
    pub unchanged: usize,
    /// Quotes and bars that are older than those of their symbol on the tape.
    pub late: usize,
    /// The position of the tape after it.
    pub position: EventId,
}

/// The publisher, and the symbols that only stories have named so far.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The owner of the events.
    pub owner: &'a Owner,
    /// They count against the limit of symbols.
    pub newcomers: &'a Newcomers,
}

impl Submission {
    /// Appends everything except unchanged events as one step. Nothing goes back in time: a quote or bar that is older
    /// than the newest one of its symbol is not appended.
    ///
    /// # Errors
    /// If the tape cannot take one of the events; then none is appended.
    pub fn append(self, tape: &Tape, now: Millis) -> Result<Outcome, Vec<Fault>> {
        let by = By {
            owner: &Owner::Feed,
            newcomers: &Newcomers::default(),
        };
        self.append_held(tape, now, by, None)
    }

    /// The same, with the results of a builder: the bars of published quotes, and sessions completed by the venue's
    /// hours and history. `source` is the publisher's name.
    ///
    /// # Errors
    /// As [`Submission::append`].
    pub fn append_built(
        self,
        tape: &Tape,
        now: Millis,
        by: By<'_>,
        builder: Option<&Builder>,
        source: &str,
    ) -> Result<Outcome, Vec<Fault>> {
        let hold = builder.map(|builder| builder.hold(source, now));
        self.append_held(tape, now, by, hold)
    }

    fn append_held(
        mut self,
        tape: &Tape,
        now: Millis,
        by: By<'_>,
        mut hold: Option<Hold<'_>>,
    ) -> Result<Outcome, Vec<Fault>> {
        let refused = tape.view(|view| unacceptable(view, &self.events, by));
        if !refused.is_empty() {
            return Err(refused);
        }
        if let Some(hold) = &mut hold {
            let prepared = self.events.into_iter();
            self.events = prepared
                .map(|(place, draft)| (place, hold.prepare(draft)))
                .collect();
        }
        let outcome = tape.append_all(now, |batch| {
            let faults = unacceptable(&batch.view(), &self.events, by);
            if !faults.is_empty() {
                return Err(faults);
            }
            Ok(append(self.events, batch, now, by, hold.as_mut()))
        });
        if let Some(hold) = hold.filter(|_| outcome.is_ok()) {
            hold.finish();
        }
        outcome
    }
}

fn append(
    events: Vec<(EventLocation, Draft)>,
    batch: &mut Batch<'_>,
    now: Millis,
    by: By<'_>,
    mut hold: Option<&mut Hold<'_>>,
) -> Outcome {
    let mut outcome = Outcome {
        count: 0,
        unchanged: 0,
        late: 0,
        position: batch.position(),
    };
    let mut newest = Newest {
        latest: now.saturating_add(MAX_AHEAD),
        view: batch.view(),
        appended: HashMap::new(),
    };
    let several = events.len() > 1;
    for (_, draft) in events {
        let draft = draft.of(by.owner.clone());
        let verdict = match (&**draft.event(), hold.as_deref()) {
            (Event::Bar(bar), Some(hold)) => match newest.judge_bar(bar, hold) {
                Ordering::Less => Verdict::Late,
                Ordering::Equal => Verdict::Unchanged,
                Ordering::Greater => Verdict::New(draft),
            },
            _ => newest.judge(draft),
        };
        match verdict {
            Verdict::New(draft) => {
                let built = hold.as_deref_mut().and_then(|hold| {
                    let event = draft.event();
                    let before = newest.before(event);
                    hold.take(event, before, &newest.view, batch.position())
                });
                if let Some(bar) = built {
                    let bar = Draft::new(Event::Bar(bar)).of(by.owner.clone());
                    newest.note(&bar);
                    bar.append(batch);
                }
                if several {
                    newest.note(&draft);
                }
                let event = Arc::clone(draft.event());
                let id = draft.append(batch);
                by.newcomers.note(id, &event);
                outcome.count += 1;
            }
            Verdict::Unchanged => outcome.unchanged += 1,
            Verdict::Late => outcome.late += 1,
        }
    }
    outcome.position = batch.position();
    outcome
}

/// The events that the tape cannot take, each with its reason.
fn unacceptable(
    view: &View<'_>,
    events: &[(EventLocation, Draft)],
    By { owner, newcomers }: By<'_>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut new = HashSet::new();
    let mut news = HashSet::new();
    let room = newcomers.room(view);
    for (place, draft) in events {
        if let Owner::Token(token) = owner
            && let Some((field, detail)) = claims::refusal(view, draft.event(), token)
        {
            faults.push(Fault {
                place: *place,
                pointer: format!("/data/{field}"),
                detail,
            });
            continue;
        }
        if let Event::News(story) = &**draft.event() {
            let is_new = |symbol: &&Symbol| {
                !newcomers.has(**symbol) && !view.holds(&Topic::Symbol(**symbol))
            };
            news.extend(story.symbols.iter().filter(is_new).copied());
            if 2 * news.len() + new.len() > room {
                faults.push(Fault {
                    place: *place,
                    pointer: "/data/symbols".to_owned(),
                    detail: format!(
                        "the story names symbols that nothing else does, and there are {MAX_SYMBOLS} of all kinds already: expected known ones"
                    ),
                });
            }
            continue;
        }
        let (symbol, names_it) = match &**draft.event() {
            Event::Quote(quote) => (quote.symbol, true),
            Event::Session(session) => (session.symbol, true),
            Event::Bar(bar) => (bar.symbol, false),
            Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => continue,
        };
        let is_known = [Topic::Quote(symbol), Topic::Session(symbol)]
            .iter()
            .any(|key| view.newest(key).is_some() || new.contains(key));
        if names_it {
            let key = Topic::conflation_key(draft.event());
            let key = key.filter(|key| view.newest(key).is_none());
            let is_one_more = key.is_some_and(|key| new.insert(key)) && !newcomers.has(symbol);
            if is_one_more && new.len() + 2 * news.len() > room {
                faults.push(Fault {
                    place: *place,
                    pointer: "/data/symbol".to_owned(),
                    detail: format!(
                        "{symbol} is one symbol too many: expected at most {} quotes and sessions in all, those of {MAX_SYMBOLS} symbols",
                        2 * MAX_SYMBOLS
                    ),
                });
            }
        } else if !is_known {
            faults.push(Fault {
                place: *place,
                pointer: "/data/symbol".to_owned(),
                detail: format!(
                    "{symbol} is not known: expected its session or a quote of it before its first bar"
                ),
            });
        }
    }
    faults
}

/// An event in relation to the tape.
enum Verdict {
    /// It is to be appended in this form.
    New(Draft),
    /// It is there already.
    Unchanged,
    /// Something newer is there.
    Late,
}

/// The newest of each subject: on the tape, or in this publication.
struct Newest<'a> {
    /// A later date comes from a clock that was ahead, and holds nothing up.
    latest: Millis,
    view: View<'a>,
    appended: HashMap<Subject, Arc<Event>>,
}

/// The subject of an event: a topic, and the id of a story.
type Subject = (Topic, String);

fn subject(event: &Event) -> Option<Subject> {
    match event {
        Event::Quote(quote) => Some((Topic::Quote(quote.symbol), String::new())),
        Event::Session(session) => Some((Topic::Session(session.symbol), String::new())),
        Event::Bar(bar) => Some((Topic::Symbol(bar.symbol), String::new())),
        Event::News(news) => Some((Topic::story(&news.id), news.id.clone())),
        Event::Snapshot(_) | Event::Heartbeat(_) => None,
    }
}

impl Newest<'_> {
    /// How a published bar relates to those on the tape: newer, the same, or older. Built bars do not make it old, and
    /// it replaces that of its own minute.
    fn judge_bar(&self, bar: &Bar, hold: &Hold<'_>) -> Ordering {
        let appended = self
            .appended
            .get(&(Topic::Symbol(bar.symbol), String::new()));
        let taped = self.view.retained(&Topic::Symbol(bar.symbol));
        let replaces = hold.is_built(bar);
        let before = appended
            .into_iter()
            .map(|event| &**event)
            .chain(taped.map(|(_, entry)| &*entry.event))
            .find_map(|event| match event {
                Event::Bar(other) if replaces => (other.start == bar.start).then_some(other),
                Event::Bar(other) => (!hold.is_built(other)).then_some(other),
                _ => None,
            });
        match before {
            Some(before) if before == bar => Ordering::Equal,
            Some(before) if !replaces && bar.start <= before.start => Ordering::Less,
            _ => Ordering::Greater,
        }
    }

    fn judge(&self, draft: Draft) -> Verdict {
        let event = Arc::clone(draft.event());
        let Some(before) = self.before(&event) else {
            return Verdict::New(draft);
        };
        match (&*event, before) {
            (Event::Quote(quote), Event::Quote(before))
                if quote.time < before.time && before.time <= self.latest =>
            {
                Verdict::Late
            }
            (Event::Session(session), Event::Session(before)) if session == before => {
                Verdict::Unchanged
            }
            (Event::Bar(bar), Event::Bar(before)) if bar == before => Verdict::Unchanged,
            (Event::Bar(bar), Event::Bar(before))
                if bar.start <= before.start && before.start <= self.latest =>
            {
                Verdict::Late
            }
            (Event::News(_), before) => match story::after(draft, Some(before)) {
                Some(draft) => Verdict::New(draft),
                None => Verdict::Unchanged,
            },
            (
                Event::Quote(_)
                | Event::Session(_)
                | Event::Bar(_)
                | Event::Snapshot(_)
                | Event::Heartbeat(_),
                _,
            ) => Verdict::New(draft),
        }
    }

    fn before(&self, event: &Event) -> Option<&Event> {
        if !self.appended.is_empty()
            && let Some(before) = subject(event).and_then(|subject| self.appended.get(&subject))
        {
            return Some(before);
        }
        let newest = |key| self.view.newest(&key).map(|(_, entry)| &*entry.event);
        match event {
            Event::Quote(quote) => newest(Topic::Quote(quote.symbol)),
            Event::Session(session) => newest(Topic::Session(session.symbol)),
            Event::Bar(bar) => self
                .view
                .retained(&Topic::Symbol(bar.symbol))
                .map(|(_, entry)| &*entry.event)
                .find(|event| matches!(event, Event::Bar(_))),
            Event::News(news) => {
                let newest = story::newest(&self.view, &news.id);
                newest.map(|(_, entry)| &*entry.event)
            }
            Event::Snapshot(_) | Event::Heartbeat(_) => None,
        }
    }

    fn note(&mut self, draft: &Draft) {
        let subject = subject(draft.event());
        self.appended
            .extend(subject.map(|subject| (subject, Arc::clone(draft.event()))));
    }
}
