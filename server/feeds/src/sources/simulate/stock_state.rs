//! The state of one stock of the simulated market.

use market::{
    Best, Clock, Millis, NewsType, Price, Quality, Session, Size, Symbol, Tick, Trade, TradingState,
};
use rust_decimal::Decimal;

use crate::sources::simulate::{
    random::Random,
    stocks::{Sector, Stock},
    stories::{self, SOURCE},
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) stock: &'static Stock,
    pub(super) symbol: Symbol,
    /// Its fair value, in cents.
    pub(super) value: f64,
    /// The last trade, in cents.
    pub(super) last: i64,
    pub(super) open: i64,
    pub(super) prev_close: i64,
    /// When its value was computed, and the factors at that time.
    pub(super) seen: Millis,
    pub(super) seen_factors: [f64; 2],
    /// The rest of the move from its stories.
    pub(super) pull: f64,
    /// Until when it attracts attention.
    pub(super) busy_until: Millis,
    pub(super) halt: Option<Halt>,
    /// The types of stories that it has had in this session and has only once.
    pub(super) happened: Vec<NewsType>,
}

#[derive(Debug)]
pub(super) struct Halt {
    /// When the news is published; `None` once it is.
    pub(super) release: Option<Millis>,
    pub(super) resume: Millis,
}

/// Six and a half hours.
pub(super) const SESSION: Millis = 23_400_000;

/// The time in which a story moves a price by about two thirds of its effect.
pub(super) const DIGESTION: f64 = 7_000.0;

pub(super) const ATTENTION_RATE: f64 = 5.0;

pub(super) const ATTENTION_NOISE: f64 = 1.6;

pub(super) fn cents(cents: i64) -> Price {
    Decimal::new(cents, 2).into()
}

/// A price above nothing in whole cents.
pub(super) fn in_cents(price: Option<Price>) -> Option<i64> {
    let cents = price?.decimal().checked_mul(Decimal::ONE_HUNDRED)?;
    i64::try_from(cents.round()).ok().filter(|cents| *cents > 0)
}

pub(super) fn shares(shares: u32) -> Size {
    Decimal::from(shares).into()
}

impl State {
    pub(super) fn new(stock: &'static Stock, time: Millis) -> Option<Self> {
        let close = i64::from(stock.close);
        Some(State {
            stock,
            symbol: stories::symbol(stock)?,
            value: f64::from(stock.close),
            last: close,
            open: close,
            prev_close: close,
            seen: time,
            seen_factors: [0.0; 2],
            pull: 0.0,
            busy_until: 0,
            halt: None,
            happened: Vec::new(),
        })
    }

    pub(super) fn busy(&self, time: Millis) -> bool {
        time < self.busy_until
    }

    /// How often it is quoted, in relation to the others.
    pub(super) fn weight(&self, time: Millis) -> f64 {
        match (&self.halt, self.busy(time)) {
            (Some(_), _) => 0.0,
            (None, true) => self.stock.activity.max(1.0) * ATTENTION_RATE,
            (None, false) => self.stock.activity,
        }
    }

    pub(super) fn revalue(
        &mut self,
        time: Millis,
        factors: &[f64; 1 + Sector::COUNT],
        nervous: f64,
        random: &mut Random,
    ) {
        let waited = (time - self.seen) as f64;
        let now = [factors[0], factors[1 + self.stock.sector as usize]];
        let noise = if self.busy(time) {
            ATTENTION_NOISE
        } else {
            1.0
        };
        let own = self.stock.volatility
            * noise
            * nervous
            * (waited / SESSION as f64).sqrt()
            * random.heavy();
        // At least a second's worth, so that the first quote after a story shows its effect.
        let digested = self.pull * (1.0 - (-waited.max(1_000.0) / DIGESTION).exp());
        let moved = self.stock.beta * (now[0] - self.seen_factors[0])
            + (now[1] - self.seen_factors[1])
            + own
            + digested;
        self.pull -= digested;
        self.value = (self.value * moved.exp()).max(100.0);
        self.seen = time;
        self.seen_factors = now;
    }

    /// New best prices around the value, and about every other time a trade at one of them.
    pub(super) fn tick(&mut self, time: Millis, random: &mut Random) -> Tick {
        let width = self.value
            * random.between(0.000_04, 0.000_16)
            * if self.busy(time) { 2.0 } else { 1.0 };
        let spread = (width.round() as i64).max(1);
        let bid = (self.value - spread as f64 / 2.0).round() as i64;
        let ask = bid + spread;
        let mut tick = Tick::new(self.symbol, time, Clock::Exchange);
        tick.bid = best(bid, random);
        tick.ask = best(ask, random);
        if random.chance(0.55) {
            let inside = spread > 1 && random.chance(0.2);
            self.last = match (inside, random.chance(0.5)) {
                (true, _) => bid + spread / 2,
                (false, true) => ask,
                (false, false) => bid,
            };
            let size = if random.chance(0.25) {
                random.whole(1, 99)
            } else {
                100 * random.geometric(0.6, 40)
            };
            tick.trade = Some(Trade::new(cents(self.last), Some(shares(size))));
        }
        tick
    }

    /// A trade in an auction, with best prices around it.
    pub(super) fn trade(
        &mut self,
        time: Millis,
        price: i64,
        size: u32,
        random: &mut Random,
    ) -> Tick {
        self.last = price;
        let mut tick = Tick::new(self.symbol, time, Clock::Exchange);
        tick.bid = best(price - 1, random);
        tick.ask = best(price + 1, random);
        tick.trade = Some(Trade::new(cents(price), Some(shares(size))));
        tick
    }

    pub(super) fn session(&self) -> Session {
        Session {
            symbol: self.symbol,
            name: self.stock.name.to_owned(),
            currency: Some("USD".to_owned()),
            venue: Some(self.stock.venue.to_owned()),
            source: SOURCE.to_owned(),
            quality: Quality::Simulated,
            state: if self.halt.is_some() {
                TradingState::Halted
            } else {
                TradingState::Open
            },
            halt_code: self.halt.as_ref().map(|_| "T1".to_owned()),
            hours: None,
            open: Some(cents(self.open)),
            prev_close: Some(cents(self.prev_close)),
            tick: Some(cents(1)),
        }
    }
}

pub(super) fn best(price: i64, random: &mut Random) -> Best {
    Best::At {
        price: cents(price),
        size: Some(shares(100 * random.geometric(0.7, 30))),
    }
}
