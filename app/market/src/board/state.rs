use std::collections::VecDeque;

use crate::{
    Bar, Best, Correction, Day, Millis, Minute, Price, Quote, Roll, Size, Tick, Trade, roll::sum,
};

/// How many trades of a symbol are kept one by one.
pub(super) const MAX_RECENT: usize = 2_048;

/// The result of a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorrectionOutcome {
    /// The quote, which is the symbol's state now, and the open bar are corrected.
    Whole(Quote),
    /// The quote is corrected. The minute of the trade is closed and its bar already published, so only an archive can
    /// correct it.
    Quote(Quote),
    /// The trade is older than what the board keeps, or was never published: nothing has changed here. An archive that
    /// has it can correct it.
    Unknown,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) quote: Quote,
    /// The sums of all trades.
    pub(super) figures: Figures,
    /// The sums of the trades that are not in `recent`, once a trade has had a number.
    pub(super) before: Figures,
    pub(super) recent: VecDeque<Recent>,
    /// How many trades have been kept so far.
    pub(super) count: u64,
    /// The trades before this count are part of `before`, except for the last price: the source has reported sums of
    /// its own since.
    pub(super) summed: u64,
    /// Whether a trade has had a number.
    pub(super) numbered: bool,
    pub(super) open_bar: Option<OpenBar>,
    /// The end of the newest closed bar.
    pub(super) closed_until: Millis,
}

#[derive(Debug)]
pub(super) struct OpenBar {
    pub(super) start: Millis,
    /// All trades.
    pub(super) roll: Roll,
    /// The trades that are not in the state's `recent`, once a trade has had a number.
    pub(super) before: Roll,
}

/// A trade that is kept for corrections.
#[derive(Debug)]
pub(super) struct Recent {
    count: u64,
    time: Millis,
    trade: Trade,
}

/// The part of a quote that trades determine.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    /// The time, price and size of the last trade.
    pub(super) last: Option<(Millis, Price, Option<Size>)>,
    pub(super) high: Option<Price>,
    pub(super) low: Option<Price>,
    pub(super) volume: Option<Size>,
}

impl Figures {
    fn add(&mut self, time: Millis, trade: &Trade) {
        self.add_last(time, trade);
        self.add_sums(trade);
    }

    fn add_last(&mut self, time: Millis, trade: &Trade) {
        if trade.moves.last && self.last.is_none_or(|(last, ..)| time >= last) {
            self.last = Some((time, trade.price, trade.size));
        }
    }

    fn add_sums(&mut self, trade: &Trade) {
        if trade.moves.range {
            self.high = Some(self.high.map_or(trade.price, |high| high.max(trade.price)));
            self.low = Some(self.low.map_or(trade.price, |low| low.min(trade.price)));
        }
        if let Some(size) = trade.size.filter(|_| trade.moves.volume) {
            self.volume = Some(self.volume.map_or(size, |volume| sum(volume, size)));
        }
    }
}

pub(super) enum Counted {
    /// The trade's minute is closed.
    Late,
    /// The trade is in the open bar, and may have closed the one before.
    Open(Option<Minute>),
}

impl State {
    pub(super) fn new(quote: Quote) -> Self {
        State {
            quote,
            figures: Figures::default(),
            before: Figures::default(),
            recent: VecDeque::new(),
            count: 0,
            summed: 0,
            numbered: false,
            open_bar: None,
            closed_until: 0,
        }
    }

    pub(super) fn tick(&mut self, tick: &Tick) {
        let quote = &mut self.quote;
        // Never back: a source that times its trades but not its prices mixes two clocks.
        quote.time = quote.time.max(tick.time);
        let side = |side: &Best, price: &mut Option<Price>, size: &mut Option<Size>| match *side {
            Best::Unchanged => {}
            Best::Empty => (*price, *size) = (None, None),
            Best::At {
                price: at,
                size: of,
            } => (*price, *size) = (Some(at), of),
        };
        side(&tick.bid, &mut quote.bid, &mut quote.bid_size);
        side(&tick.ask, &mut quote.ask, &mut quote.ask_size);
        self.day(&tick.day);
        self.show();
    }

    pub(super) fn set_back(&mut self, latest: Millis) {
        self.quote.time = self.quote.time.min(latest);
        for figures in [&mut self.figures, &mut self.before] {
            if let Some((time, ..)) = &mut figures.last {
                *time = latest.min(*time);
            }
        }
        for recent in &mut self.recent {
            recent.time = latest.min(recent.time);
        }
        // The board no longer knows whether it published the bar of this minute, so it does not publish it again.
        self.closed_until = self.closed_until.min(minute(latest) + Bar::INTERVAL);
        self.open_bar.take_if(|open| open.start > latest);
    }

    /// Applies sums that the source itself reports. They include everything before them.
    pub(super) fn day(&mut self, day: &Day) {
        if (day.volume, day.high, day.low) == (None, None, None) {
            return;
        }
        let figures = &mut self.figures;
        figures.volume = day.volume.or(figures.volume);
        figures.high = day.high.or(figures.high);
        figures.low = day.low.or(figures.low);
        self.before = Figures {
            last: self.before.last,
            ..*figures
        };
        self.summed = self.count;
    }

    pub(super) fn begin_day(&mut self) {
        for figures in [&mut self.figures, &mut self.before] {
            *figures = Figures {
                last: figures.last,
                ..Figures::default()
            };
        }
        self.summed = self.count;
        self.show();
    }

    pub(super) fn show(&mut self) {
        let Figures {
            last,
            high,
            low,
            volume,
        } = self.figures;
        // A restored symbol without its last trade has no time of one.
        self.quote.traded = last.map(|(time, ..)| time).filter(|time| *time > 0);
        self.quote.price = last.map(|(_, price, _)| price);
        self.quote.size = last.and_then(|(.., size)| size);
        (self.quote.high, self.quote.low, self.quote.volume) = (high, low, volume);
    }

    pub(super) fn trade(&mut self, time: Millis, trade: &Trade) -> Counted {
        if trade.id.is_some() && !self.numbered {
            self.numbered = true;
            self.before = self.figures;
            if let Some(open) = &mut self.open_bar {
                open.before = open.roll.clone();
            }
        }
        let counted = self.roll(time, trade);
        self.figures.add(time, trade);
        if self.numbered {
            self.remember(time, trade);
        }
        counted
    }

    pub(super) fn remember(&mut self, time: Millis, trade: &Trade) {
        self.recent.push_back(Recent {
            count: self.count,
            time,
            trade: *trade,
        });
        self.count += 1;
        if self.recent.len() > MAX_RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// Keeps a trade from now on as part of the sums only.
    fn forget(&mut self, recent: &Recent) {
        self.before.add_last(recent.time, &recent.trade);
        if recent.count >= self.summed {
            self.before.add_sums(&recent.trade);
        }
        if let Some(open) = &mut self.open_bar
            && recent.is_in(open)
        {
            open.before.add(recent.time, &recent.trade);
        }
    }

    pub(super) fn roll(&mut self, time: Millis, trade: &Trade) -> Counted {
        let start = minute(time);
        let mut closed = None;
        match &self.open_bar {
            Some(open) if open.start == start => {}
            Some(open) if open.start > start => return Counted::Late,
            _ if start < self.closed_until => return Counted::Late,
            _ => {
                closed = self.close();
                self.open_bar = Some(OpenBar {
                    start,
                    roll: Roll::new(),
                    before: Roll::new(),
                });
            }
        }
        if let Some(open) = &mut self.open_bar {
            open.roll.add(time, trade);
        }
        Counted::Open(closed)
    }

    pub(super) fn correct(&mut self, correction: &Correction) -> CorrectionOutcome {
        // From the newest on: a number may repeat after a source has begun anew.
        let place = self
            .recent
            .iter()
            .rposition(|recent| recent.trade.id == Some(correction.trade));
        let Some(place) = place else {
            return CorrectionOutcome::Unknown;
        };
        let open = self.open_bar.as_ref();
        let is_open = open.is_some_and(|open| self.recent[place].is_in(open));
        match correction.right {
            Some(right) => self.recent[place].trade = right,
            None => {
                self.recent.remove(place);
            }
        }
        self.figures = self.before;
        for recent in &self.recent {
            self.figures.add_last(recent.time, &recent.trade);
            if recent.count >= self.summed {
                self.figures.add_sums(&recent.trade);
            }
        }
        if let Some(open) = self.open_bar.as_mut().filter(|_| is_open) {
            open.roll = open.before.clone();
            for recent in &self.recent {
                if recent.is_in(open) {
                    open.roll.add(recent.time, &recent.trade);
                }
            }
        }
        self.quote.time = self.quote.time.max(correction.time);
        self.show();
        if is_open {
            CorrectionOutcome::Whole(self.quote.clone())
        } else {
            CorrectionOutcome::Quote(self.quote.clone())
        }
    }

    pub(super) fn close(&mut self) -> Option<Minute> {
        let open = self.open_bar.take()?;
        self.closed_until = open.start + Bar::INTERVAL;
        Some(Minute {
            symbol: self.quote.symbol,
            start: open.start,
            sums: open.roll.into_sums(),
        })
    }
}

/// The first millisecond of the minute.
pub(super) fn minute(time: Millis) -> Millis {
    time - time % Bar::INTERVAL
}

impl Recent {
    fn is_in(&self, open: &OpenBar) -> bool {
        // A late trade is of an earlier minute than any bar that opens after it.
        minute(self.time) == open.start
    }
}
