use proptest::prelude::*;

use super::{grammar::Element, *};

#[test]
fn names_the_types_of_headlines_as_they_are_written() {
    use NewsType::*;
    for (kind, headline) in [
        (Halt, "Trading Halt: Acme Corp. Halted, News Pending"),
        (Halt, "Acme Shares Halted On Circuit Breaker To The Upside"),
        (Halt, "NYSE Halts Trading In Acme Industries"),
        (Halt, "Trading in shares of Acme halted for volatility"),
        (Resume, "Acme Corp. Shares Resume Trade"),
        (Resume, "Acme To Resume Trading At 10:35 a.m. ET"),
        (Resume, "Acme stock resumes trading after volatility halt"),
        (
            Notice,
            "Acme Retail Files For Chapter 11 Bankruptcy Protection",
        ),
        (Notice, "Acme Receives Nasdaq Delisting Notice"),
        (Rating, "Goldman Sachs Upgrades Acme to Buy"),
        (
            Rating,
            "Morgan Stanley Maintains Overweight on Acme, Raises Price Target to $250",
        ),
        (Rating, "Acme Downgraded To Neutral At JPMorgan"),
        (
            Rating,
            "B of A Securities Initiates Coverage On Acme with Buy Rating",
        ),
        (Rating, "Acme price target cut to $12 from $15 at Barclays"),
        (Rating, "Moody’s downgrades Acme on debt load"),
        (Split, "Acme Announces 10-for-1 Stock Split"),
        (Split, "Acme Board Approves 1-for-20 Reverse Split"),
        (Split, "Acme shares rise ahead of three-for-one stock split"),
        (Insider, "Acme CEO Buys 20,000 Shares In Open Market"),
        (Insider, "Insiders Buying Acme And Two Other Stocks"),
        (
            Insider,
            "Director sold $1.2 million worth of Acme stock: Form 4",
        ),
        (
            Management,
            "Acme Appoints Jane Doe as Chief Financial Officer",
        ),
        (Management, "Acme CEO John Roe to step down"),
        (Management, "Acme Names New CEO"),
        (Management, "Acme finance chief steps down after audit"),
        (
            Offering,
            "Acme Announces Pricing of $150 Million Public Offering of Common Stock",
        ),
        (
            Offering,
            "Acme prices upsized offering of convertible notes",
        ),
        (Offering, "Acme Files For IPO"),
        (Offering, "Acme Announces $30M Registered Direct Offering"),
        (
            Earnings,
            "Acme Q3 EPS $1.40 Beats $1.32 Estimate, Sales $5.1B Beat",
        ),
        (Earnings, "Acme Reports Third Quarter 2024 Results"),
        (Earnings, "Acme Raises FY24 Guidance"),
        (Earnings, "Acme earnings beat estimates on cloud demand"),
        (Earnings, "Acme Announces Second-Quarter Financial Results"),
        (Earnings, "Acme Announces Fiscal Year 2024 Results"),
        (Merger, "Acme To Acquire Widget Co. For $2.1 Billion"),
        (Merger, "Acme Agrees to Buy Rival Widget in All-Stock Deal"),
        (
            Merger,
            "Widget Enters Into Definitive Merger Agreement With Acme",
        ),
        (Merger, "Acme completes acquisition of Widget"),
        (Merger, "Acme to be taken private by Example Partners"),
        (
            Dividend,
            "Acme Declares Quarterly Dividend Of $0.25 Per Share",
        ),
        (Dividend, "Acme raises dividend 10%"),
        (Dividend, "Acme Fund Declares Monthly Distributions"),
        (Dividend, "Acme declares first-quarter dividend"),
        (Filing, "Acme Files Form 8-K"),
        (Macro, "Fed Holds Rates Steady, Signals Two Cuts"),
        (Macro, "US CPI Rises 0.2% In October Vs. 0.3% Est."),
        (Macro, "Initial jobless claims fall to 219,000"),
        (Macro, "Treasury yields jump as Powell speaks"),
    ] {
        assert_eq!(infer(headline), kind, "{headline}");
    }
}

#[test]
fn leaves_alone_what_only_looks_alike() {
    for headline in [
        "Court hands Acme a split decision in patent case",
        "Voters split on Acme stadium plan",
        "Acme splits with longtime partner Widget",
        "Acme halts production at Ohio plant",
        "Acme Resumes Shipments After Storm",
        "US and China resume trade talks",
        "Acme's bet on AI pays dividends",
        "5 Dividend Stocks To Buy Now",
        "This dividend aristocrat has a secret",
        "Acme upgrades its network to 5G",
        "Acme upgrades its checkout software",
        "Coffee is an acquired taste, and so is Acme stock",
        "Acme hires talent acquisition lead",
        "Example Advisors acquires 5,000 shares of Acme",
        "Acme offers voluntary buyouts to factory workers",
        "Acme is offering discounts on laptops",
        "Acme CEO says demand is strong",
        "Acme CEO speaks at Business Insider event",
        "Former banker found guilty of insider trading",
        "Customers are fed up with Acme",
        "President announces new tariffs on steel",
        "Acme names best places to work",
        "Acme stock climbs 4% in early trade",
        "Acme Announces Commercial Launch of Its New Sensor",
        "Acme to Present at the 12th Annual Widget Conference",
        "SHAREHOLDER ALERT: Example LLP Reminds Investors of Deadline",
        "Why Acme Shares Are Trading Higher Today",
        "",
        "—",
    ] {
        assert_eq!(infer(headline), NewsType::Headline, "{headline}");
    }
}

#[test]
fn the_type_that_a_headline_begins_with_counts() {
    for (kind, headline) in [
        (
            NewsType::Earnings,
            "Acme Q3 EPS $1.40 Beats, Declares $0.25 Dividend",
        ),
        (
            NewsType::Management,
            "Acme CEO steps down after earnings miss",
        ),
        (
            NewsType::Macro,
            "Fed rate cut hopes lift banks before earnings",
        ),
        (
            NewsType::Rating,
            "Acme upgraded to Buy from Hold after merger talks",
        ),
    ] {
        assert_eq!(infer(headline), kind, "{headline}");
    }
}

proptest! {
    #[test]
    fn takes_any_text(text in "\\PC*") {
        infer(&text);
    }

    #[test]
    fn takes_many_words(words in proptest::collection::vec("(to|acquire|dividend|q3|of|a|for|10|ceo|trading)", 0..300)) {
        infer(&words.join(" "));
    }
}

/// A line of a file of labelled headlines.
fn labelled(file: &'static str) -> impl Iterator<Item = (NewsType, &'static str)> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (label, headline) = line.split_once('\t').expect("a tab");
            let kind = serde_json::from_value(label.into()).expect(label);
            (kind, headline)
        })
}

/// At most 2 % may have a wrong type, and at least 85 % of those with a type must have it.
#[track_caller]
fn check(name: &str, file: &'static str, count: usize) {
    let (mut all, mut typed, mut right, mut wrong) = (0, 0, 0, Vec::new());
    for (kind, headline) in labelled(file) {
        let inferred = infer(headline);
        all += 1;
        typed += usize::from(kind != NewsType::Headline);
        if inferred != NewsType::Headline && inferred != kind {
            wrong.push(format!("{inferred:?} for {kind:?}: {headline}"));
        } else if inferred == kind && kind != NewsType::Headline {
            right += 1;
        }
    }
    println!(
        "{name}: {right} of {typed} types, {} wrong of {all}",
        wrong.len()
    );
    assert_eq!(all, count, "{name}");
    assert!(wrong.len() * 50 <= all, "{name}: {wrong:#?}");
    assert!(right * 100 >= typed * 85, "{name}: {right} of {typed}");
}

#[test]
fn labelled_headlines_that_the_rules_were_written_with() {
    check("tuned", include_str!("tuned.tsv"), 400);
}

#[test]
fn labelled_headlines_that_the_rules_were_written_without() {
    check("held out", include_str!("held_out.tsv"), 150);
}

#[test]
fn labelled_headlines_by_another_hand() {
    check("fresh", include_str!("fresh.tsv"), 586);
}

#[test]
fn a_number_and_a_capital_are_elements_of_phrases() {
    let at = |text, headline| find(&phrase(text), &words(headline));
    assert_eq!(at("buy !# @", "Acme to buy Widget"), Some(2));
    assert_eq!(at("buy !# @", "Acme to buy 200 vans"), None);
    assert_eq!(at("buy @", "Acme to buy vans"), None);
    assert_eq!(at("of up|#", "sale of 30 homes"), Some(1));
}

#[test]
fn words_after_despite_imply_no_type() {
    assert_eq!(
        infer("Acme to keep dividend steady despite profit drop"),
        NewsType::Dividend
    );
    assert_eq!(
        infer("Acme shares climb despite profit warning"),
        NewsType::Headline
    );
}

#[test]
fn all_phrases_can_be_read() {
    assert!(RULES.iter().all(|rule| !rule.required.is_empty()));
    assert!(!SILENT.is_empty());
}

#[test]
fn no_phrase_ends_in_what_may_be_absent() {
    let rules = rules::TABLES.iter().copied().flatten();
    let phrases = rules.flat_map(|(_, required, refused)| required.iter().chain(*refused));
    for text in phrases.chain(rules::SILENT.iter().copied().flatten()) {
        let last = phrase(text).pop();
        assert!(
            !matches!(last, Some(Element::Maybe(_) | Element::Gap(_))),
            "{text:?}"
        );
    }
}

#[test]
fn a_macro_among_words_stands_for_its_longer_phrases_too() {
    let at = |text, headline| find(&phrase(text), &words(headline));
    assert_eq!(
        at("director|TITLE quits", "Acme finance chief quits"),
        Some(1)
    );
    assert_eq!(at("director|TITLE quits", "Acme director quits"), Some(1));
    assert_eq!(at("director|TITLE quits", "Acme finance quits"), None);
    assert_eq!(at("quits !: board", "Acme: Roe quits board"), Some(3));
    assert_eq!(at("# : #", "Acme 1:5 split"), Some(1));
}
