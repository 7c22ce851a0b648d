//! The feed of the standard input, by a pipe.

mod support;

use std::io::{Cursor, Write};

use feeds::{FeedSpec, sources::stdin::Stdin};
use market::{Event, FeedState};
use support::stage::Stage;

fn news(id: &str, headline: &str) -> String {
    format!(
        r#"{{"event":"news","data":{{"id":"desk:{id}","type":"headline","basis":"native","headline":"{headline}","source":"desk","published":1732111111000}}}}"#
    )
}

/// A time since which quotes are counted here.
const SINCE: u64 = 1_732_111_000_000;

fn quote(after: u64, price: &str) -> String {
    let time = SINCE + after;
    format!(r#"{{"event":"quote","data":{{"symbol":"GOOG","time":{time},"price":"{price}"}}}}"#)
}

#[tokio::test]
async fn lines_are_published_as_they_come() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut stage = Stage::new(Stdin::of(reader));
    // Nothing has been written yet, and may not be for long.
    stage.reaches(FeedState::Live).await;
    writeln!(writer, "{}", quote(1, "597.30")).unwrap();
    let events = stage.next_events().await;
    assert!(
        matches!(&events[..], [Event::Quote(quote)] if quote.price.unwrap().to_string() == "597.30"),
        "{events:?}"
    );
    // Half a line does not count yet.
    let line = news("1", "One");
    write!(writer, "\r\n\n{}", &line[..20]).unwrap();
    writeln!(writer, "{}", &line[20..]).unwrap();
    assert_eq!(stage.stories(1).await[0].headline, "One");
    // The last one needs no end.
    write!(writer, "{}", news("2", "Two")).unwrap();
    drop(writer);
    assert_eq!(stage.stories(1).await[0].headline, "Two");
    assert_eq!(stage.reaches(FeedState::Ended).await.detail, None);
    assert_eq!(stage.skipped().wrong, 0);
    stage.end().await;
}

#[tokio::test]
async fn a_line_that_is_wrong_costs_nothing_else() {
    let long = format!("{{\"event\":\"{}\"}}", "x".repeat(2 << 20));
    let unknown = news("9", "h").replace("headline\":", "headlin\":");
    let two = [news("8", "h"), news("8", "i")].concat();
    let lines = [
        b"\xef\xbb\xbf".to_vec(),
        news("1", "a\\u202eb").into_bytes(),
        b"nonsense".to_vec(),
        b"\xff\xfe\0".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        long.into_bytes(),
        unknown.into_bytes(),
        two.into_bytes(),
        quote(1, "-5").into_bytes(),
        // A time in seconds, which would be of 1970.
        quote(1, "5")
            .replace("1732111000001", "1732111000")
            .into_bytes(),
        br#"{"event":"snapshot","data":{}}"#.to_vec(),
        "[".repeat(100_000).into_bytes(),
        quote(5, "2").into_bytes(),
        // Older than the tape's, and on the tape already: neither is an error.
        quote(4, "3").into_bytes(),
        news("1", "ab").into_bytes(),
        news("2", "last").into_bytes(),
    ];
    let mut stage = Stage::new(Stdin::of(Cursor::new(lines.join(&b"\n"[..]))));
    stage.reaches(FeedState::Ended).await;
    let events = stage.events();
    let seen: Vec<String> = events
        .iter()
        .map(|event| match event {
            Event::News(news) => news.headline.clone(),
            Event::Quote(quote) => quote.price.unwrap().to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, ["ab", "2", "last"]);
    let skipped = stage.skipped();
    // The byte-order mark of the first line stands alone, which is no event either.
    assert_eq!((skipped.wrong, skipped.ignored), (11, 3), "{skipped:?}");
    stage.end().await;
}

#[tokio::test]
async fn it_ends_though_somebody_still_holds_the_other_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    let stage = Stage::new(Stdin::of(reader));
    stage.end().await;
    drop(writer);
}

#[tokio::test]
async fn many_lines_are_taken_in_their_order() {
    let lines: Vec<String> = (1..=20_000).map(|time| quote(time, "1")).collect();
    let mut stage = Stage::new(Stdin::of(Cursor::new(lines.join("\n"))));
    stage.reaches(FeedState::Ended).await;
    let events = stage.events();
    assert!(
        matches!(&events[..], [Event::Quote(quote)] if quote.time == SINCE + 20_000),
        "{events:?}"
    );
    assert_eq!(stage.context.tape.stats().appended, 20_000);
    stage.end().await;
}

#[test]
fn it_has_no_options() {
    assert!(matches!("stdin".parse(), Ok(FeedSpec::Stdin(_))));
    let error = "stdin?file=a".parse::<FeedSpec>().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"file\" is not an option of stdin"),
        "{error}"
    );
    let twice = ["stdin", "stdin"].map(|text| text.parse().unwrap());
    assert!(FeedSpec::together(&twice).is_err());
}
