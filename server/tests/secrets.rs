//! Keys of feeds are in no log, at any level, and in no status.

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use feeds::{
    Feed,
    sources::{
        alpaca::{Endpoint, Options, Stocks, Stories, StoriesOptions},
        finnhub::{self, Finnhub},
    },
};
use market::FeedState;
use server::discreet;
use support::{
    script::{Script, status},
    secrets::Kept,
    socket_server::{SocketServer, Stage},
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

const NOW: u64 = 1_721_833_230_000;
const KEY: &str = "PKTESTKEYofTheLog";
const SECRET: &str = "s3cr3tOfTheLog";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn keys_are_in_no_log_and_no_status() {
    let written = Written::default();
    let writer = written.clone();
    tracing_subscriber::fmt()
        .with_env_filter("trace".parse::<EnvFilter>().unwrap())
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
        .with(discreet())
        .init();
    let kept = [Kept::new("log-key", KEY), Kept::new("log-secret", SECRET)];
    let [key, secret] = [kept[0].secret(), kept[1].secret()];
    let symbols = vec!["AAPL".parse().unwrap()];

    // One after the other, through a login that works and one that is refused.
    let server = SocketServer::bind().await;
    let options = Options {
        symbols: symbols.clone(),
        feed: Endpoint::Iex,
        key: key.clone(),
        secret: secret.clone(),
        url: Some(server.url("/v2/iex").parse().unwrap()),
    };
    assert!(!format!("{options:?}").contains(KEY));
    play(&server, Box::new(Stocks::new(options)), true).await;

    let archive = Script::of([status(401)]).await;
    let options = StoriesOptions {
        symbols: symbols.clone(),
        backfill: 50,
        key: key.clone(),
        secret,
        rest: archive.url("/news").parse().unwrap(),
        url: server.url("/v1beta1/news").parse().unwrap(),
    };
    play(&server, Box::new(Stories::new(options)), false).await;
    assert_eq!(
        archive.wait_for_requests(1).await[0].header("apca-api-key-id"),
        KEY
    );

    let options = finnhub::Options {
        symbols,
        key,
        url: server.url("/").parse().unwrap(),
    };
    let stage = Stage::at(NOW, vec![Box::new(Finnhub::new(options))]);
    let mut socket = server.accept().await;
    assert!(socket.path.contains(KEY));
    socket.receive().await;
    socket
        .text(format!(
            r#"{{"type":"error","msg":"Invalid symbol {KEY}"}}"#
        ))
        .await;
    socket.settled().await;
    socket.close(1000, "bye").await;
    server
        .answer("401 Unauthorized", "", "Invalid API key")
        .await;
    stage.reaches(FeedState::Failed).await;
    silent(&stage);
    stage.end().await;

    let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("Invalid symbol …"), "the log is written");
    for hidden in [KEY, SECRET] {
        let line = written.lines().find(|line| line.contains(hidden));
        assert_eq!(line, None, "a secret is in the log");
    }
}

/// Lets the feed log in until it fails; `refuses` with an answer that repeats the credentials.
async fn play(server: &SocketServer, feed: Box<dyn Feed>, refuses: bool) {
    let stage = Stage::at(NOW, vec![feed]);
    let mut socket = server.accept().await;
    socket.text(r#"[{"T":"success","msg":"connected"}]"#).await;
    socket.receive().await;
    socket
        .text(r#"[{"T":"success","msg":"authenticated"}]"#)
        .await;
    socket.receive().await;
    socket.text(r#"[{"T":"subscription"}]"#).await;
    if refuses {
        let error = format!(r#"[{{"T":"error","code":402,"msg":"{KEY} and {SECRET}"}}]"#);
        socket.text(error).await;
    }
    stage.reaches(FeedState::Failed).await;
    silent(&stage);
    stage.end().await;
}

fn silent(stage: &Stage) {
    let statuses = format!("{:?}", stage.statuses.current());
    assert!(
        !statuses.contains(KEY) && !statuses.contains(SECRET),
        "{statuses}"
    );
}
