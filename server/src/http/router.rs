//! The router: the routes and the layers around them.

use std::{convert::Infallible, path::Path, sync::Arc};

use axum::{
    Router,
    extract::{OriginalUri, Request},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response_with_state},
    response::{IntoResponse, Response},
};
use front::Refused;
use tower::{ServiceBuilder, service_fn};
use tower_http::{
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    services::ServeDir,
    set_header::SetResponseHeaderLayer,
};
use web::{compression, problem::Problem};

use crate::http::{
    bounds, cors,
    headers::REQUEST_ID,
    installed, page, publish, request,
    routes::{publishing, reading},
    security,
    service::Service,
};

/// All routes.
pub fn router(service: Service) -> Router {
    let service = Arc::new(service);
    let request_id = HeaderName::from_static(REQUEST_ID);
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
        // One address has up to three encodings, which caches must keep apart.
        .layer(SetResponseHeaderLayer::overriding(
            header::VARY,
            HeaderValue::from_static("accept-encoding"),
        ))
        .layer(from_fn_with_state(
            Arc::clone(&service),
            bounds::bound_files,
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
    // The answers to other methods come first, so that the layers are around them too.
    let mut reading = Router::from(reading())
        .merge(installed::router(&site.join(package)))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(from_fn_with_state(Arc::clone(&service), bounds::bound))
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

/// Answers requests with an invalid head.
async fn refuse(mut request: Request, next: Next) -> Response {
    match request.extensions_mut().remove::<Refused>() {
        Some(Refused::Malformed(why)) => Problem::Malformed(why).into_response(),
        Some(Refused::Misdirected(why)) => Problem::Misdirected(why).into_response(),
        Some(Refused::NotImplemented(why)) => Problem::NotImplemented(why).into_response(),
        None => next.run(request).await,
    }
}

/// The answer to requests for missing assets, or with another method than theirs.
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
