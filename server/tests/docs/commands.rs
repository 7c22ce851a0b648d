//! The commands of the pages, run by bash in a temporary folder, page by page and from top to bottom.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{
    pages::{Page, pages, root},
    server::Server,
};

/// The definitions of `commands.sh`, beside those of a page.
const AROUND: &str = include_str!("commands.sh");

/// The programs that commands may use. Any other is not found, so that the page fails.
const PROGRAMS: [&str; 9] = [
    "cat",
    "cp",
    "date",
    "gzip",
    "head",
    "mkdir",
    "sed",
    "sha256sum",
    "tee",
];

/// Programs that a page may name and no test can run, with the reason.
const STUBS: [(&str, &str); 5] = [
    ("git", "a clone needs the network"),
    ("cd", "the folder of a clone is not there"),
    ("cargo", "it builds"),
    ("sqlite3", "not every machine has it"),
    ("systemctl", "it needs a system with systemd"),
];

/// How long a page may take. None takes more than a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder that is removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(page: &str) -> Self {
        let name = format!(
            "tickertape-docs-{}-{}",
            std::process::id(),
            page.replace('/', "-")
        );
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("here")).unwrap();
        fs::create_dir_all(path.join("bin")).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The expected output of a command of a `console` block; `…` stands for anything.
struct Expected {
    line: usize,
    text: String,
}

/// The script of a page, and the expected output of its commands, in their order.
fn script(page: &Page) -> (String, Vec<Expected>) {
    let mut script = String::new();
    let mut expected = Vec::new();
    for block in page.blocks() {
        match &*block.language {
            "sh" => {
                let _ = writeln!(script, "echo '{}:{}' >\"$STATE/at\"", page.path, block.line);
                let _ = writeln!(script, "{}", block.lines.join("\n"));
            }
            "console" => {
                let mut lines = (block.line + 1..).zip(&block.lines).peekable();
                while let Some((number, line)) = lines.next() {
                    let command = line.strip_prefix("$ ");
                    let mut command = command
                        .unwrap_or_else(|| panic!("{}:{number}: expected a prompt", page.path))
                        .to_owned();
                    // It continues after a backslash and within quotes.
                    while command.ends_with('\\') || command.matches('\'').count() % 2 == 1 {
                        let (_, more) = lines.next().expect("a command goes on");
                        let _ = write!(command, "\n{more}");
                    }
                    let mut text = String::new();
                    while let Some((_, line)) = lines.next_if(|(_, line)| !line.starts_with("$ ")) {
                        let _ = writeln!(text, "{line}");
                    }
                    let _ = writeln!(script, "echo '{}:{number}' >\"$STATE/at\"", page.path);
                    let _ = writeln!(
                        script,
                        "{{ {command}\n}} >\"$STATE/{}.txt\"",
                        expected.len()
                    );
                    expected.push(Expected { line: number, text });
                }
            }
            _ => {}
        }
    }
    (script, expected)
}

/// Whether a text matches another one in which `…` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.trim_end().split('…');
    let Some(mut rest) = text
        .trim_end()
        .strip_prefix(parts.next().unwrap_or_default())
    else {
        return false;
    };
    let mut is_open = false;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        is_open = part.is_empty();
    }
    is_open || rest.is_empty() || pattern.is_empty()
}

/// Runs the commands of a page; returns the names of the stubs that it used.
fn run(
    page: &Page,
    script: &str,
    expected: &[Expected],
    shared: &Server,
) -> Result<Vec<String>, String> {
    let folder = Folder::new(&page.path);
    let bin = folder.0.join("bin");
    let everything = std::env::var_os("PATH").unwrap_or_default();
    for program in PROGRAMS {
        let mut folders = std::env::split_paths(&everything);
        let found = folders.find(|folder| folder.join(program).is_file());
        let found = found.unwrap_or_else(|| panic!("{program} is not on the PATH"));
        symlink(found.join(program), bin.join(program)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_tickertape"), bin.join("tickertape")).unwrap();
    let example = "tickertape.example.toml";
    fs::copy(root().join(example), folder.0.join("here").join(example)).unwrap();
    let whole = folder.0.join("page.sh");
    fs::write(&whole, format!("{AROUND}\n{script}")).unwrap();
    let stubs = STUBS.map(|(name, _)| name);
    let mut command = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TICKERTAPE_") {
            command.env_remove(name);
        }
    }
    let child = command
        .arg(&whole)
        .current_dir(folder.0.join("here"))
        .env_remove("LEPTOS_OUTPUT_NAME")
        .env_remove("RUST_LOG")
        // Keys of sources that no test connects to.
        .envs(
            ["ALPACA_KEY", "ALPACA_SECRET", "FINNHUB_KEY"]
                .map(|key| (format!("TICKERTAPE_{key}"), "none")),
        )
        .env("STATE", &folder.0)
        .env("BIN", &bin)
        .env("ROOT", root())
        .env("SHARED", &shared.address)
        .env("STUBS", stubs.join(" "))
        .env("USED", folder.0.join("used"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").arg(id.to_string()).status();
        return Err(format!("{} does not end: {}", page.path, at(&folder.0)));
    };
    let output = output.unwrap();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{}: {}: {errors}", at(&folder.0), output.status));
    }
    for (number, Expected { line, text }) in expected.iter().enumerate() {
        let printed = fs::read_to_string(folder.0.join(format!("{number}.txt"))).unwrap();
        if !is_like(&printed, text) {
            return Err(format!(
                "{}:{line} prints\n{printed}\nand not\n{text}",
                page.path
            ));
        }
    }
    let used = fs::read_to_string(folder.0.join("used")).unwrap_or_default();
    Ok(used.lines().map(str::to_owned).collect())
}

/// The block that was run last.
fn at(folder: &Path) -> String {
    let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
    at.trim_end().to_owned()
}

#[test]
fn every_command_runs() {
    let pages = pages();
    let shared = Server::shared();
    let shared = &*shared;
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = pages
            .iter()
            .map(|page| (page, script(page)))
            .filter(|(_, (script, _))| !script.is_empty())
            .map(|(page, (script, expected))| {
                scope.spawn(move || run(page, &script, &expected, shared))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let faults: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let used: Vec<String> = results.into_iter().flatten().flatten().collect();
    for (stub, why) in STUBS {
        assert!(
            used.iter().any(|name| name == stub),
            "no page names {stub} ({why}) any more"
        );
    }
}

/// The commands in blocks of text, which are not run, by their beginnings, with the reason.
const SHOWN: [(&str, &str); 4] = [
    (
        "tickertape import 20131007_trade.zip",
        "the file is a vendor's",
    ),
    (
        "tickertape import BTCUSDT-1m-2025-01.zip",
        "the file is a vendor's",
    ),
    (
        "tickertape --feed 'replay:coins.jsonl.gz",
        "the recording needs the network",
    ),
    (
        "tickertape COMMAND",
        "the generated usage of each command is no command",
    ),
];

#[test]
fn no_command_is_in_a_block_that_is_not_run() {
    let mut used = [false; SHOWN.len()];
    for page in pages() {
        for block in page.blocks() {
            if ["sh", "console"].contains(&&*block.language) {
                continue;
            }
            for line in &block.lines {
                let first = line.split(' ').next().unwrap_or_default();
                let is_command = ["tickertape", "curl", "open", "make"].contains(&first)
                    || STUBS.iter().any(|(name, _)| *name == first)
                    || PROGRAMS.contains(&first);
                if !is_command {
                    continue;
                }
                let is_usage = page.path == "docs/reference/command-line.md";
                let shown = SHOWN.iter().position(|(begin, _)| match is_usage {
                    true => *begin == "tickertape COMMAND",
                    false => line.starts_with(begin),
                });
                let shown = shown.unwrap_or_else(|| {
                    panic!("{}:{}: nothing runs {line:?}", page.path, block.line)
                });
                used[shown] = true;
            }
        }
    }
    for ((begin, _), used) in SHOWN.iter().zip(used) {
        assert!(used, "no page shows {begin:?} any more");
    }
}

#[test]
fn three_dots_stand_for_anything() {
    for (text, pattern, is) in [
        ("token: abc\nhash: d", "token: …\nhash: …", true),
        ("a b c", "a … c", true),
        ("a b c d", "a … c", false),
        ("a", "a", true),
        ("a b", "a", false),
        ("a b", "", true),
    ] {
        assert_eq!(is_like(text, pattern), is, "{text:?} {pattern:?}");
    }
}
