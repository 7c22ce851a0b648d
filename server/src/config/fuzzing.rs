//! The parts of the targets under `server/fuzz` that concern the configuration.

use clap::{CommandFactory, FromArgMatches};

use super::{Config, file::SettingsFile};

/// Parses a settings file; its values must be readable.
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
