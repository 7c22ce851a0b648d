use proptest::prelude::*;

use super::*;

fn document(content_type: Option<&str>, body: impl AsRef<[u8]>) -> Document {
    Document {
        content_type: content_type.map(str::to_owned),
        body: body.as_ref().to_vec().into(),
    }
}

fn address() -> Url {
    "http://a.example/feeds/main.xml".parse().unwrap()
}

fn read(body: impl AsRef<[u8]>) -> Result<Syndication, String> {
    parse(&document(None, body), &address())
}

fn title(document: &Document) -> Result<String, String> {
    parse(document, &address()).map(|read| read.title)
}

/// A document of RSS with these items.
fn rss(items: &str) -> String {
    format!("<rss version='2.0'><channel><title>T</title>{items}</channel></rss>")
}

fn atom(attributes: &str, entries: &str) -> String {
    format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' {attributes}><title>T</title>{entries}</feed>"
    )
}

/// The headlines of a document that has no faults.
fn headlines(body: &str) -> Vec<String> {
    let read = read(body).unwrap();
    assert_eq!(read.faults, Vec::<String>::new(), "{body}");
    plain_titles(&read)
}

fn plain_titles(read: &Syndication) -> Vec<String> {
    let titles = read.items.iter().map(|item| item.title.as_ref());
    titles
        .map(|title| title.map_or_else(String::new, Text::plain))
        .collect()
}

fn links(body: &str) -> Vec<Option<String>> {
    let read = read(body).unwrap();
    let links = read.items.iter().map(|item| item.link.as_ref());
    links
        .map(|link| link.map(|link| link.as_str().to_owned()))
        .collect()
}

const RSS: &str = "<rss version=\"2.0\"><channel><title>Käse</title></channel></rss>";

#[test]
fn a_text_is_read_in_the_encoding_that_it_is_in() {
    let latin: Vec<u8> = RSS.chars().map(|c| c as u8).collect();
    let with = |declaration: &str, body: &[u8]| [declaration.as_bytes(), body].concat();
    let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let marked = format!("\u{feff}{RSS}");
    let old = "<?xml version='1.0' encoding='ISO-8859-1'?>";
    for (content_type, body, faults) in [
        (None, RSS.as_bytes().to_vec(), 0),
        (None, with("\u{feff}", RSS.as_bytes()), 0),
        (None, with(old, &latin), 0),
        (
            None,
            with(
                "\n<?xml version=\"1.0\" encoding = \"windows-1252\" ?>\n",
                &latin,
            ),
            0,
        ),
        (Some("text/xml; charset=ISO-8859-1"), latin.clone(), 0),
        (Some("text/xml"), RSS.as_bytes().to_vec(), 0),
        (None, wide(&marked, u16::to_le_bytes), 0),
        (None, wide(&marked, u16::to_be_bytes), 0),
        (None, wide(RSS, u16::to_le_bytes), 0),
        (None, wide(RSS, u16::to_be_bytes), 0),
        // The header counts, and the earlier wrong declaration does no harm.
        (
            Some("text/xml; Charset=\"utf-8\""),
            with(old, RSS.as_bytes()),
            0,
        ),
        // The bytes contradict the declaration.
        (None, with(old, RSS.as_bytes()), 1),
        (
            Some("text/xml; charset=us-ascii"),
            RSS.as_bytes().to_vec(),
            1,
        ),
        (
            None,
            with("<?xml version='1.0' encoding='utf-16'?>", RSS.as_bytes()),
            1,
        ),
        (
            None,
            with("<?xml version='1.0' encoding='klingon'?>", RSS.as_bytes()),
            1,
        ),
        (None, latin.clone(), 1),
        (Some("text/xml; charset=utf-8"), latin.clone(), 1),
        (None, with("\u{feff}", &latin), 1),
    ] {
        let document = document(content_type, body);
        let read = parse(&document, &address()).unwrap();
        assert_eq!(read.title, "Käse", "{document:?}");
        assert_eq!(read.faults.len(), faults, "{document:?} {:?}", read.faults);
    }
    for content_type in [Some("text/xml; charset=klingon"), None] {
        let body = with("<?xml version='1.0' encoding='klingon'?>", &latin);
        let error = title(&document(content_type, body)).unwrap_err();
        assert!(error.contains("\"klingon\", which is not known"), "{error}");
    }
    let error = title(&document(None, b"\xff\xfe\0\0<\0\0\0")).unwrap_err();
    assert!(error.contains("UTF-32"), "{error}");
}

#[test]
fn bytes_of_windows_in_utf8_are_read_as_such_and_counted() {
    let mut body = rss("<item><title>Café group@s results</title></item>").into_bytes();
    let at = body.iter().position(|byte| *byte == b'@').unwrap();
    body[at] = 0x92;
    let read = read(body).unwrap();
    assert_eq!(plain_titles(&read), ["Café group’s results"]);
    assert_eq!(read.faults.len(), 1);
    assert!(read.faults[0].contains("group’"), "{:?}", read.faults);
}

#[test]
fn both_formats_are_distinguished_from_everything_else() {
    for (body, form) in [
        (atom("", ""), Form::Atom),
        ("<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>T</title></feed>".to_owned(), Form::Atom),
        ("<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>T</a:title></a:feed>".to_owned(), Form::Atom),
        (rss(""), Form::Rss),
        ("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><channel><title>T</title></channel><item/></rdf:RDF>".to_owned(), Form::Rss),
        ("<RDF xmlns='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:r='http://purl.org/rss/1.0/'><r:channel><r:title>T</r:title></r:channel></RDF>".to_owned(), Form::Rss),
        ("<rss xmlns='http://www.w3.org/2005/Atom'><channel><title>T</title></channel></rss>".to_owned(), Form::Rss),
    ] {
        let read = read(&body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!((read.form, read.title.as_str()), (form, "T"), "{body}");
    }
    for (body, words) in [
        ("", "no XML"),
        ("{\"a\":1}", "no XML"),
        ("\0\u{1}\u{fffd}garbage", "no XML"),
        ("<!DOCTYPE html><HTML><br></body>", "page in HTML"),
        ("<opml/>", "<opml>"),
        ("<rss><channel><title>a", "breaks off in the middle"),
        ("<rss><channel", "breaks off in the middle"),
        ("<rss></rss>", "no RSS that can be read"),
    ] {
        let error = read(body).unwrap_err();
        assert!(error.contains(words), "{body}: {error}");
    }
}

#[test]
fn small_faults_are_mended_and_quoted() {
    for (items, titles, quoted) in [
        (
            "<item><title>AT&T rises & falls</title><link>http://e.com/x?a=1&b=2</link></item>",
            &["AT&T rises & falls"][..],
            "AT&T",
        ),
        (
            "<item><title>Yield < 5% says Fed</title></item>",
            &["Yield < 5% says Fed"],
            "Yield < 5%",
        ),
        (
            "<item><title>EPS <Street consensus</title></item>",
            &["EPS <Street consensus"],
            "EPS <Street",
        ),
        (
            "<item><title>A</item><item><title>B</title></item>",
            &["A", "B"],
            "<title> without an end",
        ),
        (
            "<item><title>A</title></p></item>",
            &["A"],
            "</p> without a beginning",
        ),
        (
            "<item><title>A<br>B</title></item>",
            &["A B"],
            "<br> without an end",
        ),
        ("<item><title lang=\"en>A</title></item>", &["A"], "lang="),
        (
            "<item><title>A &nosuch; B &# C</title></item>",
            &["A &nosuch; B &# C"],
            "&# C",
        ),
    ] {
        let read = read(rss(items)).unwrap_or_else(|error| panic!("{items}: {error}"));
        assert_eq!(plain_titles(&read), titles, "{items}");
        assert!(read.is_whole);
        let faults = read.faults.join("\n");
        assert!(faults.contains(quoted), "{items}: {faults}");
    }
    assert_eq!(
        links(&rss("<item><link>http://e.com/x?a=1&b=2</link></item>")),
        [Some("http://e.com/x?a=1&b=2".to_owned())]
    );
    // Text around a document does not matter.
    let around = format!(
        "\n<br />Warning: <b>x</b>\n<?xml version='1.0'?>{}<!-- 7 ms --><script/>",
        rss("")
    );
    assert!(read(around).is_ok());
}

#[test]
fn a_document_that_breaks_off_has_the_stories_before() {
    let whole = rss("<item><title>A</title></item><item><title>B</title></item>");
    let at = whole.find("B</title>").unwrap();
    let read = read(&whole[..at]).unwrap();
    assert_eq!(plain_titles(&read), ["A"]);
    assert!(!read.is_whole && read.faults[0].contains("breaks off after 1"));
}

#[test]
fn a_document_that_is_made_to_hurt_does_not() {
    let deep = |levels: usize| {
        let (open, close) = ("<a:b>".repeat(levels), "</a:b>".repeat(levels));
        rss(&format!("<item>{open}{close}</item>"))
    };
    assert!(read(deep(97)).is_ok());
    for (body, words) in [
        (deep(500_000), "100 deep"),
        (
            format!(
                "<rss{}>",
                (0..2_000)
                    .map(|n| format!(" xmlns:a{n}='b'"))
                    .collect::<String>()
            ),
            "longer than 8192 bytes",
        ),
        (
            format!(
                "<rss><channel>{}",
                (0..9)
                    .map(|n| format!(
                        "<a {}>",
                        (0..30)
                            .map(|m| format!(" xmlns:a{n}{m}='b'"))
                            .collect::<String>()
                    ))
                    .collect::<String>()
            ),
            "more than 200 prefixes",
        ),
        (
            format!(
                "<rss><channel>{}</channel></rss>",
                "<item/>".repeat(200_000)
            ),
            "200000 elements",
        ),
        (format!("<rss>{}", "<a b=\"".repeat(500_000)), "faults"),
        (format!("<rss>{}", "& ".repeat(500_000)), "faults"),
        (format!("<rss>{}", "</a>".repeat(500_000)), "faults"),
        (format!("<rss>{}", "<!--".repeat(500_000)), "breaks off"),
        (
            format!("<rss><channel><item><title>{}", "<![CDATA[".repeat(500_000)),
            "breaks off",
        ),
    ] {
        let error = read(&body).unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
    }
    let many = rss(&"<item><title>t</title></item>".repeat(6_000));
    assert_eq!(read(many).unwrap().items.len(), 5_000);
}

#[test]
fn entities_of_a_document_are_never_looked_up() {
    let declared = "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">
        <!ENTITY c SYSTEM \"file:///etc/passwd\">]>";
    let items = "<item><title>&b;&c;&amp;&#x41;</title></item>";
    assert_eq!(
        headlines(&format!("{declared}{}", rss(items))),
        ["&b;&c;&A"]
    );
    let entry = "<entry><title>&b;&c;&amp;&#x41;</title></entry>";
    assert_eq!(
        headlines(&format!("{declared}{}", atom("", entry))),
        ["&b;&c;&A"]
    );
}

#[test]
fn titles_of_rss_are_html() {
    for (title, text) in [
        ("Nestl&amp;eacute; raises", "Nestlé raises"),
        ("Nestl&eacute; raises", "Nestlé raises"),
        ("Soci&#233;t&#xe9;", "Société"),
        ("group&#146;s &amp;#146; &#x93;x&#x94;", "group’s ’ “x”"),
        ("AT&amp;amp;T and AT&amp;T", "AT&T and AT&T"),
        (
            "&amp;rsquo;&amp;trade;&amp;ndash;&amp;CounterClockwiseContourIntegral;",
            "’™–∳",
        ),
        ("Yield &lt; 5%", "Yield < 5%"),
        ("EPS &lt;Street consensus", "EPS <Street consensus"),
        ("EPS &lt;Street&gt; consensus", "EPS <Street> consensus"),
        ("5 &gt; 3 &lt; 8", "5 > 3 < 8"),
        ("A &lt;b&gt;bold&lt;/b&gt; move", "A bold move"),
        ("un&lt;b&gt;believ&lt;/b&gt;able", "unbelievable"),
        ("un<b>believ</b>able", "unbelievable"),
        (
            "<![CDATA[Ben & Jerry's <i>new</i> flavour]]>",
            "Ben & Jerry's new flavour",
        ),
        ("<![CDATA[S&P 500 &amp; Dow]]>", "S&P 500 & Dow"),
        ("<![CDATA[a]]> &amp; <![CDATA[b]]>", "a & b"),
    ] {
        let items = format!("<item><title>{title}</title></item>");
        assert_eq!(headlines(&rss(&items)), [text], "{title}");
    }
}

#[test]
fn titles_of_atom_follow_their_type() {
    for (title, text) in [
        (
            "<title>The &lt;blink&gt; tag &amp;amp; more</title>",
            "The <blink> tag &amp; more",
        ),
        (
            "<title type='text'>The &lt;b&gt; tag</title>",
            "The <b> tag",
        ),
        (
            "<title type='html'>A &amp;lt; B &amp;amp; C &lt;b&gt;up&lt;/b&gt;</title>",
            "A < B & C up",
        ),
        ("<title type='html'><![CDATA[R&amp;D]]></title>", "R&D"),
        (
            "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>An <em>x</em>&lt;y</div></title>",
            "An x<y",
        ),
        (
            "<title type='text/html' mode='escaped'>&lt;i&gt;old&lt;/i&gt;</title>",
            "old",
        ),
    ] {
        let entry = format!("<entry>{title}</entry>");
        assert_eq!(headlines(&atom("", &entry)), [text], "{title}");
    }
}

#[test]
fn names_of_other_vocabularies_are_not_mistaken() {
    let media =
        "xmlns:media='http://search.yahoo.com/mrss/' xmlns:dc='http://purl.org/dc/elements/1.1/'";
    let item = "<item><media:group><media:title>M</media:title></media:group><media:title>M</media:title>
        <title xmlns='http://search.yahoo.com/mrss/'>M</title><title>Real</title><media:link>http://m/</media:link>
        <dc:date>2026-11-21T06:00:00Z</dc:date></item>";
    let document = rss(item).replace("<rss", &format!("<rss {media}"));
    let read = read(document).unwrap();
    assert_eq!(plain_titles(&read), ["Real"]);
    assert_eq!(
        (&read.items[0].link, &read.items[0].date),
        (&None, &Date::At(1_795_240_800_000))
    );
    // A title of Media RSS is better than none.
    assert_eq!(
        headlines(&rss("<item><media:title>M</media:title></item>")),
        ["M"]
    );
    // Without their declarations prefixes have their usual meaning.
    assert_eq!(
        headlines(&rss(
            "<item><media:title>M</media:title><dc:title>Real</dc:title></item>"
        )),
        ["Real"]
    );
    // Items need no channel.
    assert_eq!(headlines("<rss><item><title>A</title></item></rss>"), ["A"]);
    // Names in other letters are the same names.
    assert_eq!(
        headlines("<RSS><Channel><Item><Title>A</Title></Item></Channel></RSS>"),
        ["A"]
    );
}

#[test]
fn rss_1_is_read_with_its_items_beside_the_channel() {
    let document = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'>
        <channel rdf:about='http://a.example/'><title>T</title><items><rdf:Seq><rdf:li rdf:resource='http://a.example/1'/></rdf:Seq></items></channel>
        <item rdf:about='http://a.example/1'><title>One</title><dc:date>2026-11-21</dc:date></item></rdf:RDF>";
    let read = read(document).unwrap();
    assert_eq!(
        (read.title.as_str(), plain_titles(&read)),
        ("T", vec!["One".to_owned()])
    );
    let item = &read.items[0];
    assert_eq!(item.id.as_deref(), Some("http://a.example/1"));
    assert_eq!(item.link.as_ref().unwrap().as_str(), "http://a.example/1");
    assert_eq!(item.date, Date::At(1_795_219_200_000));
}

#[test]
fn links_are_those_of_the_story_and_whole() {
    for (item, link) in [
        ("<link>/news/1</link>", Some("http://a.example/news/1")),
        ("<link>2.html</link>", Some("http://a.example/feeds/2.html")),
        ("<link>//b.example/n/2</link>", Some("http://b.example/n/2")),
        (
            "<link xml:base='https://c.example/x/'>y</link>",
            Some("https://c.example/x/y"),
        ),
        ("<link>ftp://e.com/x</link>", None),
        ("<link>javascript:alert(1)</link>", None),
        (
            "<link> https://e.com/a b/ü?q=1&amp;x=2 </link>",
            Some("https://e.com/a%20b/%C3%BC?q=1&x=2"),
        ),
        ("<link>HTTP://E.com/Path</link>", Some("HTTP://E.com/Path")),
        ("<link/><guid>http://e.com/1</guid>", Some("http://e.com/1")),
        ("<guid>http://e.com/1</guid>", Some("http://e.com/1")),
        (
            "<guid isPermaLink='true'>http://e.com/1</guid>",
            Some("http://e.com/1"),
        ),
        ("<guid isPermaLink='false'>http://e.com/1</guid>", None),
        ("<guid>7</guid>", None),
        (
            "<link>http://e.com/2</link><guid>http://e.com/1</guid>",
            Some("http://e.com/2"),
        ),
        ("<enclosure url='http://e.com/a.mp3'/>", None),
        (
            "<atom:link rel='self' href='http://e.com/s'/><link>http://e.com/1</link>",
            Some("http://e.com/1"),
        ),
        ("<atom:link href='http://e.com/1'/>", Some("http://e.com/1")),
        ("<link href='http://e.com/1'/>", Some("http://e.com/1")),
    ] {
        let items = format!("<item><title>t</title>{item}</item>");
        assert_eq!(links(&rss(&items)), [link.map(str::to_owned)], "{item}");
    }
}

#[test]
fn links_of_atom_are_alternates_with_every_base() {
    for (entry, link) in [
        ("<link href='n/1'/>", Some("https://b.example/base/n/1")),
        (
            "<link rel='self' href='s'/><link rel='alternate' href='/n/1'/>",
            Some("https://b.example/n/1"),
        ),
        (
            "<link rel='license' href='l'/><link rel='enclosure' href='e'/><link rel='related' href='r'/>",
            None,
        ),
        (
            "<link rel='alternate' type='application/json' href='j'/><link type='text/html' href='h'/>",
            Some("https://b.example/base/h"),
        ),
        (
            "<link rel='alternate' type='application/pdf' href='p'/>",
            Some("https://b.example/base/p"),
        ),
        (
            "<link xml:base='../other/' href='1'/>",
            Some("https://b.example/other/1"),
        ),
        ("<id>http://e.com/e3</id>", Some("http://e.com/e3")),
        ("<id>urn:e3</id>", None),
    ] {
        let entries = format!("<entry>{entry}</entry><entry xml:base='deeper/'>{entry}</entry>");
        let found = links(&atom("xml:base='https://b.example/base/'", &entries));
        assert_eq!(found[0].as_deref(), link, "{entry}");
        if entry == "<link href='n/1'/>" {
            assert_eq!(
                found[1].as_deref(),
                Some("https://b.example/base/deeper/n/1")
            );
        }
    }
    assert_eq!(
        links(&atom("", "<entry><link href='1'/></entry>")),
        [Some("http://a.example/feeds/1".to_owned())]
    );
}

#[test]
fn a_date_that_cannot_be_read_is_kept_as_it_is_written() {
    let entry = |dates: &str| {
        read(atom("", &format!("<entry>{dates}</entry>")))
            .unwrap()
            .items[0]
            .date
            .clone()
    };
    assert_eq!(entry(""), Date::Missing);
    assert_eq!(
        entry("<updated>soon</updated>"),
        Date::Unread("soon".to_owned())
    );
    assert_eq!(
        entry("<published>soon</published><updated>2026-11-21T06:00:00Z</updated>"),
        Date::At(1_795_240_800_000)
    );
    assert_eq!(
        entry("<updated>2026-11-21T07:00:00Z</updated><published>2026-11-21T06:00:00Z</published>"),
        Date::At(1_795_240_800_000)
    );
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
        ("a<script>alert(1)</script>b<STYLE>p{}</STYLE >c", "a b c"),
        ("a<script>b", "a b"),
        ("a <b", "a <b"),
        ("a <b c", "a <b c"),
        ("if a<b and c>d", "if ad"),
        (
            "a<!-- x > y -->b<!DOCTYPE x>c<?php?>d<!-- e",
            "ab c d<!-- e",
        ),
        ("<a title=\"x > y\" href='>'>z</a>", "z"),
        ("<o:p>x</o:p><my-element>y</my-element>", "x y"),
        ("&#x202e;a\u{202e}b&#0;", "ab"),
        ("", ""),
    ] {
        assert_eq!(text_of(html), text, "{html}");
    }
    assert!(text_of(&"é".repeat(1 << 20)).len() <= 64 << 10);
    assert_eq!(cut("äöü".to_owned(), 3), "äöü");
    assert_eq!(cut("äöüß".to_owned(), 3), "äö…");
    assert_eq!(cut_at_word("one two three", 13), "one two three");
    assert_eq!(cut_at_word("one two three", 11), "one two…");
    assert_eq!(cut_at_word("one two, three", 10), "one two…");
    assert_eq!(cut_at_word("one two three", 8), "one two…");
    assert_eq!(cut_at_word("onetwothree", 5), "onet…");
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        cut in 0..RSS.len(),
        with in "[<>&;:/a-z'\"= \\[\\]!?-]{0,24}",
    ) {
        let _ = read(&bytes);
        let spot = (0..=cut).rev().find(|&at| RSS.is_char_boundary(at)).unwrap_or(0);
        let _ = read(format!("{}{with}{}", &RSS[..spot], &RSS[spot..]));
        let text = String::from_utf8_lossy(&bytes);
        let _ = (text_of(&text), time(&text), text_of(&with), time(&with));
    }

    #[test]
    fn no_date_makes_it_panic(text in "(Mon, |T|[+:/.-]| |[0-9]{1,10}|GMT|Nov|AM|é){0,14}") {
        let _ = time(&text);
    }
}
