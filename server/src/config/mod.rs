//! The configuration: options of the command line, variables of the environment and the file, in this order.

mod file;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod help;
mod misspelt;
mod options;
mod place;
mod read;
pub(crate) mod values;

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand};

#[cfg(any(test, fuzzing))]
pub(crate) use self::fuzzing::fuzz_settings;
pub use self::options::{
    AccessOptions, ConnectionOptions, LimitOptions, ListenOptions, LogFormat, LogOptions,
    PageOptions, SourceOptions,
};
use crate::{
    commands::{ExportCommand, ImportCommand},
    record::RecordOptions,
    repair::RepairOptions,
};
use front::{Hosts, Settings};
use history::{ArchiveOptions, Kind};
use publishers::{PublishOptions, publisher_name};

/// How many connections there may be besides those of streams, by default.
const PLAIN_CONNECTIONS: usize = 2_000;

/// How many of them one address may have.
const PLAIN_CONNECTIONS_PER_ADDRESS: usize = 500;

/// Everything that can be set, with its default and its check.
#[allow(rustdoc::bare_urls, reason = "the doc of a field is its help, too")]
#[derive(Debug, Clone, Parser)]
#[command(
    name = "tickertape",
    version,
    max_term_width = 80,
    args_conflicts_with_subcommands = true,
    about = "A live stock ticker: quotes and news on one ordered tape, streamed as Server-Sent Events",
    after_help = help::after_help()
)]
pub struct Config {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The configuration file, which options and variables override
    #[arg(long, env = "TICKERTAPE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where the server listens, and to whom it answers
    #[command(flatten)]
    pub listener: ListenOptions,

    /// Where quotes, news and symbols come from
    #[command(flatten)]
    pub sources: SourceOptions,

    /// The page
    #[command(flatten)]
    pub page: PageOptions,

    /// How long connections and streams last, and their parts
    #[command(flatten)]
    pub connections: ConnectionOptions,

    /// How much there may be at one time, and in one request
    #[command(flatten)]
    pub limits: LimitOptions,

    /// Whom to believe, and whose pages may read
    #[command(flatten)]
    pub access: AccessOptions,

    /// The log
    #[command(flatten)]
    pub log: LogOptions,

    /// Where history is kept, and for how long
    #[command(flatten)]
    pub archive: ArchiveOptions,

    /// Who may publish, and how much
    #[command(flatten)]
    pub publish: PublishOptions,
}

/// The commands other than serving.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Record what a feed receives, to be played by replay:
    Record(Box<RecordOptions>),
    /// Report what the server would do with these options, without doing it
    #[command(disable_help_flag = true)]
    Check {
        /// The options of the server, as `tickertape --help` lists them
        #[arg(
            value_name = "OPTION",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        options: Vec<OsString>,
    },
    /// Make a token for a publisher, and print it once
    Token {
        /// The publisher's name: letters, digits, . _ -
        #[arg(value_parser = publisher_name)]
        name: String,
    },
    /// Import bars or trades from CSV files into the archive, also while a server
    /// runs
    Import(ImportCommand),
    /// Export bars, trades, quotes or stories of the archive as CSV or Parquet
    Export(ExportCommand),
    /// Check the archive and repair it as far as possible, while no server runs
    Repair(RepairOptions),
}

impl Config {
    /// The limits of the front.
    pub fn settings(&self) -> Settings {
        let (connections, limits) = (&self.connections, &self.limits);
        Settings {
            head_bytes: connections.head_bytes as usize,
            head_timeout: connections.head_timeout,
            idle_timeout: connections.idle_timeout,
            write_timeout: connections.write_timeout,
            min_read_rate: limits.min_read_rate,
            max_connections: limits
                .max_connections
                .unwrap_or(limits.max_streams.saturating_add(PLAIN_CONNECTIONS)),
            max_connections_per_address: limits.max_connections_per_address.unwrap_or(
                limits
                    .max_streams_per_address
                    .saturating_add(PLAIN_CONNECTIONS_PER_ADDRESS),
            ),
            grace: connections.grace,
            hosts: Hosts(self.listener.hosts.clone()),
        }
    }

    /// The archive: its folder and its file.
    ///
    /// # Errors
    /// The reason why nothing is kept, as a clause.
    pub fn archive_place(&self) -> Result<(PathBuf, Kind), &'static str> {
        self.archive
            .place(&self.sources.feeds, self.sources.seed.is_some())
    }
}
