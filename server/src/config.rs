mod file;
pub(crate) mod values;

use std::{error::Error as _, ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use self::{
    file::SettingsFile,
    values::{address, bytes, count, duration, is_of_this_machine, log_filter, seed},
};
use crate::{
    commands::{ExportCommand, ImportCommand},
    data::{Place, Which},
    http::{FrameAncestors, Origin},
    record::RecordOptions,
    repair::RepairOptions,
};
use directory::ListingFile;
use feeds::{FeedSpec, list, personal};
use front::{ClientHeader, Host, Hosts, Settings, parse_network};
use history::{ArchiveOptions, Kind};
use publishers::{PublishOptions, publisher_name};

/// How many connections there may be besides those of streams, where nothing else is said.
const PLAIN_CONNECTIONS: usize = 2_000;

/// How many of them one address may have.
const PLAIN_CONNECTIONS_PER_ADDRESS: usize = 500;

/// Everything that can be set, with its default and its check.
#[allow(
    rustdoc::bare_urls,
    reason = "what is said of a field is its help, too"
)]
#[derive(Debug, Clone, Parser)]
#[command(
    name = "tickertape",
    version,
    max_term_width = 80,
    args_conflicts_with_subcommands = true,
    about = "A live stock ticker: quotes and news on one ordered tape, streamed as Server-Sent Events",
    after_help = "\
Feeds:
  simulate                  made-up prices and news of thirty US stocks; the
                            same --seed gives the same tape
  coinbase:BTC-USD,…        best prices and trades of coins, without a key;
  kraken:BTC-USD,…          where several feeds have a symbol, the first one
  binance:BTCUSDT,…         that is well speaks for it
  alpaca:AAPL,…             quotes and trades of US stocks, and news of them, by
  alpaca-news:AAPL,…        TICKERTAPE_ALPACA_KEY and TICKERTAPE_ALPACA_SECRET
  finnhub:AAPL,…            trades of US stocks, by TICKERTAPE_FINNHUB_KEY
  sec:8-K,4?user_agent=NAME MAIL
                            filings; without forms, all
  nasdaq-halts              trading halts of the US exchanges, and their ends
  rss:ADDRESS               stories of any RSS or Atom
  json:ADDRESS?…            prices of any address that answers JSON
  stdin                     events from the standard input, one a line
  replay:FILE               what was recorded, plain or gzip, at its own pace;
                            ?speed=N or ?speed=max for quicker
  none                      nothing but what is published

Examples:
  tickertape
  tickertape --feed coinbase:BTC-USD,ETH-USD --feed kraken:BTC-USD,ETH-USD
  tickertape --feed 'replay:frames.jsonl.gz?speed=10'
  tickertape --feed simulate --feed binance:BTCUSDT --listen 0.0.0.0:8080
  tickertape token newsdesk
  tickertape check --config tickertape.toml
  tickertape record binance:BTCUSDT bitcoin.jsonl.gz --for 10m
  tickertape import daily-bars.csv.gz
  tickertape export bars --symbol AAPL --interval 1d"
)]
pub struct Config {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// File of the configuration, which options and variables override
    #[arg(long, env = "TICKERTAPE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Address and port to listen at, or a port of this machine alone; port 0
    /// takes a free one
    #[arg(
        long,
        env = "TICKERTAPE_LISTEN",
        default_value = "127.0.0.1:3000",
        value_name = "ADDRESS:PORT",
        value_parser = address
    )]
    pub listen: SocketAddr,

    /// Names that the server answers to, such as ticker.example.org; may be given
    /// several times, or separated by , [default: every name]
    #[arg(
        long = "host",
        env = "TICKERTAPE_HOST",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub hosts: Vec<Host>,

    /// Show what sources give for personal use to other machines too: only for
    /// who may
    #[arg(long, env = "TICKERTAPE_MAY_REDISTRIBUTE")]
    pub may_redistribute: bool,

    /// Where quotes and news come from, see below; may be given several times,
    /// or separated by ;
    #[arg(
        long = "feed",
        env = "TICKERTAPE_FEED",
        default_value = "simulate",
        value_name = "FEED",
        value_delimiter = ';'
    )]
    pub feeds: Vec<FeedSpec>,

    /// Seed of the simulated feed [default: another one each time]
    #[arg(
        long,
        env = "TICKERTAPE_SEED",
        value_name = "NUMBER",
        value_parser = seed,
        allow_negative_numbers = true
    )]
    pub seed: Option<u64>,

    /// A file that lists symbols for the search: a table of comma-separated values
    /// with the columns symbol, name, venue, currency and tick
    #[arg(long, env = "TICKERTAPE_SYMBOLS", value_name = "FILE")]
    pub symbols: Option<ListingFile>,

    /// The page's files [default: the folder `site` beside the program, or one above]
    #[arg(long, env = "TICKERTAPE_SITE", value_name = "FOLDER")]
    pub site: Option<PathBuf>,

    /// Who may show the page in a frame: none, self, or origins such as
    /// https://wall.example.org, separated by spaces
    #[arg(
        long,
        env = "TICKERTAPE_FRAME_ANCESTORS",
        default_value = "none",
        value_name = "SOURCES"
    )]
    pub frame_ancestors: FrameAncestors,

    /// Most bytes of a request's head
    #[arg(long, env = "TICKERTAPE_HEAD_BYTES", default_value = "16384", value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(256..=65_536))]
    pub head_bytes: u32,

    /// How long the head of a request may take to arrive
    #[arg(long, env = "TICKERTAPE_HEAD_TIMEOUT", default_value = "10s", value_name = "DURATION",
        value_parser = duration)]
    pub head_timeout: Duration,

    /// How long a connection may wait for its next request
    #[arg(long, env = "TICKERTAPE_IDLE_TIMEOUT", default_value = "75s", value_name = "DURATION",
        value_parser = duration)]
    pub idle_timeout: Duration,

    /// How long a reader may take nothing before its connection is closed
    #[arg(long, env = "TICKERTAPE_WRITE_TIMEOUT", default_value = "30s", value_name = "DURATION",
        value_parser = duration)]
    pub write_timeout: Duration,

    /// How long a stream may last, less up to a fifth at random; its client then
    /// comes back without missing anything [default: without limit]
    #[arg(long, env = "TICKERTAPE_STREAM_LIFETIME", value_name = "DURATION",
        value_parser = duration)]
    pub stream_lifetime: Option<Duration>,

    /// How long connections may take to end at shutdown
    #[arg(long, env = "TICKERTAPE_GRACE", default_value = "5s", value_name = "DURATION",
        value_parser = duration)]
    pub grace: Duration,
    /// The most event streams at one time; one more is answered 503
    #[arg(
        long,
        env = "TICKERTAPE_MAX_STREAMS",
        default_value = "10000",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_streams: usize,

    /// The most event streams of one address at one time, a /64 of IPv6 counting
    /// as one; one more is answered 429
    #[arg(
        long,
        env = "TICKERTAPE_MAX_STREAMS_PER_ADDRESS",
        default_value = "500",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_streams_per_address: usize,

    /// The most connections at one time; one more is closed at once [default:
    /// 2000 more than streams]
    #[arg(
        long,
        env = "TICKERTAPE_MAX_CONNECTIONS",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_connections: Option<usize>,

    /// The most connections of one address at one time, unless it is a trusted
    /// proxy's; one more is closed at once [default: 500 more than streams]
    #[arg(
        long,
        env = "TICKERTAPE_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_connections_per_address: Option<usize>,

    /// The most answers besides streams that one address may have on their way
    /// at one time; one more is answered 429
    #[arg(
        long,
        env = "TICKERTAPE_MAX_ANSWERS_PER_ADDRESS",
        default_value = "200",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_answers_per_address: usize,

    /// How many bytes a second a reader of an answer has to take when it is
    /// waited for; a slower one is closed. 0 for any
    #[arg(
        long,
        env = "TICKERTAPE_MIN_READ_RATE",
        default_value = "8192",
        value_name = "BYTES"
    )]
    pub min_read_rate: u32,

    /// The most symbols that one request may name
    #[arg(
        long,
        env = "TICKERTAPE_MAX_SYMBOLS",
        default_value = "500",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_symbols: usize,

    /// The longest body of a request that needs none
    #[arg(
        long,
        env = "TICKERTAPE_MAX_BODY",
        default_value = "4096",
        value_name = "BYTES",
        value_parser = bytes
    )]
    pub max_body: u64,

    /// How long a request may take until its answer begins; what a poll waits
    /// comes on top
    #[arg(
        long,
        env = "TICKERTAPE_REQUEST_TIMEOUT",
        default_value = "30s",
        value_name = "DURATION",
        value_parser = duration
    )]
    pub request_timeout: Duration,

    /// Addresses or networks of proxies that are believed when they say whom they
    /// speak for; may be given several times, or separated by ,
    #[arg(
        long = "trusted-proxy",
        env = "TICKERTAPE_TRUSTED_PROXY",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = parse_network
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// The header in which they say it
    #[arg(
        long,
        env = "TICKERTAPE_CLIENT_HEADER",
        default_value = "x-forwarded-for",
        value_name = "HEADER"
    )]
    pub client_header: ClientHeader,

    /// Origins whose pages may read, such as https://example.org, or * for all;
    /// may be given several times, or separated by ,
    #[arg(
        long = "allow-origin",
        env = "TICKERTAPE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<Origin>,

    /// How the log is written
    #[arg(
        long,
        env = "TICKERTAPE_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,

    /// What is logged, such as warn or info,server=debug
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info",
        value_name = "FILTER",
        value_parser = log_filter
    )]
    pub log: EnvFilter,

    /// Where history is kept, and for how long
    #[command(flatten)]
    pub archive: ArchiveOptions,

    /// Who may publish, and how much
    #[command(flatten)]
    pub publish: PublishOptions,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Write what a feed receives to a file, which replay: plays
    Record(Box<RecordOptions>),
    /// Say what would be done with these options, without doing it
    #[command(disable_help_flag = true)]
    Check {
        /// The options that the program would be started with: `tickertape --help`
        /// lists them
        #[arg(
            value_name = "OPTION",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        options: Vec<OsString>,
    },
    /// Make a token for somebody who shall publish, and print it once
    Token {
        /// Who it is for: letters, digits, . _ -
        #[arg(value_parser = publisher_name)]
        name: String,
    },
    /// Put bars or trades from files of CSV into the archive, also while a
    /// server runs
    Import(ImportCommand),
    /// Write bars, trades, quotes or stories of the archive as CSV or Parquet
    Export(ExportCommand),
    /// Check the archive and put right what can be, while no server runs
    Repair(RepairOptions),
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}

impl Config {
    /// Reads the command line and the environment; ends the process with an explanation where they
    /// ask for one or are wrong.
    pub fn from_command_line() -> Self {
        Self::read(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
    }

    /// Reads the command line, the environment and the file again, of which only the file can have
    /// changed.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn again() -> Result<Self, String> {
        Self::read(std::env::args_os().collect()).map_err(|error| error.to_string())
    }

    /// Reads the options that are to be checked.
    ///
    /// # Errors
    /// All that is wrong with them, or the help that they ask for.
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

    /// What is said in variables of the environment that are no settings, but called nearly as one is:
    /// a sentence for each.
    pub fn misspelt_variables() -> Vec<String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        misspelt(names)
    }

    /// What the front is to allow.
    pub fn settings(&self) -> Settings {
        Settings {
            head_bytes: self.head_bytes as usize,
            head_timeout: self.head_timeout,
            idle_timeout: self.idle_timeout,
            write_timeout: self.write_timeout,
            min_read_rate: self.min_read_rate,
            max_connections: self
                .max_connections
                .unwrap_or(self.max_streams.saturating_add(PLAIN_CONNECTIONS)),
            max_connections_per_address: self.max_connections_per_address.unwrap_or(
                self.max_streams_per_address
                    .saturating_add(PLAIN_CONNECTIONS_PER_ADDRESS),
            ),
            grace: self.grace,
            hosts: Hosts(self.hosts.clone()),
        }
    }

    /// Where the archive is: its folder and which file.
    ///
    /// # Errors
    /// Why nothing is kept, as a clause.
    pub fn archive_place(&self) -> Result<(PathBuf, Kind), &'static str> {
        self.archive.place(&self.feeds, self.seed.is_some())
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
        // What is done instead of serving needs no settings.
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
            config.feeds = feeds;
        }
        match config.conflict() {
            None => Ok(config),
            Some(conflict) => Err(wrong(ErrorKind::ArgumentConflict, conflict)),
        }
    }

    /// What is right by itself, but not together.
    fn conflict(&self) -> Option<String> {
        if self.allowed_origins.len() > 1 && self.allowed_origins.contains(&Origin::Any) {
            let why = "--allow-origin * allows every origin: expected it alone";
            return Some(why.to_owned());
        }
        if let Err((_, why)) = FeedSpec::together(&self.feeds) {
            return Some(why);
        }
        let personal = personal(&self.feeds);
        if !personal.is_empty() && !self.may_redistribute && !is_of_this_machine(self.listen) {
            return Some(format!(
                "what {} gives is for personal use, but at {} other machines could see it: expected --listen 127.0.0.1:{}, or --may-redistribute from who has the right to (see docs/operate/licences.md)",
                list(&personal),
                self.listen,
                self.listen.port()
            ));
        }
        None
    }
}

fn wrong(kind: ErrorKind, message: String) -> clap::Error {
    Config::command().error(kind, message)
}

/// Names the variable of the environment where a wrong value comes from one: clap names the option
/// in either case, and nobody finds it on the command line.
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

/// Reads a file of settings; what it says can be asked for.
#[cfg(any(test, fuzzing))]
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

/// At how many wrong letters a name is taken for another one, of which no more than every third is wrong: PORT
/// is not HOST.
const SLIPS: usize = 2;

/// What the names of all variables begin with.
const PREFIX: &str = "TICKERTAPE_";

fn misspelt(names: impl Iterator<Item = String>) -> Vec<String> {
    let command = Config::command();
    let known: Vec<&str> = command
        .get_arguments()
        .filter_map(|argument| argument.get_env()?.to_str())
        .collect();
    let ours = |name: &String| name.starts_with(PREFIX) && !known.contains(&name.as_str());
    let mut misspelt: Vec<String> = names
        .filter(ours)
        .filter_map(|name| {
            let distance = |known: &&&str| strsim::osa_distance(&name, known);
            let nearest = known.iter().min_by_key(distance)?;
            let letters = name.len() - PREFIX.len();
            (distance(&nearest) <= SLIPS.min(letters / 3))
                .then(|| format!("{name} is set, but not a setting; did you mean {nearest}?"))
        })
        .collect();
    misspelt.sort();
    misspelt
}

impl Which {
    /// The folder, and the name of the file in it: where a server with the same configuration, options
    /// and variables has its archive. Without a configuration, the file is that of real prices:
    /// made-up and replayed ones have files of their own.
    ///
    /// # Errors
    /// When the configuration is wrong, or says that nothing is kept.
    pub fn parts(&self) -> Result<(PathBuf, String), String> {
        if let Some(file) = self.data.as_ref().and_then(Place::file) {
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
        if let Some(Place(folder)) = &self.data {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use clap::ArgAction;

    use super::*;

    #[test]
    fn a_wrong_value_names_itself() {
        for (arguments, value) in [
            (["tickertape", "--listen", "localhost"], "localhost"),
            (["tickertape", "--feed", "binanse:BTCUSDT"], "binanse"),
            (["tickertape", "--seed", "seven"], "seven"),
            (["tickertape", "--seed", "-5"], "'-5'"),
            (["tickertape", "--symbols", "nowhere.csv"], "nowhere.csv"),
            (["tickertape", "--log", "server=loud"], "server=loud"),
            (
                ["tickertape", "--log", "loud"],
                "\"loud\" is no level: expected a level (off, error, warn, info, debug, trace)",
            ),
            (
                ["tickertape", "--log", "info,Verbose"],
                "\"Verbose\" is no level",
            ),
            (
                ["tickertape", "--listen", "65536"],
                "a port from 0 to 65535",
            ),
            (
                ["tickertape", "--listen", "example.org:80"],
                "localhost:3000",
            ),
            (["tickertape", "--listen", ":3000"], "0.0.0.0:3000"),
            (["tickertape", "--host", "a.example:80"], "without a port"),
            (
                ["tickertape", "--host", "http://a.example"],
                "without a port",
            ),
            (["tickertape", "--log-format", "xml"], "xml"),
            (["tickertape", "--max-streams", "0"], "'0'"),
            (["tickertape", "--max-streams-per-address", "many"], "many"),
            (["tickertape", "--max-symbols", "-1"], "-1"),
            (["tickertape", "--max-body", "4k"], "4k"),
            (["tickertape", "--request-timeout", "0"], "'0'"),
            (["tickertape", "--request-timeout", "NaN"], "NaN"),
            (
                ["tickertape", "--trusted-proxy", "10.0.0.0/33"],
                "10.0.0.0/33",
            ),
            (["tickertape", "--client-header", "x-real-ip"], "x-real-ip"),
            (
                ["tickertape", "--allow-origin", "example.org"],
                "example.org",
            ),
        ] {
            let error = Config::try_parse_from(arguments).unwrap_err().to_string();
            assert!(error.contains(value), "{error}");
        }
    }

    #[test]
    fn an_address_to_listen_at_may_be_a_port_alone() {
        for (text, address) in [
            ("3000", "127.0.0.1:3000"),
            ("0", "127.0.0.1:0"),
            ("localhost:3000", "127.0.0.1:3000"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:3000", "[::1]:3000"),
        ] {
            let config = Config::try_parse_from(["tickertape", "--listen", text]).unwrap();
            assert_eq!(config.listen.to_string(), address, "{text}");
        }
    }

    #[test]
    fn a_filter_of_the_log_is_levels() {
        for text in [
            "info",
            "WARN",
            "off",
            "",
            "info,server=debug",
            "request=debug,stream=trace",
            "warn,[a{b=1}]=debug",
        ] {
            assert!(log_filter(text).is_ok(), "{text}");
        }
        for text in ["loud", "info,loud", "server=loud", "server", "info debug"] {
            let why = log_filter(text).unwrap_err();
            assert!(
                why.contains("off, error, warn, info, debug, trace"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_wrong_value_in_the_environment_names_its_variable() {
        // As clap reads it: an option that is not on the command line.
        let error = Config::try_parse_from(["tickertape", "--seed", "seven"]).unwrap_err();
        let message = with_variable(error, &["tickertape".into()]).to_string();
        assert!(message.contains("'seven' in TICKERTAPE_SEED"), "{message}");
        assert!(message.contains("expected a whole number"), "{message}");

        let given: Vec<OsString> = ["tickertape", "--seed=seven"].map(Into::into).to_vec();
        let message = Config::read(given).unwrap_err().to_string();
        assert!(
            message.contains("'seven' for '--seed <NUMBER>'"),
            "{message}"
        );
    }

    #[test]
    fn a_feed_can_be_given_once() {
        for (first, second, named) in [
            ("simulate", "simulate", Some("simulate")),
            (
                "binance:BTCUSDT",
                "binance:btcusdt",
                Some("binance:BTCUSDT"),
            ),
            ("replay:a.gz", "replay:a.gz", Some("replay:a.gz")),
            (
                "kraken:BTC/USD,ETH-USD",
                "kraken:btc-usd,ETH/USD",
                Some("kraken:BTC-USD, kraken:ETH-USD"),
            ),
            (
                "alpaca:AAPL",
                "alpaca:MSFT",
                Some("alpaca with feed=iex and the key in the variable TICKERTAPE_ALPACA_KEY"),
            ),
            ("alpaca:AAPL", "alpaca:FAKEPACA?feed=test", None),
            ("alpaca:AAPL", "alpaca:MSFT?key_env=OTHER", None),
            ("alpaca:AAPL", "alpaca-news:MSFT", None),
            (
                "alpaca-news:AAPL",
                "alpaca-news:MSFT",
                Some("alpaca-news with the key in the variable TICKERTAPE_ALPACA_KEY"),
            ),
            (
                "finnhub:AAPL",
                "finnhub:MSFT",
                Some("finnhub with the key in the variable TICKERTAPE_FINNHUB_KEY"),
            ),
            (
                "sec:8-K?user_agent=Jane Doe jane@example.com",
                "sec:4?user_agent=Jane Doe jane@example.com",
                Some("sec"),
            ),
            ("binance:BTCUSDT", "binance:ETHUSDT,BTCUSDT", None),
            ("coinbase:BTC-USD", "kraken:BTC-USD", None),
            ("replay:a.gz", "replay:b.gz", None),
        ] {
            let arguments = ["tickertape", "--feed", first, "--feed", second];
            let read = Config::read(arguments.map(Into::into).to_vec());
            match named {
                None => assert_eq!(read.unwrap().feeds.len(), 2),
                Some(named) => {
                    let message = read.unwrap_err().to_string();
                    let words = format!("{named} is given twice: ");
                    assert!(message.contains(&words), "{message}");
                    assert!(message.contains("expected"), "{message}");
                }
            }
        }
    }

    #[test]
    fn no_feed_stands_alone() {
        let read = |arguments: &[&str]| {
            let arguments = ["tickertape"].iter().chain(arguments);
            Config::read(arguments.map(Into::into).collect())
        };
        assert_eq!(read(&["--feed", "none"]).unwrap().feeds, [FeedSpec::None]);
        let error = read(&["--feed", "none", "--feed", "simulate"]).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("expected it alone"), "{message}");
    }

    #[test]
    fn publishing_is_set_and_checked() {
        let hash = "a".repeat(64);
        let tokens = format!("--publish-token=desk:{hash},wire:{hash}");
        let read = |option: &str| Config::try_parse_from(["tickertape", option]);
        let publish = read(&tokens).unwrap().publish;
        let names: Vec<&str> = publish.tokens.iter().map(|grant| grant.name()).collect();
        assert_eq!(names, ["desk", "wire"]);
        assert_eq!(publish.max_events(), 1_000);
        assert_eq!(read("--publish-burst=7").unwrap().publish.max_events(), 7);
        for (option, words) in [
            ("--publish-token=desk:secret", "64 hexadecimal digits"),
            ("--publish-body=1023", "1024"),
            ("--publish-rate=0", "from 1 to 1000000"),
            ("--publish-rate=1000001", "from 1 to 1000000"),
            ("--publish-burst=many", "from 1 to 1000000"),
        ] {
            let message = read(option).unwrap_err().to_string();
            assert!(message.contains(words), "{option}: {message}");
        }
    }

    #[test]
    fn the_help_fits_a_terminal() {
        let help = Config::command().render_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    /// The words of a line as a shell has them, as far as single quotes go.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for (place, part) in line.split('\'').enumerate() {
            match place % 2 {
                1 => words.last_mut().unwrap().push_str(part),
                _ => {
                    let mut pieces = part.split(' ');
                    words.last_mut().unwrap().push_str(pieces.next().unwrap());
                    words.extend(pieces.map(str::to_owned));
                }
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn the_commands_of_the_readme_are_right() {
        let readme = include_str!("../../README.md");
        let commands = readme.lines().filter_map(|line| {
            let options = line.strip_prefix("    make run ARGS=\"")?;
            options.strip_suffix('"')
        });
        let mut kinds = std::collections::BTreeSet::new();
        for command in commands {
            let options: Vec<OsString> = words(command).into_iter().map(Into::into).collect();
            let config = Config::to_check(&options).unwrap_or_else(|error| panic!("{error}"));
            kinds.extend(config.feeds.iter().map(FeedSpec::name));
        }
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.to_string()).collect();
        let expected = [
            "alpaca",
            "alpaca-news",
            "coinbase",
            "kraken",
            "nasdaq-halts",
            "rss",
            "sec",
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn the_help_names_every_feed() {
        let help = Config::command().render_help().to_string();
        for name in FeedSpec::names() {
            let feed = help
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .find(|line| line.split([':', ' ']).next() == Some(name));
            assert!(feed.is_some(), "{name}: {help}");
        }
    }

    fn read_with(text: &str, arguments: &[&str]) -> Result<Config, String> {
        static FILES: AtomicU64 = AtomicU64::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("{}-{number}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let file = ["tickertape".into(), "--config".into(), path.clone().into()];
        let arguments = arguments.iter().map(Into::into);
        let read = Config::read(file.into_iter().chain(arguments).collect());
        std::fs::remove_file(&path).unwrap();
        read.map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "FILE"))
    }

    #[test]
    fn an_option_counts_more_than_the_file() {
        let text = r#"
            listen = "127.0.0.1:9"
            max_streams = 7
            max_body = 1_000
            seed = 0x10
            stream_lifetime = "1h 30m"
            trusted_proxy = ["127.0.0.1", "10.0.0.0/8"]
            allow_origin = "https://a.example,https://b.example"
            may_redistribute = true
            [[feed]]
            kind = "binance"
            symbols = ["BTCUSDT"]
            [[feed]]
            kind = "simulate"
        "#;
        let config = read_with(text, &[]).unwrap();
        assert_eq!(config.listen.port(), 9);
        assert_eq!((config.max_streams, config.max_body), (7, 1_000));
        assert_eq!(config.seed, Some(16));
        assert_eq!(config.stream_lifetime, Some(Duration::from_secs(5_400)));
        assert_eq!(config.trusted_proxies.len(), 2);
        assert_eq!(config.allowed_origins.len(), 2);
        assert!(config.may_redistribute);
        assert_eq!(config.max_symbols, 500);
        let feeds = ["binance:BTCUSDT", "simulate"].map(|feed| feed.parse().unwrap());
        assert_eq!(config.feeds, feeds);

        let options = ["--max-streams=8", "--feed=none", "--trusted-proxy=::1"];
        let config = read_with(text, &options).unwrap();
        assert_eq!((config.max_streams, config.max_body), (8, 1_000));
        assert_eq!(config.feeds, [FeedSpec::None]);
        assert_eq!(config.trusted_proxies.len(), 1);
        assert_eq!(read_with("", &[]).unwrap().feeds, [FeedSpec::Simulate]);
    }

    #[test]
    fn all_that_is_wrong_with_a_file_is_told_with_its_place() {
        let text = r#"max_streams = 0
max-symbols = 5
  listn = "127.0.0.1:9"
log_format = "xml"
head_bytes = 10
grace = 5
seed = [1]
trusted_proxy = ["127.0.0.1",
  "ten"]
publish_token = "desk:hunter2"
may_redistribute = "yes"
config = "other.toml"
colour = "red"
[[feed]]
kind = "binanse"
[[feed]]
kind = "binance"
symbols = ["BTCUSDT", "two words"]
speed = 2
max_body = 3
[[feed]]
symbols = []
"#;
        let message = read_with(text, &[]).unwrap_err();
        let told: Vec<&str> = message
            .lines()
            .filter_map(|line| line.strip_prefix("FILE:"))
            .collect();
        let expected = [
            ("1:15: max_streams is \"0\"", "a whole number from 1"),
            ("2:1: \"max-symbols\" is not a setting", "mean max_symbols?"),
            ("3:3: \"listn\" is not a setting", "mean listen?"),
            ("4:14: log_format is \"xml\"", "text or json"),
            ("5:14: head_bytes is \"10\"", "256..=65536"),
            ("6:9: grace is \"5\"", "such as 250ms"),
            ("7:8: seed is a list", "expected a text or a number"),
            ("9:3: trusted_proxy is \"ten\"", "expected"),
            ("10:17: publish_token: ", "64 hexadecimal digits"),
            ("11:20: may_redistribute is \"yes\"", "true or false"),
            ("12:1: \"config\" is not a setting", "no other file"),
            ("13:1: \"colour\" is not a setting", ""),
            ("15:8: \"binanse\" is not a feed", "mean binance?"),
            ("18:1: binance: \"two words\"", "BTCUSDT"),
            (
                "19:1: \"speed\" is not an option of binance",
                "symbols, url",
            ),
            (
                "20:1: \"max_body\" is not an option",
                "stand before the first [[feed]]",
            ),
            ("21:1: a feed without a kind", "binance"),
        ];
        assert_eq!(told.len(), expected.len(), "{message}");
        for (line, (start, words)) in told.iter().zip(expected) {
            assert!(line.starts_with(start) && line.contains(words), "{line}");
        }
        assert!(!message.contains("hunter"), "{message}");
        assert!(message.contains("17 faults"), "{message}");
    }

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_told() {
        let told = |name: &str| misspelt([name.to_owned()].into_iter());
        assert_eq!(
            told("TICKERTAPE_MAX_STREMS"),
            [
                "TICKERTAPE_MAX_STREMS is set, but not a setting; did you mean TICKERTAPE_MAX_STREAMS?"
            ]
        );
        assert_eq!(told("TICKERTAPE_FEEDS").len(), 1);
        for name in [
            "TICKERTAPE_MAX_STREAMS",
            "TICKERTAPE_ALPACA_KEY",
            // What Kubernetes sets for a service of that name.
            "TICKERTAPE_PORT",
            "TICKERTAPE_SERVICE_HOST",
            "TICKERTAPE_PORT_3000_TCP_ADDR",
            "MAX_STREMS",
        ] {
            assert!(told(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_no_setting_of_the_server() {
        // Both the server and the feed have something that is called symbols.
        let text = "[[feed]]\nkind = \"binance\"\nsymbols = \"BTCUSDT\"";
        let message = read_with(text, &[]).unwrap_err();
        assert!(message.contains("FILE:3:1: binance: "), "{message}");
        assert!(
            message.contains("\"BTCUSDT\", expected a list"),
            "{message}"
        );
        assert!(!message.contains("stand before"), "{message}");
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_place() {
        for (text, parts) in [
            (
                "listen = \nmax_streams = 0",
                ["FILE:1:", "FILE:2:15: max_streams"],
            ),
            ("seed = 1\nseed = 2", ["FILE:2:1: duplicate key", ""]),
            ("a = \"\u{7f}\"", ["FILE:1:", ""]),
            (
                "[[feed]]\nkind = \"none\"\n[[feed]]\nkind = \"simulate\"",
                ["FILE:1:1: none is given beside", ""],
            ),
            (
                "[[feed]]\nkind = \"simulate\"\n[[feed]]\nkind = \"simulate\"",
                ["FILE:3:1: simulate is given twice", ""],
            ),
            (
                "feed = \"simulate\"",
                ["FILE:1:8: feed is \"simulate\"", "[[feed]]"],
            ),
            (
                "feed = [\"simulate\"]",
                ["FILE:1:9: feed is \"simulate\"", "[[feed]]"],
            ),
            (
                "[feed]\nkind = \"simulate\"",
                ["FILE:1:1: feed is a table", "[[feed]]"],
            ),
            ("[[feed]]\nkind = 7", ["FILE:2:8: kind is 7", "a text"]),
        ] {
            let message = read_with(text, &[]).unwrap_err();
            for part in parts {
                assert!(message.contains(part), "{text:?}: {message}");
            }
        }
        let missing = ["tickertape", "--config", "/nowhere/tickertape.toml"];
        let error = Config::read(missing.map(Into::into).to_vec()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("/nowhere/tickertape.toml cannot be read")
        );
    }

    /// The example of a configuration with everything in it.
    fn example() -> String {
        let lines = include_str!("../../tickertape.example.toml").lines();
        let all: Vec<&str> = lines
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
                _ => line,
            })
            .collect();
        all.join("\n")
    }

    #[test]
    fn the_example_has_every_feed_once_with_its_defaults() {
        // What has no default, so that there is an example of it.
        const EXAMPLES: [(&str, &str); 11] = [
            ("alpaca-news", "symbols"),
            ("sec", "forms"),
            ("rss", "name"),
            ("rss", "type"),
            ("json", "feed_name"),
            ("json", "headers"),
            ("json", "rename"),
            ("json", "currency"),
            ("json", "venue"),
            ("json", "time_unit"),
            ("sec", "user_agent"),
        ];
        let table: toml::Table = example().parse().unwrap();
        let mut kinds = Vec::new();
        for feed in table["feed"].as_array().unwrap() {
            let mut options = feed.as_table().unwrap().clone();
            let kind = options.remove("kind").unwrap();
            let kind = kind.as_str().unwrap();
            kinds.push(kind.to_owned());
            let shown = FeedSpec::from_table(kind, options.clone()).unwrap();
            for key in options.keys() {
                let mut others = options.clone();
                others.remove(key);
                // What a feed cannot do without is an example as well.
                let Ok(by_default) = FeedSpec::from_table(kind, others) else {
                    continue;
                };
                let is_default = by_default == shown;
                let is_example = EXAMPLES.contains(&(kind, key.as_str()));
                assert_ne!(is_default, is_example, "{kind}: {key}");
            }
        }
        kinds.sort();
        let mut names: Vec<&str> = FeedSpec::names().to_vec();
        names.retain(|name| *name != "none");
        names.sort();
        assert_eq!(kinds, names);
    }

    #[test]
    fn the_example_has_every_setting_with_its_default() {
        let example_text = include_str!("../../tickertape.example.toml");
        // The file of symbols has to be there.
        let file = std::env::temp_dir().join(format!("symbols-{}.csv", std::process::id()));
        std::fs::write(&file, "symbol\n").unwrap();
        let all = example().replace(
            "\"symbols.csv\"",
            &format!("{:?}", file.display().to_string()),
        );
        read_with(example_text, &[]).unwrap();
        let config = read_with(&all, &[]).unwrap();
        let table: toml::Table = all.parse().unwrap();
        let mut known = vec!["feed".to_owned()];
        let mut command = Config::command();
        command.build();
        for option in command.get_arguments() {
            let Some(key) = file::key(option) else {
                continue;
            };
            let value = table
                .get(&key)
                .unwrap_or_else(|| panic!("{key} is not there"));
            let default: Vec<_> = option.get_default_values().iter().collect();
            if !default.is_empty() {
                let text = value.as_str().map_or(value.to_string(), str::to_owned);
                assert_eq!(default, [&*text], "{key}");
            }
            known.push(key);
        }
        assert_eq!(table.len(), known.len());
        assert_eq!(config.feeds.len(), table["feed"].as_array().unwrap().len());
    }

    /// The settings that a row of the documentation names: option, variable, default.
    fn documented() -> Vec<(String, String, Option<String>)> {
        let text = include_str!("../../docs/reference/configuration.md");
        let code = |cell: &str| {
            cell.trim()
                .strip_prefix('`')?
                .strip_suffix('`')
                .map(str::to_owned)
        };
        text.lines()
            .filter(|line| line.starts_with("| `--"))
            .map(|line| {
                let cells: Vec<&str> = line.split('|').collect();
                let option = code(cells[1]).expect("an option is code");
                (
                    option,
                    code(cells[2]).expect("a variable is code"),
                    code(cells[3]),
                )
            })
            .collect()
    }

    #[test]
    fn the_documentation_has_every_option_with_its_variable_and_default() {
        let mut command = Config::command();
        command.build();
        let known: Vec<_> = command
            .get_arguments()
            .filter(|option| option.get_env().is_some())
            .map(|option| {
                let value = match option.get_action() {
                    ArgAction::SetTrue => String::new(),
                    _ => format!(" {}", option.get_value_names().unwrap()[0]),
                };
                let variable = option.get_env().unwrap().to_str().unwrap().to_owned();
                let default = option.get_default_values().first();
                (
                    format!("--{}{value}", option.get_long().unwrap()),
                    variable,
                    default.map(|default| default.to_str().unwrap().to_owned()),
                )
            })
            .collect();
        for (option, variable, default) in documented() {
            let found = known.iter().find(|(known, ..)| *known == option);
            let (_, its_variable, its_default) = found.expect(&option);
            assert_eq!(
                (its_variable, its_default),
                (&variable, &default),
                "{option}"
            );
        }
        assert_eq!(documented().len(), known.len(), "{known:?}");
        // Only the two that clap brings have no variable.
        let without: Vec<_> = command
            .get_arguments()
            .filter(|option| option.get_env().is_none())
            .filter_map(|option| option.get_long())
            .collect();
        assert_eq!(without, ["help", "version"]);
        for (option, variable, _) in &known {
            let name = option.trim_start_matches('-').split(' ').next().unwrap();
            let name = format!("TICKERTAPE_{}", name.to_uppercase().replace('-', "_"));
            assert!(
                *variable == name || variable == "RUST_LOG",
                "{option}: {variable}"
            );
        }
    }

    #[test]
    fn every_origin_is_allowed_alone_or_not_at_all() {
        let arguments = ["tickertape", "--allow-origin", "*,https://example.org"];
        let message = Config::read(arguments.map(Into::into).to_vec())
            .unwrap_err()
            .to_string();
        assert!(message.contains("--allow-origin *"), "{message}");
    }

    #[test]
    fn what_takes_several_values_takes_them_with_commas() {
        let config = Config::try_parse_from([
            "tickertape",
            "--trusted-proxy",
            "127.0.0.1,10.0.0.0/8",
            "--trusted-proxy",
            "::1",
            "--allow-origin",
            "https://a.example,https://b.example",
            "--client-header",
            "forwarded",
            "--request-timeout",
            "500ms",
        ])
        .unwrap();
        assert_eq!(config.trusted_proxies.len(), 3);
        assert_eq!(config.allowed_origins.len(), 2);
        assert_eq!(config.client_header, ClientHeader::Forwarded);
        assert_eq!(config.request_timeout, Duration::from_millis(500));
    }

    #[test]
    fn feeds_can_be_given_several_times() {
        let config = Config::try_parse_from([
            "tickertape",
            "--feed",
            "simulate",
            "--feed",
            "binance:BTCUSDT",
        ])
        .unwrap();
        assert_eq!(config.feeds.len(), 2);
    }

    #[test]
    fn the_command_line_is_consistent() {
        Config::command().debug_assert();
    }
}
