//! The tables: medians over the rounds, in Markdown, and every single figure in JSON.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    Problem, machine,
    modes::{Mode, Row, Setting, archived, polling, wide},
    programs::Kind,
};

/// A column: the figure's name, its heading, and its digits after the point.
type Column = (&'static str, &'static str, usize);

impl Mode {
    const ALL: [Mode; 8] = [
        Mode::Idle,
        Mode::Open,
        Mode::Closed,
        Mode::Conflated,
        Mode::Wide,
        Mode::Polling,
        Mode::Archived,
        Mode::Requests,
    ];

    fn title(self) -> &'static str {
        match self {
            Mode::Idle => "Memory of an idle subscriber",
            Mode::Open => "Events at a fixed rate",
            Mode::Closed => "Sixteen events in flight",
            Mode::Conflated => "More quotes than a core can send",
            Mode::Wide => "Many symbols",
            Mode::Polling => "Streams and polling",
            Mode::Archived => "What the archive costs a stream",
            Mode::Requests => "What a request costs",
        }
    }

    /// The figures of this mode, in the units of the headings.
    fn columns(self) -> &'static [Column] {
        match self {
            Mode::Idle => &[
                ("memory", "RSS a subscriber, KiB", 2),
                ("memory with one", "RSS with one, MiB", 1),
                ("memory with all", "RSS with all, MiB", 1),
                ("server core", "CPU while idle, %", 1),
            ],
            Mode::Open => &[
                ("cpu", "CPU a delivery, µs", 2),
                ("p50", "p50, ms", 2),
                ("p99", "p99, ms", 2),
                ("p99.9", "p99.9, ms", 2),
                ("server core", "server's core, %", 0),
                ("load cpu", "load's CPU a delivery, µs", 2),
                ("load core", "load's core, %", 0),
            ],
            Mode::Closed => &[
                ("deliveries", "deliveries a second", 0),
                ("joined", "events a read", 1),
                ("cpu", "CPU a delivery, µs", 2),
                ("p50", "p50, ms", 2),
                ("p99", "p99, ms", 2),
                ("load cpu", "load's CPU a delivery, µs", 2),
                ("load core", "load's core, %", 0),
            ],
            Mode::Conflated => &[
                ("age p50", "age p50, ms", 0),
                ("age p99", "age p99, ms", 0),
                ("age p50 first", "age p50 in the 2nd second, ms", 0),
                ("age p50 last", "age p50 in the last, ms", 0),
                ("news p99", "news p99, ms", 0),
                ("news arrived", "news arrived, %", 1),
                ("memory before", "RSS before, MiB", 0),
                ("memory most", "RSS at most, MiB", 0),
                ("deliveries", "deliveries a second", 0),
                ("bytes", "KiB a subscriber and second", 1),
                ("load core", "load's core, %", 0),
            ],
            Mode::Wide => &[
                ("demanded", "deliveries a second, published", 0),
                ("deliveries", "received", 0),
                ("arrived", "received, %", 1),
                ("joined", "events a read", 1),
                ("cpu", "CPU a delivery, µs", 2),
                ("p50", "p50, ms", 1),
                ("p99", "p99, ms", 1),
                ("answer p50", "publishing p50, ms", 2),
                ("answer most", "at most, ms", 1),
                ("slowest append", "slowest append so far, ms", 3),
            ],
            Mode::Polling => &[
                ("http", "HTTP, KiB a client and hour", 1),
                ("wire", "with TCP and IP, KiB", 1),
                ("cpu a client", "CPU a client and second, µs", 1),
                ("clients a core", "clients a core", 0),
                ("p50", "delay p50, ms", 1),
                ("p99", "delay p99, ms", 1),
            ],
            Mode::Requests => &[
                ("cpu a request", "CPU a request, ms", 1),
                ("p50", "p50, ms", 1),
                ("most", "at most, ms", 1),
                ("answer", "answer, KiB", 0),
            ],
            Mode::Archived => &[
                ("p50", "p50, ms", 2),
                ("p99", "p99, ms", 2),
                ("p99.9", "p99.9, ms", 2),
                ("deliveries", "deliveries a second", 0),
                ("server core", "server's core, %", 0),
                ("load core", "load's core, %", 0),
                ("trades", "trades a second", 0),
                ("rows", "rows written a second", 0),
                ("file", "files, MiB", 1),
            ],
        }
    }
}

/// Where a document has the tables.
const BEGIN: &str = "<!-- tables -->";
const END: &str = "<!-- end of the tables -->";

/// The identity of one line of the tables.
type Key = (Mode, String, usize, Kind);

/// All measurements.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Vec<(String, String)>,
    rows: Vec<(u32, Row)>,
    failures: Vec<(String, Problem)>,
}

impl Report {
    pub(crate) fn new(setting: &Setting, servers: &[Kind]) -> Self {
        let mut machine = vec![
            ("processor".to_owned(), machine::processor()),
            ("memory".to_owned(), machine::memory()),
            ("kernel".to_owned(), machine::kernel()),
            (
                "cores".to_owned(),
                format!(
                    "server on {}, load on {}",
                    setting.cores.server, setting.cores.load
                ),
            ),
            (
                "each figure".to_owned(),
                format!("{} s", setting.measured.as_secs()),
            ),
        ];
        let versions = servers.iter().map(|kind| {
            let name = kind.name().to_owned();
            (name, setting.programs.version(*kind))
        });
        machine.extend(versions);
        Report {
            machine,
            rows: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, round: u32, rows: Vec<Row>) {
        self.rows.extend(rows.into_iter().map(|row| (round, row)));
    }

    pub(crate) fn fail(&mut self, what: String, problem: Problem) {
        self.failures.push((what, problem));
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// A row on one line, for the terminal.
    pub(crate) fn line(&self, row: &Row) -> String {
        let mut line = format!("{:?}, {}:", row.mode, row.variant);
        for (name, title, digits) in row.mode.columns() {
            if let Some(figure) = row.get(name) {
                let _ = write!(line, " {title} {figure:.digits$};");
            }
        }
        for mark in &row.marks {
            let _ = write!(line, " ({mark})");
        }
        line
    }

    /// Every line's rows, in the order of the tables.
    fn lines(&self) -> BTreeMap<Key, Vec<&Row>> {
        let mut lines: BTreeMap<Key, Vec<&Row>> = BTreeMap::new();
        for (_, row) in &self.rows {
            let key = (row.mode, row.variant.clone(), row.subscribers, row.server);
            lines.entry(key).or_default().push(row);
        }
        lines
    }

    /// All tables.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| measured on | |\n|---|---|\n");
        for (name, value) in &self.machine {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        let rounds = self.rows.iter().map(|(round, _)| *round).max().unwrap_or(0);
        let _ = writeln!(text, "| rounds | {rounds}, medians of them |");
        let lines = self.lines();
        for mode in Mode::ALL {
            let rows: Vec<_> = lines.iter().filter(|((of, ..), _)| *of == mode).collect();
            if !rows.is_empty() {
                let _ = write!(text, "\n### {}\n\n", mode.title());
                table(&mut text, mode, &rows);
            }
        }
        let ratios = self.ratios();
        if !ratios.is_empty() {
            text.push_str("\n### As ratios\n\n| | at | ratio |\n|---|---|--:|\n");
            for (what, at, ratio) in ratios {
                let _ = writeln!(text, "| {what} | {at} | {ratio:.2} |");
            }
        }
        if !self.failures.is_empty() {
            text.push_str("\n### Not measured\n\n");
            for (what, problem) in &self.failures {
                let _ = writeln!(text, "- {what}: {problem}");
            }
        }
        text
    }

    /// Tickertape compared with the others, and with itself under another load: the two lines, the condition, and the
    /// ratio of their figures. Each ratio is of one round, and the median of those counts.
    fn ratios(&self) -> Vec<(String, String, f64)> {
        let lines = self.lines();
        let mut ratios = Vec::new();
        let mut compare = |words: &str, one: &Key, other: &Key, figure| {
            if let Some(ratio) = self.ratio(one, other, figure) {
                let at = match one.1.as_str() {
                    "" => format!("{} subscribers", one.2),
                    variant => format!("{} subscribers, {variant}", one.2),
                };
                ratios.push((words.to_owned(), at, ratio));
            }
        };
        for (mode, figure, words) in [
            (Mode::Idle, "memory", "RSS a subscriber"),
            (Mode::Open, "cpu", "CPU a delivery"),
            (Mode::Open, "p99", "p99"),
            (Mode::Closed, "deliveries", "deliveries a second"),
        ] {
            for other in lines
                .keys()
                .filter(|key| key.0 == mode && key.3 != Kind::Tickertape)
            {
                let ours = (mode, other.1.clone(), other.2, Kind::Tickertape);
                let words = format!("{words}, tickertape : {}", other.3.name());
                compare(&words, &ours, other, figure);
            }
        }
        for (mode, figure, words, pairs) in [
            (
                Mode::Wide,
                "cpu",
                "CPU a delivery, ten symbols : one",
                wide::pairs().collect::<Vec<_>>(),
            ),
            (
                Mode::Polling,
                "wire",
                "bytes, stream : polling",
                polling::pairs().collect(),
            ),
            (
                Mode::Polling,
                "clients a core",
                "clients a core, stream : polling",
                polling::pairs().collect(),
            ),
            (
                Mode::Archived,
                "p99",
                "p99, with an archive : without",
                vec![archived::pair()],
            ),
        ] {
            for (one, other) in pairs {
                for key in lines.keys().filter(|key| key.0 == mode && key.1 == one) {
                    let other = (mode, other.clone(), key.2, key.3);
                    compare(words, key, &other, figure);
                }
            }
        }
        ratios
    }

    /// The median over the rounds of the ratio of one line's figure to another's.
    fn ratio(&self, one: &Key, other: &Key, figure: &str) -> Option<f64> {
        let figures = |key: &Key| -> BTreeMap<u32, f64> {
            let same = |row: &Row| {
                (row.mode, row.subscribers, row.server) == (key.0, key.2, key.3)
                    && row.variant == key.1
            };
            let rows = self.rows.iter().filter(|(_, row)| same(row));
            rows.filter_map(|(round, row)| Some((*round, row.get(figure)?)))
                .collect()
        };
        let (ones, others) = (figures(one), figures(other));
        let ratios = ones
            .iter()
            .filter_map(|(round, one)| Some(one / others.get(round)?));
        median(ratios.filter(|ratio| ratio.is_finite()).collect())
    }

    /// Writes the tables and the single figures into a folder.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write(&self, folder: &Path, tables: &str) -> Result<(), Problem> {
        let rows = self.rows.iter().map(|(round, row)| {
            let figures: serde_json::Map<String, Value> = row
                .figures
                .iter()
                .map(|(name, figure)| ((*name).to_owned(), json!(figure)))
                .collect();
            json!({
                "round": round,
                "mode": format!("{:?}", row.mode).to_lowercase(),
                "server": row.server.name(),
                "subscribers": row.subscribers,
                "variant": row.variant,
                "figures": figures,
                "marks": row.marks,
            })
        });
        let all = json!({
            "machine": self.machine.iter().map(|(name, value)| json!({ name: value })).collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(),
            "failures": self.failures,
        });
        for (name, text) in [
            ("tables.md", tables),
            ("figures.json", &format!("{all:#}\n")),
        ] {
            let file = folder.join(name);
            fs::write(&file, text)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
            eprintln!("written to {}", file.display());
        }
        Ok(())
    }
}

/// Puts the tables between the two marks of a document.
///
/// # Errors
/// If the document cannot be read or written, or has no such marks.
pub(crate) fn insert(document: &Path, tables: &str) -> Result<(), Problem> {
    let fail = |error: std::io::Error| format!("{}: {error}", document.display());
    let text = fs::read_to_string(document).map_err(fail)?;
    let text = inserted(&text, tables).ok_or_else(|| {
        format!(
            "{} has no place for the tables: expected the lines {BEGIN} and {END}",
            document.display()
        )
    })?;
    fs::write(document, text).map_err(fail)
}

fn inserted(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        tables.trim()
    ))
}

fn table(text: &mut String, mode: Mode, lines: &[(&Key, &Vec<&Row>)]) {
    let columns = mode.columns();
    let titles: Vec<&str> = columns.iter().map(|(_, title, _)| *title).collect();
    let _ = writeln!(text, "| server | subscribers | | {} |", titles.join(" | "));
    let _ = writeln!(text, "|---|--:|---|{}", "--:|".repeat(columns.len()));
    let mut marks = Vec::new();
    for ((_, variant, subscribers, kind), rows) in lines {
        let marked: Vec<&str> = rows
            .iter()
            .flat_map(|row| row.marks.iter().map(String::as_str))
            .collect();
        let star = if marked.is_empty() { "" } else { " (!)" };
        if !marked.is_empty() {
            marks.push(format!(
                "(!) {}, {subscribers} subscribers, {variant}: {}",
                kind.name(),
                marked.join("; ")
            ));
        }
        let _ = write!(
            text,
            "| {}{star} | {subscribers} | {variant} |",
            kind.name()
        );
        for (name, _, digits) in columns {
            let figures = rows.iter().filter_map(|row| row.get(name)).collect();
            match median(figures) {
                Some(figure) => {
                    let _ = write!(text, " {figure:.digits$} |");
                }
                None => text.push_str(" |"),
            }
        }
        text.push('\n');
    }
    for mark in marks {
        let _ = write!(text, "\n{mark}\n");
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        count if count % 2 == 1 => Some(figures[middle]),
        _ => Some(f64::midpoint(figures[middle - 1], figures[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: Vec<(u32, Row)>) -> Report {
        Report {
            machine: Vec::new(),
            rows,
            failures: Vec::new(),
        }
    }

    fn idle(server: Kind, memory: f64) -> Row {
        let mut row = Row::new(Mode::Idle, server, 10, "");
        row.set("memory", memory);
        row
    }

    #[test]
    fn a_line_is_the_median_of_its_rounds() {
        let mut marked = idle(Kind::Nchan, 9.0);
        marked.mark("1 streams ended");
        let report = report(vec![
            (1, idle(Kind::Nchan, 8.0)),
            (2, marked),
            (3, idle(Kind::Nchan, 30.0)),
        ]);
        let text = report.markdown();
        assert!(text.contains("| nchan (!) | 10 |  | 9.00 |"), "{text}");
        assert!(text.contains("1 streams ended"), "{text}");
    }

    #[test]
    fn ratios_are_within_a_round() {
        let report = report(vec![
            (1, idle(Kind::Tickertape, 1.0)),
            (1, idle(Kind::Nchan, 4.0)),
            (2, idle(Kind::Tickertape, 10.0)),
            (2, idle(Kind::Nchan, 20.0)),
            (3, idle(Kind::Tickertape, 1.0)),
        ]);
        let ratios = report.ratios();
        assert_eq!(ratios.len(), 1);
        assert_eq!(ratios[0].2, 0.375, "the mean of a quarter and a half");
    }

    #[test]
    fn tables_replace_those_of_the_last_time() {
        let text = "a\n<!-- tables -->\n\n| old |\n\n<!-- end of the tables -->\nb\n";
        assert_eq!(
            inserted(text, "| new |\n").unwrap(),
            text.replace("old", "new")
        );
        assert_eq!(inserted("a\n", "| new |"), None);
    }

    #[test]
    fn the_median_of_nothing_is_nothing() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![4.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }
}
