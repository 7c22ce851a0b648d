use chart::{Kind, Scale, Study};
use market::Symbol;

use crate::signal::RwSignal;

/// How each kind of chart is written down, and how people call it.
pub(crate) const KINDS: [(Kind, &str, &str); 4] = [
    (Kind::Area, "area", "Area"),
    (Kind::Line, "line", "Line"),
    (Kind::Candles, "candles", "Candles"),
    (Kind::Bars, "bars", "Bars"),
];

/// The same of each scale.
pub(crate) const SCALES: [(Scale, &str, &str); 3] = [
    (Scale::Linear, "linear", "Linear"),
    (Scale::Log, "log", "Log"),
    (Scale::Percent, "percent", "Percent"),
];

/// The same of each study.
pub(crate) const STUDIES: [(Study, &str, &str); 4] = [
    (Study::Sma(20), "sma20", "Mean of 20 (SMA)"),
    (Study::Sma(50), "sma50", "Mean of 50 (SMA)"),
    (Study::Ema(20), "ema20", "Exponential mean of 20 (EMA)"),
    (Study::Vwap, "vwap", "Mean by volume (VWAP)"),
];

/// What stands for a value that is one of a few.
pub(crate) fn word<T: PartialEq>(
    known: &[(T, &'static str, &'static str)],
    value: &T,
) -> &'static str {
    let found = known.iter().find(|(known, ..)| known == value);
    found.map_or("", |(_, word, _)| word)
}

/// What a word stands for.
pub(crate) fn meant<T: Copy>(known: &[(T, &str, &str)], word: &str) -> Option<T> {
    let found = known.iter().find(|(_, known, _)| *known == word);
    found.map(|(value, ..)| *value)
}

/// What the person wants to see in the chart, beside its range. Until the page is hydrated it is what the
/// server draws.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChartChoices {
    /// How prices are drawn.
    pub(crate) kind: RwSignal<Kind>,
    /// How they lie on the axis.
    pub(crate) scale: RwSignal<Scale>,
    /// What is computed from them.
    pub(crate) studies: RwSignal<Vec<Study>>,
    /// Whether what was traded is drawn.
    pub(crate) volume: RwSignal<bool>,
    /// Whether stories are marked.
    pub(crate) pins: RwSignal<bool>,
    /// What the open symbol is compared with.
    pub(crate) compared: RwSignal<Vec<Symbol>>,
}

impl ChartChoices {
    /// What nobody chose.
    pub(crate) fn new() -> Self {
        ChartChoices {
            kind: RwSignal::new(Kind::default()),
            scale: RwSignal::new(Scale::default()),
            studies: RwSignal::new(Vec::new()),
            volume: RwSignal::new(true),
            pins: RwSignal::new(true),
            compared: RwSignal::new(Vec::new()),
        }
    }

    /// The kind after this one, and after the last the first.
    pub(crate) fn next_kind(&self) {
        let now = self.kind.get_untracked();
        let at = KINDS.iter().position(|(kind, ..)| *kind == now);
        let next = at.map_or(0, |at| (at + 1) % KINDS.len());
        self.kind.set(KINDS[next].0);
    }

    /// Compares with a symbol, or no longer.
    pub(crate) fn compare(&self, symbol: Symbol, wanted: bool) {
        self.compared.update(|compared| {
            compared.retain(|other| *other != symbol);
            if wanted {
                compared.push(symbol);
            }
        });
    }

    /// Computes a study, or no longer.
    pub(crate) fn study(&self, study: Study, wanted: bool) {
        self.studies.update(|studies| {
            studies.retain(|other| *other != study);
            if wanted {
                studies.push(study);
            }
        });
    }

    /// All of it but what it is compared with, as words to be kept: `candles log no-volume sma20`.
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

    /// Takes what was kept. A word that nobody knows is left out.
    pub(crate) fn read(&self, text: &str) {
        let words = || text.split_ascii_whitespace();
        let kind = words().find_map(|word| meant(&KINDS, word));
        let scale = words().find_map(|word| meant(&SCALES, word));
        let studies: Vec<Study> = words().filter_map(|word| meant(&STUDIES, word)).collect();
        set(self.kind, kind.unwrap_or_default());
        set(self.scale, scale.unwrap_or_default());
        set(self.studies, studies);
        set(self.volume, !words().any(|word| word == "no-volume"));
        set(self.pins, !words().any(|word| word == "no-news"));
    }
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
            other.read(&format!("{kept} ☃ nothing"));
            assert_eq!(other.write(), kept);
            other.read("");
            assert_eq!(other.write(), "area linear");
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
