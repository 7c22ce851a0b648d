//! The binary as an operator runs it.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A folder of this test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    /// With placeholders of the page's files in it.
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tickertape-{name}-{}", std::process::id()));
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("site/pkg")).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the server and waits until it listens.
fn start(folder: &Folder, feed: &str) -> Child {
    start_as(Command::new(env!("CARGO_BIN_EXE_tickertape")), folder, feed).0
}

/// As [`start`], by another command; returns the address, too.
fn start_as(mut command: Command, folder: &Folder, feed: &str) -> (Child, String) {
    let mut server = command
        .arg("--data")
        .arg(folder.0.join("data"))
        .args(["--listen", "127.0.0.1:0", "--feed", feed, "--site"])
        .arg(folder.0.join("site"))
        .env_remove("LEPTOS_OUTPUT_NAME")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert!(
        line.starts_with("Tickertape is at http://127.0.0.1:"),
        "{line:?}"
    );
    let address = line
        .trim_end()
        .trim_start_matches("Tickertape is at http://");
    (server, address.to_owned())
}

/// Sends SIGTERM and waits for the end, for as long as an operator's timeouts.
fn terminate(server: &mut Child) -> ExitStatus {
    let id = server.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(status) = server.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            server.kill().unwrap();
            server.wait().unwrap();
            panic!("the server did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_feed_that_blocks_does_not_hold_the_end() {
    let folder = Folder::new("blocks");
    let pipe = folder.0.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut server = start(&folder, &format!("replay:{}", pipe.display()));
    // This waits until the feed has opened it too; then it reads, and nothing arrives.
    let _writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    assert!(terminate(&mut server).success());
}

#[test]
fn a_token_is_printed_once_with_the_hash_that_the_server_takes() {
    let token = || {
        let output = Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(["token", "desk"])
            .output()
            .unwrap();
        assert!(output.status.success());
        let printed = String::from_utf8(output.stdout).unwrap();
        let value = |name| {
            let mut lines = printed.lines();
            lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
        };
        let (token, hash) = (value("token: ").unwrap(), value("hash: ").unwrap());
        let advice = String::from_utf8(output.stderr).unwrap();
        assert!(advice.contains(&format!("--publish-token {hash}")));
        assert!(!advice.contains(&token), "it may be logged");
        let grant = publishers::TokenGrant::new("desk", &token).unwrap();
        assert_eq!(grant.to_string(), hash);
        token
    };
    assert_ne!(token(), token());
    let refused = Command::new(env!("CARGO_BIN_EXE_tickertape"))
        .args(["token", "a desk"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
}

#[test]
fn an_option_counts_more_than_a_variable_and_that_more_than_the_file() {
    let folder = Folder::new("config");
    let file = folder.0.join("tickertape.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1111\"\n").unwrap();
    let check = |variable: Option<&str>, options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tickertape"));
        command
            .arg("check")
            .args(options)
            .env_remove("LEPTOS_OUTPUT_NAME")
            .env("TICKERTAPE_CONFIG", &file)
            .env("TICKERTAPE_SITE", folder.0.join("site"));
        if let Some(variable) = variable {
            command.env("TICKERTAPE_LISTEN", variable);
        }
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let variable = Some("127.0.0.1:2222");
    for (variable, options, port) in [
        (None, &[][..], "1111"),
        (variable, &[], "2222"),
        (variable, &["--listen=127.0.0.1:3333"], "3333"),
    ] {
        let (code, output) = check(variable, options);
        let listens = format!("Listens at http://127.0.0.1:{port},");
        assert!(code == Some(0) && output.contains(&listens), "{output}");
    }
    // An error in a variable is reported in the same way, and does not matter if an option overrides it.
    let (code, output) = check(Some("nowhere"), &[]);
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("'nowhere' in TICKERTAPE_LISTEN"),
        "{output}"
    );
    let (code, output) = check(Some("nowhere"), &["--listen=127.0.0.1:3333"]);
    assert_eq!(code, Some(0), "{output}");
    std::fs::write(&file, "listen = \"here\"\nlog = \"x=loud\"\n").unwrap();
    let (code, output) = check(variable, &[]);
    assert_eq!(code, Some(1));
    for place in ["tickertape.toml:1:10: listen", "tickertape.toml:2:7: log"] {
        assert!(output.contains(place), "{output}");
    }
}

#[test]
fn a_recording_ends_in_order() {
    let folder = Folder::new("record");
    let file = folder.0.join("a.jsonl.gz");
    // Nothing listens there.
    let mut recording = Command::new(env!("CARGO_BIN_EXE_tickertape"))
        .args(["record", "binance:BTCUSDT?url=ws://127.0.0.1:1/"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It breaks off, and is retried.
    let mut log = BufReader::new(recording.stderr.take().unwrap());
    let mut output = String::new();
    while !output.contains("broke off") {
        assert!(log.read_line(&mut output).unwrap() > 0, "{output}");
    }
    // Nothing was received, which a script has to notice.
    assert_eq!(terminate(&mut recording).code(), Some(1));
    log.read_to_string(&mut output).unwrap();
    for words in ["has 0 frames", "nothing was received", "it was stopped"] {
        assert!(output.contains(words), "{output}");
    }
    let bytes = std::fs::read(&file).unwrap();
    let text = std::io::read_to_string(flate2::read::MultiGzDecoder::new(&bytes[..])).unwrap();
    assert!(
        text.starts_with("{\"tickertape_recording\":1,") && text.ends_with("}\n"),
        "{text}"
    );
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_the_end() {
    let folder = Folder::new("unread");
    let mut server = start(&folder, "simulate");
    drop(server.stderr.take());
    assert!(terminate(&mut server).success());
}

fn signal(server: &Child, name: &str) {
    let id = server.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(sent.success());
}

/// Reads lines of the log until one has these words in it.
fn read_until(log: &mut impl BufRead, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "no line has {words:?}"
        );
    }
}

/// The status of an attempt to publish nothing with a token.
fn publishes(address: &str, token: &str) -> String {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /publish HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    );
    std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_hangup_reloads_the_file_and_ends_nothing() {
    let folder = Folder::new("hangup");
    let file = folder.0.join("tickertape.toml");
    let write = |token: &str, log: &str| {
        let grant = publishers::TokenGrant::new("desk", token).unwrap();
        let text = format!("log = {log:?}\npublish_token = [\"{grant}\"]\n");
        std::fs::write(&file, text).unwrap();
    };
    write("first", "info");
    let mut server = Command::new(env!("CARGO_BIN_EXE_tickertape"))
        .args([
            "--data",
            "none",
            "--listen",
            "127.0.0.1:0",
            "--feed",
            "none",
        ])
        .arg("--site")
        .arg(folder.0.join("site"))
        .arg("--config")
        .arg(&file)
        .env_remove("LEPTOS_OUTPUT_NAME")
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("Tickertape is at http://");
    let mut log = BufReader::new(server.stderr.take().unwrap());
    assert_eq!(publishes(address, "first"), "200");
    assert_eq!(publishes(address, "second"), "401");

    write("second", "info,request=debug");
    signal(&server, "-HUP");
    read_until(&mut log, "reloaded log and publish_token");
    assert_eq!(publishes(address, "first"), "401");
    assert_eq!(publishes(address, "second"), "200");
    // The filter lets requests through now.
    read_until(&mut log, "status=200");

    write("third", "loud");
    signal(&server, "-HUP");
    read_until(&mut log, "is no level");
    assert_eq!(
        publishes(address, "second"),
        "200",
        "nothing was taken over"
    );
    assert!(terminate(&mut server).success());
}

#[test]
fn a_hangup_without_a_file_ends_nothing() {
    let folder = Folder::new("hangup-alone");
    let mut server = start(&folder, "none");
    let mut log = BufReader::new(server.stderr.take().unwrap());
    signal(&server, "-HUP");
    read_until(&mut log, "nothing to reload");
    assert!(terminate(&mut server).success());
}

/// Sends a request on a kept connection: the status of the answer, or `None` if the connection is closed.
fn ask(connection: &mut BufReader<TcpStream>, path: &str) -> Option<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes()).ok()?;
    let mut status = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if status.is_empty() {
            status = line.split(' ').nth(1)?.to_owned();
        }
        if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some(status)
}

#[test]
fn connections_that_do_nothing_leave_files_for_the_archive() {
    let folder = Folder::new("files");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 128; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_tickertape"));
    let (mut server, address) = start_as(command, &folder, "simulate");
    let connect = || {
        let tcp = TcpStream::connect(&address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        BufReader::new(tcp)
    };
    let mut kept = connect();
    assert_eq!(ask(&mut kept, "/health/live").as_deref(), Some("200"));
    let idle: Vec<_> = (0..200).map(|_| connect()).collect();
    // The last ones are closed, so that all others have been accepted.
    let closed = |connection: &BufReader<TcpStream>| {
        let mut byte = [0; 1];
        connection.get_ref().read(&mut byte).unwrap_or(0)
    };
    assert_eq!(idle.last().map(closed), Some(0));
    for _ in 0..3 {
        let bars = ask(&mut kept, "/stocks/AAPL/bars?limit=10");
        assert_eq!(bars.as_deref(), Some("200"));
    }
    drop(idle);
    let deadline = Instant::now() + Duration::from_secs(60);
    while ask(&mut connect(), "/health/live").is_none() {
        assert!(Instant::now() < deadline, "nobody is accepted any more");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(terminate(&mut server).success());
}
