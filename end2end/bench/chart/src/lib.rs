//! The page's chart without the page, which `make bench-page` compares with other charts.

use chart::{Chart, ChartHandle, Point};
use leptos::{mount::mount_to, prelude::*};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

/// A chart in an element of the page.
#[wasm_bindgen]
pub struct Bench {
    handle: ChartHandle,
    // Dropping it removes the chart from the page.
    _mounted: Box<dyn std::any::Any>,
}

#[wasm_bindgen]
impl Bench {
    /// Puts an empty chart into `element`, which determines its size.
    pub fn mount(element: HtmlElement) -> Self {
        let owner = Owner::new();
        let handle = owner.with(ChartHandle::new);
        let mounted = mount_to(element, move || view! { <Chart handle name="GOOG" /> });
        Self {
            handle,
            _mounted: Box::new((owner, mounted)),
        }
    }

    /// Replaces all values. Times are in milliseconds since the epoch.
    pub fn set(&self, times: Vec<f64>, values: Vec<f64>) {
        self.handle.replace_columns(times, values);
    }

    /// Appends a value at a time in milliseconds since the epoch.
    pub fn push(&self, time: f64, value: f64) {
        self.handle.push(Point::new(time, value));
    }
}
