//! Feeds the chart from the state of the market.

use chart::{Compared, Pin, Series};
use leptos::{ev, prelude::*};
use market::{Action, Millis, Symbol};

use crate::{
    chart_panel::choices::PARTS,
    format::{clock::Zone, figures::digits},
    lean::{
        reactive::{effect, effect_after},
        signal::StoredValue,
    },
    state::{
        address,
        dashboard::{Charting, Dashboard},
        market::{ChartChange, Instrument, MarketState},
        navigation::{replace_parts, search},
        range::Range,
    },
};

/// The capacity of the chart. It is at most a few thousand pixels wide, and a page that is open for days must not grow.
const SAMPLES: usize = 1 << 16;

/// The storage key of the choices.
const KEY: &str = "chart";

/// [`ChartChoices::query`](crate::chart_panel::choices::ChartChoices::query) if nothing was chosen.
const NOTHING_CHOSEN: &str = "chart=1D,area,linear";

impl Dashboard {
    /// Makes the chart follow the open symbol, the choices and the news. `named` is whether the address names choices.
    /// Call it once.
    pub(crate) fn follow_chart(self, named: bool) {
        let Charting {
            handle, choices, ..
        } = self.chart;
        handle.set_capacity(SAMPLES);
        handle.set_span(choices.range.get_untracked().millis() as f64);
        // For the first drawing, before effects run, and for the server, where they do not.
        handle.set_kind(choices.kind.get_untracked());
        #[cfg(not(target_arch = "wasm32"))]
        {
            handle.set_scale(choices.scale.get_untracked());
            handle.set_volume(choices.volume.get_untracked());
            choices
                .studies
                .with_untracked(|studies| handle.set_studies(studies));
        }
        self.draw_chart();
        self.follow_open();
        self.follow_range();
        let zone = self.person.preferences.zone;
        effect(move || {
            handle.set_clock(match zone.get() {
                Zone::Utc => |_| 0,
                Zone::NewYork => |time| Zone::NewYork.offset_minutes(time as Millis),
                Zone::Local => |time| Zone::Local.offset_minutes(time as Millis),
            });
        });
        self.keep_choices(named);
        effect(move || handle.set_scale(choices.scale.get()));
        effect(move || handle.set_volume(choices.volume.get()));
        effect(move || choices.studies.with(|studies| handle.set_studies(studies)));
        let set_pins = move || self.set_pins();
        #[cfg(not(target_arch = "wasm32"))]
        untrack(set_pins);
        effect(set_pins);
    }

    /// Shows the open symbol whenever it changes.
    fn follow_open(self) {
        let (open, handle) = (self.market.open, self.chart.handle);
        effect_after(move |drawn: Option<Option<Symbol>>| {
            let symbol = open.get();
            if drawn.is_some_and(|drawn| drawn != symbol) {
                self.open_as_of_now();
                self.open_range();
                handle.fit();
                // The summary must not be that of the previous symbol.
                handle.summarize();
            }
            symbol
        });
    }

    /// Shows the chosen range, kind and comparisons whenever they change.
    fn follow_range(self) {
        let Charting {
            handle, choices, ..
        } = self.chart;
        effect_after(move |drawn: Option<Range>| {
            handle.set_kind(choices.kind.get());
            choices.compared.track();
            let range = choices.range.get();
            if drawn.is_some_and(|drawn| drawn != range) {
                handle.set_span(range.millis() as f64);
                self.pause.ask_for_chart();
            }
            if drawn.is_some() {
                self.draw_chart();
            }
            range
        });
    }

    /// Sets the pins of the open symbol's stories.
    fn set_pins(self) {
        let Charting {
            handle, choices, ..
        } = self.chart;
        let symbol = self.market.open.get().filter(|_| choices.pins.get());
        let pins = self.news.stories.with(|stories| {
            let news = stories.iter().map(|story| &story.news);
            let wanted = news.filter(|news| {
                let of = |symbol| news.symbols.contains(&symbol);
                news.action != Action::Deleted && symbol.is_some_and(of)
            });
            let pin = |news: &std::sync::Arc<market::News>| Pin {
                time: news.published as i64,
                id: news.id.clone(),
                text: news.headline.clone(),
            };
            wanted.map(pin).collect()
        });
        handle.set_pins(pins);
    }

    /// Stores the choices in the address and in the browser, and reads them from there.
    ///
    /// Choices of the address take precedence over stored ones. Those stay unchanged, and changes by other tabs are
    /// ignored, until the person changes something. The address names the choices once they differ from the defaults.
    fn keep_choices(self, named: bool) {
        let (choices, storage) = (self.chart.choices, self.person.storage);
        // The choices that were read last: anything else was changed by the person.
        let taken = StoredValue::new(String::new());
        let own = StoredValue::new(true);
        let show = move |query: &str| {
            let is_named = |part| address::parts(query).any(|(name, _)| name == part);
            let now = choices.query();
            if now != NOTHING_CHOSEN || PARTS.into_iter().any(is_named) {
                replace_parts(&PARTS, &now);
            }
        };
        let take = move |text: Option<String>| {
            choices.read(&text.unwrap_or_default());
            taken.set_value(choices.query());
        };
        let begin = move || {
            let kept = storage.read(KEY);
            if named {
                own.set_value(kept.as_deref() == Some(&*choices.write()));
                taken.set_value(choices.query());
            } else {
                take(kept);
            }
            storage.on_change(KEY, move |text| {
                if own.get_value() {
                    take(text);
                }
            });
            let steps = window_event_listener(ev::popstate, move |_| {
                let query = search();
                if choices.read_query(&query, |symbol| self.knows(*symbol)) {
                    taken.set_value(choices.query());
                    // The symbol opens with the range of the address.
                    self.set_range(choices.range.get_untracked());
                }
                show(&query);
            });
            on_cleanup(move || steps.remove());
        };
        effect(move || untrack(begin));
        effect(move || {
            let now = choices.query();
            if taken.get_value() != now {
                taken.set_value(now);
                own.set_value(true);
                storage.write(KEY, &choices.write());
            }
            show(&search());
        });
    }

    /// Draws the price history of the open symbol, as far as it is known, and those of compared symbols.
    pub(crate) fn draw_chart(&self) {
        let open = self.market.open.get_untracked();
        let interval = self
            .chart
            .choices
            .range
            .get_untracked()
            .interval(self.market.archived);
        let has_spans = self.chart.choices.kind.get_untracked().has_spans();
        let compared = self.chart.choices.compared.get_untracked();
        let chart = self.chart.handle;
        self.read_state(|state| {
            let find = |symbol: Symbol| state.instruments.get(&symbol);
            let instrument = open.and_then(find);
            self.set_chart_digits(instrument);
            chart.set_name(open.map(|symbol| symbol.to_string()).unwrap_or_default());
            chart.set_interval(interval.millis() as f64);
            let history = instrument.map(|instrument| &instrument.history);
            chart.replace(history.into_iter().flat_map(|history| match has_spans {
                true => history.spans(interval),
                false => history.points(),
            }));
            let others = compared.into_iter().filter(|symbol| Some(*symbol) != open);
            chart.set_compared(
                others
                    .map(|symbol| {
                        let mut series = Series::new(SAMPLES);
                        let points = find(symbol).map(|instrument| instrument.history.points());
                        series.replace(points.into_iter().flatten());
                        Compared {
                            name: symbol.to_string(),
                            series,
                        }
                    })
                    .collect(),
            );
        });
    }

    pub(crate) fn set_chart_digits(&self, instrument: Option<&Instrument>) {
        let session = instrument.and_then(|instrument| instrument.session.as_ref());
        let quote = instrument.and_then(|instrument| instrument.quote.as_ref());
        let tick = session.and_then(|session| session.tick);
        let tick = tick.map_or(0.0, |tick| tick.to_f64());
        self.chart.handle.set_decimals(digits(session, quote), tick);
    }

    /// Draws a change of a price history. `bar` is the symbol of the bar that caused it: candles are made of bars, and
    /// are redrawn with each.
    pub(crate) fn change_chart(&self, change: ChartChange, bar: Option<Symbol>) {
        let open = self.market.open.get_untracked();
        let is_compared = |symbol: Symbol| {
            let compared = self.chart.choices.compared;
            compared.with_untracked(|compared| compared.contains(&symbol))
        };
        if self.person.preferences.is_slow() {
            return if change != ChartChange::None {
                self.hold_chart();
            };
        }
        if bar.is_some() && bar == open && self.chart.choices.kind.get_untracked().has_spans() {
            return self.draw_chart();
        }
        match change {
            ChartChange::Push(symbol, point) if open == Some(symbol) => {
                self.chart.handle.push(point)
            }
            ChartChange::Push(symbol, point) if is_compared(symbol) => {
                self.chart.handle.push_compared(symbol.as_str(), point);
            }
            ChartChange::Replace(symbol) if open == Some(symbol) || is_compared(symbol) => {
                self.draw_chart();
            }
            ChartChange::ReplaceAll => self.draw_chart(),
            ChartChange::None | ChartChange::Push(..) | ChartChange::Replace(_) => {}
        }
    }

    /// The symbols that are charted: the open one, then compared ones.
    pub(crate) fn charted(&self) -> Vec<Symbol> {
        let open = self.market.open.get_untracked();
        let compared = self.chart.choices.compared.get_untracked();
        let others = compared.into_iter().filter(|symbol| Some(*symbol) != open);
        open.into_iter().chain(others).collect()
    }

    fn read_state(&self, read: impl FnOnce(&MarketState)) {
        self.state.with_value(read);
    }
}
