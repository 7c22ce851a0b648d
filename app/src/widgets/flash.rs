use market::{Millis, Symbol};
use rust_decimal::Decimal;

use crate::format::figures::{Direction, Shown};

/// The shortest time between two flashes, three a second
/// ([WCAG 2.3.1](https://www.w3.org/TR/WCAG22/#three-flashes-or-below-threshold)).
const PAUSE: Millis = 334;

/// The text of a number, split so that only the changed digits flash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Flash {
    /// The text before the changed digits.
    pub(crate) before: String,
    /// The changed digits.
    pub(crate) changed: String,
    /// The text after them.
    pub(crate) after: String,
    /// The direction of the change.
    pub(crate) direction: Direction,
    /// Which of two equal animations runs. Switching to the other one restarts the animation.
    pub(crate) odd: bool,
    number: Option<Decimal>,
    symbol: Option<Symbol>,
    started: Millis,
}

impl Flash {
    /// The text that follows `previous`.
    pub(crate) fn next(previous: Option<&Flash>, shown: &Shown, now: Millis) -> Flash {
        let still = Flash {
            before: shown.text.clone(),
            number: shown.number,
            symbol: shown.symbol,
            ..Flash::default()
        };
        let Some(previous) = previous.filter(|previous| previous.symbol == shown.symbol) else {
            return still;
        };
        let (Some(old), Some(new)) = (previous.number, shown.number) else {
            return still;
        };
        let text = previous.text();
        if text == shown.text {
            return previous.clone();
        }
        let (start, end) = difference(&text, &shown.text);
        let rested = now.saturating_sub(previous.started) >= PAUSE;
        Flash {
            before: shown.text[..start].to_owned(),
            changed: shown.text[start..end].to_owned(),
            after: shown.text[end..].to_owned(),
            direction: Direction::of(new.saturating_sub(old)),
            odd: previous.odd ^ rested,
            started: if rested { now } else { previous.started },
            ..still
        }
    }

    /// The name of the animation; none before the first change.
    pub(crate) fn animation(&self) -> &'static str {
        match (self.direction, self.odd) {
            _ if self.changed.is_empty() => "",
            (Direction::Flat, _) => "",
            (Direction::Up, true) => "flash up odd",
            (Direction::Up, false) => "flash up even",
            (Direction::Down, true) => "flash down odd",
            (Direction::Down, false) => "flash down even",
        }
    }

    fn text(&self) -> String {
        [&*self.before, &*self.changed, &*self.after].concat()
    }
}

/// The part of a new text that differs from an old one. The common end is compared from the right, so `999.95` and
/// `1,000.05` differ in all but the last digit.
fn difference(old: &str, new: &str) -> (usize, usize) {
    let start = old
        .char_indices()
        .zip(new.char_indices())
        .find(|((_, old), (_, new))| old != new)
        .map_or(old.len().min(new.len()), |(_, (at, _))| at);
    let same: usize = old[start..]
        .chars()
        .rev()
        .zip(new[start..].chars().rev())
        .take_while(|(old, new)| old == new)
        .map(|(_, new)| new.len_utf8())
        .sum();
    (start, new.len() - same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::figures::tests::symbol;

    fn shown(text: &str) -> Shown {
        Shown::price(symbol("GOOG"), Some(text.parse().unwrap()), 2)
    }

    fn parts(flash: &Flash) -> [&str; 3] {
        [&flash.before, &flash.changed, &flash.after]
    }

    #[test]
    fn only_the_digits_that_changed_flash() {
        let first = Flash::next(None, &shown("597.29"), 0);
        assert_eq!(parts(&first), ["597.29", "", ""]);
        assert_eq!(first.animation(), "");
        let second = Flash::next(Some(&first), &shown("597.35"), 1_000);
        assert_eq!(parts(&second), ["597.", "35", ""]);
        assert_eq!(second.animation(), "flash up odd");
        let third = Flash::next(Some(&second), &shown("596.35"), 2_000);
        assert_eq!(parts(&third), ["59", "6", ".35"]);
        assert_eq!(third.animation(), "flash down even");
        let longer = Flash::next(Some(&third), &shown("1000.35"), 3_000);
        assert_eq!(parts(&longer), ["", "1,000", ".35"]);
    }

    #[test]
    fn does_not_start_more_than_three_times_a_second() {
        let mut flash = Flash::next(None, &shown("1"), 0);
        let mut starts = 0;
        for step in 1..=20 {
            let next = Flash::next(Some(&flash), &shown(&step.to_string()), 10_000 + step * 50);
            starts += usize::from(next.odd != flash.odd);
            flash = next;
        }
        assert_eq!(starts, 3);
    }

    #[test]
    fn another_symbol_is_no_change() {
        let goog = Flash::next(None, &shown("597.29"), 0);
        let aapl = Shown::price(symbol("AAPL"), Some("226.80".parse().unwrap()), 2);
        let next = Flash::next(Some(&goog), &aapl, 1_000);
        assert_eq!(next.animation(), "");
        assert_eq!(next.before, "226.80");
    }

    #[test]
    fn the_same_text_goes_on_as_it_was() {
        let first = Flash::next(None, &shown("597.29"), 0);
        let second = Flash::next(Some(&first), &shown("597.35"), 1_000);
        assert_eq!(Flash::next(Some(&second), &shown("597.350"), 1_100), second);
    }
}
