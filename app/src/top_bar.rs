use leptos::prelude::*;
use market::{FeedState, FeedStatus};

use crate::{
    alert_panel::AlertPanel,
    clock::{self, Zone},
    dashboard::Dashboard,
    help::Help,
    live::State,
    navigation::Navigation,
    preferences::Preferences,
    quote_figures::quality_name,
    search::Search,
    settings::Settings,
};

/// Where the page begins, the search, how current it is, and what kind of data it shows.
#[component]
pub(crate) fn TopBar(navigation: Navigation) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let home = move || dashboard.home();
    view! {
        <header class="top-bar">
            <a class="brand" href=home>
                "Tickertape"
            </a>
            <Search navigation />
            <ConnectionStatus />
            <DataQuality />
            <div class="bar-buttons">
                <AlertPanel />
                <Settings />
                <Help />
            </div>
        </header>
    }
}

/// How current the page is.
#[component]
fn ConnectionStatus() -> impl IntoView {
    let Dashboard {
        connection,
        preferences: Preferences { zone, .. },
        ..
    } = expect_context::<Dashboard>();
    let name = move || state_name(connection.get());
    let title = move || {
        (connection.get() == State::Polling).then_some(
            "Something on the way holds the stream back, so the page asks for what is new every \
             second. It goes back to the stream as soon as that comes through.",
        )
    };
    view! {
        <div
            class="connection"
            role="group"
            aria-label="Connection"
            data-state=name
            title=title
        >
            {move || state_text(connection.get(), zone.get())}
        </div>
    }
}

/// The name that the style sheets know a state by.
pub(crate) const fn state_name(state: State) -> &'static str {
    match state {
        State::Connecting => "connecting",
        State::Live { .. } => "live",
        State::Reconnecting { .. } => "reconnecting",
        State::Stale { .. } => "stale",
        State::Polling => "polling",
    }
}

fn state_text(state: State, zone: Zone) -> String {
    let clock = |time| clock::time_of_day(time, zone);
    match state {
        State::Connecting => "Connecting".to_owned(),
        State::Live { delay: None } => "Live".to_owned(),
        State::Live { delay: Some(delay) } => format!("Live · {delay} ms"),
        State::Reconnecting { since } => format!("Reconnecting since {}", clock(since)),
        State::Stale { since } => format!("Stale since {}", clock(since)),
        State::Polling => "Live by polling".to_owned(),
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
            <span>{qualities}</span>
            {feeds}
        </p>
    }
}
