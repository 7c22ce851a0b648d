//! Helpers of several tests.
#![allow(dead_code, reason = "each test uses some of it")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use archive::{Archive, Opened, Options, Print, State};
use market::{Bar, Event, Millis, Price, Quote, Size, Symbol, Trade};
use tape::EventId;

/// The time of the tests.
pub(crate) const START: Millis = 1_790_000_000_000;

pub(crate) const NAME: &str = "test.db";

/// A folder that is removed with the test.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickertape-archive-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join(NAME)
    }

    /// A copy of the archive as a crash at this moment would leave it.
    pub(crate) fn crash(&self) -> Folder {
        let copy = Folder::new();
        for suffix in ["", "-wal"] {
            let name = format!("{NAME}{suffix}");
            let from = self.0.join(&name);
            if from.exists() {
                std::fs::copy(from, copy.0.join(name)).unwrap();
            }
        }
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A clock that a test sets.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn new(now: Millis) -> Self {
        Clock(Arc::new(AtomicU64::new(now)))
    }

    pub(crate) fn set(&self, now: Millis) {
        self.0.store(now, Ordering::Relaxed);
    }

    pub(crate) fn options(&self) -> Options {
        let now = self.0.clone();
        let mut options = Options::new(Arc::new(move || now.load(Ordering::Relaxed)));
        options.keep.ticks = None;
        options
    }
}

pub(crate) fn open(folder: &Folder, options: Options) -> (Archive, Opened) {
    Archive::open(folder.path(), NAME, options).unwrap()
}

pub(crate) fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn size(text: &str) -> Size {
    text.parse().unwrap()
}

pub(crate) fn print(name: &str, time: Millis, at: &str, of: &str) -> Print {
    Print {
        symbol: symbol(name),
        time,
        trade: Trade::new(price(at), Some(size(of))),
        feed: None,
    }
}

/// Ids of the tape that an archive belongs to.
pub(crate) fn id(opened: &Opened, ms: Millis, n: u64) -> EventId {
    EventId {
        ms,
        n: u64::from(opened.mark) * 1000 + n,
    }
}

pub(crate) fn quote(name: &str, time: Millis, at: &str) -> Arc<Event> {
    let mut quote = Quote::new(symbol(name), time);
    quote.price = Some(price(at));
    Arc::new(Event::Quote(quote))
}

pub(crate) fn bar(name: &str, start: Millis, close: &str, volume: &str) -> Bar {
    Bar {
        symbol: symbol(name),
        start,
        open: price(close),
        high: price(close),
        low: price(close),
        close: price(close),
        volume: size(volume),
        vwap: (size(volume) != Size::ZERO).then(|| price(close)),
        trades: 1,
    }
}

/// Waits until a status satisfies a condition.
pub(crate) async fn until(archive: &Archive, what: impl FnMut(&archive::Status) -> bool) {
    let mut watch = archive.watch();
    let waited = tokio::time::timeout(std::time::Duration::from_secs(120), watch.wait_for(what));
    match waited.await {
        Ok(told) => drop(told.unwrap()),
        Err(_) => panic!("not after two minutes: {:?}", archive.status()),
    }
}

/// Waits until everything queued is on disk.
pub(crate) async fn written(archive: &Archive) {
    archive.commit(Vec::new()).await.unwrap();
    assert_eq!(archive.status().state, State::Ok);
}
