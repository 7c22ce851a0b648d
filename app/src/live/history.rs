use leptos::{logging::warn, task::spawn_local};
use market::{Bar, Millis};
use serde::Deserialize;

use super::request::{self, Failure};
use crate::{
    address, browser,
    dashboard::{Dashboard, Missing},
    search::Suggestion,
};

/// How long a request is not repeated, whether it is under way or failed.
const PAUSE: Millis = 10_000;

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    bars: Vec<Bar>,
    /// Where the last bar is not over: the end of the newest minute in it.
    #[serde(default)]
    until: Option<Millis>,
}

/// The requests for bars of the last moments, and when each was made.
#[derive(Debug, Default)]
pub(super) struct History {
    asked: Vec<(Missing, Millis)>,
}

impl History {
    /// Fetches the bars of the open symbol and the chosen range where they are missing.
    pub(super) fn fill(&mut self, dashboard: Dashboard) {
        let now = browser::now();
        let Some(missing) = dashboard.missing_history() else {
            return;
        };
        self.asked.retain(|(_, at)| now.saturating_sub(*at) < PAUSE);
        if self.asked.iter().any(|(asked, _)| *asked == missing) {
            return;
        }
        self.asked.push((missing, now));
        let archived = dashboard.archived;
        spawn_local(async move {
            let address = address::of_bars(missing.symbol, missing.range, archived);
            match request::get::<Answer>(&address, 0).await {
                Ok(Answer { bars, until }) => dashboard.complete(missing, &bars, until),
                Err(Failure { error, .. }) => {
                    warn!("the history of {} did not come: {error}", missing.symbol);
                }
            }
        });
    }
}

/// What the server suggests for a text; nothing where it does not answer.
pub(crate) async fn suggestions(text: &str, limit: usize) -> Vec<Suggestion> {
    #[derive(Deserialize)]
    struct Found {
        symbols: Vec<Suggestion>,
    }
    let found = request::get::<Found>(&address::of_search(text, limit), 0).await;
    found.map_or_else(|_| Vec::new(), |found| found.symbols)
}
