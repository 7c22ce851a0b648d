use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use tracing::{debug, warn};

use crate::{Metrics, http::Peer};

/// How many connections may wait to be accepted: a whole audience that comes back after a restart.
/// The usual 128 make the rest wait for TCP's retransmission, a second and more.
const BACKLOG: u32 = 4096;

/// What hyper may hold of a response that the socket does not take, and of a request's head. Bytes
/// that wait here are old prices by the time that they are read.
const CONNECTION_BUFFER: usize = 64 * 1024;

/// How long the head of a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connections may take to end once shutdown has begun.
const GRACE: Duration = Duration::from_millis(1_500);

/// Listens at an address.
///
/// # Errors
/// When the address is taken, or not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown` is cancelled and the connections have ended, or the grace period has.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let connections = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER);
    let mut stop = pin!(shutdown.cancelled());
    let mut refused = 0_u64;
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most often: those who are connected go on, and
                    // the next ones wait in the backlog until somebody leaves. That may take
                    // hours, which must not fill the log.
                    refused += 1;
                    if refused.is_power_of_two() {
                        warn!(%error, count = refused, "could not accept a connection");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // An event is small and wants to leave at once.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "could not set TCP_NODELAY");
        }
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service));
        let gauge = metrics.connected();
        tokio::spawn(async move {
            let _gauge = gauge;
            if let Err(error) = connection.await {
                debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    let left = connections.count();
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        warn!(
            connections = left,
            "some connections did not end within the grace period"
        );
    }
}
