//! Values of options on the command line and in the file.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) {
        let port: Option<u16> = port.parse().ok();
        return port
            .map(|port| (Ipv4Addr::LOCALHOST, port).into())
            .ok_or("expected a port from 0 to 65535");
    }
    text.parse().map_err(|_| {
        "expected an address in digits and a port, as in 127.0.0.1:3000, 0.0.0.0:3000 or [::1]:3000, localhost:3000, or a port alone"
    })
}

/// Parses the filter of the log. A word that is no level would count as the name of a target, and everything else would
/// be silent.
pub(crate) fn log_filter(text: &str) -> Result<EnvFilter, String> {
    let expected = || {
        "expected a level (off, error, warn, info, debug, trace), or levels by target as in info,server=debug"
            .to_owned()
    };
    let is_level = |word: &str| word.is_empty() || word.parse::<LevelFilter>().is_ok();
    // The text in brackets is the name of a span.
    let mut words = text.split(',').map(str::trim);
    match words.find(|word| !word.contains(['=', '[']) && !is_level(word)) {
        Some(word) => Err(format!("{word:?} is no level: {}", expected())),
        None => text.parse().map_err(|_| expected()),
    }
}

/// Parses a duration such as 250ms, 10s or 1h 30m.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    let expected = "expected a time above zero and at most a year, such as 250ms, 30s or 12h";
    let duration: jiff::SignedDuration = text.parse().map_err(|_| expected)?;
    let longest = Duration::from_secs(365 * 24 * 60 * 60);
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() && duration <= longest => Ok(duration),
        _ => Err(expected),
    }
}

pub(crate) fn count(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number from 1"),
    }
}

pub(crate) fn bytes(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "expected a whole number of bytes")
}

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// Whether an address is reachable only from this machine.
pub(crate) fn is_of_this_machine(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            let mapped = ip.to_ipv4_mapped();
            ip.is_loopback() || mapped.is_some_and(|ip| ip.is_loopback())
        }
    }
}
