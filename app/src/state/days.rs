use market::{Bar, Millis, Price, Size};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

const DAY: Millis = 24 * 3_600_000;

/// 52 weeks.
const YEAR: Millis = 364 * DAY;

/// How many days' volumes are averaged: the least and the most.
const AVERAGED: std::ops::RangeInclusive<usize> = 20..=30;

/// The least number of days in a year without gaps: stocks are traded on some 252.
const WHOLE_YEAR: usize = 240;

/// The daily figures of a symbol. Figures that need more history than there is are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Days {
    /// The newest day's average price, weighted by size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vwap: Option<Price>,
    /// The lowest and the highest price of 52 weeks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<(Price, Price)>,
    /// The average daily volume of the last 30 completed days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Size>,
}

impl Days {
    /// How many daily bars these figures need.
    pub const BARS: usize = 370;

    /// Computes the figures of daily bars, which are oldest first.
    pub fn of(bars: &[Bar], now: Millis) -> Self {
        let newest = bars.last();
        // The newest day may be some days ago, after a long weekend.
        let newest = newest.filter(|bar| bar.start + 5 * DAY > now);
        let first = now.saturating_sub(YEAR);
        let year: Vec<&Bar> = bars.iter().filter(|bar| bar.start >= first).collect();
        // The first day may be on a weekend or a holiday.
        let whole =
            bars.first().is_some_and(|bar| bar.start < first + 5 * DAY) && year.len() >= WHOLE_YEAR;
        let low = year.iter().map(|bar| bar.low).min();
        let high = year.iter().map(|bar| bar.high).max();
        let over = bars.iter().rev().filter(|bar| bar.start + DAY <= now);
        let volumes: Vec<Decimal> = over
            .take(*AVERAGED.end())
            .map(|bar| bar.volume.decimal())
            .collect();
        let sum = volumes
            .iter()
            .try_fold(Decimal::ZERO, |sum, volume| sum.checked_add(*volume));
        let average = sum.and_then(|sum| sum.checked_div(volumes.len().into()));
        let many = newest.is_some() && volumes.len() >= *AVERAGED.start();
        Days {
            vwap: newest.and_then(|bar| bar.vwap),
            year: low.zip(high).filter(|_| whole && newest.is_some()),
            volume: average
                .filter(|_| many)
                .map(|volume| Size::from(plain(volume))),
        }
    }
}

/// Rounds an average volume.
fn plain(volume: Decimal) -> Decimal {
    let digits = if volume < Decimal::TEN { 4 } else { 0 };
    volume.round_dp(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::price_history::tests::bar;

    const NOW: Millis = 20_000 * DAY + DAY / 2;

    /// A bar for each of the last days, today's included.
    fn bars(days: u64) -> Vec<Bar> {
        let days = (0..days).rev();
        let bars = days.map(|ago| Bar {
            low: (100 + ago).to_string().parse().unwrap(),
            high: (900 - ago).to_string().parse().unwrap(),
            volume: (10 + ago).to_string().parse().unwrap(),
            vwap: Some("500".parse().unwrap()),
            ..bar(NOW - DAY / 2 - ago * DAY, "600")
        });
        bars.collect()
    }

    #[test]
    fn a_year_is_known_only_where_all_of_it_is() {
        let year = |bars: &[Bar]| {
            let year = Days::of(bars, NOW).year;
            year.map(|(low, high)| [low.to_string(), high.to_string()])
        };
        assert_eq!(year(&bars(366)), Some(["100", "900"].map(str::to_owned)));
        assert_eq!(year(&bars(300)), None);
        let mut with_gap = bars(366);
        with_gap.drain(50..200);
        assert_eq!(year(&with_gap), None);
        // What is older than a year is no part of it.
        let mut older = bars(370);
        older[0].high = "5000".parse().unwrap();
        assert_eq!(year(&older).unwrap()[1], "900");
    }

    #[test]
    fn the_average_is_of_days_that_are_over() {
        let volume = |days| Days::of(&bars(days), NOW).volume;
        // 11 to 40: today's 10 is no whole day's.
        assert_eq!(volume(100).unwrap().to_string(), "26");
        assert_eq!(volume(21).unwrap().to_string(), "20");
        assert_eq!(volume(20), None);
    }

    #[test]
    fn old_bars_give_no_current_figures() {
        let old = Days::of(&bars(366), NOW + 6 * DAY);
        assert_eq!(old, Days::default());
        let friday = Days::of(&bars(3), NOW + 3 * DAY);
        assert_eq!(friday.vwap.unwrap().to_string(), "500");
        assert_eq!(Days::of(&[], NOW), Days::default());
    }
}
