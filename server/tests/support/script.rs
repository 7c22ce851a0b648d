//! An HTTP server that plays responses and faults, byte by byte if a fault is one of bytes.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Requested {
    /// The path with its query.
    pub(crate) target: String,
    /// With names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Requested {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// The action of the server.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A complete response: the status, header lines, the body.
    Answer(u16, Vec<(String, String)>, Vec<u8>),
    /// These bytes, and the connection is closed.
    Bytes(Vec<u8>),
    /// Nothing, while the connection stands.
    Silence,
    /// A part of the promised body, and then nothing.
    Stall(Vec<u8>),
    /// A body without an end.
    Endless,
}

/// A response with this body.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Reply {
    Reply::Answer(200, Vec::new(), body.as_ref().to_vec())
}

/// A response without a body.
pub(crate) fn status(status: u16) -> Reply {
    Reply::Answer(status, Vec::new(), Vec::new())
}

impl Reply {
    /// The same response with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Reply::Answer(_, headers, _) = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

type Play = Arc<Mutex<dyn FnMut(&Requested) -> Reply + Send>>;

/// A server that calls a function for each request. It ends when it is dropped.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    requests: watch::Receiver<Vec<Requested>>,
    _ends: DropGuard,
}

impl Script {
    /// A server on a free port.
    pub(crate) async fn new(play: impl FnMut(&Requested) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = watch::channel(Vec::new());
        let stop = CancellationToken::new();
        let ends = stop.clone().drop_guard();
        let play: Play = Arc::new(Mutex::new(play));
        let sender = Arc::new(sender);
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            let accept = async {
                loop {
                    let Ok((stream, _)) = listener.accept().await else {
                        continue;
                    };
                    connections.spawn(serve(stream, Arc::clone(&play), Arc::clone(&sender)));
                    while connections.try_join_next().is_some() {}
                }
            };
            stop.run_until_cancelled(accept).await;
        });
        Script {
            address,
            requests,
            _ends: ends,
        }
    }

    /// A server that plays these one after the other, and the last one for ever.
    pub(crate) async fn of(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: Vec<Reply> = replies.into_iter().collect();
        replies.reverse();
        Self::new(move |_| match replies.len() {
            1 => replies[0].clone(),
            _ => replies.pop().expect("a script has a reply at least"),
        })
        .await
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Requested> {
        self.requests.borrow().clone()
    }

    /// Waits until there were so many requests.
    pub(crate) async fn wait_for_requests(&self, least: usize) -> Vec<Requested> {
        let mut requests = self.requests.clone();
        let enough = requests.wait_for(|all| all.len() >= least);
        timeout(Duration::from_secs(60), enough)
            .await
            .unwrap_or_else(|_| panic!("{} requests: expected {least}", self.requests().len()))
            .unwrap()
            .clone()
    }
}

async fn serve(mut stream: TcpStream, play: Play, requests: Arc<watch::Sender<Vec<Requested>>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(request) = head(&mut stream, &mut buffer).await else {
            return;
        };
        let reply = (play.lock().unwrap())(&request);
        requests.send_modify(|all| all.push(request));
        match reply {
            Reply::Answer(status, headers, body) => {
                let mut answer = format!("HTTP/1.1 {status} Reason\r\n").into_bytes();
                for (name, value) in headers {
                    answer.extend(format!("{name}: {value}\r\n").bytes());
                }
                if status != 304 {
                    answer.extend(format!("content-length: {}\r\n", body.len()).bytes());
                }
                answer.extend(b"\r\n");
                answer.extend(&body);
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Silence => return linger(&mut stream).await,
            Reply::Stall(start) => {
                let length = start.len() + 100;
                let head = format!("HTTP/1.1 200 Said\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(&[head.as_bytes(), &start].concat()).await;
                return linger(&mut stream).await;
            }
            Reply::Endless => {
                let head = b"HTTP/1.1 200 Said\r\ntransfer-encoding: chunked\r\n\r\n";
                let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x1_0000], b"\r\n"].concat();
                let mut sent = stream.write_all(head).await;
                while sent.is_ok() {
                    sent = stream.write_all(&chunk).await;
                }
                return;
            }
        }
    }
}

/// Stays until the client leaves.
async fn linger(stream: &mut TcpStream) {
    let mut rest = [0; 1_024];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

/// The head of the next request; none of a feed has a body.
async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Requested> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end + 4).collect()).ok()?;
    let mut lines = head.lines();
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Some(Requested {
        target,
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
    })
}
