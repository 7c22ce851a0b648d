//! The lines of a file of CSV, one record each, with bounded memory whatever the file holds.

use std::{
    fmt,
    io::{self, BufRead},
};

use csv_core::{ReadRecordResult, Reader};

/// The longest line, in bytes. Those of market data have a few hundred.
const MAX_LINE: usize = 64 * 1024;

/// The most columns.
const MAX_COLUMNS: usize = 256;

/// Reads records line by line. A record never continues over a line's end, as quoted text may in [RFC
/// 4180](https://www.rfc-editor.org/rfc/rfc4180): market data has no such text, and one unclosed quote would otherwise
/// swallow the rest of the file.
pub(crate) struct Lines<R> {
    reader: R,
    parser: Reader,
    delimiter: u8,
    number: u64,
    line: Vec<u8>,
    fields: Vec<u8>,
    ends: [usize; MAX_COLUMNS],
    count: usize,
}

/// The content of the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// A record: [`Lines::field`] returns its fields.
    Record,
    /// Something else.
    Refused(Malformed),
}

/// Why a line is not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It is longer than [`MAX_LINE`].
    Long,
    /// It has more than [`MAX_COLUMNS`].
    Wide,
    /// A quote is not closed in it.
    Quote,
    /// It contains a line end of another kind.
    Return,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Long => write!(f, "the line has more than {MAX_LINE} bytes"),
            Malformed::Wide => write!(f, "the line has more than {MAX_COLUMNS} columns"),
            Malformed::Quote => f.write_str("a quote is not closed before the line's end"),
            Malformed::Return => f.write_str("a carriage return stands within the line"),
        }
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads records whose fields are separated by `delimiter`.
    pub(crate) fn new(reader: R, delimiter: u8) -> Self {
        Lines {
            reader,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            number: 0,
            line: Vec::new(),
            fields: Vec::new(),
            ends: [0; MAX_COLUMNS],
            count: 0,
        }
    }

    /// Moves to the next line that is not empty; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.count = 0;
            match self.read_line()? {
                None => return Ok(None),
                Some(false) => return Ok(Some(Line::Refused(Malformed::Long))),
                Some(true) => {}
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.split()));
            }
        }
    }

    /// The line's number in the file, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many fields the record has.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// A field of the record without surrounding space; empty if there is none. `None` if it is not UTF-8.
    pub(crate) fn field(&self, column: usize) -> Option<&str> {
        if column >= self.count {
            return Some("");
        }
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        let text = std::str::from_utf8(self.fields.get(start..self.ends[column])?).ok()?;
        Some(text.trim())
    }

    /// The line as it was, for a person.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.line)
            .trim_end()
            .chars()
            .take(120)
            .collect()
    }

    /// Reads a line with its end; `None` at the end, `false` if it is too long.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut read, mut whole) = (0_usize, true);
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', buffer);
            let part = end.map_or(buffer, |end| &buffer[..end]);
            if self.line.len() + part.len() <= MAX_LINE {
                self.line.extend_from_slice(part);
            } else {
                whole = false;
            }
            let used = end.map_or(buffer.len(), |end| end + 1);
            read += used;
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && self.line.starts_with("\u{feff}".as_bytes()) {
            self.line.drain(.."\u{feff}".len());
        }
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        Ok(Some(whole))
    }

    fn split(&mut self) -> Line {
        // Nearly all lines: without quotes, only the delimiter has a meaning.
        if memchr::memchr2(b'"', b'\r', &self.line).is_none() {
            for end in memchr::memchr_iter(self.delimiter, &self.line) {
                if self.count + 1 == MAX_COLUMNS {
                    return Line::Refused(Malformed::Wide);
                }
                // The fields are stored without their delimiters.
                self.ends[self.count] = end - self.count;
                self.count += 1;
            }
            self.ends[self.count] = self.line.len() - self.count;
            self.count += 1;
            self.fields.clear();
            let fields = self.line.iter().filter(|byte| **byte != self.delimiter);
            self.fields.extend(fields);
            return Line::Record;
        }
        self.fields.resize(self.line.len() + 1, 0);
        self.parser.reset();
        self.line.push(b'\n');
        let (result, read, _, count) =
            self.parser
                .read_record(&self.line, &mut self.fields, &mut self.ends);
        let whole = read == self.line.len();
        self.line.pop();
        match result {
            ReadRecordResult::Record if whole => {
                self.count = count;
                Line::Record
            }
            ReadRecordResult::Record => Line::Refused(Malformed::Return),
            ReadRecordResult::OutputEndsFull => Line::Refused(Malformed::Wide),
            ReadRecordResult::InputEmpty | ReadRecordResult::OutputFull | ReadRecordResult::End => {
                Line::Refused(Malformed::Quote)
            }
        }
    }
}

/// The delimiter of a header: the most frequent of `,` `;` tab and `|`.
pub(crate) fn delimiter_of(header: &str) -> u8 {
    let count = |delimiter: u8| header.bytes().filter(|byte| *byte == delimiter).count();
    // Of equally frequent ones, the last counts.
    b"|\t;,"
        .iter()
        .copied()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Result<Vec<String>, Malformed>)> {
        let mut lines = Lines::new(bytes, b',');
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let fields = (0..lines.len()).map(|column| lines.field(column).unwrap().to_owned());
            read.push((
                lines.number(),
                match line {
                    Line::Record => Ok(fields.collect()),
                    Line::Refused(why) => Err(why),
                },
            ));
        }
        read
    }

    fn fields(texts: &[&str]) -> Result<Vec<String>, Malformed> {
        Ok(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn a_line_is_a_record() {
        let bytes = "\u{feff}Date,Close\r\n\n  \n1, 2 ,\n\"a,\"\"b\",c\n\"open,3\n4,5\n\"6\",7";
        let expected = [
            (1, fields(&["Date", "Close"])),
            (4, fields(&["1", "2", ""])),
            (5, fields(&["a,\"b", "c"])),
            (6, Err(Malformed::Quote)),
            (7, fields(&["4", "5"])),
            (8, fields(&["6", "7"])),
        ];
        assert_eq!(read(bytes.as_bytes()), expected);
    }

    #[test]
    fn what_is_too_much_is_refused_and_the_next_line_read() {
        let long = "x".repeat(MAX_LINE + 1);
        let wide = ",".repeat(MAX_COLUMNS);
        let quoted = format!("\"\"{wide}");
        let text = format!("{long}\n{wide}\n{quoted}\na\rb\n1\n");
        let expected = [
            (1, Err(Malformed::Long)),
            (2, Err(Malformed::Wide)),
            (3, Err(Malformed::Wide)),
            (4, Err(Malformed::Return)),
            (5, fields(&["1"])),
        ];
        assert_eq!(read(text.as_bytes()), expected);
        let most = format!("{}\n", ",".repeat(MAX_COLUMNS - 1));
        assert_eq!(
            read(most.as_bytes())[0].1.as_ref().unwrap().len(),
            MAX_COLUMNS
        );
    }

    #[test]
    fn finds_the_delimiter() {
        for (header, delimiter) in [
            ("Date,Open", b','),
            ("Date;Open, first;Close", b';'),
            ("Date\tOpen", b'\t'),
            ("Date|Open", b'|'),
            ("Date", b','),
        ] {
            assert_eq!(delimiter_of(header), delimiter, "{header}");
        }
    }

    proptest! {
        #[test]
        fn records_are_those_of_the_csv_crate(lines in prop::collection::vec("[a-c,\" ]{0,12}", 0..6)) {
            for line in lines {
                let mut ours = read(line.as_bytes());
                let mut csv = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .trim(csv::Trim::All)
                    .from_reader(line.as_bytes());
                let theirs: Vec<Vec<String>> = csv
                    .records()
                    .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                    .collect();
                match ours.pop() {
                    // Its treatment of unclosed quotes is its own.
                    Some((_, Err(Malformed::Quote))) => {}
                    Some((_, record)) => prop_assert_eq!(theirs, vec![record.unwrap()], "{}", line),
                    None => prop_assert!(line.trim().is_empty()),
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let mut lines = Lines::new(&bytes[..], b',');
            while lines.next().unwrap().is_some() {
                for column in 0..lines.len() + 1 {
                    lines.field(column);
                }
                lines.text();
            }
        }
    }
}
