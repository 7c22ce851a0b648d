//! Loads stories: those that pass the filter, and older ones on request.

use leptos::{ev, prelude::*};
use market::Millis;

use crate::{
    lean::reactive::{effect, effect_after},
    news::{
        filter::NewsFilter,
        list::NewsList,
        reader::{NewsReader, Older},
    },
    state::{dashboard::Dashboard, navigation},
};

/// How often stories are requested that the page's stream does not carry.
const BESIDE: Millis = 30_000;

/// How many requests are made at the most until an answer has a new story: stories that the page already has come
/// first.
const ROUNDS: usize = 8;

/// How long after the last change of the filter the server is asked, so that typing a word is one request.
#[cfg(target_arch = "wasm32")]
const SETTLE: std::time::Duration = std::time::Duration::from_millis(200);

/// Makes the list follow the filter, the open symbol and the watchlist.
pub(crate) fn follow_choice(dashboard: Dashboard) {
    let NewsReader { filter, older, .. } = dashboard.news;
    effect_after(move |before: Option<NewsFilter>| {
        let open = dashboard.market.open.get();
        let chosen = filter.get();
        let lens = dashboard
            .market
            .chosen
            .with(|symbols| chosen.lens(open, symbols.as_deref()));
        let Some(before) = before else {
            return chosen;
        };
        let changed = dashboard.with_news(|news| {
            let changed = news.lens() != &lens;
            news.set_lens(lens);
            changed
        });
        if changed == Some(true) {
            older.set(Older::default());
            ask_beside(dashboard);
        }
        let is_open = chosen.is_open();
        if changed == Some(true) && !is_open {
            search(dashboard);
        }
        if chosen != before && (is_open || changed != Some(true)) {
            announce(dashboard);
        }
        chosen
    });
    effect(move || {
        let handle = window_event_listener(ev::popstate, move |_| {
            let chosen = NewsFilter::read(&navigation::search());
            if filter.with_untracked(|filter| *filter != chosen) {
                filter.set(chosen);
            }
        });
        on_cleanup(move || handle.remove());
    });
    effect_after(move |asked: Option<Millis>| {
        let now = dashboard.clock.minute.get();
        let rests = asked.filter(|asked| now < asked + BESIDE);
        if rests.is_none() && !dashboard.news.reading.get_untracked() {
            ask_beside(dashboard);
            return now;
        }
        rests.unwrap_or_default()
    });
}

/// Fetches stories that pass the filter and that the page's stream does not carry.
fn ask_beside(dashboard: Dashboard) {
    let Some(question) = dashboard.read_news(NewsList::question_beside) else {
        return;
    };
    #[cfg(target_arch = "wasm32")]
    leptos::task::spawn_local(async move {
        // A failed request is repeated soon.
        if let Ok(answer) = crate::live::bars::stories(&question.address).await {
            dashboard.with_news(|news| news.answer(&question, answer.news, answer.next));
        }
    });
    #[cfg(not(target_arch = "wasm32"))]
    let _ = question;
}

/// Announces how many stories are shown.
fn announce(dashboard: Dashboard) {
    let shown = dashboard.news.stories.with_untracked(Vec::len);
    let known = dashboard.news.known.get_untracked();
    dashboard
        .person
        .announcement
        .set(format!("{shown} of {known} stories"));
}

/// Fetches the newest stories that pass the filter, once it no longer changes. Known ones are shown meanwhile.
fn search(dashboard: Dashboard) {
    dashboard.news.older.set(Older::Coming);
    #[cfg(target_arch = "wasm32")]
    {
        let question = dashboard.read_news(NewsList::question);
        let ask = move || {
            if question.is_some_and(|question| dashboard.read_news(|news| news.awaits(&question))) {
                load(dashboard, 1);
            }
        };
        set_timeout(ask, SETTLE);
    }
}

/// Fetches older stories until there is a new one to show.
pub(crate) fn load_older(dashboard: Dashboard) {
    let older = dashboard.news.older;
    if older.with_untracked(|older| *older != Older::Coming) {
        older.set(Older::Coming);
        load(dashboard, ROUNDS);
    }
}

/// Requests older stories, at most `rounds` times, until an answer has a new one.
fn load(dashboard: Dashboard, rounds: usize) {
    #[cfg(target_arch = "wasm32")]
    leptos::task::spawn_local(async move {
        let older = dashboard.news.older;
        for _ in 0..rounds {
            let Some(question) = dashboard.read_news(NewsList::question) else {
                break;
            };
            let answer = crate::live::bars::stories(&question.address).await;
            if !dashboard.read_news(|news| news.awaits(&question)) {
                return;
            }
            match answer {
                Err(error) => return older.set(Older::Failed(error)),
                Ok(answer) => {
                    let new = dashboard
                        .with_news(|news| news.answer(&question, answer.news, answer.next));
                    if new.flatten() != Some(0) {
                        break;
                    }
                }
            }
        }
        older.set(dashboard.read_news(Older::after));
        if dashboard
            .news
            .filter
            .with_untracked(|filter| !filter.is_open())
        {
            announce(dashboard);
        }
    });
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (dashboard, rounds);
}
