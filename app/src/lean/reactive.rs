//! Closures of views as few types. What the framework compiles for a closure that is drawn, handles an event or runs as an effect, it
//! compiles again for each closure there is, a kilobyte or so; behind a box all that give the same type are one.

use leptos::prelude::Effect;

/// What an attribute or a text of the page is, read anew whenever a signal that it read changes.
pub(crate) fn drawn<T>(read: impl FnMut() -> T + Send + 'static) -> Box<dyn FnMut() -> T + Send> {
    Box::new(read)
}

/// What an event of the page does.
pub(crate) fn handler<E>(take: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(take)
}

/// Runs something in the browser once the page is drawn, and again whenever a signal that it read changes.
pub(crate) fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(run);
}
