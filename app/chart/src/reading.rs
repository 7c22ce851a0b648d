//! The values at a position of the chart, for the crosshair, for screen readers and for tables.

use super::frame::Frame;
use super::reduce::begin_of;
use super::sample::{Candle, Point};
use super::scale::{format_instant, format_moment, format_value};
use super::scene::{Pin, Scale, Scene};
use super::size;
use super::studies::StudyLine;

/// The values of the series at a time: one sample, or a candle.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The time of the sample or the end of the candle, in milliseconds since the Unix epoch, UTC.
    pub time: f64,
    /// The last value.
    pub value: f64,
    /// The time at which it is drawn: the middle of a candle.
    pub(super) x: f64,
    /// The candle, or for a sample the candle that contains it.
    pub(super) candle: Candle,
}

impl Reading {
    fn of_candle(candle: Candle) -> Self {
        Reading {
            time: candle.times.1,
            value: candle.close,
            x: (candle.times.0 + candle.times.1) / 2.0,
            candle,
        }
    }

    fn of_sample(scene: &Scene, frame: &Frame, Point { time, value }: Point) -> Option<Self> {
        let candle = candle_of(scene, frame, time)?;
        Some(Reading {
            time,
            value,
            x: time,
            candle,
        })
    }

    /// The reading nearest to a time.
    pub(super) fn at(scene: &Scene, frame: &Frame, time: f64) -> Option<Self> {
        let series = &scene.series;
        if scene.kind.has_spans() {
            // The candle that contains the time, or else the nearest one.
            let inside = candle_of(scene, frame, time);
            return inside
                .or_else(|| candle_of(scene, frame, series.get(series.nearest(time)?)?.time))
                .map(Self::of_candle);
        }
        let point = series.get(series.nearest(time)?)?;
        Self::of_sample(scene, frame, point)
    }

    /// The newest reading.
    pub(super) fn last(scene: &Scene, frame: &Frame) -> Option<Self> {
        let last = scene.series.last()?;
        if scene.kind.has_spans() {
            return candle_of(scene, frame, last.time).map(Self::of_candle);
        }
        Self::of_sample(scene, frame, last)
    }

    /// The reading `by` steps later, or earlier if negative; the last or first if there are fewer.
    pub(super) fn step(&self, scene: &Scene, frame: &Frame, by: isize) -> Option<Self> {
        let series = &scene.series;
        let last = series.len().checked_sub(1)?;
        if !scene.kind.has_spans() {
            let to = series
                .nearest(self.time)?
                .saturating_add_signed(by)
                .min(last);
            return Self::of_sample(scene, frame, series.get(to)?);
        }
        let mut reading = self.clone();
        for _ in 0..by.unsigned_abs() {
            let (from, to) = reading.candle.times;
            let next = if by > 0 {
                let mut rest =
                    scene
                        .series
                        .candles((to, f64::INFINITY), frame.candle, scene.offset_millis());
                rest.next()
            } else {
                let before = series.inside(f64::NEG_INFINITY, from).end.checked_sub(1);
                let before = before.and_then(|before| series.get(before));
                before.and_then(|point| candle_of(scene, frame, point.time))
            };
            match next {
                Some(candle) => reading = Self::of_candle(candle),
                None => break,
            }
        }
        Some(reading)
    }

    /// Its time, as text.
    pub(super) fn moment(&self, scene: &Scene) -> String {
        // The time of a candle is its beginning.
        let spans = scene.kind.has_spans();
        moment(
            scene,
            if spans {
                self.candle.times.0
            } else {
                self.time
            },
        )
    }

    /// Its values with their short names: `O`, `H`, `L`, `C` and `V`. The value of a sample has no name.
    pub(super) fn parts(&self, scene: &Scene, frame: &Frame) -> Vec<(&'static str, String)> {
        let value = |value| {
            if scene.effective_scale() == Scale::Percent && !scene.compared.is_empty() {
                frame.label_of(frame.scaled(0, value))
            } else {
                format_value(value, scene.decimals)
            }
        };
        let mut parts = if scene.kind.has_spans() {
            let Candle {
                open,
                high,
                low,
                close,
                ..
            } = self.candle;
            vec![
                ("O", value(open)),
                ("H", value(high)),
                ("L", value(low)),
                ("C", value(close)),
            ]
        } else {
            vec![("", value(self.value))]
        };
        if frame.volume.is_some() {
            parts.push(("V", volume(self.candle.volume)));
        }
        parts
    }

    /// Whether it is a sample and a neighbouring one has the same [`moment`](Self::moment).
    fn is_one_of_many(&self, scene: &Scene) -> bool {
        let series = &scene.series;
        if scene.kind.has_spans() {
            return false;
        }
        let here = self.moment(scene);
        let alike = |index| {
            let point = series.get(index);
            point.is_some_and(|point| moment(scene, point.time) == here)
        };
        series
            .nearest(self.time)
            .is_some_and(|index| alike(index + 1) || index.checked_sub(1).is_some_and(alike))
    }

    /// All values and pins in words, for screen readers.
    pub(super) fn words(&self, scene: &Scene, frame: &Frame) -> String {
        let mut words = self.moment(scene);
        if self.is_one_of_many(scene) {
            // Screen readers do not announce the same words twice.
            words = format_instant(self.time, ends(scene, self.time), scene.offset);
        }
        for (name, value) in self.parts(scene, frame) {
            let name = match name {
                "O" => "open ",
                "H" => "high ",
                "L" => "low ",
                "C" => "close ",
                "V" => "volume ",
                _ => "",
            };
            words.push_str(", ");
            words.push_str(name);
            words.push_str(&value);
        }
        for (index, compared) in scene.compared.iter().enumerate() {
            if let Some(value) = Self::compared(scene, frame, index, self.time) {
                words.push_str(&format!(", {} {value}", compared.name));
            }
        }
        for study in &scene.studies {
            if let Some(value) = Self::study(scene, frame, study, self.time) {
                words.push_str(&format!(", {} {value}", study.study.name()));
            }
        }
        for pin in self.pins(scene, frame) {
            words.push_str(&format!(", news: {}", pin.text));
        }
        words
    }

    /// The pins that are drawn at this reading.
    pub(super) fn pins<'a>(&self, scene: &'a Scene, frame: &Frame) -> &'a [Pin] {
        let x = frame.column(self.x);
        let near = frame.pixels(size::PIN);
        let mut groups = pins(scene, frame);
        groups
            .find(|(at, _)| (at - x).abs() <= near)
            .map_or(&[], |(_, pins)| pins)
    }

    /// The value of a compared series at a time, as text.
    pub(super) fn compared(
        scene: &Scene,
        frame: &Frame,
        index: usize,
        time: f64,
    ) -> Option<String> {
        let series = &scene.compared.get(index)?.series;
        let point = series.get(series.nearest(time)?)?;
        Some(frame.label_of(frame.scaled(index + 1, point.value)))
    }

    /// The value of a study at a time, as text.
    pub(super) fn study(
        scene: &Scene,
        frame: &Frame,
        study: &StudyLine,
        time: f64,
    ) -> Option<String> {
        let point = study.line.get(study.line.nearest(time)?)?;
        let percent = scene.effective_scale() == Scale::Percent && !scene.compared.is_empty();
        Some(if percent {
            frame.label_of(frame.scaled(0, point.value))
        } else {
            format_value(point.value, scene.decimals)
        })
    }
}

/// A time as text, with its date if the samples are of several days.
pub(super) fn moment(scene: &Scene, time: f64) -> String {
    format_moment(time, ends(scene, time), scene.offset)
}

/// The first and the last time of the series; `time` if it is empty.
fn ends(scene: &Scene, time: f64) -> (f64, f64) {
    let at = |point: Option<Point>| point.map_or(time, |point| point.time);
    (at(scene.series.first()), at(scene.series.last()))
}

/// The candle that contains a time, if it has a sample.
fn candle_of(scene: &Scene, frame: &Frame, time: f64) -> Option<Candle> {
    let length = frame.candle;
    let offset = scene.offset_millis();
    let begin = begin_of(time, length, offset);
    let mut candles = scene
        .series
        .candles((begin, begin + length), length, offset);
    candles.next().filter(|candle| candle.times.0 == begin)
}

/// A volume as short text, with three digits or so.
pub(super) fn volume(volume: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "B"), (1e6, "M"), (1e3, "K")];
    for (unit, name) in UNITS {
        if volume >= unit {
            return format!("{} {name}", format_value(volume / unit, 2));
        }
    }
    let decimals = if volume.fract() == 0.0 { 0 } else { 3 };
    format_value(volume, decimals)
}

/// The shown pins in groups that overlap, and the column of each group.
pub(super) fn pins<'a>(scene: &'a Scene, frame: &Frame) -> impl Iterator<Item = (i32, &'a [Pin])> {
    let (from, to) = frame.times;
    let start = scene.pins.partition_point(|pin| (pin.time as f64) < from);
    let end = scene.pins.partition_point(|pin| pin.time as f64 <= to);
    let columns: Vec<i32> = scene.pins[start..end]
        .iter()
        .map(|pin| frame.column(pin.time as f64))
        .collect();
    let apart = 2 * frame.pixels(size::PIN) + frame.pixels(2.0);
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = *columns.get(at)?;
        let count = columns[at..]
            .iter()
            .take_while(|&&column| column - first < apart)
            .count();
        let group = &scene.pins[start + at..start + at + count];
        at += count;
        Some((first, group))
    })
}
