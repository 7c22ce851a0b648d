use std::sync::Arc;

use market::{Action, News};

/// How many stories are kept: some screens full, so that a page that is open all day does not grow.
const KEPT: usize = 200;

/// A story and which version of it this is, so that a corrected one is drawn anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Story {
    /// The newest words of it.
    pub(crate) news: Arc<News>,
    /// Another number for each version.
    pub(crate) revision: u32,
}

/// The stories that are shown, and those that wait because somebody is reading. Newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewsList {
    shown: Vec<Story>,
    waiting: Vec<Story>,
    revision: u32,
}

impl NewsList {
    /// A list of stories, newest first.
    pub(crate) fn new(news: &[News]) -> Self {
        let mut list = NewsList::default();
        for news in news.iter().rev() {
            list.add(news.clone(), false);
        }
        list
    }

    /// Takes a story. One that is known already replaces itself where it stands; a new one goes
    /// to the top, or waits while somebody reads. Whether it was new.
    pub(crate) fn add(&mut self, news: News, reading: bool) -> bool {
        let mut known = self.shown.iter_mut().chain(&mut self.waiting);
        if let Some(story) = known.find(|story| story.news.id == news.id) {
            if *story.news != news {
                story.news = Arc::new(news);
                self.revision += 1;
                story.revision = self.revision;
            }
            return false;
        }
        // A story that is withdrawn before anybody saw it is no story.
        if news.action == Action::Deleted {
            return false;
        }
        let list = if reading {
            &mut self.waiting
        } else {
            &mut self.shown
        };
        list.insert(
            0,
            Story {
                news: Arc::new(news),
                revision: self.revision,
            },
        );
        list.truncate(KEPT);
        true
    }

    /// Takes stories, newest first, of which it is not known what came before them: they stand alone
    /// from now on, but where somebody reads the older ones. How many are new.
    pub(crate) fn start_over(&mut self, news: Vec<News>, reading: bool) -> usize {
        let known: Vec<String> = self
            .shown
            .iter()
            .chain(&self.waiting)
            .map(|story| story.news.id.clone())
            .collect();
        if !reading {
            self.shown.clear();
            self.waiting.clear();
            self.revision += 1;
        }
        let mut new = 0;
        for news in news.into_iter().rev() {
            let was_known = known.contains(&news.id);
            new += usize::from(self.add(news, reading) && !was_known);
        }
        new
    }

    /// Puts what waits on top.
    pub(crate) fn release(&mut self) {
        self.waiting.append(&mut self.shown);
        std::mem::swap(&mut self.waiting, &mut self.shown);
        self.shown.truncate(KEPT);
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> &[Story] {
        &self.shown
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use market::{Basis, NewsType};

    use super::*;

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

    fn ids(list: &NewsList) -> Vec<&str> {
        list.shown()
            .iter()
            .map(|story| story.news.id.as_str())
            .collect()
    }

    #[test]
    fn new_stories_are_on_top() {
        let mut list = NewsList::new(&[news("b"), news("a")]);
        assert!(list.add(news("c"), false));
        assert_eq!(ids(&list), ["c", "b", "a"]);
    }

    #[test]
    fn stories_wait_while_somebody_reads() {
        let mut list = NewsList::new(&[news("a")]);
        list.add(news("b"), true);
        list.add(news("c"), true);
        assert_eq!((ids(&list), list.waiting()), (vec!["a"], 2));
        list.release();
        assert_eq!((ids(&list), list.waiting()), (vec!["c", "b", "a"], 0));
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
        // Also where it still waits.
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
    fn starts_over_without_what_was_known_unless_somebody_reads() {
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
        assert_eq!((ids(&list), list.waiting()), (vec!["b", "a"], 1));
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
}
