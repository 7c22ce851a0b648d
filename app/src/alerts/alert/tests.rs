use super::*;
use crate::{format::figures::tests::symbol, news::list::tests::news};

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn alert(name: Option<&str>, condition: Condition) -> Alert {
    Alert {
        id: 1,
        symbol: name.map(symbol),
        condition,
        armed: 0,
        fired: None,
        near: Vec::new(),
    }
}

/// The effect of prices of a symbol on an alert, one after the other.
fn follow(alert: &mut Alert, name: &str, prices: &[&str]) -> Vec<Seen> {
    let close = Some(price("100"));
    let mut seen = Vec::new();
    for text in prices {
        let what = alert.look(symbol(name), price(text), close, true);
        match what {
            Seen::Nothing => {}
            Seen::Near => alert.near.push(symbol(name)),
            Seen::Far => alert.fired = Some(1),
        }
        seen.push(what);
    }
    seen
}

#[test]
fn fires_once_when_the_price_comes_over() {
    let mut above = alert(Some("GOOG"), Condition::Above(price("226.80")));
    assert_eq!(
        follow(
            &mut above,
            "GOOG",
            &["226.79", "226.70", "226.80", "226.70", "227"]
        ),
        [
            Seen::Near,
            Seen::Nothing,
            Seen::Far,
            Seen::Nothing,
            Seen::Nothing
        ]
    );
    let mut below = alert(Some("GOOG"), Condition::Below(price("226.80")));
    assert_eq!(
        follow(&mut below, "GOOG", &["226.8000001", "226.800"]),
        [Seen::Near, Seen::Far]
    );
}

#[test]
fn a_price_that_is_beyond_already_fires_only_after_it_was_not() {
    let mut above = alert(Some("GOOG"), Condition::Above(price("226.80")));
    assert_eq!(
        follow(&mut above, "GOOG", &["230", "231", "226.79", "226.80"]),
        [Seen::Nothing, Seen::Nothing, Seen::Near, Seen::Far]
    );
}

#[test]
fn what_was_near_is_remembered() {
    let mut above = alert(Some("GOOG"), Condition::Above(price("226.80")));
    follow(&mut above, "GOOG", &["226"]);
    let mut above = read(&write(&[above])).remove(0);
    assert_eq!(follow(&mut above, "GOOG", &["240"]), [Seen::Far]);
}

#[test]
fn counts_a_change_exactly_and_both_ways() {
    let change = |percent: &str| Condition::Change(percent.parse().unwrap());
    let mut up = alert(Some("GOOG"), change("2.5"));
    assert_eq!(
        follow(&mut up, "GOOG", &["102.4999999999", "102.5"]),
        [Seen::Near, Seen::Far]
    );
    let mut down = alert(Some("GOOG"), change("2.5"));
    assert_eq!(
        follow(&mut down, "GOOG", &["100", "97.50"]),
        [Seen::Near, Seen::Far]
    );
    let unknown = alert(Some("GOOG"), change("2.5"));
    for close in [None, Some(Price::ZERO)] {
        let seen = unknown.look(symbol("GOOG"), price("1"), close, true);
        assert_eq!(seen, Seen::Nothing);
    }
}

#[test]
fn any_of_the_watchlist_is_each_for_itself() {
    let mut any = alert(None, Condition::Change(Decimal::ONE));
    assert_eq!(follow(&mut any, "GOOG", &["100"]), [Seen::Near]);
    // A price that was never on the near side has not crossed.
    assert_eq!(follow(&mut any, "AAPL", &["110"]), [Seen::Nothing]);
    let not_watched = any.look(symbol("GOOG"), price("110"), Some(price("100")), false);
    assert_eq!(not_watched, Seen::Nothing);
    assert_eq!(follow(&mut any, "GOOG", &["110"]), [Seen::Far]);
}

#[test]
fn another_symbol_is_nothing_to_it() {
    let mut goog = alert(Some("GOOG"), Condition::Above(price("10")));
    assert_eq!(
        follow(&mut goog, "AAPL", &["9", "11"]),
        [Seen::Nothing, Seen::Nothing]
    );
}

#[test]
fn wants_news_of_its_type_and_symbol() {
    let mut story = news("a");
    story.kind = NewsType::Filing;
    story.symbols = vec![symbol("GOOG")];
    let is_watched = |watched: &Symbol| *watched == symbol("GOOG");
    let filing = Condition::News(NewsType::Filing);
    assert!(alert(Some("GOOG"), filing).wants(&story, is_watched));
    assert!(!alert(Some("AAPL"), filing).wants(&story, is_watched));
    assert!(alert(None, filing).wants(&story, is_watched));
    assert!(!alert(None, filing).wants(&story, |_| false));
    assert!(!alert(None, Condition::News(NewsType::Halt)).wants(&story, is_watched));
    let corrected = News {
        action: Action::Updated,
        ..story.clone()
    };
    assert!(!alert(None, filing).wants(&corrected, is_watched));
    story.symbols.clear();
    assert!(alert(None, filing).wants(&story, |_| false));
    assert!(!alert(Some("GOOG"), filing).wants(&story, is_watched));
}

#[test]
fn reads_what_it_writes() {
    let mut all = vec![
        alert(Some("BRK.B"), Condition::Above(price("226.80"))),
        alert(Some("^GSPC"), Condition::Below(price("0.00000001"))),
        alert(None, Condition::Change("2.5".parse().unwrap())),
        alert(None, Condition::News(NewsType::PressRelease)),
    ];
    all[0].near.push(symbol("BRK.B"));
    all[1].fired = Some(1_732_111_111_111);
    assert_eq!(read(&write(&all)), all);
    let broken = format!("\nnonsense\n1 A above x 0 - \n{}\n2 A", write(&all));
    assert_eq!(read(&broken), all);
}

#[test]
fn reads_a_form() {
    let goog = Some(symbol("GOOG"));
    let read = |name, value| condition(name, value, "press_release", goog);
    assert_eq!(
        read("above", " 226.80 "),
        Ok(Condition::Above(price("226.80")))
    );
    assert_eq!(
        read("below", "61,837.63"),
        Ok(Condition::Below(price("61837.63")))
    );
    let percent = |text: &str| Ok(Condition::Change(text.parse().unwrap()));
    assert_eq!(read("change", "2.5 %"), percent("2.5"));
    assert_eq!(
        read("news", ""),
        Ok(Condition::News(NewsType::PressRelease))
    );
    assert_eq!(condition("change", "3", "", None), percent("3"));
}

#[test]
fn names_what_is_wrong_with_a_form() {
    let goog = Some(symbol("GOOG"));
    for value in ["abc", "226,80", "1,2345", "1.2.3", "2 %", "1e5", "1.5,000"] {
        let error = condition("above", value, "", goog).unwrap_err();
        assert_eq!(
            error,
            format!("“{value}” is not a price. Enter a number, e.g. 226.80.")
        );
    }
    for value in ["0", "-1", "x"] {
        let error = condition("change", value, "", goog).unwrap_err();
        assert!(error.starts_with(&format!(
            "“{value}” is not a percentage. Enter a number above 0"
        )));
    }
    let empty = condition("above", "", "", goog).unwrap_err();
    assert!(empty.starts_with("No price given"), "{empty}");
    assert!(
        condition("above", "5", "", None)
            .unwrap_err()
            .contains("one symbol")
    );
    assert!(
        condition("news", "", "gossip", goog)
            .unwrap_err()
            .contains("“gossip”")
    );
}
