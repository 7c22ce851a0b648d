//! More than any core can send: thousands of subscribers of one symbol, a thousand quotes a second. The figure is the
//! age of what they have received, and that news arrives all the same.

use std::time::Duration;

use super::{Cost, Due, Mode, NextStep, Payload, Row, Run, Setting, Work};
use crate::{
    Problem,
    latencies::Latencies,
    payload::{NEWS, Topic},
    programs::Kind,
    scan::Found,
    schedule::{Receipts, Schedule},
};

/// Quotes a second.
const QUOTES: f64 = 1_000.0;

/// How often a story is published, and how often the age of every subscriber is sampled, a second.
const NEWS_A_SECOND: f64 = 1.0;
const SAMPLES: f64 = 20.0;

/// Peers queue what they cannot send: none gets more memory than this, in bytes.
const MEMORY: u64 = 6 << 30;

/// One server under that load.
pub(crate) fn run(
    setting: &Setting,
    kind: Kind,
    subscribers: usize,
    time: Duration,
    rows: &mut Vec<Row>,
) -> Result<(), Problem> {
    let mut run = Run::start(setting, kind, Topic::One)?;
    run.subscribe(Topic::One, subscribers)?;
    run.settle(subscribers)?;
    let before = run.server.process.memory();
    let bytes_before = run.driver.traffic.bytes;
    let mut row = Row::new(
        Mode::Conflated,
        kind,
        subscribers,
        format!("{QUOTES:.0} quotes/s of one symbol"),
    );
    let start = run.driver.clock.now();
    let mut memory = before;
    let mut work = Conflated::new(&mut run, subscribers, start, time)?;
    let mut all = Cost::default();
    // A second at a time, so that the memory is checked in between.
    while !work.is_over(run.driver.clock.now()) {
        work.pause_at(run.driver.clock.now() + Duration::from_secs(1).as_nanos() as u64);
        let cost = run.measure(&mut work)?;
        all.add(&cost);
        memory = memory.max(run.server.process.memory());
        if memory > MEMORY {
            row.mark(format!("stopped after {:.0} s for its memory", all.seconds));
            break;
        }
    }
    row.set_cost(&all, work.quotes_seen.received + work.news_seen.received);
    let bytes = run.driver.traffic.bytes - bytes_before;
    row.set(
        "bytes",
        bytes as f64 / subscribers as f64 / all.seconds / 1024.0,
    );
    let mebibytes = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    let first = work.ages.get(1).or(work.ages.first());
    let last = work.ages.last();
    row.set("age p50", work.all.milliseconds(0.5));
    row.set("age p99", work.all.milliseconds(0.99));
    for (name, ages) in [("age p50 first", first), ("age p50 last", last)] {
        row.set(name, ages.map_or(0.0, |ages| ages.milliseconds(0.5)));
    }
    let arrived = work.news_arrived(run.driver.clock.now());
    row.set("news arrived", arrived * 100.0);
    row.set("news p50", work.news_delay.milliseconds(0.5));
    row.set("news p99", work.news_delay.milliseconds(0.99));
    row.set("memory before", mebibytes(before));
    row.set("memory most", mebibytes(memory));
    if work.quotes_seen.twice + work.news_seen.twice > 0 {
        row.mark("something came twice");
    }
    if kind == Kind::Tickertape && work.news_seen.missed > 0 {
        row.mark(format!("{} stories missed", work.news_seen.missed));
    }
    if run.driver.traffic.ended > 0 {
        row.mark(format!("{} streams ended", run.driver.traffic.ended));
    }
    rows.push(row);
    Ok(())
}

struct Conflated {
    quotes: Schedule,
    news: Schedule,
    samples: Schedule,
    quotes_published: u32,
    news_published: u32,
    samples_taken: u32,
    base: u32,
    start: u64,
    end: u64,
    pause: u64,
    quotes_seen: Receipts,
    news_seen: Receipts,
    news_delay: Latencies,
    /// The age of each subscriber's newest quote, by the second of the run.
    ages: Vec<Latencies>,
    /// The same, without the first second.
    all: Latencies,
}

impl Conflated {
    fn new(run: &mut Run, subscribers: usize, start: u64, time: Duration) -> Result<Self, Problem> {
        let quotes = Schedule::new(start, QUOTES);
        // Quotes and news have different markers, and may have the same numbers.
        let base = run.sequences(quotes.count(time) + 1)?;
        Ok(Conflated {
            quotes,
            news: Schedule::new(start, NEWS_A_SECOND),
            samples: Schedule::new(start, SAMPLES),
            quotes_published: 0,
            news_published: 0,
            samples_taken: 0,
            base,
            start,
            end: start + time.as_nanos() as u64,
            pause: start,
            quotes_seen: Receipts::new(subscribers, base),
            news_seen: Receipts::new(subscribers, base),
            news_delay: Latencies::new(),
            ages: Vec::new(),
            all: Latencies::new(),
        })
    }

    fn is_over(&self, now: u64) -> bool {
        now >= self.end
    }

    fn pause_at(&mut self, at: u64) {
        self.pause = at.min(self.end);
    }

    /// Samples the age of each subscriber's newest quote.
    fn sample(&mut self, now: u64) {
        let second = ((now - self.start) / 1_000_000_000) as usize;
        while self.ages.len() <= second {
            self.ages.push(Latencies::new());
        }
        for unseen in self.quotes_seen.unseen() {
            let age = self.quotes.age(unseen, now);
            self.ages[second].record(age);
            if second > 0 {
                self.all.record(age);
            }
        }
    }

    /// The share of the stories that arrived, of those that were due at least a second before the end. Missing ones
    /// count as delayed until now, so that losing stories makes no delay look small.
    fn news_arrived(&mut self, now: u64) -> f64 {
        let a_second_ago = now.saturating_sub(1_000_000_000).max(self.start) - self.start;
        let due = self.news.count(Duration::from_nanos(a_second_ago)).max(1);
        let mut missing = self.news_seen.missed;
        let mut all = 0;
        for unseen in self.news_seen.unseen() {
            for place in unseen..due {
                self.news_delay
                    .record(now.saturating_sub(self.news.due(place)));
                missing += 1;
            }
            all += u64::from(due);
        }
        1.0 - missing as f64 / all.max(1) as f64
    }
}

impl Work for Conflated {
    fn due(&mut self, now: u64) -> Due {
        let quote = self.quotes.due(self.quotes_published);
        let news = self.news.due(self.news_published);
        let at = quote.min(news);
        if at >= self.end {
            return Due::Never;
        }
        if at > now {
            return Due::At(at);
        }
        Due::Now(if news <= quote {
            self.news_published += 1;
            Payload::News(self.base + self.news_published - 1)
        } else {
            self.quotes_published += 1;
            Payload::Quote {
                symbol: None,
                sequence: self.base + self.quotes_published - 1,
            }
        })
    }

    fn received(&mut self, subscriber: usize, found: Found, at: u64) {
        if found.marker == NEWS {
            if let Some(place) = self.news_seen.receive(subscriber, found.sequence) {
                self.news_delay
                    .record(at.saturating_sub(self.news.due(place)));
            }
        } else {
            self.quotes_seen.receive(subscriber, found.sequence);
        }
    }

    fn turn(&mut self, now: u64) -> NextStep {
        if now >= self.pause {
            return NextStep::Done;
        }
        if now >= self.samples.due(self.samples_taken) {
            self.sample(now);
            // A missed sample is not made up for.
            while self.samples.due(self.samples_taken) <= now {
                self.samples_taken += 1;
            }
        }
        NextStep::At(self.samples.due(self.samples_taken).min(self.pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::QUOTE;

    const SECOND: u64 = 1_000_000_000;

    fn work(subscribers: usize) -> Conflated {
        Conflated {
            quotes: Schedule::new(0, QUOTES),
            news: Schedule::new(0, NEWS_A_SECOND),
            samples: Schedule::new(0, SAMPLES),
            quotes_published: 0,
            news_published: 0,
            samples_taken: 0,
            base: 1_000,
            start: 0,
            end: 10 * SECOND,
            pause: 10 * SECOND,
            quotes_seen: Receipts::new(subscribers, 1_000),
            news_seen: Receipts::new(subscribers, 1_000),
            news_delay: Latencies::new(),
            ages: Vec::new(),
            all: Latencies::new(),
        }
    }

    fn found(marker: usize, place: u32) -> Found {
        Found {
            marker,
            sequence: 1_000 + place,
        }
    }

    #[test]
    fn a_subscriber_that_skips_quotes_is_not_behind_and_one_that_receives_nothing_is() {
        let mut work = work(2);
        // The newest quote that is due after 2 s has place 2000; the other subscriber has received that of 1.5 s.
        work.received(0, found(QUOTE, 2_000), 2 * SECOND);
        work.received(1, found(QUOTE, 1_500), 2 * SECOND);
        assert_eq!(
            work.turn(2 * SECOND),
            NextStep::At(2 * SECOND + SECOND / 20)
        );
        let ages = &work.ages[2];
        assert!(ages.milliseconds(0.5) < 0.01);
        let oldest = ages.milliseconds(1.0);
        assert!((498.0..500.0).contains(&oldest), "{oldest}");
    }

    #[test]
    fn a_story_that_does_not_come_is_late() {
        let mut work = work(2);
        for place in 0..4 {
            work.received(0, found(NEWS, place), u64::from(place) * SECOND);
        }
        work.received(1, found(NEWS, 0), 0);
        // Four are due a second before the end; the other subscriber has one of them.
        assert_eq!(work.news_arrived(5 * SECOND), 5.0 / 8.0);
        let latest = work.news_delay.milliseconds(1.0);
        assert!((3_990.0..4_010.0).contains(&latest), "{latest}");
    }

    #[test]
    fn news_and_quotes_are_published_when_they_are_due() {
        let mut work = work(1);
        assert_eq!(work.due(0), Due::Now(Payload::News(1_000)));
        let quote = |sequence| Payload::Quote {
            symbol: None,
            sequence,
        };
        assert_eq!(work.due(0), Due::Now(quote(1_000)));
        assert_eq!(work.due(0), Due::At(SECOND / 1_000));
        assert_eq!(work.due(SECOND), Due::Now(quote(1_001)), "in order");
    }
}
