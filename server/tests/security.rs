//! The security headers of answers of every kind.

mod support;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use events::{Entry, Topic};
use leptos::config::LeptosOptions;
use server::http::{FrameAncestors, Service};
use tower::ServiceExt;

use support::{START, quote, service};

/// A server with GOOG, and a folder with one asset.
struct Site {
    router: Router,
    folder: std::path::PathBuf,
}

impl Site {
    fn new(name: &str, frame_ancestors: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tickertape-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("pkg")).unwrap();
        std::fs::write(folder.join("pkg/tickertape.css"), "body{}").unwrap();
        let service = service(100);
        let quote = quote("GOOG", "597.32");
        service.tape.append(
            START,
            &Topic::of(&quote),
            Topic::conflation_key(&quote).as_ref(),
            |id| Entry::new(id, quote.clone()),
        );
        let router = server::http::router(Service {
            leptos: LeptosOptions::builder()
                .output_name("tickertape")
                .site_root(folder.to_string_lossy())
                .site_pkg_dir("pkg")
                .build(),
            frame_ancestors: frame_ancestors.parse().unwrap(),
            ..service
        });
        Site { router, folder }
    }

    async fn ask(&self, method: Method, path: &str, accept: &str) -> Response<Body> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .body(Body::empty())
            .unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn page(&self, path: &str) -> (String, String) {
        let response = self.ask(Method::GET, path, "text/html").await;
        let policy = header(&response, "content-security-policy").to_owned();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (policy, String::from_utf8(body.to_vec()).unwrap())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    let values: Vec<_> = response.headers().get_all(name).iter().collect();
    match &values[..] {
        [value] => value.to_str().unwrap(),
        other => panic!("{name} is {other:?}: expected one"),
    }
}

/// The sources of a directive.
fn directive<'a>(policy: &'a str, name: &str) -> Vec<&'a str> {
    let mut directives = policy.split(';').map(str::trim);
    let found = directives.find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' '));
    found
        .unwrap_or_else(|| panic!("no {name} in {policy}"))
        .split(' ')
        .collect()
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let site = Site::new("every", "none");
    for (method, path, accept, status) in [
        (Method::GET, "/", "text/html", 200),
        (Method::HEAD, "/stocks/GOOG", "text/html", 200),
        (Method::GET, "/stocks/GOOG", "application/json", 200),
        (Method::GET, "/stocks/GOOG", "text/event-stream", 200),
        (Method::GET, "/stocks/GOOG/bars", "application/json", 200),
        (Method::GET, "/health/live", "*/*", 200),
        (Method::POST, "/publish", "application/json", 403),
        (Method::GET, "/publish", "application/json", 405),
        (Method::GET, "/stats", "application/json", 200),
        (Method::GET, "/metrics", "*/*", 200),
        (Method::GET, "/openapi.json", "*/*", 200),
        (Method::GET, "/pkg/tickertape.css", "text/css", 200),
        (Method::GET, "/sw.js", "*/*", 200),
        (Method::HEAD, "/offline.js", "*/*", 200),
        (Method::POST, "/sw.js", "*/*", 405),
        (Method::GET, "/pkg/nothing.css", "text/css", 404),
        (Method::POST, "/pkg/tickertape.css", "*/*", 405),
        (Method::GET, "/stocks/GOOGX", "application/json", 404),
        (Method::GET, "/stocks/GOOGX", "text/html", 404),
        (Method::GET, "/nowhere", "application/json", 404),
        (Method::GET, "/nowhere", "text/html", 404),
        (Method::GET, "/stocks/GOOG", "image/png", 406),
        (Method::DELETE, "/stocks/GOOG", "*/*", 405),
        (Method::GET, "/stocks/%FF", "application/json", 400),
    ] {
        let response = site.ask(method.clone(), path, accept).await;
        let what = format!("{method} {path} as {accept}");
        assert_eq!(response.status().as_u16(), status, "{what}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(header(&response, name), value, "{what}: {name}");
        }
        assert!(header(&response, "permissions-policy").contains("camera=()"));
        let policy = header(&response, "content-security-policy");
        assert!(!policy.contains("unsafe-inline"), "{what}: {policy}");
        for name in ["default-src", "base-uri", "frame-ancestors"] {
            assert_eq!(directive(policy, name), ["'none'"], "{what}");
        }
        // The search of a page is a form if there is no script.
        let kind = response.headers().get("content-type");
        let is_page = kind.is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html"));
        let form = if is_page { "'self'" } else { "'none'" };
        assert_eq!(directive(policy, "form-action"), [form], "{what}");
    }
}

#[tokio::test]
async fn a_page_runs_its_own_scripts_alone() {
    let site = Site::new("nonce", "none");
    let (policy, html) = site.page("/stocks/GOOG").await;
    let [own, nonce, wasm] = directive(&policy, "script-src")[..] else {
        panic!("{policy}");
    };
    assert_eq!((own, wasm), ("'self'", "'wasm-unsafe-eval'"));
    let nonce = nonce
        .strip_prefix("'nonce-")
        .and_then(|nonce| nonce.strip_suffix('\''))
        .unwrap();
    // 128 bits in base64.
    assert!(nonce.len() >= 22, "{nonce}");
    assert_eq!(directive(&policy, "style-src"), ["'self'"]);
    assert_eq!(directive(&policy, "connect-src"), ["'self'"]);
    assert_eq!(directive(&policy, "img-src"), ["'self'", "data:"]);

    // Every script of the page may run, or is data.
    let scripts: Vec<&str> = html.split("<script").skip(1).collect();
    assert!(scripts.len() >= 3, "{html}");
    for script in scripts {
        let tag = &script[..script.find('>').unwrap()];
        let runs = tag.contains(&format!("nonce=\"{nonce}\""));
        assert!(runs || tag.contains("type=\"application/json\""), "{tag}");
    }

    let (other, _) = site.page("/stocks/GOOG").await;
    assert_ne!(other, policy, "a nonce is used once");
}

#[tokio::test]
async fn nothing_inline_is_drawn_that_the_policy_blocks() {
    let site = Site::new("inline", "none");
    for path in ["/", "/stocks/GOOG", "/stocks/GOOGX", "/nowhere"] {
        let (_, html) = site.page(path).await;
        // Of every tag, so that texts which happen to read alike do not count.
        for tag in html.split('<').skip(1) {
            let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
            assert!(!tag.starts_with("style"), "{path}: {tag}");
            assert!(!tag.contains(" style="), "{path}: {tag}");
            assert!(!tag.contains("javascript:"), "{path}: {tag}");
            let handler = tag.split_ascii_whitespace().skip(1).find(|attribute| {
                let name = attribute.split('=').next().unwrap_or_default();
                name.starts_with("on") && attribute.contains('=')
            });
            assert_eq!(handler, None, "{path}: {tag}");
        }
    }
}

#[tokio::test]
async fn frames_are_for_those_who_are_named() {
    let site = Site::new("frames", "self https://wall.example.org");
    let response = site.ask(Method::GET, "/", "text/html").await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = header(&response, "content-security-policy");
    assert_eq!(
        directive(policy, "frame-ancestors"),
        ["'self'", "https://wall.example.org"]
    );
    // The older header cannot express it, and would refuse them.
    assert!(!response.headers().contains_key("x-frame-options"));

    let site = Site::new("own-frames", &FrameAncestors::default().to_string());
    let response = site.ask(Method::GET, "/", "text/html").await;
    assert_eq!(header(&response, "x-frame-options"), "DENY");
}

#[tokio::test]
async fn what_is_installed_is_asked_about_each_time_and_may_only_ask_its_server() {
    let site = Site::new("installed", "none");
    for (path, content_type) in [
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/offline", "text/html; charset=utf-8"),
        ("/offline.css", "text/css; charset=utf-8"),
        ("/offline.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/icon-192.png", "image/png"),
    ] {
        let response = site.ask(Method::GET, path, "*/*").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "content-type"), content_type);
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
        let policy = header(&response, "content-security-policy");
        for name in ["script-src", "style-src", "connect-src"] {
            assert_eq!(directive(policy, name), ["'self'"], "{path}: {name}");
        }
        assert_eq!(directive(policy, "default-src"), ["'none'"], "{path}");
    }
    let (policy, _) = site.page("/stocks/GOOG").await;
    assert_eq!(directive(&policy, "manifest-src"), ["'self'"]);
    assert_eq!(directive(&policy, "worker-src"), ["'self'"]);
}
