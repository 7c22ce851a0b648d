use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use flate2::{Compression, write::GzEncoder};
use tokio_util::sync::CancellationToken;
use toml::Table;

use crate::kit::recording::{Header, Line};

/// Writes down what a feed receives.
///
/// It writes in the task of the feed, which therefore takes no more than the disk does. Nothing is
/// ever held in memory but what a file's buffer and a compressor hold.
pub struct Recorder {
    // A std mutex: held while a line is written, and never across an await.
    state: Mutex<State>,
    connections: AtomicU64,
    full: CancellationToken,
    most: u64,
}

struct State {
    output: Option<Output>,
    recorded: Recorded,
    /// Why nothing more is written.
    end: Option<Done>,
}

enum Done {
    Full,
    Broken(io::Error),
}

/// How much has been recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Messages and answers.
    pub frames: u64,
    /// The bytes of these.
    pub bytes: u64,
    /// The bytes of the file.
    pub written: u64,
}

enum Output {
    Plain(Counted),
    Gzip(GzEncoder<Counted>),
}

/// A file that knows how much was written to it.
struct Counted {
    file: BufWriter<File>,
    written: u64,
}

impl Recorder {
    /// A recording of a feed of this kind with these options, in a file that is compressed where its
    /// name ends in `.gz`. `full` is cancelled when the file has `most` bytes, or cannot be written.
    ///
    /// # Errors
    /// When the file is there already and may not be overwritten, or cannot be written.
    pub fn create(
        file: &Path,
        overwrite: bool,
        most: u64,
        kind: &str,
        options: &Table,
        full: CancellationToken,
    ) -> io::Result<Self> {
        let mut open = OpenOptions::new();
        match overwrite {
            true => open.create(true).truncate(true),
            false => open.create_new(true),
        };
        let counted = Counted {
            file: BufWriter::new(open.write(true).open(file)?),
            written: 0,
        };
        let mut output = match file.extension().is_some_and(|end| end == "gz") {
            true => Output::Gzip(GzEncoder::new(counted, Compression::default())),
            false => Output::Plain(counted),
        };
        let header = Header::new(now(), kind, options);
        output.line(&serde_json::to_vec(&header)?)?;
        output.flush()?;
        Ok(Recorder {
            state: Mutex::new(State {
                output: Some(output),
                recorded: Recorded::default(),
                end: None,
            }),
            connections: AtomicU64::new(0),
            full,
            most,
        })
    }

    /// A connection to this address stands; answers its number.
    pub(crate) fn connected(&self, to: &str) -> u64 {
        let connection = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        self.write(
            &Line {
                connection: Some(connection),
                address: Some(to.into()),
                ..Line::default()
            },
            None,
        );
        connection
    }

    /// A message came over a connection.
    pub(crate) fn message(&self, connection: u64, bytes: &[u8]) {
        let line = Line {
            connection: Some(connection),
            ..Line::default()
        };
        self.write(&line.holding(bytes), Some(bytes.len()));
    }

    /// An address answered.
    pub(crate) fn answer(&self, from: &str, status: u16, media: Option<&str>, body: Option<&[u8]>) {
        let mut line = Line {
            address: Some(from.into()),
            status: Some(status),
            media: media.map(Into::into),
            ..Line::default()
        };
        if let Some(body) = body {
            line = line.holding(body);
        }
        self.write(&line, Some(body.map_or(0, <[u8]>::len)));
    }

    /// An address did not answer, or not as it should.
    pub(crate) fn failed(&self, from: &str) {
        let line = Line {
            address: Some(from.into()),
            ..Line::default()
        };
        self.write(&line, None);
    }

    fn write(&self, line: &Line<'_>, bytes: Option<usize>) {
        let line = Line {
            at: now(),
            ..line.clone()
        };
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        let Some(output) = &mut state.output else {
            return;
        };
        let text = match serde_json::to_vec(&line) {
            Ok(text) => text,
            Err(error) => return state.stop(Done::Broken(error.into()), &self.full),
        };
        // What a compressor still holds is not known: there the file may become a little longer.
        if output.written() + text.len() as u64 + 1 > self.most {
            return state.stop(Done::Full, &self.full);
        }
        if let Err(error) = output.line(&text) {
            return state.stop(Done::Broken(error), &self.full);
        }
        if let Some(bytes) = bytes {
            state.recorded.frames += 1;
            state.recorded.bytes += bytes as u64;
        }
    }

    /// Writes out what is held in memory, and answers how much there is.
    pub fn flush(&self) -> Recorded {
        let mut state = self.state();
        if let Some(output) = &mut state.output {
            match output.flush() {
                Ok(()) => state.recorded.written = output.written(),
                Err(error) => state.stop(Done::Broken(error), &self.full),
            }
        }
        state.recorded
    }

    /// Ends the file in order, and has the disk keep it. Answers how much there is, and whether it
    /// ended because it was full.
    ///
    /// # Errors
    /// When it cannot be written, or could not some time before.
    pub fn finish(&self) -> io::Result<(Recorded, bool)> {
        let mut state = self.state();
        if let Some(output) = state.output.take() {
            state.recorded.written = output.finish()?;
        }
        match state.end.take() {
            Some(Done::Broken(error)) => Err(error),
            end => Ok((state.recorded, end.is_some())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stop(&mut self, why: Done, full: &CancellationToken) {
        self.end.get_or_insert(why);
        full.cancel();
    }
}

impl Output {
    fn line(&mut self, text: &[u8]) -> io::Result<()> {
        let writer: &mut dyn Write = match self {
            Output::Plain(file) => file,
            Output::Gzip(file) => file,
        };
        writer.write_all(text)?;
        writer.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Plain(file) => file.flush(),
            Output::Gzip(file) => file.flush(),
        }
    }

    fn written(&self) -> u64 {
        match self {
            Output::Plain(file) => file.written,
            Output::Gzip(file) => file.get_ref().written,
        }
    }

    fn finish(self) -> io::Result<u64> {
        let mut counted = match self {
            Output::Plain(file) => file,
            Output::Gzip(file) => file.finish()?,
        };
        counted.flush()?;
        counted.file.get_ref().sync_all()?;
        Ok(counted.written)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
