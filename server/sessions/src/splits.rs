use archive::Split;
use market::{Bar, Millis, Price, Size};
use rust_decimal::Decimal;

/// How many digits a divided price may gain. A split of 7 to 1 makes 645.57 an endless number; the part that is cut off
/// is less than any traded amount.
const MORE_DIGITS: u32 = 6;

/// Bars as if all shares had always been today's: prices before a split are divided by its ratio and volumes multiplied
/// by it, so that a chart has no cliff at a split.
///
/// The splits are those of the bars' symbol, in any order. Numbers are exact except endless ones, which keep six digits
/// more than they had. A bar whose numbers would not fit is unchanged.
pub fn adjust_for_splits(bars: &mut [Bar], splits: &[Split]) {
    if splits.is_empty() {
        return;
    }
    let factors = Factors::of(splits);
    for bar in bars {
        let factor = factors.at(bar.start);
        if factor != Decimal::ONE
            && let Some(adjusted) = adjusted(bar, factor)
        {
            *bar = adjusted;
        }
    }
}

/// A price of a moment after the splits that took effect since; `None` if it does not fit.
pub(super) fn price_after(price: Price, at: Millis, splits: &[Split]) -> Option<Price> {
    divided(price, Factors::of(splits).at(at))
}

/// The factors by which shares have multiplied since, with the times at which they changed.
struct Factors(Vec<(Millis, Decimal)>);

impl Factors {
    fn of(splits: &[Split]) -> Self {
        let mut splits: Vec<&Split> = splits.iter().collect();
        splits.sort_by_key(|split| std::cmp::Reverse(split.time));
        let mut factor = Decimal::ONE;
        let mut factors = Vec::with_capacity(splits.len());
        for split in splits {
            // An invalid ratio changes nothing, and neither does a product that does not fit.
            if split.ratio > Decimal::ZERO {
                factor = factor.checked_mul(split.ratio).unwrap_or(factor);
            }
            factors.push((split.time, factor));
        }
        factors.reverse();
        Factors(factors)
    }

    fn at(&self, time: Millis) -> Decimal {
        // A split applies to everything before its day.
        let next = self.0.partition_point(|(split, _)| *split <= time);
        self.0.get(next).map_or(Decimal::ONE, |(_, factor)| *factor)
    }
}

fn adjusted(bar: &Bar, factor: Decimal) -> Option<Bar> {
    let volume = bar.volume.decimal().checked_mul(factor)?;
    Some(Bar {
        open: divided(bar.open, factor)?,
        high: divided(bar.high, factor)?,
        low: divided(bar.low, factor)?,
        close: divided(bar.close, factor)?,
        volume: Size::from(shortened(volume, bar.volume.scale())),
        vwap: match bar.vwap {
            Some(vwap) => Some(divided(vwap, factor)?),
            None => None,
        },
        ..bar.clone()
    })
}

fn divided(price: Price, factor: Decimal) -> Option<Price> {
    if factor == Decimal::ONE {
        return Some(price);
    }
    let quotient = price.decimal().checked_div(factor)?;
    let digits = price.scale().saturating_add(MORE_DIGITS).min(28);
    let rounded = Price::from(quotient).rounded(digits.min(quotient.scale()));
    Some(Price::from(shortened(rounded.decimal(), price.scale())))
}

/// Without trailing zeros, but with at least `digits` after the point if it had as many.
fn shortened(number: Decimal, digits: u32) -> Decimal {
    let mut short = number.normalize();
    if short.scale() < digits {
        // Leaves it shorter if it would not fit.
        short.rescale(digits);
    }
    short
}

#[cfg(test)]
mod tests {
    use market::Symbol;
    use proptest::prelude::*;

    use super::*;

    const DAY: Millis = 86_400_000;

    fn symbol() -> Symbol {
        "AAPL".parse().unwrap()
    }

    fn split(day: Millis, ratio: &str) -> Split {
        Split {
            symbol: symbol(),
            time: day * DAY,
            ratio: ratio.parse().unwrap(),
        }
    }

    fn bar(day: Millis, close: &str, volume: &str) -> Bar {
        let price: Price = close.parse().unwrap();
        Bar {
            symbol: symbol(),
            start: day * DAY,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: volume.parse().unwrap(),
            vwap: Some(price),
            trades: 3,
        }
    }

    fn closes(bars: &[Bar]) -> Vec<(String, String)> {
        let texts = |bar: &Bar| (bar.close.to_string(), bar.volume.to_string());
        bars.iter().map(texts).collect()
    }

    #[test]
    fn what_was_before_a_split_is_divided() {
        // Apple's of 9 June 2014, 7 to 1, and of 31 August 2020, 4 to 1.
        let splits = [split(20, "4"), split(10, "7")];
        let mut bars = vec![
            bar(9, "645.57", "12497800"),
            bar(10, "93.70", "75415000"),
            bar(19, "499.23", "46907479.0"),
            bar(20, "129.04", "225702700"),
        ];
        adjust_for_splits(&mut bars, &splits);
        let expected = [
            ("23.05607143", "349938400"),
            ("23.425", "301660000"),
            ("124.8075", "187629916.0"),
            ("129.04", "225702700"),
        ];
        let expected = expected.map(|(close, volume)| (close.to_owned(), volume.to_owned()));
        assert_eq!(closes(&bars), expected);
        assert_eq!(bars[0].vwap, Some(bars[0].close));
        assert_eq!(bars[0].trades, 3);
    }

    #[test]
    fn shares_may_become_fewer_and_digits_stay() {
        let mut bars = vec![bar(1, "1.20", "1000"), bar(2, "12.10", "100")];
        adjust_for_splits(&mut bars, &[split(2, "0.1")]);
        let expected = [("12.00", "100"), ("12.10", "100")];
        let expected = expected.map(|(close, volume)| (close.to_owned(), volume.to_owned()));
        assert_eq!(closes(&bars), expected);
    }

    proptest! {
        #[test]
        fn turnover_stays_and_the_order_of_prices_too(
            cents in 1_u64..10_000_000,
            volume in 0_u64..10_000_000_000,
            ratio in 2_u32..50,
        ) {
            let close = format!("{}.{:02}", cents / 100, cents % 100);
            let before = bar(1, &close, &volume.to_string());
            let mut bars = [before.clone()];
            adjust_for_splits(&mut bars, &[split(2, &ratio.to_string())]);
            let turnover = |bar: &Bar| bar.close.decimal() * bar.volume.decimal();
            let lost = (turnover(&bars[0]) - turnover(&before)).abs();
            // Half of the last digit for each share.
            let most = Decimal::new(5, 9) * bars[0].volume.decimal();
            prop_assert!(lost <= most, "{lost} of {before:?}");
            prop_assert!(bars[0].close < before.close);
        }

        #[test]
        fn no_number_makes_it_panic(
            close in "-?[0-9]{1,20}(\\.[0-9]{1,8})?",
            ratios in prop::collection::vec("[0-9]{1,20}(\\.[0-9]{1,8})?", 0..6),
        ) {
            let mut bars = [bar(1, &close, "79228162514264337593543950335")];
            let splits: Vec<Split> = ratios.iter().map(|ratio| split(2, ratio)).collect();
            adjust_for_splits(&mut bars, &splits);
            price_after(bars[0].close, 0, &splits);
        }
    }
}
