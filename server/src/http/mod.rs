//! HTTP: a file a resource. Every resource reads the tape through cursors and views alone.

mod accept;
mod admission;
mod asked;
mod bars;
mod chart;
mod compression;
mod conditional;
mod cors;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod installed;
mod limits;
mod market_view;
mod metrics;
mod news;
mod openapi;
mod outgoing;
mod page;
mod plus_signs;
mod poll;
mod problem;
mod publish;
mod remembered;
mod request;
mod security;
mod selection;
mod snapshots;
mod stats;
mod stocks;
mod stream;
mod symbols;
mod work;

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{OriginalUri, Request},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response_with_state},
    response::{IntoResponse, Response},
};
use leptos::config::LeptosOptions;
use market::{FeedStatus, Millis, Symbol};
use tokio_util::sync::CancellationToken;
use tower::{ServiceBuilder, service_fn};
use tower_http::{
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    services::ServeDir,
    set_header::SetResponseHeaderLayer,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{problem::Problem, selection::Symbols};
use crate::Metrics;
use clock::Now;
use events::{Closing, Tape};
use feeds::Skipped;
use front::{Proxies, Refused};
use history::{History, Past, Scribe, Unreadable};
use publishers::PublishGate;

#[cfg(any(test, fuzzing))]
pub(crate) use self::conditional::fuzz_tags;
pub use self::{
    cors::Origin,
    limits::{Limits, Slots},
    outgoing::Outgoing,
    remembered::Remembered,
    security::FrameAncestors,
    snapshots::Snapshots,
    stream::HEARTBEAT,
    symbols::Search,
    work::Work,
};

/// Tells how each feed is doing, in the order of the configuration.
pub type FeedStatuses = Arc<dyn Fn() -> Vec<FeedStatus> + Send + Sync>;

/// Tells what each feed has passed over, in the same order.
pub type FeedsSkipped = Arc<dyn Fn() -> Vec<Skipped> + Send + Sync>;

/// What the resources share.
pub struct Service {
    /// What they read.
    pub tape: Tape,
    /// What was before that.
    pub history: History,
    /// What is listed, on the tape or not.
    pub search: Search,
    /// What the archive has of symbols that nothing quotes.
    pub remembered: Remembered,
    /// Runs what would hold up the threads that serve.
    pub work: Work,
    /// How the feeds are doing.
    pub feeds: FeedStatuses,
    /// What they have passed over.
    pub skipped: FeedsSkipped,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How much one request may ask for.
    pub limits: Limits,
    /// The places for streams.
    pub slots: Slots,
    /// What is on its way besides streams.
    pub outgoing: Outgoing,
    /// Whom to believe where a request comes from.
    pub proxies: Proxies,
    /// Whose pages may read.
    pub origins: Vec<Origin>,
    /// The time.
    pub clock: Now,
    /// How long a stream may be silent before it says that it lives: [`HEARTBEAT`].
    pub heartbeat: Duration,
    /// How long a stream lasts at the most, then its client comes back; shortened at random.
    pub lifetime: Option<Duration>,
    /// What writes history, where that is done.
    pub archive: Option<Scribe>,
    /// Where publications come in.
    pub desk: Arc<PublishGate>,
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

    /// Reads what was, as [`History::read`] does.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] where it cannot be read: an answer from the tape alone would look as
    /// if there had been nothing before.
    async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(Option<&dyn Past>) -> Result<R, Unreadable> + Send + 'static,
    ) -> Result<R, Problem> {
        self.history.read(read).await.map_err(|_| {
            Problem::Unavailable(
                "the archive cannot be read at the moment: try again, the live stream goes on"
                    .to_owned(),
            )
        })
    }

    /// Those of some symbols that are not known, once they have been looked up.
    fn unknown(&self, symbols: &Symbols) -> Vec<Symbol> {
        market_view::unknown(&self.tape, &self.remembered, symbols)
    }

    fn feed_statuses(&self) -> Vec<FeedStatus> {
        let mut statuses = (self.feeds)();
        statuses.extend(self.archive.as_ref().and_then(Scribe::feed_status));
        statuses
    }

    /// How each feed is doing, and what it has passed over.
    fn feed_counts(&self) -> Vec<(FeedStatus, Skipped)> {
        let skipped = (self.skipped)();
        let skipped = skipped
            .into_iter()
            .chain(std::iter::repeat(Skipped::default()));
        self.feed_statuses().into_iter().zip(skipped).collect()
    }
}

/// Everything that is served.
pub fn router(service: Service) -> Router {
    let service = Arc::new(service);
    let request_id = HeaderName::from_static(request::REQUEST_ID);
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
        .layer(from_fn_with_state(
            Arc::clone(&service),
            outgoing::bound_files,
        ))
        .service(
            ServeDir::new(site.join(package))
                .precompressed_br()
                .precompressed_gzip()
                .append_index_html_on_directories(false)
                .call_fallback_on_method_not_allowed(true)
                .fallback(service_fn(no_asset)),
        );
    let around = ServiceBuilder::new()
        .layer(map_response_with_state(security, security::protect))
        .layer(from_fn_with_state(Arc::clone(&service), request::distrust))
        .layer(SetRequestIdLayer::new(request_id.clone(), request::MakeId))
        .layer(PropagateRequestIdLayer::new(request_id))
        .layer(from_fn_with_state(Arc::clone(&service), request::observe))
        .layer(from_fn_with_state(Arc::clone(&service), request::in_time));
    // What is said to other methods comes first, so that the layers are around it too.
    let mut reading = Router::from(reading())
        .merge(installed::router(&site.join(package)))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(from_fn_with_state(Arc::clone(&service), outgoing::bound))
        .route_layer(from_fn_with_state(
            Arc::clone(&service),
            request::without_body,
        ));
    if let Some(cors) = cors::layer(&service.origins) {
        reading = reading.route_layer(cors);
    }
    let publishing = Router::from(publishing()).method_not_allowed_fallback(publish::only_post);
    reading
        .merge(publishing)
        .nest_service(&format!("/{package}"), assets)
        .fallback(page::fallback)
        .layer(from_fn(refuse))
        .layer(compression::fast())
        .layer(compression::well())
        .layer(around)
        .with_state(service)
}

/// Answers what could not be read.
async fn refuse(mut request: Request, next: Next) -> Response {
    match request.extensions_mut().remove::<Refused>() {
        Some(Refused::Malformed(why)) => Problem::Malformed(why).into_response(),
        Some(Refused::Misdirected(why)) => Problem::Misdirected(why).into_response(),
        Some(Refused::NotImplemented(why)) => Problem::NotImplemented(why).into_response(),
        None => next.run(request).await,
    }
}

/// All routes, with their description.
fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(openapi::description())
        .merge(reading())
        .merge(publishing())
}

/// The routes that only read: pages of other origins may use them, where that is allowed, and a
/// request to one needs no body.
fn reading() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(stocks::home))
        .routes(routes!(stocks::several))
        .routes(routes!(stocks::one))
        .routes(routes!(bars::bars))
        .routes(routes!(chart::chart))
        .routes(routes!(news::news))
        .routes(routes!(symbols::symbols))
        .routes(routes!(stats::stats))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::openapi))
}

/// The route that writes: no page of another origin may use it.
fn publishing() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(publish::publish))
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
