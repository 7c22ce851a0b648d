use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use crate::OpenError;

/// The file of a lock, beside that of the archive.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

/// Opens the file of a lock, and creates it if there is none.
fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// A file that is locked until this is dropped.
///
/// A child process that is just being started has this process's files until its program is loaded, so that closing the
/// file alone would leave it locked for that moment.
#[derive(Debug)]
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // If it stays locked all the same, it is free when the last of them has closed it.
        let _ = self.0.unlock();
    }
}

/// The lock of the one process that is the server of an archive. The system releases it when the process ends, however
/// it ends; the file itself may stay.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Locked,
}

impl Lock {
    /// Takes the lock of the archive in `file`.
    pub(crate) fn take(file: &Path) -> Result<Self, OpenError> {
        let path = beside(file, ".lock");
        let failed = |error| OpenError::Folder(path.clone(), error);
        let mut lock = open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = std::io::Read::by_ref(&mut lock)
                    .take(32)
                    .read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "unknown".to_owned(),
                    id => id.to_owned(),
                };
                return Err(OpenError::InUse { lock: path, holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The id is for people; on a full disk the lock holds without it.
        let _ = lock.set_len(0);
        let _ = lock.rewind();
        let _ = writeln!(lock, "{}", std::process::id());
        Ok(Lock {
            _file: Locked(lock),
        })
    }
}

/// The lock of imports into an archive. Several processes may hold it at once; while one does, the server removes
/// nothing: a bar is sealed before the data below it is removed, and the next batch may have the rest of that data.
#[derive(Debug)]
pub(crate) struct ImportLock {
    _file: Locked,
}

impl ImportLock {
    const SUFFIX: &str = ".import";

    /// Takes a share of the lock of the archive in `file`.
    pub(crate) fn take(file: &Path) -> Result<Self, OpenError> {
        let path = beside(file, ImportLock::SUFFIX);
        let failed = |error| OpenError::Folder(path.clone(), error);
        let file = open(&path).map_err(failed)?;
        // A server that tests the lock holds it for a moment.
        file.lock_shared().map_err(failed)?;
        Ok(ImportLock {
            _file: Locked(file),
        })
    }

    /// Whether anybody holds a share of it.
    pub(crate) fn is_held(file: &Path) -> bool {
        let Ok(file) = File::open(beside(file, ImportLock::SUFFIX)) else {
            return false;
        };
        match file.try_lock() {
            Ok(()) => {
                let _ = file.unlock();
                false
            }
            Err(error) => matches!(error, TryLockError::WouldBlock),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_being_started_does_not_keep_the_lock() {
        let folder = std::env::temp_dir().join(format!("tickertape-lock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("any.db");
        let lock = Lock::take(&file).unwrap();
        // In the role of the other process.
        let inherited = lock._file.0.try_clone().unwrap();
        assert!(matches!(Lock::take(&file), Err(OpenError::InUse { .. })));
        drop(lock);
        assert!(Lock::take(&file).is_ok());
        drop(inherited);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
