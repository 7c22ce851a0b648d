//! The cost of one request of each kind, for a server with ten thousand symbols and a hundred and fifty thousand
//! stories: the largest request of each route.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{Mode, Row, Setting};
use crate::{
    Problem,
    latencies::Latencies,
    programs::Kind,
    servers::{Server, TOKEN},
};

/// How many symbols there are, each with a name and a price.
const SYMBOLS: u32 = 10_000;

/// How many stories there are.
const STORIES: u32 = 150_000;

/// How many minutes the first symbol has, and how many each of the others.
const LONG_DAY: u64 = 50_000;
const MINUTES: u64 = 3;

const MINUTE: u64 = 60_000;

/// How many events are published at once.
const BATCH: u32 = 500;

/// How often each request is made, and how long after the one before: snapshots are shared for a quarter of a second,
/// which is not to be measured.
const TIMES: u32 = 12;
const PAUSE: Duration = Duration::from_millis(300);

/// How long an answer may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A kind of request: its name, its address and what it accepts.
type Question = (&'static str, String, &'static str);

/// Measures each of them, one after the other, on an otherwise idle server.
pub(crate) fn run(setting: &Setting, rows: &mut Vec<Row>) -> Result<(), Problem> {
    let data = std::path::absolute(setting.out.join(format!("requests-{}", std::process::id())))
        .map_err(|error| error.to_string())?;
    let folder = data.to_string_lossy();
    let server = Server::fed(
        "none",
        &folder,
        &setting.programs,
        setting.cores,
        &setting.out,
    )?;
    let measured = fill(&server).and_then(|()| {
        for (name, path, accept) in questions() {
            for encoding in ["identity", "br"] {
                rows.push(measure(&server, name, &path, accept, encoding)?);
            }
        }
        Ok(())
    });
    drop(server);
    // The rest of it is of no use.
    let _ = std::fs::remove_dir_all(&data);
    measured
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as u64
}

fn name(symbol: u32) -> String {
    format!("S{symbol:05}")
}

fn questions() -> Vec<Question> {
    let list = |letter: char| -> String {
        let names: Vec<String> = (0..500).map(|n| format!("{letter}{:05}", n * 7)).collect();
        names.join(",")
    };
    let (known, unknown) = (list('S'), list('X'));
    let (html, json, svg) = ("text/html", "application/json", "image/svg+xml");
    let at = |path: &str| path.to_owned();
    vec![
        ("page", at("/"), html),
        ("page of one symbol", at("/stocks/S00000"), html),
        (
            "page of 500 symbols",
            format!("/stocks?symbols={known}"),
            html,
        ),
        (
            "page of 500 unknown ones",
            format!("/stocks?symbols={unknown}"),
            html,
        ),
        ("page of an unknown one", at("/stocks/X00000"), html),
        ("nothing here", at("/nowhere"), html),
        ("quote", at("/stocks/S00000"), json),
        ("500 quotes", format!("/stocks?symbols={known}"), json),
        (
            "500 unknown ones",
            format!("/stocks?symbols={unknown}"),
            json,
        ),
        ("all quotes", at("/stocks?symbols=*"), json),
        ("poll of one symbol", at("/stocks/S00000?after=0-0"), json),
        (
            "poll of 500",
            format!("/stocks?symbols={known}&after=0-0"),
            json,
        ),
        ("poll of all", at("/stocks?symbols=*&after=0-0"), json),
        ("50000 bars", at("/stocks/S00000/bars?limit=50000"), json),
        (
            "50000 bars, CSV",
            at("/stocks/S00000/bars?limit=50000"),
            "text/csv",
        ),
        (
            "bars of an hour",
            at("/stocks/S00000/bars?interval=1h&limit=50000"),
            json,
        ),
        (
            "bars of a day",
            at("/stocks/S00000/bars?interval=1d&limit=50000"),
            json,
        ),
        ("bars of an unknown one", at("/stocks/X00000/bars"), json),
        ("chart", at("/stocks/S00000/chart.svg?range=1M"), svg),
        ("500 stories", at("/news?limit=500"), json),
        ("500 stories, CSV", at("/news?limit=500"), "text/csv"),
        (
            "500 stories, Atom",
            at("/news?limit=500"),
            "application/atom+xml",
        ),
        (
            "stories of 500 symbols",
            format!("/news?limit=500&symbols={known}"),
            json,
        ),
        ("stories of a word", at("/news?limit=500&q=common"), json),
        ("stories of a letter", at("/news?limit=500&q=c"), json),
        (
            "stories of a rare word",
            at("/news?limit=500&q=rare77"),
            json,
        ),
        ("stories of no word", at("/news?limit=500&q=nowhere"), json),
        (
            "stories of a rare type",
            at("/news?limit=500&type=merger"),
            json,
        ),
        ("search", at("/symbols?q=alph"), json),
        (
            "search of what is mistyped",
            at("/symbols?q=sxmpany+industries"),
            json,
        ),
        ("all symbols", at("/symbols?limit=20000"), json),
        ("all symbols, CSV", at("/symbols?limit=20000"), "text/csv"),
        ("stats", at("/stats"), json),
        ("metrics", at("/metrics"), "*/*"),
        ("health", at("/health/ready"), json),
        ("description", at("/openapi.json"), json),
    ]
}

/// Publishes all that the requests are about.
fn fill(server: &Server) -> Result<(), Problem> {
    let mut batch = String::new();
    let mut events = 0;
    let mut put = |event: &str, data: &str| -> Result<(), Problem> {
        // Writing to a string cannot fail.
        let _ = writeln!(batch, r#"{{"event":"{event}","data":{data}}}"#);
        events += 1;
        if events == BATCH {
            publish(server, &batch)?;
            batch.clear();
            events = 0;
        }
        Ok(())
    };
    let time = now();
    let minute = time - time % MINUTE - MINUTE;
    for n in 0..SYMBOLS {
        let symbol = name(n);
        put(
            "session",
            &format!(
                r#"{{"symbol":"{symbol}","name":"Alphabetic Company {n} Industries Inc.","source":"bench","quality":"live","state":"open","currency":"USD","tick":"0.01"}}"#
            ),
        )?;
        put(
            "quote",
            &format!(
                r#"{{"symbol":"{symbol}","time":{time},"price":"{}.25","size":"100","bid":"{}.24","ask":"{}.26","volume":"{}"}}"#,
                n + 1,
                n + 1,
                n + 1,
                n * 100 + 1
            ),
        )?;
    }
    let bar = |symbol: &str, start: u64| {
        let cents = start / MINUTE % 100;
        format!(
            r#"{{"symbol":"{symbol}","start":{start},"open":"597.{cents:02}","high":"598.10","low":"596.25","close":"597.32","volume":"1200","vwap":"597.325","trades":14}}"#
        )
    };
    for minutes in (0..LONG_DAY).rev() {
        put("bar", &bar(&name(0), minute - minutes * MINUTE))?;
    }
    for n in 0..STORIES {
        let rare = if n % 10_000 == 77 { " rare77" } else { "" };
        let (one, other) = (name(n % SYMBOLS), name(n * 7 % SYMBOLS));
        put(
            "news",
            &format!(
                r#"{{"id":"bench:{n}","type":"headline","basis":"native","symbols":["{one}","{other}"],"headline":"A common headline of some length that companies write, number {n}{rare}","summary":"Said on a common day, in some more words than the headline has, as summaries do.","source":"bench","published":{time}}}"#
            ),
        )?;
    }
    for minutes in (0..MINUTES).rev() {
        for n in 1..SYMBOLS {
            put("bar", &bar(&name(n), minute - minutes * MINUTE))?;
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    publish(server, &batch)
}

fn publish(server: &Server, lines: &str) -> Result<(), Problem> {
    let head = format!(
        "POST /publish HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        lines.len()
    );
    let (answer, _) = exchange(server, &[head.as_bytes(), lines.as_bytes()])?;
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(()),
        false => Err(format!(
            "it does not take what is published: {}",
            String::from_utf8_lossy(&answer)
        )),
    }
}

/// Sends one request on a connection of its own: the answer, and how long it took.
fn exchange(server: &Server, request: &[&[u8]]) -> Result<(Vec<u8>, Duration), Problem> {
    let fail = |error: std::io::Error| format!("a request failed: {error}");
    let mut tcp = TcpStream::connect(server.address).map_err(fail)?;
    tcp.set_read_timeout(Some(READ_TIMEOUT)).map_err(fail)?;
    let begun = Instant::now();
    for part in request {
        tcp.write_all(part).map_err(fail)?;
    }
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).map_err(fail)?;
    Ok((answer, begun.elapsed()))
}

fn measure(
    server: &Server,
    name: &str,
    path: &str,
    accept: &str,
    encoding: &str,
) -> Result<Row, Problem> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {accept}\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    );
    settle(server);
    let idle = idle(server);
    let mut latencies = Latencies::new();
    let mut bytes = 0;
    let (cpu, begun) = (server.process.cpu(), Instant::now());
    for _ in 0..TIMES {
        let (answer, took) = exchange(server, &[request.as_bytes()])?;
        if !answer.starts_with(b"HTTP/1.1 ") {
            return Err(format!("{path} was not answered"));
        }
        latencies.record(took.as_nanos() as u64);
        bytes = answer.len();
        thread::sleep(PAUSE);
    }
    let spent = server.process.cpu() - cpu;
    let other = begun.elapsed().as_secs_f64() * idle;
    let mut row = Row::new(
        Mode::Requests,
        Kind::Tickertape,
        1,
        format!("{name}, {encoding}"),
    );
    let each = (spent.as_secs_f64() - other).max(0.0) / f64::from(TIMES);
    row.set("cpu a request", each * 1e3);
    row.set("p50", latencies.milliseconds(0.5));
    row.set("most", latencies.milliseconds(1.0));
    row.set("answer", bytes as f64 / 1024.0);
    Ok(row)
}

/// Waits until the work after a publication is over: the archive is busy for a while.
fn settle(server: &Server) {
    let begun = Instant::now();
    while begun.elapsed() < READ_TIMEOUT && idle(server) > 0.05 {}
}

/// How much of a core it takes while idle.
fn idle(server: &Server) -> f64 {
    let time = Duration::from_millis(500);
    let before = server.process.cpu();
    thread::sleep(time);
    (server.process.cpu() - before).as_secs_f64() / time.as_secs_f64()
}
