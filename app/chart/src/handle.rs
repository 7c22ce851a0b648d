//! What the page holds of a chart: it gives numbers to it and asks nothing of it.

use super::export;
use super::frame::Frame;
use super::reading::Reading;
use super::scale::{format_moment, format_plain, format_value};
use super::scene::{Compared, Kind, Pin, Scale, Scene, View};
use super::series::{Sample, Series};
use super::studies::Study;
use leptos::prelude::*;
use std::ops::BitOr;

/// What the page gives to a chart and holds on to: it can be copied into any closure.
///
/// Giving it samples touches no signal; the chart draws them in the next frame of the browser. On the
/// server it holds what the page is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct ChartHandle {
    model: StoredValue<Model>,
    pub(super) summary: RwSignal<Summary>,
    follows: RwSignal<bool>,
    #[cfg(target_arch = "wasm32")]
    painter: StoredValue<Option<super::painter::Painter>, LocalStorage>,
}

/// All that is drawn, but for colours and sizes.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) scene: Scene,
    pub(super) crosshair: Crosshair,
    /// The frame that was drawn last.
    pub(super) frame: Option<Frame>,
    /// From when on samples are other than they were drawn.
    pub(super) changed: f64,
    /// What is shown when the reader wants all of it: so many milliseconds before the newest.
    span: f64,
    /// What times are ahead of UTC at a moment, in minutes.
    ahead: fn(f64) -> i32,
}

impl Default for Model {
    fn default() -> Self {
        Model {
            scene: Scene::default(),
            crosshair: Crosshair::default(),
            frame: None,
            changed: f64::NEG_INFINITY,
            span: f64::INFINITY,
            ahead: |_| 0,
        }
    }
}

impl Model {
    /// Brings up to date what follows from the samples, before they are drawn or told.
    pub(super) fn settle(&mut self) {
        // As it is at the newest: in winter the clock of a summer's day is another.
        let last = self.scene.series.last();
        let offset = last.map_or(0, |last| (self.ahead)(last.time));
        if self.scene.offset != offset {
            self.scene.offset = offset;
            self.changed = f64::NEG_INFINITY;
        }
        let drawn = self.frame.as_ref().map(|frame| frame.candle);
        self.scene
            .update_studies(self.changed, drawn.unwrap_or(self.scene.interval));
    }

    /// What the crosshair is at.
    pub(super) fn reading(&self) -> Option<Reading> {
        let frame = self.frame.as_ref()?;
        let time = match self.crosshair {
            Crosshair::Hidden => return None,
            Crosshair::Pointer(x) => frame.time_at(x * frame.scale),
            Crosshair::Time(time) => time,
        };
        Reading::at(&self.scene, frame, time)
    }

    /// Shows some times, as far as there is anything to be seen, and the newest from then on where they
    /// reach to it and `later` is so.
    fn show(&mut self, (from, to): (f64, f64), later: bool) {
        let series = &self.scene.series;
        let (Some(first), Some(last)) = (series.first(), series.last()) else {
            return;
        };
        let least = (5.0 * self.scene.interval).max(5_000.0);
        let all = (last.time - first.time).max(least);
        let middle = (from + to) / 2.0;
        let span = (to - from).min(1.5 * all).max(least);
        let (from, to) = if span == to - from {
            (from, to)
        } else {
            (middle - span / 2.0, middle + span / 2.0)
        };
        if later && to >= last.time {
            // What is shown of the newest has a little room after it.
            self.scene.view = View::Newest((span * 0.96).max(least));
            return;
        }
        // Half of the plot stays full.
        let shift =
            (first.time - span / 2.0 - from).max(0.0) + (last.time + span / 2.0 - to).min(0.0);
        self.scene.view = View::Between(from + shift, to + shift);
    }
}

/// Where the reader looks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Crosshair {
    #[default]
    Hidden,
    /// At the pointer, so many CSS pixels from the left: it stays there when the series moves on.
    Pointer(f64),
    /// At a time that the keyboard walked to: it moves with the series.
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
    /// Samples came, from [`Model::changed`] on.
    pub(super) const SAMPLES: Self = Self(1);
    /// The series is to be drawn otherwise.
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

/// A step of the keyboard along what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    By(isize),
    Newest,
}

impl Default for ChartHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl ChartHandle {
    /// A chart without samples, owned by the current reactive owner.
    pub fn new() -> Self {
        Self {
            model: StoredValue::new(Model::default()),
            summary: RwSignal::new(Summary::default()),
            follows: RwSignal::new(true),
            #[cfg(target_arch = "wasm32")]
            painter: StoredValue::new_local(None),
        }
    }

    /// Keeps no more than about so many samples.
    pub fn set_capacity(&self, capacity: usize) {
        self.change(Dirty::SERIES, |model| {
            model.scene.series = Series::new(capacity);
        });
    }

    /// Shows these samples, oldest first, instead of what was shown.
    pub fn replace<T: Into<Sample>>(&self, samples: impl IntoIterator<Item = T>) {
        self.renew(|series| series.replace(samples));
    }

    /// Shows the values at these times, in milliseconds since the Unix epoch, instead of what was shown, by the
    /// rules of [`Series::replace_columns`].
    pub fn replace_columns(&self, times: Vec<f64>, values: Vec<f64>) {
        self.renew(|series| series.replace_columns(times, values));
    }

    fn renew(&self, put: impl FnOnce(&mut Series)) {
        self.change(Dirty::SERIES, |model| {
            put(&mut model.scene.series);
            model.changed = f64::NEG_INFINITY;
        });
    }

    /// Adds a sample, by the rules of [`Series::push`].
    pub fn push(&self, sample: impl Into<Sample>) {
        let sample = sample.into();
        self.change(Dirty::SAMPLES, |model| {
            model.scene.series.push(sample);
            model.changed = model.changed.min(sample.time);
        });
    }

    /// Shows no more than so many milliseconds before the newest sample, and follows it.
    pub fn set_span(&self, span: f64) {
        self.change(Dirty::SERIES, |model| {
            model.span = span;
            model.scene.view = View::Newest(span);
        });
        self.tell_follows();
    }

    /// What the legend calls the series.
    pub fn set_name(&self, name: String) {
        self.change(Dirty::OVERLAY, |model| model.scene.name = name);
    }

    /// Decimals of a value, 2 by default, and what values are multiples of; 0 where that is not known.
    pub fn set_decimals(&self, decimals: u32, tick: f64) {
        self.change(Dirty::SERIES, |model| {
            model.scene.decimals = decimals;
            model.scene.tick = tick;
        });
    }

    /// How the series is drawn.
    pub fn set_kind(&self, kind: Kind) {
        self.change(Dirty::SERIES, |model| model.scene.kind = kind);
    }

    /// How values lie on the axis.
    pub fn set_scale(&self, scale: Scale) {
        self.change(Dirty::SERIES, |model| model.scene.scale = scale);
    }

    /// The length of the spans that samples are of, in milliseconds: candles are not shorter.
    pub fn set_interval(&self, interval: f64) {
        self.change(Dirty::SERIES, |model| {
            if model.scene.interval != interval {
                model.scene.interval = interval;
                model.changed = f64::NEG_INFINITY;
            }
        });
    }

    /// Whether what was traded is drawn.
    pub fn set_volume(&self, shown: bool) {
        self.change(Dirty::SERIES, |model| model.scene.shows_volume = shown);
    }

    /// What is computed from the series and drawn with it.
    pub fn set_studies(&self, studies: &[Study]) {
        self.change(Dirty::SERIES, |model| model.scene.set_studies(studies));
    }

    /// Other series to compare with, at most [`MAX_LINES`](super::scene::MAX_LINES).
    pub fn set_compared(&self, compared: Vec<Compared>) {
        self.change(Dirty::SERIES, |model| {
            model.scene.compared = compared;
            model.scene.compared.truncate(super::scene::MAX_LINES);
        });
    }

    /// Adds a sample to the series of that name that is compared with.
    pub fn push_compared(&self, name: &str, sample: impl Into<Sample>) {
        let sample = sample.into();
        self.change(Dirty::SAMPLES, |model| {
            let mut compared = model.scene.compared.iter_mut();
            if let Some(compared) = compared.find(|compared| compared.name == name) {
                compared.series.push(sample);
                model.changed = model.changed.min(sample.time);
            }
        });
    }

    /// What happened when; in any order.
    pub fn set_pins(&self, pins: Vec<Pin>) {
        let mut sorted: Vec<Pin> = Vec::with_capacity(pins.len());
        for pin in pins {
            let at = sorted.partition_point(|other| other.time <= pin.time);
            sorted.insert(at, pin);
        }
        self.change(Dirty::OVERLAY, |model| model.scene.pins = sorted);
    }

    /// Whose times of day are shown: what those are ahead of UTC at a moment, in minutes, where the moment is
    /// in milliseconds since the Unix epoch. They are UTC unless said otherwise.
    pub fn set_clock(&self, ahead: fn(f64) -> i32) {
        self.change(Dirty::SERIES, |model| model.ahead = ahead);
    }

    /// Whether the newest sample is shown as it comes. It is not while the reader looks at the past.
    pub fn follows(&self) -> ReadSignal<bool> {
        self.follows.read_only()
    }

    /// Shows all of what was asked for, up to the newest.
    pub fn fit(&self) {
        self.change(Dirty::SERIES, |model| {
            model.scene.view = View::Newest(model.span);
            model.crosshair = Crosshair::Hidden;
        });
        self.tell_follows();
    }

    /// Shows the newest, as long a time as now.
    pub fn follow(&self) {
        self.change(Dirty::SERIES, |model| {
            if let View::Between(from, to) = model.scene.view {
                model.scene.view = View::Newest(to - from);
            }
        });
        self.tell_follows();
    }

    /// Shows later times (above zero) or earlier ones, by a part of what is shown.
    pub fn pan(&self, part: f64) {
        self.move_view(part > 0.0, |(from, to)| {
            let by = (to - from) * part;
            (from + by, to + by)
        });
    }

    /// Shows a longer time (above one) or a shorter one. What lies at a part of the width stays where it
    /// is; while the newest is followed, that is the newest.
    pub fn zoom(&self, factor: f64, at: f64) {
        let followed = self.follows.get_untracked();
        let at = if followed { 1.0 } else { at };
        self.move_view(true, |(from, to)| {
            let center = from + (to - from) * at;
            (
                center - (center - from) * factor,
                center + (to - center) * factor,
            )
        });
    }

    /// The times that are shown, or will be once it is drawn, and the width of the plot in CSS pixels.
    pub(super) fn shown(&self) -> Option<((f64, f64), f64)> {
        let shown = self.model.try_with_value(|model| {
            let frame = model.frame.as_ref()?;
            let series = &model.scene.series;
            let times = model.scene.times(series.first()?, series.last()?);
            Some((times, f64::from(frame.plot.0) / frame.scale))
        });
        shown.flatten()
    }

    /// From when on the reader looks, in milliseconds since the Unix epoch, and whether they went there: there may be
    /// nothing of it yet.
    pub fn looks_from(&self) -> Option<(f64, bool)> {
        let from = self.model.try_with_value(|model| match model.scene.view {
            View::Newest(span) => {
                let last = model.scene.series.last()?;
                Some((last.time - span, span != model.span))
            }
            View::Between(from, _) => Some((from, true)),
        });
        from.flatten()
    }

    /// Shows some times, and follows the newest where `later` is so and they reach to it.
    pub(super) fn show(&self, times: (f64, f64), later: bool) {
        self.change(Dirty::SERIES, |model| model.show(times, later));
        self.tell_follows();
    }

    fn move_view(&self, later: bool, to: impl FnOnce((f64, f64)) -> (f64, f64)) {
        if let Some((times, _)) = self.shown() {
            self.show(to(times), later);
        }
    }

    fn tell_follows(&self) {
        let follows = self
            .model
            .try_with_value(|model| matches!(model.scene.view, View::Newest(_)));
        if let Some(follows) = follows
            && self
                .follows
                .try_get_untracked()
                .is_some_and(|before| before != follows)
        {
            self.follows.set(follows);
        }
    }

    /// What is shown as comma-separated values: a candle or a sample a line, with what it is compared with
    /// and the studies. Times are UTC by ISO 8601; values have all their decimals.
    pub fn csv(&self) -> String {
        let csv = self.model.try_update_value(|model| {
            model.settle();
            let frame = model.frame.as_ref()?;
            Some(export::csv(&model.scene, frame))
        });
        csv.flatten().unwrap_or_default()
    }

    /// The newest of what is shown, at most so many, newest first: when, and the values by their names.
    pub fn table(&self, most: usize) -> export::Table {
        let table = self.model.try_update_value(|model| {
            model.settle();
            let frame = model.frame.as_ref()?;
            Some(export::table(&model.scene, frame, most))
        });
        table.flatten().unwrap_or_default()
    }

    /// Lets the reader keep what is drawn now as an image, `image/png`, of this name.
    pub fn save_image(&self, name: &str) {
        #[cfg(target_arch = "wasm32")]
        self.painter.try_with_value(|painter| {
            if let Some(painter) = painter {
                painter.save_image(name);
            }
        });
        #[cfg(not(target_arch = "wasm32"))]
        let _ = name;
    }

    /// Lets the reader keep what [`ChartHandle::csv`] says as a file of this name.
    pub fn save_csv(&self, name: &str) {
        #[cfg(target_arch = "wasm32")]
        super::files::offer_text(&self.csv(), "text/csv", name);
        #[cfg(not(target_arch = "wasm32"))]
        let _ = name;
    }

    /// The id of the newest pin that is drawn at a place, in CSS pixels from the upper left.
    pub(super) fn pin_at(&self, x: f64, y: f64) -> Option<String> {
        let id = self.model.try_with_value(|model| {
            let frame = model.frame.as_ref()?;
            export::pin_at(&model.scene, frame, (x * frame.scale, y * frame.scale))
        });
        id.flatten()
    }

    /// The id of the newest pin at what the crosshair is at.
    pub(super) fn pin_here(&self) -> Option<String> {
        let id = self.model.try_with_value(|model| {
            let frame = model.frame.as_ref()?;
            let pins = model.reading()?.pins(&model.scene, frame);
            pins.last().map(|pin| pin.id.clone())
        });
        id.flatten()
    }

    /// Is drawn by this from now on.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn attach(&self, painter: super::painter::Painter) {
        self.painter.try_set_value(Some(painter));
        self.invalidate(Dirty::SERIES);
        // The first drawing does not wait for a frame of its own.
        self.painter.try_with_value(|painter| {
            if let Some(painter) = painter {
                painter.paint();
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

    pub(super) fn with_model(&self, act: impl FnOnce(&mut Model)) {
        self.model.try_update_value(act);
    }

    /// Puts what the series is now into words at once, as where it is another one: otherwise that is done up
    /// to once a second.
    pub fn summarize(&self) {
        let mut summary = None;
        self.with_model(|model| {
            model.settle();
            summary = Some(Summary::new(model));
        });
        if let Some(summary) = summary {
            self.summary.try_set(summary);
        }
    }

    pub(super) fn point_at(&self, x: Option<f64>) {
        let crosshair = x.map_or(Crosshair::Hidden, Crosshair::Pointer);
        self.change(Dirty::OVERLAY, |model| model.crosshair = crosshair);
    }

    /// Moves the crosshair along what is drawn and says what is there; none where there is nothing. What
    /// it walks to is shown.
    pub(super) fn walk(&self, step: Step) -> Option<String> {
        let mut said = None;
        let mut beyond = None;
        self.change(Dirty::OVERLAY, |model| {
            model.settle();
            let scene = &model.scene;
            let Some(frame) = model.frame.as_ref() else {
                return;
            };
            let to = match (step, model.crosshair) {
                (Step::By(by), Crosshair::Time(_)) => {
                    model.reading().and_then(|at| at.step(scene, frame, by))
                }
                (Step::By(_), Crosshair::Pointer(_)) => model.reading(),
                (Step::Newest, _) | (_, Crosshair::Hidden) => Reading::last(scene, frame),
            };
            if let Some(to) = to {
                let (from, until) = frame.times();
                let span = until - from;
                if to.time < from {
                    beyond = Some((to.time - span * 0.1, false));
                } else if to.time > until {
                    beyond = Some((to.time - span * 0.9, true));
                }
                said = Some(to.words(scene, frame));
                model.crosshair = Crosshair::Time(to.time);
                if let Some((from, later)) = beyond {
                    model.show((from, from + span), later);
                }
            }
        });
        if beyond.is_some() {
            self.change(Dirty::SERIES, |_| {});
            self.tell_follows();
        }
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
        let scene = &model.scene;
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

/// What is shown of a series in words, with how many of what it has; none where it is empty.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Point;
    use crate::svg::tests::frame_of;

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

    /// As a painter does.
    fn draw(handle: ChartHandle) {
        handle.with_model(|model| {
            model.settle();
            model.frame = frame_of(&model.scene);
            model.settle();
        });
    }

    fn times(handle: ChartHandle) -> (f64, f64) {
        draw(handle);
        handle.shown().expect("it is drawn").0
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
            handle.set_clock(|_| -240);
            assert_eq!(
                text(),
                "597.32, 4 points from 09:30:00 to 09:33:00, low 590.10, high 598.00"
            );
            handle.set_span(70_000.0);
            assert_eq!(
                text(),
                "597.32, 2 points from 09:32:00 to 09:33:00, low 597.32, high 598.00"
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
        handle.pan(-0.5);
        assert_eq!(handle.walk(Step::Newest), None);
        assert_eq!(handle.csv(), "");
    }

    #[test]
    fn the_keyboard_walks_the_points() {
        with_handle(|handle| {
            assert_eq!(handle.walk(Step::By(-1)), None);
            handle.replace(points(&[1.0, 2.0, 3.0]));
            draw(handle);
            let walked = [
                (Step::By(-1), "13:32:00, 3.00"),
                (Step::By(-1), "13:31:00, 2.00"),
                (Step::By(-10), "13:30:00, 1.00"),
                (Step::By(-1), "13:30:00, 1.00"),
                (Step::By(1), "13:31:00, 2.00"),
                (Step::Newest, "13:32:00, 3.00"),
                (Step::By(1), "13:32:00, 3.00"),
            ];
            for (step, said) in walked {
                assert_eq!(handle.walk(step).as_deref(), Some(said), "{step:?}");
            }
            handle.leave();
            handle.with_model(|model| assert_eq!(model.crosshair, Crosshair::Hidden));
        });
    }

    #[test]
    fn points_within_a_second_are_told_apart() {
        with_handle(|handle| {
            let times = [0.0, 60_000.0, 60_250.0, 61_000.0].map(|after| OPEN + after);
            handle.replace(times.map(|time| Point::new(time, 5.0)));
            draw(handle);
            for said in [
                "13:31:01, 5.00",
                "13:31:00.250, 5.00",
                "13:31:00.000, 5.00",
                "13:30:00, 5.00",
            ] {
                assert_eq!(handle.walk(Step::By(-1)).as_deref(), Some(said));
            }
        });
    }

    #[test]
    fn the_keyboard_walks_candles_and_says_all_of_them() {
        with_handle(|handle| {
            handle.set_kind(Kind::Candles);
            handle.set_interval(60_000.0);
            handle.replace(points(&[1.0, 2.0, 3.0]).into_iter().map(|point| Sample {
                high: point.value + 1.0,
                volume: 1_500.0,
                ..point.into()
            }));
            draw(handle);
            let here = |time: &str, value: u32| {
                let next = value + 1;
                format!(
                    "{time}, open {value}.00, high {next}.00, low {value}.00, close {value}.00, volume 1.50 K"
                )
            };
            for (step, said) in [
                (Step::By(-1), here("13:31:00", 3)),
                (Step::By(-1), here("13:30:00", 2)),
                (Step::By(-9), here("13:29:00", 1)),
                (Step::By(2), here("13:31:00", 3)),
            ] {
                assert_eq!(handle.walk(step), Some(said), "{step:?}");
            }
        });
    }

    #[test]
    fn it_follows_the_newest_until_the_reader_looks_back_and_again_at_the_edge() {
        with_handle(|handle| {
            handle.replace(points(&(0..600).map(f64::from).collect::<Vec<_>>()));
            handle.set_span(3_600_000.0);
            let (from, to) = times(handle);
            let last = OPEN + 599.0 * 60_000.0;
            assert!(to > last && to - from < 3_900_000.0 && to - from > 3_500_000.0);
            let follows = || handle.follows().get_untracked();

            handle.pan(-0.5);
            let (earlier, until) = times(handle);
            assert!(!follows() && until < last);
            handle.push(Point::new(last + 60_000.0, 1.0));
            assert_eq!(
                times(handle),
                (earlier, until),
                "nothing moves under the reader"
            );
            handle.pan(0.7);
            assert!(follows());
            assert!(times(handle).1 > last + 60_000.0);

            handle.zoom(0.5, 0.5);
            let (shorter, to) = times(handle);
            assert!(follows() && (1_600_000.0..2_100_000.0).contains(&(to - shorter)));
            handle.pan(-2.0);
            let before = times(handle);
            handle.zoom(0.5, 0.25);
            let after = times(handle);
            let at = |(from, to): (f64, f64), part: f64| from + (to - from) * part;
            assert!((at(before, 0.25) - at(after, 0.25)).abs() < 1.0);
            handle.follow();
            assert!(follows());
            handle.fit();
            let (from, to) = times(handle);
            assert!(to - from > 3_500_000.0);
        });
    }

    #[test]
    fn two_turns_within_a_frame_are_two() {
        with_handle(|handle| {
            handle.replace(points(&(0..600).map(f64::from).collect::<Vec<_>>()));
            let span = || {
                let (from, to) = handle.shown().expect("it is drawn").0;
                to - from
            };
            for at in [1.0, 0.3] {
                draw(handle);
                let before = span();
                handle.zoom(0.5, at);
                handle.zoom(0.5, at);
                draw(handle);
                assert!(
                    (0.2..0.3).contains(&(span() / before)),
                    "{}",
                    span() / before
                );
                handle.fit();
                handle.pan(-0.2);
            }
        });
    }

    #[test]
    fn nobody_gets_lost_beyond_the_ends() {
        with_handle(|handle| {
            handle.replace(points(&(0..600).map(f64::from).collect::<Vec<_>>()));
            draw(handle);
            for _ in 0..40 {
                handle.zoom(0.5, 0.9);
                draw(handle);
            }
            let (from, to) = times(handle);
            assert!(to - from > 1_000.0);
            for _ in 0..2_000 {
                handle.pan(-0.9);
                draw(handle);
            }
            let (_, to) = times(handle);
            assert!(to >= OPEN, "the first point can be seen");
            for _ in 0..40 {
                handle.zoom(3.0, 0.1);
                draw(handle);
            }
            let (from, to) = times(handle);
            assert!(to - from < 600.0 * 60_000.0 * 1.7);
        });
    }
}
