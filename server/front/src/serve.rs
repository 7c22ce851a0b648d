//! Listening and serving, from the first connection to an orderly end.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::warn;

use crate::{client::Proxies, connection::Connections, meter::Meter, room, settings::Settings};
use events::{Closing, Tape, wake_streams};

/// How many connections may wait to be accepted: all clients that come back after a restart. With the usual 128 the
/// rest would wait for TCP's retransmission, a second and more.
const BACKLOG: u32 = 4096;

/// The time over which streams end at shutdown, per stream, up to half of the grace period.
const SPREAD: Duration = Duration::from_millis(1);

/// Listens at an address.
///
/// # Errors
/// If the address is taken, or not this machine's.
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

/// The service and its connections.
pub struct Front {
    /// Answers the requests.
    pub router: Router,
    /// Counts the connections.
    pub meter: Arc<dyn Meter>,
    /// The trusted proxies.
    pub proxies: Proxies,
    /// The tape of the streams. Its cursors are woken here.
    pub tape: Tape,
    /// Cancelled when shutdown begins.
    pub shutdown: CancellationToken,
    /// Ends the streams.
    pub closing: Closing,
}

/// Serves until `front.shutdown` is cancelled and the connections have ended, or the grace period has.
///
/// It ends in order: no new connection is accepted; `feeds`, which is awaited then, ends; the streams send the last
/// events of the feeds and end; the connections close.
pub async fn serve(
    listener: TcpListener,
    front: Front,
    settings: Settings,
    feeds: impl Future<Output = ()>,
) {
    let Front {
        tape,
        shutdown,
        closing,
        ..
    } = front;
    let connections = Connections {
        meter: front.meter,
        places: room::places(&settings),
        proxies: Arc::new(front.proxies),
        router: front.router,
        settings: Arc::new(settings),
        shutdown: shutdown.clone(),
        tasks: TaskTracker::new(),
    };
    let _waking = AbortOnDropHandle::new(tokio::spawn(wake_streams(tape.clone())));
    shutdown
        .run_until_cancelled(connections.accept(&listener))
        .await;
    drop(listener);
    feeds.await;
    let grace = connections.settings.grace;
    let streams = u32::try_from(tape.stats().cursors).unwrap_or(u32::MAX);
    closing.begin(&tape, SPREAD.saturating_mul(streams).min(grace / 2));
    connections.tasks.close();
    if tokio::time::timeout(grace, connections.tasks.wait())
        .await
        .is_err()
    {
        warn!(
            connections = connections.tasks.len(),
            "some connections did not end within the grace period"
        );
    }
}
