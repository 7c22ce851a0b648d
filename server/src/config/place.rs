//! The archive that the commands beside a server use.

use std::{ffi::OsString, path::PathBuf};

use super::Config;
use crate::data::{ArchivePath, Which};
use history::Kind;

impl Which {
    /// The folder, and the name of the file in it: the archive of a server with the same configuration, options and
    /// variables. Without a configuration, the file is that of real prices: simulated and replayed ones have files of
    /// their own.
    /// # Errors
    /// If the configuration is invalid, or keeps nothing.
    pub fn parts(&self) -> Result<(PathBuf, String), String> {
        if let Some(file) = self.data.as_ref().and_then(ArchivePath::file) {
            return Ok(file);
        }
        let Some(config) = &self.config else {
            let folder = self
                .data
                .clone()
                .map_or_else(|| "data".into(), |data| data.0);
            return Ok((folder, Kind::Real.file().to_owned()));
        };
        let mut options: Vec<OsString> = vec!["--config".into(), config.into()];
        if let Some(ArchivePath(folder)) = &self.data {
            options.extend(["--data".into(), folder.into()]);
        }
        let read = Config::to_check(&options).map_err(|error| {
            let error = error.to_string();
            let error = error.strip_prefix("error: ").unwrap_or(&error);
            error.trim_end().to_owned()
        })?;
        match read.archive_place() {
            Ok((folder, kind)) => Ok((folder, kind.file().to_owned())),
            Err(why) => Err(format!(
                "a server with {} keeps nothing, because {why}: expected the file of another archive as --data",
                config.display()
            )),
        }
    }
}
