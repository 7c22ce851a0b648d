//! Times as sources write them.

use clock::MAX_DAY_AHEAD;
use market::{Millis, Price};

use super::{
    exact,
    frame::{FrameError, quoted},
};

/// The time of a frame: a date of RFC 3339, or a number in the unit that its magnitude shows.
///
/// # Errors
/// If it is neither, or a date before 1970.
pub(crate) fn millis(time: &str, frame: &str) -> Result<Millis, FrameError> {
    let time = time.trim();
    if let Ok(number) = exact::read::<Price>(time) {
        return market::since_epoch(number.decimal())
            .map(|(time, _)| time)
            .map_err(|error| FrameError::new(&error, frame));
    }
    time.parse()
        .ok()
        .and_then(|time: jiff::Timestamp| Millis::try_from(time.as_millisecond()).ok())
        .ok_or_else(|| {
            let time = quoted(time);
            let why =
                format_args!("{time} is not a time: expected RFC 3339, or a number since 1970");
            FrameError::new(&why, frame)
        })
}

/// The time of an exchange, if it is plausible. One that is far ahead would close every bar until then.
///
/// # Errors
/// If it is more than a day ahead of the time of receipt.
pub(crate) fn exchange_time(
    time: Millis,
    received: Millis,
    frame: &str,
) -> Result<Millis, FrameError> {
    if time.saturating_sub(received) > MAX_DAY_AHEAD {
        let why = format_args!("time {time} is more than a day ahead of its receipt at {received}");
        return Err(FrameError::new(&why, frame));
    }
    Ok(time)
}
