use proptest::prelude::*;

use super::*;
use crate::kit::markup::Text;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn item(id: Option<&str>, address: Option<&str>) -> Item {
    Item {
        id: id.map(str::to_owned),
        address: address.map(str::to_owned),
        link: address.and_then(|address| address.trim().parse().ok()),
        ..Item::default()
    }
}

#[test]
fn a_story_is_known_by_what_is_its_own_and_by_its_feed() {
    let feed = url("https://a.example:8443/news/feed.xml");
    let id =
        |guid, link, headline: &str| Identity::of(&item(guid, link), headline, |_| false).id(&feed);
    assert_eq!(
        id(Some("https://b.example/1"), None, "h"),
        "rss:a.example:8443/news/feed.xml:https://b.example/1"
    );
    assert_eq!(
        id(Some(" 7 "), Some("https://l"), "h"),
        "rss:a.example:8443/news/feed.xml:7"
    );
    assert_eq!(
        id(Some(" "), Some("https://l"), "h"),
        "rss:a.example:8443/news/feed.xml:https://l"
    );
    assert_ne!(id(None, None, "h"), id(None, None, "i"));
    let long = "x".repeat(300);
    assert!(id(Some(&long), None, "h").len() < MAX_ID);
    assert_ne!(
        id(Some(&long), None, "h"),
        id(Some(&format!("{long}y")), None, "h")
    );
}

#[test]
fn two_feeds_of_one_host_are_two() {
    let story = Identity::of(&item(Some("12345"), None), "h", |_| false);
    let feeds = [
        "http://a.example/1",
        "http://a.example/2",
        "http://a.example:81/1",
        "http://a.example/1?key=secret",
        "http://a.example/1?s=B",
    ];
    let ids = feeds.map(|feed| story.id(&url(feed)));
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id) && !id.contains("secret"), "{id}");
    }
    // A move to https is no move to another feed.
    assert_eq!(ids[0], story.id(&url("https://a.example/1")));
}

#[test]
fn an_address_that_several_stories_share_is_not_all_that_they_are_known_by() {
    let feed = url("http://a.example/1");
    let item = item(None, Some("https://a.example/all"));
    let one = Identity::of(&item, "One", |link| link == "https://a.example/all");
    let other = Identity::of(&item, "Other", |_| true);
    let alone = Identity::of(&item, "One", |_| false);
    assert_ne!(one.id(&feed), other.id(&feed));
    assert_eq!(alone.id(&feed), "rss:a.example/1:https://a.example/all");
    assert_eq!(
        one.former(&item, &feed),
        [alone.id(&feed), "rss:https://a.example/all".to_owned()]
    );
}

#[test]
fn ids_of_earlier_versions_are_found() {
    let feed = url("http://a.example:81/1");
    for (guid, link, former) in [
        (Some("7"), None, "rss:a.example:7"),
        (Some("tag:a,2026:7"), Some("https://l"), "rss:tag:a,2026:7"),
        (None, Some(" /news/1 "), "rss:/news/1"),
    ] {
        let item = item(guid, link);
        let identity = Identity::of(&item, "h", |_| false);
        assert_eq!(identity.former(&item, &feed), [former]);
    }
}

#[test]
fn only_symbols_of_the_us_are_taken() {
    for (category, symbol) in [
        ("Nasdaq:SMCI", Some("SMCI")),
        ("NYSE: BRK.A", Some("BRK.A")),
        ("NYSE American:UEC", Some("UEC")),
        ("Other OTC:ABCD", Some("ABCD")),
        ("Nasdaq Stockholm:ERIC", None),
        ("Frankfurt:SMCI", None),
        ("TSX:SHOP", None),
        ("Nasdaqx:A", None),
        ("Nasdaq:", None),
        ("SMCI", None),
        ("", None),
    ] {
        let expected = symbol.map(|symbol| symbol.parse().unwrap());
        assert_eq!(american(category), expected, "{category}");
    }
}

#[test]
fn a_story_without_a_title_begins_with_its_description() {
    let long = format!("Profits rise by a tenth, {}", "and so on ".repeat(40));
    for (title, summary, headline) in [
        (None, Some("Short note about AAPL"), "Short note about AAPL"),
        (Some(" "), Some("<p>Body &amp; only</p>"), "Body & only"),
        (Some("Title"), Some("Body"), "Title"),
        (None, None, ""),
    ] {
        let html = |text: &str| Text::Html(text.to_owned());
        let item = Item {
            title: title.map(html),
            summary: summary.map(html),
            ..Item::default()
        };
        assert_eq!(Story::of(&item, "a.example").headline, headline);
    }
    let item = Item {
        summary: Some(Text::Plain(long)),
        ..Item::default()
    };
    let story = Story::of(&item, "a.example");
    let count = story.headline.chars().count();
    assert!((130..=MAX_BORROWED).contains(&count), "{}", story.headline);
    assert!(
        story.headline.ends_with("so…")
            || story.headline.ends_with("on…")
            || story.headline.ends_with("and…")
    );
}

proptest! {
    #[test]
    fn no_item_makes_it_panic(title in "\\PC*", guid in "\\PC*", link in "\\PC*") {
        let item = Item {
            title: Some(Text::Html(title.clone())),
            summary: Some(Text::Plain(title)),
            id: Some(guid.clone()),
            address: Some(link),
            categories: vec![("https://a.example/rss/stock".to_owned(), guid)],
            ..Item::default()
        };
        let story = Story::of(&item, "a.example");
        let identity = Identity::of(&item, &story.headline, |_| true);
        let id = identity.id(&url("http://a.example/"));
        prop_assert!(id.chars().count() <= MAX_ID && story.headline.chars().count() <= MAX_HEADLINE);
        prop_assert_eq!(market::plain(&story.headline), story.headline);
    }
}
