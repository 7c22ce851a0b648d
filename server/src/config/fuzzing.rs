//! What the targets under `server/fuzz` need of the configuration.

use clap::{CommandFactory, FromArgMatches};

use super::{Config, file::SettingsFile};

/// Reads a file of settings; what it says can be asked for.
pub(crate) fn fuzz_settings(bytes: &[u8]) {
    static COMMAND: std::sync::LazyLock<clap::Command> = std::sync::LazyLock::new(|| {
        let mut command = Config::command();
        command.build();
        command
    });
    if let Ok(file) = SettingsFile::parse(&"fuzzed", bytes.to_vec(), &COMMAND) {
        let matches = file
            .under(Config::command())
            .try_get_matches_from(["tickertape"]);
        let config = matches.and_then(|matches| Config::from_arg_matches(&matches));
        events::testing::through(usize::from(config.is_ok()));
    }
}
