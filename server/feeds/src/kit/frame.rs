use std::fmt;

use super::Revealed;

/// Why a frame is not valid for its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameError(pub(crate) String);

impl FrameError {
    /// An error that shows the beginning of the frame.
    pub(crate) fn new(why: &dyn fmt::Display, frame: &str) -> Self {
        let start: String = frame.chars().take(120).collect();
        FrameError(format!("{why} in {start:?}"))
    }

    /// The same error without a secret, which the source may have repeated.
    pub(crate) fn hiding(self, secret: &Revealed) -> Self {
        FrameError(secret.hide(&self.0))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FrameError {}

/// The most characters of a value that an error quotes.
const MAX_QUOTED: usize = 60;

/// The beginning of a value, for display.
pub(crate) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(MAX_QUOTED).collect();
    format!("{start:?}")
}
