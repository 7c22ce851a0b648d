//! Unchanged content is not sent again: entity tags and `If-None-Match`.

mod support;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use events::{Entry, Tape, Topic};
use market::{Bar, Event};
use serde_json::Value;
use tower::ServiceExt;

use support::{START, quote, service, session, symbol};

struct Server {
    tape: Tape,
    router: Router,
}

impl Server {
    /// A server with a window of so many bars, and a price of GOOG and AAPL.
    fn new(window: usize) -> Self {
        let service = service(window);
        let tape = service.tape.clone();
        let router = server::http::router(service);
        let server = Server { tape, router };
        server.quote("GOOG", "597.32");
        server.quote("AAPL", "226.80");
        server
    }

    fn append(&self, event: Event) {
        let conflation_key = Topic::conflation_key(&event);
        self.tape
            .append(START, &Topic::of(&event), conflation_key.as_ref(), |id| {
                Entry::new(id, event)
            });
    }

    fn quote(&self, name: &str, price: &str) {
        self.append(quote(name, price));
    }

    fn bar(&self, name: &str, minute: u64) {
        let price = "597.32".parse().unwrap();
        self.append(Event::Bar(Bar {
            symbol: symbol(name),
            start: START / 60_000 * 60_000 + minute * 60_000,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: "100".parse().unwrap(),
            vwap: None,
            trades: 1,
        }));
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, held: &str) -> Response<Body> {
        self.send(Method::GET, path, &[("if-none-match", held)])
            .await
    }

    /// The current tag of a path.
    async fn tag(&self, path: &str) -> String {
        let response = self.send(Method::GET, path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        header(&response, "etag").to_owned()
    }

    /// Whether a client with a tag gets 304.
    async fn is_held(&self, path: &str, tag: &str) -> bool {
        match self.get(path, tag).await.status() {
            StatusCode::OK => false,
            StatusCode::NOT_MODIFIED => true,
            other => panic!("{path} with {tag}: {other}"),
        }
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value
        .unwrap_or_else(|| panic!("no {name} in {:?}", response.headers()))
        .to_str()
        .unwrap()
}

async fn body(response: Response<Body>) -> Vec<u8> {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    body.to_vec()
}

const PATHS: [&str; 5] = [
    "/stocks/GOOG",
    "/stocks?symbols=GOOG,AAPL",
    "/stocks?symbols=*",
    "/stocks/GOOG/bars",
    "/stocks/GOOG/bars?limit=1",
];

#[tokio::test]
async fn what_a_client_holds_is_not_sent_again() {
    let server = Server::new(100);
    server.bar("GOOG", 0);
    for path in PATHS {
        let full = server.send(Method::GET, path, &[]).await;
        let tag = header(&full, "etag").to_owned();
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");

        for method in [Method::GET, Method::HEAD] {
            let headers = [("if-none-match", &*tag)];
            let short = server.send(method.clone(), path, &headers).await;
            assert_eq!(short.status(), StatusCode::NOT_MODIFIED, "{method} {path}");
            for name in ["etag", "vary", "cache-control"] {
                assert_eq!(header(&short, name), header(&full, name), "{path}: {name}");
            }
            assert!(!short.headers().contains_key("content-type"), "{path}");
            assert_eq!(body(short).await, b"", "{method} {path}");
        }
        assert!(!body(full).await.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn every_form_of_the_header_is_understood() {
    let server = Server::new(100);
    let tag = server.tag("/stocks/GOOG").await;
    let strong = tag.trim_start_matches("W/");
    for held in [
        strong.to_owned(),
        "*".to_owned(),
        format!("\"other\", {tag}"),
        format!("W/\"a,b\" ,{strong}"),
    ] {
        assert!(server.is_held("/stocks/GOOG", &held).await, "{held}");
    }
    for held in ["\"other\"", "W/\"\"", "malformed", strong.trim_matches('"')] {
        assert!(!server.is_held("/stocks/GOOG", held).await, "{held}");
    }
    let headers = [("if-none-match", "\"a\""), ("if-none-match", &*tag)];
    let response = server.send(Method::GET, "/stocks/GOOG", &headers).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "in two lines");
    // A missing resource is held by no client.
    let unknown = server.get("/stocks/NOPE", "*").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_tag_changes_with_what_it_is_of_and_with_nothing_else() {
    let server = Server::new(100);
    server.bar("GOOG", 0);
    let goog = server.tag("/stocks/GOOG").await;
    let both = server.tag("/stocks?symbols=GOOG,AAPL").await;
    let all = server.tag("/stocks?symbols=*").await;
    let bars = server.tag("/stocks/GOOG/bars").await;

    server.quote("AAPL", "226.90");
    assert!(server.is_held("/stocks/GOOG", &goog).await);
    assert!(server.is_held("/stocks/GOOG/bars", &bars).await);
    assert!(!server.is_held("/stocks?symbols=GOOG,AAPL", &both).await);
    assert!(!server.is_held("/stocks?symbols=*", &all).await);

    server.quote("GOOG", "597.40");
    let response = server.get("/stocks/GOOG", &goog).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_ne!(header(&response, "etag"), goog);
    let quote: Value = serde_json::from_slice(&body(response).await).unwrap();
    assert_eq!(quote["price"], "597.40");

    server.bar("GOOG", 1);
    assert!(!server.is_held("/stocks/GOOG/bars", &bars).await);
}

#[tokio::test]
async fn bars_that_leave_the_window_change_the_tag() {
    let server = Server::new(2);
    server.bar("GOOG", 0);
    server.bar("GOOG", 1);
    let path = "/stocks/GOOG/bars?limit=10";
    let before = server.tag(path).await;
    // Another symbol's bar replaces the oldest.
    server.bar("AAPL", 0);
    assert!(!server.is_held(path, &before).await);
}

#[tokio::test]
async fn a_quote_that_is_not_on_the_tape_has_no_tag() {
    let server = Server::new(100);
    server.append(session("EMPTY"));
    for path in [
        "/stocks/EMPTY",
        "/stocks?symbols=GOOG,EMPTY",
        "/stocks?symbols=*",
    ] {
        let response = server.get(path, "*").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(!response.headers().contains_key("etag"), "{path}");
    }
}

#[tokio::test]
async fn compressed_and_plain_bytes_share_a_weak_tag() {
    let server = Server::new(100);
    for minute in 0..50 {
        server.bar("GOOG", minute);
    }
    let path = "/stocks/GOOG/bars";
    let plain = server.tag(path).await;
    let headers = [("accept-encoding", "gzip")];
    let response = server.send(Method::GET, path, &headers).await;
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert_eq!(header(&response, "etag"), plain);
    assert_eq!(response.headers().get_all("vary").iter().count(), 1);
    let headers = [("accept-encoding", "gzip"), ("if-none-match", &*plain)];
    let response = server.send(Method::GET, path, &headers).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert!(!response.headers().contains_key("content-encoding"));
    assert!(header(&response, "vary").contains("accept-encoding"));
}

#[tokio::test]
async fn polls_and_pages_have_no_tag() {
    let server = Server::new(100);
    let poll = server.get("/stocks/GOOG?after=1-1", "*").await;
    assert_eq!(poll.status(), StatusCode::OK);
    assert!(!poll.headers().contains_key("etag"));
    let headers = [("accept", "text/html"), ("if-none-match", "*")];
    let page = server.send(Method::GET, "/stocks/GOOG", &headers).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(!page.headers().contains_key("etag"));
}
