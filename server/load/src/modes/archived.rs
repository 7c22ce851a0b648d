//! The cost of the archive for a stream: the same trades from a feed with an archive and without one.

use std::{fs, path::Path, time::Duration};

use super::{Due, Latencies, Mode, NextStep, Row, Run, Setting, Work};
use crate::{
    Problem,
    payload::{QUOTE, Topic},
    programs::Kind,
    scan::{FIRST_SEQUENCE, Found},
    servers::Server,
    source::{SYMBOLS, Source},
    wire::Driver,
};

/// Trades a second, each of which makes a quote; all symbols trade at the same moments.
const TRADES: u32 = 10_000;

/// How often each symbol trades.
const PERIOD: Duration = Duration::from_millis(1_000 * SYMBOLS as u64 / TRADES as u64);

/// How long the last quotes may take.
const TAIL: Duration = Duration::from_secs(1);

/// How long the archive may take for its last commit.
const COMMITTED: Duration = Duration::from_secs(5);

/// With an archive and without.
pub(crate) fn run(
    setting: &Setting,
    subscribers: usize,
    time: Duration,
    rows: &mut Vec<Row>,
) -> Result<(), Problem> {
    for archived in [false, true] {
        rows.push(one(setting, subscribers, time, archived)?);
    }
    Ok(())
}

/// The two variants that are compared: with an archive, and without.
pub(crate) fn pair() -> (String, String) {
    (variant(true), variant(false))
}

fn variant(archived: bool) -> String {
    let with = if archived { "with" } else { "without" };
    format!("{TRADES} trades/s of {SYMBOLS} symbols, {with} an archive")
}

fn one(
    setting: &Setting,
    subscribers: usize,
    time: Duration,
    archived: bool,
) -> Result<Row, Problem> {
    let source = Source::start(setting.clock.clone())?;
    let data = std::path::absolute(setting.out.join(format!("data-{}", std::process::id())))
        .map_err(|error| error.to_string())?;
    let folder = data.to_string_lossy().into_owned();
    let folder = if archived { folder.as_str() } else { "none" };
    let server = Server::fed(
        &source.feed,
        folder,
        &setting.programs,
        setting.cores,
        &setting.out,
    )?;
    let driver = Driver::new(&server, setting.clock.clone(), setting.interrupted.clone())?;
    let mut run = Run {
        driver,
        server,
        next_sequence: FIRST_SEQUENCE,
    };
    source.await_connection()?;
    run.subscribe(Topic::Fed, subscribers)?;
    // A second in which all streams have opened and the first commits are made.
    let mut warm_up = Archived::new(&run, Duration::from_secs(1), 1);
    source.send(warm_up.start, PERIOD, warm_up.rounds);
    run.drive(&mut warm_up)?;
    let mut work = Archived::new(&run, time, 1 + warm_up.rounds);
    source.send(work.start, PERIOD, work.rounds);
    let cost = run.measure(&mut work)?;

    let mut row = Row::new(
        Mode::Archived,
        Kind::Tickertape,
        subscribers,
        variant(archived),
    );
    row.set_cost(&cost, work.received);
    row.set_latencies(&work.latencies);
    row.set(
        "trades",
        f64::from(work.rounds * SYMBOLS) / time.as_secs_f64(),
    );
    if archived {
        let all = f64::from((1 + warm_up.rounds + work.rounds) * SYMBOLS);
        // A row for each trade, and one for its quote unless a newer one superseded it before it could be written; bars
        // are in addition.
        let rows = run.await_metric("tickertape_archive_rows_total", 2.0 * all, COMMITTED)?;
        let queued = run.server.metric("tickertape_archive_queued")?;
        let missing = queued + run.server.metric("tickertape_archive_dropped_total")?;
        if missing > 0.0 {
            row.mark(format!("{missing} trades are not in the archive"));
        }
        row.set("rows", rows * f64::from(TRADES) / all);
        row.set("file", size(&data) as f64 / 1024.0 / 1024.0);
    }
    if run.driver.traffic.ended > 0 {
        row.mark(format!("{} streams ended", run.driver.traffic.ended));
    }
    drop(run);
    let _ = fs::remove_dir_all(&data);
    Ok(row)
}

/// The bytes of the files in a folder.
fn size(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .sum()
}

struct Archived {
    start: u64,
    rounds: u32,
    /// The round of the whole run that is the first of this work.
    first: u32,
    end: u64,
    received: u64,
    latencies: Latencies,
}

impl Archived {
    fn new(run: &Run, time: Duration, first: u32) -> Self {
        // The source has to start before the first round is due.
        let start = run.driver.clock.now() + PERIOD.as_nanos() as u64;
        let rounds = (time.as_nanos() / PERIOD.as_nanos()) as u32;
        Archived {
            start,
            rounds,
            first,
            end: start + (PERIOD * rounds + TAIL).as_nanos() as u64,
            received: 0,
            latencies: Latencies::new(),
        }
    }
}

impl Work for Archived {
    fn due(&mut self, _now: u64) -> Due {
        Due::Never
    }

    fn received(&mut self, _subscriber: usize, found: Found, at: u64) {
        let place = (found.sequence - FIRST_SEQUENCE).checked_sub(self.first);
        if let Some(place) = place.filter(|_| found.marker == QUOTE) {
            let due = self.start + u64::from(place) * PERIOD.as_nanos() as u64;
            self.received += 1;
            self.latencies.record(at.saturating_sub(due));
        }
    }

    fn turn(&mut self, now: u64) -> NextStep {
        if now >= self.end {
            NextStep::Done
        } else {
            NextStep::At(self.end)
        }
    }
}
