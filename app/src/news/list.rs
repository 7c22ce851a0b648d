use std::sync::Arc;

use market::{Action, Millis, News};

use crate::news::filter::Lens;

/// How many received stories are kept: several screens, so that a page that is open all day does not grow.
const KEPT: usize = 200;

/// How many older stories are kept in addition.
const OLDER: usize = 1_000;

/// A story with the number of its version, so that a corrected one is redrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Story {
    /// Its newest version.
    pub(crate) news: Arc<News>,
    /// Another number for each version.
    pub(crate) revision: u32,
    /// When the page received its correction or withdrawal, by the server's clock.
    pub(crate) changed: Option<Millis>,
}

/// Where older stories continue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Next {
    /// Not requested yet.
    #[default]
    Unasked,
    /// Before this id.
    Before(String),
    /// There are none: all are known.
    Nowhere,
}

/// A request for stories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// Its address.
    pub(crate) address: String,
    /// The [`NewsList`]'s run that it belongs to.
    run: u32,
    /// Whether it continues after the last answer.
    goes_on: bool,
}

/// The known stories: received ones, those that wait while the person reads, and older ones that were requested. Each
/// list is newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewsList {
    came: Vec<Story>,
    waiting: Vec<Story>,
    older: Vec<Story>,
    next: Next,
    lens: Lens,
    /// How often older stories were forgotten: answers to earlier requests are ignored.
    run: u32,
    revision: u32,
    now: Millis,
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

    /// Sets the time of corrections and withdrawals that follow, by the server's clock.
    pub(crate) fn set_now(&mut self, now: Millis) {
        self.now = now;
    }

    /// Changes the filter, and shows waiting stories.
    pub(crate) fn set_lens(&mut self, lens: Lens) {
        if self.lens != lens {
            self.lens = lens;
            self.release();
            self.forget_older();
        }
    }

    /// The filter of shown stories.
    pub(crate) fn lens(&self) -> &Lens {
        &self.lens
    }

    fn forget_older(&mut self) {
        self.older.clear();
        self.next = Next::Unasked;
        self.run += 1;
    }

    /// Adds a story. A known one is updated in place. A new one goes to the top, or waits while `reading` is set.
    /// Returns whether it is new and passes the filter.
    pub(crate) fn add(&mut self, news: News, reading: bool) -> bool {
        let came = self.came.iter_mut();
        let mut known = came.chain(&mut self.waiting).chain(&mut self.older);
        if let Some(story) = known.find(|story| story.news.id == news.id) {
            if *story.news != news {
                story.changed = Some(self.now).filter(|now| *now > 0);
                story.news = Arc::new(news);
                self.revision += 1;
                story.revision = self.revision;
            }
            return false;
        }
        // A story that was withdrawn before it was shown is ignored.
        if news.action == Action::Deleted {
            return false;
        }
        let passes = self.lens.passes(&news);
        let story = self.story(news);
        if reading && passes {
            self.waiting.insert(0, story);
            self.waiting.truncate(KEPT);
        } else {
            // A story that is not shown moves nothing, and need not wait.
            self.came.insert(0, story);
            self.crop();
        }
        passes
    }

    fn story(&self, news: News) -> Story {
        Story {
            news: Arc::new(news),
            revision: self.revision,
            changed: None,
        }
    }

    /// Limits the number of stories, without a gap before older ones.
    fn crop(&mut self) {
        if self.came.len() <= KEPT {
            return;
        }
        let surplus = self.came.split_off(KEPT);
        if self.older.is_empty() {
            return;
        }
        let lens = &self.lens;
        let shown = surplus.into_iter().filter(|story| lens.passes(&story.news));
        self.older.splice(0..0, shown);
        if self.older.len() > OLDER {
            self.older.truncate(OLDER);
            self.next = Next::Unasked;
        }
    }

    /// Replaces all stories after a reset, unless the person is `reading`; then these are added. They are newest first.
    /// Returns how many are new.
    pub(crate) fn start_over(&mut self, news: Vec<News>, reading: bool) -> usize {
        let known: Vec<String> = self
            .came
            .iter()
            .chain(&self.waiting)
            .map(|story| story.news.id.clone())
            .collect();
        if !reading {
            self.came.clear();
            self.waiting.clear();
            self.forget_older();
            self.revision += 1;
        }
        let mut new = 0;
        for news in news.into_iter().rev() {
            let was_known = known.contains(&news.id);
            new += usize::from(self.add(news, reading) && !was_known);
        }
        new
    }

    /// Puts waiting stories on top.
    pub(crate) fn release(&mut self) {
        self.waiting.append(&mut self.came);
        std::mem::swap(&mut self.waiting, &mut self.came);
        self.crop();
    }

    /// The request for older stories; `None` if all are known or there is no room.
    pub(crate) fn question(&self) -> Option<Question> {
        let before = match &self.next {
            Next::Unasked => None,
            Next::Before(id) => Some(&**id),
            Next::Nowhere => return None,
        };
        (self.older.len() < OLDER).then(|| Question {
            address: self.lens.address(before),
            run: self.run,
            goes_on: true,
        })
    }

    /// The request for new stories that the page's stream does not carry; `None` if it carries all.
    pub(crate) fn question_beside(&self) -> Option<Question> {
        self.lens.reaches_out.then(|| Question {
            address: self.lens.address(None),
            run: self.run,
            goes_on: self.next == Next::Unasked,
        })
    }

    /// Whether the answer to a request is still wanted.
    pub(crate) fn awaits(&self, question: &Question) -> bool {
        question.run == self.run
    }

    /// Adds the answer to a request: stories, newest first, and the id before which there are more. Returns how many
    /// were not known; `None` if the request is out of date.
    pub(crate) fn answer(
        &mut self,
        question: &Question,
        news: Vec<News>,
        next: Option<String>,
    ) -> Option<usize> {
        if !self.awaits(question) {
            return None;
        }
        if question.goes_on {
            self.next = next.map_or(Next::Nowhere, Next::Before);
        }
        let before = self.older.len();
        for news in news {
            if news.action != Action::Deleted && self.find(&news.id).is_none() {
                let story = self.story(news);
                self.older.push(story);
            }
        }
        Some(self.older.len() - before)
    }

    /// The newest version of a known story.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<News>> {
        let all = self.came.iter().chain(&self.waiting).chain(&self.older);
        let mut stories = all.map(|story| &story.news);
        stories.find(|news| news.id == id).cloned()
    }

    /// The shown stories, newest first.
    pub(crate) fn shown(&self) -> Vec<Story> {
        let known = self.came.iter().chain(&self.older);
        let mut shown: Vec<Story> = Vec::new();
        for story in known.filter(|story| self.lens.passes(&story.news)) {
            let at = if self.lens.reaches_out {
                // Requested stories belong between received ones.
                shown.partition_point(|other| other.news.published >= story.news.published)
            } else {
                shown.len()
            };
            shown.insert(at, story.clone());
        }
        shown
    }

    /// How many stories are known, without those that wait.
    pub(crate) fn known(&self) -> usize {
        self.came.len() + self.older.len()
    }

    /// How many stories that pass the filter wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = self.waiting.iter();
        waiting
            .filter(|story| self.lens.passes(&story.news))
            .count()
    }
}

#[cfg(test)]
pub(crate) mod tests;
