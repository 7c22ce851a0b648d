//! `tickertape repair`: checks and repairs the archive.

use std::io::{self, Write};

use archive::{OpenError, Repaired};
use clap::Args;
use market::{Millis, Session};

use crate::data::Which;
use sessions::Calendar;

/// The archive to repair.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RepairOptions {
    /// The archive
    #[command(flatten)]
    pub archive: Which,

    /// Instead of repairing, acknowledge corrupt files that were set aside, by
    /// renaming them; also while a server runs
    #[arg(long)]
    pub acknowledge: bool,
}

/// Repairs an archive and reports the result. Returns whether everything is in order now.
///
/// # Errors
/// If a server has the archive open, if there is none, or if it cannot be repaired.
pub fn repair(options: &RepairOptions, now: Millis, out: &mut dyn Write) -> Result<bool, String> {
    let (folder, name) = options.archive.parts()?;
    let print = |out: &mut dyn Write, text: &str| -> Result<(), String> {
        match out.write_all(text.as_bytes()) {
            // The reader has closed its end.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(format!("the standard output: {error}"))
            }
            _ => Ok(()),
        }
    };
    if options.acknowledge {
        let renamed = archive::acknowledge(&folder, &name)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        if renamed.is_empty() {
            print(out, "no file is set aside\n")?;
        }
        for file in renamed {
            print(out, &format!("acknowledged: now {}\n", file.display()))?;
        }
        return Ok(true);
    }
    let zone = |session: &Session| Calendar::of(session.venue.as_deref()).zone().clone();
    let repaired: Repaired =
        archive::repair(&folder, &name, now, zone).map_err(|error| match error {
            OpenError::InUse { .. } => format!("{error}; stop the server first"),
            error => error.to_string(),
        })?;
    print(out, &repaired.to_string())?;
    for aside in archive::set_aside_files(&folder, &name).unwrap_or_default() {
        let text = format!(
            "set aside: {} is corrupt, and its history is not in the archive; `sqlite3 FILE .recover` may save some of it, and `tickertape repair --acknowledge` ends the warning\n",
            aside.display()
        );
        print(out, &text)?;
    }
    Ok(repaired.left.is_empty() && repaired.in_quarantine == 0)
}
