use leptos::prelude::*;
use market::{FeedState, FeedStatus};

use crate::{
    alert_panel::AlertPanel, connection_status::ConnectionStatus, dashboard::Dashboard, help::Help,
    navigation::Navigation, pause_button::PauseButton, quote_figures::quality_name,
    reactive::drawn, search::Search, settings::Settings,
};

/// Where the page begins, the search, how current it is, and what kind of data it shows.
#[component]
pub(crate) fn TopBar(navigation: Navigation) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let home = move || dashboard.home();
    view! {
        <header class="top-bar">
            <a class="brand" href=drawn(home)>
                "Tickertape"
            </a>
            <Search navigation />
            <ConnectionStatus />
            <PauseButton />
            <DataQuality />
            <div class="bar-buttons">
                <AlertPanel />
                <Settings />
                <Help />
            </div>
        </header>
    }
}

/// What is wrong with a feed, where something is.
pub(crate) fn trouble(feed: &FeedStatus) -> Option<String> {
    let trouble = match feed.state {
        FeedState::Connecting | FeedState::Live => return None,
        FeedState::Degraded => "tries again",
        FeedState::Ended => "ended",
        FeedState::Failed => "failed",
    };
    Some(format!("{} {trouble}", feed.name))
}

/// What kind of data the page shows, where that is not live data, and which feed is in trouble.
#[component]
fn DataQuality() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let qualities = move || {
        let mut names: Vec<&'static str> = Vec::new();
        dashboard.tickers.with(|tickers| {
            for ticker in tickers.values() {
                let name = ticker.session.with(|session| {
                    session
                        .as_ref()
                        .and_then(|session| quality_name(session.quality))
                });
                names.extend(name.filter(|name| !names.contains(name)));
            }
        });
        match names.is_empty() {
            true => None,
            false => Some(format!("{} data", names.join(", "))),
        }
    };
    let feeds = move || {
        dashboard.feeds.with(|feeds| {
            let troubled = feeds.iter().filter_map(|feed| {
                let text = trouble(feed)?;
                let title = feed.detail.clone();
                Some(view! { <span class="feed" title=title>{text}</span> })
            });
            troubled.collect_view()
        })
    };
    view! {
        <p class="data-quality">
            <span>{drawn(qualities)}</span>
            {drawn(feeds)}
        </p>
    }
}
