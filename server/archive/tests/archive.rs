//! Written data is there, in order and exact, even after a restart.

mod support;

use std::sync::Arc;

use archive::{NewsQuery, Ownership, Reader, Subject};
use market::{Action, Basis, Event, Frame, Interval, News, NewsType};
use support::*;
use tape::EventId;

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    assert!((1..=9999).contains(&opened.mark));
    assert_eq!(opened.refill, []);
    let events = vec![
        (
            id(&opened, START, 1),
            quote("BTCUSDT", START, "61837.63000000"),
        ),
        (
            id(&opened, START + 1, 0),
            Arc::new(Event::Bar(bar(
                "BTCUSDT",
                START - START % 60_000,
                "61837.60",
                "0.10",
            ))),
        ),
        (
            id(&opened, START + 1, 1),
            quote("BTCUSDT", START + 1, "61837.64000000"),
        ),
    ];
    archive.commit(events.clone()).await.unwrap();
    assert_eq!(archive.status().last_id, Some(events[2].0));
    archive.close().await.unwrap();
    drop(archive);

    // Another process reads it while there is no server.
    let reader = Reader::open(folder.path(), NAME).unwrap();
    assert_eq!(reader.symbols().unwrap(), [symbol("BTCUSDT")]);
    assert_eq!(reader.quotes(symbol("BTCUSDT"), 0..u64::MAX).count(), 2);
    drop(reader);

    let (archive, again) = open(&folder, clock.options());
    assert_eq!(again.mark, opened.mark);
    let expected: Vec<_> = events[1..]
        .iter()
        .map(|(id, event)| (*id, Event::clone(event)))
        .collect();
    assert_eq!(again.refill, expected, "the older quote is superseded");
    assert!(again.start > events[2].0.ms);
    let quotes: Vec<_> = archive
        .quotes(symbol("BTCUSDT"), 0..u64::MAX)
        .map(|quote| quote.map(|(id, quote)| (id, Arc::new(Event::Quote(quote)))))
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(quotes, [events[0].clone(), events[2].clone()]);
    assert_eq!(
        archive
            .news(&NewsQuery {
                limit: 10,
                ..NewsQuery::default()
            })
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn a_quote_has_the_time_of_its_trade_after_a_restart() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    archive.trade(print("A", START - 3_600_000, "10.00", "1"));
    let mut odd = print("A", START - 1_000, "11.00", "1");
    odd.trade.moves.last = false;
    archive.trade(odd);
    let quoted = id(&opened, START, 0);
    archive
        .commit(vec![(quoted, quote("A", START, "10.00"))])
        .await
        .unwrap();
    written(&archive).await;
    archive.close().await.unwrap();
    drop(archive);

    let (_archive, again) = open(&folder, clock.options());
    let (_, event) = &again.refill[0];
    let Event::Quote(quote) = event else {
        panic!("{event:?}");
    };
    assert_eq!((quote.time, quote.traded), (START, Some(START - 3_600_000)));
}

#[tokio::test]
async fn bars_are_made_of_trades_at_every_interval() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, _) = open(&folder, clock.options());
    let minute = START - START % 60_000;
    archive.trade(print("A", minute + 1_000, "10.00", "1"));
    archive.trade(print("A", minute + 1_500, "10.03", "2"));
    archive.trade(print("A", minute + 61_000, "9.5", "1"));
    written(&archive).await;
    let bars = |interval| {
        archive
            .bars(symbol("A"), interval, 0..u64::MAX, 100)
            .unwrap()
    };
    let minutes = bars(Interval::Minute);
    assert_eq!(minutes.len(), 2);
    assert_eq!(minutes[0].vwap.unwrap().to_string(), "10.0200");
    assert_eq!(bars(Interval::Second).len(), 2);
    let day = bars(Interval::Day).remove(0);
    assert_eq!(
        (day.open, day.close, day.trades),
        (price("10.00"), price("9.5"), 3)
    );
    let before: Vec<_> = Interval::ALL.map(bars).to_vec();
    clock.set(START + 3 * 86_400_000);
    until(&archive, |status| status.pending == 0).await;
    assert_eq!(
        Interval::ALL.map(bars).to_vec(),
        before,
        "rolled up they are the same"
    );
}

/// Earlier versions accepted a number that a browser cannot represent.
#[tokio::test]
async fn an_event_that_cannot_be_read_keeps_no_other_away() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    let start = START - START % 60_000;
    let good = bar("BTCUSDT", start, "61837.60", "0.10");
    let mut wrong = bar("BTCUSDT", start + 60_000, "61837.61", "0.10");
    wrong.trades = (1 << 53) + 1;
    let events = vec![
        (id(&opened, START, 1), Arc::new(Event::Bar(good.clone()))),
        (id(&opened, START, 2), Arc::new(Event::Bar(wrong))),
    ];
    archive.commit(events).await.unwrap();
    archive.close().await.unwrap();
    drop(archive);
    let (_archive, again) = open(&folder, clock.options());
    let refill: Vec<Event> = again.refill.into_iter().map(|(_, event)| event).collect();
    assert_eq!(refill, [Event::Bar(good)]);
}

#[tokio::test]
async fn what_is_in_the_journal_alone_is_whose_it_was() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    let story = |id: &str| News {
        id: id.to_owned(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: vec![symbol("GOOG")],
        headline: "h".to_owned(),
        summary: None,
        url: None,
        source: "desk".to_owned(),
        published: START,
        form: None,
        accession: None,
        code: None,
    };
    let owned = |id: &str, owner: &str| Ownership {
        subject: Subject::Story(id.to_owned()),
        owner: Some(owner.into()),
    };
    let record = |id: EventId, event: &Event, owner: Ownership| {
        let frame = Frame::new(Some(&id), event).bytes();
        archive.journal().record([&*frame], [(id, owner)], id);
    };
    // One that is in the database already, and has had another owner since.
    let first = (
        id(&opened, START, 1),
        Arc::new(Event::News(story("desk:1"))),
    );
    record(first.0, &first.1, owned("desk:1", "before"));
    let written = archive.commit_owned(vec![first], vec![owned("desk:1", "since")]);
    written.await.unwrap();
    let second = id(&opened, START, 2);
    record(
        second,
        &Event::News(story("desk:2")),
        owned("desk:2", "desk"),
    );
    drop(archive);

    let (_archive, again) = open(&folder, clock.options());
    let events: Vec<_> = again.refill.iter().map(|(_, event)| event).collect();
    assert_eq!(
        events,
        ["desk:1", "desk:2"]
            .map(|id| Event::News(story(id)))
            .iter()
            .collect::<Vec<_>>()
    );
    let mut owners = again.owners;
    owners.sort_by_key(|ownership| format!("{ownership:?}"));
    assert_eq!(owners, [owned("desk:1", "since"), owned("desk:2", "desk")]);
}
