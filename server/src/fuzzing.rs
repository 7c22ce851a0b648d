//! The functions that the targets under `server/fuzz` call: every parser of bytes from outside, with the properties
//! that must hold for any bytes. Built for them, and for the test that gives each its seeds.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use market::{Event, Link, Millis, Price, Size, Symbol, sse::Decoder};
use tape::EventId;

use crate::{config, http};
use events::testing::through;
use feeds::{FeedSpec, fuzzing as feed};
use publication::{Format, Submission};

/// The function of a target.
pub type Target = fn(&[u8]);

/// The targets of the server by their names.
const TARGETS: [(&str, Target); 14] = [
    ("events", events),
    ("feeds", feeds),
    ("forwarded", forwarded),
    ("head", front::fuzzing::head),
    ("import", import::fuzzing::file),
    ("listings", listings),
    ("names", names),
    ("numbers", numbers),
    ("publication", publication),
    ("queries", http::fuzzing::queries),
    ("settings", config::fuzz_settings),
    ("tags", web::conditional::fuzz_tags),
    ("times", times),
    ("words", words),
];

/// All targets by their names: those of the server, and one for each kind of feed. [`archive::fuzz_coding`] is one more.
pub fn targets() -> impl Iterator<Item = (&'static str, Target)> {
    TARGETS.into_iter().chain(feed::targets().iter().copied())
}

/// Calls the target of a name.
///
/// # Panics
/// If there is none, and if a property is violated.
pub fn run(target: &str, bytes: &[u8]) {
    let known = targets().find(|(name, _)| *name == target);
    let (_, target) = known.unwrap_or_else(|| panic!("{target:?} is no target"));
    target(bytes);
}

const NOW: Millis = 1_790_000_000_000;

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A stream, as a client parses it: the result is the same however it is cut, and an event is the same when it is
/// written and parsed again.
fn events(bytes: &[u8]) {
    let read = |chunks: &[&[u8]]| {
        let mut decoder = Decoder::new();
        let mut messages = Vec::new();
        for chunk in chunks {
            decoder.push(chunk, |message| messages.push(message));
        }
        messages
    };
    let whole = read(&[bytes]);
    let (one, other) = bytes.split_at(bytes.len() / 2);
    assert_eq!(read(&[one, other]), whole);
    for message in whole {
        if let Ok(event) = Event::decode(&message.name, &message.data) {
            let again = Event::decode(event.name(), &event.data());
            assert_eq!(again.as_ref(), Ok(&event));
            through(1);
        }
    }
}

/// Names and numbers: a parsed value is displayed so that it parses to the same.
fn names(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(symbol) = text.parse::<Symbol>() {
        through(1);
        assert_eq!(symbol.to_string().parse(), Ok(symbol));
    }
    if let Ok(price) = text.parse::<Price>() {
        assert_eq!(price.to_string().parse(), Ok(price));
    }
    if let Ok(size) = text.parse::<Size>() {
        assert_eq!(size.to_string().parse(), Ok(size));
    }
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(link) = text.parse::<Link>() {
        assert_eq!(link.as_str(), text);
    }
    let plain = market::plain(text);
    assert_eq!(market::plain(&plain), plain);
}

/// The body of a publication: its accepted events satisfy the rules of publications, and parse as they are written.
fn publication(bytes: &[u8]) {
    for format in [Format::Json, Format::Lines] {
        let Ok(submission) = Submission::read(bytes, format, NOW, 100) else {
            continue;
        };
        assert!(submission.len() <= 100);
        through(submission.len());
        for draft in submission.into_drafts() {
            let event: &Event = draft.event();
            let again = Event::decode(event.name(), &event.data());
            assert_eq!(again.as_ref(), Ok(event));
            assert!(publication::check(event, NOW).is_empty());
        }
    }
}

/// The headers in which a proxy names its client.
fn forwarded(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let peer = IpAddr::from([10, 0, 0, 1]);
    for (name, header) in [
        ("x-forwarded-for", front::ClientHeader::XForwardedFor),
        ("forwarded", front::ClientHeader::Forwarded),
    ] {
        let proxies = front::Proxies {
            trusted: front::parse_network("10.0.0.0/8").into_iter().collect(),
            header,
        };
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        let _ = proxies.client(peer, &headers);
        let _ = proxies.client(IpAddr::from([192, 0, 2, 1]), &headers);
    }
}

/// A feed on the command line: its description must not fail.
fn feeds(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match text.parse::<FeedSpec>() {
        Ok(feed) => {
            assert!(!feed.about().does.is_empty());
            let _ = (feed.ready(), feed.receives());
            through(1);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A file of symbols: its accepted listings are valid.
fn listings(bytes: &[u8]) {
    match directory::read_listings(bytes) {
        Ok(listings) => {
            through(listings.len());
            for listing in listings {
                assert_eq!(listing.symbol.to_string().parse(), Ok(listing.symbol));
                assert_eq!(market::plain(&listing.name), listing.name);
                assert!(listing.tick.is_none_or(|tick| tick > Price::ZERO));
            }
        }
        Err(why) => assert!(why.len() < 10_000, "{why}"),
    }
}

/// Exact decimals, as JSON and as text.
fn numbers(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        feed::numbers(text);
    }
}

/// Times as feeds and files write them, and the headers that give how long to wait: a pattern, and after a line's end
/// the text.
fn times(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (pattern, time) = text.split_once('\n').unwrap_or(("", text));
    feed::times(time);
    import::fuzzing::time(pattern, time);
}

/// Headlines, pieces of HTML and the conditions of trades.
fn words(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        feed::words(text);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use events::testing::take_through;

    use super::*;

    fn folder(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz")
            .join(path)
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        files.map(|file| file.unwrap().path()).collect()
    }

    #[test]
    fn the_targets_are_those_that_are_built() {
        let known: BTreeSet<_> = targets().map(|(name, _)| name).chain(["archive"]).collect();
        let files = files(&folder("targets"));
        let built = files
            .iter()
            .map(|file| file.file_stem().unwrap().to_str().unwrap());
        assert_eq!(known, built.collect());
        let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let named = manifest["bin"].as_array().unwrap().iter();
        assert_eq!(
            known,
            named.map(|bin| bin["name"].as_str().unwrap()).collect()
        );
        for (name, _) in targets() {
            let code = fs::read_to_string(folder(&format!("targets/{name}.rs"))).unwrap();
            let call = format!("server::fuzzing::run({name:?}, bytes)");
            assert!(code.contains(&call), "targets/{name}.rs calls another");
        }
    }

    /// Each target's first inputs, and every input that once failed.
    #[test]
    fn every_seed_satisfies_its_target() {
        for (name, target) in targets() {
            let seeds = files(&folder("seeds").join(name));
            assert!(!seeds.is_empty(), "{name} has no seeds");
            for seed in seeds {
                println!("{}", seed.display());
                target(&fs::read(&seed).unwrap());
            }
        }
    }

    /// Otherwise a target might fail before its parser, and find nothing for ever.
    #[test]
    fn seeds_come_through_their_parsers() {
        let whole: [(&str, &[&str]); 20] = [
            ("alpaca", &["a_day"]),
            ("alpaca_news", &["a_day"]),
            ("binance", &["a_day"]),
            ("coinbase", &["a_day"]),
            ("events", &["a_stream"]),
            ("feeds", &["0", "1", "2", "3", "4", "5", "6", "7"]),
            ("finnhub", &["a_day"]),
            ("halts", &["halted_and_resumed"]),
            ("head", &["get"]),
            ("import", &["bars", "minutes", "said", "trades"]),
            ("json", &["rows", "keyed", "one"]),
            ("kraken", &["a_day"]),
            ("listings", &["listings", "other_order"]),
            ("publication", &["array"]),
            (
                "queries",
                &[
                    "all", "atom", "bars", "chart", "news", "newscsv", "one", "poll", "seconds",
                    "stream", "symbols", "words",
                ],
            ),
            (
                "recording",
                &["ours", "compressed", "answers", "binance", "coinbase"],
            ),
            ("rss", &["rss", "atom", "latin", "utf16"]),
            ("sec", &["filings"]),
            ("settings", &["settings"]),
            ("stdin", &["events"]),
        ];
        let stopped: Vec<String> = whole
            .into_iter()
            .flat_map(|(target, seeds)| seeds.iter().map(move |seed| (target, seed)))
            .filter(|(target, seed)| {
                take_through();
                let seed = folder("seeds").join(target).join(seed);
                run(target, &fs::read(seed).unwrap());
                take_through() == 0
            })
            .map(|(target, seed)| format!("{target}/{seed}"))
            .collect();
        assert_eq!(stopped, [""; 0]);
    }
}
