//! The commands that import into the archive and export from it.

use std::{io::Write, path::Path};

use clap::Args;
use export::ExportOptions;
use import::{ImportOptions, Imported};
use market::Millis;

use crate::data::Which;
use history::Kind;

/// The imported files, and the archive.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportCommand {
    /// The archive
    #[command(flatten)]
    pub archive: Which,

    /// What is imported
    #[command(flatten)]
    pub options: ImportOptions,
}

/// The exported data, and the archive.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportCommand {
    /// The archive
    #[command(flatten)]
    pub archive: Which,

    /// What is exported
    #[command(flatten)]
    pub options: ExportOptions,
}

impl ImportCommand {
    /// Imports, as [`import::import`] does.
    ///
    /// # Errors
    /// Those of the import, and if there is no archive.
    pub fn run(&self, now: Millis, out: &mut dyn Write) -> Result<Imported, String> {
        let (folder, name) = self.archive.parts()?;
        let imported = import::import(&self.options, &folder, &name, now, out)?;
        if let Some(warning) = other_archive(&self.archive, &folder) {
            eprintln!("{warning}");
        }
        Ok(imported)
    }
}

impl ExportCommand {
    /// Exports, as [`export::export`] does.
    ///
    /// # Errors
    /// Those of the export, and if there is no archive.
    pub fn run(&self) -> Result<(), String> {
        let (folder, name) = self.archive.parts()?;
        export::export(&self.options, &folder, &name)
    }
}

/// A hint for an unspecified archive: a server without feeds has another one.
fn other_archive(which: &Which, folder: &Path) -> Option<String> {
    let simulated = folder.join(Kind::Simulated.file());
    (which.is_default() && simulated.exists()).then(|| {
        format!(
            "note: a server without a feed shows {}, not this archive; start it with a feed, with --feed none, or import with --config",
            simulated.display()
        )
    })
}
