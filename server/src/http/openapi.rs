//! The OpenAPI description, generated from the code that serves the routes.

use market::EventKind;
use utoipa::{
    OpenApi,
    openapi::{
        Content, HeaderBuilder, ObjectBuilder, Ref, RefOr, ResponseBuilder,
        path::Operation,
        schema::Type,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use web::problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tickertape",
        description = "A live stock ticker: quotes and news on one ordered tape, streamed as Server-Sent Events.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(problem::Body<'static>))
)]
struct Description;

/// The description without its routes.
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    let mut document = Description::openapi();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", token);
    components.schemas.extend(EventKind::schemas());
    document
}

/// Every error answer is a problem, whichever the route, and any may come from the layers around the routes.
pub(crate) fn describe_problems(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, description) in [
        ("400", "The head of the request is malformed"),
        ("408", "The request did not arrive in time"),
        ("413", "The request brings a body that is too long"),
        ("421", "The request is for another host"),
        (
            "503",
            "Not yet, no longer, not in time, or too many streams are open",
        ),
    ] {
        responses.entry(status.to_owned()).or_insert_with(|| {
            let response = ResponseBuilder::new().description(description);
            RefOr::T(response.build())
        });
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if !status.starts_with(['4', '5']) || !response.content.is_empty() {
            continue;
        }
        let schema = Ref::from_schema_name("Problem");
        let content = RefOr::T(Content::new(Some(schema)));
        let problem = "application/problem+json".to_owned();
        response.content.insert(problem, content);
        if ["429", "503"].contains(&status.as_str()) {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer);
            let header = HeaderBuilder::new()
                .schema(Some(seconds))
                .description(Some("After how many seconds to try again"));
            let name = "Retry-After".to_owned();
            response.headers.insert(name, RefOr::T(header.build()));
        }
    }
}
