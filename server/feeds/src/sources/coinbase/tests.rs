use market::{Best, Clock, Day, Millis};
use proptest::prelude::*;

use super::*;

impl Parser {
    /// Parses a valid frame.
    fn whole(&mut self, text: &str) -> Result<Option<Tick>, FrameError> {
        let mut faults = Vec::new();
        let tick = self.parse(text, RECEIVED, &mut faults)?;
        faults.pop().map_or(Ok(tick), Err)
    }
}

fn at(price: &str, size: Option<&str>) -> Best {
    Best::At {
        price: price.parse().unwrap(),
        size: size.map(|size| size.parse().unwrap()),
    }
}

const RECEIVED: Millis = 1_618_677_817_079;
const TICKER: &str = r#"{"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","price":"14.7775","open_24h":"14.6647","volume_24h":"94381.28000000","low_24h":"14.3691","high_24h":"16.55","volume_30d":"2295579.57000000","best_bid":"14.7550","best_ask":"14.8060","side":"buy","time":"2021-04-17T16:43:30.244075Z","trade_id":881613,"last_size":"0.04"}"#;

#[test]
fn reads_a_ticker_with_and_without_sizes() {
    let tick = Parser::new().whole(TICKER).unwrap().unwrap();
    assert_eq!(tick.symbol.as_str(), "BAND-GBP");
    assert_eq!(
        (tick.time, tick.clock),
        (1_618_677_810_244, Clock::Exchange)
    );
    let trade = tick.trade.unwrap();
    assert_eq!(trade.price.to_string(), "14.7775");
    assert_eq!(trade.size.unwrap().to_string(), "0.04");
    assert_eq!(tick.bid, at("14.7550", None));
    assert_eq!(tick.day.volume.unwrap().to_string(), "94381.28000000");
    assert_eq!(tick.day.high.unwrap().to_string(), "16.55");
    assert_eq!(tick.day.low.unwrap().to_string(), "14.3691");
    assert_eq!(tick.day.open.unwrap().to_string(), "14.6647");

    let sized = TICKER.replace("\"side\"", "\"best_bid_size\":\"1.50\",\"side\"");
    let tick = Parser::new().whole(&sized).unwrap().unwrap();
    assert_eq!(tick.bid, at("14.7550", Some("1.50")));
}

#[test]
fn passes_over_what_is_older_and_what_is_of_another_type() {
    let mut parser = Parser::new();
    assert!(parser.whole(TICKER).unwrap().is_some());
    assert_eq!(parser.whole(TICKER), Ok(None), "the same again");
    let older = TICKER.replace("333938798", "333938797");
    assert_eq!(parser.whole(&older), Ok(None));
    let other = older.replace("BAND-GBP", "BAND-BTC");
    assert!(
        parser.whole(&other).unwrap().is_some(),
        "numbers are a product's own"
    );
    for text in [
        r#"{"type":"match","size":"985","price":"0.00001305","product_id":"SKL-BTC","sequence":1}"#,
        r#"{"type":"heartbeat","sequence":90}"#,
        r#"{"type":"anything new"}"#,
        "{}",
    ] {
        assert_eq!(parser.whole(text), Ok(None), "{text}");
    }
}

#[test]
fn refuses_what_is_wrong_and_remembers_none_of_it() {
    let mut parser = Parser::new();
    for text in [
        "",
        "{",
        &TICKER.replace("2021-04-17T", "yesterday "),
        &TICKER.replace("2021-04-17", "2021-05-17"),
        &TICKER.replace("333938798", "-1"),
    ] {
        assert!(parser.whole(text).is_err(), "{text}");
    }
    assert!(parser.whole(TICKER).unwrap().is_some());
}

#[test]
fn what_was_not_traded_yet_has_no_trade_and_no_reference() {
    for (price, bid) in [("\"0\"", "null"), ("0", "\"\""), ("null", "\"0.00000\"")] {
        let text = format!(
            r#"{{"type":"ticker","product_id":"BCH-BTC","price":{price},"open_24h":"0","volume_24h":"0","low_24h":"0","high_24h":"0","best_bid":{bid},"best_ask":"10.98","best_ask_size":"2"}}"#
        );
        let tick = Parser::new().whole(&text).unwrap().unwrap();
        assert_eq!((tick.trade, tick.clock), (None, Clock::Receipt));
        assert_eq!(
            (tick.bid, tick.ask),
            (Best::Empty, at("10.98", Some("2"))),
            "{text}"
        );
        let nothing = Day {
            volume: Some("0".parse().unwrap()),
            ..Day::default()
        };
        assert_eq!(tick.day, nothing, "{text}");
    }
}

#[test]
fn what_is_wrong_in_a_ticker_costs_itself_alone() {
    for (from, to, quoted) in [
        ("\"14.7775\"", "\"0\"", "price is 0"),
        ("\"14.7775\"", "\"much\"", "\"much\""),
        ("\"0.04\"", "\"-0.04\"", "last_size is -0.04"),
        ("\"14.3691\"", "\"-1\"", "low_24h is -1"),
        ("\"94381.28000000\"", "\"x\"", "volume_24h"),
    ] {
        let mut faults = Vec::new();
        let text = TICKER.replace(from, to);
        let mut parser = Parser::new();
        let tick = parser.parse(&text, RECEIVED, &mut faults);
        let tick = tick.unwrap().unwrap();
        assert_eq!(tick.ask, at("14.8060", None), "{text}");
        assert_eq!(tick.day.high.unwrap().to_string(), "16.55", "{text}");
        let is_of_trade = from != "\"14.3691\"" && from != "\"94381.28000000\"";
        assert_eq!(tick.trade.is_none(), is_of_trade, "{text}");
        assert!(
            faults.len() == 1 && faults[0].to_string().contains(quoted),
            "{faults:?}"
        );
    }
}

#[test]
fn a_source_that_counts_anew_loses_no_trade() {
    let mut parser = Parser::new();
    let published = |parser: &mut Parser, sequence: &str, trade: &str, second: &str| {
        let text = TICKER.replace("333938798", sequence);
        let text = text.replace("881613", trade).replace(":30.244", second);
        parser.whole(&text).unwrap()
    };
    let trade = |tick: Option<Tick>| tick.unwrap().trade.map(|trade| trade.id);
    let first = published(&mut parser, "500", "100", ":30.244");
    assert_eq!(trade(first), Some(Some(100)));
    assert_eq!(
        published(&mut parser, "499", "99", ":29.244"),
        None,
        "it is older"
    );
    let again = published(&mut parser, "501", "100", ":30.244");
    assert_eq!(trade(again), None, "the same trade");
    // Its number does not identify it any more.
    let anew = published(&mut parser, "2", "1", ":31.244");
    assert_eq!(trade(anew), Some(None));
    assert_eq!(
        trade(published(&mut parser, "3", "2", ":32.244")),
        Some(None)
    );
    assert_eq!(parser.again, 2);
}

#[test]
fn names_products() {
    let session = session("YFI-BTC".parse().unwrap(), "x", Quality::Replay);
    assert_eq!(session.name, "yearn.finance / Bitcoin");
    assert_eq!(session.currency.as_deref(), Some("BTC"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TICKER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
        let mut parser = Parser::new();
        let mut faults = Vec::new();
        let _ = parser.parse(&text, RECEIVED, &mut faults);
        let text = format!("{}{with}{}", &TICKER[..cut], &TICKER[cut..]);
        let _ = parser.parse(&text, 0, &mut faults);
    }
}
