use std::sync::Arc;

use market::{Event, News};

use super::Publisher;
use crate::FeedContext;
use events::{Draft, Owner, story};
use publication::{By, Fault, Outcome, Submission};

impl Publisher {
    /// The newest version of a story on the tape.
    pub(crate) fn newest(&self, id: &str) -> Option<News> {
        self.context.tape.view(|view| {
            let (_, entry) = story::newest(view, id)?;
            match &*entry.event {
                Event::News(news) => Some(news.clone()),
                _ => None,
            }
        })
    }

    /// Publishes a story, unless it is on the tape already.
    pub fn news(&self, mut news: News) {
        // The lock orders it after the ticks before it.
        self.understand();
        let _state = self.state();
        let newcomers = &self.context.newcomers;
        let tape = &self.context.tape;
        tape.view(|view| newcomers.admit(view, &mut news.symbols));
        let id = news.id.clone();
        let draft = Draft::new(Event::News(news));
        tape.append_all(self.context.now(), |batch| {
            let earlier = story::newest(&batch.view(), &id);
            let earlier = earlier.map(|(_, entry)| &*entry.event);
            if let Some(draft) = story::after(draft, earlier) {
                let event = Arc::clone(draft.event());
                newcomers.note(draft.append(batch), &event);
            }
        });
    }

    /// Publishes events that the source wrote in the form of publications, except unchanged ones and those older than
    /// the tape's.
    ///
    /// # Errors
    /// If the tape cannot take it.
    pub fn submit(&self, submission: Submission) -> Result<Outcome, Vec<Fault>> {
        let _state = self.state();
        let builder = self.context.builder.as_deref();
        let FeedContext {
            tape, newcomers, ..
        } = &self.context;
        let by = By {
            owner: &Owner::Feed,
            newcomers,
        };
        submission.append_built(tape, self.now(), by, builder, self.name())
    }
}
