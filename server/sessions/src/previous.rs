use std::sync::Arc;

use archive::{Failure, Reader};
use jiff::civil::Date;
use market::{Interval, Price, Symbol};

use crate::{Calendar, PreviousClose, splits::price_after};

/// The close that the day's change is counted from: of the last session before a trading day, in today's shares. `None`
/// if the archive has nothing of that session; an older close would give a change of more than a day.
///
/// An imported bar of a day has the exchange's own close. One that was made here includes trading after the session
/// ends, so the last minute of the session counts instead.
///
/// # Errors
/// If the archive cannot be read.
pub fn previous_close(
    reader: &Reader,
    symbol: Symbol,
    calendar: Calendar,
    today: Date,
) -> Result<Option<Price>, Failure> {
    let before = calendar.session_before(today);
    let (start, end) = (calendar.start_of(before), calendar.start_of(today));
    if start >= end {
        return Ok(None);
    }
    let close = match reader.imported_close(symbol, start)? {
        Some(close) => Some(close),
        None => {
            let session = calendar
                .hours(before)
                .map_or(start..end, |hours| hours.open..hours.close);
            let last = |interval| reader.bars(symbol, interval, session.clone(), 1);
            let bar = match last(Interval::Minute)?.pop() {
                Some(minute) => Some(minute),
                // Minutes are not kept for ever, and some sources have only longer bars.
                None => last(Interval::Hour)?.pop(),
            };
            match bar {
                Some(bar) => Some(bar.close),
                None => reader
                    .bars(symbol, Interval::Day, start..end, 1)?
                    .pop()
                    .map(|bar| bar.close),
            }
        }
    };
    let Some(close) = close else {
        return Ok(None);
    };
    let splits = reader.splits(symbol, start.saturating_add(1)..end.saturating_add(1))?;
    Ok(price_after(close, start, &splits))
}

/// Looks up closes in an archive, for [`keep_sessions`](crate::keep_sessions). A close that cannot be read is logged
/// and counts as absent.
pub fn previous_closes(reader: Reader) -> PreviousClose {
    Arc::new(move |symbol, calendar, today| {
        previous_close(&reader, symbol, calendar, today).unwrap_or_else(|failure| {
            tracing::warn!(%symbol, %failure, "the previous close cannot be read");
            None
        })
    })
}
