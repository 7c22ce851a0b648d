//! The chart that the page has, without the page: what `make bench-page` measures beside other charts.

use chart::{Chart, ChartHandle, Point};
use leptos::{mount::mount_to, prelude::*};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

/// A chart in an element of the page.
#[wasm_bindgen]
pub struct Bench {
    handle: ChartHandle,
    // Dropping it takes the chart off the page.
    _mounted: Box<dyn std::any::Any>,
}

#[wasm_bindgen]
impl Bench {
    /// Puts an empty chart into `element`, which gives it its size.
    pub fn mount(element: HtmlElement) -> Self {
        let owner = Owner::new();
        let handle = owner.with(ChartHandle::new);
        let mounted = mount_to(element, move || view! { <Chart handle name="GOOG" /> });
        Self {
            handle,
            _mounted: Box::new((owner, mounted)),
        }
    }

    /// Shows these values at these times, in milliseconds since the epoch.
    pub fn set(&self, times: Vec<f64>, values: Vec<f64>) {
        self.handle.replace_columns(times, values);
    }

    /// Adds a value.
    pub fn push(&self, time: f64, value: f64) {
        self.handle.push(Point::new(time, value));
    }
}
