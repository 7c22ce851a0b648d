//! Failures of the disk, and how an archive reports them.

mod support;

use std::{fs, sync::Arc, time::Duration};

use archive::{Archive, FailureKind, Importer, OpenError, Reader, State};
use market::{Event, Interval};
use rusqlite::Connection;
use support::*;

#[tokio::test]
async fn a_locked_file_is_tried_again_until_it_is_free() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let mut options = clock.options();
    options.busy = Duration::from_millis(20);
    let (archive, opened) = open(&folder, options);
    let other = Connection::open(folder.file()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let committed = archive.commit(vec![(id(&opened, START, 0), quote("A", START, "1"))]);
    archive.trade(print("A", START, "1", "1"));
    until(&archive, |status| {
        matches!(&status.state, State::Degraded(reason) if reason.contains("locked"))
            && status.failures >= 3
    })
    .await;
    assert_eq!(archive.status().last_id, None);
    // Reading continues.
    assert_eq!(
        archive
            .bars(symbol("A"), Interval::Day, 0..u64::MAX, 1)
            .unwrap(),
        []
    );

    other.execute_batch("ROLLBACK").unwrap();
    committed.await.unwrap();
    assert_eq!(archive.status().state, State::Ok);
    written(&archive).await;
    assert_eq!(archive.quotes(symbol("A"), 0..u64::MAX).count(), 1);
    assert_eq!(archive.trades(symbol("A"), 0..u64::MAX).count(), 1);
}

/// A file system of half a megabyte, if this user may create one.
struct SmallDisk(Folder);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = Folder::new();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k", "none"])
            .arg(folder.path())
            .output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(SmallDisk(folder));
        }
        println!("skipped: this user may not mount a small file system");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test]
async fn a_full_disk_is_waited_out_and_no_event_is_lost() {
    let Some(disk) = SmallDisk::new() else {
        return;
    };
    let folder = &disk.0;
    let ballast = folder.path().join("ballast");
    let clock = Clock::new(START);
    let (archive, opened) = open(folder, clock.options());
    archive
        .commit(vec![(id(&opened, START, 0), quote("A", START, "1"))])
        .await
        .unwrap();
    // As much as there is room for.
    let mut much = fs::File::create(&ballast).unwrap();
    use std::io::Write as _;
    while much.write_all(&[0; 1024]).is_ok() {}
    let events = (1..900)
        .map(|n| (id(&opened, START + n, 0), quote("A", START + n, "1")))
        .collect();
    let committed = archive.commit(events);
    until(&archive, |status| {
        status.failures >= 3
            && matches!(&status.state, State::Degraded(reason) if reason.contains("full"))
    })
    .await;
    assert_eq!(archive.quotes(symbol("A"), 0..u64::MAX).count(), 1);
    drop(much);
    fs::remove_file(ballast).unwrap();
    committed.await.unwrap();
    assert_eq!(archive.status().state, State::Ok);
    assert_eq!(archive.quotes(symbol("A"), 0..u64::MAX).count(), 900);
    archive.close().await.unwrap();
    drop(archive);
    let check: String = Connection::open(folder.file())
        .unwrap()
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_second_server_is_refused_with_the_process_id_of_the_first() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, _) = open(&folder, clock.options());
    let error = Archive::open(folder.path(), NAME, clock.options()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    drop(archive);
    open(&folder, clock.options());
}

#[tokio::test]
async fn a_corrupt_file_is_set_aside_and_a_new_one_begun() {
    let clock = Clock::new(START);
    for from in [0, 4096] {
        let folder = Folder::new();
        let (archive, opened) = open(&folder, clock.options());
        let story = bar("A", START - START % 60_000, "1", "1");
        let event = (id(&opened, START, 0), Arc::new(Event::Bar(story)));
        archive.commit(vec![event]).await.unwrap();
        archive.close().await.unwrap();
        drop(archive);
        let mut bytes = fs::read(folder.file()).unwrap();
        bytes[from..].fill(0xa5);
        fs::write(folder.file(), &bytes).unwrap();

        // An import does not decide what happens to it.
        let error = Importer::open(folder.path(), NAME).unwrap_err();
        assert!(
            matches!(&error, OpenError::Database(_, failure) if failure.kind() == FailureKind::Corrupt),
            "{error}"
        );
        let (archive, anew) = open(&folder, clock.options());
        let aside = anew.set_aside.clone().unwrap();
        assert_eq!(fs::read(&aside).unwrap(), bytes);
        assert_eq!(anew.refill, []);
        let notice = archive.status().notice.unwrap();
        assert!(notice.contains(aside.to_str().unwrap()), "{notice}");
        let event = vec![(id(&anew, START, 0), quote("A", START, "1"))];
        archive.commit(event).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_becomes_corrupt_fails_the_archive_with_what_to_do() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    archive.close().await.unwrap();
    drop(archive);
    let (archive, _) = open(&folder, clock.options());
    // The pages of the quotes that the writer has not read yet, and everything else but the first.
    let bytes = fs::read(folder.file()).unwrap();
    let mut file = fs::File::options().write(true).open(folder.file()).unwrap();
    use std::io::{Seek as _, Write as _};
    file.seek(std::io::SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xa5; bytes.len() - 4096]).unwrap();
    let mut failure = None;
    for n in 0..1_000 {
        let events = vec![(id(&opened, START, n), quote(&format!("S{n}"), START, "1"))];
        if let Err(error) = archive.commit(events).await {
            failure = Some(error);
            break;
        }
    }
    let failure = failure.unwrap();
    assert_eq!(failure.kind(), FailureKind::Corrupt, "{failure}");
    until(&archive, |status| matches!(status.state, State::Failed(_))).await;
    let State::Failed(reason) = archive.status().state else {
        unreachable!("it was");
    };
    assert!(reason.contains("restart"), "{reason}");
    // No caller waits for ever.
    assert!(archive.commit(Vec::new()).await.is_err());
    archive.trade(print("A", START, "1", "1"));
    assert!(archive.close().await.is_err());
}

#[tokio::test]
async fn a_file_that_is_deleted_is_begun_anew_with_the_same_ids() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    archive
        .commit(vec![(id(&opened, START, 0), quote("A", START, "1"))])
        .await
        .unwrap();
    assert_eq!(archive.quotes(symbol("A"), 0..u64::MAX).count(), 1);
    for file in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let later = vec![(id(&opened, START + 1, 0), quote("A", START + 1, "2"))];
    archive.commit(later).await.unwrap();
    let notice = archive.status().notice.unwrap();
    assert!(notice.contains("deleted"), "{notice}");
    assert_eq!(archive.status().state, State::Ok);
    let quotes: Vec<_> = archive
        .quotes(symbol("A"), 0..u64::MAX)
        .map(Result::unwrap)
        .collect();
    assert_eq!(quotes.len(), 1, "what was answered is in the new file");
    assert_eq!(quotes[0].0, id(&opened, START + 1, 0));
    assert!(
        Archive::open(folder.path(), NAME, clock.options()).is_err(),
        "it is locked again"
    );
    drop(archive);
    assert_eq!(open(&folder, clock.options()).1.mark, opened.mark);
}

#[test]
fn a_newer_file_and_one_of_another_program_stay_as_they_are() {
    let clock = Clock::new(START);
    for (sql, expected) in [
        (
            "PRAGMA application_id = 1416192875; PRAGMA user_version = 99",
            "has schema version 99: expected 2",
        ),
        ("CREATE TABLE a (b)", "another program"),
    ] {
        let folder = Folder::new();
        Connection::open(folder.file())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        let before = fs::read(folder.file()).unwrap();
        for error in [
            Archive::open(folder.path(), NAME, clock.options()).unwrap_err(),
            Importer::open(folder.path(), NAME).unwrap_err(),
            Reader::open(folder.path(), NAME).unwrap_err(),
        ] {
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(fs::read(folder.file()).unwrap(), before);
    }
    let folder = Folder::new();
    assert!(matches!(
        Reader::open(folder.path(), NAME),
        Err(OpenError::Missing(_))
    ));
}

#[tokio::test]
async fn an_id_of_another_tape_is_refused_and_the_others_are_written() {
    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, opened) = open(&folder, clock.options());
    let mut foreign = id(&opened, START, 0);
    foreign.n += 1000;
    let refused = archive.commit(vec![(foreign, quote("A", START, "1"))]);
    let taken = archive.commit(vec![(id(&opened, START, 1), quote("A", START, "1"))]);
    let failure = refused.await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Refused);
    assert!(
        failure.to_string().contains(&foreign.to_string()),
        "{failure}"
    );
    taken.await.unwrap();
    assert_eq!(archive.status().state, State::Ok);
}
