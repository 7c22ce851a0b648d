//! The HTTP client of polling feeds, against a server that plays responses and faults.

mod support;

use std::{io::Write, time::Duration};

use feeds::{
    FeedError,
    fetch::{FetchError, Fetcher, LIMIT, Page, Timeouts, USER_AGENT},
};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use reqwest::{Url, header};
use support::script::{Reply, Script, ok, status};

fn fetcher() -> Fetcher {
    // Long enough for a busy machine, short enough to wait for.
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(3),
        answer: Duration::from_secs(20),
    };
    Fetcher::new(USER_AGENT, timeouts).unwrap()
}

fn page(script: &Script, target: &str) -> Page {
    Page::new(script.url(target).parse().unwrap())
}

async fn error(replies: impl IntoIterator<Item = Reply>) -> FetchError {
    let script = Script::of(replies).await;
    let mut page = page(&script, "/feed?token=secret");
    let error = fetcher().get(&mut page).await.unwrap_err();
    assert!(!error.why.contains("secret"), "{error}");
    error
}

#[tokio::test]
async fn it_says_who_asks_and_asks_only_for_what_is_new() {
    let tagged = ok("one")
        .with("etag", "\"a\"")
        .with("last-modified", "Sat, 21 Nov 2026 06:00:00 GMT")
        .with("cache-control", "max-age=60")
        .with("content-type", "text/plain; charset=utf-8");
    let unchanged = status(304).with("cache-control", "max-age=30");
    let script = Script::of([tagged, unchanged, ok("two")]).await;
    let mut page = page(&script, "/feed").with_header(
        header::HeaderName::from_static("x-key"),
        header::HeaderValue::from_static("k"),
    );
    let fetcher = fetcher();

    let answer = fetcher.get(&mut page).await.unwrap();
    let document = answer.document.unwrap();
    assert_eq!(document.body, "one");
    assert_eq!(
        document.content_type.as_deref(),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.fresh, Some(Duration::from_secs(60)));

    let answer = fetcher.get(&mut page).await.unwrap();
    assert!(answer.document.is_none());
    assert_eq!(answer.fresh, Some(Duration::from_secs(30)));

    page.forget();
    let answer = fetcher.get(&mut page).await.unwrap();
    assert_eq!(answer.document.unwrap().body, "two");

    let requests = script.requests();
    for request in &requests {
        assert_eq!(request.header("user-agent"), USER_AGENT);
        assert_eq!(request.header("x-key"), "k");
        assert!(request.header("accept-encoding").contains("gzip"));
    }
    let validators = |request: &support::script::Requested| {
        (
            request.header("if-none-match").to_owned(),
            request.header("if-modified-since").to_owned(),
        )
    };
    assert_eq!(validators(&requests[0]), <(String, String)>::default());
    assert_eq!(
        validators(&requests[1]),
        (
            "\"a\"".to_owned(),
            "Sat, 21 Nov 2026 06:00:00 GMT".to_owned()
        )
    );
    assert_eq!(validators(&requests[2]), <(String, String)>::default());
}

#[tokio::test]
async fn what_is_compressed_is_unpacked_and_counted_as_what_it_becomes() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        ok(encoder.finish().unwrap()).with("content-encoding", "gzip")
    };
    let script = Script::of([gzip(b"small"), gzip(&vec![0; LIMIT + 1])]).await;
    let mut page = page(&script, "/");
    let answer = fetcher().get(&mut page).await.unwrap();
    assert_eq!(answer.document.unwrap().body, "small");
    let error = fetcher().get(&mut page).await.unwrap_err();
    assert!(error.why.contains("longer than 8388608 bytes"), "{error}");
}

#[tokio::test]
async fn deflate_is_unpacked_with_and_without_its_wrapping() {
    let text = b"some text, some more text".repeat(10);
    let zlib = |bytes: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let raw = |bytes: &[u8]| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let deflate = |body: Vec<u8>| ok(body).with("content-encoding", "deflate");
    let whole = zlib(&text);
    let script = Script::of([
        deflate(whole.clone()),
        deflate(raw(&text)),
        ok(text.clone()).with("content-encoding", "identity"),
        deflate(whole[..whole.len() / 2].to_vec()),
        deflate(zlib(&vec![0; LIMIT + 1])),
        ok(b"x").with("content-encoding", "br"),
        ok(b"x").with("content-encoding", "zstd"),
        ok(b"x").with("content-encoding", "gzip, br"),
    ])
    .await;
    let mut page = page(&script, "/feed");
    let fetcher = fetcher();
    for _ in 0..3 {
        let answer = fetcher.get(&mut page).await.unwrap();
        assert_eq!(answer.document.unwrap().body, text);
    }
    for words in [
        "cannot be unpacked as Deflate",
        "longer than",
        "Content-Encoding \"br\": expected gzip, deflate or none",
        "Content-Encoding \"zstd\"",
        "Content-Encoding \"gzip, br\"",
    ] {
        let error = fetcher.get(&mut page).await.unwrap_err();
        assert!(error.why.contains(words), "{words}: {error}");
        assert!(!error.is_fatal);
    }
}

#[tokio::test]
async fn what_is_too_long_is_not_read_to_its_end() {
    let huge = ok(vec![b' '; 10 << 20]);
    let full = ok(vec![b' '; LIMIT]);
    for reply in [huge, Reply::Endless] {
        let error = error([reply]).await;
        assert!(error.why.contains("longer than 8388608 bytes"), "{error}");
        assert!(!error.is_fatal && error.wait.is_some(), "{error:?}");
    }
    let script = Script::of([full]).await;
    let answer = fetcher().get(&mut page(&script, "/")).await.unwrap();
    assert_eq!(answer.document.unwrap().body.len(), LIMIT);
}

#[tokio::test]
async fn a_refusal_is_final_until_the_address_has_answered_once() {
    for (code, is_fatal, words) in [
        (401, true, "the key is missing or wrong"),
        (403, true, "may not read it"),
        (404, true, "check the address"),
        (410, true, "gone for good"),
        (400, true, "does not take the request"),
        (408, false, "408"),
        (429, false, "too often"),
        (500, false, "500"),
        (503, false, "503"),
        (304, false, "304"),
    ] {
        let first = error([status(code)]).await;
        assert_eq!(first.status.unwrap().as_u16(), code);
        assert_eq!(first.is_fatal, is_fatal, "{first:?}");
        assert!(first.why.contains(words), "{first}");
        assert!(first.why.contains("/feed answers"), "{first}");

        let script = Script::of([ok(""), status(code)]).await;
        let mut page = page(&script, "/");
        fetcher().get(&mut page).await.unwrap();
        let later = fetcher().get(&mut page).await.unwrap_err();
        assert_eq!(later.is_fatal, code == 410, "{later:?}");
        if is_fatal && code != 410 {
            assert_eq!(later.wait, Some(Duration::from_secs(600)));
        }
    }
}

#[tokio::test]
async fn a_source_that_asks_for_time_is_given_it() {
    let wait = |error: FetchError| match FeedError::from(error) {
        FeedError::Later { wait, .. } => wait,
        other => panic!("{other:?}"),
    };
    let seconds = Duration::from_secs;
    let limited = status(429).with("retry-after", "17");
    assert_eq!(wait(error([limited]).await), seconds(17));
    let dated = status(503)
        .with("retry-after", "Sat, 21 Nov 2026 06:02:00 GMT")
        .with("date", "Sat, 21 Nov 2026 06:00:00 GMT");
    assert_eq!(wait(error([dated]).await), seconds(120));
    assert_eq!(wait(error([status(429)]).await), seconds(60));
    let paced = error([status(429)]).await.paced(seconds(90));
    assert_eq!(wait(paced), seconds(90));
    assert_eq!(
        wait(error([status(500)]).await.paced(seconds(5))),
        seconds(5)
    );
    let plain = FeedError::from(error([status(500)]).await);
    assert!(matches!(plain, FeedError::Transient(_)), "{plain:?}");
}

#[tokio::test]
async fn a_redirect_is_followed_on_its_host_alone() {
    let script = Script::new(|request| match request.target.as_str() {
        "/old" => status(301).with("location", "/new?a=1"),
        "/new?a=1" => ok("here"),
        "/round" => status(302).with("location", "/round"),
        "/nowhere" => status(302),
        "/away" => status(301).with("location", "http://127.0.0.2:1/feed?key=1"),
        "/port" => status(301).with("location", "http://127.0.0.1:1/feed"),
        "/file" => status(301).with("location", "file:///etc/passwd"),
        other => panic!("{other}"),
    })
    .await;
    let mut old = page(&script, "/old");
    let answer = fetcher().get(&mut old).await.unwrap();
    assert_eq!(answer.document.unwrap().body, "here");
    for (target, words) in [
        ("/round", "redirects more than 5 times"),
        ("/nowhere", "redirects to nowhere"),
        (
            "/away",
            "redirects to http://127.0.0.2:1/feed: if that is right",
        ),
        (
            "/port",
            "redirects to http://127.0.0.1:1/feed: if that is right",
        ),
    ] {
        let error = fetcher().get(&mut page(&script, target)).await.unwrap_err();
        assert!(error.why.contains(words), "{target}: {error}");
        assert!(!error.why.contains("key=1"), "{error}");
    }
    assert!(fetcher().get(&mut page(&script, "/file")).await.is_err());
}

#[tokio::test]
async fn faults_of_the_wire_are_said_in_words() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
    for (reply, words) in [
        (Reply::Silence, "nothing came for 3s"),
        (Reply::Stall(b"half".to_vec()), "nothing came for 3s"),
        (Reply::Bytes(Vec::new()), "no whole answer of"),
        (
            Reply::Bytes(b"\0\xff\xfe garbage".to_vec()),
            "no whole answer of",
        ),
        (
            Reply::Bytes(format!("{head}half").into_bytes()),
            "no whole answer of",
        ),
        (
            Reply::Answer(
                200,
                vec![("content-encoding".to_owned(), "gzip".to_owned())],
                b"no".to_vec(),
            ),
            "no whole answer of",
        ),
    ] {
        let shown = format!("{reply:?}");
        let error = error([reply]).await;
        assert!(error.why.contains(words), "{shown}: {error}");
        assert!(!error.is_fatal, "{error:?}");
    }

    let script = Script::of([ok("")]).await;
    let url: Url = script.url("/").parse().unwrap();
    drop(script);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = port.local_addr().unwrap().port();
    drop(port);
    let mut gone = url.clone();
    gone.set_port(Some(free)).unwrap();
    let error = fetcher().get(&mut Page::new(gone)).await.unwrap_err();
    assert!(error.why.contains("no connection to"), "{error}");
}
