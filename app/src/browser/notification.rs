//! Notifications of the browser.

/// The permission to show notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Permission {
    /// The person has not been asked.
    #[default]
    Unasked,
    /// It was granted.
    Granted,
    /// The person, or the browser by itself, denied it.
    Denied,
    /// The browser has no notifications.
    Missing,
}

/// The current permission.
pub(crate) fn permission() -> Permission {
    #[cfg(target_arch = "wasm32")]
    {
        use web_sys::{Notification, NotificationPermission};

        let there = js_sys::Reflect::has(&js_sys::global(), &"Notification".into());
        if there != Ok(true) {
            return Permission::Missing;
        }
        match Notification::permission() {
            NotificationPermission::Granted => Permission::Granted,
            NotificationPermission::Denied => Permission::Denied,
            _ => Permission::Unasked,
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    Permission::Unasked
}

/// Asks the person for permission, and calls back with the answer. A browser asks only in response to a click.
pub(crate) fn ask(answer: impl FnOnce(Permission) + 'static) {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::{JsCast, closure::Closure};

        let Ok(asked) = web_sys::Notification::request_permission() else {
            return answer(permission());
        };
        let done = Closure::once_into_js(move || answer(permission()));
        let done: &js_sys::Function = done.unchecked_ref();
        let _ = js_sys::Reflect::get(&asked, &"then".into()).and_then(|then| {
            then.unchecked_into::<js_sys::Function>()
                .call2(&asked, done, done)
        });
    }
    #[cfg(not(target_arch = "wasm32"))]
    answer(permission());
}

/// Shows a notification if that is permitted. The browser shows only one notification of a tag. A click on it focuses
/// the page.
pub(crate) fn show(title: &str, body: &str, tag: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::{JsCast, closure::Closure};
        use web_sys::{Notification, NotificationOptions};

        if permission() != Permission::Granted {
            return;
        }
        let options = NotificationOptions::new();
        options.set_body(body);
        options.set_tag(tag);
        // Browsers of phones refuse notifications outside a service worker. The note on the page remains.
        if let Ok(notification) = Notification::new_with_options(title, &options) {
            let open = Closure::once_into_js(|| {
                if let Some(window) = web_sys::window() {
                    let _ = window.focus();
                }
            });
            notification.set_onclick(Some(open.unchecked_ref()));
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (title, body, tag);
}
