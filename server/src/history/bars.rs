use std::{collections::BTreeMap, ops::Range};

use market::{Bar, Event, Interval, Millis, Price, Size, Symbol};
use rust_decimal::Decimal;

use super::{Past, Unreadable};
use crate::{Tape, Topic, View};

/// Which bars are wanted.
#[derive(Debug, Clone)]
pub(crate) struct BarQuery {
    pub(crate) symbol: Symbol,
    pub(crate) interval: Interval,
    /// Where they start.
    pub(crate) starts: Range<Millis>,
    /// How many at the most: the newest.
    pub(crate) limit: usize,
}

/// Bars, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bars {
    pub(crate) bars: Vec<Bar>,
    /// Whether there are older ones in the span that was asked for.
    pub(crate) more: bool,
    /// Where the last bar is not whole yet: the end of the newest minute that is in it.
    pub(crate) until: Option<Millis>,
}

/// Reads bars from the archive and from the tape.
///
/// Of minutes the archive's wins, because a correction reaches it though the bar has left the tape;
/// what it has not written yet comes from the tape. A longer bar is the archive's but for the newest
/// ones, which are added up from the minutes here, so that they have every minute that has closed.
///
/// # Errors
/// Where the archive cannot be read.
pub(crate) fn read_bars(
    past: Option<&dyn Past>,
    tape: &Tape,
    query: &BarQuery,
) -> Result<Bars, Unreadable> {
    let BarQuery {
        symbol,
        interval,
        ref starts,
        limit,
    } = *query;
    // One more tells whether there are more.
    let enough = limit.saturating_add(1);
    let archived = |interval, starts: Range<Millis>, limit| match past {
        Some(past) if !starts.is_empty() => past.bars(symbol, interval, starts, limit),
        _ => Ok(Vec::new()),
    };
    let taped = |starts: Range<Millis>| tape.view(|view| minutes_in(view, symbol, &starts));

    let mut until = None;
    let bars = match interval {
        // The tape has no bars that are shorter than a minute.
        Interval::Second => archived(interval, starts.clone(), enough)?,
        Interval::Minute => {
            let bars = archived(interval, starts.clone(), enough)?;
            joined(taped(starts.clone()), bars)
        }
        _ => {
            // In this order: a minute that is written meanwhile is in the longer bars too.
            let newest = archived(Interval::Minute, 0..Millis::MAX, 1)?.pop();
            let whole = archived(interval, starts.clone(), enough)?;
            let seam = newest.as_ref().map_or(0, |newest| newest.start);
            let minutes = taped(0..Millis::MAX);
            let unwritten = minutes.iter().find(|bar| bar.start > seam);
            let has_unwritten = unwritten.is_some();
            let first = newest.as_ref().or(unwritten).map(|bar| bar.start);
            match first {
                None => whole,
                Some(first) => {
                    let tail = start_of(interval, first);
                    let written = archived(Interval::Minute, tail..Millis::MAX, usize::MAX)?;
                    let minutes = minutes.into_iter().filter(|bar| bar.start >= tail);
                    let minutes = joined(minutes.collect(), written);
                    until = minutes.last().map(|bar| bar.start + Bar::INTERVAL);
                    let mut sums = added_up(interval, &minutes);
                    // What was imported as a whole bar may have more in it than its minutes.
                    if !has_unwritten {
                        let imported = whole.last().filter(|bar| bar.start == tail);
                        if let (Some(imported), Some(sum)) = (imported, sums.first_mut())
                            && imported.volume >= sum.volume
                        {
                            *sum = imported.clone();
                        }
                    }
                    let mut bars = whole;
                    bars.retain(|bar| bar.start < tail);
                    bars.extend(sums.into_iter().filter(|bar| starts.contains(&bar.start)));
                    bars
                }
            }
        }
    };
    let surplus = bars.len().saturating_sub(limit);
    let bars = bars[surplus..].to_vec();
    // The end of a minute that lies in the last bar's own time leaves it unfinished.
    let until = until.filter(|until| {
        bars.last()
            .is_some_and(|last| start_of(interval, *until) == last.start)
    });
    Ok(Bars {
        bars,
        more: surplus > 0,
        until,
    })
}

/// The minutes of a symbol that are on the tape and start in a span, oldest first. A minute that was
/// corrected is there more than once: the newest counts.
pub(crate) fn minutes_in(view: &View<'_>, symbol: Symbol, starts: &Range<Millis>) -> Vec<Bar> {
    let mut bars = BTreeMap::new();
    for (_, entry) in view.kept(&Topic::Symbol(symbol)) {
        if let Event::Bar(bar) = &*entry.event
            && starts.contains(&bar.start)
        {
            bars.entry(bar.start).or_insert(bar);
        }
    }
    bars.into_values().cloned().collect()
}

/// Both together by their starts; of the same start, the archive's.
fn joined(taped: Vec<Bar>, archived: Vec<Bar>) -> Vec<Bar> {
    let bars = taped.into_iter().chain(archived);
    let by_start: BTreeMap<Millis, Bar> = bars.map(|bar| (bar.start, bar)).collect();
    by_start.into_values().collect()
}

/// Where the bar begins that a time lies in.
pub(crate) fn start_of(interval: Interval, time: Millis) -> Millis {
    time - time % interval.millis()
}

/// Minutes, oldest first, added up to longer bars.
fn added_up(interval: Interval, minutes: &[Bar]) -> Vec<Bar> {
    minutes
        .chunk_by(|one, next| start_of(interval, one.start) == start_of(interval, next.start))
        .filter_map(|minutes| {
            let (first, last) = (minutes.first()?, minutes.last()?);
            let mut sum = Bar {
                start: start_of(interval, first.start),
                close: last.close,
                volume: Size::ZERO,
                vwap: None,
                trades: 0,
                ..first.clone()
            };
            let mut turnover = Some(Decimal::ZERO);
            for minute in minutes {
                sum.high = sum.high.max(minute.high);
                sum.low = sum.low.min(minute.low);
                sum.volume = sum.volume.checked_add(minute.volume).unwrap_or(sum.volume);
                sum.trades = sum.trades.saturating_add(minute.trades);
                if let Some(vwap) = minute.vwap {
                    let paid = vwap.decimal().checked_mul(minute.volume.decimal());
                    turnover = turnover.and_then(|turnover| turnover.checked_add(paid?));
                }
            }
            let digits = minutes.iter().filter_map(|minute| minute.vwap);
            let digits = digits.map(Price::scale).max();
            sum.vwap = turnover
                .and_then(|turnover| turnover.checked_div(sum.volume.decimal()))
                .zip(digits)
                .map(|(average, digits)| Price::from(average).rounded(digits));
            Some(sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{
        Draft,
        history::NewsFilter,
        testing::{START, tape},
    };
    use market::News;
    use tape::EventId;

    const MINUTE: Millis = Bar::INTERVAL;
    /// A whole day.
    const DAY: Millis = START - START % (24 * 60 * MINUTE);

    fn symbol() -> Symbol {
        "GOOG".parse().unwrap()
    }

    fn bar(minute: u64, close: &str, volume: &str) -> Bar {
        let price: Price = close.parse().unwrap();
        Bar {
            symbol: symbol(),
            start: DAY + minute * MINUTE,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: volume.parse().unwrap(),
            vwap: Some(price),
            trades: 1,
        }
    }

    fn append(tape: &Tape, bar: Bar) {
        let draft = Draft::new(Event::Bar(bar));
        tape.append_all(START, |batch| draft.append(batch));
    }

    /// An archive of bars in memory, which does something after each reading.
    struct Remembered<'a> {
        bars: Mutex<Vec<(Interval, Bar)>>,
        after: &'a (dyn Fn(&Mutex<Vec<(Interval, Bar)>>) + Sync),
    }

    impl Past for Remembered<'_> {
        fn bars(
            &self,
            _: Symbol,
            interval: Interval,
            starts: Range<Millis>,
            limit: usize,
        ) -> Result<Vec<Bar>, Unreadable> {
            let bars = self.bars.lock().unwrap();
            let bars = bars.iter().filter(|(of, _)| *of == interval);
            let mut found: Vec<Bar> = bars
                .map(|(_, bar)| bar.clone())
                .filter(|bar| starts.contains(&bar.start))
                .collect();
            found.sort_by_key(|bar| bar.start);
            let found = found.split_off(found.len().saturating_sub(limit));
            (self.after)(&self.bars);
            Ok(found)
        }

        fn news(
            &self,
            _: &NewsFilter,
            _: Option<EventId>,
            _: usize,
        ) -> Result<Vec<(EventId, News)>, Unreadable> {
            Ok(Vec::new())
        }
    }

    fn remembered(bars: impl IntoIterator<Item = (Interval, Bar)>) -> Remembered<'static> {
        Remembered {
            bars: Mutex::new(bars.into_iter().collect()),
            after: &|_| (),
        }
    }

    fn read(past: Option<&dyn Past>, tape: &Tape, interval: Interval, limit: usize) -> Bars {
        let query = BarQuery {
            symbol: symbol(),
            interval,
            starts: 0..Millis::MAX,
            limit,
        };
        read_bars(past, tape, &query).unwrap()
    }

    fn closes(bars: &Bars) -> Vec<(u64, String)> {
        let minute = |bar: &Bar| (bar.start - DAY) / MINUTE;
        bars.bars
            .iter()
            .map(|bar| (minute(bar), bar.close.to_string()))
            .collect()
    }

    fn pairs(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected
            .iter()
            .map(|(minute, close)| (*minute, (*close).to_owned()))
            .collect()
    }

    #[test]
    fn the_tape_goes_on_where_the_archive_ends() {
        let tape = tape();
        for (minute, close) in [(1, "1"), (2, "2"), (3, "3")] {
            append(&tape, bar(minute, close, "1"));
        }
        // The second minute was corrected after it had left nobody's tape.
        let past = remembered(
            [(0, "0"), (1, "1"), (2, "2.5")]
                .map(|(minute, close)| (Interval::Minute, bar(minute, close, "1"))),
        );
        let all = read(Some(&past), &tape, Interval::Minute, 10);
        assert_eq!(
            closes(&all),
            pairs(&[(0, "0"), (1, "1"), (2, "2.5"), (3, "3")])
        );
        assert!(!all.more);
        let some = read(Some(&past), &tape, Interval::Minute, 2);
        assert_eq!(closes(&some), pairs(&[(2, "2.5"), (3, "3")]));
        assert!(some.more);
        let alone = read(None, &tape, Interval::Minute, 10);
        assert_eq!(closes(&alone), pairs(&[(1, "1"), (2, "2"), (3, "3")]));
    }

    #[test]
    fn a_minute_that_was_corrected_on_the_tape_is_there_once() {
        let tape = tape();
        for (minute, close) in [(1, "1"), (2, "2"), (1, "1.5")] {
            append(&tape, bar(minute, close, "1"));
        }
        let bars = read(None, &tape, Interval::Minute, 10);
        assert_eq!(closes(&bars), pairs(&[(1, "1.5"), (2, "2")]));
    }

    #[test]
    fn longer_bars_are_added_up_from_minutes_and_the_last_says_how_far_it_goes() {
        let tape = tape();
        for (minute, close, volume) in [
            (3, "10.00", "100"),
            (4, "12.00", "300"),
            (5, "9.00", "1"),
            (7, "8.00", "3"),
        ] {
            append(&tape, bar(minute, close, volume));
        }
        let bars = read(None, &tape, Interval::FiveMinutes, 10);
        assert_eq!(closes(&bars), pairs(&[(0, "12.00"), (5, "8.00")]));
        let first = &bars.bars[0];
        assert_eq!(
            (first.open, first.high, first.low),
            (
                "10".parse().unwrap(),
                "12".parse().unwrap(),
                "10".parse().unwrap()
            )
        );
        assert_eq!(
            (first.volume.to_string(), first.trades),
            ("400".to_owned(), 2)
        );
        assert_eq!(first.vwap.unwrap().to_string(), "11.50");
        assert_eq!(bars.until, Some(DAY + 8 * MINUTE));
        // With its last minute the bar is whole.
        append(&tape, bar(9, "7.00", "1"));
        assert_eq!(read(None, &tape, Interval::FiveMinutes, 10).until, None);
    }

    #[test]
    fn a_longer_bar_has_the_minutes_on_either_side_of_the_seam_once() {
        let tape = tape();
        for minute in 4..8 {
            append(&tape, bar(minute, "2", "10"));
        }
        // The archive has written up to the sixth minute.
        let mut written: Vec<(Interval, Bar)> = (0..6)
            .map(|minute| (Interval::Minute, bar(minute, "1", "10")))
            .collect();
        written.push((Interval::FiveMinutes, bar(0, "1", "50")));
        written.push((Interval::FiveMinutes, bar(5, "1", "10")));
        let past = remembered(written);
        let bars = read(Some(&past), &tape, Interval::FiveMinutes, 10);
        assert_eq!(closes(&bars), pairs(&[(0, "1"), (5, "2")]));
        let volumes: Vec<String> = bars.bars.iter().map(|bar| bar.volume.to_string()).collect();
        assert_eq!(volumes, ["50", "30"]);
        assert_eq!(bars.until, Some(DAY + 8 * MINUTE));
    }

    #[test]
    fn what_is_written_while_it_is_read_is_there_once() {
        // With every reading the archive writes one more minute and what it adds to its longer bars.
        let tape = tape();
        for minute in 0..12 {
            append(&tape, bar(minute, "2", "10"));
        }
        let write = |bars: &Mutex<Vec<(Interval, Bar)>>| {
            let mut bars = bars.lock().unwrap();
            let minutes: Vec<Bar> = bars
                .iter()
                .filter(|(interval, _)| *interval == Interval::Minute)
                .map(|(_, bar)| bar.clone())
                .collect();
            let mut minutes = minutes;
            minutes.push(bar(minutes.len() as u64, "2", "10"));
            let sums = added_up(Interval::FiveMinutes, &minutes);
            *bars = minutes
                .into_iter()
                .map(|bar| (Interval::Minute, bar))
                .chain(sums.into_iter().map(|bar| (Interval::FiveMinutes, bar)))
                .collect();
        };
        for written in 0..9 {
            let past = Remembered {
                bars: Mutex::default(),
                after: &write,
            };
            for _ in 0..written {
                write(&past.bars);
            }
            let bars = read(Some(&past), &tape, Interval::FiveMinutes, 10);
            let volumes: Vec<String> = bars.bars.iter().map(|bar| bar.volume.to_string()).collect();
            assert_eq!(volumes, ["50", "50", "20"], "{written} were written before");
        }
    }

    #[test]
    fn a_whole_bar_that_was_imported_stays_what_it_is() {
        let imported = [0, 24 * 60].map(|minute| (Interval::Day, bar(minute, "5", "1000")));
        let past = remembered(imported.clone());
        let bars = read(Some(&past), &tape(), Interval::Day, 10);
        assert_eq!(closes(&bars), pairs(&[(0, "5"), (24 * 60, "5")]));
        let minute = (Interval::Minute, bar(24 * 60 + 7, "4", "1"));
        let past = remembered(imported.into_iter().chain([minute]));
        let bars = read(Some(&past), &tape(), Interval::Day, 10);
        assert_eq!(closes(&bars), pairs(&[(0, "5"), (24 * 60, "5")]));
    }

    #[test]
    fn seconds_are_the_archives_alone() {
        let tape = tape();
        append(&tape, bar(0, "1", "1"));
        let past = remembered([(Interval::Second, bar(0, "1", "1"))]);
        assert_eq!(read(None, &tape, Interval::Second, 9), Bars::default());
        assert_eq!(read(Some(&past), &tape, Interval::Second, 9).bars.len(), 1);
    }
}
