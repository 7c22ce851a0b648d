use market::{Quote, Size, Trade};
use rust_decimal::Decimal;

use sessions::Calendar;

/// The trade that a quote counts as after the previous one.
pub(super) fn traded(before: Option<&Quote>, quote: &Quote, calendar: Calendar) -> Option<Trade> {
    let price = quote.price?;
    let size = match (before, quote.volume) {
        (_, None) => quote.size,
        (None, Some(_)) => None,
        (Some(before), Some(volume)) => before.volume.and_then(|earlier| {
            let grown = volume.decimal().checked_sub(earlier.decimal())?;
            let day = |quote: &Quote| calendar.trading_day(quote.time);
            if grown > Decimal::ZERO {
                Some(Size::from(grown))
            } else if grown < Decimal::ZERO && day(before) != day(quote) {
                Some(volume)
            } else {
                None
            }
        }),
    };
    let is_new = before.is_none_or(|before| {
        let same_size = quote.volume.is_some() || before.size == quote.size;
        before.price != quote.price || before.volume != quote.volume || !same_size
    });
    is_new.then(|| Trade::new(price, size))
}
