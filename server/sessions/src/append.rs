//! Sessions on the tape.

use jiff::civil::Date;
use market::{Event, Millis, Session};

use crate::Calendar;
use events::{Draft, Owner, Tape, Topic};

/// Completes the first session that a feed sends after a restart with the figures of the previous one of the same day:
/// some feeds send the figures of the day only with their first price.
pub(super) fn inherit(tape: &Tape, received: &mut Session, calendar: Calendar, today: Date) {
    let before = tape.view(|view| {
        let (id, entry) = view.newest(&Topic::Session(received.symbol))?;
        match &*entry.event {
            Event::Session(before) => Some((id, before.clone())),
            _ => None,
        }
    });
    if let Some((id, before)) = before
        && before.source == received.source
        && calendar.trading_day(id.ms) == today
    {
        received.open = received.open.or(before.open);
        received.prev_close = received.prev_close.or(before.prev_close);
    }
}

/// The key of the quotes of a session's symbol.
pub(super) fn symbol_of(event: &Event) -> Option<Topic> {
    match event {
        Event::Session(session) => Some(Topic::Quote(session.symbol)),
        _ => None,
    }
}

pub(super) fn append(tape: &Tape, now: Millis, sessions: Vec<Session>) {
    if sessions.is_empty() {
        return;
    }
    let drafts: Vec<Draft> = sessions
        .into_iter()
        .map(|session| Draft::new(Event::Session(session)))
        .collect();
    tape.append_all(now, |batch| {
        let view = batch.view();
        for draft in drafts {
            // A restored tape has the session from before the restart.
            let key = Topic::conflation_key(draft.event());
            let there = key.and_then(|key| view.newest(&key));
            if there.is_none_or(|(_, entry)| entry.event != *draft.event()) {
                // A halt does not change a symbol's owner.
                let quote = symbol_of(draft.event()).and_then(|key| view.newest(&key));
                let draft = match there.or(quote).map(|(_, entry)| &entry.owner) {
                    Some(owner @ Owner::Token(_)) => draft.of(owner.clone()),
                    _ => draft,
                };
                draft.append(batch);
            }
        }
    });
}
