//! The configuration file: [TOML](https://toml.io/en/v1.1.0), each option of the command line under its own name with
//! `_` for `-`, each feed a `[[feed]]` table.
//!
//! A value is parsed by the same parser as on the command line; the file only gives each option another default. All
//! errors are reported at once, with their places.

use std::{error::Error as _, fmt, fs::File, io::Read as _, ops::Range, path::Path};

use clap::{
    Arg, ArgAction,
    builder::Resettable,
    error::{ContextKind, ContextValue},
};
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use feeds::FeedSpec;
use text::suggestion;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The key of the tables of feeds.
const FEED: &str = "feed";

/// A parsed configuration file.
#[derive(Debug)]
pub(super) struct SettingsFile {
    /// The values of options, by the id of their arguments.
    values: Vec<(String, Vec<String>)>,
    /// The feeds, if the file has any.
    pub(super) feeds: Option<Vec<FeedSpec>>,
}

impl SettingsFile {
    /// Reads the file for a command, which must be built.
    ///
    /// # Errors
    /// All errors, one per line, for a person.
    pub(super) fn read(path: &Path, command: &clap::Command) -> Result<Self, String> {
        let shown = path.display();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("the configuration {shown} cannot be read: {error}"))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(format!(
                "the configuration {shown} is too long: expected at most {MAX_FILE} bytes"
            ));
        }
        Self::parse(&shown, bytes, command)
    }

    /// Parses the content of the file; `path` is shown in errors.
    ///
    /// # Errors
    /// As [`SettingsFile::read`].
    pub(super) fn parse(
        shown: &dyn fmt::Display,
        bytes: Vec<u8>,
        command: &clap::Command,
    ) -> Result<Self, String> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let place = TextPosition::of(&String::from_utf8_lossy(&error.as_bytes()[..good]), good);
            format!("{shown}:{place}: not UTF-8: expected a text of TOML")
        })?;
        let mut reader = Reader {
            text: &text,
            command,
            faults: Vec::new(),
        };
        let file = reader.read();
        let mut faults = reader.faults;
        if faults.is_empty() {
            return Ok(file);
        }
        faults.sort_by_key(|(at, _)| *at);
        let lines: Vec<String> = faults
            .iter()
            .map(|(at, message)| format!("{shown}:{}: {message}", TextPosition::of(&text, *at)))
            .collect();
        Err(match lines.len() {
            1 => lines.concat(),
            many => format!("{many} faults in the configuration\n{}", lines.join("\n")),
        })
    }

    /// The command with the values of the file as the defaults of its options.
    pub(super) fn under(&self, command: clap::Command) -> clap::Command {
        self.values.iter().fold(command, |command, (id, values)| {
            command.mut_arg(id, |option| option.default_values(values))
        })
    }
}

/// The key of an option in the file.
pub(super) fn key(option: &Arg) -> Option<String> {
    // Every setting has a variable; help and version have none.
    option.get_env()?;
    match option.get_long()? {
        // A file names no other file, and feeds are tables.
        "config" | FEED => None,
        long => Some(long.replace('-', "_")),
    }
}

struct Reader<'a> {
    text: &'a str,
    command: &'a clap::Command,
    /// The errors, by their byte positions.
    faults: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn read(&mut self) -> SettingsFile {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            self.fault(at..at, error.message());
        }
        let broken: Vec<usize> = self
            .faults
            .iter()
            .map(|(at, _)| line(self.text, *at))
            .collect();
        let mut file = SettingsFile {
            values: Vec::new(),
            feeds: None,
        };
        for (name, value) in table.get_ref() {
            match name.get_ref().as_ref() {
                FEED => file.feeds = Some(self.feeds(value)),
                _ => file.values.extend(self.setting(name, value)),
            }
        }
        if self.faults.is_empty()
            && let Some(feeds) = &file.feeds
            && let Err((which, message)) = FeedSpec::together(feeds)
            && let Some(DeValue::Array(tables)) = table.get_ref().get(FEED).map(Spanned::get_ref)
        {
            let at = tables[which].span();
            self.fault(at, message);
        }
        // The parsed part of a line with invalid TOML means nothing.
        let errors = broken.len();
        let mut place = 0;
        let text = self.text;
        self.faults.retain(|(at, _)| {
            place += 1;
            place <= errors || !broken.contains(&line(text, *at))
        });
        file
    }

    fn fault(&mut self, at: Range<usize>, message: impl fmt::Display) {
        self.faults.push((at.start, message.to_string()));
    }

    fn setting(
        &mut self,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<(String, Vec<String>)> {
        let given = name.get_ref().as_ref();
        let mut options = self.command.get_arguments();
        let Some(option) = options.find(|option| key(option).as_deref() == Some(given)) else {
            let message = self.unknown(given);
            self.fault(name.span(), message);
            return None;
        };
        let flag = matches!(option.get_action(), ArgAction::SetTrue);
        let many = matches!(option.get_action(), ArgAction::Append);
        let values = match value.get_ref() {
            DeValue::Array(values) if many => values.iter().collect(),
            _ => vec![value],
        };
        let mut texts = Vec::new();
        for value in values {
            let text = match scalar(value.get_ref()) {
                Some(text) if flag == matches!(value.get_ref(), DeValue::Boolean(_)) => text,
                _ => {
                    let message = format!(
                        "{given} is {}: expected {}",
                        kind(value.get_ref()),
                        match (flag, many) {
                            (true, _) => "true or false",
                            (false, true) => "a text or a list of texts",
                            (false, false) => "a text or a number",
                        }
                    );
                    self.fault(value.span(), message);
                    continue;
                }
            };
            let read = if flag {
                Ok(())
            } else {
                try_value(option, &text)
            };
            match read {
                Ok(()) => texts.push(text),
                Err(why) if option.is_hide_env_values_set() => {
                    self.fault(value.span(), format_args!("{given}: {why}"));
                }
                Err(why) => self.fault(value.span(), format_args!("{given} is {text:?}: {why}")),
            }
        }
        Some((option.get_id().to_string(), texts))
    }

    fn unknown(&self, given: &str) -> String {
        let known: Vec<String> = self.command.get_arguments().filter_map(key).collect();
        let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
        known.push(FEED);
        let expected = match given {
            "config" => "; a file names no other file".to_owned(),
            _ => suggestion(given, &known),
        };
        format!("{given:?} is not a setting{expected}")
    }

    fn feeds(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<FeedSpec> {
        let DeValue::Array(tables) = value.get_ref() else {
            self.no_feed(value);
            return Vec::new();
        };
        tables.iter().filter_map(|table| self.feed(table)).collect()
    }

    fn no_feed(&mut self, value: &Spanned<DeValue<'_>>) {
        let message = format!(
            "feed is {}: expected a table that is headed by [[feed]], with a kind in it",
            kind(value.get_ref())
        );
        self.fault(value.span(), message);
    }

    fn feed(&mut self, value: &Spanned<DeValue<'_>>) -> Option<FeedSpec> {
        let DeValue::Table(table) = value.get_ref() else {
            self.no_feed(value);
            return None;
        };
        let Some((_, feed)) = table.get_key_value("kind") else {
            let kinds = FeedSpec::names().join(", ");
            let message = format!("a feed without a kind: expected kind = one of {kinds}");
            self.fault(value.span(), message);
            return None;
        };
        let Some(name) = feed.get_ref().as_str() else {
            let message = format!("kind is {}: expected a text", kind(feed.get_ref()));
            self.fault(feed.span(), message);
            return None;
        };
        let options = table
            .iter()
            .filter(|(key, _)| key.get_ref() != "kind")
            .map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref())))
            .collect();
        let error = match FeedSpec::from_table(name, options) {
            Ok(feed) => return Some(feed),
            Err(error) => error,
        };
        for fault in error.faults() {
            let key = fault.key.as_deref().unwrap_or("kind");
            let mut at = value.span();
            if let Some((key, value)) = table.get_key_value(key) {
                at = key.span();
                let item = fault.item.and_then(|item| value.get_ref().get(item));
                if let Some(item) = item {
                    at = item.span();
                } else if key.get_ref() == "kind" {
                    at = value.span();
                }
            }
            let mut settings = self.command.get_arguments().filter_map(self::key);
            let elsewhere = match fault.unknown && settings.any(|setting| setting == key) {
                true => "; settings of the server stand before the first [[feed]]",
                false => "",
            };
            self.fault(at, format_args!("{}{elsewhere}", fault.message));
        }
        None
    }
}

/// A value in the notation of the command line.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(match integer(number) {
            Some(number) => number.to_string(),
            None => number.to_string(),
        }),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn integer(number: &toml::de::DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Datetime(time) => format!("the time {time}"),
        _ => scalar(value).unwrap_or_default(),
    }
}

/// A value without its places.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match integer(number) {
            Some(number) => Value::Integer(number),
            None => Value::String(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::String(number.to_string()),
        },
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| plain(item.get_ref())).collect())
        }
        DeValue::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref())))
                .collect::<Table>(),
        ),
    }
}

/// Parses a value as the command line would, by the option alone.
fn try_value(option: &Arg, text: &str) -> Result<(), String> {
    let alone = option
        .clone()
        .env(Resettable::Reset)
        .default_value(Resettable::Reset);
    let name = format!("--{}={text}", option.get_long().unwrap_or_default());
    let command = clap::Command::new("tickertape").arg(alone);
    let error = match command.try_get_matches_from(["tickertape", &name]) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let mut words = why(&error);
    if let Some(ContextValue::String(near)) = error.get(ContextKind::SuggestedValue) {
        words += &format!("; did you mean {near}?");
    }
    Err(words)
}

/// The line of a byte, from 0.
fn line(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

/// A line and a column, both from 1, the column in characters.
struct TextPosition(usize, usize);

impl TextPosition {
    fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        TextPosition(self::line(text, at) + 1, line.chars().count() + 1)
    }
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

/// The error of a value, in the words of its parser.
pub(super) fn why(error: &clap::Error) -> String {
    if let Some(why) = error.source() {
        return why.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => format!("expected {}", values.join(" or ")),
        _ => "expected a value".to_owned(),
    }
}
