//! Corrupt files of an archive that were set aside.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::database::beside;

/// The part of the name between that of the archive and the time at which it was set aside.
pub(crate) const SET_ASIDE: &str = ".corrupt-";

/// The same part once it has been acknowledged.
const ACKNOWLEDGED: &str = ".acknowledged-";

/// The corrupt files of an archive that were set aside and have not been acknowledged, the oldest first.
///
/// # Errors
/// If the folder cannot be read.
pub fn set_aside_files(folder: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let beginning = format!("{name}{SET_ASIDE}");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let at = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix(&beginning));
        // A log beside it belongs to it.
        if at.is_some_and(|at| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit())) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Acknowledges the corrupt files that were set aside, by renaming them; a running server notices it within seconds.
/// Returns their new names.
///
/// # Errors
/// If the folder cannot be read or a file cannot be renamed.
pub fn acknowledge(folder: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let mut renamed = Vec::new();
    for file in set_aside_files(folder, name)? {
        let old = file.file_name().unwrap_or_default().to_string_lossy();
        let new = file.with_file_name(old.replacen(SET_ASIDE, ACKNOWLEDGED, 1));
        for suffix in ["-wal", ""] {
            match fs::rename(beside(&file, suffix), beside(&new, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        renamed.push(new);
    }
    Ok(renamed)
}
