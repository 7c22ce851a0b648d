use std::{fmt, io, path::Path, path::PathBuf};

use rusqlite::{Error, ErrorCode};

/// Why a request to the archive failed. It is data: the archive continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: FailureKind,
    text: String,
}

/// The kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The disk is full, or the file has its largest size. Retried.
    Full,
    /// Another connection holds the database. Retried.
    Locked,
    /// The file or its folder may not be written. Retried.
    ReadOnly,
    /// The disk or the file system failed. Retried.
    Io,
    /// The file was deleted or replaced while it was open.
    Gone,
    /// The file is no longer a complete database.
    Corrupt,
    /// The archive has been closed.
    Closed,
    /// The data cannot be written: the text names it.
    Refused,
    /// Something that should not happen.
    Other,
}

impl FailureKind {
    /// Whether it may pass without anybody's action.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            FailureKind::Full | FailureKind::Locked | FailureKind::ReadOnly | FailureKind::Io
        )
    }

    const fn advice(self) -> &'static str {
        match self {
            FailureKind::Full => "free some space, or keep less",
            FailureKind::Locked => "end the program that holds it",
            FailureKind::ReadOnly => "let this user write the file and its folder",
            FailureKind::Io => "look at the disk and at the system's log",
            FailureKind::Gone => "leave the file where it is while it is in use",
            FailureKind::Corrupt => {
                "restart: the file is then set aside and a new one begun; `sqlite3 FILE .recover` may save what was in it"
            }
            FailureKind::Closed | FailureKind::Refused | FailureKind::Other => "",
        }
    }
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Failure {
            kind,
            text: text.into(),
        }
    }

    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Failure::new(FailureKind::Refused, text)
    }

    pub(crate) fn closed() -> Self {
        Failure::new(FailureKind::Closed, "the archive has been closed")
    }

    /// Its kind.
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.kind.advice() {
            "" => Ok(()),
            advice => write!(f, "; {advice}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::SqliteFailure(code, _) => match code.code {
                ErrorCode::DiskFull => FailureKind::Full,
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => FailureKind::Locked,
                ErrorCode::ReadOnly
                    if code.extended_code == rusqlite::ffi::SQLITE_READONLY_DBMOVED =>
                {
                    FailureKind::Gone
                }
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied => FailureKind::ReadOnly,
                ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory => {
                    FailureKind::Io
                }
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => FailureKind::Corrupt,
                _ => FailureKind::Other,
            },
            _ => FailureKind::Other,
        };
        Failure::new(kind, format!("the archive: {error}"))
    }
}

/// Why an archive could not be opened. Nothing was changed.
#[derive(Debug)]
pub enum OpenError {
    /// The folder could not be created or its lock file could not be opened.
    Folder(PathBuf, io::Error),
    /// Another process has it.
    InUse {
        /// The lock file.
        lock: PathBuf,
        /// The content that the other process wrote into it: its id.
        holder: String,
    },
    /// A newer version of this program has written it.
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its schema.
        version: u32,
        /// The newest version that this program supports.
        known: u32,
    },
    /// The database of another program.
    Foreign(PathBuf),
    /// There is no archive.
    Missing(PathBuf),
    /// A corrupt file could not be moved out of the way.
    SetAside(PathBuf, io::Error),
    /// The database could not be opened.
    Database(PathBuf, Failure),
}

impl OpenError {
    pub(crate) fn database(file: &Path, failure: impl Into<Failure>) -> Self {
        OpenError::Database(file.to_owned(), failure.into())
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Folder(path, error) => {
                write!(
                    f,
                    "{}: {error}: expected a folder to write in",
                    path.display()
                )
            }
            OpenError::InUse { lock, holder } => write!(
                f,
                "{} is held by process {holder}: expected a folder that no other server uses",
                lock.display()
            ),
            OpenError::Newer {
                file,
                version,
                known,
            } => write!(
                f,
                "{} has schema version {version}: expected {known} at the most; a newer tickertape wrote it and can read it",
                file.display()
            ),
            OpenError::Foreign(file) => write!(
                f,
                "{} is a database of another program: expected an archive, or no file",
                file.display()
            ),
            OpenError::Missing(file) => {
                write!(f, "{} is not there: expected an archive", file.display())
            }
            OpenError::SetAside(file, error) => write!(
                f,
                "{} is corrupt and could not be renamed: {error}",
                file.display()
            ),
            OpenError::Database(file, failure) => write!(f, "{}: {failure}", file.display()),
        }
    }
}

impl std::error::Error for OpenError {}
