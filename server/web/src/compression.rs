//! The level of compression of answers: lower for long ones, because they would take a core for a tenth of a second.

use axum::http::Response;
use http_body::Body;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, DefaultPredicate,
        predicate::{And, Predicate},
    },
};

/// Takes as long as brotli's usual level of 4 and makes a page a tenth smaller; the next levels take twice as long or
/// more for the last percent.
const COMPRESSION: CompressionLevel = CompressionLevel::Precise(5);

/// From how many bytes on an answer is compressed at the fastest level.
const LARGE_BYTES: u64 = 512 * 1024;

/// The answers that one of two layers compresses. Both skip compressed answers, and event streams, whose events would
/// be delayed.
#[derive(Debug, Clone, Copy)]
pub struct Large(bool);

impl Predicate for Large {
    fn should_compress<B: Body>(&self, response: &Response<B>) -> bool {
        let length = response.body().size_hint().exact();
        self.0 == length.is_some_and(|length| length >= LARGE_BYTES)
    }
}

type Layer = CompressionLayer<And<DefaultPredicate, Large>>;

fn layer(level: CompressionLevel, large: bool) -> Layer {
    let predicate = DefaultPredicate::new().and(Large(large));
    CompressionLayer::new()
        .quality(level)
        .compress_when(predicate)
}

/// Compresses most answers.
pub fn well() -> Layer {
    layer(COMPRESSION, false)
}

/// Compresses large answers.
pub fn fast() -> Layer {
    layer(CompressionLevel::Fastest, true)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn an_answer_is_for_one_of_the_layers() {
        for (length, large) in [(0, false), (512 * 1024 - 1, false), (512 * 1024, true)] {
            let response = Response::new(Body::from(vec![0; length]));
            assert_eq!(Large(true).should_compress(&response), large, "{length}");
            assert_eq!(Large(false).should_compress(&response), !large, "{length}");
        }
    }
}
