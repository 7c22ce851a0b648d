use leptos::prelude::*;
use market::{FeedState, FeedStatus, Quality, Session};

use crate::{
    alerts::panel::AlertPanel,
    help::dialog::Help,
    lean::reactive::drawn,
    quote::figures::quality_name,
    settings::menu::Settings,
    state::{dashboard::Dashboard, navigation::Navigation},
    top_bar::{connection_status::ConnectionStatus, pause_button::PauseButton, search::Search},
};

/// The bar at the top: start link, search, connection, pause, quality of the data, and buttons.
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

/// What is wrong with a feed, in words; `None` if nothing is.
pub(crate) fn trouble(feed: &FeedStatus) -> Option<String> {
    let trouble = match feed.state {
        FeedState::Connecting | FeedState::Live => return None,
        FeedState::Degraded => "tries again",
        FeedState::Ended => "ended",
        FeedState::Failed => "failed",
    };
    Some(format!("{} {trouble}", feed.name))
}

/// The quality of the data, unless it is live. Delayed data is marked beside its own price, and here only if all data
/// is delayed.
fn quality_of_all(qualities: impl Iterator<Item = Quality>) -> String {
    let mut names: Vec<Option<&'static str>> = Vec::new();
    for name in qualities.map(quality_name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if let [name] = *names {
        return name.map_or_else(String::new, |name| [name, " data"].concat());
    }
    let marked = names.into_iter().flatten();
    let marked: Vec<&str> = marked.filter(|name| *name != "Delayed").collect();
    match marked.is_empty() {
        true => String::new(),
        false => ["Some data: ", &marked.join(", ")].concat(),
    }
}

/// The quality of the data, unless it is live, and feeds with problems.
#[component]
fn DataQuality() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let qualities = move || {
        dashboard.market.tickers.with(|tickers| {
            let quality = |session: &Option<Session>| session.as_ref().map(|it| it.quality);
            let qualities = tickers.values().map(|it| it.session.with(quality));
            quality_of_all(qualities.flatten())
        })
    };
    let feeds = move || {
        dashboard.market.feeds.with(|feeds| {
            let troubled = feeds.iter().filter_map(|feed| {
                let text = trouble(feed)?;
                let title = feed.detail.clone();
                Some(view! { <span class="feed" title=title>{text}</span> })
            });
            troubled.collect_view()
        })
    };
    let unread = move || dashboard.live.left_out.get();
    view! {
        <p class="data-quality">
            <span>{drawn(qualities)}</span>
            {drawn(feeds)}
            <span
                class="feed"
                hidden=drawn(move || unread() == 0)
                title="This page could not read them and has left them out. The rest is as it came."
            >
                {drawn(move || format!("{} unreadable", unread()))}
            </span>
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_called_delayed_only_where_all_of_it_is() {
        use Quality::{Delayed, Live, Simulated};
        for (qualities, words) in [
            (&[] as &[Quality], ""),
            (&[Live, Live], ""),
            (&[Delayed, Delayed], "Delayed data"),
            (&[Live, Delayed], ""),
            (&[Simulated, Simulated], "Simulated data"),
            (&[Live, Simulated, Delayed], "Some data: Simulated"),
        ] {
            assert_eq!(quality_of_all(qualities.iter().copied()), words);
        }
    }
}
