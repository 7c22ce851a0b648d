//! Elements of the document: search, focus and scrolling.

/// The nearest element that matches a selector: the target of an event, or one around it.
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

/// The element with a key in its `aria-keyshortcuts`. The key must be one of the page's own table, since it is not
/// escaped.
#[cfg(target_arch = "wasm32")]
fn answering(key: &str) -> Option<web_sys::HtmlElement> {
    use wasm_bindgen::JsCast;
    let selector = ["[aria-keyshortcuts~=\"", key, "\"]"].concat();
    let element = leptos::prelude::document().query_selector(&selector);
    element.ok()??.dyn_into().ok()
}

/// Whether an element has a key in its `aria-keyshortcuts`.
pub(crate) fn answers(key: &str) -> bool {
    #[cfg(target_arch = "wasm32")]
    return answering(key).is_some();
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = key;
        false
    }
}

/// Clicks the button with a key, or focuses another element with it. Returns whether there is one.
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

/// Focuses an element that Tab does not reach, and scrolls to it.
pub(crate) fn focus_by_id(id: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;
        let element = leptos::prelude::document().get_element_by_id(id);
        let Some(element) = element.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok())
        else {
            return;
        };
        // It is set only now, so that a click on the element does not focus it.
        let _ = element.set_attribute("tabindex", "-1");
        let _ = element.focus();
        element.scroll_into_view();
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = id;
}

/// Scrolls a list so that the element of a selector in it is visible. The page around it does not scroll, nor does the
/// list if the pointer is on the element.
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

/// How far to scroll a window (`from` to `to`) so that a part (`start` to `end`) is visible: as little as possible, and
/// to its start if it is longer than the window.
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
