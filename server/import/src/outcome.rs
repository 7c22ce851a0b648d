//! The result for a file.

use std::{collections::BTreeMap, fmt, path::Path};

use archive::Written;
use jiff::{civil::Date, tz::TimeZone};
use market::Symbol;

use crate::{progress::Progress, refused::Refused, rows::Row};

/// How many refused lines of a file are reported one by one.
const TOLD: usize = 20;

/// The result for one file.
#[derive(Debug, Default)]
pub(crate) struct One {
    pub(crate) written: Written,
    pub(crate) refusals: Refusals,
    pub(crate) symbols: BTreeMap<Symbol, u64>,
    span: Option<(Date, Date)>,
    pub(crate) splits: u64,
    pub(crate) dividends: u64,
}

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Written { new, changed, same } = self.written;
        write!(f, "{} lines taken", new + changed + same)?;
        match (self.symbols.len(), self.symbols.first_key_value()) {
            (1, Some((symbol, _))) => write!(f, " of {symbol}")?,
            (0, _) => {}
            (count, _) => write!(f, " of {count} symbols")?,
        }
        if let Some((from, to)) = self.span {
            write!(f, " from {from} to {to}")?;
        }
        write!(f, ": {new} new, {changed} changed, {same} known before")?;
        if self.splits + self.dividends > 0 {
            write!(f, "; {} splits, {} dividends", self.splits, self.dividends)?;
        }
        write!(f, "; {}", self.refusals)
    }
}

/// The refused lines of a file.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    pub(crate) count: u64,
    kinds: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused", self.count)?;
        for (nth, (kind, count)) in self.kinds.iter().enumerate() {
            let before = if nth == 0 { " (" } else { ", " };
            write!(f, "{before}{count} × {kind}")?;
        }
        if self.kinds.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl Refusals {
    pub(crate) fn add(&mut self, file: &Path, line: u64, refused: &Refused, progress: &Progress) {
        self.count += 1;
        *self.kinds.entry(refused.kind).or_default() += 1;
        if self.count <= TOLD as u64 {
            progress.report(&format!("{}:{line}: {refused}", file.display()));
        } else if self.count == TOLD as u64 + 1 {
            progress.report(&format!(
                "{}: more lines are refused; they are counted",
                file.display()
            ));
        }
    }
}

impl One {
    pub(crate) fn add(&mut self, written: Written) {
        self.written.new += written.new;
        self.written.changed += written.changed;
        self.written.same += written.same;
    }

    pub(crate) fn see(&mut self, row: &Row, zone: &TimeZone) {
        let time = match row {
            Row::Bar { bar, .. } => bar.start,
            Row::Trade { time, .. } => *time,
        };
        let moment = i64::try_from(time).ok();
        let moment = moment.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
        if let Some(day) = moment.map(|moment| zone.to_datetime(moment).date()) {
            let (from, to) = self.span.unwrap_or((day, day));
            self.span = Some((from.min(day), to.max(day)));
        }
    }
}
