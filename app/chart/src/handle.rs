//! What the page holds of a chart: it gives numbers to it and asks nothing of it.

use super::draw::{Look, Tone};
use super::scale::{format_moment, format_value};
use super::series::{Point, Series};
use leptos::prelude::*;
use std::ops::BitOr;

/// What the page gives to a chart and holds on to: it can be copied into any closure.
///
/// Giving it points touches no signal; the chart draws them in the next frame of the browser. On the
/// server it holds what the page is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct ChartHandle {
    model: StoredValue<Model>,
    pub(super) summary: RwSignal<Summary>,
    #[cfg(target_arch = "wasm32")]
    painter: StoredValue<Option<super::painter::Painter>, LocalStorage>,
}

/// All that is drawn, but for colours and sizes.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) series: Series,
    decimals: u32,
    tone: Tone,
    pub(super) crosshair: Crosshair,
    zone: Zone,
}

/// Whose time of day is shown.
#[derive(Debug, Clone, Copy, Default)]
enum Zone {
    /// On the server, and until the page is hydrated: both must write the same.
    #[default]
    Utc,
    /// The reader's.
    #[cfg(target_arch = "wasm32")]
    Local,
    /// Ahead of UTC by so many minutes.
    Ahead(i32),
}

impl Model {
    /// A time, with its date where the points are not of one day.
    fn moment(&self, time: f64) -> String {
        let [first, last] = [self.series.first(), self.series.last()]
            .map(|point| point.map_or(time, |point| point.time));
        format_moment(time, (first, last), self.offset())
    }

    pub(super) fn look(&self) -> Look {
        Look {
            tone: self.tone,
            decimals: self.decimals,
            offset: self.offset(),
        }
    }

    /// What the times shown are ahead of UTC, in minutes.
    fn offset(&self) -> i32 {
        match self.zone {
            Zone::Utc => 0,
            // As it is at the newest point: in winter the clock of a summer's day is another.
            #[cfg(target_arch = "wasm32")]
            Zone::Local => self.series.last().map_or(0, |last| {
                let date = js_sys::Date::new(&last.time.into());
                -date.get_timezone_offset() as i32
            }),
            Zone::Ahead(minutes) => minutes,
        }
    }
}

/// Where the reader looks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Crosshair {
    #[default]
    Hidden,
    /// At the pointer, so many CSS pixels from the left: it stays there when the series moves on.
    Pointer(f64),
    /// At a point that the keyboard walked to: it moves with the series.
    Time(f64),
}

/// What is out of date, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dirty(u8);

#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "only a browser draws")
)]
impl Dirty {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const AXES: Self = Self(1);
    pub(super) const SERIES: Self = Self(2);
    pub(super) const OVERLAY: Self = Self(4);
    pub(super) const SIZE: Self = Self(8);
    pub(super) const THEME: Self = Self(16);

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Dirty {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A step of the keyboard along the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Back,
    Forward,
    First,
    Last,
}

impl Default for ChartHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl ChartHandle {
    /// A chart without points, owned by the current reactive owner.
    pub fn new() -> Self {
        Self {
            model: StoredValue::new(Model {
                decimals: 2,
                ..Model::default()
            }),
            summary: RwSignal::new(Summary::default()),
            #[cfg(target_arch = "wasm32")]
            painter: StoredValue::new_local(None),
        }
    }

    /// Shows these points, oldest first, instead of what was shown.
    pub fn replace(&self, points: impl IntoIterator<Item = Point>) {
        self.change(Dirty::SERIES, |model| {
            model.series.replace(points);
            // The point that was walked to is gone.
            if let Crosshair::Time(_) = model.crosshair {
                model.crosshair = Crosshair::Hidden;
            }
        });
    }

    /// Adds a point, by the rules of [`Series::push`].
    pub fn push(&self, point: Point) {
        self.change(Dirty::SERIES, |model| {
            model.series.push(point);
        });
    }

    /// Shows no more than so many milliseconds before the newest point. What is to be seen of the past
    /// has to be given anew.
    pub fn set_span(&self, span: f64) {
        self.change(Dirty::SERIES, |model| model.series.set_span(span));
    }

    /// Decimals of a value, 2 unless said otherwise.
    pub fn set_decimals(&self, decimals: u32) {
        self.change(Dirty::SERIES, |model| model.decimals = decimals);
    }

    /// The colour of the line; the accent unless said otherwise.
    pub fn set_tone(&self, tone: Tone) {
        self.change(Dirty::SERIES, |model| model.tone = tone);
    }

    /// What the times shown are ahead of UTC, in minutes. Unless said otherwise they are the
    /// reader's own, and UTC on the server, which cannot know.
    pub fn set_utc_offset(&self, minutes: i32) {
        self.change(Dirty::SERIES, |model| model.zone = Zone::Ahead(minutes));
    }

    /// Is drawn by this from now on, in the reader's time.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn attach(&self, painter: super::painter::Painter) {
        self.painter.try_set_value(Some(painter));
        self.change(Dirty::SERIES, |model| {
            if let Zone::Utc = model.zone {
                model.zone = Zone::Local;
            }
        });
    }

    /// Is not drawn any more.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn detach(&self) {
        self.painter.try_set_value(None);
    }

    fn change(&self, dirty: Dirty, change: impl FnOnce(&mut Model)) {
        // A handle may outlive the part of the page that made it: then there is nothing to show.
        if self.model.try_update_value(change).is_some() {
            self.invalidate(dirty);
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn invalidate(&self, what: Dirty) {
        self.painter.try_with_value(|painter| {
            if let Some(painter) = painter {
                painter.invalidate(what);
            }
        });
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn invalidate(&self, _: Dirty) {}

    pub(super) fn with_model(&self, read: impl FnOnce(&Model)) {
        self.model.try_with_value(read);
    }

    /// Puts what the series is now into words.
    pub(super) fn summarize(&self) {
        self.with_model(|model| {
            self.summary.try_set(Summary::new(model));
        });
    }

    pub(super) fn point_at(&self, x: Option<f64>) {
        let crosshair = x.map_or(Crosshair::Hidden, Crosshair::Pointer);
        self.change(Dirty::OVERLAY, |model| model.crosshair = crosshair);
    }

    /// Moves the crosshair along the points and says what is there; none where there are no points.
    pub(super) fn walk(&self, step: Step) -> Option<String> {
        let mut said = None;
        self.change(Dirty::OVERLAY, |model| {
            let last = model.series.len().checked_sub(1);
            let at = match model.crosshair {
                Crosshair::Time(time) => model.series.nearest(time),
                Crosshair::Hidden | Crosshair::Pointer(_) => None,
            };
            let to = match (step, at) {
                (Step::First, _) => Some(0),
                (Step::Back, Some(at)) => Some(at.saturating_sub(1)),
                (Step::Forward, Some(at)) => last.map(|last| (at + 1).min(last)),
                (Step::Last, _) | (_, None) => last,
            };
            if let Some(point) = to.and_then(|to| model.series.get(to)) {
                model.crosshair = Crosshair::Time(point.time);
                let time = model.moment(point.time);
                let value = format_value(point.value, model.decimals);
                said = Some(format!("{time}, {value}"));
            }
        });
        said
    }

    /// Ends walking and pointing.
    pub(super) fn leave(&self) {
        self.point_at(None);
    }
}

/// The chart in numbers, for those who do not see it, and for tests.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Summary {
    pub(super) points: usize,
    pub(super) last: String,
    pub(super) text: String,
}

impl Summary {
    fn new(model: &Model) -> Self {
        let points = model.series.len();
        let Some(last) = model.series.last() else {
            return Self::default();
        };
        Self {
            points,
            last: format_value(last.value, model.decimals),
            text: describe(&model.series, model.look(), (points, "point")),
        }
    }
}

/// A series in words, with how many of what it has; none where it is empty.
pub(super) fn describe(series: &Series, look: Look, (count, of): (usize, &str)) -> String {
    let (Some(first), Some(last), Some((low, high))) = (
        series.first(),
        series.last(),
        series.extent(0..series.len()),
    ) else {
        return String::new();
    };
    let value = |value| format_value(value, look.decimals);
    let time = |time| format_moment(time, (first.time, last.time), look.offset);
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

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: f64 = 1_341_927_000_000.0;

    fn with_handle(test: impl FnOnce(ChartHandle)) {
        let owner = Owner::new();
        owner.with(|| test(ChartHandle::new()));
    }

    fn points(values: &[f64]) -> Vec<Point> {
        let times = (0..).map(|n| OPEN + f64::from(n) * 60_000.0);
        times
            .zip(values)
            .map(|(time, &value)| Point::new(time, value))
            .collect()
    }

    #[test]
    fn the_summary_says_what_is_drawn() {
        with_handle(|handle| {
            let text = || {
                handle.summarize();
                handle.summary.get_untracked().text
            };
            assert_eq!(text(), "");
            handle.push(Point::new(OPEN, 597.1));
            assert_eq!(text(), "597.10, 1 point at 13:30:00");
            handle.replace(points(&[597.1, 590.1, 598.0, 597.32]));
            handle.set_utc_offset(-240);
            assert_eq!(
                text(),
                "597.32, 4 points from 09:30:00 to 09:33:00, low 590.10, high 598.00"
            );
        });
    }

    #[test]
    fn a_handle_can_go_to_any_thread() {
        fn goes_anywhere<T: Copy + Send + Sync + 'static>(_: T) {}
        with_handle(goes_anywhere);
    }

    #[test]
    fn a_handle_may_outlive_its_chart() {
        let owner = Owner::new();
        let handle = owner.with(ChartHandle::new);
        owner.cleanup();
        drop(owner);
        handle.push(Point::new(OPEN, 1.0));
        handle.summarize();
        assert_eq!(handle.walk(Step::Last), None);
    }

    #[test]
    fn the_keyboard_walks_the_points() {
        with_handle(|handle| {
            assert_eq!(handle.walk(Step::Back), None);
            handle.replace(points(&[1.0, 2.0, 3.0]));
            let walked = [
                (Step::Back, "13:32:00, 3.00"),
                (Step::Back, "13:31:00, 2.00"),
                (Step::First, "13:30:00, 1.00"),
                (Step::Back, "13:30:00, 1.00"),
                (Step::Forward, "13:31:00, 2.00"),
                (Step::Last, "13:32:00, 3.00"),
                (Step::Forward, "13:32:00, 3.00"),
            ];
            for (step, said) in walked {
                assert_eq!(handle.walk(step).as_deref(), Some(said), "{step:?}");
            }
            handle.leave();
            handle.with_model(|model| assert_eq!(model.crosshair, Crosshair::Hidden));
        });
    }
}
