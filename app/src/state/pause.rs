use crate::lean::signal::{RwSignal, StoredValue};

/// Whether the page stands still: because the person paused it, or because it is hidden. It still receives events, and
/// draws them when it resumes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    /// Whether the person paused it.
    pub(crate) paused: RwSignal<bool>,
    /// How many visible changes are pending.
    pub(crate) waiting: RwSignal<usize>,
    /// Notified when the title of the window has to be updated while the page is hidden, or before it is paused.
    pub(crate) glimpse: RwSignal<()>,
    hidden: StoredValue<bool>,
    chart: StoredValue<Chart>,
}

/// What the chart needs when the page resumes.
#[derive(Debug, Clone, Copy, Default)]
struct Chart {
    /// It has not drawn everything.
    behind: bool,
    /// The person has asked for another chart since the pause.
    asked: bool,
}

impl Pause {
    /// A page that is not paused.
    pub(crate) fn new() -> Self {
        Pause {
            paused: RwSignal::new(false),
            waiting: RwSignal::new(0),
            glimpse: RwSignal::new(()),
            hidden: StoredValue::new(false),
            chart: StoredValue::new(Chart::default()),
        }
    }

    /// Whether nothing is to be drawn.
    pub(crate) fn is_still(self) -> bool {
        self.is_paused() || self.is_hidden()
    }

    /// Whether the person paused it.
    pub(crate) fn is_paused(self) -> bool {
        self.paused.get_untracked()
    }

    /// Whether the page is hidden.
    pub(crate) fn is_hidden(self) -> bool {
        self.hidden.get_value()
    }

    /// Records whether the page is hidden. Returns whether that changed.
    pub(crate) fn set_hidden(self, hidden: bool) -> bool {
        let before = self.is_hidden();
        self.hidden.set_value(hidden);
        before != hidden
    }

    /// Records that the person asks for another chart, which is drawn as of now.
    pub(crate) fn ask_for_chart(self) {
        if self.is_paused() {
            self.chart.update_value(|chart| chart.asked = true);
        }
    }

    /// Whether a change of the chart may be drawn now. On a paused page only an `answer` may, if the person asked for
    /// it.
    pub(crate) fn lets_chart(self, answer: bool) -> bool {
        if !self.is_still() {
            return true;
        }
        let mut asked = false;
        self.chart.update_value(|chart| {
            asked = answer && std::mem::take(&mut chart.asked);
            chart.behind |= !asked;
        });
        asked && !self.is_hidden()
    }

    /// Resumes the page. Returns whether the chart has to be redrawn.
    pub(crate) fn end(self) -> bool {
        let mut chart = Chart::default();
        self.chart
            .update_value(|old| std::mem::swap(old, &mut chart));
        self.waiting.set(0);
        chart.behind
    }
}

#[cfg(test)]
mod tests {
    use leptos::prelude::Owner;

    use super::*;

    #[test]
    fn a_chart_that_was_asked_for_is_drawn_and_everything_else_waits() {
        Owner::new().with(|| {
            let pause = Pause::new();
            assert!(pause.lets_chart(false));
            assert!(!pause.end());
            pause.paused.set(true);
            assert!(!pause.lets_chart(true));
            pause.ask_for_chart();
            assert!(!pause.lets_chart(false));
            assert!(pause.lets_chart(true));
            assert!(!pause.lets_chart(true));
            pause.paused.set(false);
            assert!(pause.end());
            assert!(!pause.end());
            assert!(pause.set_hidden(true));
            assert!(!pause.set_hidden(true));
            assert!(!pause.lets_chart(true));
        });
    }
}
