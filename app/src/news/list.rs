use std::sync::Arc;

use market::{Action, Millis, News};

use crate::news::filter::Lens;

/// How many stories are kept as they come: some screens full, so that a page that is open all day does
/// not grow.
const KEPT: usize = 200;

/// How many older stories are kept beside them.
const OLDER: usize = 1_000;

/// A story and which version of it this is, so that a corrected one is drawn anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Story {
    /// The newest words of it.
    pub(crate) news: Arc<News>,
    /// Another number for each version.
    pub(crate) revision: u32,
    /// When the page received its correction or withdrawal.
    pub(crate) changed: Option<Millis>,
}

/// Where the stories go on that are older than those that are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Next {
    /// Nobody has asked yet.
    #[default]
    Unasked,
    /// Before this id.
    Before(String),
    /// Nowhere: all are known.
    Nowhere,
}

/// What to ask the server for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The address that answers it.
    pub(crate) address: String,
    /// The [`NewsList`]'s run that it is of.
    run: u32,
    /// Whether it goes on where the last answer ended.
    goes_on: bool,
}

/// The stories that are known: those that came, those that wait because somebody is reading, and older
/// ones that were asked for. Newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewsList {
    came: Vec<Story>,
    waiting: Vec<Story>,
    older: Vec<Story>,
    next: Next,
    lens: Lens,
    /// How often what is older was forgotten: what was asked for before is no answer after.
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

    /// What is corrected or withdrawn from now on is so at this moment.
    pub(crate) fn set_now(&mut self, now: Millis) {
        self.now = now;
    }

    /// Shows other stories than before, also of those that wait: whoever asks for others is not reading.
    pub(crate) fn set_lens(&mut self, lens: Lens) {
        if self.lens != lens {
            self.lens = lens;
            self.release();
            self.forget_older();
        }
    }

    /// What decides which stories are shown.
    pub(crate) fn lens(&self) -> &Lens {
        &self.lens
    }

    fn forget_older(&mut self) {
        self.older.clear();
        self.next = Next::Unasked;
        self.run += 1;
    }

    /// Takes a story. One that is known already replaces itself where it stands; a new one goes
    /// to the top, or waits while somebody reads. Whether it was new, and is one to be shown.
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
        // A story that is withdrawn before anybody saw it is no story.
        if news.action == Action::Deleted {
            return false;
        }
        let passes = self.lens.passes(&news);
        let story = self.story(news);
        if reading && passes {
            self.waiting.insert(0, story);
            self.waiting.truncate(KEPT);
        } else {
            // What is not shown moves nothing, and so need not wait.
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

    /// Keeps no more than there is room for, and no gap before what is older.
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

    /// Takes stories, newest first, of which it is not known what came before them: they stand alone
    /// from now on, but where somebody reads the older ones. How many are new.
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

    /// Puts what waits on top.
    pub(crate) fn release(&mut self) {
        self.waiting.append(&mut self.came);
        std::mem::swap(&mut self.waiting, &mut self.came);
        self.crop();
    }

    /// What to ask for older stories; nothing where all are known or there is no room.
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

    /// What to ask for new stories that do not come by the page's stream; nothing where all do.
    pub(crate) fn question_beside(&self) -> Option<Question> {
        self.lens.reaches_out.then(|| Question {
            address: self.lens.address(None),
            run: self.run,
            goes_on: self.next == Next::Unasked,
        })
    }

    /// Whether the answer to a question is still wanted.
    pub(crate) fn awaits(&self, question: &Question) -> bool {
        question.run == self.run
    }

    /// Takes the answer to a question: stories, newest first, and before which id there are more. How
    /// many were not known; `None` where the question is out of date.
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

    /// The newest words of a story that is known.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<News>> {
        let all = self.came.iter().chain(&self.waiting).chain(&self.older);
        let mut stories = all.map(|story| &story.news);
        stories.find(|news| news.id == id).cloned()
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> Vec<Story> {
        let known = self.came.iter().chain(&self.older);
        let mut shown: Vec<Story> = Vec::new();
        for story in known.filter(|story| self.lens.passes(&story.news)) {
            let at = if self.lens.reaches_out {
                // Others lie between those that came by the stream.
                shown.partition_point(|other| other.news.published >= story.news.published)
            } else {
                shown.len()
            };
            shown.insert(at, story.clone());
        }
        shown
    }

    /// How many could be shown, but for those that wait.
    pub(crate) fn known(&self) -> usize {
        self.came.len() + self.older.len()
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = self.waiting.iter();
        waiting
            .filter(|story| self.lens.passes(&story.news))
            .count()
    }
}

#[cfg(test)]
pub(crate) mod tests;
