//! Finds events in a stream by the beginning of their data, without parsing them: a marker, then seven digits. The load
//! needs nothing else of an event, and it is as cheap as possible.

use memchr::memmem::Finder;

/// The digits of a sequence number.
const DIGITS: usize = 7;

/// The lowest sequence number: all have the same count of digits.
pub(crate) const FIRST_SEQUENCE: u32 = 1_000_000;

/// No sequence number reaches this.
pub(crate) const SEQUENCES_END: u32 = 10_000_000;

/// The most bytes of a marker and its number.
const LONGEST: usize = 24;

/// Which marker, and the sequence number behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The marker's place in the scanner.
    pub(crate) marker: usize,
    pub(crate) sequence: u32,
}

/// The end of what has been read of one stream, if it may be the beginning of a marker or a number.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tail {
    bytes: [u8; LONGEST],
    length: u8,
}

/// The markers, the same for all streams.
#[derive(Debug)]
pub(crate) struct Scanner {
    markers: Vec<Finder<'static>>,
}

impl Scanner {
    pub(crate) fn new(markers: &[&'static str]) -> Self {
        let fits = |marker: &&str| marker.len() + DIGITS <= LONGEST && !marker.contains('\n');
        debug_assert!(markers.iter().all(fits));
        Scanner {
            markers: markers.iter().map(|marker| Finder::new(*marker)).collect(),
        }
    }

    /// Passes on each event whose number ends in these bytes, which follow those of `tail`.
    pub(crate) fn scan(&self, tail: &mut Tail, bytes: &[u8], mut found: impl FnMut(Found)) {
        let before = usize::from(tail.length);
        if before > 0 {
            let mut joined = [0; LONGEST * 2];
            let more = bytes.len().min(LONGEST);
            joined[..before].copy_from_slice(&tail.bytes[..before]);
            joined[before..before + more].copy_from_slice(&bytes[..more]);
            // A match that ends in the tail has been found before, and one that begins in the bytes will be.
            self.search(&joined[..before + more], &mut |at, end, event| {
                if at < before && end > before {
                    found(event);
                }
            });
        }
        self.search(bytes, &mut |_, _, event| found(event));
        self.keep(tail, bytes);
    }

    fn search(&self, bytes: &[u8], found: &mut impl FnMut(usize, usize, Found)) {
        for (marker, finder) in self.markers.iter().enumerate() {
            for at in finder.find_iter(bytes) {
                let start = at + finder.needle().len();
                if let Some(sequence) = bytes.get(start..start + DIGITS).and_then(number) {
                    found(at, start + DIGITS, Found { marker, sequence });
                }
            }
        }
    }

    fn keep(&self, tail: &mut Tail, bytes: &[u8]) {
        // No match continues over the end of a line.
        if bytes.last() == Some(&b'\n') {
            tail.length = 0;
            return;
        }
        let whole = LONGEST - 1;
        let old = usize::from(tail.length);
        let new = bytes.len().min(whole);
        let kept = old.min(whole - new);
        tail.bytes.copy_within(old - kept..old, 0);
        tail.bytes[kept..kept + new].copy_from_slice(&bytes[bytes.len() - new..]);
        tail.length = (kept + new) as u8;
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKERS: [&str; 2] = ["\"id\":\"b:", "\"volume\":\""];

    fn scan(pieces: &[&str]) -> Vec<(usize, u32)> {
        let scanner = Scanner::new(&MARKERS);
        let mut tail = Tail::default();
        let mut all = Vec::new();
        for piece in pieces {
            scanner.scan(&mut tail, piece.as_bytes(), |found| {
                all.push((found.marker, found.sequence));
            });
        }
        all
    }

    #[test]
    fn every_event_is_found_once_wherever_the_stream_is_split() {
        let text = "id: 1-0\nevent: news\ndata: {\"id\":\"b:1000001\",\"type\":\"macro\"}\n\n\
            data: {\"symbol\":\"A\",\"volume\":\"1000002\"}\n\n\
            data: [{\"id\":\"b:1000003\"},{\"id\":\"b:1000004\"}]\n\n";
        let mut expected = vec![
            (0, 1_000_001),
            (1, 1_000_002),
            (0, 1_000_003),
            (0, 1_000_004),
        ];
        expected.sort_unstable();
        for first in 0..text.len() {
            for second in first..text.len() {
                let mut found = scan(&[&text[..first], &text[first..second], &text[second..]]);
                found.sort_unstable();
                assert_eq!(found, expected, "split at {first} and {second}");
            }
        }
        let single: Vec<&str> = text.split("").collect();
        let mut found = scan(&single);
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_has_no_number_is_no_event() {
        assert_eq!(scan(&["\"id\":\"b:10000\n\n", "\"volume\":\"100\""]), []);
        assert_eq!(scan(&["\"id\":\"b:", "\n1000001"]), []);
    }
}
