use super::*;
use crate::{
    format::figures::tests::{quote, symbol},
    news::list::tests::news,
};

fn these(names: &[&str]) -> Wants {
    Wants::These(names.iter().map(|name| symbol(name)).collect())
}

/// A follower of a leader whose stream carries what it wants.
fn follower() -> Tabs {
    let mut tabs = Tabs::new(these(&["GOOG"]));
    assert_eq!(tabs.look(0, false, 0.0), Duty::Hello);
    assert_eq!(tabs.receive(7_000), Rank::Current);
    tabs.carried(these(&["AAPL", "GOOG"]));
    assert_eq!(tabs.look(0, false, 0.0), Duty::Hello, "to a new leader");
    tabs
}

#[test]
fn has_what_it_wants_and_news_of_it() {
    let wants = these(&["GOOG"]);
    let goog = Event::Quote(quote("GOOG", 1, "5"));
    let aapl = Event::Quote(quote("AAPL", 1, "5"));
    assert!(wants.has(&goog) && !wants.has(&aapl) && Wants::All.has(&aapl));
    let mut story = news("a");
    assert!(!wants.has(&Event::News(story.clone())));
    assert!(Wants::All.has(&Event::News(story.clone())));
    story.symbols = vec![symbol("AAPL"), symbol("GOOG")];
    assert!(wants.has(&Event::News(story)));
    assert!(Wants::All.covers(&wants) && !wants.covers(&Wants::All));
    assert!(these(&["AAPL", "GOOG"]).covers(&wants) && !wants.covers(&these(&["AAPL"])));
    assert_eq!(wants.symbols(), Some(vec![symbol("GOOG")]));
    assert_eq!((these(&[]).symbols(), Wants::All.symbols()), (None, None));
}

#[test]
fn what_is_refused_by_its_name_comes_with_all_for_an_hour() {
    let mut tabs = Tabs::new(these(&["GOOG"]));
    tabs.lead(7_000);
    assert_eq!(tabs.look(7_000, true, 0.0), Duty::Rest);
    tabs.carry_all(8_000);
    assert_eq!(tabs.look(8_000, false, 0.0), Duty::Open);
    assert_eq!((tabs.carries(), tabs.asks()), (&Wants::All, &Wants::All));
    assert_eq!(tabs.wants(), &these(&["GOOG"]));
    // A late answer repeats it: nothing has to be reopened.
    tabs.carry_all(9_000);
    assert_eq!(tabs.look(8_000 + UNQUOTED, true, 0.0), Duty::Rest);
    assert_eq!(tabs.look(9_000 + UNQUOTED, true, 0.0), Duty::Open);
    assert_eq!(tabs.carries(), &these(&["GOOG"]));
    assert_eq!(tabs.asks(), &these(&["GOOG"]));
}

#[test]
fn a_silent_leader_is_asked_and_then_replaced() {
    let mut tabs = follower();
    let mut duties = Vec::new();
    for second in 1..=6 {
        duties.push(tabs.look(second * 1_000, true, 0.0));
    }
    use Duty::{Hello, Rest, Steal};
    assert_eq!(duties, [Rest, Hello, Hello, Hello, Hello, Steal]);
    // A random number postpones it, and each message of the leader resets the count.
    let mut tabs = follower();
    for second in 1..=8 {
        assert_ne!(tabs.look(second * 1_000, true, 0.99), Steal);
        assert_eq!(tabs.is_silent(), second >= 4);
    }
    assert_eq!(tabs.receive(7_000), Rank::Current);
    assert!(!tabs.is_silent());
    assert_eq!(tabs.look(10_000, true, 0.0), Rest);
}

#[test]
fn an_hour_of_sleep_is_one_look() {
    let mut tabs = follower();
    assert_eq!(tabs.look(3_600_000, true, 0.0), Duty::Hello);
    assert!(!tabs.is_silent());
    assert_ne!(tabs.look(7_200_000, true, 0.0), Duty::Steal);
}

#[test]
fn repeats_what_it_wants_now_and_then_and_as_long_as_the_stream_does_not_carry_it() {
    let mut tabs = follower();
    tabs.receive(7_000);
    assert_eq!(tabs.look(29_999, true, 0.0), Duty::Rest);
    tabs.receive(7_000);
    assert_eq!(tabs.look(30_000, true, 0.0), Duty::Hello);
    tabs.want(these(&["GOOG", "NVDA"]));
    assert_eq!(tabs.look(30_100, false, 0.0), Duty::Hello);
    assert!(!tabs.is_covered());
    tabs.receive(7_000);
    assert_eq!(tabs.look(31_100, true, 0.0), Duty::Hello);
    tabs.carried(Wants::All);
    tabs.receive(7_000);
    assert_eq!(tabs.look(32_100, true, 0.0), Duty::Rest);
}

#[test]
fn a_leader_of_before_is_no_leader_and_another_one_deposes() {
    let mut tabs = follower();
    assert_eq!(tabs.receive(6_999), Rank::Past);
    assert!(tabs.is_covered());
    assert_eq!(tabs.receive(7_001), Rank::Current);
    assert!(!tabs.is_covered(), "of another stream nothing is known");
    // A new term is above all earlier ones, also if this clock is behind.
    tabs.lead(5_000);
    assert!(tabs.leads());
    assert_eq!(tabs.term(), 7_002);
    assert_eq!(tabs.receive(7_001), Rank::Past);
    assert!(tabs.leads());
    assert_eq!(tabs.receive(9_000), Rank::Deposed);
    assert!(!tabs.leads());
    // Another tab knows a leader with a later term.
    tabs.lead(9_500);
    tabs.joined(3, Wants::All, 20_000, 9_600);
    assert_eq!(tabs.term(), 20_001);
    tabs.joined(3, Wants::All, 20_001, 9_700);
    assert_eq!(tabs.term(), 20_001);
}

#[test]
fn the_stream_carries_what_all_of_them_want_as_long_as_they_are_there() {
    let mut tabs = follower();
    tabs.lead(10_000);
    // What the previous leader carried is carried on for a while, so that no tab has to wait.
    assert_eq!(*tabs.carries(), these(&["AAPL", "GOOG"]));
    assert_eq!(tabs.look(11_000, true, 0.0), Duty::Rest);
    tabs.joined(5, these(&["AAPL"]), tabs.term(), 12_000);
    tabs.joined(6, these(&["NVDA"]), tabs.term(), 12_000);
    assert_eq!(tabs.look(12_000, false, 0.0), Duty::Open);
    assert_eq!(*tabs.carries(), these(&["AAPL", "GOOG", "NVDA"]));
    tabs.left(6, 20_000);
    assert_eq!(tabs.look(29_999, true, 0.0), Duty::Rest);
    assert_eq!(tabs.look(30_000, true, 0.0), Duty::Open);
    assert_eq!(*tabs.carries(), these(&["AAPL", "GOOG"]));
    // The other tab sends nothing any more.
    assert_eq!(tabs.look(12_000 + COUNTS, true, 0.0), Duty::Open);
    assert_eq!(*tabs.carries(), these(&["GOOG"]));
}

#[test]
fn more_than_a_request_may_name_is_asked_for_as_all() {
    let names: Vec<String> = (0..MAX_WATCHLIST)
        .map(|number| format!("S{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tabs = Tabs::new(these(&["GOOG"]));
    tabs.lead(1_000);
    tabs.joined(5, these(&names), 0, 1_000);
    assert_eq!(tabs.look(1_000, false, 0.0), Duty::Open);
    assert_eq!(*tabs.carries(), Wants::All);
    // A tab's own list is not limited.
    let mut tabs = Tabs::new(these(&[&names[..], &["GOOG"]].concat()));
    tabs.lead(1_000);
    assert_eq!(tabs.carries(), tabs.wants());
}
