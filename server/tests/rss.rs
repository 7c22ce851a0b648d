//! The feed of RSS and Atom against servers that play documents, valid and invalid.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use feeds::{
    FeedSpec,
    fetch::Timeouts,
    sources::rss::{Options, Rss},
};
use market::{Action, Basis, FeedState, News, NewsType};
use support::{
    script::{Reply, Script, ok, status},
    stage::Stage,
};

/// Sat, 21 Nov 2026 06:00:00 GMT
const SIX: u64 = 1_795_240_800_000;

fn options(urls: &[String]) -> Options {
    let list: Vec<String> = urls.iter().map(|url| format!("{url:?}")).collect();
    let table = format!("url = [{}]", list.join(","));
    let FeedSpec::Rss(mut options) = FeedSpec::from_table("rss", table.parse().unwrap()).unwrap()
    else {
        panic!("{table}");
    };
    options.interval = Duration::from_millis(5);
    options
}

fn start(options: Options) -> Stage {
    let feed = Rss::new(options).with_timeouts(Timeouts {
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(3),
        answer: Duration::from_secs(10),
    });
    Stage::at(Arc::new(|| SIX + 3_600_000), feed)
}

fn rss(items: &[&str]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>The Wire &amp; Co</title><link>https://a.example</link>{}</channel></rss>",
        items.concat()
    )
}

#[tokio::test]
async fn releases_of_globenewswire_know_their_symbols() {
    let item = "<item><guid isPermaLink=\"true\">https://www.globenewswire.com/news-release/2026/11/21/1/0/en/A.html</guid><link>https://www.globenewswire.com/news-release/2026/11/21/1/0/en/A.html</link><category domain=\"https://www.globenewswire.com/rss/stock\">Nasdaq:SMCI</category><category domain=\"https://www.globenewswire.com/rss/stock\">Frankfurt:MS51</category><category domain=\"https://www.globenewswire.com/rss/ISIN\">US86800U1043</category><category domain=\"https://www.globenewswire.com/rss/keyword\">NYSE:NO</category><title>Supermicro Names a New &amp;amp; Old CFO</title><description><![CDATA[<p align=\"left\">SAN JOSE,&nbsp;Calif. <script>alert(1)</script></p>]]></description><pubDate>Sat, 21 Nov 2026 06:00 GMT</pubDate></item>";
    let script = Script::of([ok(rss(&[item]))]).await;
    let mut stage = start(options(&[script.url("/rss")]));
    let story = stage.stories(1).await.remove(0);
    let place = script.url("/rss").replace("http://", "");
    assert_eq!(
        story.id,
        format!("rss:{place}:https://www.globenewswire.com/news-release/2026/11/21/1/0/en/A.html")
    );
    assert_eq!(
        (story.kind, story.basis),
        (NewsType::PressRelease, Basis::Mapped)
    );
    let symbols: Vec<&str> = story.symbols.iter().map(|symbol| symbol.as_str()).collect();
    assert_eq!(symbols, ["SMCI"]);
    assert_eq!(story.headline, "Supermicro Names a New & Old CFO");
    assert_eq!(story.summary.as_deref(), Some("SAN JOSE, Calif."));
    assert_eq!(story.source, "The Wire & Co");
    assert_eq!(story.published, SIX);
    assert!(story.url.is_some());
    assert_eq!(stage.status().name, "RSS of 127.0.0.1");
    stage.end().await;
}

#[tokio::test]
async fn atom_is_read_as_well_and_types_are_guessed_or_given() {
    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Blog</title>
        <entry><id>tag:a,2026:2</id><title type=\"html\">Acme &lt;b&gt;appoints&lt;/b&gt; Jane Doe as CEO</title><link rel=\"self\" href=\"https://a.example/self\"/><link href=\"https://a.example/2\"/><updated>2026-11-21T06:00:00Z</updated><published>2026-11-21T05:59:00Z</published><summary>s</summary></entry>
        <entry><id>1</id><title>Weather is fine</title><link href=\"javascript:alert(1)\"/><updated>2026-11-21T01:00:00-05:00</updated></entry></feed>";
    let script = Script::of([ok(feed)]).await;
    let mut given = options(&[script.url("/atom")]);
    let mut stage = start(given.clone());
    let stories = stage.stories(2).await;
    stage.end().await;
    let place = script.url("/atom").replace("http://", "");
    assert_eq!(stories[0].id, format!("rss:{place}:1"));
    assert_eq!(
        (stories[0].kind, stories[0].basis),
        (NewsType::Headline, Basis::Native)
    );
    assert_eq!((stories[0].url.as_ref(), stories[0].published), (None, SIX));
    assert_eq!(stories[1].id, format!("rss:{place}:tag:a,2026:2"));
    assert_eq!(stories[1].headline, "Acme appoints Jane Doe as CEO");
    assert_eq!(
        (stories[1].kind, stories[1].basis),
        (NewsType::Management, Basis::Inferred)
    );
    assert_eq!(
        stories[1].url.as_ref().unwrap().as_str(),
        "https://a.example/2"
    );
    assert_eq!(stories[1].published, SIX - 60_000);

    given.kind = Some(NewsType::Macro);
    given.symbols = vec!["ACME".parse().unwrap()];
    given.name = Some("The blog".to_owned());
    let mut stage = start(given);
    for story in stage.stories(2).await {
        assert_eq!((story.kind, story.basis), (NewsType::Macro, Basis::Mapped));
        assert_eq!(story.symbols[0].as_str(), "ACME");
        assert_eq!(story.source, "The blog");
    }
    assert_eq!(stage.status().name, "The blog");
    stage.end().await;
}

#[tokio::test]
async fn a_story_is_told_once_and_again_when_it_changes() {
    let story = |title: &str| format!("<item><guid>7</guid><title>{title}</title></item>");
    let other = "<item><link>https://a.example/8</link><title>Other</title></item>".to_owned();
    let nameless = "<item><title>Nameless</title><pubDate>some day</pubDate></item>".to_owned();
    let all = |first: &str| rss(&[&story(first), &other, &nameless, &story(first)]);
    let script = Script::of([
        ok(all("One")),
        ok(all("One")),
        ok(all("Two")),
        ok(rss(&[&other])),
        ok(all("Two")).with("etag", "\"2\""),
        status(304),
    ])
    .await;
    let mut stage = start(options(&[script.url("/rss")]));
    let stories = stage.stories(4).await;
    let requests = script.wait_for_requests(9).await;
    assert_eq!(stage.more_stories(), []);
    let published: Vec<_> = stories
        .iter()
        .map(|news| (news.headline.as_str(), news.action, news.published))
        .collect();
    let now = SIX + 3_600_000;
    assert_eq!(
        published,
        [
            ("Nameless", Action::Created, now),
            ("Other", Action::Created, now),
            ("One", Action::Created, now),
            ("Two", Action::Updated, now),
        ]
    );
    assert_eq!(requests.last().unwrap().header("if-none-match"), "\"2\"");
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn an_identity_that_two_items_have_is_published_once() {
    let item = |guid: &str, title: &str, hour: u32| {
        format!(
            "<item><guid isPermaLink=\"false\">{guid}</guid><title>{title}</title><pubDate>Sat, 21 Nov 2026 0{hour}:00:00 GMT</pubDate></item>"
        )
    };
    let (newer, older) = (
        item("same", "Newer words", 5),
        item("same", "Older words", 4),
    );
    let other = item("other", "Other", 3);
    // The order of the list does not matter, and a later version is an update.
    let script = Script::of([
        ok(rss(&[&newer, &older, &other])),
        ok(rss(&[&newer, &older, &other])),
        ok(rss(&[&older, &newer, &other])),
        ok(rss(&[
            &item("same", "Newest words", 6),
            &newer,
            &older,
            &other,
        ])),
    ])
    .await;
    let mut stage = start(options(&[script.url("/rss")]));
    let stories = stage.stories(3).await;
    script.wait_for_requests(8).await;
    assert_eq!(stage.more_stories(), []);
    let published: Vec<_> = stories
        .iter()
        .map(|news| (news.headline.as_str(), news.action))
        .collect();
    assert_eq!(
        published,
        [
            ("Other", Action::Created),
            ("Newer words", Action::Created),
            ("Newest words", Action::Updated),
        ]
    );
    // Each that was left out counts once, not with each poll.
    let skipped = stage.skipped();
    assert_eq!((skipped.duplicates, skipped.wrong), (3, 0));
    stage.end().await;
}

#[tokio::test]
async fn stories_without_a_guid_that_share_an_address_are_several() {
    let item = |title: &str| {
        format!("<item><title>{title}</title><link>https://a.example/all</link></item>")
    };
    let script = Script::of([
        ok(rss(&[&item("One")])),
        ok(rss(&[&item("Two"), &item("One")])),
        ok(rss(&[&item("Three"), &item("Two"), &item("One")])),
        ok(rss(&[&item("Three")])),
    ])
    .await;
    let mut stage = start(options(&[script.url("/rss")]));
    let stories = stage.stories(3).await;
    script.wait_for_requests(8).await;
    assert_eq!(stage.more_stories(), []);
    let published: Vec<_> = stories
        .iter()
        .map(|news| (news.headline.as_str(), news.action))
        .collect();
    assert_eq!(
        published,
        ["One", "Two", "Three"].map(|words| (words, Action::Created))
    );
    stage.end().await;
}

#[tokio::test]
async fn feeds_of_one_host_do_not_mix_their_stories() {
    let item =
        |guid: &str, title: &str| format!("<item><guid>{guid}</guid><title>{title}</title></item>");
    let global = "https://a.example/release/1";
    let script = Script::new(move |request| match request.target.as_str() {
        "/1" => ok(rss(&[
            &item("12345", "Profits rise"),
            &item(global, "Release"),
        ])),
        "/2" => ok(rss(&[
            &item("12345", "Bank fails"),
            &item(global, "Release"),
        ])),
        _ => ok(rss(&[
            &item("12345", "Third"),
            &item(global, "Other words"),
        ])),
    })
    .await;
    let mut stage = start(options(
        &["/1", "/2", "/2?s=B"].map(|target| script.url(target)),
    ));
    let mut headlines: Vec<String> = stage
        .stories(5)
        .await
        .into_iter()
        .map(|news| {
            assert_eq!(news.action, Action::Created);
            news.headline
        })
        .collect();
    script.wait_for_requests(12).await;
    assert_eq!(stage.more_stories(), []);
    headlines.sort();
    // One release in several feeds of a publisher is one story, as long as its words are the same.
    assert_eq!(
        headlines,
        [
            "Bank fails",
            "Other words",
            "Profits rise",
            "Release",
            "Third"
        ]
    );
    stage.end().await;
}

#[tokio::test]
async fn stories_of_an_earlier_version_keep_their_ids() {
    let script = Script::of([
        ok(rss(&["<item><guid>7</guid><title>Known</title></item>"])),
        ok(rss(&[
            "<item><guid>7</guid><title>Known, corrected</title></item>",
        ])),
    ])
    .await;
    let feed = Rss::new(options(&[script.url("/rss")]));
    let known = News {
        id: "rss:127.0.0.1:7".to_owned(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: Vec::new(),
        headline: "Known".to_owned(),
        summary: None,
        url: None,
        source: "The Wire & Co".to_owned(),
        published: SIX,
        form: None,
        accession: None,
        code: None,
    };
    let mut stage = Stage::with(Arc::new(|| SIX + 3_600_000), feed, [known]);
    let story = stage.stories(1).await.remove(0);
    // Neither is it published again, nor does it lose the time at which it was first seen.
    assert_eq!(
        (
            story.id.as_str(),
            story.headline.as_str(),
            story.action,
            story.published
        ),
        ("rss:127.0.0.1:7", "Known, corrected", Action::Updated, SIX)
    );
    stage.end().await;
}

#[tokio::test]
async fn faults_are_counted_once_and_lose_nothing() {
    let items = [
        "<item><title>AT&T rises & falls</title><guid>1</guid></item>",
        "<item><title></title><guid>2</guid></item>",
        "<item><description>Short note without a title about (NYSE: ACME)</description><guid>3</guid></item>",
        "<item><title>Undated</title><guid>4</guid><pubDate>Sat, 21 Nov 2026 06:00:00 XYZ</pubDate></item>",
    ];
    let script = Script::of([ok(rss(&items))]).await;
    let mut stage = start(options(&[script.url("/rss")]));
    let stories = stage.stories(3).await;
    script.wait_for_requests(6).await;
    assert_eq!(stage.more_stories(), []);
    let headlines: Vec<&str> = stories.iter().map(|news| news.headline.as_str()).collect();
    assert_eq!(
        headlines,
        [
            "Undated",
            "Short note without a title about (NYSE: ACME)",
            "AT&T rises & falls",
        ]
    );
    assert_eq!(stories[0].published, SIX + 3_600_000);
    assert_eq!(stories[1].symbols, ["ACME".parse().unwrap()]);
    // Two bare signs, and an empty story and a date without a zone.
    let skipped = stage.skipped();
    assert_eq!(
        (skipped.mended, skipped.wrong, skipped.duplicates),
        (2, 2, 0)
    );
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn what_breaks_off_is_asked_for_whole() {
    let whole = rss(&[
        "<item><guid>1</guid><title>One</title></item>",
        "<item><guid>2</guid><title>Two</title></item>",
    ]);
    let half = whole[..whole.find("Two").unwrap()].to_owned();
    let script = Script::of([
        ok(half).with("etag", "\"a\""),
        ok(whole).with("etag", "\"a\""),
    ])
    .await;
    let mut stage = start(options(&[script.url("/rss")]));
    let stories = stage.stories(2).await;
    let headlines: Vec<&str> = stories.iter().map(|news| news.headline.as_str()).collect();
    assert_eq!(headlines, ["One", "Two"]);
    let requests = script.wait_for_requests(3).await;
    assert_eq!(requests[1].header("if-none-match"), "");
    assert_eq!(requests[2].header("if-none-match"), "\"a\"");
    assert_eq!(stage.skipped().mended, 1);
    stage.end().await;
}

#[tokio::test]
async fn what_is_hostile_is_harmless() {
    let long = "x".repeat(5_000);
    let items = [
        "<item><guid>1</guid><title>a\u{202e}b &lt;script&gt;&amp;lt;i&amp;gt;</title><link>javascript:alert(1)</link></item>",
        "<item><guid>2</guid><title></title></item>",
        "<item><guid>3</guid><title>Ahead</title><pubDate>Sat, 21 Nov 2099 06:00:00 GMT</pubDate></item>",
        &format!(
            "<item><guid>{long}</guid><title>{long}</title><description>{long}</description><link>https://a.example/{long}</link></item>"
        ),
        "<item><guid>5</guid><title>&bomb; &file;</title></item>",
    ];
    let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaaaaaaaa\"><!ENTITY bomb \"&a;&a;&a;&a;&a;&a;\"><!ENTITY file SYSTEM \"file:///etc/passwd\">]><rss";
    let document = rss(&items).replace("<rss", bomb);
    let script = Script::of([ok(document)]).await;
    let mut stage = start(options(&[script.url("/rss")]));
    let mut stories = stage.stories(4).await;
    script.wait_for_requests(4).await;
    assert_eq!(stage.more_stories(), []);
    stories.reverse();
    assert_eq!(
        (stories[0].headline.as_str(), &stories[0].url),
        ("ab <i>", &None)
    );
    assert_eq!(stories[1].published, SIX + 3_600_000);
    assert_eq!(stories[2].headline.chars().count(), 500);
    assert_eq!(stories[2].summary.as_ref().unwrap().chars().count(), 1_000);
    assert!(stories[2].id.len() <= 200 && stories[2].url.is_none());
    assert_eq!(stories[3].headline, "&bomb; &file;");
    assert!(stage.skipped().wrong >= 2);
    stage.end().await;
}

#[tokio::test]
async fn only_so_many_items_are_looked_at() {
    let items: Vec<String> = (0..2_000)
        .map(|number| format!("<item><guid>{number}</guid><title>t</title></item>"))
        .collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let script = Script::of([ok(rss(&items))]).await;
    let mut given = options(&[script.url("/rss")]);
    given.items = 30;
    let mut stage = start(given);
    assert_eq!(stage.stories(30).await.len(), 30);
    script.wait_for_requests(4).await;
    assert_eq!(stage.more_stories(), []);
    stage.end().await;
}

#[tokio::test]
async fn one_address_that_fails_leaves_the_others() {
    let good = ok(rss(&["<item><guid>1</guid><title>Good</title></item>"]));
    let ill = Arc::new(Mutex::new(status(500)));
    let plays = Arc::clone(&ill);
    let script = Script::new(move |request| match request.target.as_str() {
        "/good" => good.clone(),
        "/ill" => plays.lock().unwrap().clone(),
        _ => status(404),
    })
    .await;
    let urls = ["/ill", "/gone", "/good"].map(|target| script.url(target));
    let mut stage = start(options(&urls));
    assert_eq!(stage.stories(1).await[0].headline, "Good");
    let status = stage
        .reaches_with(FeedState::Degraded, "2 of 3 addresses fail")
        .await;
    assert!(status.detail.unwrap().contains("/ill answers 500"));
    *ill.lock().unwrap() = ok(rss(&[
        "<item><guid>2</guid><title>Well again</title></item>",
    ]));
    assert_eq!(stage.stories(1).await[0].headline, "Well again");
    stage
        .reaches_with(FeedState::Degraded, "1 of 3 addresses fail")
        .await;
    // A missing page is not requested again.
    let requests = script.requests();
    let gone = requests.iter().filter(|request| request.target == "/gone");
    assert_eq!(gone.count(), 1);
    stage.end().await;

    let stage = start(options(&urls[1..2]));
    let status = stage.reaches(FeedState::Failed).await;
    assert!(status.detail.unwrap().contains("check the address"));
    stage.end().await;
}

#[tokio::test]
async fn whatever_comes_it_says_so_and_goes_on() {
    let good = ok(rss(&["<item><guid>1</guid><title>Good</title></item>"]));
    let deep = format!("<rss><channel><item>{}", "<a:b>".repeat(100_000));
    for (fault, words) in [
        (ok("<rss><channel><title>a"), "breaks off in the middle"),
        (ok(b"\0\x01\xff\xfe"), "no XML"),
        (ok("<html><body>Maintenance<br></html>"), "page in HTML"),
        (ok(deep), "100 deep"),
        (
            ok(b"<?xml version='1.0' encoding='klingon'?><rss>\xe4</rss>"),
            "\"klingon\"",
        ),
        (
            ok("what").with("content-encoding", "br"),
            "Content-Encoding \"br\": expected gzip",
        ),
        (Reply::Silence, "nothing came for"),
        (Reply::Bytes(b"garbage".to_vec()), "no whole answer"),
        (status(503), "answers 503"),
    ] {
        let now = Arc::new(Mutex::new(fault));
        let plays = Arc::clone(&now);
        let script = Script::new(move |_| plays.lock().unwrap().clone()).await;
        let mut stage = start(options(&[script.url("/rss")]));
        stage.reaches_with(FeedState::Degraded, words).await;
        *now.lock().unwrap() = good.clone();
        assert_eq!(stage.stories(1).await.len(), 1, "{words}");
        stage.reaches(FeedState::Live).await;
        stage.end().await;
    }
}

#[tokio::test]
async fn a_source_is_asked_as_seldom_as_it_likes() {
    let slow = ok(rss(&["<item><guid>1</guid><title>Good</title></item>"]));
    for reply in [
        slow.clone().with("cache-control", "max-age=3600"),
        ok(rss(&[
            "<ttl>60</ttl><item><guid>1</guid><title>Good</title></item>",
        ])),
        status(429).with("retry-after", "3600"),
    ] {
        let quick = slow.clone();
        let script = Script::new(move |request| match request.target.as_str() {
            "/slow" => reply.clone(),
            _ => quick.clone(),
        })
        .await;
        let stage = start(options(&[script.url("/slow"), script.url("/quick")]));
        let requests = script.wait_for_requests(12).await;
        let slow = requests.iter().filter(|request| request.target == "/slow");
        assert_eq!(slow.count(), 1);
        stage.end().await;
    }
}

#[tokio::test]
async fn a_thousand_polls_remember_only_so_much() {
    let mut number = 0;
    let script = Script::new(move |_| {
        number += 1;
        let items: Vec<String> = (number..number + 50)
            .map(|number| format!("<item><guid>{number}</guid><title>t</title></item>"))
            .collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        ok(rss(&items))
    })
    .await;
    let mut given = options(&[script.url("/rss")]);
    given.interval = Duration::from_micros(100);
    given.items = 50;
    let mut stage = start(given);
    script.wait_for_requests(1_001).await;
    // Each is published once though it is in fifty documents.
    let stories = stage.more_stories();
    let mut ids: Vec<&str> = stories.iter().map(|news| news.id.as_str()).collect();
    let count = ids.len();
    assert!((1_049..1_060).contains(&count), "{count}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    stage.end().await;
}

#[test]
fn options_are_checked() {
    for (text, words) in [
        ("rss", "is not an address"),
        ("rss:ftp://a.example", "expected http://HOST"),
        ("rss:https://a.example/?key=secret x", ""),
    ] {
        match text.parse::<FeedSpec>() {
            Ok(spec) => assert!(words.is_empty(), "{spec:?}"),
            Err(error) => {
                assert!(error.to_string().contains(words), "{text}: {error}");
                assert!(!error.to_string().contains("secret"), "{error}");
            }
        }
    }
    for (table, words) in [
        ("url = []", "0 addresses"),
        ("url = 5", "an address, or a list of addresses"),
        ("url = 'https://a'\nitems = 0", "items 0"),
        ("url = 'https://a'\ntype = 'gossip'", "gossip"),
        ("url = 'https://a'\nsymbols = ['a b']", "a b"),
        ("url = 'https://a'\nname = ''", "is not a name"),
        ("url = 'https://a'\nuser_agent = \"a\\nb\"", "no user_agent"),
    ] {
        let error = FeedSpec::from_table("rss", table.parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains(words), "{table}: {error}");
    }
    let spec: FeedSpec = "rss:https://a.example/feed?format=rss&n=1".parse().unwrap();
    let FeedSpec::Rss(options) = &spec else {
        panic!("{spec:?}");
    };
    assert_eq!(
        options.url[0].as_str(),
        "https://a.example/feed?format=rss&n=1"
    );
    let (_, twice) = FeedSpec::together(&[spec.clone(), spec]).unwrap_err();
    // An address may contain a key in its query.
    assert!(
        twice.starts_with("rss:https://a.example/feed is given twice"),
        "{twice}"
    );
    let another: FeedSpec = "rss:https://a.example/feed?format=atom".parse().unwrap();
    let first: FeedSpec = "rss:https://a.example/feed?format=rss".parse().unwrap();
    assert_eq!(FeedSpec::together(&[first, another]), Ok(()));
}
