//! The archive's metrics, read at each scrape.

use std::fmt;

use archive::{State, Status};
use history::Report;
use prometheus_client::{encoding::DescriptorEncoder, registry::Unit};

use super::encoding::{counter, gauge, gauges};

/// Encodes the state of the archive.
pub(crate) fn archived(encoder: &mut DescriptorEncoder<'_>, report: &Report) -> fmt::Result {
    encode_counters(encoder, report)?;
    encode_gauges(encoder, &report.status)?;
    let status = &report.status;
    let states = [
        ("ok", matches!(status.state, State::Ok)),
        ("degraded", matches!(status.state, State::Degraded(_))),
        ("failed", matches!(status.state, State::Failed(_))),
    ];
    gauges(
        encoder,
        "tickertape_archive_state",
        "1 for the state that the archive is in, 0 for the others.",
        None,
        states.map(|(name, is)| ([("state", name)], u64::from(is))),
    )
}

fn encode_counters(encoder: &mut DescriptorEncoder<'_>, report: &Report) -> fmt::Result {
    let Report {
        status,
        lost,
        unrecorded,
        ..
    } = report;
    for (name, help, value) in [
        (
            "tickertape_archive_rows",
            "Rows that were written: events, quotes, trades, bars.",
            status.rows,
        ),
        (
            "tickertape_archive_commits",
            "Transactions that are on disk.",
            status.commits,
        ),
        (
            "tickertape_archive_failures",
            "Attempts to write that failed.",
            status.failures,
        ),
        (
            "tickertape_archive_dropped",
            "Trades and corrections that were dropped because the queue was full.",
            status.dropped,
        ),
        (
            "tickertape_archive_lost",
            "Events that left the tape's window before they could be written.",
            *lost,
        ),
        (
            "tickertape_archive_removed",
            "Rows that were removed because of their age or of the file's size.",
            status.removed,
        ),
        (
            "tickertape_archive_checks",
            "Integrity checks that have been completed.",
            status.checks.completed,
        ),
        (
            "tickertape_archive_checked_rows",
            "Rows that integrity checks have compared with their checksums.",
            status.checks.rows,
        ),
        (
            "tickertape_archive_unrecorded",
            "Steps of the tape that were shown without being in the journal.",
            *unrecorded,
        ),
    ] {
        counter(encoder, name, help, value)?;
    }
    Ok(())
}

fn encode_gauges(encoder: &mut DescriptorEncoder<'_>, status: &Status) -> fmt::Result {
    for (name, help, unit, value) in [
        (
            "tickertape_archive_queued",
            "Trades and corrections that wait for the disk.",
            None,
            status.queued,
        ),
        (
            "tickertape_archive_file",
            "The size of the archive's file, without its write-ahead log.",
            Some(&Unit::Bytes),
            status.file_bytes,
        ),
        (
            "tickertape_archive_quarantined",
            "Rows in quarantine: damaged ones, and those that SQLite refused.",
            None,
            status.quarantined,
        ),
        (
            "tickertape_archive_damaged",
            "Damaged rows that could not be moved to the quarantine.",
            None,
            status.damaged,
        ),
        (
            "tickertape_archive_newer",
            "Rows left out because only a newer version can read them.",
            None,
            status.newer,
        ),
        (
            "tickertape_archive_problems",
            "What the last integrity check found wrong with the file, beside damaged rows.",
            None,
            status.checks.problems.len() as u64,
        ),
        (
            "tickertape_archive_set_aside",
            "Corrupt files that were set aside and not acknowledged.",
            None,
            status.set_aside.len() as u64,
        ),
    ] {
        gauge(encoder, name, help, unit, value)?;
    }
    Ok(())
}
