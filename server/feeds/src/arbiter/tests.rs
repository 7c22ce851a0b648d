use market::{Board, Clock, Event, FeedState, Quality, Tick, Trade};
use proptest::prelude::*;

use super::*;
use crate::{FeedContext, Publisher, ResumeStates, kit::pairs, testing};
use events::{
    Tape,
    testing::{Reader, START},
};

const SECOND: Duration = Duration::from_secs(1);
const FIRST: usize = 0;
const SECOND_ONE: usize = 1;

struct Stage {
    tape: Tape,
    reader: Reader,
    feeds: Vec<Publisher>,
}

/// Feeds of one symbol, called `0`, `1` and so on, in a time that stands still.
fn stage(feeds: usize) -> Stage {
    let tape = testing::tape();
    let context = FeedContext::new(tape.clone(), testing::runtime_now());
    let feeds = (0..feeds)
        .map(|name| Publisher::new(context.clone(), &name.to_string()))
        .collect();
    Stage {
        reader: testing::listen(&tape),
        tape,
        feeds,
    }
}

fn symbol() -> Symbol {
    "BTC-USD".parse().unwrap()
}

fn trade(price: &str, time: Millis) -> Tick {
    let mut tick = Tick::new(symbol(), time, Clock::Exchange);
    tick.trade = Some(Trade::new(
        price.parse().unwrap(),
        Some("1".parse().unwrap()),
    ));
    tick
}

impl Stage {
    fn introduce(&self, feed: usize) {
        let source = feed.to_string();
        self.feeds[feed].session(pairs::session(symbol(), &source, &source, Quality::Live));
    }

    /// A feed receives a trade that happens now.
    fn trades(&self, feed: usize, price: &str) {
        let feed = &self.feeds[feed];
        feed.tick(&trade(price, feed.now()));
    }

    fn look(&self) {
        self.feeds.iter().for_each(Publisher::check_primary);
    }

    /// What has been published since the last call, in short: `quote 5`, `session 1`, `bar 7` with the minute after the
    /// beginning.
    fn published(&mut self) -> Vec<String> {
        let events = self.reader.events().into_iter();
        events
            .map(|event| match event {
                Event::Quote(quote) => format!("quote {}", quote.price.unwrap()),
                Event::Session(session) => format!("session {}", session.source),
                Event::Bar(bar) => format!("bar {}", (bar.start - START) / Bar::INTERVAL),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

async fn pass(seconds: u32) {
    tokio::time::advance(SECOND * seconds).await;
}

#[test]
fn a_clock_that_was_ahead_for_a_while_holds_no_feed_up() {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };
    const DAY: Millis = 24 * 60 * 60 * 1_000;
    let tape = testing::tape();
    let now = Arc::new(AtomicU64::new(START));
    let clock = Arc::clone(&now);
    let context = FeedContext::new(
        tape.clone(),
        Arc::new(move || clock.load(Ordering::Relaxed)),
    );
    let feed = Publisher::new(context.clone(), "0");
    let mut reader = testing::listen(&tape);
    let mut prices = |price: &str, at: Millis| -> Vec<String> {
        now.store(at, Ordering::Relaxed);
        feed.tick(&trade(price, at));
        let events = reader.events().into_iter();
        let quotes = events.filter_map(|event| match event {
            Event::Quote(quote) => quote.price.map(|price| price.to_string()),
            _ => None,
        });
        quotes.collect()
    };
    assert_eq!(prices("1", START), ["1"]);
    assert_eq!(prices("2", START + DAY), ["2"]);
    assert_eq!(prices("3", START + DAY + 61_000), ["3"]);
    for (price, second) in [("4", 10), ("5", 11), ("6", 75), ("7", 140)] {
        assert_eq!(prices(price, START + second * 1_000), [price]);
    }
    // No minute is published twice, and those that begin from now on are published.
    let mut bars = tape.view(|view| {
        let kept = view.retained(&events::Topic::Symbols);
        let bars = kept.filter_map(|(_, entry)| match &*entry.event {
            Event::Bar(bar) => Some((bar.start, bar.close.to_string())),
            _ => None,
        });
        bars.collect::<Vec<_>>()
    });
    bars.reverse();
    let minute = START - START % Bar::INTERVAL;
    let expected = [
        (minute, "1"),
        (minute + DAY, "2"),
        (minute + Bar::INTERVAL, "6"),
    ];
    let expected = expected.map(|(start, close)| (start, close.to_owned()));
    assert_eq!(bars, expected);
    assert_eq!(feed.skipped().late, 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_is_primary_and_the_next_one_while_it_is_silent() {
    let mut stage = stage(2);
    stage.introduce(SECOND_ONE);
    assert_eq!(stage.published(), ["session 1"], "while there is no other");
    stage.introduce(FIRST);
    assert_eq!(stage.published(), ["session 0"]);
    stage.introduce(SECOND_ONE);
    stage.trades(SECOND_ONE, "5");
    assert_eq!(
        stage.published(),
        ["session 1", "quote 5"],
        "it is there already"
    );
    stage.trades(FIRST, "6");
    stage.trades(SECOND_ONE, "7");
    assert_eq!(stage.published(), ["session 0", "quote 6"]);

    // It receives only heartbeats, which is enough.
    pass(4).await;
    stage.feeds[FIRST].record_receipt();
    pass(4).await;
    stage.trades(SECOND_ONE, "8");
    assert_eq!(stage.published(), [""; 0]);
    pass(2).await;
    stage.trades(SECOND_ONE, "9");
    assert_eq!(stage.published(), ["session 1", "quote 9"]);
    stage.trades(FIRST, "10");
    stage.trades(SECOND_ONE, "11");
    assert_eq!(
        stage.published(),
        ["session 0", "quote 10"],
        "it gives way again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_polling_feed_is_not_silent_between_polls() {
    let mut stage = stage(2);
    stage.feeds[FIRST].expect_every(SECOND * 10);
    for feed in [FIRST, SECOND_ONE] {
        stage.introduce(feed);
        stage.trades(feed, "5");
    }
    stage.published();
    pass(20).await;
    stage.trades(SECOND_ONE, "6");
    assert_eq!(stage.published(), [""; 0]);
    pass(1).await;
    stage.trades(SECOND_ONE, "7");
    assert_eq!(stage.published(), ["session 1", "quote 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_feed_is_replaced_without_a_word_of_either() {
    let mut stage = stage(2);
    stage.introduce(FIRST);
    stage.introduce(SECOND_ONE);
    stage.trades(FIRST, "5");
    pass(1).await;
    stage.trades(SECOND_ONE, "6");
    stage.published();
    // If no feed receives anything, nothing changes.
    pass(20).await;
    stage.look();
    assert_eq!(stage.published(), [""; 0]);
    stage.feeds[SECOND_ONE].record_receipt();
    stage.look();
    assert_eq!(stage.published(), ["session 1", "quote 6"]);
    stage.look();
    assert_eq!(stage.published(), [""; 0], "once");
    stage.feeds[FIRST].record_receipt();
    stage.look();
    assert_eq!(stage.published(), ["session 0"], "its quote is older");
}

#[tokio::test(start_paused = true)]
async fn a_degraded_feed_is_primary_if_no_other_is_live() {
    let mut stage = stage(2);
    for feed in [FIRST, SECOND_ONE] {
        stage.introduce(feed);
        stage.trades(feed, "5");
        stage.feeds[feed].live();
    }
    stage.published();
    // One missing symbol of many is no reason.
    stage.feeds[FIRST].set_partial_entitlement(Some("no ETH-USD".to_owned()));
    stage.look();
    assert_eq!(stage.published(), [""; 0]);
    assert_eq!(
        stage.feeds[FIRST].status().borrow().state,
        FeedState::Degraded
    );
    stage.feeds[FIRST].degraded("maintenance");
    stage.look();
    assert_eq!(stage.published(), ["session 1", "quote 5"]);
    stage.feeds[SECOND_ONE].degraded("maintenance");
    stage.look();
    assert_eq!(stage.published(), ["session 0", "quote 5"]);
    stage.feeds[SECOND_ONE].live();
    stage.look();
    assert_eq!(stage.published(), ["session 1", "quote 5"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_needs_data_of_the_symbol_first() {
    let mut stage = stage(2);
    stage.introduce(FIRST);
    stage.introduce(SECOND_ONE);
    stage.trades(FIRST, "5");
    stage.trades(SECOND_ONE, "6");
    stage.published();
    stage.feeds[FIRST].end(FeedState::Degraded, Some("it broke".to_owned()));
    stage.look();
    assert_eq!(stage.published(), ["session 1", "quote 6"], "at once");
    stage.feeds[FIRST].begin(false);
    stage.feeds[FIRST].live();
    stage.look();
    assert_eq!(stage.published(), [""; 0]);
    stage.trades(FIRST, "7");
    assert_eq!(stage.published(), ["session 0", "quote 7"]);
    // A connection that replaces another without a break stays primary.
    stage.feeds[FIRST].begin(true);
    stage.trades(SECOND_ONE, "8");
    stage.look();
    assert_eq!(stage.published(), [""; 0]);
    // When both are gone, nothing is published; the first one that then receives data is primary.
    for feed in [FIRST, SECOND_ONE] {
        stage.feeds[feed].end(FeedState::Degraded, None);
        stage.look();
    }
    assert_eq!(stage.published(), ["session 1", "quote 8"]);
    stage.feeds[SECOND_ONE].begin(false);
    stage.trades(SECOND_ONE, "9");
    assert_eq!(stage.published(), ["quote 9"]);
}

#[tokio::test(start_paused = true)]
async fn no_quote_goes_back_in_time() {
    let mut stage = stage(2);
    stage.introduce(FIRST);
    let now = stage.feeds[FIRST].now();
    stage.feeds[FIRST].tick(&trade("5", now + 900));
    stage.feeds[SECOND_ONE].tick(&trade("6", now + 100));
    stage.published();
    stage.feeds[FIRST].end(FeedState::Failed, None);
    stage.look();
    assert_eq!(
        stage.published(),
        ["session 1"],
        "it has no session of its own"
    );
    stage.feeds[SECOND_ONE].tick(&trade("7", now + 899));
    assert_eq!(stage.published(), [""; 0]);
    stage.feeds[SECOND_ONE].tick(&trade("8", now + 900));
    assert_eq!(stage.published(), ["quote 8"]);
    assert_eq!(stage.feeds[SECOND_ONE].skipped().held, 1);
    let times = stage
        .tape
        .view(|view| view.conflated(&events::Topic::Symbols).count());
    assert_eq!(times, 2, "one session, one quote");
}

#[tokio::test(start_paused = true)]
async fn events_from_before_a_restart_are_not_published_again() {
    let minute = START - START % Bar::INTERVAL + Bar::INTERVAL;
    let mut stage = stage(1);
    let mark = |quote, bars_until| HighWaterMark {
        symbol: symbol(),
        quote,
        bars_until,
    };
    pass(((minute - START) / 1_000) as u32 + 65).await;
    let mut context = stage.feeds[FIRST].context().clone();
    context.restore(ResumeStates::new(
        [],
        vec![mark(minute + 61_000, minute + 60_000)],
    ));
    for (time, price) in [(59_000, "5"), (60_500, "6"), (61_000, "7"), (121_500, "8")] {
        stage.feeds[FIRST].tick(&trade(price, minute + time));
    }
    // The first minute's bar, as this feed has it, was published before.
    assert_eq!(stage.published(), ["bar 1", "quote 8"]);
    assert_eq!(stage.feeds[FIRST].skipped().held, 2);

    // A time from a wrong clock must not hold up all feeds until it is reached.
    context.restore(ResumeStates::new([], vec![mark(minute << 1, minute << 1)]));
    stage.feeds[FIRST].tick(&trade("9", minute + 181_500));
    assert_eq!(stage.published(), ["bar 2", "quote 9"]);
}

#[tokio::test(start_paused = true)]
async fn the_second_ones_closed_bar_is_published_if_the_first_one_cannot_close_its_own() {
    let mut stage = stage(2);
    let base = START - START % Bar::INTERVAL + Bar::INTERVAL;
    pass(((base - START) / 1_000) as u32 + 1).await;
    for feed in [FIRST, SECOND_ONE] {
        stage.feeds[feed].begin(false);
        stage.trades(feed, "5");
    }
    pass(60).await;
    // The first one has fallen silent in the minute before.
    stage.trades(SECOND_ONE, "6");
    stage.published();
    let bars = |stage: &mut Stage| {
        stage
            .published()
            .iter()
            .filter(|event| event.starts_with("bar"))
            .count()
    };
    pass(6).await;
    stage.trades(SECOND_ONE, "7");
    assert_eq!(bars(&mut stage), 0, "it was published with the change");
    stage.trades(FIRST, "8");
    assert_eq!(bars(&mut stage), 0, "not twice");
}

/// An event of the first of two feeds, and the time until the next one.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Breaks,
    Returns,
    Degrades,
    Recovers,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, u64)>> {
    let fate = prop_oneof![
        Just(Fate::Breaks),
        Just(Fate::Returns),
        Just(Fate::Degrades),
        Just(Fate::Recovers),
    ];
    prop::collection::vec((fate, 1_u64..90_000), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The second feed receives every trade; the first one breaks off and comes back at random. Whichever is primary:
    /// each bar is published once, in order, and equals the one that the second feed alone would have published.
    #[test]
    fn bars_are_whole_and_come_once_whatever_becomes_of_the_first(
        fates in fates(),
        gaps in prop::collection::vec(1_u64..9_000, 100..400),
        second_is_quicker in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut stage = stage(2);
            // Both are there when the first minute begins.
            let first = Bar::INTERVAL - START % Bar::INTERVAL;
            tokio::time::advance(Duration::from_millis(first)).await;
            let mut alone = Board::new();
            let mut expected = Vec::new();
            let (mut up, mut now) = (true, 0);
            let mut fates = fates.into_iter();
            let mut due = None;
            let mut looked = 0;
            for (number, gap) in gaps.into_iter().enumerate() {
                let until = now + gap;
                while now < until {
                    let step = (until - now).min(500);
                    tokio::time::advance(Duration::from_millis(step)).await;
                    now += step;
                    if now >= looked + 500 {
                        looked = now;
                        stage.look();
                        // Both are quiet at times, but not dead.
                        stage.feeds[SECOND_ONE].record_receipt();
                        if up {
                            stage.feeds[FIRST].record_receipt();
                        }
                    }
                }
                if due.is_none_or(|due| now >= due) && let Some((fate, after)) = fates.next() {
                    due = Some(now + after);
                    let first = &stage.feeds[FIRST];
                    match fate {
                        Fate::Breaks if up => first.end(FeedState::Degraded, None),
                        Fate::Returns if !up => first.begin(false),
                        Fate::Degrades if up => first.degraded("it is not well"),
                        Fate::Recovers if up => first.live(),
                        _ => {}
                    }
                    up = matches!((fate, up), (Fate::Returns, _) | (Fate::Degrades | Fate::Recovers, true));
                }
                let tick = trade(&(number + 1).to_string(), stage.feeds[FIRST].now());
                expected.extend(alone.apply(&tick).bars());
                let order = if second_is_quicker { [SECOND_ONE, FIRST] } else { [FIRST, SECOND_ONE] };
                for feed in order {
                    if feed == SECOND_ONE || up {
                        stage.feeds[feed].tick(&tick);
                    }
                }
            }
            tokio::time::advance(WHOLE).await;
            stage.look();
            let mut published = Vec::new();
            let mut newest = 0;
            for event in stage.reader.events() {
                match event {
                    Event::Bar(bar) => published.push(bar),
                    Event::Quote(quote) => {
                        prop_assert!(quote.time >= newest);
                        newest = quote.time;
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(published, expected);
            Ok(())
        })?;
    }
}
