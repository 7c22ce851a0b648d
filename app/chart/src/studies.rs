//! Studies: lines that are computed from the candles of a series.

use super::calendar::DAY;
use super::sample::{Candle, Point};
use super::series::Series;
use std::collections::VecDeque;

/// What is computed from each candle and the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Study {
    /// The mean of the last n closes.
    Sma(u16),
    /// The exponential mean of the closes, with a weight of 2 / (n + 1) for the newest. It begins with the first close.
    Ema(u16),
    /// The volume-weighted average price since the beginning of the day. If it is not known what was paid, the typical
    /// price of a sample, (high + low + close) / 3, is used.
    Vwap,
}

impl Study {
    /// Its name in the legend, `SMA 20`.
    pub fn name(self) -> String {
        match self {
            Study::Sma(length) => format!("SMA {length}"),
            Study::Ema(length) => format!("EMA {length}"),
            Study::Vwap => "VWAP".to_owned(),
        }
    }
}

/// What a study remembers of earlier candles.
#[derive(Debug, Clone, PartialEq, Default)]
struct Memory {
    /// The newest closes, as many as a simple mean needs.
    closes: VecDeque<f64>,
    /// Their sum, the exponential mean, or what was paid.
    sum: f64,
    /// The volume.
    volume: f64,
    day: f64,
}

impl Memory {
    /// Takes a candle, and returns the value of the study; `None` while there are too few candles.
    fn take(&mut self, study: Study, candle: &Candle, offset: f64) -> Option<f64> {
        match study {
            Study::Sma(length) => {
                self.closes.push_back(candle.close);
                self.sum += candle.close;
                if self.closes.len() > usize::from(length) {
                    self.sum -= self.closes.pop_front().unwrap_or(0.0);
                }
                let full = self.closes.len() == usize::from(length);
                full.then(|| self.sum / f64::from(length))
            }
            Study::Ema(length) => {
                let weight = 2.0 / (f64::from(length) + 1.0);
                if self.closes.is_empty() {
                    self.closes.push_back(candle.close);
                    self.sum = candle.close;
                }
                self.sum += (candle.close - self.sum) * weight;
                Some(self.sum)
            }
            Study::Vwap => {
                let day = ((candle.times.1 + offset) / DAY as f64).ceil();
                if day != self.day {
                    *self = Memory {
                        day,
                        ..Memory::default()
                    };
                }
                self.sum += candle.turnover;
                self.volume += candle.volume;
                (self.volume > 0.0).then(|| self.sum / self.volume)
            }
        }
    }
}

/// A study, and its line as far as it has been computed.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyLine {
    pub(super) study: Study,
    pub(super) line: Series,
    /// The length of the candles that it is computed from, in milliseconds.
    length: f64,
    /// The end of the last completed candle, and what is remembered up to it.
    done: f64,
    memory: Memory,
}

impl StudyLine {
    pub(super) fn new(study: Study) -> Self {
        Self {
            study,
            line: Series::default(),
            length: 0.0,
            done: f64::NEG_INFINITY,
            memory: Memory::default(),
        }
    }

    /// Updates the line with candles of `length` milliseconds after samples from `changed` on have changed. Completed
    /// candles are not read again, unless their length is different.
    pub(super) fn update(&mut self, series: &Series, changed: f64, length: f64, offset: f64) {
        if changed <= self.done || length != self.length {
            *self = Self {
                length,
                ..Self::new(self.study)
            };
        }
        let mut candles = series.candles((self.done, f64::INFINITY), length, offset);
        let mut next = candles.next();
        while let Some(candle) = next {
            next = candles.next();
            let end = candle.times.1;
            let value = if next.is_some() {
                self.done = end;
                self.memory.take(self.study, &candle, offset)
            } else {
                // The newest candle may still change.
                self.memory.clone().take(self.study, &candle, offset)
            };
            if let Some(value) = value {
                self.line.push(Point::new(end, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    fn sample(minute: u32, close: f64, volume: f64) -> Sample {
        Sample {
            time: f64::from(minute) * 60_000.0,
            open: close,
            high: close + 2.0,
            low: close - 1.0,
            close,
            volume,
            turnover: None,
        }
    }

    fn computed(study: Study, samples: &[Sample]) -> Vec<f64> {
        let mut series = Series::default();
        series.replace(samples.iter().copied());
        let mut whole = StudyLine::new(study);
        whole.update(&series, f64::NEG_INFINITY, 60_000.0, 0.0);
        // The same, however the samples came.
        let mut series = Series::default();
        let mut grown = StudyLine::new(study);
        for sample in samples {
            series.push(Sample {
                close: 1.0,
                ..*sample
            });
            grown.update(&series, sample.time, 60_000.0, 0.0);
            series.push(*sample);
            grown.update(&series, sample.time, 60_000.0, 0.0);
        }
        assert_eq!(grown.line, whole.line);
        let line = &whole.line;
        line.iter(0..line.len()).map(|point| point.value).collect()
    }

    #[test]
    fn a_simple_mean_begins_when_it_has_enough() {
        let samples: Vec<_> = [1.0, 2.0, 6.0, 4.0].into_iter().zip(1..).collect();
        let samples: Vec<_> = samples
            .into_iter()
            .map(|(close, n)| sample(n, close, 1.0))
            .collect();
        assert_eq!(computed(Study::Sma(3), &samples), [3.0, 4.0]);
        assert!(computed(Study::Sma(9), &samples).is_empty());
    }

    #[test]
    fn an_exponential_mean_follows_the_newest() {
        let samples = [
            sample(1, 10.0, 1.0),
            sample(2, 20.0, 1.0),
            sample(3, 20.0, 1.0),
        ];
        assert_eq!(computed(Study::Ema(3), &samples), [10.0, 15.0, 17.5]);
    }

    #[test]
    fn the_mean_by_volume_begins_anew_with_each_day() {
        let samples = [
            sample(1, 10.0, 0.0),
            sample(2, 10.0, 100.0),
            sample(3, 20.0, 300.0),
            sample(24 * 60, 20.0, 0.0),
            sample(24 * 60 + 1, 50.0, 1.0),
        ];
        let typical = |close: f64| close + 1.0 / 3.0;
        let third = (typical(10.0) * 100.0 + typical(20.0) * 300.0) / 400.0;
        let all = computed(Study::Vwap, &samples);
        let expected = [typical(10.0), third, third, typical(50.0)];
        assert_eq!(all.len(), expected.len());
        for (one, other) in all.iter().zip(expected) {
            assert!((one - other).abs() < 1e-9, "{all:?}");
        }
    }

    #[test]
    fn the_mean_by_volume_is_of_what_was_paid_where_that_is_known() {
        let paid = |minute, turnover| Sample {
            turnover: Some(turnover),
            ..sample(minute, 10.0, 100.0)
        };
        let all = computed(Study::Vwap, &[paid(1, 1_000.0), paid(2, 1_100.0)]);
        assert_eq!(all, [10.0, 10.5]);
    }

    #[test]
    fn what_changed_before_is_computed_again() {
        let mut series = Series::default();
        series.replace((1..9).map(|n| sample(n, 10.0, 1.0)));
        let mut line = StudyLine::new(Study::Sma(2));
        line.update(&series, f64::NEG_INFINITY, 60_000.0, 0.0);
        series.replace((1..9).map(|n| sample(n, 30.0, 1.0)));
        line.update(&series, 60_000.0, 60_000.0, 0.0);
        assert_eq!(line.line.first().map(|point| point.value), Some(30.0));
    }
}
