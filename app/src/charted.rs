//! What the chart is given of the market.

use chart::{Compared, Pin, Series};
use leptos::prelude::*;
use market::{Action, Millis, Symbol};

use crate::{
    clock::Zone,
    dashboard::Dashboard,
    figures::digits,
    market_state::{ChartChange, Instrument, MarketState},
    reactive::effect,
};

/// The chart is not wider than a few thousand columns, and a page that is open for days must not grow.
const SAMPLES: usize = 1 << 16;

/// What the choices are kept under.
const KEY: &str = "chart";

impl Dashboard {
    /// Has the chart follow what is open, what is chosen, and the news. To be called once.
    pub(crate) fn follow_chart(self) {
        let Dashboard {
            chart,
            choices,
            open,
            range,
            stories,
            ..
        } = self;
        chart.set_capacity(SAMPLES);
        chart.set_span(range.get_untracked().millis() as f64);
        self.draw_chart();
        Effect::new(move |drawn: Option<Option<Symbol>>| {
            let symbol = open.get();
            if drawn.is_some_and(|drawn| drawn != symbol) {
                self.open_as_of_now();
                self.open_range();
                chart.fit();
                // Nothing may be said of the one before.
                chart.summarize();
            }
            symbol
        });
        Effect::new(move |drawn: Option<()>| {
            chart.set_kind(choices.kind.get());
            choices.compared.track();
            if drawn.is_some() {
                self.draw_chart();
            }
        });
        let zone = self.preferences.zone;
        effect(move || {
            chart.set_clock(match zone.get() {
                Zone::Utc => |_| 0,
                Zone::NewYork => |time| Zone::NewYork.offset_minutes(time as Millis),
                Zone::Local => |time| Zone::Local.offset_minutes(time as Millis),
            });
        });
        let storage = self.storage;
        Effect::new(move |before: Option<()>| {
            if before.is_none() {
                let take = move |text: Option<String>| choices.read(&text.unwrap_or_default());
                take(storage.read(KEY));
                storage.on_change(KEY, take);
            }
            let text = choices.write();
            if storage.read(KEY).unwrap_or_default() != text && before.is_some() {
                storage.write(KEY, &text);
            }
        });
        effect(move || chart.set_scale(choices.scale.get()));
        effect(move || chart.set_volume(choices.volume.get()));
        effect(move || choices.studies.with(|studies| chart.set_studies(studies)));
        effect(move || {
            let symbol = open.get().filter(|_| choices.pins.get());
            let pins = stories.with(|stories| {
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
            chart.set_pins(pins);
        });
    }

    /// Shows the way of the open symbol's price, as far as it is known, and of those that it is compared
    /// with.
    pub(crate) fn draw_chart(&self) {
        let open = self.open.get_untracked();
        let interval = self.range.get_untracked().interval(self.archived);
        let has_spans = self.choices.kind.get_untracked().has_spans();
        let compared = self.choices.compared.get_untracked();
        let chart = self.chart;
        self.read_state(|state| {
            let find = |symbol: Symbol| state.instruments.get(&symbol);
            let instrument = open.and_then(find);
            self.set_chart_digits(instrument);
            chart.set_name(open.map(|symbol| symbol.to_string()).unwrap_or_default());
            chart.set_interval(interval.millis() as f64);
            let path = instrument.map(|instrument| &instrument.path);
            chart.replace(path.into_iter().flat_map(|path| match has_spans {
                true => path.spans(interval),
                false => path.points(),
            }));
            let others = compared.into_iter().filter(|symbol| Some(*symbol) != open);
            chart.set_compared(
                others
                    .map(|symbol| {
                        let mut series = Series::new(SAMPLES);
                        let path = find(symbol).map(|instrument| instrument.path.points());
                        series.replace(path.into_iter().flatten());
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
        self.chart.set_decimals(digits(session, quote), tick);
    }

    /// Draws what became of the way of a price. `bar` is whose bar it came by: candles are made of bars, and
    /// are drawn anew with each.
    pub(crate) fn change_chart(&self, change: ChartChange, bar: Option<Symbol>) {
        let open = self.open.get_untracked();
        let is_compared = |symbol: Symbol| {
            let compared = self.choices.compared;
            compared.with_untracked(|compared| compared.contains(&symbol))
        };
        if self.preferences.is_slow() {
            return if change != ChartChange::None {
                self.hold_chart();
            };
        }
        if bar.is_some() && bar == open && self.choices.kind.get_untracked().has_spans() {
            return self.draw_chart();
        }
        match change {
            ChartChange::Push(symbol, point) if open == Some(symbol) => self.chart.push(point),
            ChartChange::Push(symbol, point) if is_compared(symbol) => {
                self.chart.push_compared(symbol.as_str(), point);
            }
            ChartChange::Replace(symbol) if open == Some(symbol) || is_compared(symbol) => {
                self.draw_chart();
            }
            ChartChange::ReplaceAll => self.draw_chart(),
            ChartChange::None | ChartChange::Push(..) | ChartChange::Replace(_) => {}
        }
    }

    /// The symbols whose history is drawn.
    pub(crate) fn charted(&self) -> Vec<Symbol> {
        let open = self.open.get_untracked();
        let compared = self.choices.compared.get_untracked();
        let others = compared.into_iter().filter(|symbol| Some(*symbol) != open);
        open.into_iter().chain(others).collect()
    }

    fn read_state(&self, read: impl FnOnce(&MarketState)) {
        self.state.with_value(read);
    }
}
