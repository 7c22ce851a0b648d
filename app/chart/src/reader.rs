//! Navigation in a chart by pointer, keyboard and buttons.

use super::export;
use super::handle::ChartHandle;
use super::model::{Crosshair, Dirty};
use super::reading::Reading;
use super::scene::View;
use leptos::prelude::*;

/// A step of the crosshair by keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    By(isize),
    Newest,
}

impl ChartHandle {
    /// Whether the view follows the newest sample. It does not while the reader looks at the past.
    pub fn follows(&self) -> ReadSignal<bool> {
        self.follows.read_only()
    }

    /// Shows the whole range up to the newest sample.
    pub fn fit(&self) {
        self.change(Dirty::SERIES, |model| {
            model.scene.view = View::Newest(model.span);
            model.crosshair = Crosshair::Hidden;
        });
        self.update_follows();
    }

    /// Follows the newest sample, without changing the length of the shown time.
    pub fn follow(&self) {
        self.change(Dirty::SERIES, |model| {
            if let View::Between(from, to) = model.scene.view {
                model.scene.view = View::Newest(to - from);
            }
        });
        self.update_follows();
    }

    /// Scrolls by a part of the shown time: to later times if it is positive, to earlier ones if it is negative.
    pub fn pan(&self, part: f64) {
        self.move_view(part > 0.0, |(from, to)| {
            let by = (to - from) * part;
            (from + by, to + by)
        });
    }

    /// Zooms out (factor above 1) or in (below 1). The time at the part `at` of the width stays in place, or the newest
    /// sample while the view follows it.
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

    /// The times that are shown or about to be drawn, and the width of the plot in CSS pixels.
    pub(super) fn shown(&self) -> Option<((f64, f64), f64)> {
        let shown = self.model.read(|model| {
            let frame = model.frame.as_ref()?;
            let series = &model.scene.series;
            let times = model.scene.times(series.first()?, series.last()?);
            Some((times, f64::from(frame.plot.0) / frame.scale))
        });
        shown.flatten()
    }

    /// The first shown time in milliseconds since the Unix epoch, and whether the reader scrolled or zoomed to it.
    /// There may be no samples for it yet.
    pub fn looks_from(&self) -> Option<(f64, bool)> {
        let from = self.model.read(|model| match model.scene.view {
            View::Newest(span) => {
                let last = model.scene.series.last()?;
                Some((last.time - span, span != model.span))
            }
            View::Between(from, _) => Some((from, true)),
        });
        from.flatten()
    }

    /// Shows these times. Follows the newest sample if `later` is set and they reach it.
    pub(super) fn show(&self, times: (f64, f64), later: bool) {
        self.change(Dirty::SERIES, |model| model.show(times, later));
        self.update_follows();
    }

    fn move_view(&self, later: bool, to: impl FnOnce((f64, f64)) -> (f64, f64)) {
        if let Some((times, _)) = self.shown() {
            self.show(to(times), later);
        }
    }

    /// The id of the newest pin drawn at a point, in CSS pixels from the upper left.
    pub(super) fn pin_at(&self, x: f64, y: f64) -> Option<String> {
        let id = self.model.read(|model| {
            let frame = model.frame.as_ref()?;
            export::pin_at(&model.scene, frame, (x * frame.scale, y * frame.scale))
        });
        id.flatten()
    }

    /// The id of the newest pin at the crosshair.
    pub(super) fn pin_here(&self) -> Option<String> {
        let id = self.model.read(|model| {
            let frame = model.frame.as_ref()?;
            let pins = model.reading()?.pins(&model.scene, frame);
            pins.last().map(|pin| pin.id.clone())
        });
        id.flatten()
    }

    pub(super) fn point_at(&self, x: Option<f64>) {
        let crosshair = x.map_or(Crosshair::Hidden, Crosshair::Pointer);
        self.change(Dirty::OVERLAY, |model| model.crosshair = crosshair);
    }

    /// Moves the crosshair by a step, and scrolls the chart so that it is visible. Returns the reading there in words;
    /// `None` if there is no sample.
    pub(super) fn walk(&self, step: Step) -> Option<String> {
        let mut words = None;
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
                words = Some(to.words(scene, frame));
                model.crosshair = Crosshair::Time(to.time);
                if let Some((from, later)) = beyond {
                    model.show((from, from + span), later);
                }
            }
        });
        if beyond.is_some() {
            self.change(Dirty::SERIES, |_| {});
            self.update_follows();
        }
        words
    }

    /// Hides the crosshair.
    pub(super) fn leave(&self) {
        self.point_at(None);
    }
}
