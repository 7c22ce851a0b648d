//! Any address that responds with JSON, polled: prices are selected by JSON Pointers ([RFC
//! 6901](https://www.rfc-editor.org/rfc/rfc6901)).
//!
//! A document has one object of prices, an array of them, or an object whose keys are the symbols. Data that has not
//! changed since the last poll is not published again. Numbers are taken from their digits, whether the source writes
//! them as numbers or as texts.

mod document;
mod options;
mod picked;
mod pointer;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::future::BoxFuture;
use market::{
    Best, Clock, Day, Millis, Price, Quality, Session, Symbol, Tick, Trade, TradeEligibility,
    TradingState,
};
use reqwest::header::{HeaderName, HeaderValue};
use tokio::task::spawn_blocking;

use self::document::{Figures, MAX_SYMBOLS, Row, read};
pub use self::{
    options::{HeaderText, Options, Subject, Unit},
    pointer::Pointer,
};
use crate::kit::time::exchange_time;
use crate::{
    End, Feed, FeedError, Publisher,
    kit::fetch::{self, Fetcher, Page, pause},
};

/// A feed of prices from one address.
#[derive(Debug)]
pub struct Json {
    name: String,
    options: Options,
    timeouts: fetch::Timeouts,
    /// What was published for each symbol.
    published: HashMap<Symbol, Figures>,
    /// How long ago the last poll was.
    wait: Duration,
}

impl Json {
    /// A feed of this address.
    pub fn new(options: Options) -> Self {
        let host = options.url.host_str().unwrap_or_default();
        let name = match &options.feed_name {
            Some(name) => name.clone(),
            None => format!("JSON of {host}"),
        };
        Json {
            name,
            options,
            timeouts: fetch::Timeouts::default(),
            published: HashMap::new(),
            wait: Duration::ZERO,
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: fetch::Timeouts) -> Self {
        Json { timeouts, ..self }
    }

    fn page(&self) -> Result<Page, FeedError> {
        let mut page = Page::new(self.options.url.clone());
        for (name, text) in &self.options.headers {
            let fatal = |why: String| FeedError::Fatal(format!("the header {name}: {why}"));
            let revealed = match text {
                HeaderText::Plain(text) => text.clone(),
                HeaderText::Secret(secret) => secret
                    .read()
                    .map_err(|error| fatal(error.to_string()))?
                    .expose()
                    .to_owned(),
            };
            let parsed: Option<HeaderName> = name.parse().ok();
            let value = HeaderValue::from_str(&revealed).ok();
            let (Some(parsed), Some(mut value)) = (parsed, value) else {
                return Err(fatal("it has characters that none may have".to_owned()));
            };
            value.set_sensitive(true);
            page = page.with_header(parsed, value);
        }
        Ok(page)
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let interval = self.options.interval;
        let fetcher = Fetcher::new(&self.options.user_agent, self.timeouts)?.of(publisher);
        let mut page = self.page()?;
        let place = fetch::place(&self.options.url);
        let later = |why: String| FeedError::Later {
            why: format!("{place}: {why}"),
            wait: interval,
        };
        loop {
            let answer = fetcher
                .get(&mut page)
                .await
                .map_err(|error| error.paced(interval))?;
            publisher.record_receipt();
            if let Some(document) = answer.document {
                let options = self.options.clone();
                let read = spawn_blocking(move || read(&document.body, &options));
                let rows = read
                    .await
                    .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
                    .map_err(later)?;
                let read = self.publish_all(rows, publisher);
                if let Err(why) = read {
                    return Err(later(why));
                }
            }
            publisher.live();
            let wait = pause(interval, answer.fresh);
            self.wait = wait;
            // It is not silent in between.
            publisher.expect_every(wait);
            publisher.rest(wait).await;
        }
    }
}

impl Json {
    /// Publishes the rows of a document. Of several rows of one symbol the first one counts, even if it is invalid: the
    /// next one is about something else.
    ///
    /// # Errors
    /// If none is valid, with the error of the last one.
    fn publish_all(&mut self, rows: Vec<Row>, publisher: &Publisher) -> Result<(), String> {
        let mut seen = HashSet::new();
        let (mut is_any, mut last) = (false, None);
        for row in rows {
            let is_known = row
                .symbol
                .is_none_or(|symbol| self.published.contains_key(&symbol));
            let figures = match row.symbol {
                Some(symbol) if !seen.insert(symbol) => Err(format!(
                    "{symbol} stands there twice: the first row counts, and not {}",
                    row.start
                )),
                _ if !is_known && self.published.len() >= MAX_SYMBOLS => Err(format!(
                    "{} is too many: expected at most {MAX_SYMBOLS} symbols",
                    row.start
                )),
                _ => row.figures,
            };
            for why in row.faults {
                publisher.wrong(&why);
            }
            match (row.symbol, figures) {
                (Some(symbol), Ok(figures)) => {
                    is_any = true;
                    self.publish(symbol, row.name, figures, publisher);
                }
                (_, Err(why)) => {
                    publisher.wrong(&why);
                    last = Some(why);
                }
                (None, Ok(_)) => {}
            }
        }
        match last {
            Some(why) if !is_any => Err(why),
            _ => Ok(()),
        }
    }

    /// Publishes what has changed.
    fn publish(
        &mut self,
        symbol: Symbol,
        name: Option<String>,
        figures: Figures,
        publisher: &Publisher,
    ) {
        let options = &self.options;
        let before = self.published.get(&symbol);
        if before.is_none() {
            publisher.session(Session {
                symbol,
                name: name.unwrap_or_else(|| symbol.to_string()),
                currency: options.currency.clone(),
                venue: options.venue.clone(),
                source: self.name.clone(),
                quality: options.quality,
                state: TradingState::Open,
                halt_code: None,
                hours: None,
                open: figures.open,
                prev_close: figures.prev_close,
                tick: None,
            });
        }
        let changed =
            |figure: fn(&Figures) -> Option<Price>| before.and_then(figure) != figure(&figures);
        if before.is_some_and(|before| before.is_as(&figures)) {
            publisher.ignore();
            return;
        }
        let now = publisher.now();
        let believed = figures
            .time
            .map(|time| exchange_time(time, now, &self.name));
        let (time, clock) = match believed {
            Some(Ok(time)) => (time, Clock::Exchange),
            Some(Err(error)) => {
                publisher.wrong(&error);
                (now, Clock::Receipt)
            }
            None => (now, Clock::Receipt),
        };
        // A figure that has changed since the last poll is at most as old as that.
        let is_news = before.is_some() && clock == Clock::Exchange;
        match options.quality {
            Quality::Live if is_news => {
                publisher.clock_behind(time, Millis::try_from(self.wait.as_millis()).unwrap_or(0));
            }
            _ => {}
        }
        let mut tick = Tick::new(symbol, time, clock);
        let is_traded = changed(|figures| figures.price)
            || before.is_none_or(|before| before.size != figures.size);
        if let Some(price) = figures.price.filter(|_| is_traded) {
            tick.trade = Some(Trade {
                // One of all the trades between two polls is visible, which is no volume.
                moves: TradeEligibility {
                    volume: false,
                    ..TradeEligibility::ALL
                },
                ..Trade::new(price, figures.size)
            });
        }
        let side = |price: Option<Price>, size| match price {
            Some(price) => Best::At { price, size },
            None => Best::Empty,
        };
        tick.bid = side(figures.bid, figures.bid_size);
        tick.ask = side(figures.ask, figures.ask_size);
        tick.day = Day {
            volume: figures.volume,
            high: figures.high,
            low: figures.low,
            open: figures.open,
            prev_close: figures.prev_close,
        };
        self.published.insert(symbol, figures);
        publisher.tick(&tick);
    }
}

impl Feed for Json {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

#[cfg(test)]
mod tests;
