//! The number of connections that there is room for.

use tracing::warn;

use crate::{places::Places, settings::Settings};

/// How many of the page's files may be on their way at a time: each is an open file.
pub const MAX_FILES: usize = 512;

/// Files that are reserved for other uses: those of the archive and its readers, of sources, of the log, of libraries,
/// and the page's files that are being sent.
const RESERVED_FILES: u64 = 128 + MAX_FILES as u64;

/// The places for connections: as many as configured, and as the system has files for.
pub(super) fn places(settings: &Settings) -> Places {
    let wanted = settings.max_connections;
    let most = file_limit().map_or(wanted, |files| wanted.min(connections(files)));
    if most < wanted {
        warn!(
            connections = most,
            wanted,
            "the limit of open files leaves room for fewer connections: raise it (LimitNOFILE, ulimit -n)"
        );
    }
    Places::new(most, settings.max_connections_per_address)
}

/// The number of connections under a limit of open files.
fn connections(files: u64) -> usize {
    let reserved = RESERVED_FILES.min(files / 2);
    usize::try_from(files - reserved).unwrap_or(usize::MAX)
}

/// How many files may be open, if that is limited.
#[cfg(unix)]
fn file_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn file_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_kept_for_what_is_no_connection() {
        for (files, most) in [(1024, 512), (65_536, 64_896), (256, 128), (0, 0)] {
            assert_eq!(connections(files), most, "{files}");
        }
    }
}
