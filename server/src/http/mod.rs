//! HTTP: a file a resource. Every resource reads the tape through cursors and views alone.

mod accept;
mod conditional;
mod health;
mod market_view;
mod page;
mod poll;
mod problem;
mod publish;
mod security;
mod selection;
mod snapshots;
mod stocks;
pub(crate) mod stream;

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{OriginalUri, Request},
    http::{HeaderValue, Method, header},
    middleware::{self, Next, map_response_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use leptos::config::LeptosOptions;
use market::{FeedStatus, Millis};
use tokio_util::sync::CancellationToken;
use tower::{ServiceBuilder, service_fn};
use tower_http::{
    compression::CompressionLayer,
    services::ServeDir,
    set_header::SetResponseHeaderLayer,
    trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer},
};
use tracing::Level;

use self::problem::Problem;
use crate::{Closing, Now, Tape, publish::Desk};

pub use self::{security::FrameAncestors, snapshots::Snapshots, stream::HEARTBEAT};

/// Tells how each feed is doing, in the order of the configuration.
pub type FeedStatuses = Arc<dyn Fn() -> Vec<FeedStatus> + Send + Sync>;

/// The other end of the connection that a request came on, as an extension of the request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// An extension of a request that could not be read: why. Whatever else it seems to ask for, it is
/// answered with that.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub(crate) String);

/// What the resources share.
pub struct Service {
    /// What they read.
    pub tape: Tape,
    /// How the feeds are doing.
    pub feeds: FeedStatuses,
    /// The time.
    pub clock: Now,
    /// How long a stream may be silent before it says that it lives: [`HEARTBEAT`].
    pub heartbeat: Duration,
    /// How long a stream lasts at the most, then its client comes back; shortened at random.
    pub lifetime: Option<Duration>,
    /// Where publications come in.
    pub desk: Arc<Desk>,
    /// Is cancelled when shutdown begins: nobody new is wanted, and long polls are answered.
    pub shutdown: CancellationToken,
    /// Ends the streams.
    pub closing: Closing,
    /// What the streams of the last moment opened with.
    pub snapshots: Snapshots,
    /// Where the page's files are and how they are called.
    pub leptos: LeptosOptions,
    /// Who may show the page in a frame.
    pub frame_ancestors: FrameAncestors,
}

impl Service {
    fn now(&self) -> Millis {
        (self.clock)()
    }

    fn feed_statuses(&self) -> Vec<FeedStatus> {
        (self.feeds)()
    }
}

/// Everything that is served.
pub fn router(service: Service) -> Router {
    let service = Arc::new(service);
    // The page's rendering spawns on this; an error says that it has been set before.
    let _ = any_spawner::Executor::init_tokio();
    let security = security::Headers::new(&service.frame_ancestors, &service.leptos);
    let site = Path::new(&*service.leptos.site_root).to_owned();
    let package = &*service.leptos.site_pkg_dir;
    // The names of these files change with their content.
    let assets = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            |response: &axum::http::Response<_>| {
                let value = if response.status().is_success() {
                    "public, max-age=31536000, immutable"
                } else {
                    "no-cache"
                };
                Some(HeaderValue::from_static(value))
            },
        ))
        // One address has up to three encodings, and a cache in between must keep them apart.
        .layer(SetResponseHeaderLayer::overriding(
            header::VARY,
            HeaderValue::from_static("accept-encoding"),
        ))
        .service(
            ServeDir::new(site.join(package))
                .precompressed_br()
                .precompressed_gzip()
                .append_index_html_on_directories(false)
                .call_fallback_on_method_not_allowed(true)
                .fallback(service_fn(no_asset)),
        );
    Router::new()
        .route("/", get(page::home))
        .route("/stocks", get(stocks::several))
        .route("/stocks/{symbol}", get(stocks::one))
        .route("/stocks/{symbol}/bars", get(stocks::bars))
        .route(
            "/publish",
            post(publish::publish).fallback(publish::only_post),
        )
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .nest_service(&format!("/{package}"), assets)
        .fallback(page::fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(refuse))
        // Pages and JSON. It leaves alone what is compressed already, and event streams, whose events
        // would wait in it.
        .layer(CompressionLayer::new())
        .layer(map_response_with_state(security, security::protect))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(Level::DEBUG))
                .on_response(DefaultOnResponse::new().level(Level::DEBUG)),
        )
        .with_state(service)
}

/// Answers what could not be read.
async fn refuse(mut request: Request, next: Next) -> Response {
    match request.extensions_mut().remove::<Refused>() {
        Some(Refused(why)) => Problem::Malformed(why).into_response(),
        None => next.run(request).await,
    }
}

/// What is asked of the assets and is not there, or with another method than theirs.
async fn no_asset(request: Request) -> Result<Response, Infallible> {
    let problem = match *request.method() {
        Method::GET | Method::HEAD => {
            let path = match request.extensions().get::<OriginalUri>() {
                Some(OriginalUri(original)) => original.path(),
                None => request.uri().path(),
            };
            Problem::UnknownPath(path.to_owned())
        }
        _ => not_get(&request),
    };
    Ok(problem.into_response())
}

async fn method_not_allowed(request: Request) -> Response {
    not_get(&request).into_response()
}

fn not_get(request: &Request) -> Problem {
    Problem::MethodNotAllowed {
        method: request.method().to_string(),
        allowed: "GET, HEAD",
    }
}
