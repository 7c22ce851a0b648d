use leptos::prelude::*;

use crate::{Range, dashboard::Dashboard};

/// How much of the past the chart shows.
#[component]
pub(crate) fn RangeButtons() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let buttons = Range::OFFERED.into_iter().zip(1..).map(|(range, key)| {
        let pressed = move || match dashboard.range.get() == range {
            true => "true",
            false => "false",
        };
        view! {
            <button
                type="button"
                aria-pressed=pressed
                aria-label=range.name()
                aria-keyshortcuts=format!("{key}")
                on:click=move |_| dashboard.set_range(range)
            >
                {range.as_str()}
            </button>
        }
    });
    view! {
        <div class="ranges" role="group" aria-label="Range">
            {buttons.collect_view()}
        </div>
    }
}

/// The range of a key, `1` for the shortest.
pub(crate) fn of_key(key: &str) -> Option<Range> {
    let number: usize = key.parse().ok()?;
    Range::OFFERED.get(number.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_has_its_key() {
        assert_eq!(of_key("1"), Some(Range::Minute));
        assert_eq!(of_key("6"), Some(Range::Week));
        for key in ["0", "7", "a", "F1", ""] {
            assert_eq!(of_key(key), None, "{key}");
        }
    }
}
