//! A response of HTTP/1.1, parsed in whatever pieces it arrives (RFC 9112, sections 6 and 7).

use crate::Problem;

/// The longest head that is read.
const HEAD_BYTES: usize = 16 * 1024;

/// A part of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Status and headers, once.
    Head(Head),
    /// A piece of the body, without the framing of chunks.
    Body(&'a [u8]),
    /// The response is complete, and the next one may follow.
    End,
}

/// The relevant parts of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    /// The server ends the connection after this response.
    pub(crate) closes: bool,
}

/// The position of a connection in a response.
#[derive(Debug, Default)]
pub(crate) struct Response {
    state: State,
    /// The bytes of a head that is not complete.
    head: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// So many bytes of the body are still to come.
    Length(u64),
    /// The body ends with the connection.
    UntilClose,
    /// The size of a chunk, as far as it has been read.
    Size(u64),
    /// The rest of a chunk's line after its size.
    SizeLine(u64),
    Chunk(u64),
    /// The end of the line after a chunk.
    ChunkEnd,
    /// Trailers; whether the line so far is empty.
    Trailer(bool),
}

impl Response {
    /// Parses the next bytes and passes on their parts.
    ///
    /// # Errors
    /// If the bytes are no response of HTTP/1.1.
    pub(crate) fn read(
        &mut self,
        mut bytes: &[u8],
        mut part: impl FnMut(Part<'_>),
    ) -> Result<(), Problem> {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.state {
                State::Head => {
                    let before = self.head.len();
                    self.head.extend_from_slice(bytes);
                    let mut headers = [httparse::EMPTY_HEADER; 64];
                    let mut parsed = httparse::Response::new(&mut headers);
                    let used = match parsed.parse(&self.head) {
                        Ok(httparse::Status::Complete(used)) => used,
                        Ok(httparse::Status::Partial) if self.head.len() < HEAD_BYTES => {
                            return Ok(());
                        }
                        Ok(httparse::Status::Partial) => {
                            return Err(format!(
                                "a head of {} bytes, expected at most {HEAD_BYTES}",
                                self.head.len()
                            ));
                        }
                        Err(error) => {
                            let start = &self.head[..self.head.len().min(80)];
                            return Err(format!(
                                "{:?} is no response of HTTP/1.1: {error}",
                                String::from_utf8_lossy(start)
                            ));
                        }
                    };
                    let (head, state) = framing(&parsed)?;
                    self.head = Vec::new();
                    self.state = state;
                    part(Part::Head(head));
                    bytes = &bytes[used - before..];
                    if self.state == State::Length(0) {
                        self.end(&mut part);
                    }
                }
                State::Length(left) => {
                    let (body, rest) = split(bytes, left);
                    part(Part::Body(body));
                    self.state = State::Length(left - body.len() as u64);
                    bytes = rest;
                    if self.state == State::Length(0) {
                        self.end(&mut part);
                    }
                }
                State::UntilClose => {
                    part(Part::Body(bytes));
                    return Ok(());
                }
                State::Size(size) => {
                    bytes = rest;
                    self.state = match (first as char).to_digit(16) {
                        Some(digit) => size
                            .checked_mul(16)
                            .map(|size| State::Size(size | u64::from(digit)))
                            .ok_or("a chunk of more than 2^64 bytes")?,
                        None => after_size(first, size),
                    };
                }
                State::SizeLine(size) => {
                    bytes = rest;
                    self.state = after_size(first, size);
                }
                State::Chunk(left) => {
                    let (body, rest) = split(bytes, left);
                    part(Part::Body(body));
                    bytes = rest;
                    self.state = match left - body.len() as u64 {
                        0 => State::ChunkEnd,
                        left => State::Chunk(left),
                    };
                }
                State::ChunkEnd => {
                    bytes = rest;
                    if first == b'\n' {
                        self.state = State::Size(0);
                    }
                }
                State::Trailer(empty) => {
                    bytes = rest;
                    match first {
                        b'\n' if empty => self.end(&mut part),
                        b'\n' => self.state = State::Trailer(true),
                        b'\r' => {}
                        _ => self.state = State::Trailer(false),
                    }
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, part: &mut impl FnMut(Part<'_>)) {
        self.state = State::Head;
        part(Part::End);
    }
}

/// The body that follows, according to the head.
fn framing(parsed: &httparse::Response<'_, '_>) -> Result<(Head, State), Problem> {
    let status = parsed.code.unwrap_or_default();
    let header = |name: &str| {
        parsed
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.value))
    };
    let has = |name: &str, word: &str| {
        header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    let state = if status == 204 || status == 304 {
        State::Length(0)
    } else if has("transfer-encoding", "chunked") {
        State::Size(0)
    } else {
        match header("content-length") {
            Some(length) => State::Length(length.trim().parse().map_err(|_| {
                format!("a content-length of {length:?}, expected a number of bytes")
            })?),
            None => State::UntilClose,
        }
    };
    let head = Head {
        status,
        etag: header("etag").map(|etag| etag.into_owned()),
        closes: has("connection", "close"),
    };
    Ok((head, state))
}

fn after_size(byte: u8, size: u64) -> State {
    match (byte, size) {
        (b'\n', 0) => State::Trailer(true),
        (b'\n', size) => State::Chunk(size),
        (_, size) => State::SizeLine(size),
    }
}

fn split(bytes: &[u8], left: u64) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses responses that arrive in these pieces: heads, ends, and bodies joined.
    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Problem> {
        let mut response = Response::default();
        let mut parts: Vec<String> = Vec::new();
        for piece in pieces {
            response.read(piece, |part| match part {
                Part::Head(head) => {
                    parts.push(format!("{} {:?} {}", head.status, head.etag, head.closes));
                    parts.push(String::new());
                }
                Part::Body(body) => {
                    let text = std::str::from_utf8(body).unwrap();
                    parts.last_mut().unwrap().push_str(text);
                }
                Part::End => parts.push("end".to_owned()),
            })?;
        }
        Ok(parts)
    }

    const THREE: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"a\"\r\n\r\n\
        5\r\ndata:\r\nC;x=\"y\"\r\n one\ndata: t\r\n3\r\nwo\n\r\n0\r\nExpires: now\r\n\r\n\
        HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlast";

    #[test]
    fn responses_are_the_same_in_whatever_pieces_they_arrive() {
        let expected = [
            "200 Some(\"\\\"a\\\"\") false",
            "data: one\ndata: two\n",
            "end",
            "304 None false",
            "",
            "end",
            "200 None true",
            "last",
            "end",
        ];
        let bytes = THREE.as_bytes();
        assert_eq!(read(&[bytes]).unwrap(), expected);
        for at in 0..bytes.len() {
            let (one, two) = bytes.split_at(at);
            assert_eq!(read(&[one, two]).unwrap(), expected, "split at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).unwrap(), expected);
    }

    #[test]
    fn a_body_without_a_length_lasts_until_the_connection_ends() {
        let parts = read(&[b"HTTP/1.1 200 OK\r\n\r\nda", b"ta: 1\n\n"]).unwrap();
        assert_eq!(parts, ["200 None false", "data: 1\n\n"]);
    }

    #[test]
    fn what_is_no_response_is_refused() {
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_BYTES));
        for (bytes, named) in [
            ("GET / HTTP/1.1\r\n\r\n", "GET /"),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
                "\"many\"",
            ),
            (long.as_str(), "at most 16384"),
        ] {
            let problem = read(&[bytes.as_bytes()]).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
