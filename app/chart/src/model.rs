//! The state of a chart: what is drawn, where the crosshair is, and what is out of date.

use super::frame::Frame;
use super::reading::Reading;
use super::scene::{Scene, View};
use super::summary::Summary;
use leptos::prelude::*;
use std::ops::BitOr;

/// Everything that is drawn, without colours and sizes.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) scene: Scene,
    pub(super) crosshair: Crosshair,
    /// The last drawn frame.
    pub(super) frame: Option<Frame>,
    /// The time from which on samples have changed since they were drawn, in milliseconds.
    pub(super) changed: f64,
    /// The length of the whole range, in milliseconds before the newest sample.
    pub(super) span: f64,
    /// The offset of local times from UTC at a moment, in minutes.
    pub(super) ahead: fn(f64) -> i32,
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
    /// Updates what is computed from the samples, before they are drawn or described.
    pub(super) fn settle(&mut self) {
        // The offset at the newest sample: daylight saving time changes it.
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

    /// The reading at the crosshair.
    pub(super) fn reading(&self) -> Option<Reading> {
        let frame = self.frame.as_ref()?;
        let time = match self.crosshair {
            Crosshair::Hidden => return None,
            Crosshair::Pointer(x) => frame.time_at(x * frame.scale),
            Crosshair::Time(time) => time,
        };
        Reading::at(&self.scene, frame, time)
    }

    /// Shows these times, limited to where there are samples. If they reach the newest sample and `later` is set, the
    /// view follows it.
    pub(super) fn show(&mut self, (from, to): (f64, f64), later: bool) {
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
            // A view of the newest sample has some room after it.
            self.scene.view = View::Newest((span * 0.96).max(least));
            return;
        }
        // At least half of the plot has samples.
        let shift =
            (first.time - span / 2.0 - from).max(0.0) + (last.time + span / 2.0 - to).min(0.0);
        self.scene.view = View::Between(from + shift, to + shift);
    }
}

/// The position of the crosshair.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Crosshair {
    #[default]
    Hidden,
    /// At the pointer, in CSS pixels from the left. It stays there when the series moves on.
    Pointer(f64),
    /// At a time chosen by keyboard, in milliseconds. It moves with the series.
    Time(f64),
}

/// The set of what is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dirty(u8);

#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "only a browser draws")
)]
impl Dirty {
    pub(super) const NOTHING: Self = Self(0);
    /// Samples from [`Model::changed`] on.
    pub(super) const SAMPLES: Self = Self(1);
    /// The whole series.
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

/// The model and its summary. The handle changes them and the painter draws them.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedModel {
    model: StoredValue<Model>,
    /// The summary of the last [`SharedModel::summarize`].
    pub(super) summary: RwSignal<Summary>,
}

impl SharedModel {
    /// A model without samples. It belongs to the current reactive owner.
    pub(super) fn new() -> Self {
        SharedModel {
            model: StoredValue::new(Model::default()),
            summary: RwSignal::new(Summary::default()),
        }
    }

    /// Reads the model; `None` once its owner is gone.
    pub(super) fn read<R>(self, read: impl FnOnce(&Model) -> R) -> Option<R> {
        self.model.try_with_value(read)
    }

    /// Changes the model; `None` once its owner is gone.
    pub(super) fn update<R>(self, change: impl FnOnce(&mut Model) -> R) -> Option<R> {
        self.model.try_update_value(change)
    }

    /// Updates the summary.
    pub(super) fn summarize(self) {
        let summary = self.update(|model| {
            model.settle();
            Summary::new(&model.scene)
        });
        if let Some(summary) = summary {
            self.summary.try_set(summary);
        }
    }
}
