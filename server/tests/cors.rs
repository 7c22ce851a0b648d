//! Pages of other origins may read if that is allowed, and only read.

mod support;

use reqwest::{Method, Response};
use server::http::Origin;

use support::{Server, quote};

const FRIEND: &str = "https://friend.example";
const STRANGER: &str = "https://stranger.example";

fn allowing(origins: &[&str]) -> Server {
    let origins: Vec<Origin> = origins
        .iter()
        .map(|origin| origin.parse().unwrap())
        .collect();
    Server::set(|service| service.origins = origins).listed()
}

fn values(response: &Response, name: &str) -> Vec<String> {
    let values = response.headers().get_all(name).iter();
    let mut names: Vec<String> = values
        .flat_map(|value| value.to_str().unwrap().split(','))
        .map(|value| value.trim().to_ascii_lowercase())
        .collect();
    names.sort();
    names
}

async fn preflight(server: &Server, path: &str, origin: &str, method: &str) -> Response {
    let address = format!("http://{}{path}", server.address);
    let request = server
        .client
        .request(Method::OPTIONS, address)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "last-event-id");
    request.send().await.unwrap()
}

#[tokio::test]
async fn nobody_is_allowed_by_default() {
    let server = Server::start().listed();
    let response = server.get("/stocks/GOOG", &[("origin", FRIEND)]).await;
    assert_eq!(response.status(), 200);
    assert!(values(&response, "access-control-allow-origin").is_empty());
    assert_eq!(values(&response, "vary"), ["accept", "accept-encoding"]);
    let refused = preflight(&server, "/stocks/GOOG", FRIEND, "GET").await;
    assert_eq!(refused.status(), 405);
    assert!(values(&refused, "access-control-allow-origin").is_empty());
}

#[tokio::test]
async fn whoever_is_listed_may_read() {
    let server = allowing(&[FRIEND, "https://other.example"]);
    for (path, accept, status) in [
        ("/stocks/GOOG", "application/json", 200),
        ("/stocks/GOOG", "text/event-stream", 200),
        ("/stocks/NOPE", "application/json", 404),
        ("/stats", "application/json", 200),
        ("/openapi.json", "application/json", 200),
    ] {
        for (origin, allowed) in [(FRIEND, &[FRIEND][..]), (STRANGER, &[])] {
            let headers = [("accept", accept), ("origin", origin)];
            let response = server.get(path, &headers).await;
            assert_eq!(response.status(), status, "{path}");
            let got = values(&response, "access-control-allow-origin");
            assert_eq!(got, allowed, "{path} {accept} {origin}");
            let vary = values(&response, "vary");
            assert!(vary.contains(&"origin".to_owned()), "{path}: {vary:?}");
            if path.starts_with("/stocks") {
                assert!(vary.contains(&"accept".to_owned()), "{path}: {vary:?}");
            }
            assert!(values(&response, "access-control-allow-credentials").is_empty());
            let exposed = values(&response, "access-control-expose-headers");
            let expected = [
                "etag",
                "link",
                "retry-after",
                "unknown-symbols",
                "x-request-id",
            ];
            assert_eq!(exposed, expected);
        }
    }
    let headers = [("accept", "text/event-stream"), ("origin", FRIEND)];
    let mut stream = server.stream("/stocks/GOOG", &headers[1..]).await;
    stream.snapshot().await;
    server.append(quote("GOOG", "598.00"));
    assert_eq!(stream.event().await.1, quote("GOOG", "598.00"));
}

#[tokio::test]
async fn a_preflight_allows_what_a_reader_needs() {
    let server = allowing(&[FRIEND]);
    let response = preflight(&server, "/stocks/GOOG", FRIEND, "GET").await;
    assert_eq!(response.status(), 200);
    assert_eq!(values(&response, "access-control-allow-origin"), [FRIEND]);
    assert_eq!(
        values(&response, "access-control-allow-methods"),
        ["get", "head"]
    );
    assert_eq!(
        values(&response, "access-control-allow-headers"),
        ["accept", "cache-control", "if-none-match", "last-event-id"]
    );
    assert_eq!(values(&response, "access-control-max-age"), ["7200"]);
    assert_eq!(values(&response, "vary"), ["origin"]);
    let stranger = preflight(&server, "/stocks/GOOG", STRANGER, "GET").await;
    assert!(values(&stranger, "access-control-allow-origin").is_empty());
}

#[tokio::test]
async fn everybody_may_read_where_that_is_said() {
    let server = allowing(&["*"]);
    for origin in [FRIEND, STRANGER] {
        let response = server.get("/stocks/GOOG", &[("origin", origin)]).await;
        assert_eq!(values(&response, "access-control-allow-origin"), ["*"]);
        assert_eq!(values(&response, "vary"), ["accept", "accept-encoding"]);
    }
}

#[tokio::test]
async fn nobody_may_publish_from_a_page() {
    for origins in [&["*"][..], &[FRIEND]] {
        let server = allowing(origins);
        for path in ["/publish", "/pkg/tickertape.js"] {
            let response = preflight(&server, path, FRIEND, "POST").await;
            assert!(
                values(&response, "access-control-allow-origin").is_empty(),
                "{path}"
            );
            assert!(
                values(&response, "access-control-allow-methods").is_empty(),
                "{path}"
            );
            let address = format!("http://{}{path}", server.address);
            let request = server.client.post(address).header("origin", FRIEND);
            let response = request.send().await.unwrap();
            assert!(!response.status().is_success(), "{path}");
            assert!(
                values(&response, "access-control-allow-origin").is_empty(),
                "{path}"
            );
        }
    }
}
