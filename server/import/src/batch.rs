//! The rows of one transaction.

use archive::{Dividend, Importer, Print, Split, Written};
use market::{Bar, Interval};

use crate::{outcome::One, rows::Row};

/// The rows that are written next.
#[derive(Default)]
pub(crate) struct Batch {
    bars: Vec<Bar>,
    prints: Vec<Print>,
    splits: Vec<Split>,
    dividends: Vec<Dividend>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.bars.len() + self.prints.len()
    }

    pub(crate) fn write(
        &mut self,
        interval: Interval,
        importer: &mut Importer,
    ) -> Result<Written, archive::Failure> {
        // Neighbours on the disk together; of the same bar twice, the last one is still last. Trades keep the order of
        // the file, because it distinguishes those of the same time.
        self.bars.sort_by_key(|bar| (bar.symbol, bar.start));
        let bars = importer.bars(interval, &self.bars)?;
        let prints = importer.trades(&self.prints)?;
        for split in &self.splits {
            importer.split(split)?;
        }
        for dividend in &self.dividends {
            importer.dividend(dividend)?;
        }
        *self = Batch::default();
        Ok(Written {
            new: bars.new + prints.new,
            changed: bars.changed + prints.changed,
            same: bars.same + prints.same,
        })
    }
}

impl Batch {
    pub(crate) fn add(&mut self, row: Row, one: &mut One) {
        match row {
            Row::Trade {
                symbol,
                time,
                trade,
                feed,
            } => self.prints.push(Print {
                symbol,
                time,
                trade,
                feed,
            }),
            Row::Bar {
                bar,
                split,
                dividend,
            } => {
                let (symbol, time) = (bar.symbol, bar.start);
                if let Some(ratio) = split {
                    one.splits += 1;
                    self.splits.push(Split {
                        symbol,
                        time,
                        ratio,
                    });
                }
                if let Some(amount) = dividend {
                    one.dividends += 1;
                    self.dividends.push(Dividend {
                        symbol,
                        time,
                        amount,
                    });
                }
                self.bars.push(bar);
            }
        }
    }
}
