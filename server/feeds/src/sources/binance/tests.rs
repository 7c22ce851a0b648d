use market::Best;
use proptest::prelude::*;

use super::*;

fn parse(text: &str, received: Millis) -> Result<Option<Tick>, FrameError> {
    let mut faults = Vec::new();
    let tick = crate::sources::binance::parse(text, received, &mut faults);
    match faults.pop() {
        Some(fault) if tick.is_ok() => Err(fault),
        _ => tick,
    }
}

const BOOK: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}"#;
const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;

#[test]
fn reads_both_streams_with_their_digits() {
    let book = parse(BOOK, 77).unwrap().unwrap();
    assert_eq!(
        (book.symbol.as_str(), book.time, book.clock),
        ("BTCUSDT", 77, Clock::Receipt)
    );
    let Best::At { price, size } = book.bid else {
        panic!("{book:?}");
    };
    assert_eq!(price.to_string(), "61837.63000000");
    assert_eq!(size.unwrap().to_string(), "3.78826000");
    let ask = Best::At {
        price: "61837.64000000".parse().unwrap(),
        size: Some("1.54698000".parse().unwrap()),
    };
    assert_eq!(book.ask, ask);
    assert_eq!(book.trade, None);

    let tick = parse(TRADE, 1_723_161_254_087).unwrap().unwrap();
    assert_eq!(
        (tick.time, tick.clock),
        (1_723_161_255_342, Clock::Exchange)
    );
    let trade = tick.trade.unwrap();
    assert_eq!(trade.price.to_string(), "61837.63000000");
    assert_eq!(trade.size.unwrap().to_string(), "0.02000000");
    assert_eq!((tick.bid, tick.ask), (Best::Unchanged, Best::Unchanged));
    let micros = TRADE.replace("\"T\":1723161255342", "\"T\":1723161255342123");
    let tick = parse(&micros, 1_723_161_254_087).unwrap().unwrap();
    assert_eq!(tick.time, 1_723_161_255_342);
}

#[test]
fn reads_the_figures_of_the_day() {
    let day = r#"{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1723161255344,"s":"BTCUSDT","c":"61837.63000000","o":"55133.20000000","h":"62745.14000000","l":"54730.00000000","v":"57123.45678000","q":"3312345678.12"}}"#;
    let tick = parse(day, 1_723_161_254_087).unwrap().unwrap();
    assert_eq!(
        (tick.time, tick.clock, tick.trade),
        (1_723_161_255_344, Clock::Exchange, None)
    );
    assert_eq!(tick.day.prev_close.unwrap().to_string(), "55133.20000000");
    assert_eq!(tick.day.high.unwrap().to_string(), "62745.14000000");
    assert_eq!(tick.day.volume.unwrap().to_string(), "57123.45678000");
    let wrong = day.replace("57123.45678000", "-1");
    assert!(parse(&wrong, 1_723_161_254_087).is_err());
}

#[test]
fn nothing_traded_yet_is_no_price_and_a_wrong_figure_leaves_the_others() {
    let day = r#"{"stream":"abcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1723161255344,"s":"ABCUSDT","c":"0.00000000","o":"0.00000000","h":"0.00000000","l":"0.00000000","v":"0.00000000","q":"0.00000000"}}"#;
    let tick = parse(day, 1_723_161_254_087).unwrap().unwrap();
    let nothing = Day {
        volume: Some("0.00000000".parse().unwrap()),
        ..Day::default()
    };
    assert_eq!(tick.day, nothing);
    let wrong = day.replace(r#""h":"0.00000000""#, r#""h":"n/a""#);
    let wrong = wrong.replace(r#""o":"0.00000000""#, r#""o":"0.5""#);
    let mut faults = Vec::new();
    let tick = crate::sources::binance::parse(&wrong, 1_723_161_254_087, &mut faults);
    let day = tick.unwrap().unwrap().day;
    assert_eq!((day.high, day.open), (None, Some("0.5".parse().unwrap())));
    assert!(
        faults.len() == 1 && faults[0].to_string().contains("\"n/a\""),
        "{faults:?}"
    );
}

#[test]
fn reads_aggregate_trades_and_single_streams() {
    let data = r#"{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":26129,"p":"8.93E-6","q":"1E+3","f":100,"l":105,"T":1723161255342,"m":true,"M":true}"#;
    let combined = format!(r#"{{"stream":"btcusdt@aggTrade","data":{data}}}"#);
    for text in [data, &combined] {
        let trade = parse(text, 1_723_161_254_087).unwrap().unwrap().trade;
        let trade = trade.unwrap();
        assert_eq!(
            (trade.price.to_string(), trade.id),
            ("0.00000893".to_owned(), Some(26_129))
        );
        assert_eq!(trade.size.unwrap().to_string(), "1000");
    }
    let book = r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"2","a":"3.0","A":"4"}"#;
    let tick = parse(book, 5).unwrap().unwrap();
    assert!(matches!(tick.ask, Best::At { .. }), "{tick:?}");
    let error = r#"{"error":{"code":2,"msg":"Invalid request"},"id":null}"#;
    let error = parse(error, 5).unwrap_err().to_string();
    assert!(error.contains("Invalid request"), "{error}");
}

#[test]
fn an_empty_side_is_nobody() {
    let text = BOOK.replace("61837.63000000", "0.00000000");
    assert_eq!(parse(&text, 0).unwrap().unwrap().bid, Best::Empty);
}

#[test]
fn passes_over_what_is_unknown_and_refuses_what_is_wrong() {
    for text in [
        r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"}}"#,
        r#"{"result":null,"id":1}"#,
        r#"{"lastUpdateId":50093239218,"bids":[],"asks":[]}"#,
        r#"{"stream":"!miniTicker","data":[]}"#,
    ] {
        assert_eq!(parse(text, 0), Ok(None), "{text}");
    }
    for text in [
        "",
        "null",
        "{\"stream\":",
        &TRADE.replace("\"0.02000000\"", "\"x\""),
        &TRADE.replace("0.02000000", "-1"),
        &TRADE.replace("1723161255342", "17231612"),
        &TRADE.replace("61837.63000000", "0.00000000"),
        &TRADE.replace("1723161255342", "1823161255342"),
        &BOOK.replace("BTCUSDT", "BTC,USDT"),
    ] {
        assert!(parse(text, 1_723_161_254_087).is_err(), "{text}");
    }
}

#[test]
fn names_what_it_listens_to() {
    let symbols = ["BTCUSDT", "ETHUSDT"]
        .map(|name| name.parse().unwrap())
        .to_vec();
    let feed = Binance::new(symbols, Binance::URL.parse().unwrap());
    let conversation = Conversation {
        symbols: &feed.symbols,
        url: &feed.url,
        rolling: &mut Rolling::default(),
        trades: &mut Numbers::default(),
    };
    assert_eq!(
        conversation.address(),
        "wss://data-stream.binance.vision/stream?streams=btcusdt@bookTicker/btcusdt@trade/btcusdt@miniTicker/ethusdt@bookTicker/ethusdt@trade/ethusdt@miniTicker"
    );
    let options = Options {
        symbols: vec!["币安人生USDT".parse().unwrap()],
        url: url(),
    };
    let conversation = Conversation {
        symbols: &options.symbols,
        url: &options.url,
        rolling: &mut Rolling::default(),
        trades: &mut Numbers::default(),
    };
    assert_eq!(
        conversation.address().query().unwrap().split('/').next(),
        Some("streams=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@bookTicker")
    );
    let own = session(options.symbols[0], NAME, Quality::Live);
    assert_eq!(own.name, "币安人生 / Tether");
    let session = session(feed.symbols[0], NAME, Quality::Live);
    assert_eq!(session.name, "Bitcoin / Tether");
    assert_eq!(session.currency.as_deref(), Some("USDT"));
}

#[test]
fn symbols_in_other_scripts_are_those_of_their_streams() {
    let read = |names: &[&str]| {
        let table = format!("symbols = {names:?}")
            .parse::<toml::Table>()
            .unwrap();
        table.try_into::<Options>().map(|options| options.symbols)
    };
    let names = ["币安人生usdt", "龙虾USDT", "BTCUSDT_261225"];
    let symbols = names.map(|name| name.parse().unwrap());
    assert_eq!(read(&names).unwrap(), symbols);
    for name in ["BTC/USDT", "龙虾", "币安 USDT", "ACHR+"] {
        let error = read(&[name]).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{name:?} is not a symbol of Binance")),
            "{error}"
        );
    }
    let frame = TRADE.replace("\"s\":\"BTCUSDT\"", "\"s\":\"币安人生USDT\"");
    assert_ne!(frame, TRADE);
    let tick = parse(&frame, 1_723_161_255_400).unwrap().unwrap();
    assert_eq!(tick.symbol, symbols[0]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TRADE.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
        let _ = parse(&text, 0);
        let _ = parse(&format!("{}{with}{}", &TRADE[..cut], &TRADE[cut..]), 0);
        let _ = parse(&TRADE[..cut], 0);
    }
}
