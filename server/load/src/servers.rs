//! The compared servers: how each is started, subscribed to and published to.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::ValueEnum;

use crate::{
    Problem, machine,
    process::{Cores, Process},
    response::{Part, Response},
    scan::FIRST_SEQUENCE,
};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);

/// How long an answer may take on an idle server.
const ANSWER: Duration = Duration::from_secs(10);

/// The token `bench`, and its SHA-256 for tickertape.
pub(crate) const TOKEN: &str = "bench";
const TOKEN_HASH: &str = "bench:1b32c28cb38c05480eccc1bd60ff97029b57a05c96718b96dad7e9d84894f549";

/// The limit of streams that tickertape is started with.
const MAX_STREAMS: &str = "60000";

/// The text before the sequence number of a story, and of a quote: see [`Payload::data`].
pub(crate) const MARKERS: [&str; 2] = [r#""id":"b:"#, r#""volume":""#];

/// The place of a story's marker in [`MARKERS`].
pub(crate) const NEWS: usize = 0;

/// The place of a quote's marker in [`MARKERS`].
pub(crate) const QUOTE: usize = 1;

/// The length of every event's data, in bytes.
#[cfg(test)]
const DATA_BYTES: usize = 120;

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Kind {
    Tickertape,
    DurableStreams,
    Nchan,
    AxumBroadcast,
    BetterSse,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [
        Kind::Tickertape,
        Kind::DurableStreams,
        Kind::Nchan,
        Kind::AxumBroadcast,
        Kind::BetterSse,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Tickertape => "tickertape",
            Kind::DurableStreams => "durable-streams",
            Kind::Nchan => "nchan",
            Kind::AxumBroadcast => "axum Sse + broadcast",
            Kind::BetterSse => "better-sse",
        }
    }
}

/// A subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The same for every subscriber: with tickertape the symbol `A` and its news.
    One,
    /// Ten of 500 symbols each; only tickertape has symbols.
    TenOf500,
    /// Everything from tickertape's feed.
    Fed,
}

/// How many symbols there are in [`Topic::TenOf500`].
pub(crate) const SYMBOLS: u32 = 500;

/// How many of them each subscriber has.
pub(crate) const SYMBOLS_EACH: u32 = 10;

/// How many first quotes are published at once.
const BATCH: usize = 50;

impl Topic {
    /// Its symbols, as [`symbol`] names them.
    fn symbols(self) -> Vec<Option<u32>> {
        match self {
            Topic::One => vec![None],
            Topic::TenOf500 => (0..SYMBOLS).map(Some).collect(),
            Topic::Fed => Vec::new(),
        }
    }
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A story, which every subscriber receives.
    News(u32),
    /// A quote, of the one symbol or of one of the 500; tickertape skips one that a newer one supersedes.
    Quote { symbol: Option<u32>, sequence: u32 },
}

impl Payload {
    /// The event's data: the same bytes at each server.
    fn data(self, text: &mut String) {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        // Writing to a string cannot fail.
        let _ = match self {
            Payload::News(sequence) => write!(
                text,
                r#"{{"id":"b:{sequence}","type":"macro","basis":"native","symbols":["A"],"headline":"-","source":"-","published":{time}}}"#
            ),
            Payload::Quote {
                symbol: of,
                sequence,
            } => {
                let symbol = symbol(of);
                // As long with either symbol.
                let price = if of.is_some() {
                    "597.321"
                } else {
                    "597.321175"
                };
                write!(
                    text,
                    r#"{{"symbol":"{symbol}","time":{time},"price":"{price}","size":"1000","bid":"597.30","ask":"597.350","volume":"{sequence}"}}"#
                )
            }
        };
    }
}

fn symbol(index: Option<u32>) -> String {
    index.map_or_else(|| "A".to_owned(), |index| format!("W{index:03}"))
}

/// Where the programs are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// Tickertape's release
    #[arg(long, default_value = "target/release/tickertape", value_name = "FILE")]
    tickertape: PathBuf,

    /// An option more for tickertape, as in --tickertape-option=--max-symbols=20
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    tickertape_option: Vec<String>,

    /// The server of the crate durable-streams
    #[arg(
        long,
        env = "TICKERTAPE_BENCH_DURABLE_STREAMS",
        default_value = "durable-streams-server",
        value_name = "FILE"
    )]
    durable_streams: PathBuf,

    /// nginx
    #[arg(
        long,
        env = "TICKERTAPE_BENCH_NGINX",
        default_value = "nginx",
        value_name = "FILE"
    )]
    nginx: PathBuf,

    /// nginx's module nchan
    #[arg(
        long,
        env = "TICKERTAPE_BENCH_NCHAN",
        default_value = "/usr/lib/nginx/modules/ngx_nchan_module.so",
        value_name = "FILE"
    )]
    nchan: PathBuf,

    /// The release of server/load/peers/axum-broadcast
    #[arg(
        long,
        default_value = "target/peers/release/axum-broadcast",
        value_name = "FILE"
    )]
    axum_broadcast: PathBuf,

    /// Where the sources of the peers are
    #[arg(long, default_value = "server/load/peers", value_name = "FOLDER")]
    peers: PathBuf,
}

impl Programs {
    /// A server's version, as far as it can be determined.
    pub(crate) fn version(&self, kind: Kind) -> String {
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, word: &str, end: char| {
            let rest = text.split_once(word).map(|(_, rest)| rest)?;
            rest.split(end).next().map(str::to_owned)
        };
        let version = match kind {
            Kind::Tickertape => Some(machine::version(
                Command::new(&self.tickertape).arg("--version"),
            )),
            Kind::DurableStreams => self
                .durable_streams
                .ancestors()
                .nth(2)
                .map(|root| read(root.join(".crates.toml")))
                .and_then(|text| after(&text, "\"durable-streams ", ' ')),
            Kind::Nchan => {
                let nginx = machine::version(Command::new(&self.nginx).arg("-v"));
                self.nchan
                    .ancestors()
                    .nth(5)
                    .map(|root| read(root.join("version")))
                    .filter(|version| !version.is_empty())
                    .map(|version| format!("{} in nginx {nginx}", version.trim()))
            }
            Kind::AxumBroadcast => {
                let lock = read(self.peers.join("axum-broadcast/Cargo.lock"));
                let of =
                    |name: &str| after(&lock, &format!("name = \"{name}\"\nversion = \""), '"');
                of("axum")
                    .zip(of("tokio"))
                    .map(|(axum, tokio)| format!("{axum}, tokio {tokio}"))
            }
            Kind::BetterSse => {
                let manifest = read(
                    self.peers
                        .join("better-sse/node_modules/better-sse/package.json"),
                );
                let node = machine::version(Command::new("node").arg("--version"));
                after(&manifest, "\"version\": \"", '"')
                    .map(|version| format!("{version}, Node {node}"))
            }
        };
        version.unwrap_or_else(|| "unknown".to_owned())
    }

    /// Tickertape with a feed and an archive; either may be none.
    fn tickertape(&self, port: u16, feed: &str, data: &str) -> Command {
        let mut command = Command::new(&self.tickertape);
        command
            .args(["--feed", feed, "--data", data, "--log", "warn"])
            .args(["--publish-token", TOKEN_HASH])
            // All subscribers come from one address.
            .args([
                "--max-streams",
                MAX_STREAMS,
                "--max-streams-per-address",
                MAX_STREAMS,
            ])
            .args(["--publish-rate", "1000000", "--publish-burst", "1000000"])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(&self.tickertape_option);
        command
    }

    fn command(&self, kind: Kind, port: u16, folder: &Path) -> Result<Command, Problem> {
        let mut command;
        match kind {
            // The peers write nothing to disk either.
            Kind::Tickertape => command = self.tickertape(port, "none", "none"),
            Kind::DurableStreams => {
                command = Command::new(&self.durable_streams);
                // Without writing events to disk, which is its fastest configuration.
                command
                    .args(["--durability", "memory", "--port", &port.to_string()])
                    .arg("--data-dir")
                    .arg(folder);
            }
            Kind::Nchan => {
                let template = self.peers.join("nchan/nginx.conf");
                let text = fs::read_to_string(&template)
                    .map_err(|error| format!("cannot read {}: {error}", template.display()))?
                    .replace("{module}", &self.nchan.to_string_lossy())
                    .replace("{folder}", &folder.to_string_lossy())
                    .replace("{port}", &port.to_string());
                let file = folder.join("nginx.conf");
                fs::write(&file, text)
                    .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
                command = Command::new(&self.nginx);
                command
                    .arg("-e")
                    .arg(folder.join("error.log"))
                    .arg("-c")
                    .arg(file);
            }
            Kind::AxumBroadcast => {
                command = Command::new(&self.axum_broadcast);
                command.arg(port.to_string());
            }
            Kind::BetterSse => {
                command = Command::new("node");
                command
                    .arg(self.peers.join("better-sse/server.js"))
                    .arg(port.to_string());
            }
        }
        Ok(command)
    }
}

/// A running server, and the purpose that it was started for.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// Data, configuration and logs of this run.
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The rest of a run is of no use, and another run has another name.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// Starts a server, waits until it answers, and prepares it for a topic.
    ///
    /// # Errors
    /// If it does not start, or does not accept its preparation.
    pub(crate) fn start(
        kind: Kind,
        topic: Topic,
        programs: &Programs,
        cores: Cores,
        out: &Path,
    ) -> Result<Self, Problem> {
        Self::run(kind, topic, cores, out, |port, folder| {
            programs.command(kind, port, folder)
        })
    }

    /// Starts tickertape with a feed and a folder of its archive.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn fed(
        feed: &str,
        data: &str,
        programs: &Programs,
        cores: Cores,
        out: &Path,
    ) -> Result<Self, Problem> {
        Self::run(Kind::Tickertape, Topic::Fed, cores, out, |port, _| {
            Ok(programs.tickertape(port, feed, data))
        })
    }

    fn run(
        kind: Kind,
        topic: Topic,
        cores: Cores,
        out: &Path,
        command: impl FnOnce(u16, &Path) -> Result<Command, Problem>,
    ) -> Result<Self, Problem> {
        let address = free_address()?;
        let name = format!("run-{}-{}", std::process::id(), address.port());
        let folder = std::path::absolute(out.join(name)).map_err(|error| error.to_string())?;
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let log = out.join(format!("{}.log", kind.name().replace([' ', '+'], "")));
        let mut command = command(address.port(), &folder)?;
        let mut server = Server {
            kind,
            address,
            process: Process::start(&mut command, cores, &log)?,
            folder,
        };
        server
            .await_start()
            .and_then(|()| server.prepare(topic))
            .map_err(|problem| {
                format!(
                    "{}: {problem}; its output is in {}",
                    kind.name(),
                    log.display()
                )
            })?;
        Ok(server)
    }

    fn await_start(&mut self) -> Result<(), Problem> {
        let started = Instant::now();
        while let Err(error) = TcpStream::connect(self.address) {
            self.process.check()?;
            if started.elapsed() > START {
                return Err(format!("cannot connect to {}: {error}", self.address));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn prepare(&self, topic: Topic) -> Result<(), Problem> {
        match self.kind {
            // A symbol exists from its first quote on, and a stream of an unknown one is refused.
            Kind::Tickertape => topic.symbols().chunks(BATCH).try_for_each(|symbols| {
                let mut quotes = String::new();
                for &symbol in symbols {
                    let quote = Payload::Quote {
                        symbol,
                        sequence: FIRST_SEQUENCE,
                    };
                    quotes.push(if quotes.is_empty() { '[' } else { ',' });
                    self.wrapped(quote, &mut quotes);
                }
                quotes.push(']');
                self.send(&self.request_with("POST", "/publish", &quotes))
                    .map(drop)
            }),
            Kind::DurableStreams => self.send(&self.request_with("PUT", "/bench", "")).map(drop),
            Kind::Nchan | Kind::AxumBroadcast | Kind::BetterSse => Ok(()),
        }
    }

    /// A figure of tickertape's own metrics.
    pub(crate) fn metric(&self, name: &str) -> Result<f64, Problem> {
        let text = self.send(&self.request_with("GET", "/metrics", ""))?;
        String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(written, _)| *written == name)
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(|| format!("the server tells no {name}"))
    }

    /// Sends one request and expects a successful answer.
    fn send(&self, request: &str) -> Result<Vec<u8>, Problem> {
        let fail = |error: std::io::Error| format!("cannot send to {}: {error}", self.address);
        let mut connection = TcpStream::connect(self.address).map_err(fail)?;
        connection.set_read_timeout(Some(ANSWER)).map_err(fail)?;
        connection.write_all(request.as_bytes()).map_err(fail)?;
        let mut response = Response::default();
        let (mut status, mut body, mut ended) = (0, Vec::new(), false);
        let mut buffer = [0; 4096];
        while !ended {
            let count = connection.read(&mut buffer).map_err(fail)?;
            if count == 0 {
                break;
            }
            response.read(&buffer[..count], |part| match part {
                Part::Head(head) => status = head.status,
                Part::Body(piece) => body.extend_from_slice(piece),
                Part::End => ended = true,
            })?;
        }
        if (200..300).contains(&status) {
            Ok(body)
        } else {
            let first = request.lines().next().unwrap_or_default();
            let body = String::from_utf8_lossy(&body);
            Err(format!("{first} was answered {status}: {body}"))
        }
    }

    /// The request that opens a stream.
    pub(crate) fn subscribe(&self, topic: Topic, subscriber: usize) -> String {
        let path = match self.kind {
            Kind::Tickertape => match topic {
                Topic::One => format!("/stocks/{}", symbol(None)),
                Topic::TenOf500 => {
                    let distance = SYMBOLS / SYMBOLS_EACH;
                    let symbols: Vec<String> = (0..SYMBOLS_EACH)
                        .map(|index| symbol(Some((subscriber as u32 + index * distance) % SYMBOLS)))
                        .collect();
                    format!("/stocks?symbols={}", symbols.join(","))
                }
                Topic::Fed => "/stocks?symbols=*".to_owned(),
            },
            Kind::DurableStreams => "/bench?offset=now&live=sse".to_owned(),
            Kind::Nchan | Kind::AxumBroadcast | Kind::BetterSse => "/subscribe".to_owned(),
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
            self.address
        )
    }

    /// The request that publishes an event.
    pub(crate) fn publish(&self, payload: Payload) -> String {
        let mut body = String::with_capacity(160);
        match self.kind {
            Kind::Tickertape => self.wrapped(payload, &mut body),
            _ => payload.data(&mut body),
        }
        let path = match self.kind {
            Kind::DurableStreams => "/bench",
            _ => "/publish",
        };
        self.request_with("POST", path, &body)
    }

    /// The request to tickertape for the plain quote, conditional once its tag is known.
    pub(crate) fn poll(&self, etag: Option<&str>) -> String {
        let condition = etag.map_or_else(String::new, |etag| format!("If-None-Match: {etag}\r\n"));
        format!(
            "GET /stocks/{} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n{condition}\r\n",
            symbol(None),
            self.address
        )
    }

    /// An event in tickertape's format.
    fn wrapped(&self, payload: Payload, text: &mut String) {
        text.push_str(match payload {
            Payload::News(_) => r#"{"event":"news","data":"#,
            Payload::Quote { .. } => r#"{"event":"quote","data":"#,
        });
        payload.data(text);
        text.push('}');
    }

    fn request_with(&self, method: &str, path: &str, body: &str) -> String {
        let authorization = match self.kind {
            Kind::Tickertape => format!("Authorization: Bearer {TOKEN}\r\n"),
            _ => String::new(),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }
}

fn free_address() -> Result<SocketAddr, Problem> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

#[cfg(test)]
impl Server {
    /// A listener of the test, used like a peer; the process beside it does nothing.
    pub(crate) fn stand_in(address: SocketAddr) -> Self {
        let folder = std::env::temp_dir().join(format!("load-{}-{address}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let cores = Cores { server: 0, load: 0 };
        let log = folder.join("log");
        Server {
            kind: Kind::AxumBroadcast,
            address,
            process: Process::start(Command::new("sleep").arg("60"), cores, &log).unwrap(),
            folder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Found, Scanner, Tail};

    #[test]
    fn all_data_are_of_one_length_and_carry_their_number() {
        let sequence = 1_234_567;
        let payloads = [
            (NEWS, Payload::News(sequence)),
            (
                QUOTE,
                Payload::Quote {
                    symbol: None,
                    sequence,
                },
            ),
            (
                QUOTE,
                Payload::Quote {
                    symbol: Some(42),
                    sequence,
                },
            ),
        ];
        for (marker, payload) in payloads {
            let mut text = String::new();
            payload.data(&mut text);
            assert_eq!(text.len(), DATA_BYTES, "{text}");
            let name = ["news", "message"][marker];
            let event = market::Event::decode(name, &text).unwrap();
            assert_eq!(event.data(), text, "tickertape sends the same bytes");
            let mut found = Vec::new();
            let scanner = Scanner::new(&MARKERS);
            scanner.scan(&mut Tail::default(), text.as_bytes(), |event| {
                found.push(event)
            });
            assert_eq!(found, [Found { marker, sequence }]);
        }
    }
}
