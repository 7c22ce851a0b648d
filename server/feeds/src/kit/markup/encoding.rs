use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::faults::Faults;
use crate::kit::fetch::Document;

/// The text of a document, in its declared encoding ([RFC 7303, section
/// 3](https://www.rfc-editor.org/rfc/rfc7303#section-3)): by its first bytes, by the header, or by itself. If the bytes
/// contradict the declaration, they decide, and that is a fault: a document that is valid UTF-8 is UTF-8, and bytes
/// that are invalid in UTF-8 are Windows-1252.
pub(super) fn decode(document: &Document, faults: &mut Faults) -> Result<String, String> {
    let body = &document.body[..];
    if body.starts_with(b"\xff\xfe\0\0") || body.starts_with(b"\0\0\xfe\xff") {
        return Err(
            "it is no XML that can be read: it is in UTF-32, expected UTF-8 or UTF-16".to_owned(),
        );
    }
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return match encoding == UTF_8 {
            true => Ok(utf8(&body[length..], faults)),
            false => Ok(encoding
                .decode_without_bom_handling(&body[length..])
                .0
                .into_owned()),
        };
    }
    if let Some(encoding) = wide(body) {
        return Ok(encoding.decode_without_bom_handling(body).0.into_owned());
    }
    let Some(label) = charset(document.content_type.as_deref()).or_else(|| declared(body)) else {
        return Ok(utf8(body, faults));
    };
    let label: String = label.chars().take(32).collect();
    let encoding = Encoding::for_label(label.as_bytes());
    let is_utf8 = std::str::from_utf8(body).is_ok();
    match encoding {
        None if !is_utf8 => Err(format!(
            "it is in the encoding {label:?}, which is not known"
        )),
        // The declaration was read byte by byte, so the text is in no wide encoding.
        Some(encoding) if encoding != UTF_8 && encoding != UTF_16LE && encoding != UTF_16BE => {
            // A text of a one-byte encoding is hardly ever valid UTF-8 by chance.
            if is_utf8 && encoding.is_single_byte() && !body.is_ascii() {
                faults.add(format_args!("the encoding {label:?}: the text is in UTF-8"));
                return Ok(utf8(body, faults));
            }
            Ok(encoding.decode_without_bom_handling(body).0.into_owned())
        }
        _ => {
            if encoding != Some(UTF_8) {
                faults.add(format_args!("the encoding {label:?}: the text is in UTF-8"));
            }
            Ok(utf8(body, faults))
        }
    }
}

/// Text in UTF-8. Invalid bytes are decoded as Windows-1252, which editors paste into it.
fn utf8(body: &[u8], faults: &mut Faults) -> String {
    let mut text = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        let invalid = chunk.invalid();
        if invalid.is_empty() {
            continue;
        }
        let (read, _) = WINDOWS_1252.decode_without_bom_handling(invalid);
        text.push_str(&read);
        let before: String = chunk.valid().chars().rev().take(12).collect();
        let before: String = before.chars().rev().collect();
        faults.add(format_args!(
            "bytes that are not UTF-8, read as Windows-1252: {:?}",
            market::plain(&format!("{before}{read}"))
        ));
    }
    text
}

/// UTF-16 without a mark of its order, by the zeros beside its first character.
fn wide(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [b'<', 0, second, 0, ..] if *second != 0 => Some(UTF_16LE),
        [0, b'<', 0, second, ..] if *second != 0 => Some(UTF_16BE),
        _ => None,
    }
}

fn charset(content_type: Option<&str>) -> Option<&str> {
    content_type?.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("charset");
        is_it.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The encoding that a document declares for itself, in the same place in every encoding of ASCII.
fn declared(body: &[u8]) -> Option<&str> {
    let start = body.trim_ascii_start();
    let end = start.iter().take(256).position(|&byte| byte == b'>')?;
    let declaration = std::str::from_utf8(&start[..end]).ok()?;
    let (_, rest) = declaration.strip_prefix("<?xml")?.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split(quote).next()
}
