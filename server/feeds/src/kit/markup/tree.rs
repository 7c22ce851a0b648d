use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{faults::Faults, html};

/// The deepest element. Feeds have five levels, pages in them twenty.
const MAX_DEPTH: usize = 100;

/// The most elements. A feed of a thousand stories has some ten thousand.
const MAX_ELEMENTS: usize = 200_000;

/// The most prefixes that are declared at one place. Feeds declare ten.
const MAX_PREFIXES: usize = 200;

/// The attributes that are relevant for a story; others are dropped.
const ATTRIBUTES: [&str; 11] = [
    "rel",
    "href",
    "type",
    "mode",
    "ispermalink",
    "domain",
    "term",
    "scheme",
    "xml:base",
    "rdf:about",
    "rdf:resource",
];

/// The vocabulary of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS of any version, and names in no namespace.
    Plain,
    Atom,
    DublinCore,
    /// The further terms of Dublin Core.
    Terms,
    Content,
    Media,
    Rdf,
    Xhtml,
    Xml,
    Other,
}

impl Space {
    /// The vocabulary of a namespace.
    fn of(uri: &str) -> Option<Space> {
        let uri = uri.trim().trim_end_matches(['/', '#']).to_ascii_lowercase();
        let plain = [
            "http://purl.org/rss/1.0",
            "http://my.netscape.com/rdf/simple/0.9",
            "http://channel.netscape.com/rdf/simple/0.9",
            "http://my.netscape.com/publish/formats/rss-0.91.dtd",
            "http://blogs.law.harvard.edu/tech/rss",
            "http://purl.org/net/rss1.1",
        ];
        Some(match uri.as_str() {
            "" => Space::Plain,
            uri if plain.contains(&uri) || uri.starts_with("http://backend.userland.com/rss") => {
                Space::Plain
            }
            "http://www.w3.org/2005/atom" => Space::Atom,
            uri if uri.starts_with("http://purl.org/atom/") => Space::Atom,
            "http://purl.org/dc/elements/1.1" | "http://purl.org/dc/elements/1.0" => {
                Space::DublinCore
            }
            "http://purl.org/dc/terms" => Space::Terms,
            "http://purl.org/rss/1.0/modules/content" => Space::Content,
            "http://search.yahoo.com/mrss" | "http://www.rssboard.org/media-rss" => Space::Media,
            "http://www.w3.org/1999/02/22-rdf-syntax-ns" => Space::Rdf,
            "http://www.w3.org/1999/xhtml" => Space::Xhtml,
            "http://www.w3.org/xml/1998/namespace" => Space::Xml,
            _ => return None,
        })
    }

    /// The meaning of an undeclared prefix.
    fn by_custom(prefix: &str) -> Space {
        match prefix {
            "" => Space::Plain,
            "atom" => Space::Atom,
            "dc" => Space::DublinCore,
            "dcterms" => Space::Terms,
            "content" => Space::Content,
            "media" => Space::Media,
            "rdf" => Space::Rdf,
            "xhtml" => Space::Xhtml,
            "xml" => Space::Xml,
            _ => Space::Other,
        }
    }
}

/// An element with its relevant content. Names are in lower case, because feeds differ in that.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) space: Space,
    pub(super) name: String,
    attributes: Vec<(&'static str, String)>,
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(known, _)| *known == name)?;
        Some(value)
    }

    pub(super) fn children(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The text of the element and of those in it. Blocks of HTML stay separate.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        for node in &self.nodes {
            match node {
                Node::Text(more) => text.push_str(more),
                Node::Element(element) if html::is_hidden(&element.name) => {}
                Node::Element(element) => {
                    let is_block = !html::is_inline(&element.name);
                    text.push_str(if is_block { " " } else { "" });
                    element.write(text);
                    text.push_str(if is_block { " " } else { "" });
                }
            }
        }
    }

    fn push_text(&mut self, more: &str) {
        match self.nodes.last_mut() {
            Some(Node::Text(text)) => text.push_str(more),
            _ => self.nodes.push(Node::Text(more.to_owned())),
        }
    }
}

/// The outermost elements of a document.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) roots: Vec<Element>,
    /// Whether the document ended where its elements do.
    pub(super) is_whole: bool,
}

/// Parses the output of [`mend`](crate::kit::markup::mend::mend).
pub(super) fn read(text: &str, faults: &mut Faults) -> Result<Tree, String> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut builder = Builder::default();
    let mut is_whole = true;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => builder.open(&start, faults)?,
            Ok(Event::End(end)) => {
                let name = end.name();
                builder.close(&String::from_utf8_lossy(name.as_ref()), faults);
            }
            Ok(Event::Text(text)) => builder.text(&String::from_utf8_lossy(&text)),
            Ok(Event::CData(text)) => builder.text(&String::from_utf8_lossy(&text)),
            Ok(Event::GeneralRef(name)) => {
                let whole = format!("&{};", String::from_utf8_lossy(&name));
                match html::entity(&whole) {
                    Some((text, _)) => builder.text(&text),
                    None => builder.text(&whole),
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // All of these are about a missing end.
            Err(_) => {
                is_whole = false;
                break;
            }
        }
        faults.check()?;
    }
    is_whole &= builder.open.is_empty();
    while let Some(open) = builder.open.pop() {
        // An incomplete story may lack an essential part.
        if !matches!(open.element.name.as_str(), "item" | "entry") {
            builder.attach(open.element);
        }
    }
    Ok(Tree {
        roots: builder.roots,
        is_whole,
    })
}

#[derive(Default)]
struct Builder {
    roots: Vec<Element>,
    open: Vec<Open>,
    /// The prefixes that are declared, the innermost last.
    prefixes: Vec<(String, Space)>,
    elements: usize,
}

/// An open element.
struct Open {
    element: Element,
    /// Its name as written.
    written: String,
    /// How many prefixes were declared outside of it.
    outer: usize,
}

impl Builder {
    fn open(&mut self, start: &BytesStart<'_>, faults: &mut Faults) -> Result<(), String> {
        self.elements += 1;
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("its elements are more than {MAX_DEPTH} deep"));
        }
        if self.elements > MAX_ELEMENTS {
            return Err(format!("it has more than {MAX_ELEMENTS} elements"));
        }
        let outer = self.prefixes.len();
        let written = String::from_utf8_lossy(start.name().as_ref()).into_owned();
        let mut kept = Vec::new();
        for attribute in start.html_attributes().with_checks(false) {
            let Ok(attribute) = attribute else {
                faults.add(format_args!(
                    "an attribute of <{:.40}> that has no form",
                    written
                ));
                continue;
            };
            let name = String::from_utf8_lossy(attribute.key.as_ref()).to_ascii_lowercase();
            let value = String::from_utf8_lossy(&attribute.value);
            if name == "xmlns" || name.starts_with("xmlns:") {
                let prefix = name.strip_prefix("xmlns:").unwrap_or_default();
                // RSS has no namespace, whatever its generator declares.
                if !(prefix.is_empty() && written.eq_ignore_ascii_case("rss")) {
                    self.declare(prefix, &html::unescaped(&value))?;
                }
            } else if let Some(name) = ATTRIBUTES.iter().find(|known| **known == name) {
                kept.push((*name, html::unescaped(&value)));
            }
        }
        let (prefix, name) = written.split_once(':').unwrap_or(("", &written));
        let element = Element {
            space: self.space(&prefix.to_ascii_lowercase()),
            name: name.to_ascii_lowercase(),
            attributes: kept,
            nodes: Vec::new(),
        };
        self.open.push(Open {
            element,
            written,
            outer,
        });
        Ok(())
    }

    fn declare(&mut self, prefix: &str, uri: &str) -> Result<(), String> {
        if self.prefixes.len() >= MAX_PREFIXES {
            return Err(format!(
                "it declares more than {MAX_PREFIXES} prefixes at one place"
            ));
        }
        let unknown = match prefix {
            "" => Space::Plain,
            _ => Space::Other,
        };
        let space = Space::of(uri).unwrap_or(unknown);
        self.prefixes.push((prefix.to_owned(), space));
        Ok(())
    }

    fn space(&self, prefix: &str) -> Space {
        let mut declared = self.prefixes.iter().rev();
        let found = declared.find(|(known, _)| known == prefix);
        found.map_or_else(|| Space::by_custom(prefix), |(_, space)| *space)
    }

    fn close(&mut self, written: &str, faults: &mut Faults) {
        let Some(at) = self.open.iter().rposition(|open| open.written == written) else {
            if !self.open.is_empty() {
                faults.add(format_args!("</{written:.40}> without a beginning"));
            }
            return;
        };
        while self.open.len() > at {
            let Some(open) = self.open.pop() else {
                return;
            };
            if self.open.len() > at {
                faults.add(format_args!("<{:.40}> without an end", open.written));
            }
            self.prefixes.truncate(open.outer);
            self.attach(open.element);
        }
    }

    fn attach(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(open) => open.element.nodes.push(Node::Element(element)),
            None => self.roots.push(element),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = self.open.last_mut() {
            open.element.push_text(text);
        }
    }
}
