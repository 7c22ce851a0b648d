//! The same story of several feeds is one story.

use events::testing;
use feeds::{FeedContext, Publisher};
use market::{Action, Basis, Event, News, NewsType};

fn news(headline: &str) -> News {
    News {
        id: "test:1".to_owned(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: Vec::new(),
        headline: headline.to_owned(),
        summary: None,
        url: None,
        source: "test".to_owned(),
        published: testing::START,
        form: None,
        accession: None,
        code: None,
    }
}

#[test]
fn feeds_that_tell_the_same_story_tell_it_once() {
    let tape = testing::tape();
    let mut reader = testing::listen(&tape);
    let floor = FeedContext::new(tape, testing::fixed_now());
    let [one, other] = ["One", "Other"].map(|name| Publisher::new(floor.clone(), name));
    one.news(news("a"));
    other.news(news("a"));
    other.news(news("b"));
    one.news(news("b"));
    let updated = News {
        action: Action::Updated,
        ..news("b")
    };
    let told = [news("a"), updated].map(Event::News);
    assert_eq!(reader.events(), told);
}
