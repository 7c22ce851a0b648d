//! The binary as an operator runs it.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A folder of this test's own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    /// With what stands for the page's files in it.
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tickertape-{name}-{}", std::process::id()));
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
    let mut server = Command::new(env!("CARGO_BIN_EXE_tickertape"))
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
    server
}

/// Sends SIGTERM and waits for the end, for as long as an operator's patience lasts.
fn terminate(server: &mut Child) -> ExitStatus {
    let id = server.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let deadline = Instant::now() + Duration::from_secs(5);
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
    // This waits until the feed has opened it too; then it reads, and nothing comes.
    let _writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    assert!(terminate(&mut server).success());
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_the_end() {
    let folder = Folder::new("unread");
    let mut server = start(&folder, "simulate");
    drop(server.stderr.take());
    assert!(terminate(&mut server).success());
}
