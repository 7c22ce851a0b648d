//! Many clients that connect at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use market::Event;
use tape::EventId;

use crate::{
    raw::{Raw, STREAM, patiently, resume},
    support::{Server, news, quote},
};

const CLIENTS: usize = 2_000;

/// How long a snapshot is shared by requests for the same selection.
const FRESH: Duration = Duration::from_millis(250);

/// A client's state.
#[derive(Debug, Default)]
struct Known {
    last: Option<EventId>,
    price: Option<String>,
    stories: Vec<String>,
    reset: bool,
}

impl Known {
    fn learn(&mut self, id: &str, event: Event) {
        let id: EventId = id.parse().unwrap();
        assert!(Some(id) > self.last, "{id} after {:?}", self.last);
        self.last = Some(id);
        match event {
            Event::Snapshot(snapshot) => {
                assert!(self.price.is_none(), "a snapshot comes first");
                self.reset = snapshot.reset;
                self.price = snapshot.quotes[0].price.map(|price| price.to_string());
                let stories = snapshot.news.into_iter().rev();
                self.stories = stories.map(|story| story.id).collect();
            }
            Event::Quote(quote) => self.price = quote.price.map(|price| price.to_string()),
            Event::News(news) => self.stories.push(news.id),
            other => panic!("expected a snapshot, quotes and stories, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn all_who_come_at_once_are_served_from_few_snapshots() {
    let server = Server::set(|service| {
        service.slots = server::http::Slots::new(CLIENTS, CLIENTS);
    })
    .listed();
    let foreign = resume("1-0");
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|n| {
        let (server, foreign) = (&server, &foreign);
        async move {
            // Half of them come back from another tape.
            let request = if n % 2 == 0 { STREAM } else { foreign };
            let mut raw = Raw::connect(server).await;
            let head = raw.send(request).await.head().await;
            assert_eq!(head.status, 200);
            let mut known = Known::default();
            while known.price.as_deref() != Some("1000.0") {
                let event = raw.event().await.expect("the stream ends");
                known.learn(raw.ids.last().unwrap(), event);
            }
            assert_eq!(known.reset, n % 2 == 1);
            known
        }
    });
    let publishing = async {
        let mut n = 0;
        // As long as clients come, and the last price when all are there.
        while server.metrics.counts().opened < CLIENTS as u64 {
            if n < 39 {
                server.append(news(&format!("test:{n}"), "GOOG"));
                n += 1;
            }
            server.append(quote("GOOG", &format!("{n}.5")));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let opened = begun.elapsed();
        let last = server.append(news("test:last", "GOOG"));
        let last = server.append(quote("GOOG", "1000.0")).max(last);
        (n, last, opened)
    };
    let both = async { tokio::join!(join_all(clients), publishing) };
    let (known, (count, last, opened)) = patiently("the storm", both).await;
    let mut stories: Vec<String> = (0..count).map(|n| format!("test:{n}")).collect();
    stories.push("test:last".to_owned());
    for known in &known {
        assert_eq!(known.stories, stories);
        assert_eq!(known.last, Some(last));
    }
    // Two kinds of them, one of each kind for as long as it is fresh.
    let most = 2 * (1 + opened.as_millis() / FRESH.as_millis()) as u64;
    let snapshots = server.metric("tickertape_snapshots_total").await.unwrap() as u64;
    assert!((2..=most).contains(&snapshots), "{snapshots} in {opened:?}");
}
