//! A recording of what a feed receives, and its replay has the same results.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use feeds::{Feed, FeedSpec, Recorded};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use market::{FeedState, News, Quality};
use serde_json::Value;
use server::{RecordOptions, record};
use support::{
    script::{Reply, Requested, Script, ok, status},
    socket_server::{self, Dialogue, SocketServer, within},
    stage,
};
use tokio::{task::JoinHandle, time::sleep};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tickertape-{}-{name}", std::process::id()));
        // A folder of a killed process with the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(feed: &str, file: &Path) -> RecordOptions {
    RecordOptions {
        feed: feed.parse().unwrap(),
        file: file.to_owned(),
        time: None,
        max_bytes: None,
        overwrite: false,
    }
}

struct Recording {
    stop: CancellationToken,
    task: JoinHandle<Result<(Recorded, String), String>>,
}

impl Recording {
    fn start(options: RecordOptions) -> Self {
        let stop = CancellationToken::new();
        let token = stop.clone();
        let task = tokio::spawn(async move { record(options, &token).await });
        Recording { stop, task }
    }

    /// Lets the source act, which it can only while the recording runs.
    async fn of<T>(&mut self, source: impl Future<Output = T>) -> T {
        tokio::select! {
            done = source => done,
            ended = &mut self.task => panic!("the recording has ended: {ended:?}"),
        }
    }

    async fn end(self) -> (Recorded, String) {
        self.stop.cancel();
        within(self.task).await.unwrap().unwrap()
    }
}

fn feed(text: &str) -> Box<dyn Feed> {
    text.parse::<FeedSpec>().unwrap().build(1).unwrap()
}

fn lines(file: &Path) -> Vec<Value> {
    let bytes = fs::read(file).unwrap();
    let text = match file.extension().is_some_and(|end| end == "gz") {
        true => std::io::read_to_string(MultiGzDecoder::new(&bytes[..])).unwrap(),
        false => String::from_utf8(bytes).unwrap(),
    };
    let read = |line| serde_json::from_str(line).unwrap();
    text.lines().map(read).collect()
}

fn trade(second: u64, price: &str) -> String {
    let time = 1_723_161_240_000 + second * 1_000;
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"s":"BTCUSDT","t":{second},"p":"{price}","q":"0.0200","T":{time}}}}}"#
    )
}

/// Two connections, of which the first one breaks off, and everything that can be received.
async fn play(server: &SocketServer) -> Dialogue {
    let mut first = server.accept().await;
    first.text(r#"{"result":null,"id":1}"#).await;
    first.text(trade(1, "61837.6300")).await;
    first.text("half a fr").await;
    first.send(Message::binary(vec![0xFF, 0, 1])).await;
    first.text(trade(2, "61900.0")).await;
    first.text(trade(61, "61850.00")).await;
    first.settled().await;
    first.cut();
    let mut second = server.accept().await;
    second.text(trade(62, "61840.00")).await;
    second.text(trade(125, "61841.5")).await;
    second.settled().await;
    second
}

#[tokio::test]
async fn what_a_socket_said_is_said_again() {
    let folder = Folder::new("socket");
    let server = SocketServer::bind().await;
    let spec = format!(
        "binance:BTCUSDT?url={}?token=hunter2",
        server.url("/stream")
    );

    // At the time of its trades.
    let live = socket_server::Stage::at(1_723_161_366_000, vec![feed(&spec)]);
    let dialogue = play(&server).await;
    live.reaches(FeedState::Live).await;
    let (mut bars, quote, skipped) = (live.bars(), live.quote("BTCUSDT").unwrap(), live.skipped());
    bars.sort_by_key(|bar| bar.start);
    live.end().await;
    drop(dialogue);

    for name in ["plain.jsonl", "small.jsonl.gz"] {
        let file = folder.file(name);
        let mut recording = Recording::start(options(&spec, &file));
        let dialogue = recording.of(play(&server)).await;
        let (recorded, why) = recording.end().await;
        drop(dialogue);
        assert_eq!((recorded.frames, why.as_str()), (8, "it was stopped"));
        assert_eq!(recorded.written, fs::metadata(&file).unwrap().len());

        let lines = lines(&file);
        let shown = format!("{lines:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(lines[0]["tickertape_recording"], 1);
        assert_eq!(lines[0]["kind"], "binance");
        assert_eq!(lines[1]["address"], server.url("/stream"));
        assert_eq!(lines[3]["text"], trade(1, "61837.6300"));
        assert_eq!(lines[5]["hex"], "ff0001");
        let times: Vec<u64> = lines[1..]
            .iter()
            .map(|line| line["at"].as_u64().unwrap())
            .collect();
        assert!(
            times.is_sorted() && times[0] > 1_700_000_000_000_000_000,
            "{times:?}"
        );

        let replay = format!("replay:{}?speed=max", file.display());
        let again = socket_server::Stage::new(clock::system_now(), vec![feed(&replay)]);
        again.reaches(FeedState::Ended).await;
        let mut all = again.bars();
        all.sort_by_key(|bar| bar.start);
        let last = all.pop().unwrap();
        assert_eq!(all, bars);
        assert_eq!(bars.len(), 2);
        // No more trades will come, so that the last minute is closed too.
        assert_eq!(last.close.to_string(), "61841.5");
        let session = again.session("BTCUSDT").unwrap();
        assert_eq!(session.quality, Quality::Replay);
        assert!(session.source.contains(name), "{session:?}");
        assert_eq!(again.quote("BTCUSDT").unwrap(), quote);
        assert_eq!((again.skipped().ignored, again.skipped().wrong), (2, 1));
        assert_eq!((skipped.ignored, skipped.wrong), (2, 1));
        again.end().await;
    }
}

/// A page of the SEC's with these filings, the newest one first.
fn page(numbers: impl DoubleEndedIterator<Item = u32>) -> Reply {
    let entries: String = numbers
        .rev()
        .map(|number| {
            format!(
                "<entry><title>8-K - ACME É {number} (0000000077) (Filer)</title><link rel=\"alternate\" href=\"https://www.sec.gov/{number}\"/><summary type=\"html\">&lt;b&gt;AccNo:&lt;/b&gt; 0000000001-26-{number:06}</summary><updated>2026-11-20T16:31:{number:02}-05:00</updated><category label=\"form type\" term=\"8-K\"/><id>urn:tag:sec.gov,2008:accession-number=0000000001-26-{number:06}</id></entry>"
            )
        })
        .collect();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Latest Filings</title><updated>2026-11-20T17:00:00-05:00</updated>{entries}</feed>"
    );
    // É is one byte there, which is not UTF-8.
    ok(text.chars().map(|letter| letter as u8).collect::<Vec<_>>())
}

/// Stories, then an invalid response, then a fault, then one more story.
async fn filings() -> Script {
    let mut answered = 0;
    Script::new(move |request: &Requested| {
        if request.target.starts_with("/tickers") {
            return ok(r#"{"0":{"cik_str":77,"ticker":"ACME","title":"Acme"}}"#);
        }
        answered += 1;
        match answered {
            1 => page(1..4).with("etag", "\"a\""),
            2 => status(304),
            3 => status(500),
            _ => page(2..6),
        }
    })
    .await
}

fn of_sec(script: &Script) -> String {
    format!(
        "sec:8-K?user_agent=Jane Doe jane@example.com&interval=1&tickers={}&url={}",
        script.url("/tickers"),
        script.url("/browse")
    )
}

#[tokio::test]
async fn what_was_answered_is_answered_again() {
    let folder = Folder::new("answers");
    let file = folder.file("filings.jsonl.gz");
    let script = filings().await;
    let mut recording = Recording::start(options(&of_sec(&script), &file));
    // The file of symbols is requested again after the fault, or not; four pages in any case.
    let five_pages = async {
        while script
            .requests()
            .iter()
            .filter(|request| request.target.starts_with("/browse"))
            .count()
            < 5
        {
            sleep(Duration::from_millis(5)).await;
        }
    };
    recording.of(within(five_pages)).await;
    let (recorded, _) = recording.end().await;
    assert!(recorded.frames >= 4, "{recorded:?}");
    let lines = lines(&file);
    assert!(lines.iter().any(|line| line["status"] == 304), "{lines:?}");
    assert!(
        lines.iter().any(|line| line["hex"].is_string()),
        "{lines:?}"
    );
    drop(script);

    let replay = format!("replay:{}?speed=max", file.display());
    let mut stage = stage::Stage::at(clock::system_now(), Boxed(feed(&replay)));
    stage.reaches(FeedState::Ended).await;
    let stories: Vec<News> = stage.more_stories();
    let ids: Vec<&str> = stories.iter().map(|news| news.id.as_str()).collect();
    let expected: Vec<String> = (1..6)
        .map(|number| format!("sec:0000000001-26-{number:06}"))
        .collect();
    assert_eq!(ids, expected);
    for news in &stories {
        assert!(news.headline.contains("ACME É"), "{news:?}");
        assert_eq!(news.symbols[0].as_str(), "ACME");
    }
    assert_eq!(stories[0].published, 1_795_210_261_000);
    stage.end().await;
}

struct Boxed(Box<dyn Feed>);

impl Feed for Boxed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn run<'a>(
        &'a mut self,
        publisher: &'a feeds::Publisher,
    ) -> futures_util::future::BoxFuture<'a, Result<feeds::End, feeds::FeedError>> {
        self.0.run(publisher)
    }
}

#[tokio::test]
async fn what_came_is_on_the_disk_soon() {
    let folder = Folder::new("flush");
    for name in ["plain.jsonl", "small.jsonl.gz"] {
        let file = folder.file(name);
        let server = SocketServer::bind().await;
        let spec = format!("binance:BTCUSDT?url={}", server.url("/stream"));
        let mut recording = Recording::start(options(&spec, &file));
        let mut dialogue = recording.of(server.accept()).await;
        dialogue.text(trade(1, "123456.789")).await;
        within(async {
            // A compressed file has no end yet.
            let read = |bytes: &[u8]| {
                let mut text = Vec::new();
                match name.ends_with("gz") {
                    true => drop(std::io::Read::read_to_end(
                        &mut MultiGzDecoder::new(bytes),
                        &mut text,
                    )),
                    false => text.extend(bytes),
                }
                String::from_utf8(text).unwrap()
            };
            while !read(&fs::read(&file).unwrap()).contains("123456.789") {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        recording.end().await;
    }
}

#[tokio::test]
async fn it_ends_when_it_should_and_overwrites_nothing() {
    let folder = Folder::new("limits");
    let file = folder.file("a.jsonl");
    fs::write(&file, "precious").unwrap();
    let server = SocketServer::bind().await;
    let spec = format!("binance:BTCUSDT?url={}", server.url("/stream"));
    let stop = CancellationToken::new();
    let error = record(options(&spec, &file), &stop).await.unwrap_err();
    assert!(error.contains("a.jsonl is there already"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");

    let error = record(options("simulate", &folder.file("b")), &stop).await;
    let error = error.unwrap_err();
    assert!(error.contains("simulate receives nothing"), "{error}");
    assert!(!folder.file("b").exists());

    let silent = SocketServer::bind().await;
    let quiet = format!("binance:BTCUSDT?url={}", silent.url("/stream"));
    let short = RecordOptions {
        time: Some(Duration::from_millis(50)),
        overwrite: true,
        ..options(&quiet, &file)
    };
    let error = within(record(short, &stop)).await.unwrap_err();
    assert!(
        error.ends_with("a.jsonl has 0 frames: nothing was received, and the recording ended because its time is over"),
        "{error}"
    );
    assert_eq!(lines(&file)[0]["kind"], "binance");

    let full = RecordOptions {
        max_bytes: Some(2_000),
        overwrite: true,
        ..options(&spec, &file)
    };
    let mut recording = Recording::start(full);
    let socket = recording.of(server.hang()).await;
    let socket = accept_async(socket).await.unwrap();
    // Until the feed has ended.
    let chatter = futures_util::stream::repeat_with(|| Ok(Message::text(trade(1, "1"))));
    let _ = within(chatter.forward(socket)).await;
    let (recorded, why) = within(recording.task).await.unwrap().unwrap();
    assert_eq!(why, "it has 2000 bytes");
    let length = fs::metadata(&file).unwrap().len();
    assert!(
        recorded.written == length && (1_800..=2_000).contains(&length),
        "{length}"
    );
    assert_eq!(lines(&file).len() as u64, recorded.frames + 2);

    let gone = RecordOptions {
        ..options(&spec, &folder.file("no/such/folder"))
    };
    let error = record(gone, &stop).await.unwrap_err();
    assert!(error.contains("cannot be written"), "{error}");
}
