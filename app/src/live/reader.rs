use market::{EventKind, Millis};

/// How many events wait for an answer at the most. Others are requested again.
const WAITING: usize = 5_000;
/// How long after a failed request it is repeated, in milliseconds.
const PAUSE: Millis = 3_000;

/// An event as it is passed from tab to tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed<T> {
    /// The previous id of the stream: there are no events between the two.
    pub(super) before: String,
    /// Its id.
    pub(super) id: String,
    /// Its kind; `None` if there is no event and only the position moves.
    pub(super) kind: Option<EventKind>,
    /// Its data.
    pub(super) data: T,
}

/// Takes each event once and in order, from the tab's position on, even if events are passed on twice, too early, or
/// not at all. Missing events are requested from the server, and events that are passed on meanwhile wait.
#[derive(Debug)]
pub(super) struct Reader<T> {
    position: String,
    behind: bool,
    waiting: Vec<Passed<T>>,
    /// The pending request, and the number of the next one.
    asked: Option<u32>,
    next: u32,
    ask_at: Millis,
}

impl<T> Reader<T> {
    /// A reader that has all events up to a position.
    pub(super) fn new(position: String) -> Self {
        Reader {
            position,
            behind: false,
            waiting: Vec::new(),
            asked: None,
            next: 0,
            ask_at: 0,
        }
    }

    /// The position up to which it has all events.
    pub(super) fn position(&self) -> &str {
        &self.position
    }

    /// Accepts an event of a stream that carries what this tab wants. `exactly` is whether it carries nothing else.
    /// Returns the event if it is to be taken now.
    pub(super) fn accept(&mut self, passed: Passed<T>, exactly: bool) -> Option<Passed<T>> {
        if self.behind {
            if self.waiting.len() == WAITING {
                self.waiting.clear();
            }
            self.waiting.push(passed);
            return None;
        }
        if passed.kind == Some(EventKind::Snapshot) {
            // A snapshot replaces everything. One for more symbols contains fewer stories of each.
            self.behind = !exactly;
            if self.behind {
                return None;
            }
            self.position.clone_from(&passed.id);
            return Some(passed);
        }
        if order(&passed.before) > order(&self.position) {
            self.behind = true;
            self.waiting.push(passed);
            return None;
        }
        if order(&passed.id) <= order(&self.position) {
            return None;
        }
        self.position.clone_from(&passed.id);
        Some(passed)
    }

    /// The stream's events were passed on up to a position.
    pub(super) fn reached(&mut self, position: &str) {
        self.behind |= order(position) > order(&self.position);
    }

    /// This tab wants more than before, which has to be requested.
    pub(super) fn miss(&mut self) {
        self.asked = None;
        self.behind = true;
    }

    /// Begins a request for the events after [`Reader::position`], if one is due. Returns its number.
    pub(super) fn ask(&mut self, now: Millis) -> Option<u32> {
        if !self.behind || self.asked.is_some() || now < self.ask_at {
            return None;
        }
        self.asked = Some(self.next);
        self.next += 1;
        self.asked
    }

    /// A request has failed.
    pub(super) fn unanswered(&mut self, question: u32, now: Millis) {
        if self.asked == Some(question) {
            self.asked = None;
            self.ask_at = now + PAUSE;
        }
    }

    /// A request was answered with all events up to a position. Returns the events that waited, which have to be
    /// [accepted](Reader::accept) after the answer; `None` if the answer is out of date.
    pub(super) fn answered(&mut self, question: u32, position: &str) -> Option<Vec<Passed<T>>> {
        if self.asked != Some(question) {
            return None;
        }
        self.asked = None;
        self.behind = false;
        position.clone_into(&mut self.position);
        Some(std::mem::take(&mut self.waiting))
    }

    /// A stream begins at this tab's position, so nothing is missing.
    pub(super) fn begin(&mut self) {
        self.behind = false;
        self.asked = None;
        self.waiting.clear();
    }
}

/// The order of ids. Elsewhere they are opaque texts.
fn order(id: &str) -> (Millis, u64) {
    let (time, number) = id.split_once('-').unwrap_or((id, ""));
    (time.parse().unwrap_or(0), number.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(before: u64, id: u64) -> Passed<()> {
        Passed {
            before: format!("{before}-0"),
            id: format!("{id}-0"),
            kind: Some(EventKind::Quote),
            data: (),
        }
    }

    fn snapshot(before: u64, id: u64) -> Passed<()> {
        Passed {
            kind: Some(EventKind::Snapshot),
            ..quote(before, id)
        }
    }

    fn reader(position: &str) -> Reader<()> {
        Reader::new(position.to_owned())
    }

    #[test]
    fn takes_what_follows_and_nothing_twice() {
        let mut reader = reader("5-0");
        for (before, id, taken) in [
            (3, 4, false),
            (4, 5, false),
            (4, 6, true),
            (6, 9, true),
            (6, 9, false),
        ] {
            assert_eq!(
                reader.accept(quote(before, id), true).is_some(),
                taken,
                "{id}"
            );
        }
        assert_eq!(reader.position(), "9-0");
        assert_eq!(reader.ask(0), None);
    }

    #[test]
    fn ids_are_compared_as_numbers() {
        let mut reader = reader("999-5000");
        reader.reached("999-4999");
        assert_eq!(reader.ask(0), None);
        reader.reached("999-12000");
        assert!(reader.ask(0).is_some());
    }

    #[test]
    fn what_is_missing_is_asked_for_while_the_rest_waits() {
        let mut reader = reader("5-0");
        assert!(reader.accept(quote(7, 8), true).is_none());
        let question = reader.ask(1_000).unwrap();
        assert_eq!(reader.ask(1_000), None, "it is asked once");
        assert!(reader.accept(quote(8, 9), true).is_none());
        assert!(reader.accept(quote(9, 10), true).is_none());
        let waited = reader.answered(question, "9-0").unwrap();
        let taken: Vec<_> = waited
            .into_iter()
            .filter_map(|passed| reader.accept(passed, true))
            .map(|passed| passed.id)
            .collect();
        assert_eq!(taken, ["10-0"]);
        assert_eq!(reader.ask(1_000), None);
    }

    #[test]
    fn an_answer_that_is_cut_short_is_followed_by_another_question() {
        let mut reader = reader("5-0");
        reader.reached("20-0");
        let question = reader.ask(0).unwrap();
        reader.accept(quote(20, 21), true);
        for passed in reader.answered(question, "12-0").unwrap() {
            assert!(reader.accept(passed, true).is_none());
        }
        assert!(reader.ask(0).is_some());
        assert_eq!(reader.position(), "12-0");
    }

    #[test]
    fn a_failed_question_is_asked_again_after_a_while_and_a_late_answer_is_none() {
        let mut reader = reader("5-0");
        reader.reached("6-0");
        let first = reader.ask(1_000).unwrap();
        reader.unanswered(first, 2_000);
        assert_eq!(reader.ask(4_999), None);
        let second = reader.ask(5_000).unwrap();
        assert!(reader.answered(first, "7-0").is_none());
        assert!(reader.answered(second, "6-0").is_some());
        reader.reached("9-0");
        let third = reader.ask(6_000).unwrap();
        // A stream that begins meanwhile brings the same.
        reader.begin();
        assert!(reader.answered(third, "9-0").is_none());
        assert_eq!(reader.position(), "6-0");
    }

    #[test]
    fn a_snapshot_of_just_this_is_taken_and_any_other_is_asked_for() {
        // Also where it is from before: the clock of the server was set back.
        let mut same = reader("50-0");
        assert!(same.accept(snapshot(50, 30), true).is_some());
        assert!(same.accept(quote(30, 31), true).is_some());
        let mut other = reader("50-0");
        assert!(other.accept(snapshot(50, 30), false).is_none());
        let question = other.ask(0).unwrap();
        assert!(other.accept(quote(30, 31), false).is_none());
        for passed in other.answered(question, "30-0").unwrap() {
            assert!(other.accept(passed, false).is_some());
        }
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_left_out_is_asked_for() {
        let mut reader = reader("0-0");
        reader.reached("1-0");
        let question = reader.ask(0).unwrap();
        let many = WAITING as u64 + 10;
        for id in 1..many {
            reader.accept(quote(id, id + 1), true);
        }
        let waited = reader.answered(question, "1-0").unwrap();
        assert!(!waited.is_empty() && waited.len() <= WAITING);
        assert!(
            waited
                .into_iter()
                .all(|passed| reader.accept(passed, true).is_none())
        );
        assert!(reader.ask(0).is_some());
    }
}
