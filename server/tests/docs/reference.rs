//! The parts of the reference that are generated from the code.
//!
//! A generated part is between `<!-- generated: NAME -->` and `<!-- end -->`. With the environment variable
//! `TICKERTAPE_REWRITE_DOCS` it is rewritten; without, it is compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use ::server::Config;
use clap::{Arg, ArgAction, CommandFactory};
use feeds::{FeedRow, FeedSpec};
use market::EventKind;
use serde_json::Value;

use crate::{
    pages::{pages, root},
    server::Server,
};

/// Compares a generated part of a page with its expected text, or writes it.
fn generated(path: &str, name: &str, expected: &str) {
    let file = root().join(path);
    let text = fs::read_to_string(&file).unwrap();
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{path} has no part {name}"));
    let (written, after) = rest.split_once("<!-- end -->").expect("a part has an end");
    let expected = format!("\n{}\n\n", expected.trim());
    if std::env::var_os("TICKERTAPE_REWRITE_DOCS").is_some() {
        let whole = [before, &begin, &expected, "<!-- end -->", after].concat();
        return fs::write(&file, whole).unwrap();
    }
    let differs = written
        .lines()
        .zip(expected.lines())
        .find(|(written, expected)| written != expected);
    assert!(
        written == expected,
        "{path}, part {name}, differs from the code: run `TICKERTAPE_REWRITE_DOCS=1 cargo test -p server --test docs`; the first difference is {differs:#?}"
    );
}

/// One sentence or more for a cell of a table.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|")
}

/// The purpose of an option, and its default in words if the help has one.
fn help(option: &Arg) -> (String, Option<String>) {
    let help = option
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let help = cell(&help);
    match help.split_once("[default: ") {
        Some((what, default)) => {
            let default = default.trim_end_matches(']').to_owned();
            (what.trim_end().to_owned(), Some(default))
        }
        None => (help, None),
    }
}

/// The notation of an option, with its value.
fn written(option: &Arg) -> String {
    let value = option.get_value_names().and_then(|names| names.first());
    let value = value.map(ToString::to_string).unwrap_or_default();
    match option.get_long() {
        Some(long) => match option.get_action() {
            ArgAction::SetTrue => format!("--{long}"),
            _ => format!("--{long} {value}"),
        },
        None => match option.get_action() {
            ArgAction::Append => format!("{value}…"),
            _ => value,
        },
    }
}

fn default(option: &Arg) -> Option<String> {
    let default = option.get_default_values().first()?;
    Some(default.to_str().unwrap().to_owned())
}

fn command() -> clap::Command {
    let mut command = Config::command();
    command.build();
    command
}

#[test]
fn settings() {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for option in command().get_arguments() {
        let Some(variable) = option.get_env() else {
            continue;
        };
        let (what, in_words) = help(option);
        let default = match (default(option), in_words) {
            (Some(default), _) => format!("`{default}`"),
            (None, Some(words)) => words,
            (None, None) => "none".to_owned(),
        };
        let row = format!(
            "| `{}` | `{}` | {default} | {what} |",
            written(option),
            variable.to_str().unwrap()
        );
        let group = option.get_help_heading().unwrap_or("Server").to_owned();
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((group, vec![row])),
        }
    }
    let mut text = String::new();
    for (group, rows) in groups {
        let _ = write!(
            text,
            "### {group}\n\n| option | variable | default | what |\n|---|---|---|---|\n{}\n\n",
            rows.join("\n")
        );
    }
    generated("docs/reference/configuration.md", "settings", &text);
}

#[test]
fn commands() {
    let mut text = String::new();
    for command in command()
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        let mut usage = format!("tickertape {}", command.get_name());
        let mut rows = Vec::new();
        for option in command.get_arguments() {
            if option.get_id() == "help" {
                continue;
            }
            if option.is_positional() {
                let _ = write!(usage, " {}", written(option));
            }
            let (mut what, in_words) = help(option);
            if let Some(variable) = option.get_env() {
                let _ = write!(what, ". Also `{}`", variable.to_str().unwrap());
            }
            let values: Vec<String> = option
                .get_possible_values()
                .iter()
                .filter(|_| option.get_action().takes_values())
                .map(|value| format!("`{}`", value.get_name()))
                .collect();
            if !values.is_empty() {
                let _ = write!(what, ": {}", values.join(", "));
            }
            let default = match (default(option), in_words) {
                (Some(default), _) if option.get_action().takes_values() => format!("`{default}`"),
                (_, Some(words)) => words,
                _ => String::new(),
            };
            rows.push(format!("| `{}` | {default} | {what} |", written(option)));
        }
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = write!(
            text,
            "## {}\n\n```text\n{usage}\n```\n\n{}.\n\n| option | default | what |\n|---|---|---|\n{}\n\n",
            command.get_name(),
            cell(&about),
            rows.join("\n")
        );
    }
    generated("docs/reference/command-line.md", "commands", &text);
}

/// A metric, as described in `/metrics`.
#[derive(Default)]
struct Metric {
    kind: String,
    help: String,
    /// The labels with their possible values.
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The labels whose values come from outside, so that they are not listed.
const OPEN_LABELS: [&str; 3] = ["feed", "route", "status"];

fn described(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                metrics.entry(name.to_owned()).or_default().kind = kind.to_owned();
            }
            (Some("#"), Some("HELP"), Some(name), Some(help)) => {
                metrics.entry(name.to_owned()).or_default().help = help.to_owned();
            }
            (Some(sample), ..) if sample != "#" => {
                let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
                let name = name.strip_suffix("_total").unwrap_or(name);
                let Some(metric) = metrics.get_mut(name) else {
                    continue;
                };
                for label in labels.trim_end_matches('}').split("\",") {
                    if let Some((label, value)) = label.split_once("=\"") {
                        let values = metric.labels.entry(label.to_owned()).or_default();
                        values.insert(value.trim_end_matches('"').to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    metrics
}

#[test]
fn metrics() {
    let server = Server::shared();
    // The first one counts itself.
    server.get("/metrics");
    let metrics = described(&server.get("/metrics"));
    let mut text = "| metric | type | labels | what |\n|---|---|---|---|\n".to_owned();
    for (name, metric) in &metrics {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|(label, values)| match OPEN_LABELS.contains(&&**label) {
                true => format!("`{label}`"),
                false => {
                    let values: Vec<String> =
                        values.iter().map(|value| format!("`{value}`")).collect();
                    format!("`{label}`: {}", values.join(", "))
                }
            })
            .collect();
        let end = if metric.kind == "counter" {
            "_total"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| `{name}{end}` | {} | {} | {} |",
            metric.kind,
            labels.join("; "),
            cell(&metric.help)
        );
    }
    generated("docs/reference/metrics.md", "metrics", &text);
    // Names on the pages exist.
    for page in pages() {
        for (number, line) in page.prose() {
            for name in line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                let of = |end: &str| {
                    name.strip_suffix(end)
                        .is_some_and(|name| metrics.contains_key(name))
                };
                // A token of a publisher begins so, too, and the first line of a recording.
                let is_metric = name.starts_with("tickertape_") && name.len() > "tickertape_".len();
                let is_metric = is_metric && name != "tickertape_recording";
                assert!(
                    !is_metric
                        || metrics.contains_key(name)
                        || of("_total")
                        || of("_count")
                        || of("_bucket"),
                    "{}:{number}: {name} is no metric",
                    page.path
                );
            }
        }
    }
}

/// The events of a stream, by the names of their schemas, and their names on the wire.
const EVENTS: [(&str, &str); 6] = [
    ("Quote", "message"),
    ("Session", "session"),
    ("Bar", "bar"),
    ("News", "news"),
    ("Snapshot", "snapshot"),
    ("Heartbeat", "heartbeat"),
];

/// The types that fields have beside those of JSON.
const TYPES: [&str; 13] = [
    "Action",
    "Basis",
    "Closes",
    "FeedState",
    "FeedStatus",
    "Link",
    "NewsType",
    "Price",
    "Quality",
    "RegularHours",
    "Size",
    "Symbol",
    "TradingState",
];

/// The description of a field, wherever it is; a renamed field has its name on the wire.
fn description_of(field: &Value) -> String {
    let own = field["description"].as_str();
    let kinds = ["oneOf", "anyOf", "allOf"].into_iter();
    let kinds = kinds.flat_map(|several| field[several].as_array().into_iter().flatten());
    let mut parts = own
        .into_iter()
        .chain(kinds.filter_map(|kind| kind["description"].as_str()));
    let mut text = cell(parts.next().unwrap_or_default());
    while let Some((before, rest)) = text.split_once("[`") {
        let (path, after) = rest.split_once("`]").expect("a link is closed");
        let name = path.rsplit("::").next().unwrap_or_default();
        // The one field whose name on the wire is not possible in Rust.
        let name = if name == "kind" { "type" } else { name };
        let after = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
        text = format!("{before}`{name}`{after}");
    }
    text
}

/// The description of a value of a type.
fn form_of(schema: &Value) -> String {
    // Each value of an enumeration may have a description of its own.
    let values: Vec<&Value> = match (&schema["enum"], &schema["oneOf"]) {
        (Value::Array(values), _) => values.iter().collect(),
        (_, Value::Array(kinds)) => kinds
            .iter()
            .filter_map(|kind| kind["enum"].get(0))
            .collect(),
        _ => Vec::new(),
    };
    if !values.is_empty() {
        let values = values.into_iter().filter_map(Value::as_str);
        let values: Vec<String> = values.map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    match schema["properties"].as_object() {
        Some(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, field)| format!("`{name}`: {}", kind_of(field)));
            format!("object of {}", fields.collect::<Vec<_>>().join(", "))
        }
        None => kind_of(schema),
    }
}

/// The type of a field in a few words.
fn kind_of(field: &Value) -> String {
    if let Some(reference) = field["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if name == "u64" {
            return "integer".to_owned();
        }
        assert!(
            TYPES.contains(&name) || EVENTS.iter().any(|(event, _)| *event == name),
            "{name} is not among the types"
        );
        return name.to_owned();
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(kinds) = field[several].as_array() {
            let kinds = kinds.iter().filter(|kind| kind["type"] != "null");
            return kinds.map(kind_of).collect::<Vec<_>>().join(" or ");
        }
    }
    let name = |kind: &Value| kind.as_str().unwrap_or_default().to_owned();
    let kind = match &field["type"] {
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter(|kind| **kind != "null");
            kinds.map(name).collect::<Vec<_>>().join(" or ")
        }
        kind => name(kind),
    };
    match &*kind {
        "array" => format!("list of {}", kind_of(&field["items"])),
        _ => kind,
    }
}

#[test]
fn events() {
    let server = Server::shared();
    let description: Value = serde_json::from_str(&server.get("/openapi.json")).unwrap();
    let schemas = &description["components"]["schemas"];
    let mut text = String::new();
    let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(EVENTS.map(|(_, name)| name), *names);
    for (schema, name) in EVENTS {
        let schema = &schemas[schema];
        let required = schema["required"].as_array();
        let is_required =
            |field: &str| required.is_some_and(|names| names.iter().any(|name| name == field));
        let _ = write!(
            text,
            "### {name}\n\n| field | type | required | what |\n|---|---|---|---|\n"
        );
        let fields = schema["properties"].as_object().unwrap();
        for (field, described) in fields {
            let _ = writeln!(
                text,
                "| `{field}` | {} | {} | {} |",
                kind_of(described),
                if is_required(field) { "yes" } else { "" },
                description_of(described)
            );
        }
        text.push('\n');
    }
    text.push_str("### Types\n\n| type | form | what |\n|---|---|---|\n");
    for name in TYPES {
        let schema = &schemas[name];
        let _ = writeln!(
            text,
            "| {name} | {} | {} |",
            form_of(schema),
            description_of(schema)
        );
    }
    generated("docs/reference/events.md", "events", &text);
    // Every route is described.
    let page = fs::read_to_string(root().join("docs/reference/http.md")).unwrap();
    for path in description["paths"].as_object().unwrap().keys() {
        assert!(page.contains(&format!(" {path}`")), "http.md has no {path}");
    }
}

#[test]
fn feeds() {
    let licences = fs::read_to_string(root().join("docs/operate/licences.md")).unwrap();
    let mut text = "| feed | licence | what it publishes |\n|---|---|---|\n".to_owned();
    for row in FeedSpec::rows() {
        let FeedRow { name, usage, .. } = row;
        let feed: FeedSpec = row.example.parse().unwrap();
        let licence = format!("{:?}", feed.about().licence).to_lowercase();
        let _ = writeln!(text, "| `{usage}` | {licence} | {} |", cell(row.help));
        if *name != "none" {
            let row = licences
                .lines()
                .find(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
            let row = row.unwrap_or_else(|| panic!("licences.md has no {name}"));
            assert!(
                row.contains(&format!("| {licence} |")),
                "{name} is {licence}: {row}"
            );
        }
    }
    generated("docs/reference/configuration.md", "feeds", &text);
}
