use super::*;

const NOW: Millis = 1_790_000_000_000;

const QUOTE: &str = r#"{"symbol":"GOOG","time":1789999999999,"price":"597.32","size":"0","high":"600","low":"600","volume":"0"}"#;
const SESSION: &str = r#"{"symbol":"GOOG","name":"Alphabet","source":"desk","quality":"live","state":"open","tick":"0.01"}"#;
const BAR: &str = r#"{"symbol":"GOOG","start":1789999980000,"open":"2","high":"3","low":"1","close":"2","volume":"0","trades":0}"#;
const NEWS: &str = r#"{"id":"desk:1","type":"headline","basis":"native","headline":"h","source":"desk","published":1790000000000}"#;

fn fields(name: &str, data: &str) -> Vec<&'static str> {
    let event = Event::decode(name, data).unwrap();
    let wrong = check(&event, NOW);
    wrong.into_iter().map(|(field, _)| field).collect()
}

#[test]
fn what_makes_sense_passes() {
    for (name, data) in [
        ("message", QUOTE),
        ("session", SESSION),
        ("bar", BAR),
        ("news", NEWS),
    ] {
        assert_eq!(fields(name, data), [""; 0], "{data}");
    }
    let withdrawn = NEWS.replace(r#""headline":"h""#, r#""headline":"","action":"deleted""#);
    assert_eq!(fields("news", &withdrawn), [""; 0]);
    let soon = QUOTE.replace("1789999999999", &(NOW + MAX_AHEAD).to_string());
    assert_eq!(fields("message", &soon), [""; 0]);
    let tomorrow = (NOW + MAX_DAY_AHEAD).to_string();
    let tomorrow = NEWS.replace("1790000000000", &tomorrow);
    assert_eq!(fields("news", &tomorrow), [""; 0]);
    let full = NEWS.replace(r#":"h""#, &format!(":\"{}\"", "é".repeat(MAX_HEADLINE)));
    assert_eq!(fields("news", &full), [""; 0], "limits count characters");
}

#[test]
fn what_makes_none_is_named() {
    let ahead = (NOW + MAX_AHEAD + 1).to_string();
    let days_ahead = (NOW + MAX_DAY_AHEAD + 1).to_string();
    let long = |most: usize| format!(":\"{}\"", "x".repeat(most + 1));
    let symbols = format!(r#""symbols":[{}"A"],"id""#, "\"A\",".repeat(50));
    let summary = format!(r#""summary"{},"id""#, long(MAX_SUMMARY));
    let url = format!(r#""url":"https://a.example/{}","id""#, "x".repeat(MAX_URL));
    for (name, data, from, to, field) in [
        ("message", QUOTE, "597.32", "0", "price"),
        ("message", QUOTE, "597.32", "-1", "price"),
        ("message", QUOTE, r#","price":"597.32""#, "", "price"),
        ("message", QUOTE, r#""size":"0""#, r#""size":"-1""#, "size"),
        (
            "message",
            QUOTE,
            r#""volume":"0""#,
            r#""bid_size":"-0.1""#,
            "bid_size",
        ),
        (
            "message",
            QUOTE,
            r#""low":"600""#,
            r#""low":"600.01""#,
            "high",
        ),
        ("message", QUOTE, "1789999999999", &ahead, "time"),
        ("session", SESSION, "Alphabet", "", "name"),
        ("session", SESSION, "Alphabet", " ", "name"),
        (
            "session",
            SESSION,
            r#":"Alphabet""#,
            &long(MAX_NAME),
            "name",
        ),
        (
            "session",
            SESSION,
            r#":"desk""#,
            &long(MAX_SOURCE),
            "source",
        ),
        ("session", SESSION, "0.01", "0", "tick"),
        (
            "session",
            SESSION,
            r#""name""#,
            r#""hours":{"open":1789999200000,"close":1789999200000},"name""#,
            "hours",
        ),
        ("bar", BAR, "1789999980000", "1789999980001", "start"),
        ("bar", BAR, "1789999980000", "17899999800000", "start"),
        ("bar", BAR, "1789999980000", "1789999980", "start"),
        ("message", QUOTE, "1789999999999", "1789999999", "time"),
        (
            "message",
            QUOTE,
            "1789999999999",
            "1789999999999000",
            "time",
        ),
        ("message", QUOTE, "1789999999999", "5", "time"),
        ("news", NEWS, "1790000000000", "1790000000", "published"),
        (
            "session",
            SESSION,
            r#""name""#,
            r#""hours":{"open":1789999200,"close":1789999200000},"name""#,
            "hours/open",
        ),
        (
            "session",
            SESSION,
            "0.01",
            "0.01\",\"prev_close\":\"0.00",
            "prev_close",
        ),
        ("message", QUOTE, r#""low":"600""#, r#""low":"0""#, "low"),
        ("bar", BAR, r#""open":"2""#, r#""open":"4""#, "high"),
        ("bar", BAR, r#""close":"2""#, r#""close":"0.5""#, "low"),
        ("bar", BAR, r#""volume":"0""#, r#""volume":"-1""#, "volume"),
        ("news", NEWS, "desk:1", "", "id"),
        ("news", NEWS, r#":"desk:1""#, &long(MAX_ID), "id"),
        ("news", NEWS, r#":"h""#, &long(MAX_HEADLINE), "headline"),
        ("news", NEWS, r#":"h""#, r#":"""#, "headline"),
        ("news", NEWS, r#":"desk""#, r#":"""#, "source"),
        ("news", NEWS, "1790000000000", &days_ahead, "published"),
        ("news", NEWS, r#""id""#, &symbols, "symbols"),
        ("news", NEWS, r#""id""#, &summary, "summary"),
        ("news", NEWS, r#""id""#, &url, "url"),
    ] {
        let changed = data.replacen(from, to, 1);
        assert_ne!(changed, data, "{from} is not in it");
        assert_eq!(fields(name, &changed), [field], "{changed}");
    }
}

#[test]
fn a_time_in_another_unit_is_named_with_the_time_that_it_means() {
    let seconds = QUOTE.replace("1789999999999", "1789999999");
    let event = Event::decode("message", &seconds).unwrap();
    let (_, why) = check(&event, NOW).remove(0);
    assert!(
        why.starts_with("1789999999 looks like seconds") && why.contains("1789999999000"),
        "{why}"
    );
}

#[test]
fn every_error_is_reported() {
    let quote = QUOTE
        .replace("597.32", "-1")
        .replace(r#""volume":"0""#, r#""volume":"-1""#);
    assert_eq!(fields("message", &quote), ["price", "volume"]);
}
