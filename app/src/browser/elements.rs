//! Elements of the document: which are near an event, the focus, scrolling.

/// The nearest element around the target of an event that fits a selector, itself included.
pub(crate) fn closest(
    target: Option<leptos::web_sys::EventTarget>,
    selector: &str,
) -> Option<leptos::web_sys::Element> {
    use leptos::wasm_bindgen::JsCast;

    let element = target?.dyn_into::<leptos::web_sys::Element>().ok()?;
    element.closest(selector).ok()?
}

/// Whether an element begins above the visible part of the page.
pub(crate) fn is_cut_off_at_the_top(element: &leptos::web_sys::HtmlDivElement) -> bool {
    #[cfg(target_arch = "wasm32")]
    return element.get_bounding_client_rect().top() < 0.0;
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = element;
        false
    }
}

/// The element that a key belongs to, by its `aria-keyshortcuts`. The name of the key
/// is one of the page's own table.
#[cfg(target_arch = "wasm32")]
fn answering(key: &str) -> Option<web_sys::HtmlElement> {
    use wasm_bindgen::JsCast;
    let selector = ["[aria-keyshortcuts~=\"", key, "\"]"].concat();
    let element = leptos::prelude::document().query_selector(&selector);
    element.ok()??.dyn_into().ok()
}

/// Whether an element answers to a key.
pub(crate) fn answers(key: &str) -> bool {
    #[cfg(target_arch = "wasm32")]
    return answering(key).is_some();
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = key;
        false
    }
}

/// Presses the button that answers to a key, or goes to whatever else does. Whether there is one.
pub(crate) fn press(key: &str) -> bool {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;
        let Some(element) = answering(key) else {
            return false;
        };
        match &*element.tag_name() {
            "BUTTON" => element.click(),
            "INPUT" | "SELECT" => {
                let _ = element.focus();
                if let Some(input) = element.dyn_ref::<web_sys::HtmlInputElement>() {
                    input.select();
                }
            }
            _ => focus_by_id(&element.id()),
        }
        true
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = key;
        false
    }
}

/// Gives the focus to an element that is none of those that Tab goes to, and scrolls to it.
pub(crate) fn focus_by_id(id: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;
        let element = leptos::prelude::document().get_element_by_id(id);
        let Some(element) = element.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok())
        else {
            return;
        };
        // Only for as long as it is asked for: a click on it is no wish to have it.
        let _ = element.set_attribute("tabindex", "-1");
        let _ = element.focus();
        element.scroll_into_view();
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = id;
}

/// Scrolls a list so far that what a selector finds in it can be seen, and nothing else: not the page around it, and
/// nothing under the pointer.
pub(crate) fn scroll_within(list: &str, selector: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        let Ok(Some(list)) = leptos::prelude::document().query_selector(list) else {
            return;
        };
        let Ok(Some(found)) = list.query_selector(selector) else {
            return;
        };
        if found.matches(":hover").unwrap_or_default() {
            return;
        }
        let (window, of) = (
            list.get_bounding_client_rect(),
            found.get_bounding_client_rect(),
        );
        let x = farther(window.left(), window.right(), of.left(), of.right());
        let y = farther(window.top(), window.bottom(), of.top(), of.bottom());
        if x != 0.0 {
            list.set_scroll_left(list.scroll_left() + x.round() as i32);
        }
        if y != 0.0 {
            list.set_scroll_top(list.scroll_top() + y.round() as i32);
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (list, selector);
}

/// How much farther to scroll a window from one place to another, so that a part of what is in it can be seen: as little as
/// possible, and its start where it is longer than the window.
fn farther(from: f64, to: f64, start: f64, end: f64) -> f64 {
    if start < from {
        start - from
    } else if end > to {
        (end - to).min(start - from)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::farther;

    #[test]
    fn scrolls_only_to_what_cannot_be_seen() {
        assert_eq!(farther(100.0, 400.0, 100.0, 150.0), 0.0);
        assert_eq!(farther(100.0, 400.0, 350.0, 400.0), 0.0);
        assert_eq!(farther(100.0, 400.0, 360.0, 410.0), 10.0);
        assert_eq!(farther(100.0, 400.0, 20.0, 70.0), -80.0);
        assert_eq!(farther(100.0, 400.0, 150.0, 800.0), 50.0);
    }
}
