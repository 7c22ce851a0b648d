//! `/news`: the published stories, as JSON, as CSV and as an Atom feed.

use std::sync::Arc;

use app::FoundNews;
use atom_syndication::{
    Category, Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text, WriteConfig,
};
use axum::{
    extract::{OriginalUri, Query, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    response::Response,
};
use market::{Action, Millis, News, NewsType, Symbol, wire::NEWS_PAGE};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value},
};
use tape::EventId;
use utoipa::{IntoParams, ToSchema};

use crate::http::{selection::Symbols, service::Service};
use history::{NewsFilter, Stories, read_news};
use web::{
    conditional::{self, IfNoneMatch},
    format::{self, Format},
    problem::Problem,
    query,
};

/// The query of `/news`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NewsQuery {
    /// Stories about one of these symbols, separated by commas; about any by default, or for `*`.
    #[param(example = "GOOG,AAPL")]
    symbols: Option<String>,
    /// Stories of these types, separated by commas.
    #[param(example = "filing,halt")]
    r#type: Option<String>,
    /// Stories from before this id: the `next` of the previous page.
    #[param(example = "1732111111202-4217001", pattern = r"^[0-9]+-[0-9]+$")]
    before: Option<String>,
    /// The largest number of stories.
    #[param(value_type = Option<u64>, maximum = 500, default = 50)]
    limit: Option<String>,
    /// Words that the headline or summary must contain, in any case; the last may be the beginning of a word.
    #[param(max_length = 200)]
    q: Option<String>,
    /// The format of the answer, in place of `Accept`.
    #[param(pattern = "^(json|csv|atom)$")]
    format: Option<String>,
}

/// Stories, newest first.
#[derive(Serialize, ToSchema)]
struct NewsPage {
    /// The stories.
    news: Vec<Story>,
    /// The `before` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next: Option<String>,
}

/// A story in its newest version.
#[derive(Serialize, ToSchema)]
struct Story {
    /// The id of the event that published it.
    event_id: String,
    #[serde(flatten)]
    news: News,
}

// The description of `limit` repeats it: an attribute takes a literal alone.
const _: () = assert!(NEWS_PAGE == 50);

/// The most stories in one answer.
const MAX_STORIES: u64 = 500;

/// The longest text that is searched for, in characters.
const MAX_WORDS: usize = 200;

/// The formats of the answer.
const FORMATS: [Format; 3] = [Format::Json, Format::Csv, Format::Atom];

/// The published news, newest first.
///
/// From the archive, and from the tape as far as the archive has not written it yet. Each story is in its newest
/// version; an updated one moves to the front. If there are more, a `Link` of the relation `next` leads to them.
#[utoipa::path(
    get,
    path = "/news",
    params(NewsQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The stories", content(
            (NewsPage = "application/json"),
            (String = "text/csv"),
            (String = "application/atom+xml"),
        )),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed, or names too many symbols"),
        (status = 406, description = "None of the three is accepted"),
    )
)]
pub(crate) async fn news(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query: NewsQuery = query::strict(&uri)?;
    let filter = filter(&query, service.limits.symbols)?;
    let before = query.before.as_deref().map(str::parse::<EventId>);
    let before = before
        .transpose()
        .map_err(|error| Problem::Malformed(format!("before: {error}")))?;
    let limit = query::number(
        "limit",
        query.limit.as_deref(),
        "a number of stories from 0 to 500",
        MAX_STORIES,
    )?
    .map_or(NEWS_PAGE, |limit| limit as usize);
    let format = format::choose(&headers, query.format.as_deref(), &FORMATS)?;

    let tape = service.tape.clone();
    let address = uri.clone();
    let (content, next) = service
        .read(move |past| {
            let Stories { stories, next } = read_news(past, &tape, &filter, before, limit)?;
            let content = match format {
                Format::Json => json(stories, next),
                Format::Csv => csv(&stories),
                Format::Atom => atom(&stories, next, &address),
            }?;
            Ok((content, next))
        })
        .await?;
    let mut response = conditional::content(&headers, format.content_type(), content);
    let headers = response.headers_mut();
    if let Some(next) = next {
        headers.extend(format::next(&uri, "before", &next).map(|link| (header::LINK, link)));
    }
    if format == Format::Csv {
        let name = HeaderValue::from_static("attachment; filename=\"news.csv\"");
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The answer of an address of `/news` at a position; nothing if the address is malformed, as when its filter is for
/// the open symbol and none is open. If the archive cannot be read it is the tape's content, so that there is a page at
/// all.
pub(super) async fn found(
    service: &Service,
    address: &str,
    position: EventId,
) -> Option<FoundNews> {
    let address: Uri = address.parse().ok()?;
    let Query(query) = Query::<NewsQuery>::try_from_uri(&address).ok()?;
    let filter = filter(&query, service.limits.symbols).ok()?;
    // Later stories come by the stream.
    let before = Some(EventId {
        n: position.n.saturating_add(1),
        ..position
    });
    let (tape, wanted) = (service.tape.clone(), filter.clone());
    let read = service
        .history
        .read(move |past| read_news(past, &tape, &wanted, before, NEWS_PAGE))
        .await;
    let Stories { stories, next } = read
        .or_else(|error| {
            tracing::error!("the news of the page is drawn without the archive: {error}");
            read_news(None, &service.tape, &filter, before, NEWS_PAGE)
        })
        .ok()?;
    let news = stories.into_iter().map(|(_, news)| news);
    Some(FoundNews {
        news: news.filter(|news| news.action != Action::Deleted).collect(),
        next: next.map(|id| id.to_string()),
    })
}

fn filter(query: &NewsQuery, most: usize) -> Result<NewsFilter, Problem> {
    let symbols = match &query.symbols {
        None => Vec::new(),
        Some(text) => match Symbols::parse("symbols", text, most)? {
            Symbols::All => Vec::new(),
            Symbols::These(symbols) => symbols,
        },
    };
    let types = query.r#type.as_deref().unwrap_or_default().split(',');
    let types = types.map(str::trim).filter(|text| !text.is_empty());
    let types: Result<Vec<NewsType>, Problem> = types.map(news_type).collect();
    let words = query.q.as_deref().unwrap_or_default();
    query::at_most("q", words, MAX_WORDS)?;
    let words = market::words_of(words);
    Ok(NewsFilter {
        symbols,
        types: types?,
        words,
    })
}

fn news_type(text: &str) -> Result<NewsType, Problem> {
    let text: value::StrDeserializer<'_, value::Error> = text.into_deserializer();
    NewsType::deserialize(text)
        .map_err(|error| Problem::Malformed(format!("type names no type of news: {error}")))
}

/// A word as in JSON.
fn word(of: &impl Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn json(stories: Vec<(EventId, News)>, next: Option<EventId>) -> Result<Vec<u8>, String> {
    let stories = stories.into_iter().map(|(id, news)| Story {
        event_id: id.to_string(),
        news,
    });
    let page = NewsPage {
        news: stories.collect(),
        next: next.map(|id| id.to_string()),
    };
    serde_json::to_vec(&page).map_err(|error| error.to_string())
}

fn csv(stories: &[(EventId, News)]) -> Result<Vec<u8>, String> {
    let names = [
        "event_id",
        "id",
        "published",
        "time",
        "type",
        "basis",
        "action",
        "symbols",
        "headline",
        "summary",
        "url",
        "source",
        "form",
        "accession",
        "code",
    ];
    let optional = |text: &Option<String>| text.as_deref().map_or(String::new(), format::cell);
    format::csv(&names, stories, |(event_id, news)| {
        [
            event_id.to_string(),
            format::cell(&news.id),
            news.published.to_string(),
            format::iso(news.published),
            word(&news.kind),
            word(&news.basis),
            word(&news.action),
            format::cell(&symbols(news, " ")),
            format::cell(&news.headline),
            optional(&news.summary),
            news.url
                .as_ref()
                .map_or(String::new(), |url| url.as_str().to_owned()),
            format::cell(&news.source),
            optional(&news.form),
            optional(&news.accession),
            optional(&news.code),
        ]
    })
}

fn symbols(news: &News, between: &str) -> String {
    let symbols: Vec<&str> = news.symbols.iter().map(Symbol::as_str).collect();
    symbols.join(between)
}

/// A feed ([RFC 4287](https://www.rfc-editor.org/rfc/rfc4287)), of which this is a page ([RFC 5005, section
/// 3](https://www.rfc-editor.org/rfc/rfc5005#section-3)). Withdrawn stories are not in it: the format cannot express
/// that.
fn atom(
    stories: &[(EventId, News)],
    next: Option<EventId>,
    address: &Uri,
) -> Result<Vec<u8>, String> {
    let newest = stories.first().map_or(0, |(id, _)| id.ms);
    let link = |rel: &str, href: String| Link {
        href,
        rel: rel.to_owned(),
        mime_type: Some(Format::Atom.content_type().to_owned()),
        ..Link::default()
    };
    let of_address = address.to_string();
    let mut links = vec![link("self", xml(&of_address))];
    if let Some(next) = next {
        links.push(link(
            "next",
            format::with_parameter(address, "before", &next),
        ));
    }
    let feed = Feed {
        title: Text::plain("Tickertape news"),
        // The same for every page of it.
        id: format!("urn:tickertape:news:{}", escaped(&filter_of(address))),
        updated: moment(newest)?,
        authors: vec![person("Tickertape")],
        generator: Some(Generator {
            value: "Tickertape".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            uri: None,
        }),
        links,
        entries: stories
            .iter()
            .filter(|(_, news)| news.action != Action::Deleted)
            .map(|(id, news)| entry(*id, news))
            .collect::<Result<_, _>>()?,
        ..Feed::default()
    };
    let config = WriteConfig {
        write_document_declaration: true,
        indent_size: None,
    };
    feed.write_with_config(Vec::new(), config)
        .map_err(|error| error.to_string())
}

fn entry(id: EventId, news: &News) -> Result<Entry, String> {
    let summary = news.summary.as_deref().map(xml);
    let category = |term: String, scheme: &str, label: Option<&str>| Category {
        term,
        scheme: Some(format!("urn:tickertape:{scheme}")),
        label: label.map(str::to_owned),
    };
    let kind = category(word(&news.kind), "type", Some(news.kind.label()));
    let of_symbols = news.symbols.iter();
    let of_symbols = of_symbols.map(|symbol| category(symbol.to_string(), "symbol", None));
    let url = news.url.as_ref().map(|url| Link {
        href: xml(url.as_str()),
        rel: "alternate".to_owned(),
        ..Link::default()
    });
    // An entry without a link must have content.
    let content = url.is_none().then(|| Content {
        value: Some(summary.clone().unwrap_or_else(|| xml(&news.headline))),
        content_type: Some("text".to_owned()),
        ..Content::default()
    });
    Ok(Entry {
        title: Text::plain(xml(&news.headline)),
        id: format!("urn:tickertape:story:{}", escaped(&news.id)),
        updated: moment(id.ms)?,
        published: Some(moment(news.published)?),
        authors: vec![person(&xml(&news.source))],
        categories: std::iter::once(kind).chain(of_symbols).collect(),
        links: url.into_iter().collect(),
        summary: summary.map(Text::plain),
        content,
        ..Entry::default()
    })
}

fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        ..Person::default()
    }
}

fn moment(time: Millis) -> Result<FixedDateTime, String> {
    let text = format::iso(time);
    // A source may give any number; beyond the year 9999 it is not in the calendar.
    let text = if text.is_empty() {
        format::iso(0)
    } else {
        text
    };
    text.parse()
        .map_err(|error| format!("{text} is no moment: {error}"))
}

/// The address without the parameters that differ from page to page.
fn filter_of(address: &Uri) -> String {
    let parts = address.query().unwrap_or_default().split('&');
    let own = parts.filter(|part| {
        let name = part.split('=').next();
        !matches!(name, Some("before" | "limit" | "format"))
    });
    own.collect::<Vec<_>>().join("&")
}

/// A text without characters that are invalid in XML ([XML 1.0, section 2.2](https://www.w3.org/TR/xml/#charsets)).
fn xml(text: &str) -> String {
    let allowed = |letter: &char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(allowed).collect()
}

/// A text as a part of a URN.
fn escaped(text: &str) -> String {
    const KEPT: &AsciiSet = &format::UNRESERVED.remove(b':');
    utf8_percent_encode(text, KEPT).to_string()
}
