//! The same story twice is one story, whoever publishes it. Earlier versions are looked up on the tape: a story that
//! has left the window is published as new.

use market::Event;
use tape::EventId;

use crate::{Draft, Entry, Topic, View};

/// The newest version of a story that is on the tape.
pub fn newest<'a>(view: &View<'a>, id: &str) -> Option<(EventId, &'a Entry)> {
    view.retained(&Topic::story(id))
        .find(|(_, entry)| matches!(&*entry.event, Event::News(news) if news.id == id))
}

/// What to append for a story after an earlier version, if anything.
pub fn after(draft: Draft, earlier: Option<&Event>) -> Option<Draft> {
    let (Event::News(news), Some(Event::News(earlier))) = (&**draft.event(), earlier) else {
        return Some(draft);
    };
    let changed = news.clone().after(earlier)?;
    if changed == *news {
        return Some(draft);
    }
    let owner = draft.owner().clone();
    Some(Draft::new(Event::News(changed)).of(owner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn stories_that_share_a_topic_are_distinguished_by_their_ids() {
        let tape = testing::tape();
        let draft = Draft::new(Event::News(testing::news("a")));
        let shared = [Topic::story("test:2")];
        tape.append_all(testing::START, |batch| {
            batch.append(shared, None, |id| {
                crate::Entry::new(id, (**draft.event()).clone())
            })
        });
        tape.view(|view| {
            assert!(view.holds(&Topic::story("test:2")));
            assert!(newest(view, "test:2").is_none());
        });
    }
}
