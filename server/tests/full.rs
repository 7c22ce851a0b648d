//! The binary on a disk that is really full: a small one, which a user may mount in a namespace. If the system does not
//! allow it, the test prints that and passes.
#![cfg(target_os = "linux")]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use market::{Event, sse::Decoder};
use publishers::TokenGrant;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use support::{news, problem, session};

const TOKEN: &str = "the-token-of-the-desk";
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Mounts a disk of 4 MiB, most of which is taken until a line arrives on the standard input, and then runs the rest of
/// the arguments.
const SMALL_DISK: &str = r#"
    mount -t tmpfs -o size=4m tmpfs "$0" || exit 77
    head -c 3145728 /dev/zero > "$0/filler" || exit 77
    exec 3<&0
    (read _ <&3; rm "$0/filler") > /dev/null 2>&1 &
    exec "$@" 3<&-
"#;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Program {
    process: Child,
    address: String,
    client: Client,
}

impl Program {
    /// Starts the server with a small disk for its archive; `None` if there can be none.
    fn start(folder: &Folder) -> Option<Self> {
        let grant = TokenGrant::new("desk", TOKEN).unwrap();
        let disk = folder.0.join("disk");
        std::fs::create_dir_all(&disk).unwrap();
        std::fs::create_dir_all(folder.0.join("site/pkg")).unwrap();
        let process = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
            .arg(SMALL_DISK)
            .arg(&disk)
            .arg(env!("CARGO_BIN_EXE_tickertape"))
            .args(["--listen", "127.0.0.1:0", "--feed", "none", "--log", "warn"])
            .args(["--publish-token", &grant.to_string()])
            .arg("--site")
            .arg(folder.0.join("site"))
            .arg("--data")
            .arg(&disk)
            .env_remove("LEPTOS_OUTPUT_NAME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match process {
            Ok(process) => process,
            Err(error) => {
                eprintln!("skipped: unshare does not start: {error}");
                return None;
            }
        };
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let Some((_, address)) = line.trim().rsplit_once(' ') else {
            let mut why = String::new();
            let mut stderr = process.stderr.take().unwrap();
            stderr.read_to_string(&mut why).unwrap();
            assert_ne!(process.wait().unwrap().code(), Some(0), "{why}");
            assert!(!why.contains("tickertape"), "{why}");
            eprintln!("skipped: there can be no small disk here: {why}");
            return None;
        };
        Some(Program {
            process,
            address: address.to_owned(),
            client: support::client(),
        })
    }

    async fn publish(&self, events: &[Event]) -> Response {
        let events = events.iter().map(|event| {
            let data: Value = serde_json::from_str(&event.data()).unwrap();
            json!({"event": event.name(), "data": data})
        });
        let request = self
            .client
            .post(format!("{}/publish", self.address))
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(Value::from_iter(events).to_string());
        timeout(TEST_TIMEOUT, request.send())
            .await
            .unwrap()
            .unwrap()
    }

    async fn text(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.address));
        let response = timeout(TEST_TIMEOUT, request.send())
            .await
            .unwrap()
            .unwrap();
        response.text().await.unwrap()
    }

    async fn archive(&self) -> Value {
        let stats: Value = serde_json::from_str(&self.text("/stats").await).unwrap();
        stats["archive"].clone()
    }

    async fn is_degraded(&self) -> bool {
        let metrics = self.text("/metrics").await;
        metrics.contains("tickertape_archive_state{state=\"degraded\"} 1")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A story that takes some room.
fn long(number: usize) -> Event {
    let Event::News(mut story) = news(&format!("test:{number}"), "GOOG") else {
        unreachable!("it is a story");
    };
    story.summary = Some(format!("{number} {}", "x".repeat(3_900)));
    Event::News(story)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_the_stream_goes_on_until_there_is_room() {
    let folder = format!("tickertape-full-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(folder));
    let Some(mut program) = Program::start(&folder) else {
        return;
    };
    let log = program.process.stderr.take().unwrap();
    let log = std::thread::spawn(move || std::io::read_to_string(log).unwrap());
    assert_eq!(program.publish(&[session("GOOG")]).await.status(), 200);
    let request = program
        .client
        .get(format!("{}/stocks/GOOG", program.address));
    let mut stream = request
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();

    // A story of four kilobytes each: a thousand of them are more than the disk has.
    let mut answered = 0;
    let refused = loop {
        assert!(answered < 1_000, "the disk does not become full");
        let response = program.publish(&[long(answered)]).await;
        if response.status() != 200 {
            break problem(response, 503).await;
        }
        answered += 1;
    };
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("streamed, but not on disk") && detail.contains("full"),
        "{detail}"
    );
    assert!(answered > 10, "{answered}");

    // It is reported everywhere, and nothing more is accepted.
    assert!(program.is_degraded().await);
    let archive = program.archive().await;
    assert_eq!(archive["state"], "degraded", "{archive}");
    let detail = archive["detail"].as_str().unwrap();
    assert!(detail.contains("free some space"), "{detail}");
    let ready = program.text("/health/ready").await;
    assert!(ready.contains("nothing is archived"), "{ready}");
    for number in 0..50 {
        let response = program.publish(&[long(10_000 + number)]).await;
        let refused = problem(response, 503).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("nothing was taken"), "{detail}");
    }

    // Events published before are streamed, including the one that did not reach the disk.
    let mut decoder = Decoder::default();
    let mut last = None;
    while last.as_ref() != Some(&long(answered)) {
        let chunk = timeout(TEST_TIMEOUT, stream.chunk())
            .await
            .unwrap()
            .unwrap();
        decoder.push(&chunk.expect("the stream ends"), |message| {
            last = Some(Event::decode(&message.name, &message.data).unwrap());
        });
    }

    // There is room: it continues by itself.
    let mut stdin = program.process.stdin.take().unwrap();
    stdin.write_all(b"free\n").unwrap();
    let recovers = async {
        while program.is_degraded().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TEST_TIMEOUT, recovers).await.unwrap();
    let again: Vec<Event> = (0..=answered + 1).map(long).collect();
    let response = program.publish(&again).await;
    assert_eq!(response.status(), 200);
    let outcome: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(
        (&outcome["count"], &outcome["unchanged"]),
        (&json!(1), &json!(answered + 1)),
        "{outcome}"
    );
    assert_eq!(program.archive().await["state"], "ok");
    let stories = program.text("/news?limit=500").await;
    let stories: Value = serde_json::from_str(&stories).unwrap();
    assert_eq!(stories["news"].as_array().unwrap().len(), answered + 2);

    // The log has a line for some of the attempts, and none for each event.
    drop(program);
    let log = log.join().unwrap();
    let lines = log
        .lines()
        .filter(|line| line.contains("could not write"))
        .count();
    assert!((1..=8).contains(&lines), "{lines}: {log}");
}
