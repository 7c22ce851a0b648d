use std::{
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    Failure,
    store::{Damage, Store},
};

/// How many queries run at a time; the others wait.
const CONNECTIONS: usize = 4;

/// How long a reading connection waits for another one.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// A few connections that only read.
pub(crate) struct Pool {
    pub(crate) file: PathBuf,
    pub(crate) damage: Arc<Damage>,
    state: Mutex<Connections>,
    returned: Condvar,
}

#[derive(Default)]
struct Connections {
    idle: Vec<Store>,
    open: usize,
    /// Counts the replacements of the file: connections to an earlier one are of no use.
    generation: u64,
}

impl Pool {
    pub(crate) fn new(file: PathBuf, damage: Arc<Damage>) -> Self {
        Pool {
            file,
            damage,
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Opens new connections from now on, because the file is a new one.
    pub(crate) fn reopen(&self) {
        let mut state = self.lock();
        state.generation += 1;
        state.open -= state.idle.len();
        state.idle.clear();
    }

    /// Reads on a connection, in one transaction.
    pub(crate) fn read<R>(
        &self,
        query: impl FnOnce(&Store) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let lent = self.lend()?;
        let Some(connection) = &lent.connection else {
            return Err(Failure::closed());
        };
        // All reads in it see the same state; nothing is written, so there is no commit.
        let transaction = connection.unchecked_transaction()?;
        let answer = query(connection);
        drop(transaction);
        answer
    }

    fn lend(&self) -> Result<Lent<'_>, Failure> {
        let mut state = self.lock();
        while state.idle.is_empty() && state.open >= CONNECTIONS {
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let idle = state.idle.pop();
        let generation = state.generation;
        if idle.is_none() {
            state.open += 1;
        }
        drop(state);
        // From here on the place is returned, even if connecting fails.
        let mut lent = Lent {
            pool: self,
            generation,
            connection: None,
        };
        lent.connection = match idle {
            Some(connection) => Some(connection),
            None => Some(connect(&self.file, &self.damage)?),
        };
        Ok(lent)
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on its way back.
struct Lent<'a> {
    pool: &'a Pool,
    generation: u64,
    connection: Option<Store>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.connection.take() {
            Some(connection) if state.generation == self.generation => state.idle.push(connection),
            _ => state.open -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

pub(crate) fn connect(file: &Path, damage: &Arc<Damage>) -> Result<Store, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(Store::new(connection, Arc::clone(damage))?)
}
