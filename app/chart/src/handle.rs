//! The page's handle of a chart.

use super::export;
use super::model::{Dirty, Model, SharedModel};
use super::sample::Sample;
use super::scene::{Compared, Kind, Pin, Scale, View};
use super::series::Series;
use super::studies::Study;
use leptos::prelude::*;

/// A handle of a chart. It can be copied into any closure.
///
/// Adding samples changes no signal: the chart draws them in the browser's next frame. On the server it holds the
/// samples that the page is drawn from.
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
    /// A chart without samples. It belongs to the current reactive owner.
    pub fn new() -> Self {
        Self {
            model: SharedModel::new(),
            follows: RwSignal::new(true),
            #[cfg(target_arch = "wasm32")]
            painter: StoredValue::new_local(None),
        }
    }

    /// Sets how many samples are kept, see [`Series::new`].
    pub fn set_capacity(&self, capacity: usize) {
        self.change(Dirty::SERIES, |model| {
            model.scene.series = Series::new(capacity);
        });
    }

    /// Replaces all samples. They are oldest first.
    pub fn replace<T: Into<Sample>>(&self, samples: impl IntoIterator<Item = T>) {
        self.renew(|series| series.replace(samples));
    }

    /// Replaces all samples by values at times in milliseconds since the Unix epoch, by the rules of
    /// [`Series::replace_columns`].
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

    /// Shows the last `span` milliseconds before the newest sample, and follows it.
    pub fn set_span(&self, span: f64) {
        self.change(Dirty::SERIES, |model| {
            model.span = span;
            model.scene.view = View::Newest(span);
        });
        self.update_follows();
    }

    /// Sets the name of the series in the legend.
    pub fn set_name(&self, name: String) {
        self.change(Dirty::OVERLAY, |model| model.scene.name = name);
    }

    /// Sets the decimals of a value, 2 by default, and the tick that values are multiples of; 0 if that is not known.
    pub fn set_decimals(&self, decimals: u32, tick: f64) {
        self.change(Dirty::SERIES, |model| {
            model.scene.decimals = decimals;
            model.scene.tick = tick;
        });
    }

    /// Sets how the series is drawn.
    pub fn set_kind(&self, kind: Kind) {
        self.change(Dirty::SERIES, |model| model.scene.kind = kind);
    }

    /// Sets the scale of the axis of values.
    pub fn set_scale(&self, scale: Scale) {
        self.change(Dirty::SERIES, |model| model.scene.scale = scale);
    }

    /// Sets the length of the spans that the samples cover, in milliseconds. Candles are not shorter.
    pub fn set_interval(&self, interval: f64) {
        self.change(Dirty::SERIES, |model| {
            if model.scene.interval != interval {
                model.scene.interval = interval;
                model.changed = f64::NEG_INFINITY;
            }
        });
    }

    /// Shows or hides the volume.
    pub fn set_volume(&self, shown: bool) {
        self.change(Dirty::SERIES, |model| model.scene.shows_volume = shown);
    }

    /// Sets the studies that are drawn.
    pub fn set_studies(&self, studies: &[Study]) {
        self.change(Dirty::SERIES, |model| model.scene.set_studies(studies));
    }

    /// Sets the series to compare with, at most [`MAX_LINES`](super::scene::MAX_LINES).
    pub fn set_compared(&self, compared: Vec<Compared>) {
        self.change(Dirty::SERIES, |model| {
            model.scene.compared = compared;
            model.scene.compared.truncate(super::scene::MAX_LINES);
        });
    }

    /// Adds a sample to the compared series of that name.
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

    /// Sets the pins, in any order.
    pub fn set_pins(&self, pins: Vec<Pin>) {
        let mut sorted: Vec<Pin> = Vec::with_capacity(pins.len());
        for pin in pins {
            let at = sorted.partition_point(|other| other.time <= pin.time);
            sorted.insert(at, pin);
        }
        self.change(Dirty::OVERLAY, |model| model.scene.pins = sorted);
    }

    /// Sets the time zone of the displayed times: a function from milliseconds since the Unix epoch to minutes ahead of
    /// UTC. The default is UTC.
    pub fn set_clock(&self, ahead: fn(f64) -> i32) {
        self.change(Dirty::SERIES, |model| model.ahead = ahead);
    }

    /// The chart's data as comma-separated values: a line for each candle or sample, with compared series and studies.
    /// Times are UTC in ISO 8601; values have all their decimals.
    pub fn csv(&self) -> String {
        let csv = self.model.update(|model| {
            model.settle();
            let frame = model.frame.as_ref()?;
            Some(export::csv(&model.scene, frame))
        });
        csv.flatten().unwrap_or_default()
    }

    /// The newest rows of the chart's data, at most `most`, newest first.
    pub fn table(&self, most: usize) -> export::Table {
        let table = self.model.update(|model| {
            model.settle();
            let frame = model.frame.as_ref()?;
            Some(export::table(&model.scene, frame, most))
        });
        table.flatten().unwrap_or_default()
    }

    /// Downloads the chart as a PNG image of this name.
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

    /// Downloads [`ChartHandle::csv`] as a file of this name.
    pub fn save_csv(&self, name: &str) {
        #[cfg(target_arch = "wasm32")]
        super::files::offer_text(&self.csv(), "text/csv", name);
        #[cfg(not(target_arch = "wasm32"))]
        let _ = name;
    }

    /// Sets the painter that draws the chart.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn attach(&self, painter: super::painter::Painter) {
        self.painter.try_set_value(Some(painter));
        self.invalidate(Dirty::SERIES);
        // The first drawing does not wait for a frame.
        self.painter.try_with_value(|painter| {
            if let Some(painter) = painter {
                painter.paint();
            }
        });
    }

    /// Removes the painter.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn detach(&self) {
        self.painter.try_set_value(None);
    }

    pub(super) fn change(&self, dirty: Dirty, change: impl FnOnce(&mut Model)) {
        // A handle may outlive the part of the page that created it. Then there is no model.
        if self.model.update(change).is_some() {
            self.invalidate(dirty);
        }
    }

    /// Updates the signal of [`ChartHandle::follows`].
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

    /// Updates the summary at once, as after a change of the symbol. Otherwise it is updated at most once a second.
    pub fn summarize(&self) {
        self.model.summarize();
    }
}

#[cfg(test)]
mod tests;
