//! Documents of RSS and Atom, and the texts, addresses and dates in them, from sources that nobody vouches
//! for.
//!
//! The crates that read them call themselves for each level of unknown elements, and copy what an element
//! declares into each element below. So a document is looked through first: how deep it is, how much an
//! element says, how many there are. Entities that a document declares are never looked up; the names of
//! such ones stay in the text as they are.

use std::io::Cursor;

use atom_syndication::Feed;
use encoding_rs::{Encoding, UTF_8};
use jiff::{Timestamp, civil::DateTime, fmt::rfc2822::DateTimeParser, tz::TimeZone};
use market::Millis;
use quick_xml::{Reader, events::Event};
use rss::Channel;
use tokio::task::spawn_blocking;

use super::fetch::Document;

/// The deepest element. Feeds have five levels, pages in them twenty.
const MAX_DEPTH: usize = 100;

/// The longest opening tag, in bytes.
const MAX_TAG: usize = 8 << 10;

/// The most elements. A feed of a thousand stories has some ten thousand.
const MAX_ELEMENTS: usize = 200_000;

/// How much of an HTML text is looked at, in bytes: headlines and summaries are short.
const MAX_HTML: usize = 64 << 10;

/// A document of either kind.
#[derive(Debug)]
pub enum Syndication {
    /// RSS 0.9x, 1.0 or 2.0.
    Rss(Box<Channel>),
    /// Atom.
    Atom(Box<Feed>),
}

/// Reads a document, away from the threads that must not be held up.
pub(super) async fn read(document: Document) -> Result<Syndication, String> {
    spawn_blocking(move || parse(&document))
        .await
        .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
}

/// Reads a document.
///
/// # Errors
/// When it is in no known encoding, no XML, neither RSS nor Atom, not whole, or beyond all measure.
pub fn parse(document: &Document) -> Result<Syndication, String> {
    let text = decode(document)?;
    let text = without_declaration(&text);
    match root(text)?.as_str() {
        "feed" => Feed::read_from(Cursor::new(text))
            .map(|feed| Syndication::Atom(Box::new(feed)))
            .map_err(|error| format!("it is no Atom that can be read: {error}")),
        "rss" | "rdf:RDF" => Channel::read_from(Cursor::new(text))
            .map(|channel| Syndication::Rss(Box::new(channel)))
            .map_err(|error| format!("it is no RSS that can be read: {error}")),
        "html" => Err("it is a page in HTML: expected RSS or Atom".to_owned()),
        other => {
            let other: String = other.chars().take(32).collect();
            Err(format!(
                "it is a document of <{other}>: expected RSS or Atom"
            ))
        }
    }
}

/// The text of a document, in the encoding that it is said to be in
/// ([RFC 7303, section 3](https://www.rfc-editor.org/rfc/rfc7303#section-3)): by its first bytes, by the
/// header, or by itself. What is not in that encoding shows as `U+FFFD`.
fn decode(document: &Document) -> Result<String, String> {
    let body = &document.body[..];
    let encoding = match Encoding::for_bom(body) {
        Some((encoding, _)) => encoding,
        None => match charset(document.content_type.as_deref()).or_else(|| declared(body)) {
            None => UTF_8,
            Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                let label: String = label.chars().take(32).collect();
                format!("it is in the encoding {label:?}, which is not known")
            })?,
        },
    };
    Ok(encoding.decode(body).0.into_owned())
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

/// A text in UTF-8 that no longer says what it was before.
fn without_declaration(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text
        .strip_prefix("<?xml ")
        .and_then(|rest| rest.split_once("?>"))
    {
        Some((_, rest)) => rest.trim_start(),
        None => text,
    }
}

/// The name of the outermost element of a document that can be read without harm.
fn root(text: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut root, mut depth, mut elements) = (None, 0_usize, 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                (depth, elements) = (depth + 1, elements + 1);
                if root.is_none() {
                    let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
                    // Pages are seldom good XML, and what is wrong with one is not the point.
                    if name.eq_ignore_ascii_case("html") {
                        return Ok("html".to_owned());
                    }
                    root = Some(name);
                }
                if depth > MAX_DEPTH {
                    return Err(format!("its elements are more than {MAX_DEPTH} deep"));
                }
                if element.len() > MAX_TAG {
                    return Err(format!("one of its tags is longer than {MAX_TAG} bytes"));
                }
                if elements > MAX_ELEMENTS {
                    return Err(format!("it has more than {MAX_ELEMENTS} elements"));
                }
            }
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) if depth > 0 => return Err(broken_off()),
            Ok(Event::Eof) => return root.ok_or_else(|| "it is no XML".to_owned()),
            Ok(_) => {}
            // All of these are about an end that does not come.
            Err(quick_xml::Error::Syntax(_)) => return Err(broken_off()),
            Err(error) => {
                let position = reader.error_position();
                return Err(format!(
                    "it is no XML that can be read, at byte {position}: {error}"
                ));
            }
        }
    }
}

fn broken_off() -> String {
    "it breaks off in the middle".to_owned()
}

/// The text of a piece of HTML: without its tags, with its entities as the characters that they mean. It
/// stays text, and is read as HTML nowhere.
pub(super) fn text_of(html: &str) -> String {
    let mut end = html.len().min(MAX_HTML);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = String::new();
    let mut rest = &html[..end];
    while let Some(start) = rest.find(['<', '&']) {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        if rest.starts_with('<') && is_tag {
            // Words of different lines stay apart.
            text.push(' ');
            rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        } else if let Some((c, length)) = entity(rest) {
            text.push(c);
            rest = &rest[length..];
        } else {
            text.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    market::plain(&text)
}

/// The character at the start of a text that is written as an entity, and how long that is.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = text.strip_prefix('&')?.get(..end - 1)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "hellip" => '…',
        "bull" => '•',
        "reg" => '®',
        "trade" => '™',
        "copy" => '©',
        "euro" => '€',
        "pound" => '£',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(number) => u32::from_str_radix(number, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

/// A text with so many characters at the most; one that is cut ends in `…`.
pub(super) fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// Names of zones that mean one offset wherever feeds use them, beside those that
/// [RFC 2822, section 4.3](https://www.rfc-editor.org/rfc/rfc2822#section-4.3) knows.
const ZONES: [(&str, &str); 13] = [
    ("UTC", "+0000"),
    ("WET", "+0000"),
    ("BST", "+0100"),
    ("CET", "+0100"),
    ("CEST", "+0200"),
    ("EET", "+0200"),
    ("EEST", "+0300"),
    ("MSK", "+0300"),
    ("SGT", "+0800"),
    ("HKT", "+0800"),
    ("JST", "+0900"),
    ("AEST", "+1000"),
    ("AEDT", "+1100"),
];

/// The time that a text says, in one of the ways that feeds write it: as RFC 2822 has it, with or without
/// the day of the week and seconds, or as RFC 3339 has it. Without a zone it is UTC.
pub(super) fn time(text: &str) -> Option<Millis> {
    if text.len() > 64 {
        return None;
    }
    let text = market::plain(text);
    let rfc2822 = |text: &str| {
        let parser = DateTimeParser::new().relaxed_weekday(true);
        parser.parse_timestamp(text).ok()
    };
    let in_zone = |offset: Option<&str>| {
        let (rest, zone) = text.rsplit_once(' ')?;
        let named = ZONES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(zone));
        match (offset, named) {
            (None, Some((_, offset))) => rfc2822(&format!("{rest} {offset}")),
            (Some(offset), _) => rfc2822(&format!("{text} {offset}")),
            _ => None,
        }
    };
    let utc = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let time: Timestamp = None
        .or_else(|| text.parse().ok())
        .or_else(|| in_zone(None))
        .or_else(|| rfc2822(&text))
        .or_else(|| in_zone(Some("+0000")))
        .or_else(|| utc(text.parse().ok()?))?;
    Millis::try_from(time.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(content_type: Option<&str>, body: impl AsRef<[u8]>) -> Document {
        Document {
            content_type: content_type.map(str::to_owned),
            body: body.as_ref().to_vec().into(),
        }
    }

    fn title(document: &Document) -> Result<String, String> {
        parse(document).map(|read| match read {
            Syndication::Rss(channel) => channel.title,
            Syndication::Atom(feed) => feed.title.value,
        })
    }

    const RSS: &str = "<rss version=\"2.0\"><channel><title>Käse</title></channel></rss>";

    #[test]
    fn a_text_is_read_in_the_encoding_that_it_is_said_to_be_in() {
        let latin: Vec<u8> = RSS.chars().map(|c| c as u8).collect();
        let with = |declaration: &str, body: &[u8]| [declaration.as_bytes(), body].concat();
        let utf16: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(RSS.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        for (content_type, body) in [
            (None, RSS.as_bytes().to_vec()),
            (None, with("\u{feff}", RSS.as_bytes())),
            (
                None,
                with("<?xml version='1.0' encoding='ISO-8859-1'?>", &latin),
            ),
            (
                None,
                with(
                    "\n<?xml version=\"1.0\" encoding = \"windows-1252\" ?>\n",
                    &latin,
                ),
            ),
            (Some("text/xml; charset=ISO-8859-1"), latin.clone()),
            (
                Some("text/xml; Charset=\"utf-8\""),
                with(
                    "<?xml version='1.0' encoding='ISO-8859-1'?>",
                    RSS.as_bytes(),
                ),
            ),
            (Some("text/xml"), RSS.as_bytes().to_vec()),
            (None, utf16),
        ] {
            let document = document(content_type, body);
            assert_eq!(title(&document).as_deref(), Ok("Käse"), "{document:?}");
        }
        // A wrong one shows, and loses only what it cannot say.
        assert_eq!(title(&document(None, &latin)).as_deref(), Ok("K\u{fffd}se"));
        for (content_type, body) in [
            (Some("text/xml; charset=klingon"), RSS),
            (None, "<?xml version='1.0' encoding='klingon'?><rss/>"),
        ] {
            let error = title(&document(content_type, body)).unwrap_err();
            assert!(error.contains("\"klingon\", which is not known"), "{error}");
        }
    }

    #[test]
    fn both_forms_are_told_apart_from_everything_else() {
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>A</title></feed>";
        assert_eq!(title(&document(None, atom)).as_deref(), Ok("A"));
        let old = "<rdf:RDF xmlns:rdf='r'><channel><title>O</title></channel><item/></rdf:RDF>";
        assert_eq!(title(&document(None, old)).as_deref(), Ok("O"));
        for (body, words) in [
            ("", "no XML"),
            ("{\"a\":1}", "no XML"),
            ("\0\u{1}\u{fffd}garbage", "no XML"),
            ("<!DOCTYPE html><HTML><br></body>", "page in HTML"),
            ("<opml/>", "<opml>"),
            ("<rss><channel><title>a", "breaks off in the middle"),
            ("<rss><channel", "breaks off in the middle"),
            ("<rss><channel></rss>", "at byte"),
            ("<rss></rss>", "no RSS that can be read"),
            (
                "<feed><entry><updated>soon</updated></entry></feed>",
                "no Atom that can be read",
            ),
        ] {
            let error = title(&document(None, body)).unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
        }
    }

    #[test]
    fn a_document_that_is_made_to_hurt_does_not() {
        let deep = |levels: usize| {
            let (open, close) = ("<a:b>".repeat(levels), "</a:b>".repeat(levels));
            format!("<rss><channel><title>T</title><item>{open}{close}</item></channel></rss>")
        };
        assert_eq!(title(&document(None, deep(97))).as_deref(), Ok("T"));
        let error = title(&document(None, deep(500_000))).unwrap_err();
        assert!(error.contains("100 deep"), "{error}");

        let names: String = (0..2_000).map(|n| format!(" xmlns:a{n}='b'")).collect();
        let wide = format!("<rss{names}><channel><title>T</title></channel></rss>");
        let error = title(&document(None, wide)).unwrap_err();
        assert!(error.contains("longer than 8192 bytes"), "{error}");

        let many = format!(
            "<rss><channel>{}</channel></rss>",
            "<item/>".repeat(200_000)
        );
        let error = title(&document(None, many)).unwrap_err();
        assert!(error.contains("200000 elements"), "{error}");
    }

    #[test]
    fn entities_of_a_document_are_never_looked_up() {
        let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">
            <!ENTITY c SYSTEM \"file:///etc/passwd\">]>
            <rss><channel><title>&b;&c;&amp;&#x41;</title></channel></rss>";
        assert_eq!(title(&document(None, bomb)).as_deref(), Ok("&b;&c;&A"));
        let atom = bomb
            .replace("rss>", "feed>")
            .replace("<channel>", "")
            .replace("</channel>", "");
        assert_eq!(title(&document(None, atom)).as_deref(), Ok("&b;&c;&A"));
    }

    #[test]
    fn html_becomes_text() {
        for (html, text) in [
            ("<p>A&nbsp;&amp;&#160;B</p><p>C<br/>D</p>", "A & B C D"),
            (
                "1 < 2 & 3 > 2 &c; &#xD800; &",
                "1 < 2 & 3 > 2 &c; &#xD800; &",
            ),
            ("<img src=x onerror=alert(1)>&lt;script&gt;", "<script>"),
            ("a <b", "a"),
            ("&#x202e;a\u{202e}b&#0;", "ab"),
            ("", ""),
        ] {
            assert_eq!(text_of(html), text, "{html}");
        }
        assert!(text_of(&"é".repeat(1 << 20)).len() <= MAX_HTML);
        assert_eq!(cut("äöü".to_owned(), 3), "äöü");
        assert_eq!(cut("äöüß".to_owned(), 3), "äö…");
    }

    #[test]
    fn times_are_read_as_feeds_write_them() {
        let six = 1_795_240_800_000; // Sat, 21 Nov 2026 06:00:00 GMT
        for (text, expected) in [
            ("Sat, 21 Nov 2026 06:00:00 GMT", six),
            ("Sat, 21 Nov 2026 06:00 GMT", six),
            ("Sat, 21 Nov 2026 06:00 UTC", six),
            ("Mon, 21 Nov 2026 06:00:00 +0000", six),
            ("21 Nov 2026 01:00:00 EST", six),
            ("Sat, 21 Nov 2026 02:00 EDT", six),
            ("Sat, 21 Nov 2026 07:00:00 CET", six),
            ("Sat, 21 Nov 2026 14:00:00 HKT", six),
            ("  Sat,  21 Nov 2026\n 06:00:00 Z ", six),
            ("Sat, 21 Nov 2026 06:00:00", six),
            ("2026-11-21T06:00:00Z", six),
            ("2026-11-21T01:00:00.000-05:00", six),
            ("2026-11-21 06:00:00", six),
            ("2026-11-21T06:00", six),
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "1795240800",
            "Sat, 32 Nov 2026 06:00 GMT",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            cut in 0..RSS.len(),
            with in "[<>&;:/a-z'\"= \\[\\]!?-]{0,24}",
        ) {
            let _ = parse(&document(None, &bytes));
            let spot = (0..=cut).rev().find(|&at| RSS.is_char_boundary(at)).unwrap_or(0);
            let _ = parse(&document(None, format!("{}{with}{}", &RSS[..spot], &RSS[spot..])));
            let text = String::from_utf8_lossy(&bytes);
            let _ = (text_of(&text), time(&text), text_of(&with), time(&with));
        }
    }
}
