//! The chart as a table, for the page and for spreadsheets.

use super::calendar::Civil;
use super::frame::Frame;
use super::reading::{moment, pins, volume};
use super::sample::{Candle, Point};
use super::scale::{format_plain, format_value};
use super::scene::Scene;
use super::series::Series;
use super::size;
use std::fmt::Write;

/// The data that the chart shows, as rows and columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The names of the columns.
    pub head: Vec<String>,
    /// The cells, newest row first.
    pub rows: Vec<Vec<String>>,
}

const VOLUME: &str = "volume";

/// The names of the columns, without that of the time.
fn head(scene: &Scene, frame: &Frame) -> Vec<String> {
    let mut head: Vec<String> = if scene.kind.has_spans() {
        let names = ["open", "high", "low", "close"].map(str::to_owned);
        names.into_iter().collect()
    } else {
        vec!["value".to_owned()]
    };
    if frame.volume.is_some() {
        head.push(VOLUME.to_owned());
    }
    head.extend(scene.compared.iter().map(|compared| compared.name.clone()));
    head.extend(scene.studies.iter().map(|study| study.study.name()));
    head
}

/// The beginning and the end of a candle, or the time of a sample twice, in milliseconds; and the values.
type Row = ((f64, f64), Vec<Option<f64>>);

/// The rows, oldest first: a time in milliseconds, and the values in the order of [`head`].
fn rows(scene: &Scene, frame: &Frame) -> Vec<(f64, Vec<Option<f64>>)> {
    let (from, to) = frame.times;
    let mut rows: Vec<Row> = if scene.kind.has_spans() {
        let (length, offset) = (frame.candle, scene.offset_millis());
        let candles = scene.series.candles((from, to), length, offset);
        // The time of a candle is its beginning.
        let row = |candle: Candle| {
            let Candle {
                open,
                high,
                low,
                close,
                volume,
                ..
            } = candle;
            let mut values = vec![Some(open), Some(high), Some(low), Some(close)];
            values.extend(frame.volume.map(|_| Some(volume)));
            (candle.times, values)
        };
        candles.map(row).collect()
    } else {
        let shown = scene.shown();
        let volumes = shown.clone().map(|index| scene.series.volume(index));
        let row = |(point, volume): (Point, f64)| {
            let mut values = vec![Some(point.value)];
            values.extend(frame.volume.map(|_| Some(volume)));
            ((point.time, point.time), values)
        };
        scene.series.iter(shown).zip(volumes).map(row).collect()
    };
    let studies = scene.studies.iter().map(|study| &study.line);
    let others: Vec<&Series> = scene
        .compared
        .iter()
        .map(|compared| &compared.series)
        .chain(studies)
        .collect();
    for ((_, end), values) in &mut rows {
        for series in &others {
            // The newest value at that time.
            let until = series.between(*end, *end);
            let known = series.iter(until).rfind(|point| point.time <= *end);
            values.push(known.map(|point| point.value));
        }
    }
    let rows = rows.into_iter();
    rows.map(|((time, _), values)| (time, values)).collect()
}

/// A field of CSV (RFC 4180), in quotes if needed. Names come from outside: a spreadsheet would run some as formulas,
/// so those get a leading apostrophe, which it hides.
fn field(text: &str) -> String {
    let lead = match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => "'",
        false => "",
    };
    let text = &format!("{lead}{text}");
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The chart's data as comma-separated values.
pub(super) fn csv(scene: &Scene, frame: &Frame) -> String {
    let mut csv = String::from("time");
    for name in head(scene, frame) {
        csv.push(',');
        csv.push_str(&field(&name));
    }
    csv.push_str("\r\n");
    let names = head(scene, frame);
    for (time, values) in rows(scene, frame) {
        csv.push_str(&Civil::new(time as i64).iso());
        for (value, name) in values.into_iter().zip(&names) {
            // A volume does not have the decimals of a price.
            let decimals = if name == VOLUME { 0 } else { scene.decimals };
            // A spreadsheet computes with all digits, not only with those that the chart shows.
            let _ = match value {
                Some(value) => write!(csv, ",{}", trimmed(value, decimals)),
                None => write!(csv, ","),
            };
        }
        csv.push_str("\r\n");
    }
    csv
}

/// A value with all its decimals, and at least `least`.
fn trimmed(value: f64, least: u32) -> String {
    let text = format_plain(value, 10);
    let Some((whole, fraction)) = text.split_once('.') else {
        return text;
    };
    let fraction = fraction.trim_end_matches('0');
    let kept = fraction.len().max((least as usize).min(10));
    match kept {
        0 => whole.to_owned(),
        kept => format!("{whole}.{}", &text[whole.len() + 1..][..kept]),
    }
}

/// The newest rows, at most `most`, newest first.
pub(super) fn table(scene: &Scene, frame: &Frame, most: usize) -> Table {
    let mut all = vec!["time".to_owned()];
    let names = head(scene, frame);
    all.extend(names.iter().cloned());
    let rows = rows(scene, frame);
    let newest = rows.iter().rev().take(most);
    let rows = newest.map(|(time, values)| {
        let values = values.iter().zip(&names).map(|(value, name)| {
            let text = |value| match name.as_str() {
                VOLUME => volume(value),
                _ => format_value(value, scene.decimals),
            };
            value.map_or_else(String::new, text)
        });
        std::iter::once(moment(scene, *time))
            .chain(values)
            .collect()
    });
    Table {
        head: all,
        rows: rows.collect(),
    }
}

/// The id of the newest pin drawn at a point, which is in pixels of the surface.
pub(super) fn pin_at(scene: &Scene, frame: &Frame, (x, y): (f64, f64)) -> Option<String> {
    // A finger is wider than a pin.
    let reach = f64::from(frame.pixels(size::PIN + 6.0));
    let row = f64::from(frame.plot.1) - f64::from(frame.pixels(size::PIN + 4.0));
    if (y - row).abs() > reach {
        return None;
    }
    let near = pins(scene, frame).filter(|(column, _)| (f64::from(*column) - x).abs() <= reach);
    let nearest = near.min_by_key(|(column, _)| (f64::from(*column) - x).abs() as i32)?;
    nearest.1.last().map(|pin| pin.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Reading;
    use crate::sample::Sample;
    use crate::scene::{Compared, Kind, Pin};
    use crate::studies::Study;
    use crate::svg::tests::frame_of;

    fn scene(kind: Kind) -> Scene {
        let mut scene = Scene {
            kind,
            interval: 60_000.0,
            ..Scene::default()
        };
        scene.series.replace((1..=3).map(|n| Sample {
            time: f64::from(n) * 60_000.0,
            open: f64::from(n),
            high: f64::from(n) + 0.125,
            low: f64::from(n) - 1.0,
            close: f64::from(n) + 0.1,
            volume: 10.0,
            turnover: None,
        }));
        scene
    }

    #[test]
    fn candles_are_written_with_all_of_them() {
        let scene = scene(Kind::Candles);
        let frame = frame_of(&scene).expect("a frame");
        assert_eq!(
            csv(&scene, &frame),
            "time,open,high,low,close,volume\r\n\
             1970-01-01T00:00:00.000Z,1.00,1.125,0.00,1.10,10\r\n\
             1970-01-01T00:01:00.000Z,2.00,2.125,1.00,2.10,10\r\n\
             1970-01-01T00:02:00.000Z,3.00,3.125,2.00,3.10,10\r\n"
        );
    }

    #[test]
    fn lines_are_written_with_what_they_are_compared_with() {
        let mut scene = scene(Kind::Line);
        let mut series = Series::default();
        series.replace([Point::new(90_000.0, 7.0), Point::new(180_000.0, 8.0)]);
        scene.compared.push(Compared {
            name: "a \"b\", c".to_owned(),
            series,
        });
        for name in ["=X", "+1", "-A", "@SUM(1)"] {
            scene.compared.push(Compared {
                name: name.to_owned(),
                series: Series::default(),
            });
        }
        let frame = frame_of(&scene).expect("a frame");
        let text = csv(&scene, &frame);
        let names = text.lines().next().unwrap();
        assert_eq!(
            names,
            "time,value,volume,\"a \"\"b\"\", c\",'=X,'+1,'-A,'@SUM(1)"
        );
        scene.compared.truncate(1);
        scene.set_studies(&[Study::Sma(2)]);
        let frame = frame_of(&scene).expect("a frame");
        scene.update_studies(f64::NEG_INFINITY, frame.candle);
        assert_eq!(
            csv(&scene, &frame),
            "time,value,volume,\"a \"\"b\"\", c\",SMA 2\r\n\
             1970-01-01T00:01:00.000Z,1.10,10,,\r\n\
             1970-01-01T00:02:00.000Z,2.10,10,7.00,1.60\r\n\
             1970-01-01T00:03:00.000Z,3.10,10,8.00,2.60\r\n"
        );
        let table = table(&scene, &frame, 2);
        assert_eq!(
            table.head,
            ["time", "value", "volume", "a \"b\", c", "SMA 2"]
        );
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[0], ["00:03:00", "3.10", "10", "8.00", "2.60"]);
    }

    #[test]
    fn a_pin_is_found_where_it_is_drawn() {
        let mut scene = scene(Kind::Line);
        scene.pins = [60_000, 120_000, 120_100]
            .map(|time| Pin {
                time,
                id: time.to_string(),
                text: String::new(),
            })
            .into();
        let frame = frame_of(&scene).expect("a frame");
        let y = f64::from(frame.plot.1) - 12.0;
        let x = f64::from(frame.column(120_000.0));
        assert_eq!(pin_at(&scene, &frame, (x, y)).as_deref(), Some("120100"));
        assert_eq!(pin_at(&scene, &frame, (x, 5.0)), None);
        assert_eq!(pin_at(&scene, &frame, (x + 60.0, y)), None);
        assert_eq!(pins(&scene, &frame).count(), 2);
        let here = Reading::at(&scene, &frame, 119_000.0).expect("a reading");
        assert_eq!(here.pins(&scene, &frame).len(), 2);
    }

    #[test]
    fn values_keep_what_they_have() {
        assert_eq!(trimmed(1.5, 2), "1.50");
        assert_eq!(trimmed(1.25625, 2), "1.25625");
        assert_eq!(trimmed(0.1 + 0.2, 2), "0.30");
        assert_eq!(trimmed(12.0, 0), "12");
    }
}
