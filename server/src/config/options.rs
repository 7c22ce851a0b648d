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

/// Where the server listens, and to whom it answers.
#[derive(Debug, Clone, Args)]
pub struct ListenOptions {
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
}

/// Where quotes, news and symbols come from.
#[derive(Debug, Clone, Args)]
pub struct SourceOptions {
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
}

/// The page.
#[derive(Debug, Clone, Args)]
pub struct PageOptions {
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
}

/// How long connections and streams last, and their parts.
#[derive(Debug, Clone, Args)]
pub struct ConnectionOptions {
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
}

/// How much there may be at one time, and in one request.
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
}

/// Whom to believe, and whose pages may read.
#[derive(Debug, Clone, Args)]
pub struct AccessOptions {
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
}

/// The log.
#[derive(Debug, Clone, Args)]
pub struct LogOptions {
    /// How the log is written
    #[arg(
        id = "log_format",
        long = "log-format",
        env = "TICKERTAPE_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub format: LogFormat,

    /// What is logged, such as warn or info,server=debug
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

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}
