//! What the targets under `server/fuzz` need of the front.

use crate::{chunks::Chunks, head::parse};

/// Reads a head, and what must hold of it: it lies within the bytes, and what comes after it does
/// not change it. What comes after it is looked at as chunks, with the same result in one piece and in
/// several.
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
