//! Accepting connections: as many as there are places and files for, and without a pause for the others when one of
//! them fails.

use std::{
    fs::File,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::FutureExt as _;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, warn};

use crate::{
    connection::{Connections, prepare},
    meter::Refusal,
    places::{Full, Permit},
};

/// How long to stop accepting when nothing else helps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// After how many failures in a row to do so, whatever they are.
const MAX_FAILURES: u32 = 64;

impl Connections {
    pub(super) async fn accept(&self, listener: &TcpListener) {
        let mut spare = spare();
        let mut failures = 0_u32;
        let mut refused = 0_u64;
        loop {
            let error = match listener.accept().await {
                Ok((tcp, peer)) => {
                    failures = 0;
                    self.accepted(tcp, peer);
                    continue;
                }
                Err(error) => error,
            };
            // A connection that is gone again need not be reported; the next one may be fine.
            if is_exhausted(&error) {
                // A waiting client is accepted with the spare file and closed, so that it notices. That may go on for
                // hours, which must not fill the log.
                refused += 1;
                if retry::is_logged(refused, 1) {
                    warn!(%error, count = refused, "could not accept a connection");
                }
                drop(spare.take());
                if let Some(Ok(_)) = listener.accept().now_or_never() {
                    self.meter.refused(Refusal::Connections);
                    failures = 0;
                }
                spare = self::spare();
            } else {
                debug!(%error, "a connection was gone before it was accepted");
            }
            failures += 1;
            match failures < MAX_FAILURES {
                true => tokio::task::yield_now().await,
                false => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn accepted(&self, tcp: TcpStream, peer: SocketAddr) {
        let Some(place) = self.place(peer.ip().to_canonical()) else {
            return;
        };
        if let Err(error) = prepare(&tcp) {
            debug!(%error, "could not set the options of a socket");
        }
        self.tasks.spawn(self.clone().connection(tcp, peer, place));
    }

    /// A place for a connection. A proxy's places are those of all its clients.
    fn place(&self, peer: IpAddr) -> Option<Permit> {
        let counted = (!self.proxies.trust(peer)).then_some(peer);
        let refusal = match self.places.take(counted, 1) {
            Ok(place) => return Some(place),
            Err(Full::All) => Refusal::Connections,
            Err(Full::Address) => Refusal::ConnectionsOfAddress,
        };
        debug!(%peer, ?refusal, "closed a connection that is one too many");
        self.meter.refused(refusal);
        None
    }
}

/// A file that is closed to accept a connection when there is no other.
fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether files or memory are exhausted: the next connection would fail as well.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_is_gone_is_no_reason_to_wait() {
        for (errno, is) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOBUFS, true),
            (Errno::NOMEM, true),
            (Errno::CONNABORTED, false),
            (Errno::PERM, false),
            (Errno::PROTO, false),
            (Errno::HOSTUNREACH, false),
        ] {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            assert_eq!(is_exhausted(&error), is, "{error}");
        }
    }
}
