//! The page's handle of a chart: it gives numbers to the chart.

use super::export;
use super::model::{Dirty, Model, SharedModel};
use super::sample::Sample;
use super::scene::{Compared, Kind, Pin, Scale, View};
use super::series::Series;
use super::studies::Study;
use leptos::prelude::*;

/// A chart, as the page holds it. It can be copied into any closure.
///
/// Giving it samples touches no signal; the chart draws them in the next frame of the browser. On the
/// server it holds what the page is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct ChartHandle {
    pub(super) model: SharedModel,
    pub(super) follows: RwSignal<bool>,
    #[cfg(target_arch = "wasm32")]
    painter: StoredValue<Option<super::painter::Painter>, LocalStorage>,
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
            model: SharedModel::new(),
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
        self.update_follows();
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
    /// in milliseconds since the Unix epoch. The default is UTC.
    pub fn set_clock(&self, ahead: fn(f64) -> i32) {
        self.change(Dirty::SERIES, |model| model.ahead = ahead);
    }

    /// What is shown as comma-separated values: a candle or a sample a line, with what it is compared with
    /// and the studies. Times are UTC by ISO 8601; values have all their decimals.
    pub fn csv(&self) -> String {
        let csv = self.model.update(|model| {
            model.settle();
            let frame = model.frame.as_ref()?;
            Some(export::csv(&model.scene, frame))
        });
        csv.flatten().unwrap_or_default()
    }

    /// The newest of what is shown, at most so many, newest first: when, and the values by their names.
    pub fn table(&self, most: usize) -> export::Table {
        let table = self.model.update(|model| {
            model.settle();
            let frame = model.frame.as_ref()?;
            Some(export::table(&model.scene, frame, most))
        });
        table.flatten().unwrap_or_default()
    }

    /// Offers what is drawn now to the reader as an image, `image/png`, of this name.
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

    /// Offers [`ChartHandle::csv`] to the reader as a file of this name.
    pub fn save_csv(&self, name: &str) {
        #[cfg(target_arch = "wasm32")]
        super::files::offer_text(&self.csv(), "text/csv", name);
        #[cfg(not(target_arch = "wasm32"))]
        let _ = name;
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

    pub(super) fn change(&self, dirty: Dirty, change: impl FnOnce(&mut Model)) {
        // A handle may outlive the part of the page that made it: then there is nothing to show.
        if self.model.update(change).is_some() {
            self.invalidate(dirty);
        }
    }

    /// Updates whether the newest sample is shown as it comes.
    pub(super) fn update_follows(&self) {
        let follows = self
            .model
            .read(|model| matches!(model.scene.view, View::Newest(_)));
        if let Some(follows) = follows
            && self
                .follows
                .try_get_untracked()
                .is_some_and(|before| before != follows)
        {
            self.follows.set(follows);
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

    /// Updates the summary at once, as when another series is shown. Otherwise the summary is updated at most once a
    /// second.
    pub fn summarize(&self) {
        self.model.summarize();
    }
}

#[cfg(test)]
mod tests;
