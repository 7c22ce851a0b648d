//! The parts of the targets under `server/fuzz` that concern the front.

use crate::{chunks::Chunks, head::parse};

/// Parses a head and checks its properties: it lies within the bytes, and later bytes do not change it. The later bytes
/// are checked as chunks, with the same result in one piece and in several.
pub fn head(bytes: &[u8]) {
    if let Ok(Some(read)) = parse(bytes) {
        assert!(read.len <= bytes.len());
        events::testing::through(1);
        let again = parse(&bytes[..read.len]);
        assert!(
            matches!(again, Ok(Some(again)) if again.len == read.len && again.body == read.body)
        );
        let body = &bytes[read.len..];
        let mut pieces = body.chunks(3);
        let mut slow = Chunks::default();
        let in_pieces = pieces.try_for_each(|piece| slow.look(piece));
        assert_eq!(Chunks::default().look(body), in_pieces);
    }
}
