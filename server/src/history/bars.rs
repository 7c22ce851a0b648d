use std::{collections::BTreeMap, ops::Range};

use market::{Bar, Board, Event, Interval, Millis, Price, Size, Symbol};
use rust_decimal::Decimal;
use tape::EventId;

use super::{Past, Unreadable};
use crate::{Tape, Topic, View, sessions::adjust_for_splits};

/// Which bars are wanted.
#[derive(Debug, Clone)]
pub(crate) struct BarQuery {
    pub(crate) symbol: Symbol,
    pub(crate) interval: Interval,
    /// Where they start.
    pub(crate) starts: Range<Millis>,
    /// How many at the most: the newest.
    pub(crate) limit: usize,
    /// The time.
    pub(crate) now: Millis,
    pub(crate) adjust: Adjust,
}

/// What is taken out of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Adjust {
    /// The splits since, as a person expects of a chart.
    #[default]
    Splits,
    /// Nothing: bars as they were traded.
    None,
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
/// Of a minute that the archive has heard the end of, its bar counts, because corrections reach it
/// though the bar has left the tape; what it has not heard of yet comes from the tape. A minute that
/// is still going on is left out: streams tell of it when it closes. A longer bar is the archive's but
/// for the newest ones, which are added up from minutes here, so that they have every minute that has
/// closed, and no other. Splits are taken out of what was joined, so that both sides of the seam agree.
///
/// # Errors
/// Where the archive cannot be read.
pub(crate) fn read_bars(
    past: Option<&dyn Past>,
    tape: &Tape,
    query: &BarQuery,
) -> Result<Bars, Unreadable> {
    let reading = Reading {
        past,
        symbol: query.symbol,
        // Before anything else is read: what is heard meanwhile is taken from the tape.
        written: past.and_then(Past::written),
        now: query.now,
        taped: tape.view(|view| minutes_in(view, query.symbol)),
        growing: tape.view(|view| growing_minute(view, query.symbol)),
    };
    let BarQuery {
        interval,
        ref starts,
        limit,
        ..
    } = *query;
    // One more tells whether there are more.
    let enough = limit.saturating_add(1);
    let (bars, until) = match interval {
        // The tape has no bars that are shorter than a minute.
        Interval::Second => (reading.archived(interval, starts, enough)?, None),
        Interval::Minute => (reading.minutes(starts, enough)?, None),
        _ => reading.longer(interval, starts, enough)?,
    };
    let surplus = bars.len().saturating_sub(limit);
    let mut newest = bars[surplus..].to_vec();
    if query.adjust == Adjust::Splits
        && let (Some(past), Some(first)) = (past, newest.first())
    {
        // One that is announced does not count before its day.
        let since = first.start..query.now.saturating_add(1);
        adjust_for_splits(&mut newest, &past.splits(query.symbol, since)?);
    }
    Ok(Bars {
        bars: newest,
        more: surplus > 0,
        until: until.filter(|_| limit > 0),
    })
}

struct Reading<'a> {
    past: Option<&'a dyn Past>,
    symbol: Symbol,
    written: Option<EventId>,
    now: Millis,
    /// The minutes on the tape, by their starts.
    taped: BTreeMap<Millis, (EventId, Bar)>,
    /// The start of the minute that the newest quote is of.
    growing: Option<Millis>,
}

impl Reading<'_> {
    fn archived(
        &self,
        interval: Interval,
        starts: &Range<Millis>,
        limit: usize,
    ) -> Result<Vec<Bar>, Unreadable> {
        match self.past {
            Some(past) if !starts.is_empty() => {
                past.bars(self.symbol, interval, starts.clone(), limit)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The minutes of the tape that the archive has not heard of.
    fn unwritten(&self) -> impl Iterator<Item = &Bar> {
        let taped = self.taped.values();
        taped
            .filter(|(id, _)| self.written.is_none_or(|written| *id > written))
            .map(|(_, bar)| bar)
    }

    /// Whether a minute is over, as far as is known.
    fn is_over(&self, bar: &Bar) -> bool {
        let grows = self.growing.is_some_and(|growing| bar.start >= growing);
        let end = bar.start + Bar::INTERVAL;
        !grows || self.taped.contains_key(&bar.start) || end + Board::GRACE <= self.now
    }

    /// The newest minutes of a span, at most `limit`, oldest first.
    fn minutes(&self, starts: &Range<Millis>, limit: usize) -> Result<Vec<Bar>, Unreadable> {
        // One more for the minute that is left out.
        let archived = self.archived(Interval::Minute, starts, limit.saturating_add(1))?;
        let taped = self.taped.values().map(|(_, bar)| bar);
        let of_span = |bar: &&Bar| starts.contains(&bar.start);
        // Of the same start, the later one in this order.
        let mut bars: BTreeMap<Millis, &Bar> = BTreeMap::new();
        bars.extend(taped.filter(of_span).map(|bar| (bar.start, bar)));
        let over = archived.iter().filter(|bar| self.is_over(bar));
        bars.extend(over.map(|bar| (bar.start, bar)));
        let unwritten = self.unwritten().filter(of_span);
        bars.extend(unwritten.map(|bar| (bar.start, bar)));
        let surplus = bars.len().saturating_sub(limit);
        Ok(bars.into_values().skip(surplus).cloned().collect())
    }

    /// The newest bars of an interval that is longer than a minute, and where the newest of all is
    /// one of them that is not over, the end of its newest minute.
    fn longer(
        &self,
        interval: Interval,
        starts: &Range<Millis>,
        limit: usize,
    ) -> Result<(Vec<Bar>, Option<Millis>), Unreadable> {
        let all = 0..Millis::MAX;
        // Before the longer bars: what is in these minutes is in them.
        let newest = self.minutes(&all, 1)?.pop();
        let mut bars = self.archived(interval, starts, limit.saturating_add(1))?;
        let Some(newest) = newest else {
            return Ok((bars, None));
        };
        // Days begin where those of the archive do: it knows the venue's own time.
        let midnight = match interval {
            Interval::Day => self.archived(interval, &all, 1)?.pop(),
            _ => None,
        };
        let midnight = midnight.map_or(0, |day| day.start);
        let start_of = |time| start_of(interval, midnight, time);
        let first = self
            .unwritten()
            .next()
            .map_or(newest.start, |first| first.start.min(newest.start));
        let tail = start_of(first);
        let minutes = self.minutes(&(tail..Millis::MAX), usize::MAX - 1)?;
        let mut sums = added_up(&minutes, start_of);
        // What was imported as a whole bar may have more in it than its minutes.
        if self.unwritten().next().is_none() {
            let imported = bars.iter().rfind(|bar| bar.start == tail);
            if let (Some(imported), Some(sum)) = (imported, sums.first_mut())
                && imported.trades == 0
                && imported.volume > sum.volume
            {
                *sum = imported.clone();
            }
        }
        // Bars after the last minute are imported ones: a growing one has no minute yet.
        let last = sums.last().map_or(tail, |sum| sum.start);
        let later = bars
            .iter()
            .filter(|bar| bar.start > last && bar.trades == 0);
        let later: Vec<Bar> = later.cloned().collect();
        bars.retain(|bar| bar.start < tail);
        bars.extend(sums.into_iter().filter(|bar| starts.contains(&bar.start)));
        bars.extend(later);
        let end = minutes.last().map(|bar| bar.start + Bar::INTERVAL);
        let until = end.filter(|end| bars.last().is_some_and(|last| start_of(*end) == last.start));
        Ok((bars, until))
    }
}

/// The minutes of a symbol that are on the tape, by their starts. One that was corrected is on it more
/// than once: the newest counts.
fn minutes_in(view: &View<'_>, symbol: Symbol) -> BTreeMap<Millis, (EventId, Bar)> {
    let mut bars = BTreeMap::new();
    for (id, entry) in view.kept(&Topic::Symbol(symbol)) {
        if let Event::Bar(bar) = &*entry.event {
            bars.entry(bar.start).or_insert_with(|| (id, bar.clone()));
        }
    }
    bars
}

fn growing_minute(view: &View<'_>, symbol: Symbol) -> Option<Millis> {
    match &*view.merged(&Topic::Quote(symbol))?.1.event {
        Event::Quote(quote) => Some(quote.time - quote.time % Bar::INTERVAL),
        _ => None,
    }
}

/// Where the bar begins that a time lies in: a whole number of bars before or after `midnight`.
fn start_of(interval: Interval, midnight: Millis, time: Millis) -> Millis {
    let length = interval.millis();
    // At the same distance from midnights everywhere.
    let phase = midnight % length;
    match time.checked_sub(phase) {
        Some(since) => phase + since - since % length,
        None => 0,
    }
}

/// Minutes, oldest first, added up to longer bars.
fn added_up(minutes: &[Bar], start_of: impl Fn(Millis) -> Millis) -> Vec<Bar> {
    minutes
        .chunk_by(|one, next| start_of(one.start) == start_of(next.start))
        .filter_map(|minutes| {
            let (first, last) = (minutes.first()?, minutes.last()?);
            let mut sum = Bar {
                start: start_of(first.start),
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

    use ::archive::Split;

    use super::*;
    use crate::{
        Draft,
        history::NewsFilter,
        testing::{START, tape},
    };
    use market::{News, Quote};

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

    fn append(tape: &Tape, bar: Bar) -> EventId {
        let draft = Draft::new(Event::Bar(bar));
        tape.append_all(START, |batch| draft.append(batch))
    }

    /// A trade of the minute goes on.
    fn quote(tape: &Tape, minute: u64) {
        let quote = Quote::new(symbol(), DAY + minute * MINUTE + 30_000);
        let draft = Draft::new(Event::Quote(quote));
        tape.append_all(START, |batch| draft.append(batch));
    }

    type Kept = Mutex<Vec<(Interval, Bar)>>;

    /// An archive of bars in memory, which has heard the tape up to some position and does something
    /// after each reading.
    struct Remembered<'a> {
        bars: Kept,
        written: Option<EventId>,
        after: &'a (dyn Fn(&Kept) + Sync),
        splits: Vec<Split>,
    }

    impl Past for Remembered<'_> {
        fn written(&self) -> Option<EventId> {
            self.written
        }

        fn bars(
            &self,
            _: Symbol,
            interval: Interval,
            starts: Range<Millis>,
            limit: usize,
        ) -> Result<Vec<Bar>, Unreadable> {
            let mut found: Vec<Bar> = self
                .bars
                .lock()
                .unwrap()
                .clone()
                .into_iter()
                .filter(|(of, bar)| *of == interval && starts.contains(&bar.start))
                .map(|(_, bar)| bar)
                .collect();
            found.sort_by_key(|bar| bar.start);
            let found = found.split_off(found.len().saturating_sub(limit));
            (self.after)(&self.bars);
            Ok(found)
        }

        fn splits(&self, _: Symbol, times: Range<Millis>) -> Result<Vec<Split>, Unreadable> {
            let splits = self.splits.iter().cloned();
            Ok(splits.filter(|split| times.contains(&split.time)).collect())
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

    fn remembered(
        written: Option<EventId>,
        bars: impl IntoIterator<Item = (Interval, Bar)>,
    ) -> Remembered<'static> {
        Remembered {
            bars: Mutex::new(bars.into_iter().collect()),
            written,
            after: &|_| (),
            splits: Vec::new(),
        }
    }

    fn read(past: Option<&dyn Past>, tape: &Tape, interval: Interval, limit: usize) -> Bars {
        let query = BarQuery {
            symbol: symbol(),
            interval,
            starts: 0..Millis::MAX,
            limit,
            now: START,
            adjust: Adjust::default(),
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
        append(&tape, bar(1, "1", "1"));
        let written = append(&tape, bar(2, "2", "1"));
        append(&tape, bar(3, "3", "1"));
        // The second minute was corrected, and of the third the archive has not heard the end.
        let minutes = [(0, "0"), (1, "1"), (2, "2.5"), (3, "2.9")];
        let minutes = minutes.map(|(minute, close)| (Interval::Minute, bar(minute, close, "1")));
        let past = remembered(Some(written), minutes);
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
    fn a_minute_that_goes_on_is_left_out_until_it_is_told_or_long_over() {
        let tape = tape();
        let written = append(&tape, bar(0, "1", "1"));
        quote(&tape, 1);
        let past = remembered(
            Some(written),
            [0, 1].map(|minute| (Interval::Minute, bar(minute, "1", "1"))),
        );
        let at = |now, limit| {
            let query = BarQuery {
                symbol: symbol(),
                interval: Interval::Minute,
                starts: 0..Millis::MAX,
                limit,
                now,
                adjust: Adjust::default(),
            };
            closes(&read_bars(Some(&past), &tape, &query).unwrap())
        };
        assert_eq!(at(DAY + 2 * MINUTE, 9), pairs(&[(0, "1")]));
        assert_eq!(at(DAY + 2 * MINUTE, 1), pairs(&[(0, "1")]));
        // Nobody may ever trade it again, as on a Friday evening.
        let late = DAY + 2 * MINUTE + Board::GRACE;
        assert_eq!(at(late, 9), pairs(&[(0, "1"), (1, "1")]));
        append(&tape, bar(1, "2", "1"));
        assert_eq!(at(DAY + 2 * MINUTE, 9), pairs(&[(0, "1"), (1, "2")]));
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
        let ids = [4, 5, 6, 7].map(|minute| append(&tape, bar(minute, "2", "10")));
        // The archive has heard of the sixth minute, and has begun to add up those after it.
        let minutes = (0..7).map(|minute| (Interval::Minute, bar(minute, "1", "10")));
        let longer = [(0, "50"), (5, "25")]
            .map(|(minute, volume)| (Interval::FiveMinutes, bar(minute, "1", volume)));
        let past = remembered(Some(ids[1]), minutes.chain(longer));
        let bars = read(Some(&past), &tape, Interval::FiveMinutes, 10);
        assert_eq!(closes(&bars), pairs(&[(0, "1"), (5, "2")]));
        assert_eq!(volumes(&bars), ["50", "30"]);
        assert_eq!(bars.until, Some(DAY + 8 * MINUTE));
    }

    fn volumes(bars: &Bars) -> Vec<String> {
        bars.bars.iter().map(|bar| bar.volume.to_string()).collect()
    }

    #[test]
    fn what_is_written_while_it_is_read_is_there_once() {
        let tape = tape();
        let ids: Vec<EventId> = (0..12)
            .map(|minute| append(&tape, bar(minute, "2", "10")))
            .collect();
        let five = |time| start_of(Interval::FiveMinutes, 0, time);
        // With every reading the archive writes one more minute and adds it to its longer bars.
        let write = |bars: &Kept| {
            let mut bars = bars.lock().unwrap();
            bars.retain(|(interval, _)| *interval == Interval::Minute);
            let next = bars.len() as u64;
            bars.push((Interval::Minute, bar(next, "2", "10")));
            let minutes: Vec<Bar> = bars.iter().map(|(_, bar)| bar.clone()).collect();
            let sums = added_up(&minutes, five);
            bars.extend(sums.into_iter().map(|bar| (Interval::FiveMinutes, bar)));
        };
        for count in 0..9_usize {
            let past = Remembered {
                bars: Mutex::default(),
                written: count.checked_sub(1).map(|last| ids[last]),
                after: &write,
                splits: Vec::new(),
            };
            (0..count).for_each(|_| write(&past.bars));
            let bars = read(Some(&past), &tape, Interval::FiveMinutes, 10);
            assert_eq!(
                volumes(&bars),
                ["50", "50", "20"],
                "{count} were written before"
            );
        }
    }

    #[test]
    fn a_whole_bar_that_was_imported_stays_what_it_is() {
        let imported = [0, 24 * 60].map(|minute| {
            let bar = bar(minute, "5", "1000");
            (Interval::Day, Bar { trades: 0, ..bar })
        });
        let expected = pairs(&[(0, "5"), (24 * 60, "5")]);
        let past = remembered(None, imported.clone());
        assert_eq!(
            closes(&read(Some(&past), &tape(), Interval::Day, 10)),
            expected
        );
        for minute in [7, 24 * 60 + 7] {
            let minute = (Interval::Minute, bar(minute, "4", "1"));
            let past = remembered(None, imported.iter().cloned().chain([minute]));
            assert_eq!(
                closes(&read(Some(&past), &tape(), Interval::Day, 10)),
                expected
            );
        }
    }

    #[test]
    fn a_day_begins_where_those_of_the_archive_do() {
        let hour = 60;
        let tape = tape();
        let written = append(&tape, bar(28 * hour, "1", "1"));
        for minute in [29 * hour - 1, 29 * hour, 53 * hour - 1, 53 * hour] {
            append(&tape, bar(minute, "2", "1"));
        }
        let day = |at: u64, volume: &str| (Interval::Day, bar(at * hour, "1", volume));
        let minute = (Interval::Minute, bar(28 * hour, "1", "1"));
        let past = remembered(Some(written), [day(5, "7"), minute]);
        let bars = read(Some(&past), &tape, Interval::Day, 10);
        let starts: Vec<u64> = closes(&bars)
            .iter()
            .map(|(minute, _)| minute / hour)
            .collect();
        assert_eq!(starts, [5, 29, 53]);
        assert_eq!(volumes(&bars), ["2", "2", "1"]);
        let alone = read(None, &tape, Interval::Day, 10);
        assert_eq!(
            closes(&alone).len(),
            2,
            "of UTC where nothing else is known"
        );
    }

    #[test]
    fn a_split_is_taken_out_on_both_sides_of_the_seam() {
        let tape = tape();
        let written = append(&tape, bar(0, "40", "5"));
        append(&tape, bar(1, "44", "5"));
        append(&tape, bar(2, "11", "20"));
        let minutes = [0, 1].map(|minute| (Interval::Minute, bar(minute, "40", "5")));
        let split = |minute, ratio: &str| Split {
            symbol: symbol(),
            time: DAY + minute * MINUTE,
            ratio: ratio.parse().unwrap(),
        };
        let mut past = remembered(Some(written), minutes);
        // The second one is announced: it does not count before its time.
        past.splits = vec![split(2, "4"), split(60, "2")];
        let query = |interval, adjust| BarQuery {
            symbol: symbol(),
            interval,
            starts: 0..Millis::MAX,
            limit: 9,
            now: DAY + 3 * MINUTE,
            adjust,
        };
        let read =
            |interval, adjust| read_bars(Some(&past), &tape, &query(interval, adjust)).unwrap();
        let adjusted = read(Interval::Minute, Adjust::Splits);
        assert_eq!(closes(&adjusted), pairs(&[(0, "10"), (1, "11"), (2, "11")]));
        assert_eq!(volumes(&adjusted), ["20", "20", "20"]);
        let raw = read(Interval::Minute, Adjust::None);
        assert_eq!(closes(&raw), pairs(&[(0, "40"), (1, "44"), (2, "11")]));
        assert_eq!(volumes(&raw), ["5", "5", "20"]);
    }

    #[test]
    fn seconds_are_the_archives_alone() {
        let tape = tape();
        append(&tape, bar(0, "1", "1"));
        let past = remembered(None, [(Interval::Second, bar(0, "1", "1"))]);
        assert_eq!(read(None, &tape, Interval::Second, 9), Bars::default());
        assert_eq!(read(Some(&past), &tape, Interval::Second, 9).bars.len(), 1);
    }
}
