//! The page as the server draws it.
#![cfg(feature = "ssr")]

use app::{Days, FoundBars, PageData, Problem, shell};
use leptos::prelude::*;
use market::{
    Action, Bar, Basis, Closes, News, NewsType, Quality, Quote, Session, Snapshot, Symbol,
    TradingState,
};

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn quote(name: &str, price: &str) -> Quote {
    Quote {
        price: Some(price.parse().unwrap()),
        bid: Some("597.30".parse().unwrap()),
        bid_size: Some("100".parse().unwrap()),
        ..Quote::new(symbol(name), 1_342_067_399_340)
    }
}

fn session(name: &str, title: &str, close: &str) -> Session {
    Session {
        symbol: symbol(name),
        name: title.to_owned(),
        currency: Some("USD".to_owned()),
        venue: None,
        source: "simulated".to_owned(),
        quality: Quality::Simulated,
        state: TradingState::Halted,
        halt_code: Some("T1".to_owned()),
        hours: None,
        open: None,
        prev_close: Some(close.parse().unwrap()),
        tick: Some("0.01".parse().unwrap()),
    }
}

fn data() -> PageData {
    PageData {
        id: "1342067399340-0".to_owned(),
        path: "/stocks/GOOG".to_owned(),
        query: String::new(),
        watchlist: vec![symbol("AAPL"), symbol("GOOG")],
        chosen: false,
        symbol: Some(symbol("GOOG")),
        snapshot: Snapshot {
            time: 1_342_067_400_000,
            quotes: vec![quote("AAPL", "226.80"), quote("GOOG", "597.32")],
            sessions: vec![
                session("AAPL", "Apple Inc.", "230"),
                session("GOOG", "Alphabet Inc.", "596.05"),
            ],
            closes: vec![Closes {
                symbol: symbol("GOOG"),
                prices: vec!["596".parse().unwrap(), "597".parse().unwrap()],
            }],
            news: vec![News {
                id: "test:1".to_owned(),
                kind: NewsType::Filing,
                basis: Basis::Inferred,
                action: Action::Created,
                symbols: vec![symbol("GOOG"), symbol("COIN")],
                headline: "</script><script>alert(1)</script> & more".to_owned(),
                summary: None,
                url: Some("https://example.org/?a=1&b=2".parse().unwrap()),
                source: "Example".to_owned(),
                published: 1_342_067_280_000,
                form: Some("8-K".to_owned()),
                accession: None,
                code: None,
            }],
            ..Snapshot::default()
        },
        older: None,
        range: None,
        bars: Vec::new(),
        until: None,
        compared: Vec::new(),
        days: Days::default(),
        archived: false,
        problem: None,
    }
}

/// The document for an address, in one line.
fn render(address: &str, data: &PageData) -> String {
    let owner = Owner::new();
    let html = owner.with(|| {
        provide_context(PageData {
            path: address.to_owned(),
            ..data.clone()
        });
        let options = LeptosOptions::builder().output_name("tickertape").build();
        shell(options).to_html()
    });
    // A busy server may drop a page on another thread than the one that drew it.
    let dropped = std::thread::spawn(move || owner.with(|| owner.cleanup()));
    dropped.join().expect("it can be dropped on any thread");
    html
}

/// What follows in the document after a text that has to be in it.
fn after<'a>(html: &'a str, text: &str) -> &'a str {
    let at = html.find(text);
    &html[at.unwrap_or_else(|| panic!("{text:?} is not in {html}"))..]
}

/// The element with a `data-field`, up to the one that follows it.
fn field<'a>(html: &'a str, name: &str) -> &'a str {
    let rest = after(html, &format!("data-field=\"{name}\""));
    rest.split("</dd>").next().unwrap_or(rest)
}

#[test]
fn the_page_is_complete_before_any_script() {
    let html = render("/stocks/GOOG", &data());
    assert!(
        html.starts_with("<!DOCTYPE html><html lang=\"en\">"),
        "{html}"
    );
    let quote = after(&html, "aria-label=\"Quote\"");
    assert!(field(quote, "price").starts_with("data-field=\"price\" data-value=\"597.32\""));
    assert!(field(quote, "change").contains(">+1.27<"));
    assert!(field(quote, "bid-size").contains(">100<"));
    assert!(quote.contains("Alphabet Inc."));
    assert!(quote.contains("Halted T1"));
    let watchlist = after(&html, "aria-label=\"Watchlist\"");
    assert!(watchlist.contains("href=\"/stocks/AAPL\""));
    assert!(field(watchlist, "price").contains("226.80"));
    assert_eq!(html.matches("aria-current=\"page\"").count(), 1);
    assert!(after(watchlist, "aria-current=\"page\"").contains("data-symbol=\"GOOG\""));
    let goog = after(watchlist, "data-symbol=\"GOOG\"");
    assert!(after(goog, "<path").starts_with("<path d=\"M0 93l"));
    assert!(after(&html, "aria-label=\"Connection\"").contains("Connecting"));
    let news = after(&html, "aria-label=\"News\"");
    assert!(news.contains("filing 8-K") && news.contains("guessed"));
    assert!(news.contains("datetime=\"2012-07-12T04:28:00Z\""));
    assert!(news.contains("2 min ago"));
}

#[test]
fn text_from_outside_stays_text() {
    let data = data();
    let html = render("/stocks/GOOG", &data);
    assert!(!html.contains("<script>alert"));
    assert!(html.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"));
    let json = after(&html, "id=\"page-data\"");
    let json = &json[json.find('>').unwrap() + 1..json.find("</script>").unwrap()];
    assert_eq!(serde_json::from_str::<PageData>(json).unwrap(), data);
}

#[test]
fn a_chosen_watchlist_stays_in_the_links() {
    let data = PageData {
        chosen: true,
        ..data()
    };
    let html = render("/stocks?symbols=AAPL,GOOG", &data);
    assert!(html.contains("href=\"/stocks/GOOG?symbols=AAPL,GOOG\""));
    assert!(html.contains("href=\"/stocks?symbols=AAPL,GOOG\""));
    // The first of the watchlist is open.
    let row = after(&html, "aria-current=\"page\"");
    assert!(row.starts_with("aria-current=\"page\" data-symbol=\"AAPL\""));
}

#[test]
fn the_chart_is_drawn_as_its_address_names_it() {
    let quarter = |symbol, n: u64| Bar {
        symbol,
        start: 1_342_000_800_000 + n * 900_000,
        open: "597".parse().unwrap(),
        high: "599".parse().unwrap(),
        low: "595".parse().unwrap(),
        close: "598".parse().unwrap(),
        volume: "1000".parse().unwrap(),
        trades: 10,
        vwap: None,
    };
    let bars = |name| (0..60).map(|n| quarter(symbol(name), n)).collect();
    let data = PageData {
        query: "chart=1W,candles,log,sma20&compare=AAPL,GONE&utm_source=mail".to_owned(),
        bars: bars("GOOG"),
        compared: vec![FoundBars {
            bars: bars("AAPL"),
            until: None,
            older: None,
        }],
        ..data()
    };
    let html = render("/stocks/GOOG", &data);
    let week = after(&html, "aria-pressed=\"true\"");
    assert!(week.contains("aria-label=\"1 week\""), "{week}");
    for selected in [
        "<option value=\"candles\" selected>",
        "<option value=\"percent\" selected>",
    ] {
        after(&html, selected);
    }
    let drawing = after(&html, "<figure class=\"chart");
    let drawing = &drawing[..drawing.find("</figure>").unwrap()];
    // The length of its candles, what it is compared with, and the study.
    for text in ["GOOG", "AAPL", "SMA 20"] {
        assert!(
            drawing.contains(&format!(">{text}<")),
            "{text} is not in {drawing}"
        );
    }
    assert!(!drawing.contains("GONE"));

    let plain = render(
        "/stocks/GOOG",
        &PageData {
            query: "utm_source=mail".to_owned(),
            ..data
        },
    );
    after(&plain, "<option value=\"area\" selected>");
    assert!(!after(&plain, "<figure class=\"chart").contains(">AAPL<"));
}

#[test]
fn a_problem_is_shown_and_the_watchlist_stays() {
    let data = PageData {
        symbol: None,
        problem: Some(Problem {
            status: 404,
            title: "GOOGX is not known".to_owned(),
            detail: "Did you mean one of these?".to_owned(),
            suggestions: vec![symbol("GOOG")],
        }),
        ..data()
    };
    let html = render("/stocks/GOOGX", &data);
    assert!(html.contains("GOOGX is not known"));
    let problem = after(&html, "aria-label=\"Problem\"");
    assert!(problem.contains("href=\"/stocks/GOOG\" rel=\"external\""));
    assert!(after(&html, "aria-label=\"Quote\"").starts_with("aria-label=\"Quote\" hidden"));
    assert!(!html.contains("aria-current"));
    assert!(after(&html, "aria-label=\"Watchlist\"").contains("226.80"));
}

#[test]
fn a_page_without_any_symbol_explains_why() {
    let html = render("/", &PageData::default());
    assert!(html.contains("No prices yet"));
    assert!(html.contains("No symbols yet."));
    assert!(html.contains("No news yet."));
}

#[test]
fn hostile_news_is_text_and_its_link_leads_out_alone() {
    let mut data = data();
    data.snapshot.news[0] = News {
        headline: "<img src=x onerror=alert(1)> \u{5e2}\u{5d1}\u{5e8}\u{5d9}\u{5ea}".to_owned(),
        summary: Some("<iframe srcdoc='<script>alert(2)</script>'></iframe>".to_owned()),
        source: "\" onmouseover=\"alert(3)".to_owned(),
        form: Some("</span><svg onload=alert(4)>".to_owned()),
        url: Some("https://example.org/\"onclick=alert(5)//".parse().unwrap()),
        ..data.snapshot.news[0].clone()
    };
    let html = render("/stocks/GOOG", &data);
    let news = after(&html, "class=\"news-list\"");
    let story = &news[news.find("<article").unwrap()..news.find("</article>").unwrap()];
    for tag in ["<img", "<iframe", "<svg", "<script"] {
        assert!(!story.contains(tag), "{tag} in {story}");
    }
    assert!(
        story.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "{story}"
    );
    assert!(
        story.contains("href=\"https://example.org/&quot;onclick=alert(5)//\""),
        "{story}"
    );
    assert!(
        story.contains("rel=\"noopener noreferrer nofollow\""),
        "{story}"
    );
}
