use std::collections::VecDeque;

use market::{Bar, Millis};

/// How many of the newest prices are kept: a chart is not wider than this in pixels, and older
/// ones are in the bars.
const RECENT: usize = 2_000;
/// How many closes of bars are kept: more than four days of minutes.
const CLOSES: usize = 6_000;
/// How far a price may be older than the one before it and still be of the same run. A recording
/// that starts over goes back further.
const STEP_BACK: Millis = 60_000;

/// A price and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PricePoint {
    /// The exchange's time.
    pub(crate) time: Millis,
    /// For pixels only.
    pub(crate) price: f64,
}

/// What became of a price that was added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Added {
    /// It is the newest.
    Newest(PricePoint),
    /// It is older than the newest, and is left out.
    Late,
    /// Time went back: everything before it is forgotten.
    StartedOver,
}

/// The way of one symbol's price: the closes of its bars, then every price since.
#[derive(Debug, Clone, Default)]
pub(crate) struct PricePath {
    closes: VecDeque<PricePoint>,
    recent: VecDeque<PricePoint>,
    /// Whether the bars before [`PricePath::recent`] have been asked for and came.
    pub(crate) complete: bool,
}

impl PricePath {
    /// Adds a price that was just heard.
    pub(crate) fn add(&mut self, point: PricePoint) -> Added {
        let newest = self.recent.back().map(|newest| newest.time);
        match newest {
            Some(newest) if point.time + STEP_BACK < newest => {
                *self = PricePath::default();
                self.recent.push_back(point);
                return Added::StartedOver;
            }
            Some(newest) if point.time < newest => return Added::Late,
            _ => {}
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(point);
        Added::Newest(point)
    }

    /// Adds a bar that just closed. Where no single price of its minute was heard, as when quotes
    /// were superseded before they could be sent, its close stands for them.
    pub(crate) fn add_bar(&mut self, bar: &Bar) -> Option<Added> {
        self.keep_close(bar);
        let newest = self.recent.back()?;
        (newest.time <= bar.start).then(|| self.add(close(bar)))
    }

    fn keep_close(&mut self, bar: &Bar) {
        let point = close(bar);
        if self
            .closes
            .back()
            .is_none_or(|newest| newest.time < point.time)
        {
            if self.closes.len() == CLOSES {
                self.closes.pop_front();
            }
            self.closes.push_back(point);
        }
    }

    /// Puts fetched bars, oldest first, before what was heard meanwhile.
    pub(crate) fn complete(&mut self, bars: &[Bar]) {
        let heard = std::mem::take(&mut self.closes);
        for bar in bars {
            self.keep_close(bar);
        }
        let newest = self.closes.back().map_or(0, |newest| newest.time);
        self.closes
            .extend(heard.into_iter().filter(|point| point.time > newest));
        while self.closes.len() > CLOSES {
            self.closes.pop_front();
        }
        self.complete = true;
    }

    /// The whole way, oldest first: closes up to the first single price that is kept, then the
    /// single prices, so that the seam has neither a gap nor a moment twice.
    pub(crate) fn points(&self) -> Vec<PricePoint> {
        let seam = self.recent.front().map_or(Millis::MAX, |first| first.time);
        let before = self.closes.iter().filter(|point| point.time < seam);
        before.chain(&self.recent).copied().collect()
    }
}

/// A bar's close at the bar's end.
fn close(bar: &Bar) -> PricePoint {
    PricePoint {
        time: bar.start + Bar::INTERVAL,
        price: bar.close.to_f64(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use market::{Price, Size};

    use super::*;
    use crate::figures::tests::symbol;

    pub(crate) fn bar(start: Millis, close: &str) -> Bar {
        let price: Price = close.parse().unwrap();
        Bar {
            symbol: symbol("GOOG"),
            start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Size::ZERO,
            vwap: None,
            trades: 1,
        }
    }

    fn point(time: Millis, price: f64) -> PricePoint {
        PricePoint { time, price }
    }

    fn times(path: &PricePath) -> Vec<Millis> {
        path.points().iter().map(|point| point.time).collect()
    }

    #[test]
    fn a_bar_stands_for_the_prices_that_were_not_heard() {
        let mut path = PricePath::default();
        path.add(point(10_000, 1.0));
        // Of its own minute a price was heard; of the next two none was.
        assert_eq!(path.add_bar(&bar(0, "2")), None);
        for (start, close) in [(60_000, "3"), (120_000, "4")] {
            assert!(matches!(
                path.add_bar(&bar(start, close)),
                Some(Added::Newest(_))
            ));
        }
        path.add(point(185_000, 5.0));
        assert_eq!(times(&path), [10_000, 120_000, 180_000, 185_000]);
    }

    #[test]
    fn bars_come_before_prices_without_a_gap_or_a_double() {
        let mut path = PricePath::default();
        path.add(point(150_000, 1.5));
        path.add(point(190_000, 1.6));
        assert_eq!(times(&path), [150_000, 190_000]);
        // The bar of the third minute ended at 180,000, after the first price that is kept.
        path.complete(&[bar(0, "1"), bar(60_000, "1.2"), bar(120_000, "1.55")]);
        assert_eq!(times(&path), [60_000, 120_000, 150_000, 190_000]);
        assert!(path.complete);
    }

    #[test]
    fn a_bar_that_closed_while_bars_were_fetched_is_kept_once() {
        let mut path = PricePath::default();
        path.add_bar(&bar(60_000, "2"));
        path.add_bar(&bar(120_000, "3"));
        path.complete(&[bar(0, "1"), bar(60_000, "2")]);
        assert_eq!(times(&path), [60_000, 120_000, 180_000]);
    }

    #[test]
    fn closes_fill_in_for_prices_that_were_dropped() {
        let mut path = PricePath::default();
        path.complete(&[]);
        for second in 0..3 * RECENT as Millis {
            path.add(point(second * 1_000, 1.0));
            if second % 60 == 59 {
                path.add_bar(&bar((second - 59) * 1_000, "1"));
            }
        }
        let times = times(&path);
        assert!(times.is_sorted_by(|a, b| a < b));
        assert_eq!(times[0], 60_000);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 60_000));
    }

    #[test]
    fn late_prices_are_left_out_and_a_new_run_starts_over() {
        let mut path = PricePath::default();
        path.add(point(1_000_000, 1.0));
        assert_eq!(path.add(point(999_000, 1.0)), Added::Late);
        assert_eq!(
            path.add(point(1_000_000, 2.0)),
            Added::Newest(point(1_000_000, 2.0))
        );
        path.add_bar(&bar(900_000, "1"));
        assert_eq!(path.add(point(10_000, 3.0)), Added::StartedOver);
        assert_eq!(path.points(), [point(10_000, 3.0)]);
        assert!(!path.complete);
    }
}
