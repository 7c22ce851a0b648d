//! The routes, and their description.

use std::sync::{Arc, LazyLock};

use axum::{
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{problem::Problem, query};

use crate::http::{
    bars, chart, health, metrics, news, openapi, publish, service::Service, stats, stocks, symbols,
};

/// All routes, with their description.
pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(openapi::description())
        .merge(reading())
        .merge(publishing())
}

/// The routes that only read: pages of other origins may use them, if allowed, and a request to one needs no body.
pub(crate) fn reading() -> OpenApiRouter<Arc<Service>> {
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
        .routes(routes!(description))
}

/// The route that writes: no page of another origin may use it.
pub(crate) fn publishing() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(publish::publish))
}

/// The complete description.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut document = routes().into_openapi();
    for item in document.paths.paths.values_mut() {
        let methods = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
        ];
        for operation in methods.into_iter().flatten() {
            openapi::describe_problems(operation);
        }
    }
    document.to_pretty_json().unwrap_or_default()
});

/// The description, as [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0).
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses(
        (status = 200, description = "The description", body = Object, content_type = "application/json"),
        (status = 400, description = "The address has a parameter"),
    )
)]
pub(crate) async fn description(uri: Uri) -> Result<Response, Problem> {
    let query::Nothing {} = query::strict(&uri)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, DOCUMENT.as_str()).into_response())
}
