//! One connection: its requests, one after the other.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, task};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
    response::Response,
};
use bytes::Bytes;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use socket2::SockRef;
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;
use tracing::debug;

use crate::{
    client::Proxies,
    exchange::Exchange,
    gate::{Gate, Next},
    handover::handover,
    meter::{Connected, Meter, Refusal},
    places::{Permit, Places},
    request::Peer,
    respond::{self, Length},
    settings::{LINGER, Settings},
    writer::Writer,
};

/// How much of a response hyper may hold while the socket does not accept it.
const CONNECTION_BUFFER: usize = 64 * 1024;

/// How many unsent bytes the system may hold. Bytes that wait there are old prices by the time that they are read.
const UNSENT_BYTES: u32 = 16 * 1024;

/// The parts that every connection needs.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) router: Router,
    pub(crate) meter: Arc<dyn Meter>,
    /// The places for connections.
    pub(crate) places: Places,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Connections {
    /// Answers the requests of a connection, one after the other.
    pub(crate) async fn connection(self, tcp: TcpStream, peer: SocketAddr, place: Permit) {
        let held = (Connected::new(&self.meter), place);
        let mut gate = Gate::new(tcp, Arc::clone(&self.settings));
        let mut next = match self.shutdown.run_until_cancelled(gate.next()).await {
            Some(next) => next,
            None => return,
        };
        loop {
            next = match next {
                Next::Closed => return,
                Next::Plain => match self.plain(gate, peer).await {
                    Some((back, next)) => {
                        gate = back;
                        next
                    }
                    None => return,
                },
                Next::Refused(why) => {
                    let mut request = Request::new(Body::empty());
                    request.extensions_mut().insert(why);
                    let response = self.answer(request, peer).await;
                    if respond::respond(&mut gate, response, false).await.is_ok() {
                        linger(gate.into_socket()).await;
                    }
                    return;
                }
                Next::Stream(request, keep_alive) => {
                    let (parts, ()) = request.into_parts();
                    let mut request = Request::from_parts(parts, Body::empty());
                    let (sender, stream) = handover();
                    request.extensions_mut().insert(sender);
                    let response = self.answer(request, peer).await;
                    if let Some(stream) = stream.take() {
                        let (mut parts, _) = response.into_parts();
                        // It is the length of the empty body in place of the stream, and no length may accompany a
                        // coding (RFC 9112, section 6.2).
                        parts.headers.remove(header::CONTENT_LENGTH);
                        let opening = respond::head(&parts, Length::Chunked, false);
                        let tcp = gate.into_socket();
                        // A task of its own, so that the memory for reading requests is released.
                        let settings = Arc::clone(&self.settings);
                        self.tasks
                            .spawn(Writer::new(stream, tcp, opening, settings, held));
                        return;
                    }
                    let answered = respond::respond(&mut gate, response, keep_alive).await;
                    self.note_slow(&gate);
                    if answered.is_err() || !keep_alive {
                        return;
                    }
                    match self.shutdown.run_until_cancelled(gate.next()).await {
                        Some(next) => next,
                        None => return,
                    }
                }
            };
        }
    }

    /// Lets hyper answer until the connection ends, or until a request for a stream comes.
    async fn plain(&self, gate: Gate, peer: SocketAddr) -> Option<(Gate, Next)> {
        let exchange = gate.exchange();
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let exchange = Arc::clone(&exchange);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            let answer = router.clone().call(request);
            async move {
                let Ok(mut response) = answer.await;
                if exchange.is_last() {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response.map(|body| Answer { body, exchange }))
            }
        });
        // Boxed, so that a connection which is a stream from its first request on never allocates it.
        let mut connection = Box::pin(async move {
            let mut connection = http1::Builder::new()
                .header_read_timeout(None)
                .max_buf_size(CONNECTION_BUFFER)
                .serve_connection(gate, service);
            let mut stop = std::pin::pin!(self.shutdown.cancelled());
            let mut stopping = false;
            let result = std::future::poll_fn(|context| {
                if !stopping && stop.as_mut().poll(context).is_ready() {
                    stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                Pin::new(&mut connection).poll(context)
            })
            .await;
            (result, connection.into_parts().io)
        });
        let (result, mut gate) = connection.as_mut().await;
        if let Err(error) = result {
            debug!(%error, "a connection broke off");
            self.note_slow(&gate);
            return None;
        }
        match gate.take() {
            Some(next @ (Next::Stream(..) | Next::Refused(_))) => Some((gate, next)),
            _ => {
                if gate.is_sent_to() {
                    linger(gate.into_socket()).await;
                }
                None
            }
        }
    }

    /// Counts a reader that was closed for slowness.
    fn note_slow(&self, gate: &Gate) {
        if gate.gave_up() {
            self.meter.refused(Refusal::SlowReader);
        }
    }

    async fn answer(&self, mut request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        request.extensions_mut().insert(Peer(peer));
        let Ok(response) = self.router.clone().call(request).await;
        response
    }
}

pub(crate) fn prepare(tcp: &TcpStream) -> io::Result<()> {
    // An event is small and should leave at once.
    tcp.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT_BYTES)?;
    Ok(())
}

/// Closes a connection whose other end may still be writing: unread bytes would make the system discard the answer
/// ([RFC 9112, section 9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6)).
async fn linger(mut tcp: TcpStream) {
    let _ = SockRef::from(&tcp).shutdown(std::net::Shutdown::Write);
    let drain = async {
        let mut rest = [0; 4096];
        while tcp.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}

/// The body of a response that hyper writes; when it is dropped, the response is complete.
struct Answer {
    body: Body,
    exchange: Arc<Exchange>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> task::Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.exchange.end();
    }
}
