use std::io::Read as _;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::{
    StatusCode,
    header::{CONTENT_ENCODING, HeaderMap},
};
use tokio::task::spawn_blocking;

use super::error::{FetchError, too_large};
use crate::kit::recording::LIMIT;

/// A content coding that the client below does not decode: it was not requested, and some servers send it all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    /// As in [RFC 9110, section 8.4.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2), with the zlib
    /// wrapper, or without it, as some servers send it.
    Deflate,
}

/// The coding that is left on a response.
pub(super) fn coding(place: &str, headers: &HeaderMap) -> Result<Option<Coding>, FetchError> {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let names = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase());
    let names = names.collect::<Vec<_>>().join(",");
    let mut codings = names
        .split(',')
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "identity"));
    let coding = match (codings.next(), codings.next()) {
        (None, _) => return Ok(None),
        (Some("deflate"), None) => Coding::Deflate,
        (Some("gzip" | "x-gzip"), None) => Coding::Gzip,
        _ => {
            let names: String = names.chars().take(40).collect();
            return Err(FetchError {
                status: Some(StatusCode::OK),
                why: format!(
                    "the answer of {place} comes in the Content-Encoding {names:?}: expected gzip, deflate or none"
                ),
                wait: None,
                is_fatal: false,
            });
        }
    };
    Ok(Some(coding))
}

impl Coding {
    /// The content, decompressed away from the serving threads, up to [`LIMIT`].
    pub(super) async fn unpacked(self, place: &str, body: Bytes) -> Result<Bytes, FetchError> {
        let unpack = move || {
            let mut content = Vec::new();
            let most = LIMIT as u64 + 1;
            let is_zlib = matches!(body[..], [first, second, ..]
                if first & 0x0f == 8 && u16::from_be_bytes([first, second]) % 31 == 0);
            match self {
                Coding::Gzip => MultiGzDecoder::new(&body[..])
                    .take(most)
                    .read_to_end(&mut content),
                Coding::Deflate if is_zlib => ZlibDecoder::new(&body[..])
                    .take(most)
                    .read_to_end(&mut content),
                Coding::Deflate => DeflateDecoder::new(&body[..])
                    .take(most)
                    .read_to_end(&mut content),
            }
            .map(|_| content)
        };
        let unpacked = spawn_blocking(unpack).await;
        let content = unpacked
            .map_err(|error| error.to_string())
            .and_then(|content| content.map_err(|error| error.to_string()))
            .map_err(|why| FetchError {
                status: None,
                why: format!("the answer of {place} cannot be unpacked as {self:?}: {why}"),
                wait: None,
                is_fatal: false,
            })?;
        match content.len() > LIMIT {
            true => Err(too_large(place)),
            false => Ok(content.into()),
        }
    }
}
