//! The machine and the software of a measurement.

use std::{fs, process::Command};

/// The processor's own name.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let cores = text
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let model = field("model name").unwrap_or_else(|| "unknown".to_owned());
    let clock = field("cpu MHz")
        .and_then(|clock| clock.parse::<f64>().ok())
        .map(|clock| format!(" at {:.1} GHz", clock / 1000.0))
        .unwrap_or_default();
    format!("{model}{clock}, {cores} cores")
}

/// The memory of the machine, in GiB.
pub(crate) fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok());
    kibibytes.map_or_else(
        || "unknown".to_owned(),
        |kibibytes| format!("{:.0} GiB", kibibytes / 1024.0 / 1024.0),
    )
}

/// The kernel's version, and how it paces TCP, which shows in the delays.
pub(crate) fn kernel() -> String {
    let read = |path| {
        fs::read_to_string(path)
            .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
    };
    let release = read("/proc/sys/kernel/osrelease");
    let pacing = read("/proc/sys/net/ipv4/tcp_congestion_control");
    format!("Linux {release}, TCP {pacing}")
}

/// The last word of a program's version output, without a leading `v`.
pub(crate) fn version(command: &mut Command) -> String {
    let Ok(output) = command.output() else {
        return "unknown".to_owned();
    };
    let output = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&output);
    let word = text
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().find(|word| word.contains('.')))
        .unwrap_or("unknown");
    let number = word.rsplit('/').next().unwrap_or(word);
    number.trim_start_matches('v').to_owned()
}
