//! The progress of an import.

use std::{
    cell::Cell,
    fs::File,
    io::{self, IsTerminal, Read},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// The interval of reports without a terminal.
const NOW_AND_THEN: Duration = Duration::from_secs(5);

/// How much of a file has been read.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    read: Rc<Cell<u64>>,
    total: u64,
}

impl Counted {
    pub(super) fn new(total: u64) -> Self {
        Counted {
            read: Rc::default(),
            total,
        }
    }

    pub(super) fn reader(&self, file: File) -> impl Read + use<> {
        Counting {
            file,
            read: Rc::clone(&self.read),
        }
    }
}

struct Counting {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

/// A bar on a terminal, otherwise a line now and then, both on the standard error.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    file: String,
    counted: Counted,
    reported: Cell<Instant>,
    made: Cell<usize>,
}

impl Progress {
    pub(super) fn of(file: &Path, counted: Counted) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
        Self::new(file.display().to_string(), counted, style.ok())
    }

    /// The progress of making bars from the imported data, without a known end.
    pub(super) fn rolling() -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg}").ok();
        Self::new("making bars".to_owned(), Counted::new(0), style)
    }

    fn new(file: String, counted: Counted, style: Option<ProgressStyle>) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(counted.total).with_message(file.clone());
            match style {
                Some(style) => bar.with_style(style),
                None => bar,
            }
        });
        Progress {
            bar,
            file,
            counted,
            reported: Cell::new(Instant::now()),
            made: Cell::new(0),
        }
    }

    /// Reports that so many lines have been read.
    pub(super) fn at(&self, lines: u64) {
        let read = self.counted.read.get();
        if let Some(bar) = &self.bar {
            bar.set_position(read);
        } else if self.is_time() {
            let percent = read * 100 / self.counted.total.max(1);
            eprintln!("{}: {percent} %, {lines} lines", self.file);
        }
    }

    /// Reports that so many more bars have been made.
    pub(super) fn made(&self, bars: usize) {
        self.made.set(self.made.get() + bars);
        let made = self.made.get();
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {made}", self.file));
            bar.tick();
        } else if self.is_time() {
            eprintln!("{}: {made}", self.file);
        }
    }

    /// Reports something else, above the bar.
    pub(super) fn report(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn is_time(&self) -> bool {
        let time = self.reported.get().elapsed() >= NOW_AND_THEN;
        if time {
            self.reported.set(Instant::now());
        }
        time
    }
}
