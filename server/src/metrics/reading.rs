//! The metrics of the tape, the feeds and the process, read at each scrape.

use std::{collections::BTreeMap, fmt, time::Duration};

use feeds::Skipped;
use history::Report;
use market::{FeedState, FeedStatus, Millis};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, registry::Unit};
use tape::Stats;

use super::{
    archived::archived,
    encoding::{counter, counters, gauge, gauges},
};

/// Values that other parts count, read at each scrape.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) tape: Stats,
    pub(crate) feeds: Vec<(FeedStatus, Skipped)>,
    pub(crate) archive: Option<Report>,
    pub(crate) started: Millis,
    pub(crate) uptime: Duration,
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_tape(&mut encoder)?;
        FeedSums::of(&self.feeds).encode(&mut encoder)?;
        if let Some(report) = &self.archive {
            archived(&mut encoder, report)?;
        }
        self.encode_process(&mut encoder)
    }
}

impl Reading {
    fn encode_tape(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in [
            (
                "tickertape_appended",
                "Events that were appended to the tape.",
                self.tape.appended,
            ),
            (
                "tickertape_superseded",
                "Quotes and sessions that a newer one of their symbol replaced.",
                self.tape.superseded,
            ),
            (
                "tickertape_evicted",
                "Retained events that left the tape's window.",
                self.tape.evicted,
            ),
        ] {
            counter(encoder, name, help, value)?;
        }
        gauges(
            encoder,
            "tickertape_tape_entries",
            "Events that the tape holds.",
            None,
            [
                ("kept", self.tape.retained),
                ("merging", self.tape.conflated),
            ]
            .map(|(kind, value)| ([("kind", kind)], value as u64)),
        )?;
        gauges(
            encoder,
            "tickertape_tape",
            "Memory that the tape's events take.",
            Some(&Unit::Bytes),
            [
                ("kept", self.tape.retained_bytes),
                ("merging", self.tape.conflated_bytes),
            ]
            .map(|(kind, value)| ([("kind", kind)], value as u64)),
        )?;
        gauge(
            encoder,
            "tickertape_cursors",
            "Positions on the tape: streams, and polls that wait.",
            None,
            self.tape.cursors as u64,
        )
    }

    fn encode_process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in [
            (
                "process_start_time",
                "When the process started, since the epoch.",
                self.started as f64 / 1e3,
            ),
            (
                "tickertape_uptime",
                "How long the server has been running.",
                self.uptime.as_secs_f64(),
            ),
        ] {
            gauge(encoder, name, help, Some(&Unit::Seconds), value)?;
        }
        Ok(())
    }
}

type ByLabels<'a, const N: usize> = BTreeMap<[(&'static str, &'a str); N], u64>;

/// The counts of feeds by their names. Two feeds of one kind share a name and are added up.
#[derive(Default)]
struct FeedSums<'a> {
    states: ByLabels<'a, 2>,
    skipped: ByLabels<'a, 2>,
    gaps: ByLabels<'a, 1>,
    mended: ByLabels<'a, 1>,
}

impl<'a> FeedSums<'a> {
    fn of(feeds: &'a [(FeedStatus, Skipped)]) -> Self {
        let mut sums = FeedSums::default();
        for (feed, passed) in feeds {
            let name = feed.name.as_str();
            for (state, label) in STATES {
                let labels = [("feed", name), ("state", label)];
                *sums.states.entry(labels).or_default() += u64::from(feed.state == state);
            }
            for (why, count) in [
                ("ignored", passed.ignored),
                ("wrong", passed.wrong),
                ("late", passed.late),
                ("held", passed.held),
                ("duplicate", passed.duplicates),
            ] {
                *sums
                    .skipped
                    .entry([("feed", name), ("why", why)])
                    .or_default() += count;
            }
            *sums.gaps.entry([("feed", name)]).or_default() += passed.gaps;
            *sums.mended.entry([("feed", name)]).or_default() += passed.mended;
        }
        sums
    }

    fn encode(self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauges(
            encoder,
            "tickertape_feed_state",
            "1 for the state that a feed is in, 0 for the others.",
            None,
            self.states,
        )?;
        counters(
            encoder,
            "tickertape_feed_skipped",
            "What a feed has left out: frames of no use or that cannot be read, trades of closed minutes, quotes older than another feed's, items with the identity of another item.",
            self.skipped,
        )?;
        counters(
            encoder,
            "tickertape_feed_gaps",
            "Gaps in a source's own numbers of its messages or trades.",
            self.gaps,
        )?;
        counters(
            encoder,
            "tickertape_feed_mended",
            "Faults of a source's documents that were read all the same.",
            self.mended,
        )
    }
}

const STATES: [(FeedState, &str); 5] = [
    (FeedState::Connecting, "connecting"),
    (FeedState::Live, "live"),
    (FeedState::Degraded, "degraded"),
    (FeedState::Ended, "ended"),
    (FeedState::Failed, "failed"),
];
