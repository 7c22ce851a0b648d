//! Reading the configuration.

use std::{error::Error as _, ffi::OsString, path::PathBuf};

use clap::{
    CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{Config, file::SettingsFile, misspelt::misspelt, values::is_of_this_machine};
use crate::http::Origin;
use feeds::{FeedSpec, list, personal};

impl Config {
    /// Parses the command line and the environment; ends the process with an explanation if they request one or are
    /// invalid.
    pub fn from_command_line() -> Self {
        Self::read(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
    }

    /// Parses the command line, the environment and the file again, of which only the file can have changed.
    ///
    /// # Errors
    /// All errors.
    pub fn again() -> Result<Self, String> {
        Self::read(std::env::args_os().collect()).map_err(|error| error.to_string())
    }

    /// Parses the options to be checked.
    ///
    /// # Errors
    /// All errors, or the help that they request.
    pub fn to_check(options: &[OsString]) -> Result<Self, clap::Error> {
        let program = OsString::from("tickertape check");
        let config = Self::read(std::iter::once(&program).chain(options).cloned().collect())?;
        match config.command {
            None => Ok(config),
            Some(_) => Err(wrong(
                ErrorKind::ArgumentConflict,
                "there is nothing to check of a command: expected options of the server".to_owned(),
            )),
        }
    }

    /// Warnings about environment variables that are no settings, but nearly have the name of one.
    pub fn misspelt_variables() -> Vec<String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        misspelt(names)
    }

    fn read(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let matches_of = |command: clap::Command| {
            command
                .try_get_matches_from(&arguments)
                .map_err(|error| with_variable(error, &arguments))
        };
        let mut command = Self::command();
        command.build();
        let mut matches = matches_of(command.clone())?;
        let path = matches.get_one::<PathBuf>("config");
        let mut feeds = None;
        // Other commands need no settings.
        if let Some(path) = path.filter(|_| matches.subcommand().is_none()) {
            let file = SettingsFile::read(path, &command)
                .map_err(|faults| wrong(ErrorKind::ValueValidation, faults))?;
            matches = matches_of(file.under(Self::command()))?;
            feeds = file.feeds;
        }
        let mut config = Self::from_arg_matches(&matches)?;
        if let Some(feeds) = feeds
            && matches.value_source("feeds") == Some(ValueSource::DefaultValue)
        {
            config.sources.feeds = feeds;
        }
        match config.conflict() {
            None => Ok(config),
            Some(conflict) => Err(wrong(ErrorKind::ArgumentConflict, conflict)),
        }
    }

    /// Errors of settings that are valid separately, but not together.
    fn conflict(&self) -> Option<String> {
        if self.access.allowed_origins.len() > 1
            && self.access.allowed_origins.contains(&Origin::Any)
        {
            let why = "--allow-origin * allows every origin: expected it alone";
            return Some(why.to_owned());
        }
        if let Err((_, why)) = FeedSpec::together(&self.sources.feeds) {
            return Some(why);
        }
        let personal = personal(&self.sources.feeds);
        if !personal.is_empty()
            && !self.listener.may_redistribute
            && !is_of_this_machine(self.listener.listen)
        {
            return Some(format!(
                "the data of {} is for personal use, but at {} other machines could see it: expected --listen 127.0.0.1:{}, or --may-redistribute if you have the right to (see docs/operate/licences.md)",
                list(&personal),
                self.listener.listen,
                self.listener.listen.port()
            ));
        }
        None
    }
}

fn wrong(kind: ErrorKind, message: String) -> clap::Error {
    Config::command().error(kind, message)
}

/// Names the environment variable of a wrong value: clap names the option in either case, which is then not on the
/// command line.
fn with_variable(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let (Some(ContextValue::String(option)), Some(ContextValue::String(value))) = (
        error.get(ContextKind::InvalidArg),
        error.get(ContextKind::InvalidValue),
    ) else {
        return error;
    };
    let mut command = Config::command();
    command.build();
    let variable = command
        .get_arguments()
        .filter(|known| known.to_string() == *option)
        .filter(|known| {
            let long = format!("--{}", known.get_long().unwrap_or_default());
            !arguments
                .iter()
                .any(|argument| argument.to_string_lossy().starts_with(&long))
        })
        .find_map(|known| known.get_env());
    match (variable, error.source()) {
        (Some(variable), Some(why)) => {
            let message = format!("invalid value '{value}' in {}: {why}", variable.display());
            Config::command().error(ErrorKind::ValueValidation, message)
        }
        _ => error,
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
