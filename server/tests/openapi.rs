//! The OpenAPI description equals the server's behaviour.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use support::{Server, bar, news, problem};

/// The files with which a browser installs the page, at stable addresses.
const INSTALLED: [&str; 9] = [
    "/icon-192.png",
    "/icon-512.png",
    "/icon-maskable-512.png",
    "/icon.svg",
    "/manifest.webmanifest",
    "/offline",
    "/offline.css",
    "/offline.js",
    "/sw.js",
];

/// Routes that are not described: the page's files, whose names change with each build.
const FILES: &str = "/pkg";

/// The paths of the router, from its debug output. It is not made for this; in an unexpected form it yields none, and
/// the tests below fail.
fn routed(routes: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some((_, paths)) = routes.split_once("paths: {") {
        // The text between two quotes is a path, and the map ends outside of them.
        for (n, text) in paths.split('"').enumerate() {
            if n % 2 == 1 {
                found.insert(text.to_owned());
            } else if text.contains('}') {
                break;
            }
        }
    }
    found
}

async fn document(server: &Server) -> Value {
    server.json("/openapi.json").await
}

/// The methods of each path of the description.
fn described(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            (path.clone(), methods.map(|m| m.to_uppercase()).collect())
        })
        .collect()
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let server = Server::start().listed();
    let routes = format!("{:?}", server::http::router(support::service(1)));
    let routed: BTreeSet<String> = routed(&routes)
        .into_iter()
        .filter(|path| path != FILES && !path.starts_with(&format!("{FILES}/")))
        .filter(|path| !INSTALLED.contains(&&**path))
        .collect();
    let described = described(&document(&server).await);
    assert!(routed.contains("/stocks/{symbol}"), "{routes}");
    assert_eq!(routed, described.keys().cloned().collect());
}

#[tokio::test]
async fn every_method_is_described_and_the_others_are_refused_by_name() {
    let server = Server::start().listed();
    for (template, mut methods) in described(&document(&server).await) {
        let path = template.replace("{symbol}", "GOOG");
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let address = format!("http://{}{path}", server.address);
            let request = server.client.request(method.parse().unwrap(), address);
            let response = request.send().await.unwrap();
            let status = response.status();
            if methods.contains(method) {
                assert_ne!(status, 405, "{method} {path}");
                let unknown_path = method == "GET"
                    && status == 404
                    && response
                        .text()
                        .await
                        .unwrap()
                        .contains("is not served here");
                assert!(!unknown_path, "{method} {path}");
                continue;
            }
            let allowed: BTreeSet<String> = response.headers()["allow"]
                .to_str()
                .unwrap()
                .split(',')
                .map(|method| method.trim().to_owned())
                .collect();
            assert_eq!(allowed, methods, "{method} {path}");
            if method == "HEAD" {
                continue;
            }
            let problem = problem(response, 405).await;
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(method), "{detail}");
        }
    }
}

/// Fails if a value does not match its description.
#[track_caller]
fn check(document: &Value, schema: &Value, instance: &Value) {
    let schema = json!({ "components": document["components"], "allOf": [schema] });
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {instance}");
}

#[tokio::test]
async fn answers_are_what_the_description_says() {
    let server = Server::start().listed();
    let seen = server.position();
    server.append(news("test:1", "GOOG"));
    server.append(bar("GOOG", 0));
    let document = document(&server).await;
    for (template, path, status) in [
        ("/stocks/{symbol}", "/stocks/GOOG".to_owned(), 200),
        (
            "/stocks/{symbol}",
            format!("/stocks/GOOG?after={seen}"),
            200,
        ),
        ("/stocks/{symbol}", "/stocks/GOOG?after=1-1".to_owned(), 200),
        ("/stocks/{symbol}", "/stocks/NOPE".to_owned(), 404),
        ("/stocks/{symbol}", "/stocks/A%20B".to_owned(), 400),
        ("/stocks", "/stocks?symbols=*".to_owned(), 200),
        ("/stocks", format!("/stocks?symbols=*&after={seen}"), 200),
        ("/stocks", "/stocks".to_owned(), 400),
        ("/stocks/{symbol}/bars", "/stocks/GOOG/bars".to_owned(), 200),
        (
            "/stocks/{symbol}/bars",
            "/stocks/GOOG/bars?limit=x".to_owned(),
            400,
        ),
        (
            "/stocks/{symbol}/bars",
            "/stocks/GOOG/bars?interval=5m".to_owned(),
            200,
        ),
        (
            "/stocks/{symbol}/bars",
            "/stocks/GOOG/bars?interval=1s".to_owned(),
            404,
        ),
        (
            "/stocks/{symbol}/chart.svg",
            "/stocks/GOOG/chart.svg?range=2D".to_owned(),
            400,
        ),
        ("/news", "/news".to_owned(), 200),
        ("/news", "/news?before=x".to_owned(), 400),
        ("/symbols", "/symbols?q=go".to_owned(), 200),
        ("/symbols", "/symbols?limit=x".to_owned(), 400),
        ("/stats", "/stats".to_owned(), 200),
        ("/openapi.json", "/openapi.json".to_owned(), 200),
    ] {
        let response = server.get(&path, &[]).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        let described = &document["paths"][template]["get"]["responses"][status.to_string()];
        let schema = &described["content"][&kind]["schema"];
        assert!(schema.is_object(), "{path}: {kind} in {described}");
        check(&document, schema, &answer);
    }
}

#[tokio::test]
async fn events_are_what_the_description_says() {
    let server = Server::start().listed();
    let document = document(&server).await;
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    server.append(news("test:1", "GOOG"));
    server.append(bar("GOOG", 0));
    for name in ["Snapshot", "News", "Bar"] {
        let message = stream.message().await.unwrap();
        assert!(message.name.eq_ignore_ascii_case(name), "{}", message.name);
        let data: Value = serde_json::from_str(&message.data).unwrap();
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        check(&document, &schema, &data);
    }
}

#[tokio::test]
#[should_panic(expected = "price")]
async fn a_wrong_answer_would_be_noticed() {
    let server = Server::start().listed();
    let document = document(&server).await;
    let schema = json!({ "$ref": "#/components/schemas/Quote" });
    let wrong = json!({ "symbol": "GOOG", "time": 1, "price": 597.32 });
    check(&document, &schema, &wrong);
}

#[tokio::test]
async fn every_error_of_the_description_is_a_problem() {
    let server = Server::start();
    let document = document(&server).await;
    assert_eq!(document["openapi"].as_str().map(|v| &v[..3]), Some("3.1"));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(method.parse::<Method>().is_ok());
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let words = response["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{path} {status}");
                if status.as_str() >= "400" {
                    let content = &response["content"]["application/problem+json"];
                    let schema = &content["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/Problem", "{path} {status}");
                }
            }
        }
    }
}
