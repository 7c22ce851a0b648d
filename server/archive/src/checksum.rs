//! The checksum of a row: CRC-32 over the classes and values of its columns.
//!
//! A CRC detects every change within 32 neighbouring bits, so that one damaged byte of a stored value
//! is always noticed; anything else passes once in 2³² times.

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

/// The name of the SQL function that computes the checksum of its arguments. The connections of this
/// crate have it; the schema does not use it, so that other programs can open the file.
const FUNCTION: &str = "crc_of";

/// How many bytes are collected before they are hashed. Most rows fit.
const BUFFER_BYTES: usize = 160;

struct Sum {
    hasher: crc32fast::Hasher,
    buffer: [u8; BUFFER_BYTES],
    len: usize,
}

impl Sum {
    fn new() -> Self {
        Sum {
            hasher: crc32fast::Hasher::new(),
            buffer: [0; BUFFER_BYTES],
            len: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() > BUFFER_BYTES {
            self.hasher.update(&self.buffer[..self.len]);
            self.len = 0;
        }
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.hasher.update(bytes),
        }
    }

    fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.put(&[0]),
            ValueRef::Integer(integer) => {
                self.put(&[1]);
                self.put(&integer.to_le_bytes());
            }
            ValueRef::Real(real) => {
                self.put(&[2]);
                self.put(&real.to_bits().to_le_bytes());
            }
            ValueRef::Text(text) => self.bytes(3, text),
            ValueRef::Blob(blob) => self.bytes(4, blob),
        }
    }

    fn bytes(&mut self, class: u8, bytes: &[u8]) {
        self.put(&[class]);
        self.put(&(bytes.len() as u64).to_le_bytes());
        self.put(bytes);
    }

    fn finish(mut self) -> i64 {
        self.hasher.update(&self.buffer[..self.len]);
        // As a signed number it takes four bytes in the file instead of six.
        i64::from(self.hasher.finalize() as i32)
    }
}

/// The checksum of values in the order of their columns.
pub(crate) fn of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> i64 {
    let mut sum = Sum::new();
    for value in values {
        sum.value(value);
    }
    sum.finish()
}

/// Adds the SQL function to a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(FUNCTION, -1, flags, |context: &Context<'_>| {
        Ok(of((0..context.len()).map(|index| context.get_raw(index))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_changes_the_checksum() {
        let story = r#"{"id":"a:1","headline":"Acme raises guidance"}"#.repeat(5);
        let values = |price: i64, text: &[u8]| {
            of([
                ValueRef::Integer(price),
                ValueRef::Null,
                ValueRef::Text(text),
            ])
        };
        let price = 6_183_763_000_000_i64 * 32 + 8;
        let right = values(price, story.as_bytes());
        for bit in 0..64 {
            assert_ne!(values(price ^ (1 << bit), story.as_bytes()), right);
        }
        for place in 0..story.len() {
            let mut text = story.clone().into_bytes();
            text[place] ^= 0x20;
            assert_ne!(values(price, &text), right, "byte {place}");
        }
    }

    #[test]
    fn classes_and_column_limits_count() {
        let sums = [
            of([ValueRef::Text(b"ab"), ValueRef::Text(b"c")]),
            of([ValueRef::Text(b"a"), ValueRef::Text(b"bc")]),
            of([ValueRef::Blob(b"ab"), ValueRef::Text(b"c")]),
            of([ValueRef::Null, ValueRef::Null]),
            of([ValueRef::Integer(0), ValueRef::Null]),
            of([ValueRef::Real(0.0), ValueRef::Null]),
        ];
        let distinct: std::collections::HashSet<_> = sums.iter().collect();
        assert_eq!(distinct.len(), sums.len());
    }

    #[test]
    fn sql_computes_the_same() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let text = "x".repeat(500);
        let sum: i64 = connection
            .query_row("SELECT crc_of(1, NULL, ?1, x'00ff', 2.5)", [&text], |row| {
                row.get(0)
            })
            .unwrap();
        let same = of([
            ValueRef::Integer(1),
            ValueRef::Null,
            ValueRef::Text(text.as_bytes()),
            ValueRef::Blob(&[0, 255]),
            ValueRef::Real(2.5),
        ]);
        assert_eq!(sum, same);
    }
}
