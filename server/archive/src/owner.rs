use std::{collections::HashSet, sync::Arc};

use market::{Event, Symbol};
use rusqlite::{Connection, params};

use crate::Failure;

/// A subject that has an owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A symbol.
    Symbol(Symbol),
    /// The story with an id.
    Story(String),
}

/// The owner of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The subject.
    pub subject: Subject,
    /// The name of the publisher; `None` for the feeds.
    pub owner: Option<Arc<str>>,
}

/// The table, which older versions of the archive leave unchanged.
const TABLE: &str = include_str!("schema/owners.sql");

const STORY: &str = "story ";
const SYMBOL: &str = "symbol ";

impl Subject {
    pub(crate) fn key(&self) -> String {
        match self {
            Subject::Symbol(symbol) => format!("{SYMBOL}{symbol}"),
            Subject::Story(id) => format!("{STORY}{id}"),
        }
    }

    pub(crate) fn of(key: &str) -> Option<Self> {
        match key.strip_prefix(STORY) {
            Some(id) => Some(Subject::Story(id.to_owned())),
            None => key.strip_prefix(SYMBOL)?.parse().ok().map(Subject::Symbol),
        }
    }
}

pub(crate) fn prepare(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch(TABLE)?;
    Ok(())
}

pub(crate) fn store(connection: &Connection, ownership: &Ownership) -> Result<(), Failure> {
    let owner = ownership.owner.as_deref().unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO owners (subject, owner) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET owner = excluded.owner",
        )?
        .execute(params![ownership.subject.key(), owner])?;
    Ok(())
}

/// The owners of all subjects. Stories that are not among `events` are removed.
pub(crate) fn load<'a>(
    connection: &Connection,
    events: impl Iterator<Item = &'a Event>,
) -> Result<Vec<Ownership>, Failure> {
    let stories: HashSet<&str> = events
        .filter_map(|event| match event {
            Event::News(news) => Some(&*news.id),
            _ => None,
        })
        .collect();
    let mut statement = connection.prepare("SELECT subject, owner FROM owners")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let (mut owners, mut forgotten) = (Vec::new(), Vec::new());
    for row in rows {
        let (key, owner) = row?;
        match Subject::of(&key) {
            Some(Subject::Story(id)) if !stories.contains(&*id) => forgotten.push(key),
            None => forgotten.push(key),
            Some(subject) => owners.push(Ownership {
                subject,
                owner: (!owner.is_empty()).then(|| owner.into()),
            }),
        }
    }
    drop(statement);
    let mut forget = connection.prepare("DELETE FROM owners WHERE subject = ?1")?;
    for key in forgotten {
        forget.execute([key])?;
    }
    Ok(owners)
}
