//! The compared servers: how each is started, subscribed to and published to.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    Problem,
    payload::{Payload, SYMBOLS, SYMBOLS_EACH, Topic, symbol},
    process::{Cores, Process},
    programs::{Kind, Programs},
    response::{Part, Response},
    scan::FIRST_SEQUENCE,
};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);

/// How long an answer may take on an idle server.
const ANSWER: Duration = Duration::from_secs(10);

/// The token `bench`, and its SHA-256 for tickertape.
pub(crate) const TOKEN: &str = "bench";
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
    use crate::{
        payload::{DATA_BYTES, MARKERS, NEWS, QUOTE},
        scan::{Found, Scanner, Tail},
    };

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
