//! Summaries of a chart in words.

use super::scale::{format_moment, format_plain, format_value};
use super::scene::Scene;

/// The summary of a chart, for screen readers and tests.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Summary {
    pub(super) points: usize,
    pub(super) last: String,
    pub(super) text: String,
}

impl Summary {
    pub(super) fn new(scene: &Scene) -> Self {
        let Some(last) = scene.series.last() else {
            return Self::default();
        };
        let points = scene.shown().len();
        Self {
            points,
            last: format_plain(last.value, scene.decimals),
            text: describe(scene, (points, "point")),
        }
    }
}

/// Describes the shown part of a series: its last value, a count such as `(390, "bar")`, times and extremes. Empty if
/// there are no samples.
pub(super) fn describe(scene: &Scene, (count, of): (usize, &str)) -> String {
    let series = &scene.series;
    let shown = scene.shown();
    let extent = if scene.kind.has_spans() {
        series.span_extent(shown.clone())
    } else {
        series.extent(shown.clone())
    };
    let last = shown.end.checked_sub(1).and_then(|last| series.get(last));
    let (Some(first), Some(last), Some((low, high))) = (series.get(shown.start), last, extent)
    else {
        return String::new();
    };
    let value = |value| format_value(value, scene.decimals);
    let time = |time| format_moment(time, (first.time, last.time), scene.offset);
    let last_value = value(last.value);
    if count == 1 {
        format!("{last_value}, 1 {of} at {}", time(last.time))
    } else {
        format!(
            "{last_value}, {count} {of}s from {} to {}, low {}, high {}",
            time(first.time),
            time(last.time),
            value(low),
            value(high),
        )
    }
}
