use leptos::prelude::*;

use crate::{
    format::figures::Shown,
    lean::{reactive::drawn, signal::Memo},
    widgets::figure::Figure,
};

/// The position of a price between two others, in percent; 50 if they are equal.
fn position(low: &Shown, high: &Shown, last: &Shown) -> Option<u32> {
    use rust_decimal::{Decimal, prelude::ToPrimitive};

    let (low, high, last) = (low.number?, high.number?, last.number?);
    let span = high.checked_sub(low)?;
    let come = last.checked_sub(low)?;
    let percent = come
        .checked_mul(Decimal::ONE_HUNDRED)?
        .checked_div(span)
        .unwrap_or(50.into());
    percent
        .round()
        .to_u32()
        .map(|percent| percent.min(100))
        .or(Some(0))
}

/// The lowest and the highest price of a period, and the position of the last price between them.
#[component]
pub(crate) fn RangeBar(
    /// The name of the period.
    term: &'static str,
    /// The fields of both ends.
    fields: (&'static str, &'static str),
    /// The lowest price.
    low: Signal<Shown>,
    /// The highest price.
    high: Signal<Shown>,
    /// The last price.
    last: Signal<Shown>,
    /// Whether to hide the bar.
    #[prop(optional, into)]
    hidden: Signal<bool>,
) -> impl IntoView {
    let at = Memo::new(move |_| {
        low.with(|low| high.with(|high| last.with(|last| position(low, high, last))))
    });
    view! {
        <div class="range" hidden=drawn(move || hidden.get())>
            <dt>{term}</dt>
            <dd>
                <span class="words-only">"low "</span>
                <Figure field=fields.0 shown=low />
                <svg class="range-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                    <rect x="0" y="2" width="100" height="2" />
                    <rect
                        class="at"
                        x=drawn(move || at.get().unwrap_or_default().saturating_sub(1).min(98))
                        y="0"
                        width=drawn(move || if at.get().is_some() { "2" } else { "0" })
                        height="6"
                    />
                </svg>
                <span class="words-only">" high "</span>
                <Figure field=fields.1 shown=high />
            </dd>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::figures::tests::symbol;

    #[test]
    fn finds_the_place_between_the_ends() {
        let shown = |price: &str| Shown::price(symbol("GOOG"), price.parse().ok(), 2);
        let place = |low, high, last| position(&shown(low), &shown(high), &shown(last));
        assert_eq!(place("100", "200", "150"), Some(50));
        assert_eq!(place("100", "200", "200"), Some(100));
        // A trade that moves no range may lie outside of it.
        assert_eq!(place("100", "200", "205"), Some(100));
        assert_eq!(place("100", "200", "95"), Some(0));
        assert_eq!(place("100", "100", "100"), Some(50));
        assert_eq!(place("", "200", "150"), None);
    }
}
