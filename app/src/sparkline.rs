use std::fmt::Write as _;

use leptos::prelude::*;
use market::Price;

/// The drawing's own units; the style sheet stretches them.
const WIDTH: f64 = 64.0;
const HEIGHT: f64 = 20.0;
/// Half the line's width and a little, so that the line is not cut at its peaks.
const MARGIN: f64 = 1.5;

/// A small line of the newest closes. It repeats what the numbers beside it say, so it has no name.
#[component]
pub(crate) fn Sparkline(
    /// The line, as [`path`] writes it.
    #[prop(into)]
    path: Signal<String>,
) -> impl IntoView {
    view! {
        <svg
            class="sparkline"
            viewBox="0 0 64 20"
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            <path d=path vector-effect="non-scaling-stroke"></path>
        </svg>
    }
}

/// Writes a number of the drawing, which is not below zero, with one digit after the point. The
/// standard library's way for any number is a fiftieth of the page's bytes.
fn push_tenths(to: &mut String, number: f64) {
    let tenths = (number * 10.0).round() as u32;
    // Writing to a String cannot fail.
    let _ = write!(to, "{}.{}", tenths / 10, tenths % 10);
}

/// The line through closes, oldest first, and the newest price.
pub(crate) fn path(closes: &[Price], newest: Option<Price>) -> String {
    let prices = closes.iter().copied().chain(newest).map(Price::to_f64);
    let count = closes.len() + usize::from(newest.is_some());
    if count < 2 {
        return String::new();
    }
    let (low, high) = prices
        .clone()
        .fold((f64::MAX, f64::MIN), |(low, high), price| {
            (low.min(price), high.max(price))
        });
    let span = high - low;
    let mut path = String::with_capacity(count * 10);
    for (index, price) in prices.enumerate() {
        let x = WIDTH * index as f64 / (count - 1) as f64;
        // Where the price stood still, the line is in the middle.
        let part = if span > 0.0 {
            (high - price) / span
        } else {
            0.5
        };
        let y = MARGIN + (HEIGHT - 2.0 * MARGIN) * part;
        let command = if index == 0 { 'M' } else { 'L' };
        path.push(command);
        push_tenths(&mut path, x);
        path.push(' ');
        push_tenths(&mut path, y);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(texts: &[&str]) -> Vec<Price> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn draws_the_highest_on_top() {
        assert_eq!(
            path(&prices(&["1", "3"]), prices(&["2"]).pop()),
            "M0.0 18.5L32.0 1.5L64.0 10.0"
        );
    }

    #[test]
    fn a_still_price_is_a_level_line() {
        assert_eq!(path(&prices(&["2", "2"]), None), "M0.0 10.0L64.0 10.0");
    }

    #[test]
    fn one_price_is_no_line() {
        assert_eq!(path(&prices(&["2"]), None), "");
        assert_eq!(path(&[], None), "");
    }
}
