//! Queries of the history: stories, days, imports, restarts.

mod support;

use std::{sync::Arc, time::Duration};

use archive::{Archive, Dividend, Importer, Keep, NewsQuery, Opened, Reader, Refill, Split};
use jiff::tz::TimeZone;
use market::{
    Action, Basis, Correction, Event, Interval, Millis, News, NewsType, Quality, Session, Trade,
    TradeEligibility, TradingState,
};
use rusqlite::Connection;
use support::*;
use tape::EventId;

const DAY: Millis = 86_400_000;

fn story(name: &str, headline: &str, kind: NewsType, symbols: &[&str]) -> News {
    News {
        id: format!("test:{name}"),
        kind,
        basis: Basis::Native,
        action: Action::Created,
        symbols: symbols.iter().map(|name| symbol(name)).collect(),
        headline: headline.to_owned(),
        summary: Some("Ünïcode & a \"quoted\" word".to_owned()),
        url: None,
        source: "test".to_owned(),
        published: START,
        form: None,
        accession: None,
        code: None,
    }
}

fn session(name: &str, venue: &str) -> Arc<Event> {
    Arc::new(Event::Session(Session {
        symbol: symbol(name),
        name: name.to_owned(),
        currency: None,
        venue: Some(venue.to_owned()),
        source: "test".to_owned(),
        quality: Quality::Live,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: None,
        tick: None,
    }))
}

async fn publish(archive: &Archive, opened: &Opened, stories: &[News]) -> Vec<EventId> {
    let ids: Vec<EventId> = (0..stories.len() as u64)
        .map(|n| id(opened, START + n, 0))
        .collect();
    let events = ids.iter().zip(stories);
    let events = events
        .map(|(id, news)| (*id, Arc::new(Event::News(news.clone()))))
        .collect();
    archive.commit(events).await.unwrap();
    ids
}

#[tokio::test]
async fn stories_are_found_by_symbol_type_and_word_and_paged() {
    let folder = Folder::new();
    let (archive, opened) = open(&folder, Clock::new(START).options());
    let mut stories = vec![
        story("1", "Apple files its report", NewsType::Filing, &["AAPL"]),
        story("2", "Trading halted", NewsType::Halt, &["GME"]),
        story("3", "A market of two", NewsType::Headline, &["AAPL", "GME"]),
        story("4", "Nothing of anybody", NewsType::Headline, &[]),
        story(
            "1",
            "Apple files its report again",
            NewsType::Filing,
            &["AAPL"],
        ),
    ];
    stories[4].action = Action::Updated;
    let ids = publish(&archive, &opened, &stories).await;
    let find = |query: NewsQuery| -> Vec<usize> {
        let found = archive.news(&NewsQuery { limit: 10, ..query }).unwrap();
        let place = |(id, news): &(EventId, News)| {
            let place = ids.iter().position(|published| published == id).unwrap();
            assert_eq!(*news, stories[place]);
            place
        };
        found.iter().map(place).collect()
    };
    let all = NewsQuery::default();
    assert_eq!(
        find(all.clone()),
        [4, 3, 2, 1],
        "the first version is superseded"
    );
    let of = |names: &[&str]| NewsQuery {
        symbols: names.iter().map(|name| symbol(name)).collect(),
        ..NewsQuery::default()
    };
    assert_eq!(find(of(&["AAPL"])), [4, 2]);
    assert_eq!(find(of(&["GME", "AAPL"])), [4, 2, 1], "each once");
    assert_eq!(find(of(&["NOBODY"])), [0; 0]);
    assert_eq!(
        find(NewsQuery {
            types: vec![NewsType::Halt, NewsType::Filing],
            ..all.clone()
        }),
        [4, 1]
    );
    assert_eq!(
        find(NewsQuery {
            types: vec![NewsType::Headline],
            ..of(&["GME"])
        }),
        [2]
    );
    let words = |text: &str| NewsQuery {
        words: Some(text.to_owned()),
        ..NewsQuery::default()
    };
    assert_eq!(find(words("REPORT apple")), [4]);
    assert_eq!(
        find(words("mark")),
        [2],
        "the beginning of the last word will do"
    );
    assert_eq!(find(words("unicode hal")), [1]);
    assert_eq!(find(words("report market")), [0; 0]);
    // Nothing in it is parsed as an operator.
    assert_eq!(find(words("apple OR \"halted")), [0; 0]);
    assert_eq!(find(words("*\"(")), [4, 3, 2, 1], "no word is no filter");

    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = archive
            .news(&NewsQuery {
                before,
                limit: 2,
                ..all.clone()
            })
            .unwrap();
        let Some((last, _)) = page.last() else {
            break;
        };
        before = Some(*last);
        pages.push(page.len());
    }
    assert_eq!(pages, [2, 2]);
    assert_eq!(
        find(NewsQuery {
            after: Some(ids[2]),
            ..all.clone()
        }),
        [4, 3]
    );
    let foreign = EventId {
        ms: START + 2,
        n: 0,
    };
    assert_eq!(
        find(NewsQuery {
            before: Some(foreign),
            ..all
        }),
        [1],
        "any id has its place"
    );
}

#[tokio::test]
async fn a_search_examines_a_limited_number_of_stories_and_returns_where_to_continue() {
    let folder = Folder::new();
    let (archive, opened) = open(&folder, Clock::new(START).options());
    const COUNT: usize = 10_500;
    let stories: Vec<News> = (0..COUNT)
        .map(|n| {
            let of = format!("S{}", n % 1_000);
            let symbols = ["ALL", &of];
            let (words, kind) = match n {
                3 => ("common and rare", NewsType::Merger),
                _ => ("common", NewsType::Headline),
            };
            story(&n.to_string(), words, kind, &symbols)
        })
        .collect();
    let ids = publish(&archive, &opened, &stories).await;
    let mergers = NewsQuery {
        words: Some("common".to_owned()),
        types: vec![NewsType::Merger],
        limit: 5,
        ..NewsQuery::default()
    };
    let found = archive.search(&mergers).unwrap();
    assert_eq!((found.stories, found.unread), (vec![], Some(ids[500])));
    let on = NewsQuery {
        before: Some(ids[500]),
        ..mergers.clone()
    };
    let found = archive.search(&on).unwrap();
    assert_eq!(
        (found.stories, found.unread),
        (vec![(ids[3], stories[3].clone())], None)
    );
    assert_eq!(
        archive.news(&mergers).unwrap(),
        [(ids[3], stories[3].clone())]
    );

    // However many symbols there are, and whatever the query, the result is as if every story had been examined.
    let many: Vec<_> = (0..500).map(|n| symbol(&format!("S{}", 2 * n))).collect();
    for symbols in [vec![symbol("S3")], vec![symbol("ALL")], many] {
        for words in [
            None,
            Some("common"),
            Some("rare"),
            Some("comm"),
            Some("nothing"),
        ] {
            for types in [vec![], vec![NewsType::Merger]] {
                for (limit, before) in [(1, None), (7, Some(ids[400])), (600, None)] {
                    let query = NewsQuery {
                        symbols: symbols.clone(),
                        words: words.map(str::to_owned),
                        types: types.clone(),
                        before,
                        limit,
                        ..NewsQuery::default()
                    };
                    let matches = |(id, news): &(&EventId, &News)| {
                        news.symbols.iter().any(|symbol| symbols.contains(symbol))
                            && words.is_none_or(|words| {
                                let mut words_of = news.headline.split(' ');
                                words_of.any(|word| word.starts_with(words))
                            })
                            && (types.is_empty() || types.contains(&news.kind))
                            && before.is_none_or(|before| **id < before)
                    };
                    let expected = ids.iter().zip(&stories).rev().filter(matches);
                    let expected: Vec<_> = expected
                        .take(limit)
                        .map(|(id, news)| (*id, news.clone()))
                        .collect();
                    assert_eq!(archive.news(&query).unwrap(), expected, "{query:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refill_is_bounded_and_in_order() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    let stories: Vec<News> = (0..20)
        .map(|n| story(&n.to_string(), "x", NewsType::Headline, &[]))
        .collect();
    let ids = publish(&archive, &opened, &stories).await;
    let early = vec![
        (id(&opened, START - DAY, 0), session("A", "X")),
        (id(&opened, START - DAY, 1), quote("A", 1, "1")),
    ];
    archive.commit(early).await.unwrap();
    drop(archive);
    let bytes = Event::News(stories[0].clone()).data().len() + 10;
    for (refill, expected) in [
        (
            Refill {
                entries: 5,
                ..Refill::default()
            },
            5,
        ),
        (
            Refill {
                bytes: 7 * bytes,
                ..Refill::default()
            },
            7,
        ),
        (
            Refill {
                age_ms: 9,
                ..Refill::default()
            },
            10,
        ),
        (
            Refill {
                entries: 0,
                ..Refill::default()
            },
            0,
        ),
    ] {
        clock.set(START + 19);
        let mut options = clock.options();
        options.refill = refill;
        let (_archive, opened) = open(&folder, options);
        let found: Vec<EventId> = opened.refill.iter().map(|(id, _)| *id).collect();
        assert!(found.is_sorted());
        assert_eq!(
            found[..2],
            [id(&opened, START - DAY, 0), id(&opened, START - DAY, 1)]
        );
        assert!(
            found[2..].len().abs_diff(expected) <= usize::from(refill.bytes < 10_000),
            "{refill:?}: {found:?}"
        );
        assert!(ids.ends_with(&found[2..]), "{refill:?}");
    }
}

#[tokio::test]
async fn ids_rise_after_a_crash_and_a_clock_that_steps_back() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    assert_eq!(opened.start, START);
    archive
        .commit(vec![(id(&opened, START + 5, 3), quote("A", START, "1"))])
        .await
        .unwrap();
    // Streamed, and never committed.
    let lost = id(&opened, START + 1_500, 0);
    let crashed = folder.crash();
    clock.set(START - DAY);
    let (_again, opened) = open(&crashed, clock.options());
    assert!(opened.start > lost.ms, "{} after {lost}", opened.start);
    assert!(opened.start <= START + 5 + 2_001);

    // Long after, the clock leads; and closing in order reserves no more than was given.
    clock.set(START + DAY);
    archive
        .commit(vec![(
            id(&opened, START + DAY, 0),
            quote("A", START + DAY, "1"),
        )])
        .await
        .unwrap();
    archive.close().await.unwrap();
    drop(archive);
    assert_eq!(open(&folder, clock.options()).1.start, START + DAY + 1);
}

#[tokio::test]
async fn days_follow_the_zone_of_the_session() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let mut options = clock.options();
    options.zone = |session| match session.venue.as_deref() {
        Some("NYSE") => TimeZone::get("America/New_York").unwrap(),
        _ => TimeZone::UTC,
    };
    let (archive, opened) = open(&folder, options);
    let midnight = START - START % DAY;
    let hour = 3_600_000;
    // Two days in New York, in summer four hours behind, one day in London.
    archive.trade(print("A", midnight + 3 * hour, "1", "1"));
    archive.trade(print("A", midnight + 5 * hour, "2", "1"));
    written(&archive).await;
    let days = || -> Vec<(Millis, u64)> {
        let days = archive
            .bars(symbol("A"), Interval::Day, 0..u64::MAX, 10)
            .unwrap();
        days.iter().map(|bar| (bar.start, bar.trades)).collect()
    };
    assert_eq!(days(), [(midnight, 2)]);
    clock.set(START + 3 * DAY);
    until(&archive, |status| status.pending == 0).await;
    archive
        .commit(vec![(id(&opened, START, 0), session("A", "NYSE"))])
        .await
        .unwrap();
    let expected = [(midnight - 20 * hour, 1), (midnight + 4 * hour, 1)];
    assert_eq!(days(), expected);
    until(&archive, |status| status.pending == 0).await;
    assert_eq!(days(), expected);
}

#[tokio::test]
async fn trades_that_are_known_come_once_and_corrections_reach_every_level() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, _) = open(&folder, clock.options());
    let old = START - 5 * DAY;
    let numbered = |time, at: &str, number| {
        let mut print = print("A", time, at, "1");
        print.trade.id = Some(number);
        print
    };
    archive.trade(numbered(old, "10", 7));
    archive.trade(numbered(old + 1, "12", 8));
    archive.trade(numbered(old + 1, "12", 8));
    // A venue that restarts its numbers each day.
    archive.trade(numbered(old + DAY, "11", 7));
    written(&archive).await;
    until(&archive, |status| status.pending == 0).await;
    assert_eq!(archive.status().known, 1);
    let day = || {
        archive
            .bars(symbol("A"), Interval::Day, old - DAY..old + 1, 1)
            .unwrap()
    };
    assert_eq!((day()[0].trades, day()[0].high), (2, price("12")));
    let correct = |trade, right| {
        let correction = Correction {
            symbol: symbol("A"),
            time: START,
            trade,
            right,
        };
        archive.correct(correction, None);
    };
    correct(8, Some(Trade::new(price("9"), Some(size("3"))).with_id(80)));
    correct(99, None);
    written(&archive).await;
    let bar = day().remove(0);
    assert_eq!(
        (bar.close, bar.high, bar.volume),
        (price("9"), price("10"), size("4"))
    );
    assert_eq!(archive.status().unmatched, 1);
    // Reported again under either number, it is a duplicate.
    archive.trade(numbered(old + 1, "12", 8));
    archive.trade(numbered(old + 1, "9", 80));
    correct(80, None);
    written(&archive).await;
    let mut expected = bar;
    (expected.close, expected.low) = (price("10"), price("10"));
    (expected.volume, expected.trades) = (size("1"), 1);
    expected.vwap = Some(price("10.00"));
    for interval in Interval::ALL {
        let mut bars = archive
            .bars(symbol("A"), interval, old - DAY..old + 1, 1)
            .unwrap();
        assert_eq!(bars.len(), 1);
        bars[0].start = expected.start;
        assert_eq!(bars[0], expected, "{interval}");
    }
    let left: Vec<_> = archive
        .trades(symbol("A"), 0..u64::MAX)
        .map(Result::unwrap)
        .collect();
    assert_eq!(left, [numbered(old, "10", 7), numbered(old + DAY, "11", 7)]);
}

#[tokio::test]
async fn a_bar_of_the_tape_stands_where_no_trades_are_known() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    let minute = START - START % 60_000;
    let published = bar("A", minute, "10.00", "5");
    let other = bar("A", minute + 60_000, "20.00", "5");
    let events = [&published, &other]
        .into_iter()
        .enumerate()
        .map(|(n, bar)| {
            (
                id(&opened, START, n as u64),
                Arc::new(Event::Bar(bar.clone())),
            )
        });
    archive.trade(print("A", minute + 60_001, "21", "1"));
    archive.commit(events.collect()).await.unwrap();
    let minutes = || {
        archive
            .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 9)
            .unwrap()
    };
    let check = |when| {
        let minutes = minutes();
        assert_eq!(minutes[0].close, published.close, "{when}");
        assert_eq!(
            minutes[1].close,
            price("21"),
            "{when}: trades are better known"
        );
        let hour = archive
            .bars(symbol("A"), Interval::Hour, 0..u64::MAX, 1)
            .unwrap()
            .remove(0);
        assert_eq!(
            (hour.open, hour.close, hour.volume),
            (price("10.00"), price("21"), size("6"))
        );
        assert_eq!(hour.vwap, Some(price("11.8333")), "{when}");
    };
    check("before");
    clock.set(START + 2 * DAY);
    until(&archive, |status| status.pending == 0).await;
    check("after");
}

#[test]
fn an_import_twice_is_an_import_once() {
    let folder = Folder::new();
    let mut importer = Importer::open(folder.path(), NAME).unwrap();
    let reader = Reader::open(folder.path(), NAME).unwrap();
    let minute = START - START % 60_000;
    // The same trade twice in one millisecond is two trades, even if a batch ends between them.
    let mut prints: Vec<_> = (0..50)
        .map(|n| print("A", minute + n * 7_000, "10.5", "1"))
        .collect();
    prints.insert(10, prints[10].clone());
    prints.insert(10, prints[10].clone());
    let mut others: Vec<_> = prints
        .iter()
        .map(|print| archive::Print {
            symbol: symbol("B"),
            ..print.clone()
        })
        .collect();
    others
        .iter_mut()
        .zip(0..)
        .for_each(|(print, n)| print.trade.id = Some(n));
    let mut all = Vec::new();
    for round in 0..2 {
        // In the role of another process.
        importer = Importer::open(folder.path(), NAME).unwrap();
        for prints in [&prints, &others] {
            for some in prints.chunks(11) {
                let written = importer.trades(some).unwrap();
                let expected = if round == 0 {
                    written.new
                } else {
                    written.same
                };
                assert_eq!(expected, some.len() as u64, "round {round}");
            }
        }
        let of = |name| {
            Interval::ALL.map(|interval| {
                reader
                    .bars(symbol(name), interval, 0..u64::MAX, 999)
                    .unwrap()
            })
        };
        all.push((of("A"), of("B")));
        while importer.roll().unwrap() > 0 {}
        all.push((of("A"), of("B")));
    }
    assert_eq!(all[0].0[5][0].trades, 52);
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));

    let zone = TimeZone::get("America/New_York").unwrap();
    importer.zone(symbol("C"), &zone).unwrap();
    let midnight = START - START % DAY + 4 * 3_600_000;
    let days: Vec<_> = (0..5)
        .map(|n| bar("C", midnight + n * DAY, "7.5", "1000"))
        .collect();
    assert_eq!(importer.bars(Interval::Day, &days).unwrap().new, 5);
    assert_eq!(importer.bars(Interval::Day, &days).unwrap().same, 5);
    let other = bar("C", midnight, "8", "1");
    assert_eq!(
        importer
            .bars(Interval::Day, std::slice::from_ref(&other))
            .unwrap()
            .changed,
        1
    );
    assert_eq!(
        reader
            .bars(symbol("C"), Interval::Day, 0..midnight + DAY, 9)
            .unwrap(),
        [other]
    );
    let wrong = bar("C", midnight + 3_600_000, "8", "1");
    let error = importer
        .bars(Interval::Day, &[wrong])
        .unwrap_err()
        .to_string();
    assert!(error.contains(&format!("expected {midnight}")), "{error}");
    let mut wrong = bar("C", midnight, "8", "1");
    wrong.high = price("7");
    assert!(importer.bars(Interval::Day, &[wrong]).is_err());

    let split = Split {
        symbol: symbol("C"),
        time: midnight,
        ratio: 4.into(),
    };
    let dividend = Dividend {
        symbol: symbol("C"),
        time: midnight,
        amount: price("0.25"),
    };
    for _ in 0..2 {
        importer.split(&split).unwrap();
        importer.dividend(&dividend).unwrap();
    }
    assert_eq!(reader.splits(symbol("C"), 0..u64::MAX).unwrap(), [split]);
    assert_eq!(
        reader.dividends(symbol("C"), 0..u64::MAX).unwrap(),
        [dividend]
    );
    assert!(
        importer
            .split(&Split {
                ratio: 0.into(),
                ..split
            })
            .is_err()
    );
}

#[tokio::test]
async fn an_import_goes_on_while_a_server_writes() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    let path = folder.path().to_owned();
    let import = std::thread::spawn(move || {
        let mut importer = Importer::open(&path, NAME).unwrap();
        for round in 0..20_u64 {
            let prints: Vec<_> = (0..100)
                .map(|n| print("A", START - DAY + round * 60_000 + n, "1", "1"))
                .collect();
            assert_eq!(importer.trades(&prints).unwrap().new, 100);
            while importer.roll().unwrap() > 0 {}
        }
    });
    for n in 0..200 {
        archive.trade(print("A", START - DAY + n * 6_000, "2", "1"));
        archive
            .commit(vec![(
                id(&opened, START + n, 0),
                quote("A", START + n, "2"),
            )])
            .await
            .unwrap();
    }
    import.join().unwrap();
    clock.set(START + 3 * DAY);
    written(&archive).await;
    until(&archive, |status| status.pending == 0).await;
    let days = archive
        .bars(symbol("A"), Interval::Day, 0..u64::MAX, 9)
        .unwrap();
    assert_eq!(days.iter().map(|bar| bar.trades).sum::<u64>(), 2_200);
    let minutes = archive
        .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 99)
        .unwrap();
    assert_eq!(minutes.iter().map(|bar| bar.trades).sum::<u64>(), 2_200);
    assert_eq!(archive.trades(symbol("A"), 0..u64::MAX).count(), 2_200);
}

/// Waits until the server has made as many minutes of a symbol.
async fn made(folder: &Folder, symbol: &str, minutes: i64) {
    let connection = Connection::open(folder.file()).unwrap();
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let made = async {
        loop {
            looks.tick().await;
            let count: i64 = connection
                .query_row(
                    "SELECT count(*) FROM bars JOIN symbols ON symbols.id = symbol WHERE level = 1 AND name = ?1",
                    [symbol],
                    |row| row.get(0),
                )
                .unwrap();
            if count == minutes {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), made)
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_is_sealed_or_removed_while_an_import_goes_on() {
    let folder = Folder::new();
    let clock = Clock::new(START + 10 * DAY);
    let mut options = clock.options();
    options.keep.ticks = Some(DAY);
    let (archive, _opened) = open(&folder, options);
    let mut importer = Importer::open(folder.path(), NAME).unwrap();
    let minute = START - START % 60_000;
    // Each batch ends within a minute.
    for batch in 0..3 {
        let first = minute + batch * 60_000 + 30_000;
        let prints: Vec<_> = (0..4)
            .map(|n| print("A", first + n * 12_000, "1", "1"))
            .collect();
        assert_eq!(importer.trades(&prints).unwrap().new, 4);
        made(&folder, "A", batch as i64 + 2).await;
        // The minutes of another symbol are made by a later round, after all the work of the first one.
        let other = format!("B{batch}");
        importer.trades(&[print(&other, first, "1", "1")]).unwrap();
        made(&folder, &other, 1).await;
    }
    assert_eq!(archive.status().removed, 0);
    drop(importer);
    until(&archive, |status| status.removed >= 15).await;
    assert_eq!(archive.trades(symbol("A"), 0..u64::MAX).count(), 0);
    let minutes = archive
        .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 9)
        .unwrap();
    let trades: Vec<u64> = minutes.iter().map(|bar| bar.trades).collect();
    assert_eq!(trades, [3, 4, 4, 1]);
}

#[tokio::test]
async fn old_ticks_go_and_the_file_shrinks() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let mut options = clock.options();
    options.keep = Keep {
        ticks: Some(DAY),
        minutes: Some(10 * DAY),
        events: Some(10 * DAY),
        bytes: None,
    };
    let (archive, opened) = open(&folder, options);
    let story = story("old", "an old story", NewsType::Headline, &["A"]);
    archive
        .commit(vec![(id(&opened, START, 0), Arc::new(Event::News(story)))])
        .await
        .unwrap();
    for n in 0..40_000 {
        archive.trade(print("A", START + n, "10.25", "3"));
        if n % 4_000 == 0 {
            let quotes = (0..2_000).map(|m| {
                (
                    id(&opened, START + n + m, 1),
                    quote("A", START + n + m, "10"),
                )
            });
            archive.commit(quotes.collect()).await.unwrap();
        }
    }
    written(&archive).await;
    until(&archive, |status| status.file_bytes > 1 << 20).await;
    let full = archive.status().file_bytes;
    let minutes = || {
        archive
            .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 99)
            .unwrap()
    };
    let before = minutes();
    clock.set(START + 2 * DAY);
    archive
        .commit(vec![(
            id(&opened, START + 2 * DAY, 0),
            quote("B", START + 2 * DAY, "1"),
        )])
        .await
        .unwrap();
    until(&archive, |status| {
        status.removed > 59_000 && status.file_bytes < full / 2
    })
    .await;
    assert_eq!(archive.trades(symbol("A"), 0..u64::MAX).count(), 0);
    assert_eq!(
        archive.quotes(symbol("A"), 0..u64::MAX).count(),
        1,
        "the newest stays"
    );
    assert_eq!(
        archive
            .bars(symbol("A"), Interval::Second, 0..u64::MAX, 99)
            .unwrap(),
        []
    );
    assert_eq!(minutes(), before);
    let hours = || {
        archive
            .bars(symbol("A"), Interval::Hour, 0..u64::MAX, 99)
            .unwrap()
    };
    let before = hours();
    clock.set(START + 20 * DAY);
    until(&archive, |status| status.removed > 60_020).await;
    archive.commit(Vec::new()).await.unwrap();
    let mut watch = archive.watch();
    while !minutes().is_empty()
        || !archive
            .news(&NewsQuery {
                limit: 9,
                ..NewsQuery::default()
            })
            .unwrap()
            .is_empty()
    {
        tokio::time::timeout(Duration::from_secs(30), watch.changed())
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(hours(), before);
    drop(archive);
    let connection = Connection::open(folder.file()).unwrap();
    let check: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    connection
        .execute(
            "INSERT INTO news_words (news_words) VALUES ('integrity-check')",
            [],
        )
        .unwrap();
}

#[tokio::test]
async fn a_file_that_is_too_large_loses_its_oldest_ticks_first() {
    let folder = Folder::new();
    let clock = Clock::new(START + DAY);
    let mut options = clock.options();
    let limit = 1 << 19;
    options.keep = Keep {
        ticks: None,
        minutes: None,
        events: None,
        bytes: Some(limit),
    };
    let (archive, opened) = open(&folder, options);
    let story = story("old", "an old story", NewsType::Headline, &["A"]);
    archive
        .commit(vec![(id(&opened, START, 0), Arc::new(Event::News(story)))])
        .await
        .unwrap();
    for n in 0..20_000 {
        archive.trade(print("A", START + n * 400, "10.25", "3"));
    }
    written(&archive).await;
    until(&archive, |status| {
        let small = status.file_bytes < limit * 9 / 8;
        small && status.pending == 0 && status.removed > 1_000
    })
    .await;
    let left: Vec<_> = archive
        .trades(symbol("A"), 0..u64::MAX)
        .map(Result::unwrap)
        .collect();
    assert!(left.len() > 2_000 && left.len() < 19_000, "{}", left.len());
    assert_eq!(left.last().unwrap().time, START + 19_999 * 400);
    assert_eq!(
        archive
            .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 999)
            .unwrap()
            .iter()
            .map(|bar| bar.trades)
            .sum::<u64>(),
        20_000
    );
    assert_eq!(
        archive
            .news(&NewsQuery {
                limit: 9,
                ..NewsQuery::default()
            })
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn trades_wait_at_most_a_second_for_a_commit() {
    let folder = Folder::new();
    let (archive, _) = open(&folder, Clock::new(START).options());
    let mut odd = print("A", START, "10", "1");
    odd.trade.moves = TradeEligibility {
        last: false,
        range: false,
        volume: true,
    };
    archive.trade(odd.clone());
    until(&archive, |status| status.commits > 0 && status.queued == 0).await;
    let stored: Vec<_> = archive
        .trades(symbol("A"), 0..u64::MAX)
        .map(Result::unwrap)
        .collect();
    assert_eq!(stored, [odd]);
    assert_eq!(
        archive
            .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 9)
            .unwrap(),
        [],
        "no price moved"
    );
}

/// Each venue counts its own numbers: the same number of another feed is another trade.
#[tokio::test]
async fn a_number_is_one_trade_of_one_feed() {
    let folder = Folder::new();
    let clock = Clock::new(START + 60_000);
    let (archive, _) = open(&folder, clock.options());
    let minute = START - START % 60_000;
    let trade = |feed: Option<&str>, at: &str, number: u64| {
        let mut print = print("A", minute + 1_000, at, "1");
        print.trade.id = Some(number);
        print.feed = feed.map(Arc::from);
        print
    };
    let stored = || -> Vec<(Option<String>, String)> {
        archive
            .trades(symbol("A"), 0..Millis::MAX)
            .map(Result::unwrap)
            .map(|print| {
                let feed = print.feed.map(|feed| feed.to_string());
                (feed, print.trade.price.to_string())
            })
            .collect()
    };
    let rows = |rows: &[(&str, &str)]| -> Vec<(Option<String>, String)> {
        let own = |(feed, price): &(&str, &str)| {
            let feed = Some(*feed).filter(|feed| !feed.is_empty());
            (feed.map(str::to_owned), (*price).to_owned())
        };
        rows.iter().map(own).collect()
    };
    let correct = |feed: &str, number, right: Option<&str>| {
        let right = right.map(|at| Trade::new(price(at), Some(size("1"))));
        let correction = Correction {
            symbol: symbol("A"),
            time: START,
            trade: number,
            right,
        };
        archive.correct(correction, Some(feed.into()));
    };
    archive.trade(trade(Some("East"), "10", 7));
    archive.trade(trade(Some("West"), "20", 7));
    archive.trade(trade(Some("West"), "20", 7));
    archive.trade(trade(None, "30", 8));
    written(&archive).await;
    assert_eq!(archive.status().known, 1);
    assert_eq!(
        stored(),
        rows(&[("East", "10"), ("West", "20"), ("", "30")])
    );

    // Of its own feed only, and not one of an unknown feed.
    correct("East", 7, Some("11"));
    correct("North", 7, None);
    correct("East", 8, None);
    written(&archive).await;
    assert_eq!(
        stored(),
        rows(&[("East", "11"), ("West", "20"), ("", "30")])
    );
    assert_eq!(archive.status().unmatched, 2);
    let bars = archive
        .bars(symbol("A"), Interval::Minute, minute..minute + 1, 1)
        .unwrap();
    assert_eq!((bars[0].open, bars[0].high), (price("11"), price("30")));

    // The feed that reports it owns it from then on.
    archive.trade(trade(Some("West"), "30", 8));
    archive.trade(trade(Some("East"), "12", 8));
    correct("West", 8, None);
    written(&archive).await;
    assert_eq!(
        stored(),
        rows(&[("East", "11"), ("West", "20"), ("East", "12")])
    );
    // A new number is searched among those of the same feed.
    let renumbered = Correction {
        symbol: symbol("A"),
        time: START,
        trade: 7,
        right: Some(Trade::new(price("21"), Some(size("1"))).with_id(8)),
    };
    archive.correct(renumbered, Some("West".into()));
    written(&archive).await;
    assert_eq!(
        stored(),
        rows(&[("East", "11"), ("West", "21"), ("East", "12")])
    );
    archive.close().await.unwrap();
}
