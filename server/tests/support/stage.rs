//! A running feed, and its published events.

use std::{future::poll_fn, sync::Arc, time::Duration};

use clock::{Now, system_now};
use events::{Entry, Tape, Topic};
use feeds::{Backoff, Feed, FeedContext, Skipped, Statuses, Supervisor};
use market::{Event, FeedState, FeedStatus, News, Quote};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub(crate) struct Stage {
    pub(crate) context: FeedContext,
    pub(crate) statuses: Statuses,
    supervisor: Supervisor,
    stop: CancellationToken,
    cursor: events::Cursor,
}

/// Waits for something that ought to happen soon.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what)
        .await
        .expect("it takes too long")
}

impl Stage {
    pub(crate) fn new(feed: impl Feed + 'static) -> Self {
        Self::at(system_now(), feed)
    }

    /// With a custom clock.
    pub(crate) fn at(now: Now, feed: impl Feed + 'static) -> Self {
        Self::with(now, feed, [])
    }

    /// With stories that are on the tape already.
    pub(crate) fn with(
        now: Now,
        feed: impl Feed + 'static,
        known: impl IntoIterator<Item = News>,
    ) -> Self {
        let limits = tape::Limits {
            entries: 100_000,
            bytes: 1 << 28,
            topic_bytes: 0,
            age_ms: u64::MAX,
        };
        let tape = Tape::new(now(), 0, limits);
        for event in known.into_iter().map(Event::News) {
            tape.append(now(), &Topic::of(&event), None, |id| {
                Entry::new(id, event.clone())
            });
        }
        let cursor = tape.subscribe(&[Topic::Symbols, Topic::AllNews]);
        let context = FeedContext::new(tape, Arc::clone(&now));
        let backoff = Backoff {
            base: Duration::from_millis(5),
            cap: Duration::from_millis(20),
        };
        let stop = CancellationToken::new();
        let supervisor = Supervisor::start(vec![Box::new(feed)], &context, backoff, &stop);
        Stage {
            statuses: supervisor.statuses(),
            context,
            supervisor,
            stop,
            cursor,
        }
    }

    /// Everything that has been published since the last call and has not been superseded.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut read = Vec::new();
        self.cursor
            .read(u64::MAX / 2, usize::MAX, &mut read)
            .unwrap();
        read.iter()
            .map(|delivery| Event::clone(&delivery.payload.event))
            .collect()
    }

    /// The same, once there is some.
    pub(crate) async fn next_events(&mut self) -> Vec<Event> {
        let mut read = Vec::new();
        let reading = poll_fn(|context| {
            self.cursor
                .poll_read(context, u64::MAX / 2, usize::MAX, &mut read)
        });
        within(reading).await.unwrap();
        read.iter()
            .map(|delivery| Event::clone(&delivery.payload.event))
            .collect()
    }

    /// The next stories, at least as many as requested.
    pub(crate) async fn stories(&mut self, least: usize) -> Vec<News> {
        let mut stories = Vec::new();
        while stories.len() < least {
            stories.extend(of_news(self.next_events().await));
        }
        stories
    }

    /// The stories that have been published and not yet been read.
    pub(crate) fn more_stories(&mut self) -> Vec<News> {
        of_news(self.events())
    }

    pub(crate) async fn reaches(&self, state: FeedState) -> FeedStatus {
        self.reaches_with(state, "").await
    }

    /// Waits until the feed is in this state, with these words in its detail.
    pub(crate) async fn reaches_with(&self, state: FeedState, words: &str) -> FeedStatus {
        let is_reached = |status: &FeedStatus| {
            status.state == state && status.detail.as_deref().unwrap_or("").contains(words)
        };
        let reached = timeout(
            Duration::from_secs(60),
            self.statuses.wait_for(0, is_reached),
        )
        .await;
        match reached {
            Ok(status) => status.unwrap(),
            Err(_) => panic!(
                "expected {state:?} {words:?}: {:?}",
                self.statuses.current()
            ),
        }
    }

    pub(crate) fn status(&self) -> FeedStatus {
        self.statuses.current().remove(0)
    }

    pub(crate) fn skipped(&self) -> Skipped {
        self.statuses.skipped()[0]
    }

    pub(crate) fn quote(&self, symbol: &str) -> Option<Quote> {
        let symbol = symbol.parse().unwrap();
        self.context.tape.view(|view| {
            let (_, entry) = view.newest(&Topic::Quote(symbol))?;
            match &*entry.event {
                Event::Quote(quote) => Some(quote.clone()),
                other => panic!("{other:?}"),
            }
        })
    }

    /// Stops the feed, and waits until it has ended.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        within(self.supervisor.join()).await;
    }
}

fn of_news(events: Vec<Event>) -> Vec<News> {
    let news = events.into_iter().filter_map(|event| match event {
        Event::News(news) => Some(news),
        _ => None,
    });
    news.collect()
}
