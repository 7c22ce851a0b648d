use std::{error::Error as _, ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    CommandFactory, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use crate::{
    ListingFile, Settings,
    archive::ArchiveOptions,
    feeds::FeedSpec,
    http::{ClientHeader, FrameAncestors, Origin, parse_network},
    publish::{PublishOptions, publisher_name},
};

/// Everything that can be set, with its default and its check.
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
  binance:SYMBOL,SYMBOL…    Binance's public stream of best prices and trades;
                            ?url= for another address
  replay:FILE               recorded frames, plain or gzip, at their own pace;
                            ?speed=N or ?speed=max for quicker
  none                      nothing but what is published

Examples:
  tickertape
  tickertape --feed binance:BTCUSDT,ETHUSDT
  tickertape --feed 'replay:frames.jsonl.gz?speed=10'
  tickertape --feed simulate --feed binance:BTCUSDT --listen 0.0.0.0:8080
  tickertape token newsdesk"
)]
pub struct Config {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Address and port to listen at; port 0 takes a free one
    #[arg(
        long,
        env = "TICKERTAPE_LISTEN",
        default_value = "127.0.0.1:3000",
        value_name = "ADDRESS:PORT",
        value_parser = address
    )]
    pub listen: SocketAddr,

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
        value_parser = |text: &str| text.parse::<EnvFilter>()
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
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Make a token for somebody who shall publish, and print it once
    Token {
        /// Who it is for: letters, digits, . _ -
        #[arg(value_parser = publisher_name)]
        name: String,
    },
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

    /// What the front is to allow.
    pub fn settings(&self) -> Settings {
        Settings {
            head_bytes: self.head_bytes as usize,
            head_timeout: self.head_timeout,
            idle_timeout: self.idle_timeout,
            write_timeout: self.write_timeout,
            grace: self.grace,
        }
    }

    fn read(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let config =
            Self::try_parse_from(&arguments).map_err(|error| with_variable(error, &arguments))?;
        if config.feeds.len() > 1 && config.feeds.contains(&FeedSpec::None) {
            return Err(Self::command().error(
                ErrorKind::ArgumentConflict,
                "none is given beside other feeds: expected it alone",
            ));
        }
        if config.allowed_origins.len() > 1 && config.allowed_origins.contains(&Origin::Any) {
            return Err(Self::command().error(
                ErrorKind::ArgumentConflict,
                "--allow-origin * allows every origin: expected it alone",
            ));
        }
        match FeedSpec::repeated(&config.feeds) {
            Some(twice) => Err(Self::command().error(
                ErrorKind::ArgumentConflict,
                format!("{twice} is given twice: each of its bars would come twice"),
            )),
            None => Ok(config),
        }
    }
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

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected an address in digits and a port, as in 127.0.0.1:3000 or [::1]:3000")
}

/// Reads a duration such as 250ms, 10s or 1h 30m.
fn duration(text: &str) -> Result<Duration, &'static str> {
    let expected = "expected a time above zero and at most a year, such as 250ms, 30s or 12h";
    let duration: jiff::SignedDuration = text.parse().map_err(|_| expected)?;
    let longest = Duration::from_secs(365 * 24 * 60 * 60);
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() && duration <= longest => Ok(duration),
        _ => Err(expected),
    }
}

fn count(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number from 1"),
    }
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "expected a whole number of bytes")
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

#[cfg(test)]
mod tests {
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
                "binance:ETHUSDT,BTCUSDT",
                Some("binance:BTCUSDT"),
            ),
            ("replay:a.gz", "replay:a.gz?speed=max", Some("replay:a.gz")),
            ("binance:BTCUSDT", "binance:ETHUSDT", None),
            ("replay:a.gz", "replay:b.gz", None),
        ] {
            let arguments = ["tickertape", "--feed", first, "--feed", second];
            let read = Config::read(arguments.map(Into::into).to_vec());
            match named {
                None => assert_eq!(read.unwrap().feeds.len(), 2),
                Some(named) => {
                    let message = read.unwrap_err().to_string();
                    let words = format!("{named} is given twice");
                    assert!(message.contains(&words), "{message}");
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

    /// The settings that a row of the documentation names: option, variable, default.
    fn documented() -> Vec<(String, String, Option<String>)> {
        let text = include_str!("../../docs/configuration.md");
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
                let value = option.get_value_names().unwrap()[0].clone();
                let variable = option.get_env().unwrap().to_str().unwrap().to_owned();
                let default = option.get_default_values().first();
                (
                    format!("--{} {value}", option.get_long().unwrap()),
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
