use std::{fmt, sync::Arc};

use crate::{Failure, pool::Pool, store::Store};

/// A query that is read page by page, so that neither memory nor the write-ahead log grows with it. Rows that are
/// written meanwhile may be among the results. After a failure it ends.
pub struct Pages<T> {
    pool: Arc<Pool>,
    next: NextPage<T>,
    page: std::vec::IntoIter<T>,
    ended: bool,
}

impl<T> Pages<T> {
    pub(crate) fn new(
        pool: Arc<Pool>,
        next: impl FnMut(&Store) -> Result<Vec<T>, Failure> + Send + 'static,
    ) -> Self {
        Pages {
            pool,
            next: Box::new(next),
            page: Vec::new().into_iter(),
            ended: false,
        }
    }
}

type NextPage<T> = Box<dyn FnMut(&Store) -> Result<Vec<T>, Failure> + Send>;

impl<T> Iterator for Pages<T> {
    type Item = Result<T, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(item) = self.page.next() {
            return Some(Ok(item));
        }
        if self.ended {
            return None;
        }
        let Pages { pool, next, .. } = self;
        match pool.read(next) {
            Ok(page) => {
                self.ended = page.is_empty();
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
            Err(failure) => {
                self.ended = true;
                Some(Err(failure))
            }
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("file", &self.pool.file)
            .finish_non_exhaustive()
    }
}
