use crate::{checksum, table::Cell};

/// A row in which one byte was changed so that it agrees with its checksum, if there is just one.
pub(super) fn corrected(row: &[Cell], crc: Option<i64>) -> Option<Vec<Cell>> {
    let crc = crc?;
    let mut found: Option<Vec<Cell>> = None;
    let mut row = row.to_vec();
    for column in 0..row.len() {
        let right = row[column].clone();
        for candidate in candidates(&right) {
            row[column] = candidate;
            if checksum::of(row.iter().map(Cell::value)) != crc {
                continue;
            }
            match &found {
                Some(other) if *other != row => return None,
                _ => found = Some(row.clone()),
            }
        }
        row[column] = right;
    }
    found
}

/// How long a text may be that is tried byte by byte: each byte is tried with 255 others.
const MAX_CORRECTED_BYTES: usize = 4_096;

/// All values that one changed byte can turn into this one.
fn candidates(cell: &Cell) -> Box<dyn Iterator<Item = Cell> + '_> {
    match cell {
        Cell::Integer(integer) => {
            let changed = (0..8).flat_map(move |byte| {
                (1..256_i64).flat_map(move |bits| {
                    let other = integer ^ (bits << (byte * 8));
                    // SQLite stores only the low bytes if the others repeat the sign.
                    let unused = 64 - 8 * (byte + 1);
                    let narrow = (other << unused) >> unused;
                    [Cell::Integer(other), Cell::Integer(narrow)]
                })
            });
            Box::new(changed)
        }
        Cell::Text(text) if text.len() <= MAX_CORRECTED_BYTES => {
            Box::new(with_one_byte_changed(text).map(Cell::Text))
        }
        Cell::Blob(blob) if blob.len() <= MAX_CORRECTED_BYTES => {
            Box::new(with_one_byte_changed(blob).map(Cell::Blob))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn with_one_byte_changed(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len()).flat_map(move |place| {
        (1..=255_u8).map(move |bits| {
            let mut bytes = bytes.to_vec();
            bytes[place] ^= bits;
            bytes
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_damaged_byte_is_found_whatever_it_is_in() {
        let row = [
            Cell::Integer(7),
            Cell::Integer(1_790_000_000_000),
            Cell::Text("Acme raises its guidance for the year".into()),
            Cell::Null,
            Cell::Integer(-1_234_567 * 32 + 5),
        ];
        let crc = checksum::of(row.iter().map(Cell::value));
        let damaged = |column: usize, cell: Cell| {
            let mut row = row.clone();
            row[column] = cell;
            corrected(&row, Some(crc))
        };
        assert_eq!(
            damaged(1, Cell::Integer(1_790_000_000_000 ^ 0x4200)),
            Some(row.to_vec())
        );
        // One byte, of which the top bit is the sign.
        assert_eq!(damaged(0, Cell::Integer(-121)), Some(row.to_vec()));
        let text = b"Acme raises its guidance for the yeXr".to_vec();
        assert_eq!(damaged(2, Cell::Text(text)), Some(row.to_vec()));
        let text = b"Acme raised its guidance for the yeXr".to_vec();
        assert_eq!(damaged(2, Cell::Text(text)), None);
    }
}
