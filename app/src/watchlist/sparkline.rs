use std::fmt::Write as _;

use leptos::prelude::*;
use market::Price;

use crate::lean::reactive::drawn;

/// The size in the drawing's own units, which the style sheet stretches. They are fine enough for whole numbers.
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 100.0;
/// A little more than half the width of the line, so that its peaks are not cut.
const MARGIN: f64 = 7.5;

/// A small line of the newest closes. It is hidden from screen readers, since the numbers are beside it.
#[component]
pub(crate) fn Sparkline(
    /// The line, by [`path`].
    #[prop(into)]
    path: Signal<String>,
) -> impl IntoView {
    view! {
        <svg
            class="sparkline"
            viewBox="0 0 120 100"
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            <path d=drawn(move || path.get()) vector-effect="non-scaling-stroke"></path>
        </svg>
    }
}

/// The path through closes, oldest first, and the newest price; empty for fewer than two points. Points are relative to
/// the previous one: a page has thirty of these lines, and small numbers compress well.
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
    let mut path = String::with_capacity(count * 6);
    let mut before = (0, 0);
    for (index, price) in prices.enumerate() {
        let x = WIDTH * index as f64 / (count - 1) as f64;
        // A price that did not change is a line in the middle.
        let part = if span > 0.0 {
            (high - price) / span
        } else {
            0.5
        };
        let y = MARGIN + (HEIGHT - 2.0 * MARGIN) * part;
        let point = (x.round() as i32, y.round() as i32);
        path.push(if index == 0 { 'M' } else { 'l' });
        // Writing to a String cannot fail.
        let _ = write!(path, "{} {}", point.0 - before.0, point.1 - before.1);
        before = point;
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
            "M0 93l60 -85l60 42"
        );
    }

    #[test]
    fn a_still_price_is_a_level_line() {
        assert_eq!(path(&prices(&["2", "2"]), None), "M0 50l120 0");
    }

    #[test]
    fn one_price_is_no_line() {
        assert_eq!(path(&prices(&["2"]), None), "");
        assert_eq!(path(&[], None), "");
    }
}
