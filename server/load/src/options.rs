//! The command line, and the plan of a run.

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use clap::Parser;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::{
    Problem,
    modes::{Mode, Row, Setting, archived, conflated, fan_out, idle, polling, requests, wide},
    process::{Cores, allow_files, pin},
    programs::{Kind, Programs},
    report::{self, Report},
    wire::Clock,
};

/// Measures servers of events side by side: memory, processor time and delay
#[derive(Debug, Parser)]
#[command(name = "load", max_term_width = 80, args_override_self = true)]
struct Options {
    /// Only these modes
    #[arg(long, value_delimiter = ',', value_name = "MODE")]
    only: Vec<Mode>,

    /// Only these servers
    #[arg(long, value_delimiter = ',', value_name = "SERVER")]
    server: Vec<Kind>,

    /// Numbers of subscribers, in every mode [default: 100, 1000, 5000 and
    /// 10000 at rates and in flight, 5000 idle and conflated, 10000 wide, 1000
    /// polling, 20 archived]
    #[arg(long, value_delimiter = ',', value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    subscribers: Vec<u32>,

    /// Deliveries a second, of the open mode
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 50_000], value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    rates: Vec<u32>,

    /// How often everything is measured; what counts is the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// How long a figure is measured
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,

    /// The core that the server runs on
    #[arg(long, default_value_t = 0, value_name = "CORE")]
    server_core: usize,

    /// The core that the load runs on
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    load_core: usize,

    /// Where the tables are written to
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    out: PathBuf,

    /// A document that the tables are put into as well, where it has its place
    /// for them
    #[arg(long, value_name = "FILE")]
    doc: Option<PathBuf>,

    #[command(flatten)]
    programs: Programs,
}

/// How long the load of the conflated mode lasts: a peer may need much memory for more.
const CONFLATED: Duration = Duration::from_secs(12);

/// How long the trades of the archived mode last: long enough for a sustained load.
const ARCHIVED: Duration = Duration::from_secs(60);

/// One run of one server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Idle(Kind, usize),
    FanOut(Kind, usize),
    Conflated(Kind, usize),
    Wide(usize),
    Polling(usize),
    Archived(usize),
    Requests,
}

impl Step {
    fn name(self) -> String {
        let (words, kind, subscribers) = match self {
            Step::Idle(kind, subscribers) => ("idle", kind, subscribers),
            Step::FanOut(kind, subscribers) => ("fan-out", kind, subscribers),
            Step::Conflated(kind, subscribers) => ("conflated", kind, subscribers),
            Step::Wide(subscribers) => ("wide", Kind::Tickertape, subscribers),
            Step::Polling(subscribers) => ("polling", Kind::Tickertape, subscribers),
            Step::Archived(subscribers) => ("archived", Kind::Tickertape, subscribers),
            Step::Requests => ("requests", Kind::Tickertape, 1),
        };
        format!("{words}, {}, {subscribers} subscribers", kind.name())
    }
}

impl Options {
    fn measures(&self, mode: Mode) -> bool {
        self.only.is_empty() || self.only.contains(&mode)
    }

    fn servers(&self) -> Vec<Kind> {
        Kind::ALL
            .into_iter()
            .filter(|kind| self.server.is_empty() || self.server.contains(kind))
            .collect()
    }

    fn counts(&self, default: &[usize]) -> Vec<usize> {
        match self.subscribers.as_slice() {
            [] => default.to_vec(),
            given => given.iter().map(|&count| count as usize).collect(),
        }
    }

    /// The order of the work: a round is all of it once, and the servers take turns.
    fn plan(&self) -> Vec<(u32, Step)> {
        let mut plan = Vec::new();
        for round in 1..=self.rounds {
            let mut each = |default: &[usize], step: fn(Kind, usize) -> Step| {
                for count in self.counts(default) {
                    plan.extend(
                        self.servers()
                            .into_iter()
                            .map(|kind| (round, step(kind, count))),
                    );
                }
            };
            if self.measures(Mode::Idle) {
                each(&[5_000], Step::Idle);
            }
            if self.measures(Mode::Open) || self.measures(Mode::Closed) {
                each(&[100, 1_000, 5_000, 10_000], Step::FanOut);
            }
            // Once is enough for a long run with large differences.
            if self.measures(Mode::Conflated) && round == 1 {
                each(&[5_000], Step::Conflated);
            }
            if self.servers().contains(&Kind::Tickertape) {
                if self.measures(Mode::Wide) {
                    plan.extend(
                        self.counts(&[10_000])
                            .into_iter()
                            .map(|count| (round, Step::Wide(count))),
                    );
                }
                if self.measures(Mode::Polling) && round == 1 {
                    plan.extend(
                        self.counts(&[1_000])
                            .into_iter()
                            .map(|count| (round, Step::Polling(count))),
                    );
                }
                if self.measures(Mode::Archived) && round == 1 {
                    plan.extend(
                        self.counts(&[20])
                            .into_iter()
                            .map(|count| (round, Step::Archived(count))),
                    );
                }
                if self.measures(Mode::Requests) && round == 1 {
                    plan.push((round, Step::Requests));
                }
            }
        }
        plan
    }

    fn setting(&self, interrupted: Arc<AtomicBool>) -> Setting {
        Setting {
            programs: self.programs.clone(),
            cores: Cores {
                server: self.server_core,
                load: self.load_core,
            },
            out: self.out.clone(),
            measured: Duration::from_secs(self.seconds),
            clock: Clock::new(),
            interrupted,
        }
    }

    fn step(&self, setting: &Setting, step: Step, rows: &mut Vec<Row>) -> Result<(), Problem> {
        let rates: Vec<f64> = match self.measures(Mode::Open) {
            true => self.rates.iter().map(|&rate| f64::from(rate)).collect(),
            false => Vec::new(),
        };
        match step {
            Step::Idle(kind, count) => idle::run(setting, kind, count, rows),
            Step::FanOut(kind, count) => fan_out::run(
                setting,
                kind,
                count,
                &rates,
                self.measures(Mode::Closed),
                rows,
            ),
            Step::Conflated(kind, count) => conflated::run(setting, kind, count, CONFLATED, rows),
            Step::Wide(count) => wide::run(setting, count, rows),
            Step::Polling(count) => polling::run(setting, count, rows),
            Step::Archived(count) => archived::run(setting, count, ARCHIVED, rows),
            Step::Requests => requests::run(setting, rows),
        }
    }
}

/// The program `load`.
pub fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(complete) if complete => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Measures as planned and prints the tables; returns whether everything was measured.
fn run(options: &Options) -> Result<bool, Problem> {
    if options.server_core == options.load_core {
        return Err(format!(
            "server and load would share core {}: expected two of them",
            options.load_core
        ));
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, interrupted.clone())
            .map_err(|error| format!("cannot receive signals: {error}"))?;
    }
    let most = options.counts(&[10_000]).into_iter().max();
    allow_files(most.unwrap_or_default())?;
    pin(options.load_core)?;
    fs::create_dir_all(&options.out)
        .map_err(|error| format!("cannot make {}: {error}", options.out.display()))?;

    let setting = options.setting(interrupted.clone());
    let plan = options.plan();
    let mut report = Report::new(&setting, &options.servers());
    let started = Instant::now();
    for (done, (round, step)) in plan.iter().enumerate() {
        eprintln!(
            "[{:>3} of {}, {:>4} s] round {round}: {}",
            done + 1,
            plan.len(),
            started.elapsed().as_secs(),
            step.name()
        );
        let mut rows = Vec::new();
        let outcome = options.step(&setting, *step, &mut rows);
        for row in &rows {
            eprintln!("    {}", report.line(row));
        }
        report.add(*round, rows);
        if let Err(problem) = outcome {
            if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
                eprintln!("interrupted: what was measured so far follows");
                report.fail(step.name(), problem);
                break;
            }
            eprintln!("    failed: {problem}");
            report.fail(step.name(), problem);
        }
    }
    let text = report.markdown();
    println!("{text}");
    report.write(&options.out, &text)?;
    if let Some(document) = &options.doc {
        report::insert(document, &text)?;
    }
    Ok(report.is_complete())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::{CommandFactory as _, ValueEnum as _};
        Options::command().debug_assert();
        assert_eq!(Kind::value_variants().len(), Kind::ALL.len());
    }

    #[test]
    fn servers_take_turns_within_a_round() {
        let options = Options::parse_from([
            "load",
            "--only=idle,open",
            "--server=tickertape,nchan",
            "--subscribers=10,20",
            "--rounds=2",
        ]);
        let plan = options.plan();
        let round = |round| {
            let steps = plan.iter().filter(move |(of, _)| *of == round);
            steps.map(|(_, step)| *step).collect::<Vec<_>>()
        };
        let (ours, nchan) = (Kind::Tickertape, Kind::Nchan);
        assert_eq!(round(1), round(2));
        assert_eq!(
            round(1),
            [
                Step::Idle(ours, 10),
                Step::Idle(nchan, 10),
                Step::Idle(ours, 20),
                Step::Idle(nchan, 20),
                Step::FanOut(ours, 10),
                Step::FanOut(nchan, 10),
                Step::FanOut(ours, 20),
                Step::FanOut(nchan, 20),
            ]
        );
    }
}
