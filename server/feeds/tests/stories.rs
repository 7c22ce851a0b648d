//! The same story of several feeds is one story.

use events::testing::{self, news};
use feeds::{FeedContext, Publisher};
use market::{Action, Event, News};

#[test]
fn a_story_of_two_feeds_is_published_once() {
    let tape = testing::tape();
    let mut reader = testing::listen(&tape);
    let context = FeedContext::new(tape, testing::fixed_now());
    let [one, other] = ["One", "Other"].map(|name| Publisher::new(context.clone(), name));
    one.news(news("a"));
    other.news(news("a"));
    other.news(news("b"));
    one.news(news("b"));
    let updated = News {
        action: Action::Updated,
        ..news("b")
    };
    let versions = [news("a"), updated].map(Event::News);
    assert_eq!(reader.events(), versions);
}
