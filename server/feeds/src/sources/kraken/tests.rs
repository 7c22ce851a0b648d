use market::{Best, Day, Millis};
use proptest::prelude::*;

use super::*;
use crate::testing;

const RECEIVED: Millis = 1_695_632_671_800;
const TRADE: &str = r#"[{"symbol":"MATIC/USD","side":"buy","price":0.5147,"qty":6423.46326,"ord_type":"limit","trade_id":4665846,"timestamp":"2023-09-25T07:48:36.925533Z"}]"#;
const TICKER: &str = r#"[{"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17}]"#;

fn raw(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

#[test]
fn reads_a_ticker_without_a_time_and_with_an_empty_side() {
    let mut faults = Vec::new();
    let ticks = tickers(raw(TICKER), RECEIVED, TICKER, &mut faults).unwrap();
    assert_eq!(faults, []);
    assert_eq!((ticks[0].time, ticks[0].clock), (RECEIVED, Clock::Receipt));
    assert_eq!(ticks[0].ask, Best::Empty);
    assert_eq!(ticks[0].day.prev_close.unwrap().to_string(), "0.10052");
    assert_eq!(ticks[0].trade, None);
}

#[test]
fn a_pair_that_was_not_traded_yet_has_no_reference() {
    let text = r#"[{"symbol":"1INCH/USD","bid":null,"bid_qty":null,"ask":0.342,"ask_qty":5.5,"last":0.3412,"volume":0,"vwap":0,"low":0,"high":0,"change":0.3412,"change_pct":0,"timestamp":""},{"symbol":"ADA/USD","bid":"x","ask":1,"last":null,"volume":null,"low":null,"high":-3,"change":null}]"#;
    let mut faults = Vec::new();
    let ticks = tickers(raw(text), RECEIVED, text, &mut faults).unwrap();
    let nothing = Day {
        volume: Some("0".parse().unwrap()),
        ..Day::default()
    };
    assert_eq!((ticks[0].day, ticks[0].bid), (nothing, Best::Empty));
    assert!(matches!(ticks[0].ask, Best::At { .. }));
    assert_eq!(
        (ticks[1].day, ticks[1].bid),
        (Day::default(), Best::Unchanged)
    );
    assert!(matches!(ticks[1].ask, Best::At { .. }));
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[1].to_string().contains("high is -3"), "{faults:?}");
}

#[test]
fn reads_trades_with_their_numbers_and_the_others_beside_a_wrong_one() {
    let mut faults = Vec::new();
    let read = trades(raw(TRADE), RECEIVED, TRADE, &mut faults).unwrap();
    let tick = read[0].tick.as_ref().unwrap();
    assert_eq!((read[0].id, tick.symbol.as_str()), (4_665_846, "MATIC-USD"));
    assert_eq!(
        (tick.time, tick.clock),
        (1_695_628_116_925, Clock::Exchange)
    );
    let trade = tick.trade.unwrap();
    assert_eq!(
        (trade.price.to_string(), trade.id),
        ("0.5147".to_owned(), Some(4_665_846))
    );
    assert_eq!(faults, []);
    let entry = &TRADE[1..TRADE.len() - 1];
    for (from, to, is_known) in [
        ("0.5147", "0", true),
        ("0.5147", "-1", true),
        ("0.5147", "null", true),
        ("6423.46326", "-6423.46326", true),
        ("2023-09-25T07", "2023-09-27T07", true),
        ("MATIC/USD", "MATIC", false),
        ("4665846", "-1", false),
    ] {
        let mut faults = Vec::new();
        let text = format!("[{},5,{entry}]", entry.replace(from, to));
        let read = trades(raw(&text), RECEIVED, &text, &mut faults).unwrap();
        let ticks = read.iter().filter(|entry| entry.tick.is_some());
        assert_eq!(ticks.count(), 1, "{text}");
        assert_eq!(read.len(), if is_known { 2 } else { 1 }, "{text}");
        assert_eq!(faults.len(), 2, "{faults:?}");
        let value = to.trim_start_matches('-');
        assert!(
            faults[0].to_string().contains(value) || to == "null",
            "{faults:?}"
        );
    }
}

#[test]
fn version_1_is_known_by_its_form() {
    for (text, is_old) in [
        (
            r#"[0,[["5541.20000","0.15850568","1534614057.321597","s","l",""]],"trade","XBT/USD"]"#,
            true,
        ),
        (r#"[321,{"c":["5541.2","0.1"]},"ticker","XBT/USD"]"#, true),
        (r#"{"event":"heartbeat"}"#, true),
        (r#"{"channel":"heartbeat"}"#, false),
        ("[1,2]", false),
        ("[]", false),
        ("", false),
    ] {
        assert_eq!(is_of_version_1(text), is_old, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TICKER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
        let tape = testing::tape();
        let publisher = testing::publisher(&tape);
        let pairs = [Pair::read("ALGO-USD").unwrap()];
        let (mut published, mut numbers, mut rolling) =
            (BTreeSet::new(), Numbers::default(), Rolling::default());
        let mut conversation = Conversation {
            url: &Uri::from_static(Site::URL),
            subscriptions: Subscribed::new(NAME, &pairs, &mut published),
            trades: &mut numbers,
            rolling: &mut rolling,
            answers_due: BTreeSet::new(),
            missed: BTreeSet::new(),
            asked_anew: None,
            requests: 0,
            is_down: false,
        };
        let mut outbox = Outbox::default();
        let broken = format!("{}{with}{}", &TICKER[..cut], &TICKER[cut..]);
        for text in [
            text,
            format!(r#"{{"channel":"ticker","data":{broken}}}"#),
            format!(r#"{{"channel":"trade","type":"snapshot","data":{broken}}}"#),
            format!(r#"{{"method":"subscribe","success":{with},"result":{broken}}}"#),
        ] {
            let _ = conversation.read(&text, &publisher, &mut outbox);
        }
    }
}
