use market::{Basis, NewsType};

use super::*;
use crate::news::filter::NewsFilter;

pub(crate) fn news(id: &str) -> News {
    News {
        id: id.to_owned(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: Vec::new(),
        headline: format!("headline of {id}"),
        summary: None,
        url: None,
        source: "test".to_owned(),
        published: 0,
        form: None,
        accession: None,
        code: None,
    }
}

fn ids(list: &NewsList) -> Vec<String> {
    let shown = list.shown();
    shown.iter().map(|story| story.news.id.clone()).collect()
}

fn stories(ids: &[&str]) -> Vec<News> {
    ids.iter().map(|id| news(id)).collect()
}

fn halts() -> Lens {
    NewsFilter::read("type=halt").lens(None, None)
}

fn halt(id: &str) -> News {
    News {
        kind: NewsType::Halt,
        ..news(id)
    }
}

#[test]
fn new_stories_are_on_top() {
    let mut list = NewsList::new(&[news("b"), news("a")]);
    assert!(list.add(news("c"), false));
    assert_eq!(ids(&list), ["c", "b", "a"]);
}

#[test]
fn stories_wait_while_the_person_reads() {
    let mut list = NewsList::new(&[news("a")]);
    list.add(news("b"), true);
    list.add(news("c"), true);
    assert_eq!((ids(&list).len(), list.waiting()), (1, 2));
    list.release();
    assert_eq!(ids(&list), ["c", "b", "a"]);
    assert_eq!(list.waiting(), 0);
}

#[test]
fn the_same_id_is_the_same_story() {
    let mut list = NewsList::new(&[news("b"), news("a")]);
    assert!(!list.add(news("a"), false));
    assert_eq!(list.shown()[1].revision, 0);
    let corrected = News {
        action: Action::Updated,
        ..news("a")
    };
    assert!(!list.add(corrected, true));
    assert_eq!(ids(&list), ["b", "a"]);
    assert_eq!(list.shown()[1].revision, 1);
    assert_eq!(list.shown()[1].news.action, Action::Updated);
    // Also while it waits.
    list.add(news("c"), true);
    assert!(!list.add(news("c"), true));
    assert_eq!(list.waiting(), 1);
}

#[test]
fn a_withdrawn_story_stays_struck_out_but_does_not_come_new() {
    let mut list = NewsList::new(&[news("a")]);
    let withdrawn = |id| News {
        action: Action::Deleted,
        ..news(id)
    };
    list.add(withdrawn("a"), false);
    assert_eq!(list.shown()[0].news.action, Action::Deleted);
    assert!(!list.add(withdrawn("unknown"), false));
    assert_eq!(ids(&list), ["a"]);
}

#[test]
fn starts_over_without_what_was_known_unless_the_person_reads() {
    let before = NewsList::new(&[news("b"), news("a")]);
    let other = News {
        headline: "another story of the same id".to_owned(),
        ..news("a")
    };
    let newest = vec![news("c"), other.clone()];
    let mut list = before.clone();
    assert_eq!(list.start_over(newest.clone(), false), 1);
    assert_eq!(ids(&list), ["c", "a"]);
    assert_eq!(*list.shown()[1].news, other);
    assert_ne!(list.shown()[1].revision, before.shown()[1].revision);

    let mut list = before;
    assert_eq!(list.start_over(newest, true), 1);
    assert_eq!(ids(&list), ["b", "a"]);
    assert_eq!(list.waiting(), 1);
}

#[test]
fn only_what_passes_is_shown_waits_and_is_counted() {
    let mut list = NewsList::new(&[halt("b"), news("a")]);
    list.set_lens(halts());
    assert_eq!(ids(&list), ["b"]);
    assert_eq!((list.known(), list.waiting()), (2, 0));
    assert!(!list.add(news("c"), true));
    assert!(list.add(halt("d"), true));
    assert_eq!((list.known(), list.waiting()), (3, 1));
    list.set_lens(Lens::default());
    assert_eq!(ids(&list), ["d", "c", "b", "a"]);
    assert_eq!(list.waiting(), 0);
}

#[test]
fn records_when_a_story_changed() {
    let mut list = NewsList::new(&[news("a")]);
    list.set_now(5);
    let corrected = News {
        action: Action::Updated,
        ..news("a")
    };
    list.add(corrected.clone(), false);
    list.set_now(6);
    list.add(corrected, false);
    assert_eq!(list.shown()[0].changed, Some(5));
}

#[test]
fn older_stories_follow_and_each_is_there_once() {
    let mut list = NewsList::new(&stories(&["d", "c"]));
    let first = list.question().unwrap();
    assert_eq!(first.address, "/news?limit=50");
    let next = Some("7-0".to_owned());
    assert_eq!(
        list.answer(&first, stories(&["d", "c", "b"]), next),
        Some(1)
    );
    let second = list.question().unwrap();
    assert_eq!(second.address, "/news?before=7-0&limit=50");
    assert_eq!(list.answer(&second, stories(&["a"]), None), Some(1));
    assert_eq!(ids(&list), ["d", "c", "b", "a"]);
    assert_eq!(list.question(), None);
    // A corrected story stays in its place.
    let corrected = News {
        action: Action::Updated,
        ..news("b")
    };
    assert!(!list.add(corrected, false));
    assert_eq!(list.shown()[2].news.action, Action::Updated);
}

#[test]
fn an_answer_for_another_filter_is_none() {
    let mut list = NewsList::new(&stories(&["b"]));
    let question = list.question().unwrap();
    list.set_lens(halts());
    assert_eq!(list.answer(&question, stories(&["a"]), None), None);
    let question = list.question().unwrap();
    assert_eq!(question.address, "/news?type=halt&limit=50");
    assert_eq!(list.answer(&question, vec![halt("h")], None), Some(1));
    assert_eq!(ids(&list), ["h"]);
    // Stories that were loaded for one filter do not appear with another.
    list.set_lens(Lens::default());
    assert_eq!(ids(&list), ["b"]);
    assert!(list.question().is_some());
}

#[test]
fn no_gap_opens_before_what_is_older() {
    let mut list = NewsList::new(&stories(&["b"]));
    let question = list.question().unwrap();
    list.answer(&question, stories(&["a"]), None);
    for number in 0..KEPT {
        list.add(news(&number.to_string()), false);
    }
    let ids = ids(&list);
    assert_eq!(ids.len(), KEPT + 2);
    assert_eq!(ids[KEPT..], ["b", "a"]);
}

#[test]
fn what_lies_between_is_put_in_by_its_time() {
    let at = |id: &str, published| News {
        published,
        ..news(id)
    };
    let mut list = NewsList::new(&[at("c", 3), at("a", 1)]);
    list.set_lens(NewsFilter::read("of=all").lens(None, Some(&[])));
    let question = list.question_beside().unwrap();
    let next = Some("1-0".to_owned());
    list.answer(&question, vec![at("b", 2)], next.clone());
    assert_eq!(ids(&list), ["c", "b", "a"]);
    // A later request for new stories does not change where older ones continue.
    let older = list.question();
    let question = list.question_beside().unwrap();
    list.answer(&question, vec![at("d", 4)], Some("9-0".to_owned()));
    assert_eq!(ids(&list), ["d", "c", "b", "a"]);
    assert_eq!(list.question(), older);
}

#[test]
fn does_not_grow_for_ever() {
    let mut list = NewsList::default();
    for number in 0..2 * KEPT {
        list.add(news(&number.to_string()), number % 2 == 0);
    }
    list.release();
    assert_eq!(list.shown().len(), KEPT);
}
