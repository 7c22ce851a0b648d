//! The options of the server, by what they are about. The name, the variable, the key in the file and the default of
//! an option are those of its field here.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use super::values::{address, bytes, count, duration, log_filter, seed};
use crate::http::{FrameAncestors, Origin};
use directory::ListingFile;
use feeds::FeedSpec;
use front::{ClientHeader, Host, parse_network};

/// The address of the server and its names.
#[derive(Debug, Clone, Args)]
pub struct ListenOptions {
    /// The address and port to listen at, or a port of this machine alone; port 0
    /// takes a free one
    #[arg(
        long,
        env = "TICKERTAPE_LISTEN",
        default_value = "127.0.0.1:3000",
        value_name = "ADDRESS:PORT",
        value_parser = address
    )]
    pub listen: SocketAddr,

    /// A host name that the server answers to, such as ticker.example.org; may be
    /// given several times, or separated by commas [default: every name]
    #[arg(
        long = "host",
        env = "TICKERTAPE_HOST",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub hosts: Vec<Host>,

    /// Show data that is for personal use to other machines, too, if you have the
    /// right to
    #[arg(long, env = "TICKERTAPE_MAY_REDISTRIBUTE")]
    pub may_redistribute: bool,
}

/// The sources of quotes, news and symbols.
#[derive(Debug, Clone, Args)]
pub struct SourceOptions {
    /// A feed, as listed below; may be given several times, or separated by ;
    #[arg(
        long = "feed",
        env = "TICKERTAPE_FEED",
        default_value = "simulate",
        value_name = "FEED",
        value_delimiter = ';'
    )]
    pub feeds: Vec<FeedSpec>,

    /// The seed of the simulated feed [default: a new one at each start]
    #[arg(
        long,
        env = "TICKERTAPE_SEED",
        value_name = "NUMBER",
        value_parser = seed,
        allow_negative_numbers = true
    )]
    pub seed: Option<u64>,

    /// A CSV file of symbols for the search, with the columns symbol, name, venue,
    /// currency and tick
    #[arg(long, env = "TICKERTAPE_SYMBOLS", value_name = "FILE")]
    pub symbols: Option<ListingFile>,
}

/// The page.
#[derive(Debug, Clone, Args)]
pub struct PageOptions {
    /// The folder with the page's files [default: `site` beside the program, or one
    /// above]
    #[arg(long, env = "TICKERTAPE_SITE", value_name = "FOLDER")]
    pub site: Option<PathBuf>,

    /// The sites that may show the page in a frame: none, self, or origins such as
    /// https://wall.example.org, separated by spaces
    #[arg(
        long,
        env = "TICKERTAPE_FRAME_ANCESTORS",
        default_value = "none",
        value_name = "SOURCES"
    )]
    pub frame_ancestors: FrameAncestors,
}

/// How long connections and streams last, and their parts.
#[derive(Debug, Clone, Args)]
pub struct ConnectionOptions {
    /// The longest head of a request
    #[arg(long, env = "TICKERTAPE_HEAD_BYTES", default_value = "16384", value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(256..=65_536))]
    pub head_bytes: u32,

    /// The time in which the head of a request has to arrive
    #[arg(long, env = "TICKERTAPE_HEAD_TIMEOUT", default_value = "10s", value_name = "DURATION",
        value_parser = duration)]
    pub head_timeout: Duration,

    /// The time that a connection may wait for its next request
    #[arg(long, env = "TICKERTAPE_IDLE_TIMEOUT", default_value = "75s", value_name = "DURATION",
        value_parser = duration)]
    pub idle_timeout: Duration,

    /// The time after which a connection is reset whose client reads nothing
    #[arg(long, env = "TICKERTAPE_WRITE_TIMEOUT", default_value = "30s", value_name = "DURATION",
        value_parser = duration)]
    pub write_timeout: Duration,

    /// The longest life of a stream, less up to a fifth at random; its client then
    /// reconnects without missing anything [default: no limit]
    #[arg(long, env = "TICKERTAPE_STREAM_LIFETIME", value_name = "DURATION",
        value_parser = duration)]
    pub stream_lifetime: Option<Duration>,

    /// The time in which connections have to end at shutdown
    #[arg(long, env = "TICKERTAPE_GRACE", default_value = "5s", value_name = "DURATION",
        value_parser = duration)]
    pub grace: Duration,
}

/// Limits of numbers and sizes.
#[derive(Debug, Clone, Args)]
pub struct LimitOptions {
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

    /// The most answers, besides streams, on their way to one address at one time;
    /// one more is answered 429
    #[arg(
        long,
        env = "TICKERTAPE_MAX_ANSWERS_PER_ADDRESS",
        default_value = "200",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_answers_per_address: usize,

    /// The least rate at which a client has to read an answer, in bytes a second; a
    /// slower one is closed. 0 for any rate
    #[arg(
        long,
        env = "TICKERTAPE_MIN_READ_RATE",
        default_value = "8192",
        value_name = "BYTES"
    )]
    pub min_read_rate: u32,

    /// The most symbols per request
    #[arg(
        long,
        env = "TICKERTAPE_MAX_SYMBOLS",
        default_value = "500",
        value_name = "NUMBER",
        value_parser = count
    )]
    pub max_symbols: usize,

    /// The longest body of a request that needs none, in bytes
    #[arg(
        long,
        env = "TICKERTAPE_MAX_BODY",
        default_value = "4096",
        value_name = "BYTES",
        value_parser = bytes
    )]
    pub max_body: u64,

    /// The time in which the answer to a request has to begin, without the wait of
    /// a poll
    #[arg(
        long,
        env = "TICKERTAPE_REQUEST_TIMEOUT",
        default_value = "30s",
        value_name = "DURATION",
        value_parser = duration
    )]
    pub request_timeout: Duration,
}

/// Trusted proxies and origins.
#[derive(Debug, Clone, Args)]
pub struct AccessOptions {
    /// The address or network of a trusted proxy; may be given several times, or
    /// separated by commas
    #[arg(
        long = "trusted-proxy",
        env = "TICKERTAPE_TRUSTED_PROXY",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = parse_network
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// The header in which trusted proxies name their clients
    #[arg(
        long,
        env = "TICKERTAPE_CLIENT_HEADER",
        default_value = "x-forwarded-for",
        value_name = "HEADER"
    )]
    pub client_header: ClientHeader,

    /// An origin whose pages may read, such as https://example.org, or * for all;
    /// may be given several times, or separated by commas
    #[arg(
        long = "allow-origin",
        env = "TICKERTAPE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<Origin>,
}

/// The log.
#[derive(Debug, Clone, Args)]
pub struct LogOptions {
    /// The format of the log
    #[arg(
        id = "log_format",
        long = "log-format",
        env = "TICKERTAPE_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub format: LogFormat,

    /// The levels to log, such as warn or info,server=debug
    #[arg(
        id = "log",
        long = "log",
        env = "RUST_LOG",
        default_value = "info",
        value_name = "FILTER",
        value_parser = log_filter
    )]
    pub filter: EnvFilter,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object per line, for programs.
    Json,
}
