//! Rows that cannot be read, rows of newer versions, and archives of older ones: whatever is wrong with one row,
//! everything else is there.

mod support;

use std::fs;

use archive::{Archive, NewsQuery, Opened, State};
use market::{Action, Basis, Event, Interval, News, NewsType, Session};
use rusqlite::Connection;
use support::*;

const MINUTE: u64 = 60_000;
/// The minute of the trades.
const FIRST: u64 = START - START % (24 * 60 * MINUTE);

fn story(number: u64, name: &str) -> News {
    News {
        id: format!("desk:{number}"),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: vec![symbol(name)],
        headline: format!("Story number {number}"),
        summary: None,
        url: None,
        source: "desk".to_owned(),
        published: FIRST,
        form: None,
        accession: None,
        code: None,
    }
}

fn session(name: &str) -> Event {
    let json = format!(
        r#"{{"symbol":"{name}","name":"{name} Inc","source":"desk","quality":"live","state":"open"}}"#
    );
    let session: Session = serde_json::from_str(&json).unwrap();
    Event::Session(session)
}

fn ids(archive: &Archive, query: &NewsQuery) -> Vec<String> {
    let news = archive.news(query).unwrap();
    news.into_iter().map(|(_, news)| news.id).collect()
}

fn all(limit: usize) -> NewsQuery {
    NewsQuery {
        limit,
        ..NewsQuery::default()
    }
}

/// Two symbols with a session, two quotes and three trades in three seconds each, and four stories.
async fn filled(folder: &Folder) -> Opened {
    let (archive, opened) = open(folder, options());
    let mut events = Vec::new();
    let mut n = 0;
    let mut event = |event: Event| {
        n += 1;
        events.push((id(&opened, START + n, 0), std::sync::Arc::new(event)));
    };
    for name in ["A", "B"] {
        event(session(name));
        for at in [0, 1_000] {
            let Event::Quote(quote) = &*quote(name, FIRST + at, "1.25") else {
                unreachable!("it is a quote");
            };
            event(Event::Quote(quote.clone()));
        }
    }
    for number in 1..=4 {
        event(Event::News(story(
            number,
            if number % 2 == 0 { "A" } else { "B" },
        )));
    }
    archive.commit(events).await.unwrap();
    for name in ["A", "B"] {
        for second in 0..3 {
            let at = format!("10.{second}5");
            archive.trade(print(name, FIRST + second * 1_000, &at, "2"));
        }
    }
    written(&archive).await;
    rolled(folder).await;
    archive.close().await.unwrap();
    opened
}

/// Waits until every bar is made from the data below it.
async fn rolled(folder: &Folder) {
    let database = Connection::open(folder.file()).unwrap();
    let pending = || -> i64 {
        database
            .query_row("SELECT count(*) FROM pending", [], |row| row.get(0))
            .unwrap()
    };
    while pending() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn options() -> archive::Options {
    // Every bar is over.
    let mut options = Clock::new(START + 3 * 24 * 60 * MINUTE).options();
    // Old stories and quotes are returned too.
    options.refill.age_ms = START;
    options
}

fn sql(folder: &Folder, sql: &str) {
    let database = Connection::open(folder.file()).unwrap();
    database.execute_batch(sql).unwrap();
}

/// Runs SQL without enforcing a table's types, since damage does not respect them.
fn loosely(folder: &Folder, table: &str, change: &str) {
    let schema = |new: &str| {
        sql(
            folder,
            &format!(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = {new} WHERE name = '{table}'"
            ),
        );
    };
    schema("replace(replace(sql, ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')')");
    sql(folder, change);
    schema(
        "CASE WHEN sql LIKE '%) WITHOUT ROWID'
         THEN replace(sql, ') WITHOUT ROWID', ') STRICT, WITHOUT ROWID') ELSE sql || ' STRICT' END",
    );
}

fn quarantine(folder: &Folder) -> Vec<(String, String, String)> {
    let database = Connection::open(folder.file()).unwrap();
    let mut rows = database
        .prepare("SELECT source, reason, cells FROM quarantine ORDER BY id")
        .unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[tokio::test]
async fn a_story_that_cannot_be_read_costs_nothing_else() {
    let base = Folder::new();
    filled(&base).await;
    for (change, reason) in [
        ("data = replace(data, '{\"id\"', '[\"id\"')", "checksum"),
        ("data = replace(data, 'headline', 'heXdline')", "checksum"),
        ("data = CAST(x'ff' AS TEXT) || data", "checksum"),
        ("name = 'nws'", "checksum"),
        // As a version before checksums left them.
        (
            "data = replace(data, '{\"id\"', '[\"id\"'), crc = NULL",
            "news",
        ),
        (
            "data = replace(data, '\"headline\",', '\"heXdline\",'), crc = NULL",
            "hexdline",
        ),
        ("data = CAST(x'ff' AS TEXT) || data, crc = NULL", "utf-8"),
        ("name = CAST(x'ff' AS TEXT), crc = NULL", "utf-8"),
        ("crc = crc + 1", "checksum"),
    ] {
        let folder = base.crash();
        sql(
            &folder,
            &format!("UPDATE events SET {change} WHERE data LIKE '%desk:2%'"),
        );
        for _ in 0..2 {
            let (archive, opened) = open(&folder, options());
            assert_eq!(opened.set_aside, None, "{change}");
            let stories = opened
                .refill
                .iter()
                .filter(|(_, event)| matches!(event, Event::News(_)));
            assert_eq!(stories.count(), 3, "{change}");
            assert_eq!(opened.refill.len(), 7, "{change}");
            assert_eq!(ids(&archive, &all(10)), ["desk:4", "desk:3", "desk:1"]);
            assert_eq!(archive.status().quarantined, 1, "{change}");
            // The archive continues.
            let next = vec![(id(&opened, START + 100, 0), quote("A", START, "2"))];
            archive.commit(next).await.unwrap();
            assert_eq!(archive.status().state, State::Ok);
            archive.close().await.unwrap();
        }
        let kept = quarantine(&folder);
        assert_eq!(kept.len(), 1, "{change}");
        let (source, why, cells) = &kept[0];
        assert_eq!(source, "events");
        assert!(why.to_lowercase().contains(reason), "{change}: {why}");
        assert!(cells.contains("\"id\":"), "{cells}");
    }
}

/// Every column of every table, with values of each class that is invalid in it.
#[tokio::test]
async fn a_wrong_value_in_any_column_costs_one_row() {
    let base = Folder::new();
    filled(&base).await;
    let columns = [
        (
            "quotes",
            "symbol = 1 AND time = 1",
            "price size bid bid_size ask ask_size volume high low",
        ),
        (
            "trades",
            "symbol = 1 AND time = 1",
            "price size source marks feed",
        ),
        ("sessions", "symbol = 1", "data"),
        ("events", "data LIKE '%desk:2%'", "name data"),
        (
            "bars",
            "symbol = 1 AND level = 0 AND start = 1",
            "open high low close firm volume turnover trades made",
        ),
        ("symbols", "id = 1", "name zone"),
    ];
    for (table, row, columns) in columns {
        for column in columns.split(' ') {
            for (value, summed) in [
                ("x'00ff'", false),
                ("1.5", false),
                ("CAST(x'fffe' AS TEXT)", false),
                ("77", true),
            ] {
                let folder = base.crash();
                let row = row.replace("= 1 AND time = 1", &format!("= 1 AND time = {FIRST}"));
                let row = row.replace("start = 1", &format!("start = {FIRST}"));
                // Without a checksum another name is valid.
                let crc = if summed || table == "symbols" {
                    "crc"
                } else {
                    "NULL"
                };
                loosely(
                    &folder,
                    table,
                    &format!("UPDATE {table} SET {column} = {value}, crc = {crc} WHERE {row}"),
                );
                let what = format!("{table}.{column} = {value}");
                let (archive, opened) = open(&folder, options());
                assert_eq!(opened.set_aside, None, "{what}");
                let next = vec![(id(&opened, START + 100, 0), quote("B", START, "2"))];
                archive.commit(next).await.unwrap();
                for name in ["A", "B"] {
                    let name = symbol(name);
                    for row in archive.trades(name, 0..u64::MAX) {
                        row.unwrap();
                    }
                    for row in archive.quotes(name, 0..u64::MAX) {
                        row.unwrap();
                    }
                    for interval in Interval::ALL {
                        archive.bars(name, interval, 0..u64::MAX, 10).unwrap();
                    }
                }
                let b = archive
                    .bars(symbol("B"), Interval::Minute, 0..u64::MAX, 10)
                    .unwrap();
                assert_eq!(
                    (b.len(), b[0].volume, b[0].trades),
                    (1, size("6"), 3),
                    "{what}"
                );
                assert_eq!(
                    archive.trades(symbol("B"), 0..u64::MAX).count(),
                    3,
                    "{what}"
                );
                assert_eq!(
                    archive.quotes(symbol("B"), 0..u64::MAX).count(),
                    3,
                    "{what}"
                );
                assert!(ids(&archive, &all(10)).len() >= 3, "{what}");
                // The bars of A stay unchanged, whatever is damaged below them.
                let a = archive
                    .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 10)
                    .unwrap();
                assert_eq!(
                    (a.len(), a[0].volume, a[0].trades),
                    (1, size("6"), 3),
                    "{what}"
                );
                assert_eq!(archive.status().state, State::Ok, "{what}");
                archive.close().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_flipped_byte_of_a_stored_price_is_noticed() {
    let folder = Folder::new();
    filled(&folder).await;
    // 10.05 becomes another valid number.
    sql(
        &folder,
        &format!("UPDATE trades SET price = price + 256 * 32 WHERE symbol = 1 AND time = {FIRST}"),
    );
    let (archive, _) = open(&folder, options());
    let prices: Vec<String> = archive
        .trades(symbol("A"), 0..u64::MAX)
        .map(|print| print.unwrap().trade.price.to_string())
        .collect();
    assert_eq!(prices, ["10.15", "10.25"]);
    until(&archive, |status| status.quarantined == 1).await;
    let bars = archive
        .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 10)
        .unwrap();
    assert_eq!((bars[0].open, bars[0].volume), (price("10.05"), size("6")));
    // Even after the minute was made again, from a late trade.
    archive.trade(print("A", FIRST + 30_000, "10.30", "1"));
    written(&archive).await;
    let bars = archive
        .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 10)
        .unwrap();
    assert_eq!((bars[0].open, bars[0].volume), (price("10.05"), size("7")));
}

#[tokio::test]
async fn a_damaged_bar_is_made_again_of_what_is_below_it_or_left_out() {
    let folder = Folder::new();
    filled(&folder).await;
    // The quarter of an hour is made of the minute; the hour was imported, from a whole that is not here.
    sql(
        &folder,
        "UPDATE bars SET high = 32 * 99 WHERE symbol = 1 AND level = 3;
         UPDATE bars SET made = 2, crc = NULL WHERE symbol = 1 AND level = 4;
         UPDATE bars SET high = x'00' WHERE symbol = 1 AND level = 4",
    );
    let (archive, _) = open(&folder, options());
    let bars = |interval| {
        archive
            .bars(symbol("A"), interval, 0..u64::MAX, 10)
            .unwrap()
    };
    for _ in 0..2 {
        assert_eq!(bars(Interval::QuarterHour)[0].high, price("10.25"));
        assert_eq!(bars(Interval::Hour), []);
        assert_eq!(bars(Interval::Day)[0].volume, size("6"));
        until(&archive, |status| {
            status.quarantined == 2 && status.pending == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_story_of_a_newer_version_is_kept_and_left_out() {
    let folder = Folder::new();
    let opened = filled(&folder).await;
    let (archive, _) = open(&folder, options());
    archive.close().await.unwrap();
    drop(archive);
    // With its checksum: this is what its writer wrote.
    let packed = (START + 50) << 10;
    let data = r#"{"id":"new:1","type":"from_the_future","headline":"x","source":"y"}"#;
    let mut bytes = vec![1];
    bytes.extend(packed.to_le_bytes());
    for text in [b"news".as_slice(), data.as_bytes()] {
        bytes.push(3);
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text);
    }
    let crc = crc32fast::hash(&bytes) as i32;
    sql(
        &folder,
        &format!(
            "INSERT INTO events VALUES ({packed}, 'news', '{data}', {crc});
             INSERT INTO news VALUES ({packed}, 'new:1', 'from_the_future', 1)"
        ),
    );
    let (archive, again) = open(&folder, options());
    assert_eq!(again.mark, opened.mark);
    assert_eq!(
        ids(&archive, &all(2)),
        ["desk:4", "desk:3"],
        "the page is full all the same"
    );
    until(&archive, |status| status.newer == 1).await;
    let status = archive.status();
    assert_eq!((status.quarantined, status.damaged), (0, 0));
    archive.close().await.unwrap();
    let kept: i64 = Connection::open(folder.file())
        .unwrap()
        .query_row(
            "SELECT count(*) FROM events WHERE data LIKE '%from_the_future%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn an_archive_of_version_1_keeps_everything() {
    let folder = Folder::new();
    let database = Connection::open(folder.file()).unwrap();
    database
        .execute_batch(include_str!("../src/schema/1.sql"))
        .unwrap();
    let packed = START << 10;
    let news = serde_json::to_string(&story(1, "A")).unwrap();
    let Event::Session(open_session) = session("A") else {
        unreachable!("it is a session");
    };
    let session = serde_json::to_string(&open_session).unwrap();
    database
        .execute_batch(&format!(
            "UPDATE meta SET mark = 4217, reserved = {START}, sequence = 9;
             INSERT INTO symbols VALUES (1, 'A', 'America/New_York');
             INSERT INTO feeds VALUES (1, 'desk');
             INSERT INTO events VALUES ({packed}, 'news', '{news}');
             INSERT INTO events VALUES ({packed} + 1, 'news', 'no json');
             INSERT INTO news VALUES ({packed}, 'desk:1', 'headline', 1);
             INSERT INTO news_symbols VALUES (1, {packed});
             INSERT INTO news_words (rowid, headline, summary) VALUES ({packed}, 'Story number 1', NULL);
             INSERT INTO sessions VALUES (1, {packed} + 2, '{session}');
             INSERT INTO quotes (symbol, time, id, price) VALUES (1, {FIRST}, {packed} + 3, 125 * 32 + 2);
             INSERT INTO trades VALUES (1, {FIRST}, 1, 1005 * 32 + 2, 64, 77, 7, 1);
             INSERT INTO bars VALUES (5, 1, {FIRST}, 64, 64, 64, 64, 1, 32, 64, 1, 2);
             INSERT INTO splits VALUES (1, {FIRST}, 4 * 32);
             INSERT INTO dividends VALUES (1, {FIRST}, 25 * 32 + 2);
             PRAGMA application_id = 1416192875; PRAGMA user_version = 1; PRAGMA journal_mode = WAL"
        ))
        .unwrap();
    drop(database);
    let (archive, opened) = open(&folder, options());
    assert_eq!((opened.mark, opened.set_aside), (4_217, None));
    assert_eq!(opened.refill.len(), 3);
    let a = symbol("A");
    assert_eq!(ids(&archive, &all(10)), ["desk:1"]);
    let found = NewsQuery {
        words: Some("story".to_owned()),
        symbols: vec![a],
        ..all(10)
    };
    assert_eq!(ids(&archive, &found), ["desk:1"]);
    let print = archive.trades(a, 0..u64::MAX).next().unwrap().unwrap();
    assert_eq!(print.trade.price, price("10.05"));
    assert_eq!(print.feed.as_deref(), Some("desk"));
    assert_eq!(archive.quotes(a, 0..u64::MAX).count(), 1);
    assert_eq!(archive.splits(a, 0..u64::MAX).unwrap().len(), 1);
    assert_eq!(archive.dividends(a, 0..u64::MAX).unwrap().len(), 1);
    assert_eq!(
        archive.bars(a, Interval::Day, 0..u64::MAX, 5).unwrap()[0].close,
        price("2")
    );
    // The rows that even then were unreadable, and checksums for the rest.
    until(&archive, |status| status.quarantined == 1 && status.summed).await;
    archive.close().await.unwrap();
    drop(archive);
    let database = Connection::open(folder.file()).unwrap();
    for table in "symbols feeds events sessions quotes trades bars splits dividends".split(' ') {
        let counts: (i64, i64) = database
            .query_row(
                &format!("SELECT count(*), count(crc) FROM {table}"),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert!(counts.0 > 0 && counts.0 == counts.1, "{table}: {counts:?}");
    }
}

#[tokio::test]
async fn what_sqlite_refuses_is_kept_and_its_neighbours_are_written() {
    let folder = Folder::new();
    filled(&folder).await;
    sql(
        &folder,
        "CREATE TRIGGER no_event BEFORE INSERT ON events WHEN NEW.data LIKE '%poison%'
         BEGIN SELECT RAISE(ABORT, 'it is poison'); END;
         CREATE TRIGGER no_trade BEFORE INSERT ON trades WHEN NEW.source = 13
         BEGIN SELECT RAISE(ABORT, 'it is unlucky'); END",
    );
    let (archive, opened) = open(&folder, options());
    let mut events = Vec::new();
    for number in 10..30 {
        let mut news = story(number, "A");
        if number == 17 || number == 24 {
            news.headline = "poison".to_owned();
        }
        events.push((
            id(&opened, START + 100 + number, 0),
            std::sync::Arc::new(Event::News(news)),
        ));
    }
    for number in 1..=20 {
        let mut print = print("A", FIRST + 10_000 + number, "11", "1");
        print.trade = print.trade.with_id(number);
        archive.trade(print);
    }
    archive.commit(events).await.unwrap();
    assert_eq!(archive.status().state, State::Ok);
    assert_eq!(archive.status().quarantined, 3);
    let stored = ids(&archive, &all(100));
    assert_eq!(stored.len(), 4 + 18);
    assert!(!stored.contains(&"desk:17".to_owned()) && stored.contains(&"desk:18".to_owned()));
    let trades = archive.trades(symbol("A"), FIRST + 10_000..FIRST + 20_000);
    assert_eq!(trades.count(), 19, "each once");
    let kept = quarantine(&folder);
    let sources: Vec<&str> = kept.iter().map(|(source, ..)| source.as_str()).collect();
    assert_eq!(sources, ["trade", "event", "event"]);
    assert!(
        kept[0].1.contains("it is unlucky") && kept[0].2.contains("\"price\":\"11\""),
        "{kept:?}"
    );
    assert!(
        kept[1].1.contains("it is poison") && kept[1].2.contains("desk:17"),
        "{kept:?}"
    );
}

#[tokio::test]
async fn a_set_aside_file_is_reported_until_it_is_acknowledged() {
    let folder = Folder::new();
    filled(&folder).await;
    fs::write(folder.file(), vec![0xa5; 8192]).unwrap();
    let (archive, opened) = open(&folder, options());
    let aside = opened.set_aside.unwrap();
    archive.close().await.unwrap();
    drop(archive);
    let (archive, opened) = open(&folder, options());
    assert_eq!(opened.set_aside, None, "it was before");
    let status = archive.status();
    assert_eq!(status.set_aside, std::slice::from_ref(&aside));
    let notice = status.notice.unwrap();
    assert!(
        notice.contains(aside.to_str().unwrap()) && notice.contains("--acknowledge"),
        "{notice}"
    );
    let renamed = archive::acknowledge(folder.path(), NAME).unwrap();
    assert!(!aside.exists() && renamed.len() == 1 && renamed[0].exists());
    archive.close().await.unwrap();
    drop(archive);
    let (archive, _) = open(&folder, options());
    let status = archive.status();
    assert_eq!((status.notice, status.set_aside.len()), (None, 0));
}

#[tokio::test]
async fn a_damaged_row_of_meta_costs_no_history() {
    for (change, keeps_mark) in [
        ("reserved = reserved + 256", true),
        ("mark = mark + 1", true),
        (
            "mark = mark + 257, sequence = sequence + 257, reserved = 5",
            false,
        ),
    ] {
        let folder = Folder::new();
        let before = filled(&folder).await;
        sql(&folder, &format!("UPDATE meta SET {change}"));
        let (archive, opened) = open(&folder, options());
        assert_eq!(opened.set_aside, None);
        if keeps_mark {
            assert_eq!(opened.mark, before.mark, "{change}");
        }
        assert!(opened.start >= START, "{change}");
        assert_eq!(ids(&archive, &all(10)).len(), 4);
        let next = vec![(id(&opened, opened.start + 1, 0), quote("A", START, "2"))];
        archive.commit(next).await.unwrap();
    }
}

/// One byte of a row in the file, behind SQLite's back: its index entry differs.
#[tokio::test]
async fn a_trade_that_disagrees_with_its_index_is_moved_and_the_archive_repaired() {
    let folder = Folder::new();
    let (archive, _) = open(&folder, options());
    let number: u64 = 0x1122_3344_5566_7788;
    for (at, number) in [(0, number), (1_000, 5)] {
        let mut print = print("A", FIRST + at, "10", "1");
        print.trade = print.trade.with_id(number);
        archive.trade(print);
    }
    written(&archive).await;
    rolled(&folder).await;
    archive.close().await.unwrap();
    drop(archive);
    let bytes = fs::read(folder.file()).unwrap();
    let big = number.to_be_bytes();
    let places: Vec<usize> = (0..bytes.len() - 8)
        .filter(|place| bytes[*place..*place + 8] == big)
        .collect();
    assert_eq!(places.len(), 2, "in the table and in the index");
    let damaged = |place: usize| {
        let folder = folder.crash();
        let mut bytes = bytes.clone();
        bytes[place + 3] ^= 0x40;
        fs::write(folder.file(), bytes).unwrap();
        folder
    };
    for place in &places {
        let folder = damaged(*place);
        let (archive, _) = open(&folder, options());
        let trades = archive.trades(symbol("A"), 0..u64::MAX).count();
        archive.trade(print("A", FIRST + 2_000, "11", "1"));
        written(&archive).await;
        if trades == 1 {
            until(&archive, |status| status.quarantined == 1).await;
        }
        assert_eq!(archive.status().state, State::Ok);
        archive.close().await.unwrap();
        drop(archive);
        let repaired = archive::repair(folder.path(), NAME, START, |_| jiff::tz::TimeZone::UTC);
        let repaired = repaired.unwrap();
        if trades == 2 {
            assert!(!repaired.problems.is_empty(), "{repaired}");
        }
        assert_eq!(repaired.left, Vec::<String>::new(), "{repaired}");
        assert_eq!(repaired.in_quarantine, 0, "{repaired}");
        let (archive, _) = open(&folder, options());
        let prints: Vec<_> = archive
            .trades(symbol("A"), 0..u64::MAX)
            .map(|print| print.unwrap().trade.id)
            .collect();
        assert_eq!(prints, [Some(number), Some(5), None]);
        let bars = archive
            .bars(symbol("A"), Interval::Minute, 0..u64::MAX, 9)
            .unwrap();
        assert_eq!((bars[0].trades, bars[0].close), (3, price("11")));
    }
}

#[tokio::test]
async fn a_repair_reports_what_it_did_and_refuses_beside_a_server() {
    let folder = Folder::new();
    filled(&folder).await;
    let repair = || archive::repair(folder.path(), NAME, START, |_| jiff::tz::TimeZone::UTC);
    let (archive, _) = open(&folder, options());
    let refused = repair().unwrap_err();
    assert!(
        matches!(refused, archive::OpenError::InUse { .. }),
        "{refused}"
    );
    archive.close().await.unwrap();
    drop(archive);
    // A price with one wrong byte, one with two; a bar; a word that no index has; a story marked as old.
    sql(
        &folder,
        &format!(
            "UPDATE trades SET price = price + 256 * 32 WHERE symbol = 1 AND time = {FIRST};
             UPDATE trades SET price = price + 1 - 256 WHERE symbol = 2 AND time = {FIRST};
             UPDATE bars SET close = 32 * 7 WHERE symbol = 1 AND level = 1;
             UPDATE news SET newest = 0 WHERE story = 'desk:3';
             DELETE FROM news_symbols WHERE id = (SELECT id FROM news WHERE story = 'desk:4')"
        ),
    );
    let repaired = repair().unwrap();
    assert_eq!(repaired.quarantined, 3, "{repaired}");
    let released = (
        repaired.corrected,
        repaired.superseded,
        repaired.in_quarantine,
    );
    assert_eq!(released, (1, 1, 1), "{repaired}");
    assert_eq!(repaired.stories, 4, "{repaired}");
    assert!(
        repaired.to_string().contains("1 rows corrected"),
        "{repaired}"
    );
    let (archive, _) = open(&folder, options());
    assert_eq!(
        ids(&archive, &all(10)),
        ["desk:4", "desk:3", "desk:2", "desk:1"]
    );
    let of_a = NewsQuery {
        symbols: vec![symbol("A")],
        words: Some("number".to_owned()),
        ..all(10)
    };
    assert_eq!(ids(&archive, &of_a), ["desk:4", "desk:2"]);
    let prices: Vec<String> = archive
        .trades(symbol("A"), 0..u64::MAX)
        .map(|print| print.unwrap().trade.price.to_string())
        .collect();
    assert_eq!(prices, ["10.05", "10.15", "10.25"]);
    for name in ["A", "B"] {
        let bars = archive
            .bars(symbol(name), Interval::Day, 0..u64::MAX, 9)
            .unwrap();
        assert_eq!(
            (bars[0].open, bars[0].volume),
            (price("10.05"), size("6")),
            "{name}"
        );
    }
    archive.close().await.unwrap();
    drop(archive);
    // A second time there is nothing left to do.
    let again = repair().unwrap();
    assert_eq!(
        (again.quarantined, again.corrected, again.in_quarantine),
        (0, 0, 1)
    );
}

#[tokio::test]
async fn the_scheduled_check_finds_damage_that_no_query_reads() {
    let folder = Folder::new();
    filled(&folder).await;
    sql(
        &folder,
        &format!("UPDATE trades SET size = 32 * 9 WHERE symbol = 2 AND time = {FIRST} + 1000"),
    );
    let mut options = options();
    options.check = Some(std::time::Duration::from_millis(20));
    let (archive, _) = open(&folder, options);
    until(&archive, |status| {
        status.quarantined == 1 && status.checks.completed > 0
    })
    .await;
    let status = archive.status();
    assert_eq!(status.checks.problems, Vec::<String>::new());
    assert!(status.checks.rows >= 20, "{status:?}");
    assert_eq!(status.checks.last, Some(START + 3 * 24 * 60 * MINUTE));
    archive.close().await.unwrap();
    drop(archive);
    sql(
        &folder,
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'news_symbols_id')
         WHERE name = 'news_story'",
    );
    let mut options = self::options();
    options.check = Some(std::time::Duration::from_millis(20));
    let (archive, _) = open(&folder, options);
    until(&archive, |status| !status.checks.problems.is_empty()).await;
}
