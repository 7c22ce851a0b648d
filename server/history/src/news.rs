//! The newest stories.

use std::cmp::Reverse;

use archive::FoundNews;
use market::{Event, News};
use tape::EventId;

use crate::{
    filter::NewsFilter,
    past::{Past, Unreadable},
};
use events::{
    Tape, Topic, View,
    slices::{BEGINNING, END, Retained, SLICE_ENTRIES},
    story,
};

/// How many stories of the tape are examined for one page. If an archive is written, far fewer are on the tape alone;
/// without one, a page of rare words ends here with the position to continue from.
const MAX_LOOKED_THROUGH: usize = 20_000;

/// Stories, newest first, each under the id of its newest version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stories {
    /// The stories with their ids.
    pub stories: Vec<(EventId, News)>,
    /// The id before which there may be more.
    pub next: Option<EventId>,
}

/// The newest `limit` stories that pass a filter and have an id before `before`. Each story is in its newest version,
/// under the id of that version: a story that is updated while a client pages through moves to the front.
///
/// Only stories that the archive has not written are searched on the tape; without an archive that is all of it, and a
/// page may have fewer stories than `limit`, even none, together with the position to continue from.
///
/// # Errors
/// If the archive cannot be read.
pub fn read_news(
    past: Option<&dyn Past>,
    tape: &Tape,
    filter: &NewsFilter,
    before: Option<EventId>,
    limit: usize,
) -> Result<Stories, Unreadable> {
    // One more shows whether there are more.
    let enough = limit.saturating_add(1);
    // Before the archive is read: stories that it receives meanwhile are found on the tape.
    let written = past.and_then(Past::written).unwrap_or(BEGINNING);
    let archived = match past {
        Some(past) => past.news(filter, before, enough)?,
        None => FoundNews::default(),
    };
    let FoundNews {
        stories: archived,
        unread,
    } = archived;
    let span = (written, before.unwrap_or(END));
    let (mut stories, cut) = taped(tape, filter, span, enough, MAX_LOOKED_THROUGH);
    if let Some(cut) = cut {
        // The archive's stories are older still.
        return Ok(Stories {
            stories,
            next: (limit > 0).then_some(cut),
        });
    }
    let archives_last = archived.last().map(|(id, _)| *id);
    let archive_has_more = archived.len() >= enough;
    stories.extend(newest_versions(tape, archived));
    stories.sort_by_key(|(id, _)| Reverse(*id));
    // It may have been written between the two readings.
    stories.dedup_by_key(|(id, _)| *id);
    let has_more = stories.len() > limit || archive_has_more;
    if !has_more && let Some(unread) = unread {
        return Ok(Stories {
            stories,
            next: (limit > 0).then_some(unread),
        });
    }
    stories.truncate(limit);
    let last = stories.last().map(|(id, _)| *id).or(archives_last);
    Ok(Stories {
        stories,
        next: last.filter(|_| has_more && limit > 0),
    })
}

/// The newest `enough` stories of the tape between two ids that pass a filter, newest first; and if not all were
/// examined, the id before which the others are.
fn taped(
    tape: &Tape,
    filter: &NewsFilter,
    (after, before): (EventId, EventId),
    enough: usize,
    most_looked_through: usize,
) -> (Vec<(EventId, News)>, Option<EventId>) {
    let topics: Vec<Topic> = match filter.symbols.as_slice() {
        [] => vec![Topic::AllNews],
        symbols => symbols.iter().copied().map(Topic::News).collect(),
    };
    let mut kept = Retained::before(tape, &topics, before).take_while(|(id, _)| *id > after);
    let mut stories = Vec::new();
    let mut looked = 0;
    while stories.len() < enough {
        let slice: Vec<_> = kept.by_ref().take(SLICE_ENTRIES.min(4 * enough)).collect();
        let Some((last, _)) = slice.last() else {
            return (stories, None);
        };
        looked += slice.len();
        let passing = slice.iter().filter_map(|(id, entry)| match &*entry.event {
            Event::News(news) if filter.passes(news) => Some((*id, news.clone())),
            _ => None,
        });
        let room = enough - stories.len();
        stories.extend(
            newest_versions(tape, passing.collect())
                .into_iter()
                .take(room),
        );
        if looked >= most_looked_through && stories.len() < enough {
            return (stories, Some(*last));
        }
    }
    (stories, None)
}

/// Leaves out the stories with a newer version on the tape.
fn newest_versions(tape: &Tape, mut stories: Vec<(EventId, News)>) -> Vec<(EventId, News)> {
    let mut are_newest = Vec::with_capacity(stories.len());
    for slice in stories.chunks(SLICE_ENTRIES) {
        tape.view(|view| {
            are_newest.extend(
                slice
                    .iter()
                    .map(|(id, news)| is_newest(view, *id, &news.id)),
            );
        });
    }
    let mut are_newest = are_newest.into_iter();
    stories.retain(|_| are_newest.next().unwrap_or(true));
    stories
}

fn is_newest(view: &View<'_>, id: EventId, story: &str) -> bool {
    story::newest(view, story).is_none_or(|(newest, _)| newest <= id)
}

#[cfg(test)]
mod tests {
    use std::{ops::Range, sync::Mutex};

    use archive::{Overlay, Rolled, Split};
    use market::{Action, Basis, Interval, Millis, NewsType, Symbol};

    use super::*;
    use events::testing::{START, tape};
    use feeds::testing::publisher;

    fn news(id: u64, headline: &str) -> News {
        News {
            id: format!("test:{id}"),
            kind: NewsType::Headline,
            basis: Basis::Native,
            action: Action::Created,
            symbols: vec!["GOOG".parse().unwrap()],
            headline: headline.to_owned(),
            summary: None,
            url: None,
            source: "test".to_owned(),
            published: START,
            form: None,
            accession: None,
            code: None,
        }
    }

    /// Everything that was on a tape up to a moment, as an archive would return it.
    #[derive(Default)]
    struct Written {
        stories: Mutex<Vec<(EventId, News)>>,
        /// The position on the tape up to which it has everything.
        until: Option<EventId>,
    }

    impl Written {
        fn write(&self, tape: &Tape) {
            let all = read_news(None, tape, &NewsFilter::default(), None, 1_000).unwrap();
            let mut written = self.stories.lock().unwrap();
            written.retain(|(_, news)| all.stories.iter().all(|(_, newer)| newer.id != news.id));
            written.extend(all.stories);
            written.sort_by_key(|(id, _)| Reverse(*id));
        }
    }

    impl Past for Written {
        fn written(&self) -> Option<EventId> {
            self.until
        }

        fn bars(
            &self,
            _: Symbol,
            _: Interval,
            _: Range<Millis>,
            _: usize,
            _: &Overlay,
        ) -> Result<Vec<Rolled>, Unreadable> {
            Ok(Vec::new())
        }

        fn splits(&self, _: Symbol, _: Range<Millis>) -> Result<Vec<Split>, Unreadable> {
            Ok(Vec::new())
        }

        fn news(
            &self,
            filter: &NewsFilter,
            before: Option<EventId>,
            limit: usize,
        ) -> Result<FoundNews, Unreadable> {
            let written = self.stories.lock().unwrap();
            let found = written.iter().filter(|(id, news)| {
                before.is_none_or(|before| *id < before) && filter.passes(news)
            });
            Ok(FoundNews {
                stories: found.take(limit).cloned().collect(),
                unread: None,
            })
        }
    }

    fn ids(stories: &Stories) -> Vec<&str> {
        let ids = stories.stories.iter();
        ids.map(|(_, news)| news.id.trim_start_matches("test:"))
            .collect()
    }

    #[test]
    fn paging_returns_every_story_once_while_new_ones_are_appended() {
        let all = NewsFilter::default();
        for limit in 1..5 {
            let (tape, written) = (tape(), Written::default());
            let desk = publisher(&tape);
            for id in 0..20 {
                desk.news(news(id, "a"));
                if id == 13 {
                    written.write(&tape);
                }
            }
            let (mut walked, mut before) = (Vec::new(), None);
            for step in 20.. {
                let page = read_news(Some(&written), &tape, &all, before, limit).unwrap();
                walked.extend(ids(&page).into_iter().map(|id| id.parse::<u64>().unwrap()));
                let Some(next) = page.next else { break };
                before = Some(next);
                // Meanwhile a story is appended, and the archive writes on.
                desk.news(news(step, "new"));
                if step % 3 == 0 {
                    written.write(&tape);
                }
            }
            let expected: Vec<u64> = (0..20).rev().collect();
            assert_eq!(walked, expected, "{limit} a page");
        }
    }

    #[test]
    fn an_updated_story_is_there_once_in_its_newest_version() {
        let (tape, written) = (tape(), Written::default());
        let desk = publisher(&tape);
        for id in 0..3 {
            desk.news(news(id, "a"));
        }
        written.write(&tape);
        desk.news(news(1, "b"));
        let all = NewsFilter::default();
        let page = read_news(Some(&written), &tape, &all, None, 10).unwrap();
        assert_eq!(ids(&page), ["1", "2", "0"]);
        assert_eq!(page.stories[0].1.headline, "b");
        assert_eq!(page.next, None);
        // Nor does a later page have its old version.
        let before = Some(page.stories[0].0);
        let page = read_news(Some(&written), &tape, &all, before, 10).unwrap();
        assert_eq!(ids(&page), ["2", "0"]);
        // Its earlier version no longer counts.
        let of_words = NewsFilter {
            words: vec!["a".to_owned()],
            ..NewsFilter::default()
        };
        let page = read_news(None, &tape, &of_words, None, 10).unwrap();
        assert_eq!(ids(&page), ["2", "0"]);
    }

    #[test]
    fn where_much_is_to_be_looked_through_it_is_done_in_parts() {
        let tape = tape();
        let desk = publisher(&tape);
        for id in 0..3_000 {
            let words = if id % 700 == 5 { "rare" } else { "common" };
            desk.news(news(id, words));
        }
        let rare = NewsFilter {
            words: vec!["rare".to_owned()],
            ..NewsFilter::default()
        };
        let (mut found, mut before, mut parts) = (Vec::new(), END, 0);
        loop {
            let (stories, cut) = taped(&tape, &rare, (BEGINNING, before), 100, 1_000);
            found.extend(stories.into_iter().map(|(_, news)| news.id));
            parts += 1;
            let Some(cut) = cut else { break };
            before = cut;
        }
        assert_eq!(
            found,
            ["test:2805", "test:2105", "test:1405", "test:705", "test:5"]
        );
        assert!((2..=4).contains(&parts), "{parts}");
        // A full page needs no other part.
        let (stories, cut) = taped(&tape, &rare, (BEGINNING, END), 1, 1_000);
        assert_eq!((stories.len(), cut), (1, None));
    }

    #[test]
    fn what_the_archive_has_is_not_looked_for_on_the_tape() {
        let tape = tape();
        let desk = publisher(&tape);
        desk.news(news(0, "a"));
        let written = Written {
            until: Some(tape.view(|view| view.position())),
            ..Written::default()
        };
        desk.news(news(1, "a"));
        let all = NewsFilter::default();
        let page = read_news(Some(&written), &tape, &all, None, 10).unwrap();
        assert_eq!(ids(&page), ["1"]);
    }

    #[test]
    fn a_filter_combines_symbols_types_and_words() {
        let story = News {
            summary: Some("Éclairs for everybody".to_owned()),
            ..news(0, "GOOG Beats")
        };
        let passes = |symbols: &[&str], types: &[NewsType], words: &[&str]| {
            let filter = NewsFilter {
                symbols: symbols
                    .iter()
                    .map(|symbol| symbol.parse().unwrap())
                    .collect(),
                types: types.to_vec(),
                words: words.iter().map(|word| (*word).to_owned()).collect(),
            };
            filter.passes(&story)
        };
        assert!(passes(&[], &[], &[]));
        assert!(passes(
            &["AAPL", "GOOG"],
            &[NewsType::Headline],
            &["beats", "éclairs"]
        ));
        assert!(!passes(&["AAPL"], &[], &[]));
        assert!(!passes(&[], &[NewsType::Filing], &[]));
        assert!(!passes(&[], &[], &["beats", "misses"]));
        // Only the last word may be incomplete.
        assert!(passes(&[], &[], &["beats", "écl"]));
        assert!(!passes(&[], &[], &["bea", "goog"]));
    }
}
