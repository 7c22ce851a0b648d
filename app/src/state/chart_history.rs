//! The range of the chart, and the bars that it needs.

use market::{Bar, Interval, Millis};

use crate::state::{dashboard::Dashboard, market::MarketState, missing::Missing, range::Range};

impl Dashboard {
    /// Shows the range that the person chose.
    pub(crate) fn set_range(&self, range: Range) {
        self.chart.chosen_range.set(range);
        self.chart.is_chosen.set_value(true);
        self.show_range(range);
    }

    /// Shows a newly opened symbol with the range that was chosen last.
    pub(crate) fn open_range(&self) {
        self.chart.is_chosen.set_value(false);
        self.show_range(self.chart.chosen_range.get_untracked());
    }

    /// Shows a range, as far as its bars are known.
    fn show_range(&self, range: Range) {
        if self.chart.choices.range.get_untracked() != range {
            self.chart.choices.range.set(range);
        }
    }

    /// Adds bars that were missing.
    pub(crate) fn complete(
        &self,
        missing: Missing,
        bars: &[Bar],
        until: Option<Millis>,
        older: Option<Interval>,
    ) {
        self.state
            .update_value(|state| state.complete(missing, bars, until, Some(older)));
        let is_opening = missing.before.is_none()
            && self.market.open.get_untracked() == Some(missing.symbol)
            && !self.chart.is_chosen.get_value();
        if is_opening && let Some(range) = Range::opening(bars.len(), older) {
            self.show_range(range);
        }
        if missing.before.is_some() {
            // The person can also scroll back while the page is paused.
            self.pause.ask_for_chart();
        }
        if self.charted().contains(&missing.symbol) && self.pause.lets_chart(true) {
            self.draw_chart();
        }
    }

    /// The missing bars of charted symbols: those of the chosen range, and then those of earlier times that the person
    /// looks at.
    pub(crate) fn missing_history(&self) -> Vec<Missing> {
        let range = self.chart.choices.range.get_untracked();
        let symbols = self.charted();
        let from = self.chart.handle.looks_from();
        self.state.with_value(|state| {
            let missing = symbols.into_iter().filter_map(|symbol| {
                let history = &state.instruments.get(&symbol)?.history;
                let newest = Missing::of_range(symbol, range, self.market.archived, state.run);
                if history.is_filled(range, self.market.archived) {
                    history.before(newest, from?, self.market.archived)
                } else {
                    Some(newest)
                }
            });
            missing.collect()
        })
    }

    /// Has all bars fetched again.
    pub(crate) fn forget_history(&self) {
        self.state.update_value(MarketState::forget_history);
    }
}
