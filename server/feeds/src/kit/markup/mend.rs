use memchr::{memchr, memchr2, memmem};

use super::{
    faults::{Faults, excerpt},
    html,
};

/// The longest tag, in bytes.
const MAX_TAG_BYTES: usize = 8 << 10;

/// The longest name of an entity, in bytes.
const MAX_REFERENCE_BYTES: usize = 40;

/// The token at a `<`.
enum Piece {
    /// A tag or a section of text; its length in bytes.
    Markup(usize),
    /// A tag whose quotes do not match.
    Unquoted(usize),
    /// Markup without content: a comment, an instruction, a document type.
    Nothing(usize),
    /// The character itself.
    Text,
    /// The beginning of a token that does not end.
    Broken,
}

/// The document with each `<` and `&` that is text escaped, so that only tags, text, sections and references are left.
/// Comments, instructions and the document type are removed.
pub(super) fn mend(text: &str, faults: &mut Faults) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut is_first = true;
    while let Some(found) = memchr2(b'<', b'&', &text.as_bytes()[at..]) {
        out.push_str(&text[at..at + found]);
        at += found;
        let rest = &text[at..];
        if rest.starts_with('&') {
            at += reference(text, at, &mut out, faults);
            faults.check()?;
            continue;
        }
        match piece(rest)? {
            Piece::Markup(length) => {
                if std::mem::take(&mut is_first) && is_page(rest) {
                    return Err("it is a page in HTML: expected RSS or Atom".to_owned());
                }
                let tag = &rest[..length];
                if !tag.starts_with("<!") {
                    bare_in_tag(tag, faults);
                }
                out.push_str(tag);
                at += length;
            }
            Piece::Unquoted(length) => {
                faults.add(format_args!(
                    "a quote without its other: {:?}",
                    excerpt(text, at)
                ));
                out.extend(rest[..length].chars().filter(|c| !matches!(c, '"' | '\'')));
                at += length;
            }
            Piece::Nothing(length) => at += length,
            Piece::Text => {
                faults.add(format_args!("a bare <: {:?}", excerpt(text, at)));
                out.push_str("&lt;");
                at += 1;
            }
            Piece::Broken => return Ok(out),
        }
        faults.check()?;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// Copies the reference at a `&`, or the escaped character; returns the length of the text that it replaces.
fn reference(text: &str, at: usize, out: &mut String, faults: &mut Faults) -> usize {
    let length = reference_length(&text[at..]);
    match length {
        Some(length) => {
            out.push_str(&text[at..at + length]);
            length
        }
        None => {
            faults.add(format_args!("a bare &: {:?}", excerpt(text, at)));
            out.push_str("&amp;");
            1
        }
    }
}

/// The length of a reference to a character or an entity, if there is one.
fn reference_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let end = memchr(b';', &bytes[..bytes.len().min(MAX_REFERENCE_BYTES)])?;
    let name = text.get(1..end)?;
    let digits = |digits: &str, is_digit: fn(&u8) -> bool| {
        !digits.is_empty() && digits.as_bytes().iter().all(is_digit)
    };
    let is_reference = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(number) => digits(number, u8::is_ascii_hexdigit),
            None => digits(number, u8::is_ascii_digit),
        },
        None => {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && digits(name, u8::is_ascii_alphanumeric)
        }
    };
    is_reference.then_some(end + 1)
}

/// Counts each `&` in a tag that is no reference. The parser of attributes takes it literally.
fn bare_in_tag(tag: &str, faults: &mut Faults) {
    for (at, _) in tag.match_indices('&') {
        if reference_length(&tag[at..]).is_none() {
            faults.add(format_args!("a bare &: {:?}", excerpt(tag, at)));
        }
    }
}

fn piece(rest: &str) -> Result<Piece, String> {
    let bytes = rest.as_bytes();
    let until = |end: &str| match memmem::find(bytes, end.as_bytes()) {
        Some(at) => at + end.len(),
        None => 0,
    };
    let nothing = |length| match length {
        0 => Piece::Broken,
        length => Piece::Nothing(length),
    };
    if rest.starts_with("<!--") {
        return Ok(nothing(until("-->")));
    }
    if rest.starts_with("<![CDATA[") {
        return Ok(match until("]]>") {
            0 => Piece::Broken,
            length => Piece::Markup(length),
        });
    }
    if rest.starts_with("<?") {
        return Ok(nothing(until("?>")));
    }
    if rest
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case("<!DOCTYPE"))
    {
        let subset = memchr(b'[', bytes).filter(|at| memchr(b'>', &bytes[..*at]).is_none());
        let from = match subset {
            None => 0,
            Some(_) => match memchr(b']', bytes) {
                Some(at) => at,
                None => return Ok(Piece::Broken),
            },
        };
        return Ok(nothing(
            memchr(b'>', &bytes[from..]).map_or(0, |end| from + end + 1),
        ));
    }
    let name = rest[1..].strip_prefix('/').unwrap_or(&rest[1..]);
    if !name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':')) {
        return Ok(Piece::Text);
    }
    tag(bytes)
}

/// A tag ends at the first `>` outside of quotes; another `<` before it means that it is no tag.
fn tag(bytes: &[u8]) -> Result<Piece, String> {
    let window = &bytes[..bytes.len().min(MAX_TAG_BYTES + 1)];
    let (mut quote, mut has_stray) = (None, false);
    for (at, &byte) in window.iter().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') if has_stray => return Ok(Piece::Unquoted(at + 1)),
            (None, b'>') => return Ok(Piece::Markup(at + 1)),
            (None, b'<') => return Ok(Piece::Text),
            // Quotes anywhere but after an equals sign are text.
            (None, b'"' | b'\'') if follows_equals(&window[..at]) => quote = Some(byte),
            (None, b'"' | b'\'') => has_stray = true,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    if quote.is_some() {
        match memchr2(b'<', b'>', &window[1..]).map(|at| at + 1) {
            Some(at) if window[at] == b'>' => return Ok(Piece::Unquoted(at + 1)),
            Some(_) => return Ok(Piece::Text),
            None => {}
        }
    }
    match window.len() > MAX_TAG_BYTES {
        true => Err(format!(
            "one of its tags is longer than {MAX_TAG_BYTES} bytes"
        )),
        false => Ok(Piece::Broken),
    }
}

fn follows_equals(before: &[u8]) -> bool {
    before.trim_ascii_end().ends_with(b"=")
}

/// Whether the first tag of a document is that of a web page.
fn is_page(tag: &str) -> bool {
    html::name(&tag[1..]).eq_ignore_ascii_case("html")
}
