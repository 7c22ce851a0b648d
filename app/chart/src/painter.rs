//! What is drawn when: three canvases, one set of what is out of date, one animation frame.

use super::canvas::Canvas;
use super::draw::{self, Frame, Palette, Rgb};
use super::files::offer;
use super::model::{Dirty, SharedModel};
use js_sys::Reflect;
use leptos::prelude::{GetUntracked, RwSignal, Set};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Blob, CanvasRenderingContext2d, Document, EventTarget, HtmlCanvasElement, HtmlElement,
    MediaQueryList, MutationObserver, MutationObserverInit, ResizeObserver,
    ResizeObserverBoxOptions, ResizeObserverEntry, ResizeObserverOptions, ResizeObserverSize,
    Window,
};

/// The custom properties of [`Palette::lines`].
const LINES: [&str; 8] = [
    "--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6", "--line-7", "--line-8",
];

/// Milliseconds between two summaries: a screen reader that reads one is not to be outrun.
const SUMMARY: f64 = 1_000.0;

/// A chart that is on the page. Dropping it ends all it listens to.
pub(super) struct Painter {
    core: Rc<Core>,
    resized: ResizeObserver,
    restyled: MutationObserver,
    // Held because the browser calls them until they are taken back.
    _on_resize: Closure<dyn FnMut(js_sys::Array)>,
    _on_restyle: Closure<dyn FnMut()>,
    _listeners: [Listener; 3],
}

struct Core {
    /// To be called back by the browser without being kept alive by it.
    weak: Weak<Core>,
    model: SharedModel,
    drawn: RwSignal<bool>,
    window: Window,
    document: Document,
    plot: HtmlElement,
    /// Axes, series, overlay.
    layers: [Rc<RefCell<Canvas>>; 3],
    dirty: Cell<Dirty>,
    size: Cell<BoxSize>,
    scratch: RefCell<draw::Scratch>,
    /// Whether there was nothing to draw the last time.
    empty: Cell<bool>,
    on_frame: Closure<dyn FnMut()>,
    requested: Cell<Option<i32>>,
    on_summary: Closure<dyn FnMut()>,
    summary_due: Cell<Option<i32>>,
    summarized: Cell<f64>,
    ratio: RefCell<Option<(f64, Listener)>>,
}

/// Width and height of the canvases' box.
#[derive(Clone, Copy, Default)]
struct BoxSize {
    css: (f64, f64),
    /// Where the browser says it.
    device: Option<(u32, u32)>,
}

/// An event that is listened to for as long as this lives.
struct Listener {
    target: EventTarget,
    event: &'static str,
    closure: Closure<dyn FnMut()>,
}

impl Listener {
    fn new(target: &EventTarget, event: &'static str, core: &Weak<Core>, does: fn(&Core)) -> Self {
        let closure = calling(core, does);
        // It fails for no listener that is a function.
        let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        Self {
            target: target.clone(),
            event,
            closure,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(self.event, callback);
    }
}

/// A function for the browser that does nothing once the chart is gone.
fn calling(core: &Weak<Core>, does: fn(&Core)) -> Closure<dyn FnMut()> {
    let core = core.clone();
    Closure::new(move || {
        if let Some(core) = core.upgrade() {
            does(&core);
        }
    })
}

impl Painter {
    /// Draws `model` onto three canvases that cover `plot`, and sets `drawn` once that is done.
    ///
    /// # Errors
    /// What the browser says where it lacks canvas or observers.
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

        let core = Rc::new_cyclic(|core| Core {
            weak: core.clone(),
            model,
            drawn,
            window: window.clone(),
            document: document.clone(),
            plot,
            layers,
            dirty: Cell::new(Dirty::NOTHING),
            size: Cell::default(),
            scratch: RefCell::default(),
            empty: Cell::new(true),
            on_frame: calling(core, |core| {
                core.requested.set(None);
                core.paint();
            }),
            requested: Cell::new(None),
            on_summary: calling(core, |core| {
                core.summary_due.set(None);
                core.summarize();
            }),
            summary_due: Cell::new(None),
            summarized: Cell::new(f64::NEG_INFINITY),
            ratio: RefCell::new(None),
        });
        let weak = Rc::downgrade(&core);

        let on_resize = {
            let core = weak.clone();
            Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
                if let (Some(core), Ok(entry)) = (core.upgrade(), entries.get(0).dyn_into()) {
                    core.measure(&entry);
                }
            })
        };
        let resized = ResizeObserver::new(on_resize.as_ref().unchecked_ref())?;
        if has_device_pixels(&window) {
            let options = ResizeObserverOptions::new();
            options.set_box(ResizeObserverBoxOptions::DevicePixelContentBox);
            resized.observe_with_options(&observed, &options);
        } else {
            resized.observe(&observed);
        }

        // A theme is chosen by an attribute of the root, or follows the system.
        let on_restyle = calling(&weak, |core| core.invalidate(Dirty::THEME));
        let restyled = MutationObserver::new(on_restyle.as_ref().unchecked_ref())?;
        let options = MutationObserverInit::new();
        options.set_attributes(true);
        if let Some(root) = document.document_element() {
            restyled.observe_with_options(&root, &options)?;
        }
        let scheme = media(&window, "(prefers-color-scheme: dark)").ok_or("no media queries")?;
        let listeners = [
            Listener::new(&scheme, "change", &weak, |core| {
                core.invalidate(Dirty::THEME)
            }),
            // There is no next frame before it is printed, and the page has light colours for paper.
            Listener::new(&window, "beforeprint", &weak, |core| {
                core.dirty.set(core.dirty.get() | Dirty::THEME);
                core.paint();
                for layer in &core.layers {
                    layer.borrow().fix();
                }
            }),
            // What happened while the page was hidden is drawn when it no longer is.
            Listener::new(&document, "visibilitychange", &weak, |core| {
                core.invalidate(Dirty::NOTHING);
            }),
        ];

        core.invalidate(Dirty::THEME);
        // It is drawn in the frame that is to come, when the browser tells the size of the box; or before, where the
        // browser has time until then. Not now: the page is still being made.
        let begin = Closure::once_into_js(move || {
            if let Some(core) = weak.upgrade() {
                core.begin();
            }
        });
        window.set_timeout_with_callback(begin.unchecked_ref())?;
        Ok(Self {
            core,
            resized,
            restyled,
            _on_resize: on_resize,
            _on_restyle: on_restyle,
            _listeners: listeners,
        })
    }

    /// Draws what is out of date at once rather than in the next frame.
    pub(super) fn paint(&self) {
        self.core.paint_now();
    }

    /// Lets the reader keep what is drawn as a file.
    pub(super) fn save_image(&self, name: &str) {
        let Some(canvas) = self.core.image() else {
            return;
        };
        let name = name.to_owned();
        let keep = Closure::once_into_js(move |blob: Option<Blob>| {
            if let Some(blob) = blob {
                offer(&blob, &name);
            }
        });
        // It refuses nothing: nothing foreign is drawn here.
        let _ = canvas.to_blob(keep.unchecked_ref());
    }

    /// Has this drawn anew in the next frame.
    pub(super) fn invalidate(&self, what: Dirty) {
        self.core.invalidate(what);
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.resized.disconnect();
        self.restyled.disconnect();
        self.core.ratio.take();
        if let Some(request) = self.core.requested.take() {
            let _ = self.core.window.cancel_animation_frame(request);
        }
        if let Some(timer) = self.core.summary_due.take() {
            self.core.window.clear_timeout_with_handle(timer);
        }
    }
}

/// Whether a resize is told in device pixels: with a ratio of 1.5 a box has a whole number of them
/// that the page cannot compute.
fn has_device_pixels(window: &Window) -> bool {
    let prototype = Reflect::get(window, &"ResizeObserverEntry".into())
        .and_then(|entry| Reflect::get(&entry, &"prototype".into()));
    prototype.is_ok_and(|prototype| {
        Reflect::has(&prototype, &"devicePixelContentBoxSize".into()).unwrap_or(false)
    })
}

fn media(window: &Window, query: &str) -> Option<MediaQueryList> {
    window.match_media(query).ok().flatten()
}

impl Core {
    fn invalidate(&self, what: Dirty) {
        let dirty = self.dirty.get() | what;
        self.dirty.set(dirty);
        // A box without a size tells when it has one.
        let unseen = self.document.hidden() || self.size.get().css == (0.0, 0.0);
        if dirty == Dirty::NOTHING || unseen || self.requested.get().is_some() {
            return;
        }
        let callback = self.on_frame.as_ref().unchecked_ref();
        self.requested
            .set(self.window.request_animation_frame(callback).ok());
    }

    /// Draws for the first time, unless that is done.
    fn begin(&self) {
        let ratio = self.window.device_pixel_ratio();
        // Only the browser knows how many pixels of a device a box has where its ratio is not whole.
        if self.size.get().css != (0.0, 0.0) || ratio.fract() != 0.0 {
            return;
        }
        let content = self.layers[0].borrow().element().get_bounding_client_rect();
        let css = (content.width(), content.height());
        self.take_size(BoxSize { css, device: None });
    }

    fn measure(&self, entry: &ResizeObserverEntry) {
        let content = entry.content_rect();
        let device = has_device_pixels(&self.window)
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
        // The browser tells sizes after it has laid out and before it paints: what is drawn now is seen a
        // frame earlier, and a canvas is never seen stretched.
        self.paint_now();
    }

    /// Draws now what waits for the next frame, if something does.
    fn paint_now(&self) {
        if let Some(request) = self.requested.take() {
            let _ = self.window.cancel_animation_frame(request);
            self.paint();
        }
    }

    fn paint(&self) {
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
        if self.empty.replace(empty) != empty {
            // The plot must not say that it waits for a price that it shows.
            self.summarized.set(f64::NEG_INFINITY);
        }
        if dirty.contains(Dirty::SERIES) || dirty.contains(Dirty::SAMPLES) {
            self.summarize();
        }
    }

    /// Draws what is out of date, and everything where it has to be drawn anew. Whether there is nothing
    /// to be seen. Errors of the surface are those of a canvas that is gone: there is nobody to tell.
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
                    // Candles may have another length now.
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

    /// What is drawn, on one canvas.
    fn image(&self) -> Option<HtmlCanvasElement> {
        let element = self.document.create_element("canvas").ok()?;
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
        let ratio = self.window.device_pixel_ratio();
        let BoxSize { css, device } = self.size.get();
        let (width, height) = (
            (css.0 * ratio).round() as u32,
            (css.1 * ratio).round() as u32,
        );
        // The browser rounds by where the box lies; a number that is further off is of another ratio,
        // as when the ratio is emulated, or has changed and the box was not measured again yet.
        device
            .filter(|device| device.0.abs_diff(width) <= 1 && device.1.abs_diff(height) <= 1)
            .unwrap_or((width, height))
    }

    fn resize(&self) {
        let ratio = self.window.device_pixel_ratio();
        let size = self.device_size();
        for layer in &self.layers {
            layer.borrow_mut().resize(size, ratio);
        }
        let known = self.ratio.borrow().as_ref().map(|(known, _)| *known);
        if known != Some(ratio) {
            self.watch(ratio);
        }
    }

    /// Listens for a change of the device pixel ratio: a query matches one ratio only, so that each
    /// ratio needs its own.
    fn watch(&self, ratio: f64) {
        let Ok(text) = js_sys::Number::from(ratio).to_string_with_radix(10) else {
            return;
        };
        let query = format!("(resolution: {}dppx)", String::from(text));
        let Some(query) = media(&self.window, &query) else {
            return;
        };
        let listener = Listener::new(&query, "change", &self.weak, |core| {
            core.invalidate(Dirty::SIZE)
        });
        self.ratio.replace(Some((ratio, listener)));
    }

    fn restyle(&self) {
        let Ok(Some(style)) = self.window.get_computed_style(&self.plot) else {
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

    /// Tells in words what is drawn, now or as soon as a second has passed since the last time.
    fn summarize(&self) {
        let now = js_sys::Date::now();
        let wait = self.summarized.get() + SUMMARY - now;
        if wait <= 0.0 {
            self.summarized.set(now);
            self.model.summarize();
            return;
        }
        if self.summary_due.get().is_some() {
            return;
        }
        let callback = self.on_summary.as_ref().unchecked_ref();
        let timer = self
            .window
            .set_timeout_with_callback_and_timeout_and_arguments_0(callback, wait.ceil() as i32);
        self.summary_due.set(timer.ok());
    }
}
