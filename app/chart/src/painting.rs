//! The drawing of a chart on the page: three canvases, the set of what is out of date, and one animation frame.

use super::canvas::Canvas;
use super::draw::{self, Frame, Palette, Rgb};
use super::listener::Listener;
use super::model::{Dirty, SharedModel};
use js_sys::Reflect;
use leptos::prelude::{GetUntracked, RwSignal, Set};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{
    CanvasRenderingContext2d, Document, HtmlCanvasElement, HtmlElement, MediaQueryList,
    ResizeObserverEntry, ResizeObserverSize, Window,
};

/// The custom properties of [`Palette::lines`].
const LINES: [&str; 8] = [
    "--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6", "--line-7", "--line-8",
];

/// Milliseconds between two summaries, so that a screen reader can keep up.
const SUMMARY: f64 = 1_000.0;

/// The state of a chart that is on the page.
pub(super) struct Painting {
    /// For callbacks of the browser, which must not keep the painting alive.
    weak: Weak<Painting>,
    model: SharedModel,
    drawn: RwSignal<bool>,
    page: Page,
    /// Axes, series, overlay.
    layers: [Rc<RefCell<Canvas>>; 3],
    dirty: Cell<Dirty>,
    size: Cell<BoxSize>,
    scratch: RefCell<draw::Scratch>,
    frame: Due,
    summaries: Summaries,
    ratio: RefCell<Option<(f64, Listener)>>,
}

/// The page around the chart.
pub(super) struct Page {
    pub(super) window: Window,
    pub(super) document: Document,
    /// The element that the canvases cover.
    pub(super) plot: HtmlElement,
}

/// A callback of the browser, and its id while it is scheduled.
struct Due {
    callback: Closure<dyn FnMut()>,
    id: Cell<Option<i32>>,
}

impl Due {
    fn new(callback: Closure<dyn FnMut()>) -> Self {
        Due {
            callback,
            id: Cell::new(None),
        }
    }
}

/// The next summary, and the last one.
struct Summaries {
    due: Due,
    /// When it was made, in milliseconds since the Unix epoch.
    last: Cell<f64>,
    /// Whether it was of a chart without samples.
    empty: Cell<bool>,
}

/// Width and height of the canvases' box.
#[derive(Clone, Copy, Default)]
struct BoxSize {
    css: (f64, f64),
    /// In device pixels, if the browser reports it.
    device: Option<(u32, u32)>,
}

/// A callback for the browser that does nothing once the chart is gone.
pub(super) fn calling(painting: &Weak<Painting>, does: fn(&Painting)) -> Closure<dyn FnMut()> {
    let painting = painting.clone();
    Closure::new(move || {
        if let Some(painting) = painting.upgrade() {
            does(&painting);
        }
    })
}

/// Whether the browser reports sizes in device pixels. At a ratio such as 1.5 the page cannot compute the whole number
/// of device pixels of a box.
pub(super) fn has_device_pixels(window: &Window) -> bool {
    let prototype = Reflect::get(window, &"ResizeObserverEntry".into())
        .and_then(|entry| Reflect::get(&entry, &"prototype".into()));
    prototype.is_ok_and(|prototype| {
        Reflect::has(&prototype, &"devicePixelContentBoxSize".into()).unwrap_or(false)
    })
}

pub(super) fn media(window: &Window, query: &str) -> Option<MediaQueryList> {
    window.match_media(query).ok().flatten()
}

impl Painting {
    /// A painting of `model` on the canvases of `layers`. It sets `drawn` after the first drawing; nothing is drawn
    /// yet.
    pub(super) fn new(
        model: SharedModel,
        drawn: RwSignal<bool>,
        page: Page,
        layers: [Rc<RefCell<Canvas>>; 3],
    ) -> Rc<Self> {
        Rc::new_cyclic(|painting| Painting {
            weak: painting.clone(),
            model,
            drawn,
            page,
            layers,
            dirty: Cell::new(Dirty::NOTHING),
            size: Cell::default(),
            scratch: RefCell::default(),
            frame: Due::new(calling(painting, |painting| {
                painting.frame.id.set(None);
                painting.paint();
            })),
            summaries: Summaries {
                due: Due::new(calling(painting, |painting| {
                    painting.summaries.due.id.set(None);
                    painting.summarize();
                })),
                last: Cell::new(f64::NEG_INFINITY),
                empty: Cell::new(true),
            },
            ratio: RefCell::new(None),
        })
    }

    /// Cancels scheduled callbacks.
    pub(super) fn end(&self) {
        self.ratio.take();
        if let Some(request) = self.frame.id.take() {
            let _ = self.page.window.cancel_animation_frame(request);
        }
        if let Some(timer) = self.summaries.due.id.take() {
            self.page.window.clear_timeout_with_handle(timer);
        }
    }

    /// Draws in the colours for printing now: there is no frame before the page is printed.
    pub(super) fn print(&self) {
        self.dirty.set(self.dirty.get() | Dirty::THEME);
        self.paint();
        for layer in &self.layers {
            layer.borrow().fix();
        }
    }

    pub(super) fn invalidate(&self, what: Dirty) {
        let dirty = self.dirty.get() | what;
        self.dirty.set(dirty);
        // A box without a size is measured once it has one.
        let unseen = self.page.document.hidden() || self.size.get().css == (0.0, 0.0);
        if dirty == Dirty::NOTHING || unseen || self.frame.id.get().is_some() {
            return;
        }
        let callback = self.frame.callback.as_ref().unchecked_ref();
        self.frame
            .id
            .set(self.page.window.request_animation_frame(callback).ok());
    }

    /// Draws for the first time, unless that has happened.
    pub(super) fn begin(&self) {
        let ratio = self.page.window.device_pixel_ratio();
        // If the ratio is not a whole number, only the browser knows the device pixels of a box.
        if self.size.get().css != (0.0, 0.0) || ratio.fract() != 0.0 {
            return;
        }
        let content = self.layers[0].borrow().element().get_bounding_client_rect();
        let css = (content.width(), content.height());
        self.take_size(BoxSize { css, device: None });
    }

    pub(super) fn measure(&self, entry: &ResizeObserverEntry) {
        let content = entry.content_rect();
        let device = has_device_pixels(&self.page.window)
            .then(|| entry.device_pixel_content_box_size().get(0))
            .and_then(|size| size.dyn_into::<ResizeObserverSize>().ok())
            .map(|size| (size.inline_size() as u32, size.block_size() as u32));
        let css = (content.width(), content.height());
        self.take_size(BoxSize { css, device });
    }

    fn take_size(&self, size: BoxSize) {
        let before = self.size.replace(size);
        if before.css == size.css && self.device_size() == self.layers[0].borrow().size() {
            return;
        }
        self.invalidate(Dirty::SIZE);
        // The browser reports sizes after layout and before it paints: drawing now shows the chart one frame earlier,
        // and a canvas is never shown stretched.
        self.paint_now();
    }

    /// Draws now what is scheduled for the next frame.
    pub(super) fn paint_now(&self) {
        if let Some(request) = self.frame.id.take() {
            let _ = self.page.window.cancel_animation_frame(request);
            self.paint();
        }
    }

    pub(super) fn paint(&self) {
        let mut dirty = self.dirty.replace(Dirty::NOTHING);
        if dirty.contains(Dirty::SIZE) {
            self.resize();
        }
        if dirty.contains(Dirty::THEME) {
            self.restyle();
        }
        let anew = dirty.contains(Dirty::SIZE) || dirty.contains(Dirty::THEME);
        if anew {
            dirty = dirty | Dirty::SERIES;
        }
        let empty = self.draw(dirty, anew);
        if !self.drawn.get_untracked() {
            self.drawn.set(true);
        }
        if self.summaries.empty.replace(empty) != empty {
            // The summary must not lack a price that the plot shows.
            self.summaries.last.set(f64::NEG_INFINITY);
        }
        if dirty.contains(Dirty::SERIES) || dirty.contains(Dirty::SAMPLES) {
            self.summarize();
        }
    }

    /// Draws what is out of date, or everything if `anew`. Returns whether the chart is empty. Errors of the surface
    /// come from a canvas that is gone and are ignored.
    fn draw(&self, dirty: Dirty, anew: bool) -> bool {
        let mut empty = true;
        self.model.update(|model| {
            let [axes, series, overlay] = &self.layers;
            if dirty.contains(Dirty::SERIES) || dirty.contains(Dirty::SAMPLES) {
                let known = dirty.contains(Dirty::SERIES) || model.changed == f64::NEG_INFINITY;
                model.settle();
                let fitted = Frame::fit(&*axes.borrow(), &model.scene);
                let moved = anew || model.frame != fitted;
                if moved {
                    model.frame = fitted;
                    // The length of candles may have changed.
                    model.settle();
                    axes.borrow_mut().clear(0);
                    if let Some(frame) = &model.frame {
                        let _ = draw::axes(axes, frame);
                    }
                }
                let left = match &model.frame {
                    Some(frame) if !moved && !known => {
                        draw::changed_column(frame, &model.scene, model.changed)
                    }
                    _ => 0,
                };
                series.borrow_mut().clear(left);
                if let Some(frame) = &model.frame {
                    let scratch = &mut self.scratch.borrow_mut();
                    let _ = draw::series(series, frame, &model.scene, scratch, left);
                }
                model.changed = f64::INFINITY;
            }
            overlay.borrow_mut().clear(0);
            if let Some(frame) = &model.frame {
                empty = false;
                let reading = model.reading();
                let _ = draw::overlay(overlay, frame, &model.scene, reading.as_ref());
            }
        });
        empty
    }

    /// All layers on one canvas.
    pub(super) fn image(&self) -> Option<HtmlCanvasElement> {
        let element = self.page.document.create_element("canvas").ok()?;
        let canvas: HtmlCanvasElement = element.dyn_into().ok()?;
        let first = self.layers[0].borrow();
        canvas.set_width(first.element().width());
        canvas.set_height(first.element().height());
        let context = canvas.get_context("2d").ok()??;
        let context: CanvasRenderingContext2d = context.dyn_into().ok()?;
        context.set_fill_style_str(&first.ground());
        context.fill_rect(0.0, 0.0, canvas.width().into(), canvas.height().into());
        drop(first);
        for layer in &self.layers {
            let layer = layer.borrow();
            let drawn = context.draw_image_with_html_canvas_element(layer.element(), 0.0, 0.0);
            drawn.ok()?;
        }
        Some(canvas)
    }

    /// Width and height of the box in device pixels.
    fn device_size(&self) -> (u32, u32) {
        let ratio = self.page.window.device_pixel_ratio();
        let BoxSize { css, device } = self.size.get();
        let (width, height) = (
            (css.0 * ratio).round() as u32,
            (css.1 * ratio).round() as u32,
        );
        // The browser rounds by the position of the box. A larger difference comes from another ratio: an emulated one,
        // or one that changed before the box was measured again.
        device
            .filter(|device| device.0.abs_diff(width) <= 1 && device.1.abs_diff(height) <= 1)
            .unwrap_or((width, height))
    }

    fn resize(&self) {
        let ratio = self.page.window.device_pixel_ratio();
        let size = self.device_size();
        for layer in &self.layers {
            layer.borrow_mut().resize(size, ratio);
        }
        let known = self.ratio.borrow().as_ref().map(|(known, _)| *known);
        if known != Some(ratio) {
            self.watch(ratio);
        }
    }

    /// Listens for a change of the device pixel ratio. A media query matches only one ratio, so each ratio needs its
    /// own.
    fn watch(&self, ratio: f64) {
        let Ok(text) = js_sys::Number::from(ratio).to_string_with_radix(10) else {
            return;
        };
        let query = format!("(resolution: {}dppx)", String::from(text));
        let Some(query) = media(&self.page.window, &query) else {
            return;
        };
        let resize = calling(&self.weak, |painting| painting.invalidate(Dirty::SIZE));
        let listener = Listener::new(&query, "change", resize);
        self.ratio.replace(Some((ratio, listener)));
    }

    fn restyle(&self) {
        let Ok(Some(style)) = self.page.window.get_computed_style(&self.page.plot) else {
            return;
        };
        let value = |name: &str| style.get_property_value(name).unwrap_or_default();
        let mut canvas = self.layers[0].borrow_mut();
        let mut color = |name: &str, otherwise: Rgb| {
            let value = value(name);
            canvas.resolve(value.trim()).unwrap_or(otherwise)
        };
        let otherwise = Palette::default();
        let mut lines = otherwise.lines;
        for (line, name) in lines.iter_mut().zip(LINES) {
            *line = color(name, *line);
        }
        let palette = Palette {
            ground: color("--ground", otherwise.ground),
            grid: color("--line", otherwise.grid),
            text: color("--text", otherwise.text),
            muted: color("--muted", otherwise.muted),
            up: color("--up", otherwise.up),
            down: color("--down", otherwise.down),
            accent: color("--accent", otherwise.accent),
            lines,
        };
        drop(canvas);
        let family = value("font-family");
        for layer in &self.layers {
            layer.borrow_mut().set_theme(palette, family.clone());
        }
    }

    /// Updates the summary, at most once a second.
    fn summarize(&self) {
        let now = js_sys::Date::now();
        let wait = self.summaries.last.get() + SUMMARY - now;
        if wait <= 0.0 {
            self.summaries.last.set(now);
            self.model.summarize();
            return;
        }
        if self.summaries.due.id.get().is_some() {
            return;
        }
        let callback = self.summaries.due.callback.as_ref().unchecked_ref();
        let timer = self
            .page
            .window
            .set_timeout_with_callback_and_timeout_and_arguments_0(callback, wait.ceil() as i32);
        self.summaries.due.id.set(timer.ok());
    }
}
