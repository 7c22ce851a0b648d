use leptos::prelude::*;
use market::Millis;

use crate::lean::reactive::drawn;

/// The shortest time between two announcements.
const PAUSE: Millis = 5_000;

/// Announcements of new headlines, limited in rate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Announcements {
    headlines: usize,
    announced_at: Option<Millis>,
}

impl Announcements {
    /// Counts new headlines.
    pub(crate) fn add_headlines(&mut self, count: usize) {
        self.headlines += count;
    }

    /// The new text of the announcer; `None` if it stays unchanged. It is emptied between announcements, so that equal
    /// texts are announced again.
    pub(crate) fn due(&mut self, now: Millis) -> Option<String> {
        if self
            .announced_at
            .is_some_and(|announced_at| now.saturating_sub(announced_at) < PAUSE)
        {
            return None;
        }
        match std::mem::take(&mut self.headlines) {
            0 => self.announced_at.take().map(|_| String::new()),
            count => {
                self.announced_at = Some(now);
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
            {drawn(move || text.get())}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathers_headlines_and_announces_them_at_most_every_few_seconds() {
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
