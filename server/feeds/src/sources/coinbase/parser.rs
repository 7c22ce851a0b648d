use std::{borrow::Cow, collections::HashMap};

use market::{Clock, Day, Millis, Price, Symbol, Tick, Trade};
use serde::Deserialize;

use crate::{
    FrameError,
    kit::{
        exact,
        fields::{self, Content, Field, Fields},
        numbers::{Number, Numbers},
    },
};

/// Parses frames that carry ticks.
#[derive(Debug, Default)]
pub struct Parser {
    // The newest sequence number of each product, with its time: older messages are to be ignored, according to the
    // source.
    pub(super) sequences: HashMap<Symbol, (u64, Millis)>,
    // The trades of each product. They outlive the connection: the next one begins with the last trade again.
    pub(super) trades: Numbers,
    // Whether the last message had a trade of just now: the first one of a product has its last trade, however old.
    pub(super) is_news: bool,
    // How many trades had a number that another one had before, since this was last taken.
    pub(super) again: u32,
}

#[derive(Deserialize)]
pub(super) struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Ticker<'a> {
    sequence: Option<u64>,
    product_id: Symbol,
    #[serde(borrow, default)]
    price: Field<'a>,
    #[serde(borrow, default)]
    last_size: Field<'a>,
    #[serde(borrow, default)]
    open_24h: Field<'a>,
    #[serde(borrow, default)]
    high_24h: Field<'a>,
    #[serde(borrow, default)]
    low_24h: Field<'a>,
    #[serde(borrow, default)]
    volume_24h: Field<'a>,
    #[serde(borrow, default)]
    best_bid: Field<'a>,
    #[serde(borrow, default)]
    best_bid_size: Field<'a>,
    #[serde(borrow, default)]
    best_ask: Field<'a>,
    #[serde(borrow, default)]
    best_ask_size: Field<'a>,
    trade_id: Option<u64>,
    #[serde(borrow, default)]
    time: Field<'a>,
}

impl Ticker<'_> {
    /// The last trade. A product that was never traded has a price of zero and no number of a trade.
    fn trade(&self, text: &str) -> Result<Option<Trade>, FrameError> {
        let nothing_yet = match self.price.content() {
            Content::Missing | Content::Empty => true,
            Content::Text(price) => exact::read::<Price>(&price) == Ok(Price::ZERO),
        };
        if self.trade_id.is_none() && nothing_yet {
            return Ok(None);
        }
        let price = fields::traded("price", self.price, text)?;
        let size = fields::quantity("last_size", self.last_size, text)?;
        let trade = Trade::new(price, size);
        Ok(Some(self.trade_id.map_or(trade, |id| trade.with_id(id))))
    }
}

impl Parser {
    /// A parser at the beginning of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another connection begins.
    pub(super) fn begin(&mut self) {
        self.sequences.clear();
    }

    /// The number of a product's newest trade.
    pub(super) fn newest_trade(&self, product: Symbol) -> u64 {
        self.trades.newest(product).unwrap_or_default()
    }

    /// Parses a frame; `None` for one of another type, or one that is older than an earlier one. Invalid optional
    /// fields go to `faults`.
    ///
    /// # Errors
    /// If the frame is not JSON, or not valid for its type.
    pub fn parse(
        &mut self,
        text: &str,
        received: Millis,
        faults: &mut Vec<FrameError>,
    ) -> Result<Option<Tick>, FrameError> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let typed: Typed<'_> = serde_json::from_str(text).map_err(error)?;
        match typed.kind.as_deref() {
            Some("ticker") => self.ticker(text, received, faults),
            _ => Ok(None),
        }
    }

    /// Parses a `ticker`; `None` for one that is older than an earlier one. An invalid trade in it leaves the best
    /// prices and the day's figures unaffected.
    pub(super) fn ticker(
        &mut self,
        text: &str,
        received: Millis,
        faults: &mut Vec<FrameError>,
    ) -> Result<Option<Tick>, FrameError> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let ticker: Ticker<'_> = serde_json::from_str(text).map_err(error)?;
        let product = ticker.product_id;
        let (time, clock) = fields::moment(ticker.time, received, text)?;
        let Some(is_first) = self.is_in_order(product, ticker.sequence, time) else {
            return Ok(None);
        };
        let mut tick = Tick::new(product, time, clock);
        match ticker.trade(text) {
            Ok(Some(trade)) => tick.trade = self.take(product, time, trade, is_first),
            Ok(None) => {}
            Err(error) => faults.push(error),
        }
        self.is_news = !is_first && tick.trade.is_some() && clock == Clock::Exchange;
        let mut fields = Fields::new(text, faults);
        tick.bid = fields.side(
            ("best_bid", ticker.best_bid),
            ("best_bid_size", ticker.best_bid_size),
        );
        tick.ask = fields.side(
            ("best_ask", ticker.best_ask),
            ("best_ask_size", ticker.best_ask_size),
        );
        // The day rolls: it began with the price that changes are counted from.
        let open = fields.price("open_24h", ticker.open_24h);
        tick.day = Day {
            volume: fields.size("volume_24h", ticker.volume_24h),
            high: fields.price("high_24h", ticker.high_24h),
            low: fields.price("low_24h", ticker.low_24h),
            open,
            prev_close: open,
        };
        Ok(Some(tick))
    }

    /// Whether a message is newer than those before it, and if so whether it is the first of its product. A smaller
    /// number at a later time means that the source has restarted its numbers.
    fn is_in_order(
        &mut self,
        product: Symbol,
        sequence: Option<u64>,
        time: Millis,
    ) -> Option<bool> {
        let Some(sequence) = sequence else {
            return Some(!self.sequences.contains_key(&product));
        };
        let before = self.sequences.get(&product).copied();
        if let Some((newest, latest)) = before
            && sequence <= newest
        {
            if time <= latest {
                return None;
            }
            self.again += 1;
        }
        let latest = before.map_or(time, |(_, latest)| latest.max(time));
        self.sequences.insert(product, (sequence, latest));
        Some(before.is_none())
    }

    /// The trade, unless it is a duplicate. The first of a connection is the newest that there is: a number below the
    /// previous one shows that the source has restarted its numbers.
    pub(super) fn take(
        &mut self,
        product: Symbol,
        time: Millis,
        mut trade: Trade,
        is_first: bool,
    ) -> Option<Trade> {
        if is_first && trade.id < self.trades.newest(product) {
            self.trades.restart(product);
        }
        match self.trades.take(product, time, &mut trade, is_first) {
            // The source folds cascading trades into one message, so that numbers are skipped.
            Number::Next | Number::AfterGap | Number::Missed => Some(trade),
            Number::Again => {
                self.again += 1;
                Some(trade)
            }
            Number::Known => None,
        }
    }
}
