use std::{future::Future, sync::Arc};

use front::{Front, Settings};
use tokio::net::TcpListener;

use crate::{
    Metrics,
    http::{self, Service},
};

/// Serves as [`front::serve`] does: until `service.shutdown` is cancelled and everything has ended in order.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    settings: Settings,
    feeds: impl Future<Output = ()>,
) {
    let front = Front {
        meter: Arc::<Metrics>::clone(&service.metrics),
        proxies: service.proxies.clone(),
        tape: service.tape.clone(),
        shutdown: service.shutdown.clone(),
        closing: service.closing.clone(),
        router: http::router(service),
    };
    front::serve(listener, front, settings, feeds).await;
}
