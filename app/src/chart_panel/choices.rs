use chart::{Kind, Scale, Study, scene::MAX_LINES};
use market::Symbol;

use crate::{
    lean::signal::RwSignal,
    state::{address, range::Range},
};

/// The parameters of an address with the choices: the range with the words of [`ChartChoices::write`], and the compared
/// symbols.
pub(crate) const PARTS: [&str; 2] = ["chart", "compare"];

/// The kinds of chart: value, word and label.
pub(crate) const KINDS: [(Kind, &str, &str); 4] = [
    (Kind::Area, "area", "Area"),
    (Kind::Line, "line", "Line"),
    (Kind::Candles, "candles", "Candles"),
    (Kind::Bars, "bars", "Bars"),
];

/// The same for scales.
pub(crate) const SCALES: [(Scale, &str, &str); 3] = [
    (Scale::Linear, "linear", "Linear"),
    (Scale::Log, "log", "Log"),
    (Scale::Percent, "percent", "Percent"),
];

/// The same for studies.
pub(crate) const STUDIES: [(Study, &str, &str); 4] = [
    (Study::Sma(20), "sma20", "SMA 20"),
    (Study::Sma(50), "sma50", "SMA 50"),
    (Study::Ema(20), "ema20", "EMA 20"),
    (Study::Vwap, "vwap", "VWAP"),
];

/// The word of a value.
pub(crate) fn word<T: PartialEq>(
    known: &[(T, &'static str, &'static str)],
    value: &T,
) -> &'static str {
    let found = known.iter().find(|(known, ..)| known == value);
    found.map_or("", |(_, word, _)| word)
}

/// The value of a word; `None` for an unknown word.
pub(crate) fn meant<T: Copy>(known: &[(T, &str, &str)], word: &str) -> Option<T> {
    let found = known.iter().find(|(_, known, _)| *known == word);
    found.map(|(value, ..)| *value)
}

/// The choices for the chart. Until the page is hydrated they are those of the address, as on the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChartChoices {
    /// The range that is shown.
    pub(crate) range: RwSignal<Range>,
    /// The kind of chart.
    pub(crate) kind: RwSignal<Kind>,
    /// The scale of the axis of prices.
    pub(crate) scale: RwSignal<Scale>,
    /// The studies.
    pub(crate) studies: RwSignal<Vec<Study>>,
    /// Whether the volume is drawn.
    pub(crate) volume: RwSignal<bool>,
    /// Whether stories are pinned.
    pub(crate) pins: RwSignal<bool>,
    /// The symbols to compare with.
    pub(crate) compared: RwSignal<Vec<Symbol>>,
}

impl ChartChoices {
    /// The defaults.
    pub(crate) fn new() -> Self {
        ChartChoices {
            range: RwSignal::new(Range::default()),
            kind: RwSignal::new(Kind::default()),
            scale: RwSignal::new(Scale::default()),
            studies: RwSignal::new(Vec::new()),
            volume: RwSignal::new(true),
            pins: RwSignal::new(true),
            compared: RwSignal::new(Vec::new()),
        }
    }

    /// Chooses the next kind; after the last, the first.
    pub(crate) fn next_kind(&self) {
        let now = self.kind.get_untracked();
        let at = KINDS.iter().position(|(kind, ..)| *kind == now);
        let next = at.map_or(0, |at| (at + 1) % KINDS.len());
        self.kind.set(KINDS[next].0);
    }

    /// Adds or removes a symbol to compare with.
    pub(crate) fn compare(&self, symbol: Symbol, wanted: bool) {
        self.compared.update(|compared| {
            compared.retain(|other| *other != symbol);
            if wanted {
                compared.push(symbol);
            }
        });
    }

    /// Adds or removes a study.
    pub(crate) fn study(&self, study: Study, wanted: bool) {
        self.studies.update(|studies| {
            studies.retain(|other| *other != study);
            if wanted {
                studies.push(study);
            }
        });
    }

    /// The choices without range and comparisons, as words to store: `candles log no-volume sma20`.
    pub(crate) fn write(&self) -> String {
        let mut words = vec![
            word(&KINDS, &self.kind.get()),
            word(&SCALES, &self.scale.get()),
        ];
        words.extend((!self.volume.get()).then_some("no-volume"));
        words.extend((!self.pins.get()).then_some("no-news"));
        let studies = self.studies.get();
        words.extend(studies.iter().map(|study| word(&STUDIES, study)));
        words.join(" ")
    }

    /// All choices as parameters of a query: `chart=1D,candles,log,sma20&compare=AAPL,MSFT`.
    pub(crate) fn query(&self) -> String {
        let words = self.write().replace(' ', ",");
        let mut query = ["chart=", self.range.get().as_str(), ",", &words].concat();
        self.compared.with(|compared| {
            if !compared.is_empty() {
                query.push_str("&compare=");
                address::push_list(&mut query, compared);
            }
        });
        query
    }

    /// Reads the choices of a query, if it has any. What is missing or unknown gets its default. Returns whether the
    /// query has any.
    pub(crate) fn read_query(&self, query: &str, is_known: impl Fn(&Symbol) -> bool) -> bool {
        let Some([words, names]) = named_in(query) else {
            return false;
        };
        self.read(&words);
        set(self.range, range_of(&words));
        set(self.compared, symbols_of(&names, is_known));
        true
    }

    /// Reads stored words. Unknown words are ignored.
    pub(crate) fn read(&self, text: &str) {
        let words = || text.split([' ', ',']);
        let kind = words().find_map(|word| meant(&KINDS, word));
        let scale = words().find_map(|word| meant(&SCALES, word));
        let mut studies = Vec::new();
        for study in words().filter_map(|word| meant(&STUDIES, word)) {
            if !studies.contains(&study) {
                studies.push(study);
            }
        }
        set(self.kind, kind.unwrap_or_default());
        set(self.scale, scale.unwrap_or_default());
        set(self.studies, studies);
        set(self.volume, !words().any(|word| word == "no-volume"));
        set(self.pins, !words().any(|word| word == "no-news"));
    }
}

/// The values of the [`PARTS`] of a query; `None` if it has none of them.
fn named_in(query: &str) -> Option<[String; 2]> {
    let mut named = [None, None];
    for (name, value) in address::parts(query) {
        if let Some(at) = PARTS.iter().position(|part| *part == name) {
            named[at] = Some(address::query_text(value));
        }
    }
    (named != [None, None]).then(|| named.map(Option::unwrap_or_default))
}

fn range_of(words: &str) -> Range {
    words.split(',').find_map(Range::named).unwrap_or_default()
}

fn symbols_of(names: &str, is_known: impl Fn(&Symbol) -> bool) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for symbol in names.split(',').filter_map(|name| name.parse().ok()) {
        if symbols.len() < MAX_LINES && !symbols.contains(&symbol) && is_known(&symbol) {
            symbols.push(symbol);
        }
    }
    symbols
}

/// The range and the compared symbols, known or not, that the query of a page's address names.
#[cfg(feature = "ssr")]
pub fn charted_by(query: &str) -> (Range, Vec<Symbol>) {
    let [words, names] = named_in(query).unwrap_or_default();
    (range_of(&words), symbols_of(&names, |_| true))
}

fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

#[cfg(test)]
mod tests {
    use leptos::prelude::Owner;

    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_nonsense_is_left_out() {
        Owner::new().with(|| {
            let choices = ChartChoices::new();
            assert_eq!(choices.write(), "area linear");
            choices.kind.set(Kind::Candles);
            choices.scale.set(Scale::Log);
            choices.volume.set(false);
            choices.study(Study::Vwap, true);
            choices.study(Study::Sma(20), true);
            choices.study(Study::Vwap, false);
            let kept = choices.write();
            assert_eq!(kept, "candles log no-volume sma20");
            let other = ChartChoices::new();
            other.read(&format!("{kept} ☃ nothing sma20"));
            assert_eq!(other.write(), kept);
            other.read("");
            assert_eq!(other.write(), "area linear");
        });
    }

    #[test]
    fn an_address_has_all_of_it_and_what_is_unknown_is_left_out() {
        Owner::new().with(|| {
            let choices = ChartChoices::new();
            assert_eq!(choices.query(), "chart=1D,area,linear");
            assert!(!choices.read_query("?symbols=A&type=halt&utm=x", |_| true));
            choices.range.set(Range::Week);
            choices.kind.set(Kind::Candles);
            choices.study(Study::Vwap, true);
            choices.compare("BRK/B".parse().unwrap(), true);
            choices.compare("AAPL".parse().unwrap(), true);
            let query = choices.query();
            assert_eq!(query, "chart=1W,candles,linear,vwap&compare=BRK%2FB,AAPL");
            let other = ChartChoices::new();
            other.scale.set(Scale::Log);
            assert!(other.read_query(&["?symbols=A&", &query].concat(), |_| true));
            assert_eq!(other.query(), query);

            for (asked, taken) in [
                ("chart=", "chart=1D,area,linear"),
                (
                    "chart=99Y,pie,<b>,sma20,sma20,1Y",
                    "chart=1Y,area,linear,sma20",
                ),
                ("chart=line,5m,1h", "chart=5m,line,linear"),
                ("compare=GONE,A,A,%20,B", "chart=1D,area,linear&compare=A,B"),
                (
                    "compare=A,B,C,D,E,F",
                    "chart=1D,area,linear&compare=A,B,C,D",
                ),
            ] {
                assert!(other.read_query(asked, |symbol| symbol.as_str() != "GONE"));
                assert_eq!(other.query(), taken, "{asked}");
            }
        });
    }

    #[test]
    fn the_kinds_go_round() {
        Owner::new().with(|| {
            let choices = ChartChoices::new();
            for kind in [Kind::Line, Kind::Candles, Kind::Bars, Kind::Area] {
                choices.next_kind();
                assert_eq!(choices.kind.get_untracked(), kind);
            }
        });
    }
}
