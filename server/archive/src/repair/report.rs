use std::fmt;

/// The findings and the work of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repaired {
    /// Problems that SQLite found in the file before; some of them.
    pub problems: Vec<String>,
    /// Problems that it found afterwards.
    pub left: Vec<String>,
    /// How many rows were compared with their checksums.
    pub rows: u64,
    /// How many of them had no checksum and were given one.
    pub summed: u64,
    /// How many were found damaged and moved to the quarantine.
    pub quarantined: u64,
    /// How many left the quarantine because one damaged byte was found and corrected.
    pub corrected: u64,
    /// How many left the quarantine because they can be read or written now.
    pub restored: u64,
    /// How many damaged bars left the quarantine because they were made again from the data below them.
    pub superseded: u64,
    /// How many rows are in quarantine now.
    pub in_quarantine: u64,
    /// How many bars were made again from their trades.
    pub bars: u64,
    /// How many stories were indexed again.
    pub stories: u64,
    /// The repair of the row of marks.
    pub marks: Option<String>,
}

impl fmt::Display for Repaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "found: {problem}")?;
        }
        writeln!(f, "{} rows checked", self.rows)?;
        for (count, what) in [
            (self.summed, "rows given the checksum that they lacked"),
            (self.quarantined, "damaged rows moved to the quarantine"),
            (self.corrected, "rows corrected: one byte was damaged"),
            (self.restored, "rows restored from the quarantine"),
            (
                self.superseded,
                "damaged bars replaced by what is below them",
            ),
        ] {
            if count > 0 {
                writeln!(f, "{count} {what}")?;
            }
        }
        writeln!(f, "{} bars made again of their trades", self.bars)?;
        writeln!(f, "{} stories indexed again", self.stories)?;
        if let Some(marks) = &self.marks {
            writeln!(f, "{marks}")?;
        }
        for problem in &self.left {
            writeln!(f, "left: {problem}")?;
        }
        match self.in_quarantine {
            0 => writeln!(f, "the quarantine is empty"),
            rows => writeln!(
                f,
                "{rows} rows stay in quarantine: see the table `quarantine` of the file"
            ),
        }
    }
}
