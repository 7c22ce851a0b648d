use market::Millis;

/// The shortest time between two drawings of the page's numbers.
const DRAW: Millis = 100;
/// A page that has not drawn received events for this long is not current, whatever its connection is.
const BEHIND: Millis = 3_000;

/// When the page's numbers are drawn: at most once per [`DRAW`], and only after events.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since when something is waiting to be drawn.
    due: Option<Millis>,
    /// Whether a drawing is scheduled.
    scheduled: bool,
    /// When the newest drawing began.
    drawn: Millis,
}

impl Pace {
    /// An event was received. Returns after how many milliseconds to draw; `None` if a drawing is already scheduled.
    pub(super) fn change(&mut self, now: Millis) -> Option<Millis> {
        self.due.get_or_insert(now);
        if std::mem::replace(&mut self.scheduled, true) {
            return None;
        }
        Some(DRAW.saturating_sub(now.saturating_sub(self.drawn)))
    }

    /// The scheduled drawing begins.
    pub(super) fn begin(&mut self, now: Millis) {
        self.scheduled = false;
        self.drawn = now;
    }

    /// The drawing is done, or the page stands still and draws nothing.
    pub(super) fn end(&mut self) {
        self.due = None;
    }

    /// Since when the page has not drawn received events, if that is too long.
    pub(super) fn behind(&self, now: Millis) -> Option<Millis> {
        self.due.filter(|due| now.saturating_sub(*due) >= BEHIND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_at_its_own_pace_and_only_what_came() {
        let mut pace = Pace::default();
        assert_eq!(pace.change(1_000), Some(0));
        assert_eq!(pace.change(1_010), None, "one drawing takes both");
        pace.begin(1_020);
        pace.end();
        assert_eq!(pace.behind(60_000), None, "nothing came");
        assert_eq!(pace.change(1_050), Some(70));
        pace.begin(1_120);
        pace.end();
    }

    #[test]
    fn a_page_that_does_not_draw_what_came_is_behind() {
        let mut pace = Pace::default();
        pace.change(1_000);
        // A drawing that begins and does not end draws nothing.
        for now in [1_100, 2_100] {
            pace.begin(now);
            pace.change(now + 50);
        }
        assert_eq!(pace.behind(3_999), None);
        assert_eq!(pace.behind(4_000), Some(1_000));
        pace.begin(4_100);
        pace.end();
        assert_eq!(pace.behind(9_000), None);
    }
}
