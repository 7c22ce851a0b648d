/// A stream that can be closed, also repeatedly.
pub(super) trait Close {
    /// Closes it.
    fn close(&self);
    /// Whether it is closed.
    fn is_closed(&self) -> bool;
}

/// The stream of a page that the browser put into its back/forward cache.
///
/// WebKit cancels the loads of such a page before `pagehide`, and marks their streams to be reopened when the page
/// returns. A stream that is closed in `pagehide` keeps that mark, and a task after `pageshow` connects it again
/// ([`EventSource::resume`](https://github.com/WebKit/WebKit/blob/main/Source/WebCore/page/EventSource.cpp)), beside
/// the page's new one. So the closed stream is kept here, and closed again when it is not.
#[derive(Debug)]
pub(super) struct Aside<S> {
    stream: Option<S>,
    /// Whether the page is in the cache now.
    away: bool,
}

impl<S> Default for Aside<S> {
    fn default() -> Self {
        Aside {
            stream: None,
            away: false,
        }
    }
}

impl<S: Close> Aside<S> {
    /// Closes the stream of a page that is put into the cache.
    pub(super) fn put(&mut self, stream: Option<S>) {
        if let Some(stream) = stream {
            stream.close();
            self.stream = Some(stream);
        }
        self.away = true;
    }

    /// Whether the page is in the cache.
    pub(super) const fn is_away(&self) -> bool {
        self.away
    }

    /// The browser shows the page again. Returns whether it was in the cache.
    pub(super) fn come_back(&mut self) -> bool {
        self.keep_closed();
        std::mem::take(&mut self.away)
    }

    /// Closes the stream again if the browser has reopened it.
    pub(super) fn keep_closed(&self) {
        if let Some(stream) = self.stream.as_ref().filter(|stream| !stream.is_closed()) {
            stream.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

    use super::*;

    /// A browser that opens closed streams anew when a page comes back, as WebKit does.
    #[derive(Default)]
    struct Browser(RefCell<Vec<Stream>>);

    #[derive(Clone, Default)]
    struct Stream(Rc<Cell<bool>>);

    impl Close for Stream {
        fn close(&self) {
            self.0.set(false);
        }

        fn is_closed(&self) -> bool {
            !self.0.get()
        }
    }

    impl Browser {
        fn open(&self) -> Stream {
            let stream = Stream(Rc::new(Cell::new(true)));
            self.0.borrow_mut().push(stream.clone());
            stream
        }

        fn streams(&self) -> usize {
            self.0.borrow().iter().filter(|it| it.0.get()).count()
        }

        /// Opens those anew that were under way when the page was put aside.
        fn come_back(&self, under_way: &[Stream]) {
            under_way.iter().for_each(|stream| stream.0.set(true));
        }
    }

    #[test]
    fn a_page_that_comes_back_again_and_again_has_one_stream() {
        let browser = Browser::default();
        let mut aside = Aside::default();
        let mut stream = browser.open();
        for _ in 0..4 {
            let under_way = [stream.clone()];
            aside.put(Some(stream));
            assert_eq!(browser.streams(), 0);
            browser.come_back(&under_way);
            aside.keep_closed();
            stream = browser.open();
            assert_eq!(browser.streams(), 1);
            // The browser may also do so a moment later.
            browser.come_back(&under_way);
            aside.keep_closed();
            assert_eq!(browser.streams(), 1);
        }
        // A page that had no stream, as a tab that follows another one.
        aside.put(None);
        aside.keep_closed();
        assert_eq!(browser.streams(), 1);
    }
}
