//! Options of a feed, from the command line and from the file of the configuration.

mod values;

use std::{collections::HashSet, fmt};

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use toml::{Table, Value};

use super::{About, secret::Secret};
use text::suggestion;

pub(crate) use values::{fixed, http, http_address, name, seconds, some, user_agent, websocket};

/// The options of a feed of one kind.
pub(crate) trait FeedOptions: DeserializeOwned {
    /// The name of the kind.
    const NAME: &'static str;

    /// The keys of its table, including the one that [`FeedOptions::MAIN`] names.
    const KEYS: &'static [&'static str];

    /// The meaning of the text behind the colon.
    const MAIN: Main;

    /// The fields that are a [`Secret`], beside the keys: for `key` the table has `key_env` or `key_file`.
    const SECRETS: &'static [&'static str] = &[];

    /// Whether the feed receives what can be recorded.
    const RECEIVES: bool = true;

    /// The secrets that must exist when the feed starts.
    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    /// What the feed would do.
    fn about(&self) -> About;

    /// Checks what a type cannot express.
    ///
    /// # Errors
    /// The error, with the value and what was expected.
    fn checked(self) -> Result<Self, String> {
        Ok(self)
    }

    /// A warning about options that are valid but suspicious.
    fn doubts(&self) -> Vec<String> {
        Vec::new()
    }

    /// A property that only one feed may have, with the reason and what to do.
    fn alone(&self) -> Option<(String, &'static str)> {
        None
    }

    /// A description of the feed, for a person.
    fn subjects(&self) -> Vec<String> {
        if let Some((what, _)) = self.alone() {
            return vec![what];
        }
        let symbols = self.about().symbols;
        match &symbols[..] {
            [] => vec![Self::NAME.to_owned()],
            symbols => symbols
                .iter()
                .map(|symbol| format!("{}:{symbol}", Self::NAME))
                .collect(),
        }
    }
}

impl<T: FeedOptions> FeedOptions for Box<T> {
    const NAME: &'static str = T::NAME;
    const KEYS: &'static [&'static str] = T::KEYS;
    const MAIN: Main = T::MAIN;
    const SECRETS: &'static [&'static str] = T::SECRETS;
    const RECEIVES: bool = T::RECEIVES;

    fn secrets(&self) -> Vec<&Secret> {
        T::secrets(self)
    }

    fn about(&self) -> About {
        T::about(self)
    }

    fn checked(self) -> Result<Self, String> {
        (*self).checked().map(Box::new)
    }

    fn doubts(&self) -> Vec<String> {
        T::doubts(self)
    }

    fn alone(&self) -> Option<(String, &'static str)> {
        T::alone(self)
    }

    fn subjects(&self) -> Vec<String> {
        T::subjects(self)
    }
}

/// The meaning of the text behind the colon of a feed, by the key of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Main {
    /// No text; options may follow.
    Nothing,
    /// A list, separated by commas; options follow the first question mark.
    List(&'static str),
    /// A text; options follow the last question mark, because the name of a file may have one.
    Text(&'static str),
    /// An address, which may have anything in it; no options follow.
    Address(&'static str),
}

/// Why a text or a table is not a [`FeedSpec`]: all its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError(pub(crate) Vec<SpecFault>);

/// One error of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecFault {
    /// The key of the table that it is about, if any.
    pub key: Option<String>,
    /// The place in the list of that key, if it is one.
    pub item: Option<usize>,
    /// Whether a feed of that kind has no such key.
    pub unknown: bool,
    /// The error, with the value and what was expected.
    pub message: String,
}

impl SpecError {
    /// The errors, one by one.
    pub fn faults(&self) -> &[SpecFault] {
        &self.0
    }

    pub(crate) fn of(message: String) -> Self {
        SpecError(vec![SpecFault::of_all(message)])
    }
}

impl SpecFault {
    fn of_all(message: String) -> Self {
        SpecFault {
            key: None,
            item: None,
            unknown: false,
            message,
        }
    }

    pub(crate) fn of(key: &str, message: String) -> Self {
        SpecFault {
            key: Some(key.to_owned()),
            item: None,
            unknown: false,
            message,
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{}", fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecError {}

pub(crate) fn options<T: FeedOptions>(mut table: Table) -> Result<T, SpecError> {
    let mut faults = Vec::new();
    let mut taken = HashSet::new();
    for &secret in T::SECRETS {
        if let Err(fault) = place(secret, &mut table, T::NAME) {
            taken.insert(secret.to_owned());
            faults.push(fault);
        }
    }
    let keys = keys::<T>();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    table.retain(|key, _| {
        let known = keys.contains(&key) || T::SECRETS.contains(&key);
        if !known {
            let message = format!(
                "{key:?} is not an option of {}: expected {}{}",
                T::NAME,
                keys.join(", "),
                suggestion(key, &keys)
            );
            faults.push(SpecFault {
                unknown: true,
                ..SpecFault::of(key, message)
            });
        }
        known
    });
    // A wrong value is removed, so that the next one is found too.
    let options = loop {
        let table_again = Value::Table(table.clone());
        let error = match serde_path_to_error::deserialize::<_, T>(table_again) {
            Ok(options) => break options,
            Err(error) => error,
        };
        let (key, item) = at(error.path());
        let message = error.inner().message();
        let missing = missing(message);
        if let Some(key) = key.filter(|key| table.remove(key).is_some()) {
            // A list is a sequence to a deserializer, not to a serializer.
            let message = message.replace("expected a sequence", "expected a list in [ ]");
            faults.push(SpecFault {
                item,
                ..SpecFault::of(&key, format!("{}: {message}", T::NAME))
            });
            taken.insert(key);
            continue;
        }
        // A removed value is missing for no fault of its own.
        if missing.is_none_or(|field| !taken.contains(field)) {
            let message = match missing.filter(|field| T::SECRETS.contains(field)) {
                Some(field) => format!("without {field}_env or {field}_file: expected one of them"),
                None => message.to_owned(),
            };
            faults.push(SpecFault::of_all(format!("{}: {message}", T::NAME)));
        }
        return Err(SpecError(faults));
    };
    match options.checked() {
        Ok(options) if faults.is_empty() => Ok(options),
        Err(message) if taken.is_empty() => {
            faults.push(SpecFault::of_all(format!("{}: {message}", T::NAME)));
            Err(SpecError(faults))
        }
        _ => Err(SpecError(faults)),
    }
}

/// The keys of a table of such a feed, those of its secrets included.
pub(crate) fn keys<T: FeedOptions>() -> Vec<String> {
    let secrets = T::SECRETS
        .iter()
        .flat_map(|secret| [format!("{secret}_env"), format!("{secret}_file")]);
    let keys = T::KEYS.iter().map(|&key| key.to_owned());
    keys.chain(secrets).collect()
}

/// Puts the source of a secret, from the table's key, under the name of the secret.
pub(crate) fn place(secret: &str, table: &mut Table, feed: &str) -> Result<(), SpecFault> {
    let [env, file] = ["env", "file"].map(|place| format!("{secret}_{place}"));
    let fault = |key: &str, why: &str| {
        Err(SpecFault::of(
            key,
            format!(
                "{feed}: {why}: expected {env} with the name of a variable, or {file} with a path"
            ),
        ))
    };
    // The value is not repeated: it may be the secret.
    if table.remove(secret).is_some() {
        let why = format!("{secret:?} is a secret, which is not written down here");
        return fault(secret, &why);
    }
    let (key, place, value) = match (table.remove(&env), table.remove(&file)) {
        (Some(_), Some(_)) => return fault(&file, &format!("{env} beside {file}")),
        (Some(value), None) => (env.as_str(), "env", value),
        (None, Some(value)) => (file.as_str(), "file", value),
        (None, None) => return Ok(()),
    };
    let right = match &value {
        Value::String(text) => !text.is_empty() && (place == "file" || is_variable(text)),
        _ => false,
    };
    if !right {
        return fault(key, &format!("{key} is no name of that"));
    }
    let place = Table::from_iter([(place.to_owned(), value)]);
    table.insert(secret.to_owned(), Value::Table(place));
    Ok(())
}

/// Whether a variable can have this name. A source's key seldom can, so a key that was given instead of the name of its
/// variable is not shown.
fn is_variable(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The key, and the place in its list, that an error is about.
pub(crate) fn at(path: &Path) -> (Option<String>, Option<usize>) {
    let mut path = path.iter();
    let key = match path.next() {
        Some(Segment::Map { key }) => Some(key.clone()),
        _ => None,
    };
    let item = match path.next() {
        Some(Segment::Seq { index }) => Some(*index),
        _ => None,
    };
    (key, item)
}

/// The field that serde reports as missing, if any.
pub(crate) fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

impl Main {
    /// The text behind the name on the command line, as a table.
    pub(crate) fn read(self, rest: &str) -> Table {
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let split = match self {
            Main::Nothing | Main::List(_) => rest.split_once('?'),
            Main::Text(_) => rest.rsplit_once('?'),
            Main::Address(_) => None,
        };
        let (main, mut more) = split.unwrap_or((rest, ""));
        let mut table = Table::new();
        match self {
            Main::Nothing => {}
            Main::List(key) => {
                let list = main
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Value::String(item.to_owned()));
                table.insert(key.to_owned(), Value::Array(list.collect()));
            }
            Main::Text(key) | Main::Address(key) => {
                table.insert(key.to_owned(), Value::String(main.to_owned()));
            }
        }
        while !more.is_empty() {
            // An address may contain anything, so it is last.
            let end = match more.starts_with("url=") {
                true => more.len(),
                false => more.find('&').unwrap_or(more.len()),
            };
            let (option, rest) = more.split_at(end);
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            table.insert(key.to_owned(), scalar(value));
            more = rest.strip_prefix('&').unwrap_or(rest);
        }
        table
    }
}

/// A value of the command line as in the configuration file.
pub(crate) fn scalar(text: &str) -> Value {
    if let Ok(truth) = text.parse() {
        return Value::Boolean(truth);
    }
    if let Ok(number) = text.parse() {
        return Value::Integer(number);
    }
    Value::String(text.to_owned())
}
