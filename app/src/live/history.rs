use leptos::{logging::warn, task::spawn_local};
use market::{Bar, Millis, Symbol};
use serde::Deserialize;

use super::request;
use crate::{address, browser, dashboard::Dashboard};

/// How long a request is not repeated, whether it is under way or failed.
const PAUSE: Millis = 10_000;

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    bars: Vec<Bar>,
}

/// The requests for bars of the last moments: of which symbol, in which run, and when.
#[derive(Debug, Default)]
pub(super) struct History {
    asked: Vec<(Symbol, u32, Millis)>,
}

impl History {
    /// Fetches the bars of the open symbol where they are missing.
    pub(super) fn fill(&mut self, dashboard: Dashboard) {
        let now = browser::now();
        let Some((symbol, run)) = dashboard.symbol_without_history() else {
            return;
        };
        self.asked
            .retain(|(_, _, at)| now.saturating_sub(*at) < PAUSE);
        let mut asked = self.asked.iter();
        if asked.any(|&(asked, of, _)| (asked, of) == (symbol, run)) {
            return;
        }
        self.asked.push((symbol, run, now));
        spawn_local(async move {
            match fetch(symbol).await {
                Ok(bars) => dashboard.complete(symbol, &bars, run),
                Err(error) => warn!("the history of {symbol} did not come: {error}"),
            }
        });
    }
}

async fn fetch(symbol: Symbol) -> Result<Vec<Bar>, String> {
    let answer: Answer = request::get(&address::of_bars(symbol), 0).await?;
    Ok(answer.bars)
}
