//! Boxed closures for views. The framework's code for a closure that is drawn, handles an event or runs as an effect is
//! compiled again for each type of closure, about a kilobyte each. Boxed closures with the same signature share a type.

use leptos::prelude::Effect;

/// A value of an attribute or a text, computed again whenever a signal that it reads changes.
pub(crate) fn drawn<T>(read: impl FnMut() -> T + Send + 'static) -> Box<dyn FnMut() -> T + Send> {
    Box::new(read)
}

/// A handler of an event.
pub(crate) fn handler<E>(take: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(take)
}

/// Runs a closure in the browser once the page is drawn, and again whenever a signal that it reads changes.
pub(crate) fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(run);
}

/// The same, with the result of the previous run; `None` in the first run.
pub(crate) fn effect_after<T: 'static>(mut run: impl FnMut(Option<T>) -> T + 'static) {
    let mut before = None;
    effect(move || before = Some(run(before.take())));
}
