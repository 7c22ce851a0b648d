//! The chunks of a request's body, checked before they reach hyper.
//!
//! hyper ignores anything after the size of a chunk. Parsers of HTTP differ in what ends that line, so its grammar is
//! enforced here ([RFC 9112, section 7.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1)).

/// The longest line of a chunk's size and its extensions, in bytes.
const MAX_LINE: usize = 1024;

/// The most digits of a chunk's size.
const MAX_DIGITS: usize = 15;

/// How far a body has been checked.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    /// The line so far, without its end.
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// In the line of a chunk's size.
    #[default]
    Size,
    /// So many bytes of data are left, followed by the end of their line.
    Data(u64),
    /// Behind the last chunk.
    Trailer,
    /// At the end of the body.
    Over,
}

impl Chunks {
    /// Checks the bytes that follow the previous ones.
    ///
    /// # Errors
    /// The error, in words for the sender.
    pub(super) fn look(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() && self.state != State::Over {
            if let State::Data(left) = self.state
                && left > 0
            {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                self.state = State::Data(left - count as u64);
                bytes = &bytes[count..];
                continue;
            }
            self.line.push(bytes[0]);
            bytes = &bytes[1..];
            self.step()?;
        }
        Ok(())
    }

    /// Handles the line so far, to which a byte has been added.
    fn step(&mut self) -> Result<(), String> {
        match self.line.as_slice() {
            [.., b'\r', b'\n'] => {}
            [.., b'\n'] => {
                return Err("a line of the chunked body ends without a carriage return".to_owned());
            }
            line if line.len() > MAX_LINE => {
                return Err(format!(
                    "a line of the chunked body is too long: expected at most {MAX_LINE} bytes"
                ));
            }
            _ => return Ok(()),
        }
        let line = &self.line[..self.line.len() - 2];
        self.state = match self.state {
            State::Size => match size(line) {
                Some(0) => State::Trailer,
                Some(size) => State::Data(size),
                None => {
                    return Err(format!(
                        "{:?} does not begin a chunk: expected its size in hexadecimal digits, and extensions such as ;name=value",
                        String::from_utf8_lossy(line)
                    ));
                }
            },
            State::Data(_) if line.is_empty() => State::Size,
            State::Data(_) => return Err("a chunk is longer than its size".to_owned()),
            State::Trailer if line.is_empty() => State::Over,
            state => state,
        };
        self.line.clear();
        Ok(())
    }
}

/// The size in a line, if all of it is valid.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (digits, mut rest) = line.split_at(digits);
    if !(1..=MAX_DIGITS).contains(&digits.len()) {
        return None;
    }
    while !rest.is_empty() {
        rest = blanks(rest).strip_prefix(b";")?;
        rest = token(blanks(rest))?;
        if let Some(value) = blanks(rest).strip_prefix(b"=") {
            let value = blanks(value);
            rest = match value.strip_prefix(b"\"") {
                Some(quoted) => quoted_end(quoted)?,
                None => token(value)?,
            };
        }
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn blanks(text: &[u8]) -> &[u8] {
    let count = text.iter().take_while(|byte| is_blank(**byte)).count();
    &text[count..]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The rest after a token of at least one byte.
fn token(text: &[u8]) -> Option<&[u8]> {
    let is_of_token =
        |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let count = text.iter().take_while(is_of_token).count();
    (count > 0).then(|| &text[count..])
}

/// The rest after a quoted text, whose opening quote is before `text`.
fn quoted_end(mut text: &[u8]) -> Option<&[u8]> {
    let is_text = |byte: u8| is_blank(byte) || byte.is_ascii_graphic() || byte >= 0x80;
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', quoted, rest @ ..] if is_text(*quoted) => rest,
            [b'\\', ..] => return None,
            [byte, rest @ ..] if is_text(*byte) => rest,
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result is the same for all bytes at once and byte by byte.
    fn look(body: &str) -> Result<State, String> {
        let mut whole = Chunks::default();
        let at_once = whole.look(body.as_bytes()).map(|()| whole.state);
        let mut slow = Chunks::default();
        let mut pieces = body.as_bytes().chunks(1);
        let byte_by_byte = pieces
            .try_for_each(|piece| slow.look(piece))
            .map(|()| slow.state);
        assert_eq!(at_once, byte_by_byte, "{body:?}");
        at_once
    }

    #[test]
    fn chunks_are_as_their_grammar_has_them() {
        for body in [
            "2\r\n[]\r\n0\r\n\r\n",
            "00a\r\n0123456789\r\n0\r\n\r\n",
            "2;a\r\n[]\r\n0\r\n\r\n",
            "2;a=b;c=\"d;\\\"e\"\r\n[]\r\n0;x\r\n\r\n",
            "2 ; a = b\r\n[]\r\n0\r\n\r\n",
            "3\r\n\r\n\n\r\n0\r\nX-Sum: 1\r\n\r\n",
            "0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(look(body), Ok(State::Over), "{body:?}");
        }
        assert_eq!(look("2\r\n["), Ok(State::Data(1)));
    }

    #[test]
    fn what_two_readers_could_end_in_two_places_is_refused() {
        for body in [
            "2;\r\n[]\r\n",
            "2;;a\r\n[]\r\n",
            "2;a=\r\n[]\r\n",
            "2;a=\"b\r\n[]\r\n",
            "2;a=\"b\"c\r\n[]\r\n",
            "2;a b\r\n[]\r\n",
            "2 a\r\n[]\r\n",
            "2 \r\n[]\r\n",
            "2;\u{1}\r\n[]\r\n",
            "2;a\n[]\r\n",
            "2\n[]\r\n",
            "2;a\rb\r\n[]\r\n",
            "\r\n[]\r\n",
            "x\r\n",
            "-2\r\n",
            "0x2\r\n[]\r\n",
            "+2\r\n[]\r\n",
            "10000000000000000\r\n",
            "2\r\n[]x\r\n",
            "2\r\n[]\n0\r\n\r\n",
            "0\r\nX: y\n\r\n",
        ] {
            assert!(look(body).is_err(), "{body:?}");
        }
        let long = format!("2;a={}\r\n", "b".repeat(MAX_LINE));
        assert!(look(&long).unwrap_err().contains("1024"));
    }
}
