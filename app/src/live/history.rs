use gloo_net::http::Request;
use leptos::{logging::warn, task::spawn_local};
use market::{Bar, Millis, Symbol};
use serde::Deserialize;

use crate::{address, browser, dashboard::Dashboard, json};

/// How long a failed request is not repeated.
const PAUSE: Millis = 10_000;

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    bars: Vec<Bar>,
}

/// The one request for bars that is under way or was last.
#[derive(Debug, Default)]
pub(super) struct History {
    asked: Option<(Symbol, Millis)>,
}

impl History {
    /// Fetches the bars of the open symbol where they are missing.
    pub(super) fn fill(&mut self, dashboard: Dashboard) {
        let now = browser::now();
        let Some(symbol) = dashboard.symbol_without_history() else {
            return;
        };
        if self
            .asked
            .is_some_and(|(asked, at)| asked == symbol && now.saturating_sub(at) < PAUSE)
        {
            return;
        }
        self.asked = Some((symbol, now));
        spawn_local(async move {
            match fetch(symbol).await {
                Ok(bars) => dashboard.complete(symbol, &bars),
                Err(error) => warn!("the history of {symbol} did not come: {error}"),
            }
        });
    }
}

async fn fetch(symbol: Symbol) -> Result<Vec<Bar>, String> {
    let request = Request::get(&address::of_bars(symbol)).header("accept", "application/json");
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.ok() {
        return Err(format!("the server answered {}", response.status()));
    }
    let text = response.text().await.map_err(|error| error.to_string())?;
    json::read(&text).map(|answer: Answer| answer.bars)
}
