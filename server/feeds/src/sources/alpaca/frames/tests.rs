use market::{Best, Clock, TradeEligibility};
use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_614_009_105_000;
const TRADE: &str = r#"{"T":"t","i":96921,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],"z":"C"}"#;
const QUOTE: &str = r#"{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.680,"as":4,"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"C"}"#;
const CORRECTION: &str = r#"{"T":"c","S":"AAPL","x":"D","oi":96921,"op":126.55,"os":1,"oc":["@","I"],"ci":96922,"cp":126.5,"cs":10,"cc":["@"],"t":"2021-02-22T15:51:44.5Z","z":"C"}"#;
const CANCEL: &str = r#"{"T":"x","S":"AAPL","i":96922,"x":"D","p":126.5,"s":10,"a":"C","t":"2021-02-22T15:51:44.6Z","z":"C"}"#;
const STATUS: &str = r#"{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12","rm":"Trading Halted; For information requested by NASDAQ","t":"2021-02-22T15:51:44.6Z","z":"C"}"#;
const BANDS: &str =
    r#"{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B","t":"2021-02-22T15:51:44.6Z","z":"C"}"#;

fn parsed(text: &str) -> Result<Option<Message>, FrameError> {
    let text = format!("[{text}]");
    let objects = split(&text)?;
    let [object] = objects[..] else {
        return Err(FrameError::new(&"not one object", &text));
    };
    let mut faults = Vec::new();
    let read = parse(
        Scope::OneExchange,
        &kind(object)?,
        object.get(),
        NOW,
        &mut faults,
    )?;
    faults.pop().map_or(Ok(read), Err)
}

fn tick(text: &str) -> Tick {
    match parsed(text) {
        Ok(Some(Message::Tick(tick))) => tick,
        other => panic!("{other:?}"),
    }
}

fn corrected(text: &str) -> Correction {
    match parsed(text) {
        Ok(Some(Message::Correction(correction))) => correction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_trades_to_the_last_digit() {
    let report = tick(TRADE);
    assert_eq!(
        (report.time, report.clock),
        (1_614_009_104_208, Clock::Exchange)
    );
    let trade = report.trade.unwrap();
    assert_eq!(trade.price.to_string(), "126.55");
    assert_eq!(trade.size.unwrap().to_string(), "1");
    assert!(!trade.moves.last, "it is an odd lot");
    for (written, price) in [("126.550", "126.550"), ("1e-05", "0.00001"), ("1E2", "100")] {
        let trade = tick(&TRADE.replace("126.55", written)).trade.unwrap();
        assert_eq!(trade.price.to_string(), price);
    }
    let fraction = TRADE.replace("\"s\":1", "\"s\":0.016");
    assert_eq!(
        tick(&fraction).trade.unwrap().size.unwrap().to_string(),
        "0.016"
    );
    for conditions in ["null", "[]", "[\" \"]"] {
        let text = TRADE.replace(r#"["@","I"]"#, conditions);
        assert_eq!(tick(&text).trade.unwrap().moves, TradeEligibility::ALL);
    }
}

#[test]
fn reads_quotes_and_empty_sides() {
    let quote = tick(QUOTE);
    assert_eq!(quote.time, 1_614_009_105_335);
    let Best::At { price, size } = quote.ask else {
        panic!("{quote:?}");
    };
    assert_eq!(
        (price.to_string(), size.unwrap().to_string()),
        ("87.680".to_owned(), "4".to_owned())
    );
    assert_eq!(tick(&QUOTE.replace("87.66", "0")).bid, Best::Empty);
}

#[test]
fn what_a_report_can_do_without_is_missing_or_empty() {
    for nobody in ["null", "\"\"", "0"] {
        assert_eq!(tick(&QUOTE.replace("87.66", nobody)).bid, Best::Empty);
    }
    let quote = tick(&QUOTE.replace("\"bp\":87.66,\"bs\":1,", ""));
    assert_eq!(quote.bid, Best::Unchanged);
    assert!(matches!(quote.ask, Best::At { .. }));
    let mut faults = Vec::new();
    let wrong = QUOTE.replace("87.66", "\"n/a\"");
    let read = parse(Scope::OneExchange, "q", &wrong, NOW, &mut faults);
    let Ok(Some(Message::Tick(quote))) = read else {
        panic!("{read:?}");
    };
    assert!(matches!(quote.ask, Best::At { .. }));
    assert!(faults[0].to_string().contains("\"n/a\""), "{faults:?}");

    let bare = r#"{"T":"t","S":"AAPL","p":126.55,"s":null,"x":null,"z":"","c":"","t":null}"#;
    let report = tick(bare);
    assert_eq!((report.time, report.clock), (NOW, Clock::Receipt));
    let trade = report.trade.unwrap();
    assert_eq!(
        (trade.size, trade.id, trade.moves),
        (None, None, TradeEligibility::ALL)
    );
    let halt = STATUS.replace("\"Trading Halt\"", "null");
    let halt = halt.replace(
        "\"rm\":\"Trading Halted; For information requested by NASDAQ\",",
        "",
    );
    let Ok(Some(Message::Status(status))) = parsed(&halt) else {
        panic!("{halt}");
    };
    assert_eq!(status.change, Change::Halt("T12".to_owned()));
    assert_eq!(parsed(&BANDS.replace("3.24", "0")), Ok(None));
}

#[test]
fn a_correction_names_the_trade_that_was_published() {
    let trade = tick(TRADE).trade.unwrap();
    let correction = corrected(CORRECTION);
    assert_eq!(Some(correction.trade), trade.id);
    let right = correction.right.unwrap();
    assert_eq!(
        (right.price.to_string().as_str(), right.moves),
        ("126.5", TradeEligibility::ALL)
    );
    let cancel = corrected(CANCEL);
    assert_eq!((Some(cancel.trade), cancel.right), (right.id, None));
    let elsewhere = corrected(&CANCEL.replace("\"x\":\"D\"", "\"x\":\"V\""));
    assert_ne!(elsewhere.trade, cancel.trade, "another exchange's trade");
}

#[test]
fn a_status_is_a_halt_or_a_resumption_by_its_tape() {
    for (tape, code, reason, change) in [
        ("C", "H", "T12", Change::Halt("T12".to_owned())),
        ("C", "H", "", Change::Halt("H".to_owned())),
        ("C", "P", "LUDS", Change::Halt("LUDS".to_owned())),
        ("C", "P", "", Change::Halt("LUDP".to_owned())),
        ("C", "Q", "", Change::Nothing),
        ("C", "T", "", Change::Resume),
        ("C", "2", "", Change::Nothing),
        ("A", "2", "P", Change::Halt("P".to_owned())),
        ("B", "2", "M", Change::Halt("LUDP".to_owned())),
        ("A", "2", "1", Change::Halt("MWC1".to_owned())),
        ("A", "3", "", Change::Resume),
        ("A", "T", "", Change::Nothing),
        ("", "H", "T1", Change::Halt("T1".to_owned())),
    ] {
        let text = STATUS
            .replace("\"sc\":\"H\"", &format!("\"sc\":\"{code}\""))
            .replace("T12", reason)
            .replace("\"z\":\"C\"", &format!("\"z\":\"{tape}\""));
        let Ok(Some(Message::Status(status))) = parsed(&text) else {
            panic!("{text}");
        };
        assert_eq!(status.change, change, "{tape} {code} {reason}");
        assert_eq!(status.words, "Trading Halt");
    }
    let Ok(Some(Message::Bands(bands))) = parsed(BANDS) else {
        panic!("{BANDS}");
    };
    assert_eq!(
        (
            bands.up.to_string().as_str(),
            bands.down.to_string().as_str()
        ),
        ("3.24", "2.65")
    );
}

#[test]
fn passes_over_what_is_unknown_and_refuses_what_is_wrong() {
    for text in [r#"{"T":"b","S":"AAPL","o":1}"#, r#"{"T":"","x":null}"#] {
        assert_eq!(parsed(text), Ok(None), "{text}");
    }
    for text in [
        "",
        "1",
        "{}",
        r#"{"T":5}"#,
        r#"{"T":"t"}"#,
        &TRADE.replace("126.55", "\"much\""),
        &TRADE.replace("126.55", "-1"),
        &TRADE.replace("126.55", "0"),
        &TRADE.replace("\"s\":1", "\"s\":-1"),
        &TRADE.replace("AAPL", "A,B"),
        &TRADE.replace("2021-02-22", "2021-02-24"),
        &TRADE.replace("2021-02-22T", "1921-02-22T"),
        &TRADE.replace("2021-02-22T15:51:44.208Z", "soon"),
        &CANCEL.replace("\"x\":\"D\"", "\"x\":\"\""),
        &CANCEL.replace("96922", "72057594037927936"),
        &TRADE.replace("[\"@\",\"I\"]", "5"),
    ] {
        assert!(parsed(text).is_err(), "{text}");
    }
    assert!(split("{}").is_err() && split("[").is_err() && split("null").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TRADE.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
        let _ = parsed(&text);
        for frame in [TRADE, CORRECTION, STATUS] {
            let cut = cut.min(frame.len());
            if frame.is_char_boundary(cut) {
                let _ = parsed(&format!("{}{with}{}", &frame[..cut], &frame[cut..]));
                let _ = parsed(&frame[..cut]);
            }
        }
    }
}
