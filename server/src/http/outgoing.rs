//! Pending answers: how many an address may have at a time, and how much memory their unsent bytes may take. Streams
//! have [`Slots`](crate::http::Slots) and hold next to nothing.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use front::{MAX_FILES, Permit, Places};

/// How much of the answers of one address may wait to be sent, in bytes: eight of the longest.
const MAX_UNSENT_BYTES_PER_ADDRESS: usize = 64 * 1024 * 1024;

/// How much of all answers may wait to be sent, in bytes.
const MAX_UNSENT_BYTES: usize = 256 * 1024 * 1024;

/// How many of the page's files may be pending for one address, of [`MAX_FILES`] in all.
const MAX_FILES_PER_ADDRESS: usize = 200;

/// The pending answers. A clone is the same.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub(crate) answers: Places,
    pub(crate) bytes: Places,
    pub(crate) files: Places,
}

impl Outgoing {
    /// With so many answers at a time per address.
    pub fn new(most_of_address: usize) -> Self {
        Outgoing::bounded(
            most_of_address,
            MAX_UNSENT_BYTES,
            MAX_UNSENT_BYTES_PER_ADDRESS,
        )
    }

    /// With so many bytes in all and per address.
    pub fn bounded(answers: usize, bytes: usize, bytes_of_address: usize) -> Self {
        Outgoing {
            answers: Places::new(usize::MAX, answers),
            bytes: Places::new(bytes, bytes_of_address),
            files: Places::new(MAX_FILES, MAX_FILES_PER_ADDRESS),
        }
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Outgoing::new(200)
    }
}

pub(crate) type Taken = Arc<(Option<Permit>, Permit)>;

/// A body whose bytes hold their places, wherever they wait.
pub(crate) struct Held {
    pub(crate) body: Body,
    pub(crate) places: Taken,
}

/// Bytes with their places: the writer of a connection keeps bytes after it has dropped their body.
struct Piece {
    bytes: Bytes,
    #[expect(dead_code, reason = "held for its drop")]
    places: Taken,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let held = |bytes| {
            let places = Arc::clone(&self.places);
            Bytes::from_owner(Piece { bytes, places })
        };
        frame.map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(held))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
