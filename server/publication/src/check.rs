//! Checks that the values of an event make sense. It has been parsed before.

use market::{
    Action, Bar, Event, Link, Millis, News, Price, Quote, RegularHours, Session, Size, TimeUnit,
};

use clock::{MAX_AHEAD, MAX_DAY_AHEAD};

/// The longest texts, in characters.
const MAX_ID: usize = 200;
const MAX_HEADLINE: usize = 500;
const MAX_SUMMARY: usize = 4_000;
const MAX_URL: usize = 2_000;
const MAX_NAME: usize = 200;
const MAX_SOURCE: usize = 100;
const MAX_CODE: usize = 40;

/// The most symbols of one story.
const MAX_STORY_SYMBOLS: usize = 50;

/// An error in an event: the field of its data, and what was expected of it.
pub(crate) type Wrong = (&'static str, String);

/// All errors in an event, at the time `now`.
pub fn check(event: &Event, now: Millis) -> Vec<Wrong> {
    let mut checks = Checks {
        now,
        wrong: Vec::new(),
    };
    match event {
        Event::Quote(quote) => checks.quote(quote),
        Event::Session(session) => checks.session(session),
        Event::Bar(bar) => checks.bar(bar),
        Event::News(news) => checks.news(news),
        Event::Snapshot(_) | Event::Heartbeat(_) => {}
    }
    checks.wrong
}

struct Checks {
    now: Millis,
    wrong: Vec<Wrong>,
}

impl Checks {
    fn quote(&mut self, quote: &Quote) {
        self.time("time", quote.time, MAX_AHEAD);
        if let Some(traded) = quote.traded {
            self.time("traded", traded, MAX_AHEAD);
        }
        let prices = [
            ("price", quote.price),
            ("bid", quote.bid),
            ("ask", quote.ask),
            ("high", quote.high),
            ("low", quote.low),
        ];
        for (field, price) in prices {
            self.price(field, price);
        }
        let sizes = [
            ("size", quote.size),
            ("bid_size", quote.bid_size),
            ("ask_size", quote.ask_size),
            ("volume", quote.volume),
        ];
        for (field, size) in sizes {
            self.size(field, size);
        }
        if let Some(day) = &quote.close_of {
            let day: String = day.chars().take(MAX_CODE).collect();
            self.report(
                "close_of",
                format!("close_of is {day:?}: expected none, because it marks the last close of a symbol that nothing quotes"),
            );
        }
        if let (Some(high), Some(low)) = (quote.high, quote.low)
            && high < low
        {
            self.report("high", format!("{high} is below the low {low}"));
        }
        if (quote.price, quote.bid, quote.ask) == (None, None, None) {
            self.report(
                "price",
                "a quote without a price: expected price, bid or ask; a quote is the whole state of its symbol"
                    .to_owned(),
            );
        }
    }

    fn session(&mut self, session: &Session) {
        self.text("name", &session.name, 1, MAX_NAME);
        self.text("source", &session.source, 1, MAX_SOURCE);
        self.option("currency", session.currency.as_deref(), MAX_CODE);
        self.option("venue", session.venue.as_deref(), MAX_SOURCE);
        self.option("halt_code", session.halt_code.as_deref(), MAX_CODE);
        if let Some(RegularHours { open, close }) = session.hours {
            // The next session may be weeks ahead, and is within this century.
            self.unit("hours/open", open);
            self.unit("hours/close", close);
            if close <= open {
                self.report(
                    "hours",
                    format!("the close {close} is not after the open {open}"),
                );
            }
        }
        self.price("open", session.open);
        self.price("prev_close", session.prev_close);
        self.price("tick", session.tick);
    }

    fn bar(&mut self, bar: &Bar) {
        self.time("start", bar.start, MAX_AHEAD);
        if TimeUnit::of(bar.start) == Some(TimeUnit::Millis)
            && !bar.start.is_multiple_of(Bar::INTERVAL)
        {
            let minute = bar.start - bar.start % Bar::INTERVAL;
            self.report(
                "start",
                format!(
                    "{} is no whole minute: expected its first millisecond, {minute}",
                    bar.start
                ),
            );
        }
        let prices = [
            ("open", bar.open),
            ("high", bar.high),
            ("low", bar.low),
            ("close", bar.close),
        ];
        for (field, price) in prices {
            self.price(field, Some(price));
        }
        self.price("vwap", bar.vwap);
        self.size("volume", Some(bar.volume));
        for (field, price) in prices {
            if price > bar.high {
                let high = bar.high;
                self.report("high", format!("{high} is below the {field} {price}"));
            } else if price < bar.low {
                let low = bar.low;
                self.report("low", format!("{low} is above the {field} {price}"));
            }
        }
    }

    fn news(&mut self, news: &News) {
        self.text("id", &news.id, 1, MAX_ID);
        // A withdrawn story needs no words.
        let least = usize::from(news.action != Action::Deleted);
        self.text("headline", &news.headline, least, MAX_HEADLINE);
        self.text("source", &news.source, 1, MAX_SOURCE);
        self.option("summary", news.summary.as_deref(), MAX_SUMMARY);
        self.option("url", news.url.as_ref().map(Link::as_str), MAX_URL);
        self.option("form", news.form.as_deref(), MAX_CODE);
        self.option("accession", news.accession.as_deref(), MAX_CODE);
        self.option("code", news.code.as_deref(), MAX_CODE);
        self.time("published", news.published, MAX_DAY_AHEAD);
        let symbols = news.symbols.len();
        if symbols > MAX_STORY_SYMBOLS {
            self.report(
                "symbols",
                format!("{symbols} symbols: expected at most {MAX_STORY_SYMBOLS}"),
            );
        }
    }

    /// A quote further ahead would hold back every other quote until that time.
    fn time(&mut self, field: &'static str, time: Millis, most: Millis) {
        if self.unit(field, time) && time.saturating_sub(self.now) > most {
            let now = self.now;
            let seconds = most / 1_000;
            self.report(
                field,
                format!(
                    "{time} is more than {seconds} seconds ahead: expected ms since the epoch, at most {} as it is {now} now",
                    now.saturating_add(most)
                ),
            );
        }
    }

    /// Whether a time is in milliseconds, by its magnitude.
    fn unit(&mut self, field: &'static str, time: Millis) -> bool {
        let expected = "expected milliseconds since 1970, from March 3, 1973 on";
        match TimeUnit::of(time) {
            Some(TimeUnit::Millis) => return true,
            Some(unit) => match unit.millis(time.into()) {
                Some(millis) => self.report(
                    field,
                    format!(
                        "{time} looks like {}: {expected}, as in {millis}",
                        unit.name()
                    ),
                ),
                None => self.report(field, format!("{time} is not a time: {expected}")),
            },
            None => self.report(field, format!("{time} is not a time: {expected}")),
        }
        false
    }

    fn price(&mut self, field: &'static str, price: Option<Price>) {
        if let Some(price) = price.filter(|price| *price <= Price::ZERO) {
            self.report(
                field,
                format!(
                    "{price} is no price: expected more than 0, or no such field where there is none yet"
                ),
            );
        }
    }

    fn size(&mut self, field: &'static str, size: Option<Size>) {
        if let Some(size) = size.filter(|size| *size < Size::ZERO) {
            self.report(field, format!("{size} is no size: expected 0 or more"));
        }
    }

    fn option(&mut self, field: &'static str, text: Option<&str>, most: usize) {
        if let Some(text) = text {
            self.text(field, text, 0, most);
        }
    }

    /// `least` is 0, or 1 for a text that must not be empty.
    fn text(&mut self, field: &'static str, text: &str, least: usize, most: usize) {
        if least > 0 && text.trim().is_empty() {
            let expected = format!("{text:?} is blank: expected 1 to {most} characters");
            self.report(field, expected);
        }
        // No text has more characters than bytes.
        if text.len() > most {
            let length = text.chars().count();
            if length > most {
                let start: String = text.chars().take(32).collect();
                self.report(
                    field,
                    format!("{start:?}… has {length} characters: expected at most {most}"),
                );
            }
        }
    }

    fn report(&mut self, field: &'static str, expected: String) {
        self.wrong.push((field, expected));
    }
}

#[cfg(test)]
mod tests;
