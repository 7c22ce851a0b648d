//! A pyramid of minima and maxima, which finds those of any stretch without reading each value in it.

use std::ops::Range;

/// How many nodes of a row make one node of the next.
const FAN: usize = 16;

/// The lowest and the highest of some values.
pub(super) type Extent = (f64, f64);

fn joined(one: Extent, other: Extent) -> Extent {
    // Both are finite, so a comparison is enough. `min` and `max` also handle NaN and are slower.
    (
        if other.0 < one.0 { other.0 } else { one.0 },
        if other.1 > one.1 { other.1 } else { one.1 },
    )
}

const NOTHING: Extent = (f64::INFINITY, f64::NEG_INFINITY);

/// A browser optimizes a WebAssembly function after many calls, but not in the middle of a long loop. So this function
/// is called for each stretch.
#[inline(never)]
fn of_values(lows: &[f64], highs: &[f64]) -> Extent {
    let pairs = lows.iter().zip(highs);
    pairs.fold(NOTHING, |extent, (&low, &high)| joined(extent, (low, high)))
}

/// A pyramid over values that are stored elsewhere. The first row holds the extent of each 16 values, each further row
/// that of 16 nodes of the row below. The last node of a row may cover fewer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Levels {
    pub(super) rows: Vec<Vec<Extent>>,
}

impl Levels {
    /// Updates the rows after values from index `from` on were added or changed.
    pub(super) fn update(&mut self, lows: &[f64], highs: &[f64], from: usize) {
        let mut below = lows.len();
        let mut from = from / FAN;
        let mut row = 0;
        while below > FAN {
            let count = below.div_ceil(FAN);
            if self.rows.len() == row {
                self.rows.push(Vec::new());
                // The nodes below this row have not been joined yet.
                from = 0;
            }
            let (done, rest) = self.rows.split_at_mut(row);
            let nodes = &mut rest[0];
            nodes.truncate(from);
            let first = nodes.len();
            match done.last() {
                None => {
                    let start = first * FAN;
                    let (lows, highs) = (&lows[start..], &highs[start..]);
                    let nodes_of = lows.chunks(FAN).zip(highs.chunks(FAN));
                    nodes.extend(nodes_of.map(|(lows, highs)| of_values(lows, highs)));
                }
                Some(lower) => nodes.extend(
                    lower[first * FAN..]
                        .chunks(FAN)
                        .map(|nodes| nodes.iter().fold(NOTHING, |one, &other| joined(one, other))),
                ),
            }
            below = count;
            from = first / FAN;
            row += 1;
        }
        self.rows.truncate(row);
    }

    /// The lowest of `lows` and the highest of `highs` at these indices, which must exist in both; `None` for an empty
    /// range.
    pub(super) fn extent(
        &self,
        lows: &[f64],
        highs: &[f64],
        range: Range<usize>,
    ) -> Option<Extent> {
        if range.is_empty() {
            return None;
        }
        let (mut start, mut end) = (range.start, range.end);
        let mut extent = NOTHING;
        for row in 0..=self.rows.len() {
            let node = |at: usize| match row {
                0 => (lows[at], highs[at]),
                row => self.rows[row - 1][at],
            };
            let (inner_start, inner_end) = (start.div_ceil(FAN) * FAN, end / FAN * FAN);
            if row == self.rows.len() || inner_start >= inner_end {
                for at in start..end {
                    extent = joined(extent, node(at));
                }
                break;
            }
            for at in (start..inner_start).chain(inner_end..end) {
                extent = joined(extent, node(at));
            }
            (start, end) = (inner_start / FAN, inner_end / FAN);
        }
        Some(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_stretch_has_the_extent_of_its_values(
            values in prop::collection::vec(-1000i32..1000, 1..3_000),
            steps in prop::collection::vec(1usize..700, 1..12),
            cuts in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 30),
        ) {
            let lows: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            let highs: Vec<f64> = lows.iter().map(|low| low + 1.0).collect();
            let mut levels = Levels::default();
            // As they come: some at a time, and the last one again, as if it had changed.
            let mut length = 0;
            for step in steps.into_iter().chain([lows.len()]) {
                let next = (length + step).min(lows.len());
                levels.update(&lows[..next], &highs[..next], length.saturating_sub(1));
                length = next;
            }
            let mut whole = Levels::default();
            whole.update(&lows, &highs, 0);
            prop_assert_eq!(&levels, &whole);
            for (one, other) in cuts {
                let [one, other] = [one, other].map(|cut| (cut * (lows.len() + 1) as f64) as usize);
                let range = one.min(other)..one.max(other);
                let low = lows[range.clone()].iter().copied().min_by(f64::total_cmp);
                let high = highs[range.clone()].iter().copied().max_by(f64::total_cmp);
                prop_assert_eq!(levels.extent(&lows, &highs, range), low.zip(high));
            }
        }
    }
}
