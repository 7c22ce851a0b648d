//! The feed of the SEC's filings against a server that plays its pages, valid and invalid.

mod support;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use feeds::{
    FeedSpec,
    fetch::Timeouts,
    sources::sec::{Options, Sec},
};
use market::{Action, Basis, FeedState, News, NewsType};
use support::{
    script::{Reply, Requested, Script, ok, status},
    stage::Stage,
};

/// Made up in the real format: two symbols of one company, a class of shares, and a fund.
const TICKERS: &str = r#"{
    "0":{"cik_str":1679788,"ticker":"COIN","title":"Coinbase Global, Inc."},
    "1":{"cik_str":1780312,"ticker":"ASTS","title":"AST SpaceMobile, Inc."},
    "2":{"cik_str":"27367","ticker":"DXR","title":"DAXOR\u202e CORP"},
    "3":{"cik_str":77,"ticker":"TWO-A","title":"Two Classes"},
    "4":{"cik_str":77,"ticker":"TWO-B","title":"Two Classes"},
    "5":{"cik_str":-1,"ticker":"BAD"},
    "6":{"cik_str":5,"ticker":"no symbol"},
    "7":null
}"#;

fn options(script: &Script, forms: &[&str]) -> Options {
    Options {
        forms: forms.iter().map(|form| form.to_string()).collect(),
        user_agent: "Jane Doe jane@example.com".to_owned(),
        interval: Duration::from_millis(5),
        url: script.url("/browse").parse().unwrap(),
        tickers: script.url("/tickers").parse().unwrap(),
    }
}

fn feed(script: &Script, forms: &[&str]) -> Sec {
    Sec::new(options(script, forms)).with_timeouts(Timeouts {
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(3),
        answer: Duration::from_secs(10),
    })
}

/// A server with the file of symbols, and pages by a function of the request.
async fn sec(mut pages: impl FnMut(&Requested) -> Reply + Send + 'static) -> Script {
    Script::new(move |request| match request.target.as_str() {
        "/tickers" => ok(TICKERS),
        _ => pages(request),
    })
    .await
}

/// One that plays these pages one after the other, and the last one for ever.
async fn sec_of(replies: impl IntoIterator<Item = Reply>) -> Script {
    let mut replies: Vec<Reply> = replies.into_iter().collect();
    replies.reverse();
    sec(move |_| match replies.len() {
        1 => replies[0].clone(),
        _ => replies.pop().unwrap(),
    })
    .await
}

/// An entry of the feed, as the SEC writes it.
fn entry(form: &str, party: &str, number: usize, items: &str) -> String {
    format!(
        "<entry>\n<title>{form} - {party}</title>\n<link rel=\"alternate\" type=\"text/html\" href=\"https://www.sec.gov/Archives/{number}-index.htm\"/>\n<summary type=\"html\">\n &lt;b&gt;Filed:&lt;/b&gt; 2026-11-20 &lt;b&gt;AccNo:&lt;/b&gt; 0000000001-26-{number:06} &lt;b&gt;Size:&lt;/b&gt; 18 KB{items}\n</summary>\n<updated>2026-11-20T16:31:{:02}-05:00</updated>\n<category scheme=\"https://www.sec.gov/\" label=\"form type\" term=\"{form}\"/>\n<id>urn:tag:sec.gov,2008:accession-number=0000000001-26-{number:06}</id>\n</entry>\n",
        number % 60
    )
}

fn page(entries: &[String]) -> Reply {
    ok(format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>Latest Filings</title>\n<updated>2026-11-20T17:00:00-05:00</updated>\n{}</feed>",
        entries.concat()
    ))
}

fn symbols(news: &News) -> Vec<&str> {
    news.symbols.iter().map(|symbol| symbol.as_str()).collect()
}

#[tokio::test]
async fn the_recorded_feed_is_fifteen_stories() {
    let folder = std::env::var_os("TICKERTAPE_RECORDINGS")
        .map_or_else(|| PathBuf::from("../../shared/data"), PathBuf::from);
    let file = folder.join("sec-edgar-getcurrent-20210418.atom.xml");
    let Ok(recorded) = std::fs::read(&file) else {
        println!("skipped: there is no {}", file.display());
        return;
    };
    let script = sec_of([ok(recorded)]).await;
    let mut stage = Stage::new(feed(&script, &[]));
    let stories = stage.stories(15).await;
    // The file of symbols, and three times the page: nothing is published twice.
    let requests = script.wait_for_requests(4).await;
    stage.reaches(FeedState::Live).await;
    assert_eq!(stories.len(), 15);
    assert_eq!(stage.more_stories(), []);
    for request in &requests {
        assert_eq!(request.header("user-agent"), "Jane Doe jane@example.com");
    }
    assert_eq!(
        requests[1].target,
        "/browse?action=getcurrent&type=&company=&dateb=&owner=include&start=0&count=100&output=atom"
    );

    for news in &stories {
        assert!(news.id.starts_with("sec:000"), "{news:?}");
        assert_eq!(news.id[4..], *news.accession.as_ref().unwrap());
        assert_eq!((news.kind, news.basis), (NewsType::Insider, Basis::Mapped));
        assert_eq!(news.action, Action::Created);
        assert_eq!(news.source, "SEC EDGAR");
        assert!(news.published > 1_618_600_000_000, "{news:?}");
    }
    let of = |symbol| {
        stories
            .iter()
            .filter(|news| symbols(news) == [symbol])
            .count()
    };
    assert_eq!((of("COIN"), of("ASTS"), of("DXR")), (11, 1, 1));
    // The newest filing comes last.
    let newest = stories.last().unwrap();
    assert_eq!(newest.id, "sec:0001209191-21-027150");
    assert_eq!(newest.form.as_deref(), Some("3/A"));
    assert_eq!(
        newest.headline,
        "Coinbase Global, Inc.: first holdings of an insider, by Brian Armstrong Living Trust and 1 more (3/A)"
    );
    assert_eq!(
        newest.summary.as_deref(),
        Some("By Brian Armstrong Living Trust; Armstrong Brian")
    );
    // 2021-04-16T21:53:26-04:00
    assert_eq!(newest.published, 1_618_624_406_000);
    assert!(
        newest
            .url
            .as_ref()
            .unwrap()
            .as_str()
            .ends_with("0001209191-21-027150-index.htm")
    );
    assert!(stories.is_sorted_by_key(|news| news.published));

    let listing = |symbol: &str| stage.context.directory.get(symbol.parse().unwrap());
    assert_eq!(listing("COIN").unwrap().name, "Coinbase Global, Inc.");
    assert_eq!(listing("DXR").unwrap().name, "DAXOR CORP");
    assert!(listing("TWO.B").is_some() && listing("BAD").is_none());
    stage.end().await;
}

#[tokio::test]
async fn forms_are_told_apart_and_items_say_what_they_mean() {
    let item = |items: &[&str]| -> String {
        let lines = items.iter().map(|item| format!("&lt;br&gt;Item {item}"));
        lines.collect()
    };
    let filer = "Two Classes (0000000077) (Filer)";
    let rows = [
        (
            "8-K",
            vec!["2.02: Results of Operations", "9.01: Financial Statements"],
            NewsType::Earnings,
        ),
        (
            "8-K/A",
            vec!["5.02: Departure of Directors"],
            NewsType::Management,
        ),
        (
            "8-K",
            vec!["2.01: Completion of Acquisition", "2.02: Results"],
            NewsType::Earnings,
        ),
        (
            "8-K",
            vec!["7.01: Regulation FD", "1.05: Cybersecurity Incidents"],
            NewsType::Notice,
        ),
        (
            "8-K",
            vec!["1.01: Entry into a Material Definitive Agreement"],
            NewsType::Filing,
        ),
        ("8-K", vec!["evil: a", "9.9.: b", "8.01"], NewsType::Filing),
        ("8-K", vec![], NewsType::Filing),
    ];
    let entries: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(at, (form, items, _))| entry(form, filer, at + 1, &item(items)))
        .rev()
        .collect();
    let own = page(&entries);
    // Forms with the same beginning are in the response, and were not requested.
    let other = page(&[
        entry("4", "Two Classes (0000000077) (Issuer)", 21, ""),
        entry("424B2", filer, 22, ""),
        entry("4/A", filer, 23, ""),
        entry("497", filer, 24, ""),
    ]);
    let script = sec(move |request| match request.target.contains("type=8-K&") {
        true => own.clone(),
        false => other.clone(),
    })
    .await;
    let mut stage = Stage::new(feed(&script, &["8-K", "4"]));
    let stories = stage.stories(9).await;
    script.wait_for_requests(5).await;
    assert_eq!(stage.more_stories(), []);
    for ((form, items, kind), news) in rows.iter().zip(&stories) {
        assert_eq!(
            (news.kind, news.form.as_deref()),
            (*kind, Some(*form)),
            "{items:?}"
        );
        let basis = match kind {
            NewsType::Filing => Basis::Native,
            _ => Basis::Mapped,
        };
        assert_eq!(news.basis, basis);
        assert_eq!(symbols(news), ["TWO.A", "TWO.B"]);
    }
    assert_eq!(
        stories[0].headline,
        "Two Classes: Results of Operations (8-K)"
    );
    assert_eq!(
        stories[0].summary.as_deref(),
        Some("Item 2.02: Results of Operations; Item 9.01: Financial Statements")
    );
    assert_eq!(stories[6].headline, "Two Classes: current report (8-K)");
    let rest: Vec<_> = stories[7..]
        .iter()
        .map(|news| news.form.as_deref())
        .collect();
    assert_eq!(rest, [Some("4/A"), Some("4")]);
    let targets: Vec<String> = script
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert!(
        targets.iter().any(|target| target.contains("type=4&")),
        "{targets:?}"
    );
    stage.end().await;
}

#[tokio::test]
async fn a_filing_is_updated_by_the_parties_that_come_later() {
    let reporting = entry("4", "Doe (J.) Jane (0000000009) (Reporting)", 1, "");
    let issuer = entry("4", "Coinbase Global, Inc. (0001679788) (Issuer)", 1, "");
    let script = sec_of([
        page(std::slice::from_ref(&reporting)),
        page(&[issuer.clone(), reporting.clone()]),
        // Filings that have left the page are not forgotten.
        page(&[reporting]),
    ])
    .await;
    let mut stage = Stage::new(feed(&script, &[]));
    let stories = stage.stories(2).await;
    script.wait_for_requests(6).await;
    assert_eq!(stage.more_stories(), []);
    assert_eq!(
        stories[0].headline,
        "Doe (J.) Jane: trade of an insider (4)"
    );
    assert_eq!(stories[0].symbols, []);
    assert_eq!(stories[1].id, stories[0].id);
    assert_eq!(stories[1].action, Action::Updated);
    assert_eq!(
        stories[1].headline,
        "Coinbase Global, Inc.: trade of an insider, by Doe (J.) Jane (4)"
    );
    assert_eq!(symbols(&stories[1]), ["COIN"]);
    assert_eq!(stories[1].published, stories[0].published);
    stage.end().await;
}

/// The response of a server with so many filings: the newest first, a hundred per page.
fn of_many(request: &Requested, filings: usize) -> Reply {
    let start = request.target.split("start=").nth(1).unwrap();
    let start: usize = start.split('&').next().unwrap().parse().unwrap();
    let newest = filings.saturating_sub(start);
    let entries: Vec<String> = (1..=newest)
        .rev()
        .take(100)
        .map(|number| entry("10-Q", "A (0000000001) (Filer)", number, ""))
        .collect();
    page(&entries)
}

#[tokio::test]
async fn a_burst_is_not_lost_though_a_page_of_it_fails() {
    // 120 filings, then 330 more within one poll; the second page back is not available at first.
    let polls = Arc::new(Mutex::new((0, 0)));
    let script = sec(move |request| {
        let (newest, failures) = &mut *polls.lock().unwrap();
        if request.target.contains("start=0&") {
            *newest += 1;
        }
        if request.target.contains("start=200&") && *failures == 0 {
            *failures += 1;
            return status(500);
        }
        of_many(request, if *newest == 1 { 120 } else { 450 })
    })
    .await;
    let mut stage = Stage::new(feed(&script, &[]));
    // At first only the first page, and then everything since.
    let stories = stage.stories(100 + 330).await;
    let mut ids: Vec<&str> = stories.iter().map(|news| news.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), 430);
    assert_eq!(ids[0], "sec:0000000001-26-000021");
    assert_eq!(ids[429], "sec:0000000001-26-000450");
    ids.dedup();
    assert_eq!(ids.len(), 430);
    stage.reaches(FeedState::Live).await;
    // Caught up, it requests only the newest page.
    let before = script.requests().len();
    let after = script.wait_for_requests(before + 4).await;
    assert!(
        after[before + 1..]
            .iter()
            .all(|request| request.target.contains("start=0&"))
    );
    assert_eq!(stage.skipped().wrong, 0);
    stage.end().await;
}

#[tokio::test]
async fn turning_back_ends_and_says_what_is_lost() {
    let mut newest = 0;
    let script = sec(move |request| {
        if request.target.contains("start=0&") {
            newest += 1;
        }
        of_many(request, if newest == 1 { 100 } else { 5_000 })
    })
    .await;
    let mut stage = Stage::new(feed(&script, &[]));
    let stories = stage.stories(100 + 1_000).await;
    assert_eq!(stories.len(), 1_100);
    stage.reaches(FeedState::Live).await;
    script.wait_for_requests(14).await;
    assert_eq!(stage.skipped().wrong, 1);
    stage.end().await;
}

#[tokio::test]
async fn who_is_refused_waits_and_is_told_why() {
    for (reply, words) in [
        (status(403), "the SEC locks out for ten minutes"),
        (status(429), "the SEC locks out for ten minutes"),
        (status(404), "nothing is there"),
    ] {
        let script = sec_of([reply.clone()]).await;
        let stage = Stage::new(feed(&script, &["8-K"]));
        let state = match reply {
            Reply::Answer(404, ..) => FeedState::Failed,
            _ => FeedState::Degraded,
        };
        let status = stage.reaches_with(state, words).await;
        if state == FeedState::Degraded {
            let detail = status.detail.unwrap();
            assert!(detail.contains("tries again in 60"), "{detail}");
        }
        // The symbols, and one page.
        assert_eq!(script.requests().len(), 2);
        stage.end().await;
    }
}

#[tokio::test]
async fn without_symbols_filings_come_all_the_same() {
    let filed = page(&[entry(
        "4",
        "Coinbase Global, Inc. (0001679788) (Issuer)",
        1,
        "",
    )]);
    for (tickers, words) in [
        (status(403), "answers 403"),
        (ok("[]"), "invalid type"),
        (ok("{}"), "no company is in it"),
        (ok("{\"0\":"), "EOF"),
    ] {
        let filed = filed.clone();
        let script = Script::new(move |request| match request.target.as_str() {
            "/tickers" => tickers.clone(),
            _ => filed.clone(),
        })
        .await;
        let mut stage = Stage::new(feed(&script, &[]));
        let stories = stage.stories(1).await;
        assert_eq!(stories[0].symbols, []);
        let status = stage
            .reaches_with(FeedState::Degraded, "without symbols")
            .await;
        assert!(
            status.detail.as_ref().unwrap().contains(words),
            "{status:?}"
        );
        stage.end().await;
    }
}

#[tokio::test]
async fn whatever_comes_it_says_so_and_goes_on() {
    let good = page(&[entry("4", "A (1) (Issuer)", 1, "")]);
    let whole = match &good {
        Reply::Answer(_, _, body) => body.clone(),
        other => panic!("{other:?}"),
    };
    let deep = format!("<feed>{}", "<a:b>".repeat(100_000));
    for (fault, words) in [
        (ok(&whole[..whole.len() - 20]), "breaks off in the middle"),
        (ok(b"\0\x01\xff\xfe"), "no XML"),
        (ok("<html><body>Maintenance<br></html>"), "page in HTML"),
        (ok("<rss><channel/></rss>"), "expected Atom"),
        (ok(deep), "100 deep"),
        (ok(vec![b' '; 10 << 20]), "longer than"),
        (Reply::Endless, "longer than"),
        (Reply::Silence, "nothing came for"),
        (Reply::Stall(whole.clone()), "nothing came for"),
        (Reply::Bytes(b"garbage".to_vec()), "no whole answer"),
        (
            ok([&whole[..], b"\xe4"].concat()).with("content-type", "text/xml; charset=klingon"),
            "\"klingon\", which is not known",
        ),
    ] {
        let is_long = words == "longer than";
        let now = Arc::new(Mutex::new(fault));
        let plays = Arc::clone(&now);
        let script = sec(move |_| plays.lock().unwrap().clone()).await;
        let mut stage = Stage::new(feed(&script, &[]));
        stage.reaches_with(FeedState::Degraded, words).await;
        *now.lock().unwrap() = good.clone();
        // A document that is too long is not requested for a while.
        if !is_long {
            assert_eq!(stage.stories(1).await.len(), 1, "{words}");
            stage.reaches(FeedState::Live).await;
        }
        stage.end().await;
    }
}

#[tokio::test]
async fn entries_that_are_none_are_counted_and_the_rest_is_told() {
    let right = |number| entry("4", "A (1) (Issuer)", number, "");
    let evil = right(4)
        .replace("https://www.sec.gov", "javascript:alert(1)//")
        .replace("A (1)", "&lt;b&gt;\u{202e}A (1)");
    let latin = right(5).replace("A (1)", "Nestl\u{e9} (1)");
    let entries = [
        right(1).replace("accession-number=0000000001", "accession-number=1"),
        right(2).replace("<category", "<categories"),
        right(3).replace("<updated>2026-11-20T16:31:03-05:00</updated>", ""),
        evil,
        latin,
        right(6).replace("A (1) (Issuer)", "nobody"),
        right(7).replace("2026-11-20", "2099-01-01"),
    ];
    let Reply::Answer(_, _, body) = page(&entries) else {
        panic!();
    };
    let body: Vec<u8> = String::from_utf8(body)
        .unwrap()
        .chars()
        .map(|c| c as u32 as u8)
        .collect();
    let script = sec_of([ok(body)]).await;
    // A clock of this test, a day behind the newest.
    let now = 1_795_210_000_000;
    let mut stage = Stage::at(Arc::new(move || now), feed(&script, &[]));
    let mut stories = stage.stories(4).await;
    stories.sort_by(|one, other| one.id.cmp(&other.id));
    script.wait_for_requests(4).await;
    assert_eq!(stage.more_stories(), []);
    let [evil, latin, nobody, ahead] = &stories[..] else {
        panic!("{stories:?}");
    };
    assert_eq!(evil.url, None);
    assert!(
        evil.headline.starts_with("<b>.A: trade") || evil.headline.starts_with("<b>"),
        "{evil:?}"
    );
    assert_eq!(latin.headline, "Nestlé: trade of an insider (4)");
    assert_eq!(nobody.headline, "SEC EDGAR: trade of an insider (4)");
    assert_eq!(ahead.published, now);
    stage.end().await;
}

#[tokio::test]
async fn a_thousand_polls_tell_a_story_once() {
    let filed = page(&[entry("4", "A (1) (Issuer)", 1, "")]);
    let script = sec_of([filed]).await;
    let mut options = options(&script, &[]);
    options.interval = Duration::from_micros(100);
    let mut stage = Stage::new(Sec::new(options));
    let requests = script.wait_for_requests(1_000).await;
    assert!(requests.len() >= 1_000);
    assert_eq!(stage.more_stories().len(), 1);
    stage.end().await;
}

#[test]
fn it_does_not_start_without_a_name() {
    let error = |text: &str| text.parse::<FeedSpec>().unwrap_err().to_string();
    for (text, words) in [
        ("sec", "without a user_agent: the SEC requires a name"),
        (
            "sec:8-K?user_agent=Mozilla/5.0",
            "has no name and email address",
        ),
        ("sec:8-K?user_agent=jane@", "has no name and email address"),
        ("sec:8_K?user_agent=J j@e.org", "\"8_K\" is not a form"),
        (
            "sec:8-K?user_agent=J j@e.org&interval=0",
            "1 to 86400 seconds",
        ),
        ("sec:8-K?user_agent=J j@e.org&url=ftp://a", "\"ftp://a\""),
        ("sec:8-K?user_agnet=J j@e.org", "did you mean user_agent?"),
    ] {
        let error = error(text);
        assert!(error.contains(words), "{text}: {error}");
    }
    let spec: FeedSpec = "sec:8-k, 4,4?user_agent=Jane Doe jane@example.com"
        .parse()
        .unwrap();
    let FeedSpec::Sec(options) = &spec else {
        panic!("{spec:?}");
    };
    assert_eq!(options.forms, ["8-K", "4"]);
    assert_eq!(
        options.url.as_str(),
        "https://www.sec.gov/cgi-bin/browse-edgar"
    );
    let other: FeedSpec = "sec:10-K?user_agent=Jane Doe jane@example.com"
        .parse()
        .unwrap();
    let (place, why) = FeedSpec::together(&[spec, other]).unwrap_err();
    assert!(place == 1 && why.contains("sec is given twice"), "{why}");
}

#[tokio::test]
async fn a_form_that_is_not_known_is_doubted_until_there_is_one() {
    let plays = Arc::new(Mutex::new(page(&[])));
    let playing = Arc::clone(&plays);
    let script = sec(move |_| playing.lock().unwrap().clone()).await;
    let mut stage = Stage::new(feed(&script, &["9-Z"]));
    stage
        .reaches_with(FeedState::Degraded, "no form \"9-Z\" of the SEC is known")
        .await;
    *plays.lock().unwrap() = page(&[entry("9-Z", "DAXOR CORP (0000027367) (Filer)", 1, "")]);
    stage.stories(1).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}
