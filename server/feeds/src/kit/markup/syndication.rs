use std::time::Duration;

use market::Link;
use reqwest::Url;

use super::{
    document::{Date, Form, Item, Syndication, Text},
    faults::Faults,
    html,
    tree::{Element, Space, Tree},
};

/// The most stories of one document.
const MAX_ITEMS: usize = 5_000;

/// The most fields of other vocabularies and the most categories of one story.
const MAX_FIELDS: usize = 50;

/// The longest address of a story, in bytes.
const MAX_LINK_BYTES: usize = 2_000;

/// Extracts the stories of a document from this address.
pub(super) fn of(tree: Tree, address: &Url, mut faults: Faults) -> Result<Syndication, String> {
    let form = |root: &Element| match root.name.as_str() {
        "rss" => Some(Form::Rss),
        "rdf" if root.space == Space::Rdf => Some(Form::Rss),
        "feed" => Some(Form::Atom),
        _ => None,
    };
    let Some((root, form)) = tree.roots.iter().find_map(|root| Some((root, form(root)?))) else {
        return Err(match tree.roots.first() {
            Some(_) | None if !tree.is_whole => broken_off(),
            Some(other) => {
                let other: String = other.name.chars().take(32).collect();
                format!("it is a document of <{other}>: expected RSS or Atom")
            }
            None => "it is no XML".to_owned(),
        });
    };
    if tree.roots.len() > 1 {
        faults.add(format_args!("elements beside <{:.40}>", root.name));
    }
    let mut read = match form {
        Form::Rss => rss(root, address).map_err(|why| match tree.is_whole {
            true => why,
            false => broken_off(),
        })?,
        Form::Atom => atom(root, address),
    };
    if !tree.is_whole {
        if read.items.is_empty() {
            return Err(broken_off());
        }
        faults.add(format_args!(
            "it breaks off after {} stories",
            read.items.len()
        ));
    }
    read.is_whole = tree.is_whole;
    read.faults = faults.texts;
    Ok(read)
}

fn broken_off() -> String {
    "it breaks off in the middle".to_owned()
}

fn rss(root: &Element, address: &Url) -> Result<Syndication, String> {
    let named =
        |element: &&Element, name: &str| element.name == name && element.space == Space::Plain;
    // A document without a channel may have items all the same.
    let channel = root.children().find(|child| named(child, "channel"));
    if channel.is_none() && !root.children().any(|child| named(&child, "item")) {
        return Err("it is no RSS that can be read: expected a <channel>".to_owned());
    }
    let outer = based(address, root);
    let inner = channel.map_or_else(|| outer.clone(), |channel| based(&outer, channel));
    // RSS 0.9 and 1.0 have their items beside the channel.
    let inside = channel.into_iter().flat_map(Element::children);
    let inside = inside.map(|child| (child, &inner));
    let beside = root.children().map(|child| (child, &outer));
    let items = inside
        .chain(beside)
        .filter(|(child, _)| named(child, "item"))
        .take(MAX_ITEMS)
        .map(|(child, base)| item(child, &based(base, child)));
    let text = |name: &str| {
        let found = channel?.children().find(|child| named(child, name));
        found.map(Element::text)
    };
    let minutes: Option<u64> = text("ttl").and_then(|text| text.trim().parse().ok());
    Ok(Syndication {
        form: Form::Rss,
        title: html::text_of(&text("title").unwrap_or_default()),
        link: text("link").and_then(|text| resolve(&inner, &text)),
        ttl: minutes.map(|minutes| Duration::from_secs(minutes.min(24 * 60) * 60)),
        items: items.collect(),
        faults: Vec::new(),
        is_whole: true,
    })
}

/// Parses an item of RSS.
fn item(item: &Element, base: &Url) -> Item {
    let texts = |names: &[(Space, &str)]| first_text(item, names);
    let guid = child(item, Space::Plain, "guid");
    let is_permalink = guid.is_some_and(|guid| {
        let is_link = guid.attribute("ispermalink").unwrap_or("true");
        !is_link.trim().eq_ignore_ascii_case("false")
    });
    let about = item.attribute("rdf:about").map(str::to_owned);
    let id = texts(&[(Space::Plain, "guid")])
        .or_else(|| texts(&[(Space::Plain, "id"), (Space::Atom, "id")]))
        .or_else(|| about.clone());
    let own = own_link(item, base);
    let permalink = id.as_deref().filter(|id| is_permalink && is_of_the_web(id));
    let link = own
        .as_ref()
        .and_then(|(address, base)| resolve(base, address))
        .or_else(|| resolve(base, permalink?))
        .or_else(|| resolve(base, about.as_deref()?));
    let html = |text: String| Text::Html(text);
    Item {
        title: texts(&[
            (Space::Plain, "title"),
            (Space::DublinCore, "title"),
            (Space::Atom, "title"),
            (Space::Media, "title"),
        ])
        .map(html),
        summary: texts(&[
            (Space::Plain, "description"),
            (Space::DublinCore, "description"),
            (Space::Terms, "abstract"),
            (Space::Content, "encoded"),
            (Space::Atom, "summary"),
            (Space::Atom, "content"),
            (Space::Xhtml, "body"),
        ])
        .map(html),
        id,
        address: own.map(|(address, _)| address),
        link,
        date: dates(
            item,
            &[
                (Space::Plain, "pubdate"),
                (Space::DublinCore, "date"),
                (Space::Terms, "issued"),
                (Space::Terms, "created"),
                (Space::Terms, "modified"),
                (Space::Atom, "published"),
                (Space::Atom, "updated"),
                (Space::Plain, "date"),
                (Space::Plain, "published"),
                (Space::Plain, "updated"),
            ],
        ),
        categories: categories(item),
        fields: item
            .children()
            .filter(|child| child.space == Space::Other)
            .take(MAX_FIELDS)
            .map(|child| (child.name.clone(), child.text()))
            .collect(),
    }
}

/// The address of an RSS item itself, and the base of relative ones.
fn own_link(item: &Element, base: &Url) -> Option<(String, Url)> {
    item.children()
        .filter(|child| child.name == "link" && child.space == Space::Plain)
        .find_map(|link| {
            let text = link.text();
            let address = match text.trim() {
                "" => link.attribute("href")?.to_owned(),
                text => text.to_owned(),
            };
            Some((address, based(base, link)))
        })
        .or_else(|| alternate(item, base))
}

fn atom(root: &Element, address: &Url) -> Syndication {
    let base = based(address, root);
    let entries = root
        .children()
        .filter(|child| child.name == "entry" && is_atom(child))
        .take(MAX_ITEMS)
        .map(|child| entry(child, &based(&base, child)));
    Syndication {
        form: Form::Atom,
        title: atom_text(root, &["title"]).map_or_else(String::new, |text| text.plain()),
        link: alternate(root, &base).and_then(|(address, base)| resolve(&base, &address)),
        ttl: None,
        items: entries.collect(),
        faults: Vec::new(),
        is_whole: true,
    }
}

/// Parses an entry of Atom.
fn entry(entry: &Element, base: &Url) -> Item {
    let address = alternate(entry, base);
    let both = |name| [(Space::Atom, name), (Space::Plain, name)];
    let id = first_text(entry, &both("id"));
    // Without a link, an id that is an address is usually that of the story.
    let link = match &address {
        Some((address, base)) => resolve(base, address),
        None => id
            .as_deref()
            .filter(|id| is_of_the_web(id))
            .and_then(|id| resolve(base, id)),
    };
    Item {
        title: atom_text(entry, &["title"]),
        summary: atom_text(entry, &["summary", "content"]),
        id,
        address: address.map(|(address, _)| address),
        link,
        date: dates(
            entry,
            &[
                both("published"),
                both("issued"),
                both("created"),
                both("updated"),
                both("modified"),
                [(Space::DublinCore, "date"), (Space::Terms, "issued")],
            ]
            .concat(),
        ),
        categories: categories(entry),
        fields: Vec::new(),
    }
}

fn is_atom(element: &Element) -> bool {
    matches!(element.space, Space::Atom | Space::Plain)
}

fn child<'a>(of: &'a Element, space: Space, name: &str) -> Option<&'a Element> {
    of.children()
        .find(|child| child.space == space && child.name == name)
}

/// The text of the first non-empty child with one of these names, in the order of the names.
fn first_text(of: &Element, names: &[(Space, &str)]) -> Option<String> {
    names.iter().find_map(|(space, name)| {
        of.children()
            .filter(|child| child.space == *space && child.name == *name)
            .map(Element::text)
            .find(|text| !text.trim().is_empty())
    })
}

fn dates(of: &Element, names: &[(Space, &str)]) -> Date {
    let texts: Vec<String> = names
        .iter()
        .filter_map(|(space, name)| Some(child(of, *space, name)?.text()))
        .collect();
    Date::first(texts.iter().map(String::as_str))
}

/// The first text with one of these names, parsed according to its type ([RFC 4287, section
/// 3.1](https://www.rfc-editor.org/rfc/rfc4287#section-3.1)).
fn atom_text(of: &Element, names: &[&str]) -> Option<Text> {
    names.iter().find_map(|name| {
        of.children()
            .filter(|child| child.name == *name && is_atom(child))
            .map(construct)
            .find(|text| !text.plain().is_empty())
    })
}

fn construct(element: &Element) -> Text {
    let kind = element
        .attribute("type")
        .unwrap_or("text")
        .trim()
        .to_ascii_lowercase();
    let has_elements = element.children().next().is_some();
    let text = element.text();
    match kind.as_str() {
        // Elements in a text are not markup: they are parsed already.
        "html" | "text/html" if !has_elements => Text::Html(text),
        // Atom 0.3 escapes XHTML, too.
        "application/xhtml+xml" | "xhtml" if !has_elements => Text::Html(text),
        _ => Text::Plain(text),
    }
}

/// The address of a story in Atom: that of its alternate link, or of a link without a relation.
fn alternate(of: &Element, base: &Url) -> Option<(String, Url)> {
    let is_page = |link: &&Element| {
        let rel = link.attribute("rel").unwrap_or("alternate").trim();
        rel.is_empty()
            || rel.eq_ignore_ascii_case("alternate")
            || rel == "http://www.iana.org/assignments/relation/alternate"
    };
    let of_html = |link: &&Element| {
        let kind = link.attribute("type").unwrap_or("text/html");
        kind.contains("html")
    };
    let links = || {
        of.children()
            .filter(|child| child.name == "link" && is_atom(child))
            .filter(|link| link.attribute("href").is_some())
            .filter(is_page)
    };
    let link = links().find(of_html).or_else(|| links().next())?;
    Some((link.attribute("href")?.to_owned(), based(base, link)))
}

fn categories(of: &Element) -> Vec<(String, String)> {
    of.children()
        .filter(|child| child.name == "category" && is_atom(child))
        .take(MAX_FIELDS)
        .map(|category| {
            let domain = category
                .attribute("domain")
                .or(category.attribute("scheme"));
            let name = match category.attribute("term") {
                Some(term) => term.to_owned(),
                None => category.text(),
            };
            (domain.unwrap_or_default().to_owned(), name)
        })
        .collect()
}

/// The address that links in an element are relative to
/// ([XML Base](https://www.w3.org/TR/xmlbase/)).
fn based(outer: &Url, element: &Element) -> Url {
    let own = element.attribute("xml:base").map(str::trim);
    own.filter(|own| !own.is_empty())
        .and_then(|own| outer.join(own).ok())
        .filter(|base| matches!(base.scheme(), "http" | "https"))
        .unwrap_or_else(|| outer.clone())
}

fn is_of_the_web(text: &str) -> bool {
    let text = text.trim();
    ["http://", "https://"].iter().any(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// The link of an address, which is unchanged if it is absolute.
fn resolve(base: &Url, address: &str) -> Option<Link> {
    let address = address.trim();
    if address.is_empty() || address.len() > MAX_LINK_BYTES {
        return None;
    }
    let url = base.join(address).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let whole = address.parse().ok().filter(|_| is_of_the_web(address));
    whole
        .or_else(|| url.as_str().parse().ok())
        .filter(|link: &Link| link.as_str().len() <= MAX_LINK_BYTES)
}
