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

/// Records what a feed receives.
///
/// It writes in the task of the feed, which therefore receives no faster than the disk writes. Only a file's buffer and
/// a compressor hold data in memory.
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

/// The size of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Messages and responses.
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

/// A file that counts the bytes written to it.
struct Counted {
    file: BufWriter<File>,
    written: u64,
}

impl Recorder {
    /// A recording of a feed of this kind with these options, in a file that is compressed if its name ends in `.gz`.
    /// `full` is cancelled when the file has `most` bytes, or cannot be written.
    ///
    /// # Errors
    /// If the file exists and may not be overwritten, or cannot be written.
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

    /// A connection to this address is established; returns its number.
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

    /// A message was received over a connection.
    pub(crate) fn message(&self, connection: u64, bytes: &[u8]) {
        let line = Line {
            connection: Some(connection),
            ..Line::default()
        };
        self.write(&line.holding(bytes), Some(bytes.len()));
    }

    /// A response of an address.
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

    /// An address did not respond, or not correctly.
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
        // The amount in the compressor is unknown: such a file may become a little longer.
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

    /// Writes out the buffered data, and returns the size.
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

    /// Ends the file in order, and syncs it to disk. Returns the size, and whether it ended because it was full.
    ///
    /// # Errors
    /// If it cannot be written, or could not at an earlier time.
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
