use leptos::{logging::warn, task::spawn_local};
use market::{Bar, Millis};

use super::request;
use crate::{
    browser::environment,
    state::{
        address,
        dashboard::Dashboard,
        missing::Missing,
        page_data::{FoundBars, FoundNews},
        price_history::interval_named,
    },
};

/// How long a request is not repeated, whether it is pending or has failed.
const PAUSE: Millis = 10_000;

/// Recent requests for bars, and when each was made.
#[derive(Debug, Default)]
pub(super) struct BarRequests {
    asked: Vec<(Missing, Millis)>,
}

impl BarRequests {
    /// Fetches missing bars that the chart needs.
    pub(super) fn fill(&mut self, dashboard: Dashboard) {
        for missing in dashboard.missing_history() {
            self.fetch(dashboard, missing);
        }
    }

    fn fetch(&mut self, dashboard: Dashboard, missing: Missing) {
        let now = environment::now();
        self.asked.retain(|(_, at)| now.saturating_sub(*at) < PAUSE);
        if self.asked.iter().any(|(asked, _)| *asked == missing) {
            return;
        }
        self.asked.push((missing, now));
        spawn_local(async move {
            let address = address::of_bars(&missing);
            match request::get::<FoundBars>(&address, 0).await {
                Ok(FoundBars { bars, until, older }) => {
                    dashboard.complete(missing, &bars, until, interval_named(older));
                }
                Err(error) => warn!("the history of {} did not come: {error}", missing.symbol),
            }
        });
    }
}

/// The stories at an address.
pub(crate) async fn stories(address: &str) -> Result<FoundNews, String> {
    request::get(address, 0).await
}

/// The bars at an address.
pub(crate) async fn bars(address: &str) -> Result<Vec<Bar>, String> {
    let answer = request::get::<FoundBars>(address, 0).await?;
    Ok(answer.bars)
}
