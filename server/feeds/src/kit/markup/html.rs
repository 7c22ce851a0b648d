use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use quick_xml::escape::resolve_html5_entity;

/// How much of an HTML text is parsed, in bytes: headlines and summaries are short.
const MAX_HTML_BYTES: usize = 64 << 10;

/// The longest text that counts as a tag, in bytes.
const MAX_TAG_BYTES: usize = 8 << 10;

/// The longest reference, `&CounterClockwiseContourIntegral;`.
const MAX_REFERENCE_BYTES: usize = 33;

/// Inline elements: words continue across their tags.
const INLINE: [&str; 32] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "blink", "cite", "code", "del", "dfn", "em",
    "font", "i", "ins", "kbd", "mark", "nobr", "q", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "tt", "u", "var", "wbr",
];

/// Elements that separate words.
const BLOCKS: [&str; 91] = [
    "address",
    "applet",
    "area",
    "article",
    "aside",
    "audio",
    "base",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "iframe",
    "img",
    "input",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "marquee",
    "menu",
    "meta",
    "nav",
    "noframes",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "param",
    "picture",
    "pre",
    "progress",
    "rp",
    "rt",
    "ruby",
    "script",
    "section",
    "select",
    "source",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "ul",
];

/// Whether text continues across the tags of an element.
pub(super) fn is_inline(name: &str) -> bool {
    INLINE.contains(&name)
}

/// Whether the content of an element is hidden.
pub(super) fn is_hidden(name: &str) -> bool {
    matches!(name, "script" | "style")
}

/// The text of a piece of HTML: without its tags, with its entities as characters. It stays text and is never parsed as
/// HTML again. A `<` that begins no HTML tag is text.
pub(crate) fn text_of(html: &str) -> String {
    let mut end = html.len().min(MAX_HTML_BYTES);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = String::new();
    let mut rest = &html[..end];
    // Ends that were searched for in vain are not searched for again.
    let (mut has_comments, mut has_ends) = (true, true);
    while let Some(start) = rest.find(['<', '&']) {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some((meant, length)) = entity(rest) {
            text.push_str(&meant);
            rest = &rest[length..];
        } else if has_comments && rest.starts_with("<!--") {
            match rest.find("-->") {
                Some(end) => rest = &rest[end + 3..],
                None => has_comments = false,
            }
        } else if let Some((name, length)) = tag(rest) {
            text.push_str(if is_inline(&name) { "" } else { " " });
            rest = &rest[length..];
            if has_ends && is_hidden(&name) {
                match end_of(&name, rest) {
                    Some(end) => rest = &rest[end..],
                    None => has_ends = false,
                }
            }
        } else {
            text.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    market::plain(&text)
}

/// The name that a tag begins with, after its `<`.
pub(super) fn name(text: &str) -> &str {
    let text = text.strip_prefix('/').unwrap_or(text);
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_')));
    &text[..end.unwrap_or(text.len())]
}

/// The element of a tag at the start of a text, in lower case, and the length of the tag; only an opening tag has the
/// name of an element with hidden text. It counts as a tag if it ends, and is one of HTML, of another vocabulary or a
/// custom element.
fn tag(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('<')?;
    if inner.starts_with(['!', '?']) {
        let end = inner.find(['<', '>'])?;
        return inner[end..]
            .starts_with('>')
            .then(|| (String::new(), end + 2));
    }
    let name = name(inner).to_ascii_lowercase();
    let is_known = INLINE.contains(&name.as_str())
        || BLOCKS.contains(&name.as_str())
        || name.contains(['-', ':']);
    if !is_known || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let length = tag_length(text.as_bytes())?;
    match inner.starts_with('/') && is_hidden(&name) {
        true => Some((String::new(), length)),
        false => Some((name, length)),
    }
}

fn tag_length(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(MAX_TAG_BYTES)];
    let mut quote = None;
    for (at, &byte) in window.iter().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'<') => return None,
            (None, b'"' | b'\'') if window[..at].trim_ascii_end().ends_with(b"=") => {
                quote = Some(byte);
            }
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // An unmatched quote does not count.
    let end = window
        .iter()
        .skip(1)
        .position(|byte| b"<>".contains(byte))?
        + 1;
    (window[end] == b'>').then_some(end + 1)
}

/// The position of an element's end tag.
fn end_of(name: &str, text: &str) -> Option<usize> {
    let end = format!("</{name}");
    let mut windows = text.as_bytes().windows(end.len());
    windows.position(|window| window.eq_ignore_ascii_case(end.as_bytes()))
}

/// The meaning of a reference at the start of a text, and its length. Numbers of control characters have their meaning
/// in Windows-1252, as in
/// [HTML](https://html.spec.whatwg.org/multipage/parsing.html#numeric-character-reference-end-state).
pub(super) fn entity(text: &str) -> Option<(Cow<'static, str>, usize)> {
    if !text.starts_with('&') {
        return None;
    }
    let end = text
        .bytes()
        .take(MAX_REFERENCE_BYTES)
        .position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let Some(number) = name.strip_prefix('#') else {
        return Some((Cow::Borrowed(resolve_html5_entity(name)?), end + 1));
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(number) => u32::from_str_radix(number, 16).ok()?,
        None => number.parse().ok()?,
    };
    let meant = match u8::try_from(code) {
        Ok(byte @ 0x80..=0x9f) => {
            let bytes = [byte];
            let (meant, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
            meant.into_owned()
        }
        _ => char::from_u32(code)?.to_string(),
    };
    Some((Cow::Owned(meant), end + 1))
}

/// A text with its references replaced by characters.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        match entity(rest) {
            Some((meant, length)) => {
                plain.push_str(&meant);
                rest = &rest[length..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// A text cut to a number of characters; a cut one ends in `…`.
pub(crate) fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// A text cut to a number of characters, after a word if it has one.
pub(crate) fn cut_at_word(text: &str, most: usize) -> String {
    let short = cut(text.to_owned(), most);
    if short == text {
        return short;
    }
    let kept = short.trim_end_matches('…');
    let is_whole = text[kept.len()..].starts_with(' ');
    match kept.rfind(' ').filter(|_| !is_whole) {
        Some(end) => format!("{}…", kept[..end].trim_end_matches([' ', ',', ';', ':'])),
        None => format!("{}…", kept.trim_end()),
    }
}
