use std::thread::{self, JoinHandle};

use archive::{Archive, Options, Reader};
use market::{Clock, Trade, TradingState};

use super::*;
use crate::{arbiter::Standing, testing};
use events::testing::START;

fn session(symbol: Symbol, source: &str) -> Session {
    Session {
        symbol,
        name: "Bitcoin".to_owned(),
        currency: None,
        venue: Some("Coinbase".to_owned()),
        source: source.to_owned(),
        quality: Quality::Live,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: None,
        tick: None,
    }
}

fn trade(symbol: Symbol, time: Millis, price: &str) -> Tick {
    let mut tick = Tick::new(symbol, time, Clock::Exchange);
    let size = Some("2".parse().unwrap());
    tick.trade = Some(Trade::new(price.parse().unwrap(), size));
    tick
}

type Hook = Box<dyn FnOnce() + Send>;

/// The clock is read between the decision to publish a session and its append: a feed that takes over just then is
/// published last.
#[test]
fn a_feed_that_takes_over_meanwhile_publishes_its_session_last() {
    let hook: Arc<Mutex<Option<Hook>>> = Arc::default();
    let armed = Arc::clone(&hook);
    let tape = testing::tape();
    let mut reader = testing::listen(&tape);
    let clock = move || {
        let hook = armed.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        START
    };
    let context = FeedContext::new(tape.clone(), Arc::new(clock));
    let symbol: Symbol = "BTC-USD".parse().unwrap();
    let publishers = ["First", "Second"].map(|name| Publisher::new(context.clone(), name));
    let [first, second] = publishers.map(Arc::new);
    for publisher in [&first, &second] {
        publisher.session(session(symbol, publisher.name()));
        publisher.tick(&trade(symbol, START, "1"));
    }

    let started: Arc<Mutex<Option<JoinHandle<()>>>> = Arc::default();
    let taking_over = Arc::clone(&started);
    *hook.lock().unwrap() = Some(Box::new(move || {
        let is_held = context.is_locked();
        let takeover = thread::spawn(move || {
            context.sources().set_standing(0, Standing::Away);
            second.tick(&trade(symbol, START, "2"));
        });
        // If the decision is still open, the other feed is faster.
        match is_held {
            true => *taking_over.lock().unwrap() = Some(takeover),
            false => takeover.join().unwrap(),
        }
    }));
    first.session(Session {
        prev_close: Some("7".parse().unwrap()),
        ..session(symbol, "First")
    });
    if let Some(takeover) = started.lock().unwrap().take() {
        takeover.join().unwrap();
    }
    let mut sessions = reader.events().into_iter().filter_map(|event| match event {
        Event::Session(session) => Some(session.source),
        _ => None,
    });
    assert_eq!(sessions.next_back().as_deref(), Some("Second"));
}

#[tokio::test]
async fn trades_of_a_late_source_are_archived_at_their_receipt() {
    let folder = std::env::temp_dir().join(format!("tickertape-late-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let options = Options::new(testing::fixed_now());
    let (archive, _) = Archive::open(&folder, "late.db", options).unwrap();
    let mut context = testing::context(testing::tape());
    context.archive = Some(archive.clone());
    let publisher = Publisher::new(context, "Late");
    let symbol: Symbol = "BTC-USD".parse().unwrap();
    publisher.session(session(symbol, "Late"));
    let late = START - 40 * 60_000;
    for (time, price) in [(late, "60000"), (late + 1, "60001")] {
        assert!(!publisher.clock(time));
        publisher.tick(&trade(symbol, time, price));
    }
    publisher.live();
    assert_eq!(publisher.status().borrow().state, FeedState::Degraded);
    drop(publisher);
    archive.close().await.unwrap();
    drop(archive);
    let reader = Reader::open(&folder, "late.db").unwrap();
    let trades: Vec<(Millis, String)> = reader
        .trades(symbol, 0..u64::MAX)
        .map(|print| print.unwrap())
        .map(|print| (print.time, print.trade.price.to_string()))
        .collect();
    let expected = ["60000", "60001"].map(|price| (START, price.to_owned()));
    assert_eq!(trades, expected);
    drop(reader);
    std::fs::remove_dir_all(&folder).unwrap();
}
