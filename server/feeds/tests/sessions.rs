//! Sessions as feeds, calendars and history determine them together.

use std::{collections::BTreeMap, future::poll_fn, sync::Arc, time::Duration};

use clock::Now;
use events::{Topic, testing};
use feeds::{FeedContext, Publisher};
use jiff::civil::{Date, DateTime};
use market::{Event, Millis, Price, Quality, RegularHours, Session, Symbol, TradingState};
use sessions::{Calendar, PreviousClose, keep_sessions};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

fn new_york(text: &str) -> Millis {
    let local: DateTime = text.parse().unwrap();
    let moment = local.in_tz("America/New_York").unwrap();
    moment.timestamp().as_millisecond() as Millis
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn stock(text: &str, quality: Quality) -> Session {
    Session {
        symbol: symbol(text),
        name: "Test Inc.".to_owned(),
        currency: Some("USD".to_owned()),
        venue: Some("Nasdaq".to_owned()),
        source: "Test".to_owned(),
        quality,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: None,
        tick: None,
    }
}

fn coin(text: &str) -> Session {
    Session {
        venue: Some("Coinbase".to_owned()),
        ..stock(text, Quality::Live)
    }
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

struct Floors {
    context: FeedContext,
    cursor: events::Cursor,
}

impl Floors {
    /// A context whose clock starts at that time of New York and advances with the runtime's.
    fn at(text: &str) -> Self {
        let (start, begin) = (new_york(text), Instant::now());
        let clock: Now = Arc::new(move || start + begin.elapsed().as_millis() as Millis);
        let tape = testing::tape();
        let cursor = tape.subscribe(&[Topic::Symbols]);
        Floors {
            context: FeedContext::new(tape, clock),
            cursor,
        }
    }

    /// Symbol, state and code of the sessions that were published since the last call.
    fn read(&mut self) -> Vec<(String, TradingState, Option<String>)> {
        changes(self.sessions())
    }

    fn sessions(&mut self) -> Vec<Session> {
        let mut read = Vec::new();
        self.cursor.read(0, usize::MAX, &mut read).unwrap();
        sessions_of(&read)
    }

    /// Waits for the next ones.
    async fn next(&mut self) -> Vec<Session> {
        let mut read = Vec::new();
        poll_fn(|context| self.cursor.poll_read(context, 0, usize::MAX, &mut read))
            .await
            .unwrap();
        sessions_of(&read)
    }

    fn publisher(&self, name: &str) -> Publisher {
        Publisher::new(self.context.clone(), name)
    }
}

/// Keeps the sessions of a context until it is stopped.
fn keep(
    context: &FeedContext,
    history: Option<PreviousClose>,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let (context, stop) = (context.clone(), stop.clone());
    tokio::spawn(async move {
        keep_sessions(
            &context.sessions,
            &context.tape,
            &context.clock,
            history,
            stop,
        )
        .await;
    })
}

fn sessions_of(read: &[events::Delivery]) -> Vec<Session> {
    let events = read.iter().map(|delivery| &*delivery.payload.event);
    events
        .filter_map(|event| match event {
            Event::Session(session) => Some(session.clone()),
            _ => None,
        })
        .collect()
}

fn changes(sessions: Vec<Session>) -> Vec<(String, TradingState, Option<String>)> {
    let change = |session: Session| (session.symbol.to_string(), session.state, session.halt_code);
    sessions.into_iter().map(change).collect()
}

fn is(symbol: &str, state: TradingState) -> (String, TradingState, Option<String>) {
    (symbol.to_owned(), state, None)
}

fn halted(symbol: &str, code: &str) -> (String, TradingState, Option<String>) {
    (
        symbol.to_owned(),
        TradingState::Halted,
        Some(code.to_owned()),
    )
}

#[tokio::test(start_paused = true)]
async fn a_halt_stands_over_the_calendar_and_the_calendar_over_the_feed() {
    let mut context = Floors::at("2024-07-01T08:00");
    let quotes = context.publisher("Quotes");
    let halts = context.publisher("Halts");
    // The feed reports that it is open.
    quotes.session(stock("GOOG", Quality::Live));
    assert_eq!(context.read(), [is("GOOG", TradingState::Pre)]);
    halts.halt(symbol("GOOG"), "T1");
    assert_eq!(context.read(), [halted("GOOG", "T1")]);
    // Repeated, and by quotes, which do not concern it: nothing new.
    halts.halt(symbol("GOOG"), "T1");
    quotes.session(stock("GOOG", Quality::Live));
    assert_eq!(context.read(), []);
    halts.halt(symbol("GOOG"), "T2");
    assert_eq!(context.read(), [halted("GOOG", "T2")]);
    halts.resume(symbol("GOOG"));
    assert_eq!(context.read(), [is("GOOG", TradingState::Pre)]);
    halts.resume(symbol("GOOG"));
    assert_eq!(context.read(), []);
    // A halt is recorded before the symbol is.
    halts.halt(symbol("AAPL"), "LUDP");
    assert_eq!(context.read(), []);
    quotes.session(stock("AAPL", Quality::Delayed));
    assert_eq!(context.read(), [halted("AAPL", "LUDP")]);
    // A feed's own report of a halt is accepted.
    let mut own = stock("MSFT", Quality::Live);
    (own.state, own.halt_code) = (TradingState::Halted, Some("H10".to_owned()));
    quotes.session(own);
    assert_eq!(context.read(), [halted("MSFT", "H10")]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_of_now_or_has_no_hours_keeps_its_own_state() {
    let mut context = Floors::at("2024-07-06T11:00");
    let publisher = context.publisher("Test");
    publisher.session(stock("GOOG", Quality::Simulated));
    publisher.session(stock("AAPL", Quality::Replay));
    publisher.session(coin("BTC-USD"));
    publisher.halt(symbol("GOOG"), "T1");
    publisher.halt(symbol("MSFT"), "MWC1");
    let open = ["GOOG", "AAPL", "BTC-USD"].map(|symbol| is(symbol, TradingState::Open));
    let sessions = context.sessions();
    assert!(sessions.iter().all(|session| session.hours.is_none()));
    assert_eq!(changes(sessions), open);
}

#[tokio::test(start_paused = true)]
async fn what_was_halted_in_a_recording_is_not_halted_now() {
    let mut context = Floors::at("2024-07-01T11:00");
    let publisher = context.publisher("Test");
    publisher.session(stock("AAPL", Quality::Live));
    publisher.session(stock("GOOG", Quality::Replay));
    context.read();
    let halt = |name: &str, code: &str| {
        let FeedContext { sessions, tape, .. } = &context.context;
        sessions.halt_played(tape, context.context.now(), symbol(name), code);
    };
    halt("AAPL", "T1");
    halt("SPY", "MWC1");
    halt("GOOG", "LUDP");
    assert_eq!(context.read(), [halted("GOOG", "LUDP")]);
    // Nor does a present halt apply to a recording.
    publisher.resume(symbol("GOOG"));
    assert_eq!(context.read(), []);
    let FeedContext { sessions, tape, .. } = &context.context;
    sessions.resume_played(tape, context.context.now(), symbol("GOOG"));
    assert_eq!(context.read(), [is("GOOG", TradingState::Open)]);
}

#[tokio::test(start_paused = true)]
async fn a_market_wide_halt_stops_all_stocks_and_no_coin() {
    let mut context = Floors::at("2024-07-01T11:00");
    let publisher = context.publisher("Test");
    publisher.session(stock("AAPL", Quality::Live));
    publisher.session(stock("GOOG", Quality::Live));
    publisher.session(coin("BTC-USD"));
    publisher.halt(symbol("GOOG"), "T1");
    context.read();
    publisher.halt(symbol("SPY"), "MWC1");
    assert_eq!(
        context.read(),
        [halted("AAPL", "MWC1")],
        "the other has its own"
    );
    publisher.session(stock("MSFT", Quality::Live));
    assert_eq!(context.read(), [halted("MSFT", "MWC1")]);
    // The end of another halt does not end it.
    publisher.resume(symbol("GOOG"));
    publisher.resume(symbol("GOOG"));
    assert_eq!(context.read(), [halted("GOOG", "MWC1")]);
    publisher.resume(symbol("SPY"));
    let open = ["AAPL", "GOOG", "MSFT"].map(|symbol| is(symbol, TradingState::Open));
    assert_eq!(context.read(), open);
    // A level 3 halt: its end is not reported, but the next day begins.
    publisher.halt(symbol("SPY"), "MWC3");
    assert_eq!(context.read().len(), 3);
    // Halted as before, and the next day's hours follow.
    let sessions = &context.context.sessions;
    sessions.refresh(&context.context.tape, new_york("2024-07-01T20:00"));
    let halts = ["AAPL", "GOOG", "MSFT"].map(|symbol| halted(symbol, "MWC3"));
    assert_eq!(context.read(), halts);
    let sessions = &context.context.sessions;
    sessions.refresh(&context.context.tape, new_york("2024-07-02T03:59"));
    assert_eq!(context.read(), []);
    let sessions = &context.context.sessions;
    sessions.refresh(&context.context.tape, new_york("2024-07-02T04:00"));
    let pre = ["AAPL", "GOOG", "MSFT"].map(|symbol| is(symbol, TradingState::Pre));
    assert_eq!(context.read(), pre);
}

#[tokio::test(start_paused = true)]
async fn a_halt_of_the_market_without_a_symbol_ends_with_its_own_resumption() {
    let mut context = Floors::at("2024-07-01T11:00");
    let publisher = context.publisher("Test");
    publisher.session(stock("AAPL", Quality::Live));
    publisher.session(stock("PLAYED", Quality::Replay));
    publisher.session(coin("BTC-USD"));
    context.read();
    publisher.halt_market("MWC1");
    assert_eq!(context.read(), [halted("AAPL", "MWC1")]);
    publisher.session(stock("ABR$D", Quality::Live));
    assert_eq!(context.read(), [halted("ABR$D", "MWC1")]);
    // A symbol that it was not reported for does not end it.
    publisher.resume(symbol("AAPL"));
    assert_eq!(context.read(), []);
    publisher.resume_market();
    let open = ["AAPL", "ABR$D"].map(|symbol| is(symbol, TradingState::Open));
    assert_eq!(context.read(), open);
    // In a recording, it halts replayed symbols.
    let FeedContext { sessions, tape, .. } = &context.context;
    sessions.halt_market_played(tape, context.context.now(), "MWC2");
    assert_eq!(context.read(), [halted("PLAYED", "MWC2")]);
    let FeedContext { sessions, tape, .. } = &context.context;
    sessions.resume_market_played(tape, context.context.now());
    assert_eq!(context.read(), [is("PLAYED", TradingState::Open)]);
}

#[tokio::test(start_paused = true)]
async fn the_hours_are_published_to_the_millisecond_until_the_end() {
    // The Wednesday before Independence Day: a half day, a holiday, and a Friday.
    let mut context = Floors::at("2024-07-03T03:00");
    let publisher = context.publisher("Test");
    publisher.session(stock("GOOG", Quality::Live));
    publisher.session(coin("BTC-USD"));
    let [goog, coin] = &context.sessions()[..] else {
        panic!("two sessions");
    };
    let half_day = RegularHours {
        open: new_york("2024-07-03T09:30"),
        close: new_york("2024-07-03T13:00"),
    };
    assert_eq!((goog.hours, coin.hours), (Some(half_day), None));
    let stop = CancellationToken::new();
    let keeper = keep(&context.context, None, &stop);
    for (time, state, opens) in [
        ("2024-07-03T04:00", TradingState::Pre, "2024-07-03T09:30"),
        ("2024-07-03T09:30", TradingState::Open, "2024-07-03T09:30"),
        ("2024-07-03T13:00", TradingState::Post, "2024-07-05T09:30"),
        ("2024-07-03T17:00", TradingState::Closed, "2024-07-05T09:30"),
        ("2024-07-05T04:00", TradingState::Pre, "2024-07-05T09:30"),
    ] {
        let sessions = context.next().await;
        let hours = sessions[0].hours.map(|hours| hours.open);
        assert_eq!(hours, Some(new_york(opens)), "{time}");
        // Timers of the runtime have a resolution of a millisecond, and it sleeps once more if it is early.
        let late = context.context.now() - new_york(time);
        assert!(late <= 2, "{time}: {late} ms");
        assert_eq!(changes(sessions), [is("GOOG", state)], "{time}");
    }
    stop.cancel();
    keeper.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_close_before_comes_from_history_and_moves_on_with_the_day() {
    // Friday before a long weekend: Monday is Memorial Day.
    let mut context = Floors::at("2024-05-24T15:59");
    let publisher = context.publisher("Test");
    let mut giving = Session {
        prev_close: Some(price("7")),
        ..stock("GIVEN", Quality::Live)
    };
    publisher.session(stock("ASKED", Quality::Live));
    publisher.session(giving.clone());
    publisher.session(coin("COIN"));
    publisher.session(stock("MADEUP", Quality::Simulated));
    context.read();
    // Its result includes the day before which the close was requested.
    let history: PreviousClose = Arc::new(|_, calendar: Calendar, day: Date| {
        let before = calendar.session_before(day);
        Some(price(&format!("{}.{:02}", before.month(), before.day())))
    });
    let stop = CancellationToken::new();
    let keeper = keep(&context.context, Some(history), &stop);
    let mut closes = BTreeMap::new();
    let mut until = async |closes: &mut BTreeMap<String, Price>, time: &str| {
        while context.context.now() < new_york(time) {
            let left = Duration::from_millis(new_york(time) - context.context.now());
            let sessions = tokio::time::timeout(left, context.next()).await;
            for session in sessions.unwrap_or_default() {
                match session.prev_close {
                    Some(close) => closes.insert(session.symbol.to_string(), close),
                    None => closes.remove(session.symbol.as_str()),
                };
            }
        }
    };
    for (time, previous, given, coin) in [
        ("2024-05-24T16:30", "5.23", "7", "5.23"),
        // The weekend and the holiday: Friday's change stays, coins follow UTC.
        ("2024-05-25T12:00", "5.23", "7", "5.24"),
        ("2024-05-27T12:00", "5.23", "7", "5.26"),
        ("2024-05-28T03:59", "5.23", "7", "5.27"),
        // The feed's close of Friday is no longer the previous one.
        ("2024-05-28T04:01", "5.24", "5.24", "5.27"),
        // Nor is it when the feed sends another change.
        ("2024-05-28T09:31", "5.24", "5.24", "5.27"),
        // The next one that it sends is.
        ("2024-05-28T09:40", "5.24", "8", "5.27"),
    ] {
        if time.ends_with("09:31") {
            giving.open = Some(price("7.5"));
            publisher.session(giving.clone());
        } else if time.ends_with("09:40") {
            giving.prev_close = Some(price("8"));
            publisher.session(giving.clone());
        }
        until(&mut closes, time).await;
        let expected = [("ASKED", previous), ("COIN", coin), ("GIVEN", given)];
        let expected = expected.map(|(symbol, text)| (symbol.to_owned(), price(text)));
        assert_eq!(closes, BTreeMap::from(expected), "{time}");
    }
    stop.cancel();
    keeper.await.unwrap();
}
