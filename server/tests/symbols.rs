//! Symbols as venues write them, from `POST /publish` to the page.

mod support;

use std::sync::Arc;

use clap::Parser;
use publishers::{PublishGate, TokenGrant};
use server::Config;
use support::{START, Server, problem, symbol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TOKEN: &str = "the-token-of-the-desk";

/// Symbols of venues, encoded in an address, and in the HTML of the page.
const SYMBOLS: [(&str, &str, &str); 21] = [
    ("ABR$D", "ABR%24D", "ABR$D"),
    ("AGM$A", "AGM%24A", "AGM$A"),
    ("ACHR+", "ACHR%2B", "ACHR+"),
    ("AAC=", "AAC%3D", "AAC="),
    ("BAC-A#", "BAC-A%23", "BAC-A#"),
    ("PHGE^", "PHGE%5E", "PHGE^"),
    ("T%*", "T%25%2A", "T%*"),
    ("ZVZZT~", "ZVZZT%7E", "ZVZZT~"),
    ("ECM!", "ECM%21", "ECM!"),
    ("PP@", "PP%40", "PP@"),
    ("ZVZZ.T", "ZVZZ.T", "ZVZZ.T"),
    ("BRK/A", "BRK%2FA", "BRK/A"),
    ("BRK-A", "BRK-A", "BRK-A"),
    ("M&M.NS", "M%26M.NS", "M&amp;M.NS"),
    ("ES=F", "ES%3DF", "ES=F"),
    ("^GSPC", "%5EGSPC", "^GSPC"),
    ("10USY.B", "10USY.B", "10USY.B"),
    ("BTC/USDT", "BTC%2FUSDT", "BTC/USDT"),
    ("BTC/USDT:USDT", "BTC%2FUSDT%3AUSDT", "BTC/USDT:USDT"),
    ("@107", "%40107", "@107"),
    (
        "币安人生USDT",
        "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT",
        "币安人生USDT",
    ),
];

fn server() -> Server {
    let grant = TokenGrant::new("desk", TOKEN).unwrap();
    let argument = format!("--publish-token={grant}");
    let config = Config::try_parse_from(["tickertape", &argument]).unwrap();
    Server::set(|service| service.desk = Arc::new(PublishGate::new(&config.publish)))
}

async fn publish(server: &Server, lines: String) -> reqwest::Response {
    let address = format!("http://{}/publish", server.address);
    let request = server.client.post(address).bearer_auth(TOKEN);
    let request = request.header("content-type", "application/x-ndjson");
    request.body(lines).send().await.unwrap()
}

/// A server to which each of the symbols was published, in lower case, with its place as its price.
async fn published() -> Server {
    let server = server();
    let minute = START / 60_000 * 60_000;
    let lines = SYMBOLS.iter().enumerate().map(|(place, (name, ..))| {
        let name = name.to_lowercase();
        format!(
            r#"{{"event":"session","data":{{"symbol":"{name}","name":"No. {place}","source":"desk","quality":"live","state":"open"}}}}
{{"event":"quote","data":{{"symbol":"{name}","time":{START},"price":"{place}.5"}}}}
{{"event":"bar","data":{{"symbol":"{name}","start":{minute},"open":"1","high":"2","low":"1","close":"2","volume":"10","trades":1}}}}
{{"event":"news","data":{{"id":"desk:{place}","type":"headline","basis":"native","symbols":["{name}"],"headline":"Of {place}","source":"desk","published":{START}}}}}"#
        )
    });
    let answer = publish(&server, lines.collect::<Vec<_>>().join("\n")).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    server
}

#[tokio::test]
async fn each_is_quoted_charted_searched_and_shown_at_its_address() {
    let server = published().await;
    for (place, (name, encoded, html)) in SYMBOLS.into_iter().enumerate() {
        let address = format!("/stocks/{encoded}");
        let quote = server.json(&address).await;
        assert_eq!(quote["symbol"], name);
        assert_eq!(quote["price"], format!("{place}.5"));
        let bars = server.json(&format!("{address}/bars")).await;
        assert_eq!(bars["bars"][0]["symbol"], name);
        let csv = server.get(&format!("{address}/bars?format=csv"), &[]).await;
        let file = csv.headers()["content-disposition"].to_str().unwrap();
        assert!(!file["attachment; ".len()..].contains(['/', ':', '%']) || !name.is_ascii());
        let chart = server.get(&format!("{address}/chart.svg"), &[]).await;
        assert_eq!(chart.status(), 200, "{name}");
        let chart = chart.text().await.unwrap();
        assert!(chart.contains(&format!("{html} No. {place}")), "{name}");

        let (_, snapshot) = server.stream(&address, &[]).await.snapshot().await;
        assert_eq!(snapshot.quotes.len(), 1);
        assert_eq!(snapshot.quotes[0].symbol, symbol(name));
        assert_eq!(snapshot.news[0].symbols, [symbol(name)]);
        let found = server.json(&format!("/symbols?q={encoded}&limit=1")).await;
        assert_eq!(found["symbols"][0]["symbol"], name);
        let news = server.json(&format!("/news?symbols={encoded}")).await;
        assert_eq!(news["news"][0]["headline"], format!("Of {place}"));

        let page = server.get(&address, &[("accept", "text/html")]).await;
        assert_eq!(page.status(), 200, "{name}");
        let page = page.text().await.unwrap();
        let (_, title) = page.split_once("<title>").unwrap();
        let title = title.split("</title>").next().unwrap();
        // In a title, an ampersand need not be a reference.
        assert!(title.replace('&', "&amp;").contains(html), "{title}");
        assert!(page.contains(&format!("href=\"{address}\"")), "{address}");
        assert!(page.contains(&format!("data-symbol=\"{html}\"")), "{html}");
    }
}

#[tokio::test]
async fn all_of_them_are_named_in_one_list() {
    let server = published().await;
    let list = SYMBOLS.map(|(_, encoded, _)| encoded).join(",");
    let quotes = server.json(&format!("/stocks?symbols={list}")).await;
    let names: Vec<&str> = quotes
        .as_array()
        .unwrap()
        .iter()
        .map(|quote| quote["symbol"].as_str().unwrap())
        .collect();
    assert_eq!(names, SYMBOLS.map(|(name, ..)| name));
    let mut stream = server.stream(&format!("/stocks?symbols={list}"), &[]).await;
    let (_, snapshot) = stream.snapshot().await;
    assert_eq!(snapshot.quotes.len(), SYMBOLS.len());
    let line =
        format!(r#"{{"event":"quote","data":{{"symbol":"ACHR+","time":{START},"price":"3"}}}}"#);
    assert_eq!(publish(&server, line).await.status(), 200);
    assert_eq!(stream.event().await.1, support::quote("ACHR+", "3"));
    // A page with a list of its own keeps it in its links.
    let page = server.get(
        "/stocks?symbols=ACHR%2B,M%26M.NS",
        &[("accept", "text/html")],
    );
    let page = page.await.text().await.unwrap();
    assert!(page.contains("href=\"/stocks/M%26M.NS?symbols=ACHR%2B,M%26M.NS\""));
}

#[tokio::test]
async fn a_plus_sign_in_a_list_is_of_the_symbol_or_parts_two() {
    let server = published().await;
    for (list, expected) in [
        ("ACHR+", &["ACHR+"][..]),
        ("achr%2B", &["ACHR+"]),
        ("BRK%2FA,+ACHR+", &["BRK/A", "ACHR+"]),
        ("BRK/A%2C%20M%26M.NS", &["BRK/A", "M&M.NS"]),
    ] {
        let quotes = server.json(&format!("/stocks?symbols={list}")).await;
        let quotes = quotes.as_array().unwrap().clone();
        let names: Vec<&str> = quotes
            .iter()
            .map(|quote| quote["symbol"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{list}");
    }
}

#[tokio::test]
async fn a_slash_that_is_not_encoded_is_said_and_names_that_are_none_are_refused() {
    let server = published().await;
    let answer = problem(server.get("/stocks/BRK/A", &[]).await, 404).await;
    assert_eq!(
        answer["detail"],
        "/stocks/BRK/A is not served here: try / or /stocks/GOOG; a slash within a symbol is %2F: /stocks/BRK%2FA"
    );
    // Feeds name pairs with a dash; with a slash they are other symbols.
    let answer = problem(server.get("/stocks/BTC%2FUSD", &[]).await, 404).await;
    let detail = answer["detail"].as_str().unwrap();
    assert!(
        detail.contains("BTC/USD") && detail.contains("BTC/USDT"),
        "{detail}"
    );
    for (address, shown) in [
        ("/stocks/BAC%20PRL", r#""BAC PRL" is not a symbol"#),
        ("/stocks/A%2F..%2FB", r#""A/../B" is not a symbol"#),
        ("/stocks/*", r#""*" is not a symbol"#),
        ("/stocks/A%E2%80%AEB", r#""A\u{202e}B" is not a symbol"#),
        ("/stocks/A,B", r#""A,B" is not a symbol"#),
        ("/stocks?symbols=GOOG,%3Cb%3E", r#""<b>" is not a symbol"#),
    ] {
        let answer = problem(server.get(address, &[]).await, 400).await;
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.starts_with(shown), "{detail}");
        assert!(
            detail.contains("expected 1 to 24 letters, digits and"),
            "{detail}"
        );
    }
    let before = server.tape.stats();
    let line = r#"{"event":"quote","data":{"symbol":"BAC PRL","time":1,"price":"3"}}"#;
    let answer = problem(publish(&server, line.to_owned()).await, 422).await;
    let error = &answer["errors"][0];
    assert_eq!(error["pointer"], "/data/symbol", "{answer}");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains(r#""BAC PRL" is not a symbol"#), "{detail}");
    assert_eq!(server.tape.stats(), before);
}

/// An address has only ASCII bytes, so raw bytes of UTF-8 are invalid.
#[tokio::test]
async fn an_address_in_utf_8_is_read_percent_encoded_and_refused_plain() {
    let server = published().await;
    let address = server.address;
    let ask = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = ask("/stocks/币安人生usdt").await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
    assert!(answer.contains("expected it as %E5"), "{answer}");
    let answer = ask("/stocks/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(r#""symbol":"币安人生USDT""#), "{answer}");
}

#[tokio::test]
async fn in_csv_no_symbol_is_a_formula() {
    let server = published().await;
    let csv = server
        .get("/symbols?q=%40107&limit=1&format=csv", &[])
        .await;
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().nth(1), Some("'@107,No. 19,,,,true,false"));
    let csv = server.get("/news?symbols=%40107&format=csv", &[]).await;
    assert!(csv.text().await.unwrap().contains(",'@107,"));
}
