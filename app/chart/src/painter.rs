//! Attaches a chart to the page and redraws it when the page changes.

use super::canvas::Canvas;
use super::files::offer;
use super::listener::Listener;
use super::model::{Dirty, SharedModel};
use super::painting::{Page, Painting, calling, has_device_pixels, media};
use leptos::prelude::RwSignal;
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Blob, Document, HtmlCanvasElement, HtmlElement, MutationObserver, MutationObserverInit,
    ResizeObserver, ResizeObserverBoxOptions, ResizeObserverOptions, Window,
};

// An observer, and the closure that the browser calls until it is disconnected.
type Resized = (ResizeObserver, Closure<dyn FnMut(js_sys::Array)>);
type Restyled = (MutationObserver, Closure<dyn FnMut()>);

/// A chart on the page. Dropping it removes its listeners and observers.
pub(super) struct Painter {
    painting: Rc<Painting>,
    resized: Resized,
    restyled: Restyled,
    _listeners: [Listener; 3],
}

impl Painter {
    /// Draws `model` onto three canvases that cover `plot`, and then sets `drawn`.
    ///
    /// # Errors The error of a browser that has no canvas or no observers.
    pub(super) fn new(
        model: SharedModel,
        drawn: RwSignal<bool>,
        plot: HtmlElement,
        canvases: [HtmlCanvasElement; 3],
    ) -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or("no window")?;
        let document = window.document().ok_or("no document")?;
        let observed = canvases[0].clone();
        let mut layers = Vec::with_capacity(3);
        for canvas in canvases {
            let canvas = Canvas::new(canvas).ok_or("no 2d context")?;
            layers.push(Rc::new(RefCell::new(canvas)));
        }
        let layers = layers.try_into().map_err(|_| "not three canvases")?;

        let page = Page {
            window: window.clone(),
            document: document.clone(),
            plot,
        };
        let painting = Painting::new(model, drawn, page, layers);
        let weak = Rc::downgrade(&painting);
        let resized = observe_size(&weak, &window, &observed)?;
        let restyled = observe_theme(&weak, &document)?;
        let listeners = listen(&weak, &window, &document)?;

        painting.invalidate(Dirty::THEME);
        // The chart is drawn when the browser reports the size of the box, or before that if the browser is idle. It is
        // not drawn now, while the page is being built.
        let begin = Closure::once_into_js(move || {
            if let Some(painting) = weak.upgrade() {
                painting.begin();
            }
        });
        window.set_timeout_with_callback(begin.unchecked_ref())?;
        Ok(Self {
            painting,
            resized,
            restyled,
            _listeners: listeners,
        })
    }

    /// Draws what is out of date now, without waiting for the next frame.
    pub(super) fn paint(&self) {
        self.painting.paint_now();
    }

    /// Downloads the chart as an image of this name.
    pub(super) fn save_image(&self, name: &str) {
        let Some(canvas) = self.painting.image() else {
            return;
        };
        let name = name.to_owned();
        let keep = Closure::once_into_js(move |blob: Option<Blob>| {
            if let Some(blob) = blob {
                offer(&blob, &name);
            }
        });
        // This cannot fail: nothing from another origin is drawn here.
        let _ = canvas.to_blob(keep.unchecked_ref());
    }

    /// Schedules a redraw for the next frame.
    pub(super) fn invalidate(&self, what: Dirty) {
        self.painting.invalidate(what);
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.resized.0.disconnect();
        self.restyled.0.disconnect();
        self.painting.end();
    }
}

/// Redraws when the size of the box of the canvases changes.
fn observe_size(
    painting: &Weak<Painting>,
    window: &Window,
    observed: &HtmlCanvasElement,
) -> Result<Resized, JsValue> {
    let painting = painting.clone();
    let on_resize = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        if let (Some(painting), Ok(entry)) = (painting.upgrade(), entries.get(0).dyn_into()) {
            painting.measure(&entry);
        }
    });
    let resized = ResizeObserver::new(on_resize.as_ref().unchecked_ref())?;
    if has_device_pixels(window) {
        let options = ResizeObserverOptions::new();
        options.set_box(ResizeObserverBoxOptions::DevicePixelContentBox);
        resized.observe_with_options(observed, &options);
    } else {
        resized.observe(observed);
    }
    Ok((resized, on_resize))
}

/// Redraws when an attribute of the root changes, which may choose another theme.
fn observe_theme(painting: &Weak<Painting>, document: &Document) -> Result<Restyled, JsValue> {
    let on_restyle = calling(painting, |painting| painting.invalidate(Dirty::THEME));
    let restyled = MutationObserver::new(on_restyle.as_ref().unchecked_ref())?;
    let options = MutationObserverInit::new();
    options.set_attributes(true);
    if let Some(root) = document.document_element() {
        restyled.observe_with_options(&root, &options)?;
    }
    Ok((restyled, on_restyle))
}

/// Redraws when the system's theme changes, when the page is printed, and when it becomes visible again.
fn listen(
    painting: &Weak<Painting>,
    window: &Window,
    document: &Document,
) -> Result<[Listener; 3], JsValue> {
    let scheme = media(window, "(prefers-color-scheme: dark)").ok_or("no media queries")?;
    let restyle = calling(painting, |painting| painting.invalidate(Dirty::THEME));
    let print = calling(painting, Painting::print);
    // Changes made while the page was hidden are drawn when it becomes visible.
    let show = calling(painting, |painting| painting.invalidate(Dirty::NOTHING));
    Ok([
        Listener::new(&scheme, "change", restyle),
        Listener::new(window, "beforeprint", print),
        Listener::new(document, "visibilitychange", show),
    ])
}
