use leptos::prelude::*;
use market::Millis;

/// The shortest time between two announcements, so that a busy day does not announce without end.
const PAUSE: Millis = 5_000;

/// What screen readers announce, and when.
#[derive(Debug, Clone, Default)]
pub(crate) struct Announcements {
    headlines: usize,
    spoken: Option<Millis>,
}

impl Announcements {
    /// New headlines came.
    pub(crate) fn add_headlines(&mut self, count: usize) {
        self.headlines += count;
    }

    /// What the announcer has to hold now; `None` where it stays as it is. It is emptied between
    /// two announcements, so that the same words are announced twice.
    pub(crate) fn due(&mut self, now: Millis) -> Option<String> {
        if self
            .spoken
            .is_some_and(|spoken| now.saturating_sub(spoken) < PAUSE)
        {
            return None;
        }
        match std::mem::take(&mut self.headlines) {
            0 => self.spoken.take().map(|_| String::new()),
            count => {
                self.spoken = Some(now);
                Some(headlines(count))
            }
        }
    }
}

/// `1 new headline`, `3 new headlines`.
fn headlines(count: usize) -> String {
    match count {
        1 => "1 new headline".to_owned(),
        count => format!("{count} new headlines"),
    }
}

/// Announces something politely, such as new headlines. Prices are not announced.
#[component]
pub(crate) fn Announcer(
    /// What to announce.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! {
        <p class="announcer" role="status" aria-live="polite">
            {text}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathers_headlines_and_speaks_at_most_every_few_seconds() {
        let mut announcements = Announcements::default();
        assert_eq!(announcements.due(0), None);
        announcements.add_headlines(1);
        assert_eq!(announcements.due(1_000).as_deref(), Some("1 new headline"));
        announcements.add_headlines(2);
        announcements.add_headlines(1);
        assert_eq!(announcements.due(5_999), None);
        assert_eq!(announcements.due(6_000).as_deref(), Some("3 new headlines"));
        assert_eq!(announcements.due(11_000).as_deref(), Some(""));
        assert_eq!(announcements.due(12_000), None);
    }
}
