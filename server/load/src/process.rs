//! A server as a process: pinned to a core, measured through `/proc`, and ended whatever happens.

use std::{
    cell::OnceCell,
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit},
    thread::{CpuSet, sched_setaffinity},
};

use crate::Problem;

/// How long a process may take to end after its signal.
const GRACE: Duration = Duration::from_secs(3);

/// The cores in use: the server has one for itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Its id and those of its children, from the first measurement on: searching all of `/proc` each time would delay
    /// the load by milliseconds.
    measured: OnceCell<Vec<u32>>,
}

impl Process {
    /// Starts a program on the server's core; its output goes to `log`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(command: &mut Command, cores: Cores, log: &Path) -> Result<Self, Problem> {
        let output = File::create(log)
            .map_err(|error| format!("cannot write to {}: {error}", log.display()))?;
        let errors = output
            .try_clone()
            .map_err(|error| format!("cannot write to {}: {error}", log.display()))?;
        let command = command.stdin(Stdio::null()).stdout(output).stderr(errors);
        // A child starts on its parent's core.
        pin(cores.server)?;
        let started = command.spawn();
        pin(cores.load)?;
        let program = command.get_program().to_string_lossy().into_owned();
        match started {
            Ok(child) => Ok(Process {
                child,
                measured: OnceCell::new(),
            }),
            Err(error) => Err(format!("cannot start {program}: {error}")),
        }
    }

    /// # Errors
    /// If the process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Problem> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the server ended by itself: {status}")),
            Err(error) => Err(format!("cannot determine whether the server runs: {error}")),
        }
    }

    /// The time that it and its children have spent on a core, in user and kernel mode, to 10 ms.
    pub(crate) fn cpu(&self) -> Duration {
        let ticks: u64 = self
            .measured()
            .iter()
            .filter_map(|id| Stat::read(*id).map(|stat| stat.ticks))
            .sum();
        Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The resident memory of it and its children, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.measured().iter().filter_map(|id| resident(*id)).sum()
    }

    fn measured(&self) -> &[u32] {
        self.measured.get_or_init(|| self.family())
    }

    /// Its id and those of its children and theirs.
    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        let parents: Vec<(u32, u32)> = processes()
            .filter_map(|id| Some((id, Stat::read(id)?.parent)))
            .collect();
        let mut index = 0;
        while let Some(&parent) = family.get(index) {
            family.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(id, _)| *id),
            );
            index += 1;
        }
        family
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let family = self.family();
        signal(self.child.id(), Signal::TERM);
        let begin = Instant::now();
        while begin.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Including children that outlived their parent: an id cannot have been reused this soon.
        for id in family {
            if Stat::read(id).is_some() {
                signal(id, Signal::KILL);
            }
        }
        let _ = self.child.wait();
    }
}

fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // An error means that it has ended.
        let _ = kill_process(id, signal);
    }
}

/// The relevant part of `/proc/PID/stat`, as in proc_pid_stat(5).
struct Stat {
    parent: u32,
    /// utime and stime.
    ticks: u64,
}

impl Stat {
    fn read(id: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name is in parentheses, and may contain some.
        let fields: Vec<&str> = text
            .get(text.rfind(')')? + 1..)?
            .split_whitespace()
            .collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Stat {
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
        })
    }
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn resident(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Keeps this thread, and the processes that it starts, on a core.
///
/// # Errors
/// If there is no such core.
pub(crate) fn pin(core: usize) -> Result<(), Problem> {
    let mut set = CpuSet::new();
    if core < CpuSet::MAX_CPU {
        set.set(core);
    }
    sched_setaffinity(None, &set).map_err(|error| {
        format!("cannot run on core {core}: {error}; choose two others with --server-core and --load-core")
    })
}

/// Allows this process, and those that it starts, as many open files as possible.
///
/// # Errors
/// If these are too few for so many connections at both ends.
pub(crate) fn allow_files(connections: usize) -> Result<(), Problem> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // A server keeps some hundreds free for other uses than connections.
    let needed = connections as u64 + 800;
    match (setrlimit(Resource::Nofile, raised), limit.maximum) {
        (Err(error), _) => Err(io::Error::from(error).to_string()),
        (Ok(()), Some(most)) if most < needed => Err(format!(
            "{most} open files are allowed and {needed} needed: raise the limit (ulimit -Hn), or take fewer --subscribers"
        )),
        (Ok(()), _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let text = "77 (a ) b) S 5 77 77 0 -1 4194304 1 2 3 4 150 25 9 9 20 0 1 0 100 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (5, 175));
    }

    #[test]
    fn what_it_costs_and_its_end_include_its_children() {
        let cores = Cores { server: 0, load: 0 };
        let log = std::env::temp_dir().join(format!("load-process-{}.log", std::process::id()));
        let mut shell = Command::new("sh");
        // The child prints a line when it has started, and both run until they are ended.
        shell.args(["-c", "sh -c 'echo here; sleep 60; true' & wait; true"]);
        let mut process = Process::start(&mut shell, cores, &log).unwrap();
        let started = Instant::now();
        while fs::read(&log).unwrap().is_empty() && started.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        process.check().unwrap();
        let family = process.family();
        assert!(family.len() >= 2, "{family:?}");
        assert!(process.memory() > resident(family[0]).unwrap());
        drop(process);
        let ended = Instant::now();
        for id in family {
            let runs = || {
                fs::read_to_string(format!("/proc/{id}/stat"))
                    .is_ok_and(|stat| !stat.contains(") Z "))
            };
            while runs() {
                assert!(ended.elapsed() < GRACE, "{id} outlived its server");
                std::thread::yield_now();
            }
        }
        fs::remove_file(&log).unwrap();
    }
}
