//! The answers to invalid publications.

use publication::{EventLocation, Refusal};
use publishers::PublishGate;
use web::problem::{Fault, Problem};

/// The most bytes that the errors of one answer take; all of the answer has at most 64 KiB.
pub(super) const MAX_ERRORS_BYTES: usize = 60 * 1024;

/// The longest pointer and the longest detail of an error, in characters. A character takes six bytes
/// at the most, as \u0001 does.
pub(super) const MAX_POINTER: usize = 500;

pub(super) const MAX_DETAIL: usize = 1_000;

pub(super) fn refused(refusal: Refusal, desk: &PublishGate) -> Problem {
    match refusal {
        Refusal::NotJson(error) => Problem::Malformed(format!(
            "the body is not JSON: {error}; events one a line are of the type application/x-ndjson"
        )),
        Refusal::TooMany(events) => Problem::TooLarge(format!(
            "{events} events: expected at most {} in one publication; nothing was taken",
            desk.max_events
        )),
        Refusal::Faults(faults) => invalid(faults),
    }
}

pub(super) fn invalid(faults: Vec<publication::Fault>) -> Problem {
    let all = faults.len();
    let mut places: Vec<String> = faults.iter().map(|fault| fault.place.to_string()).collect();
    places.dedup();
    let which = match places.as_slice() {
        [one] => one.clone(),
        [one, ..] => format!("{one} and {} more", places.len() - 1),
        [] => String::new(),
    };
    let mut bytes = 0;
    let faults: Vec<Fault> = faults
        .into_iter()
        .map(shown)
        .take_while(|fault| {
            bytes += serde_json::to_vec(fault).map_or(0, |text| text.len() + 1);
            bytes <= MAX_ERRORS_BYTES
        })
        .collect();
    let which_are = match all - faults.len() {
        0 => "see errors".to_owned(),
        _ => format!("see errors, which are the first {} of {all}", faults.len()),
    };
    Problem::Invalid {
        detail: format!("{which} cannot be published, {which_are}: nothing was taken"),
        faults,
    }
}

/// A text of an answer, cut if it repeats too much of what was sent.
pub(super) fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// An error in the form of the answer.
pub(super) fn shown(fault: publication::Fault) -> Fault {
    let (line, index) = match fault.place {
        EventLocation::Only => (None, None),
        EventLocation::Line(line) => (Some(line), None),
        EventLocation::Index(index) => (None, Some(index)),
    };
    Fault {
        line,
        index,
        pointer: cut(fault.pointer, MAX_POINTER),
        detail: cut(fault.detail, MAX_DETAIL),
    }
}
