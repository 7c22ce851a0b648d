//! What an event must be for its meaning to make sense. Its form has been read before.

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

/// The most symbols that one story may speak of.
const MAX_STORY_SYMBOLS: usize = 50;

/// What is wrong with an event: the field of its data, and what was expected of it.
pub(crate) type Wrong = (&'static str, String);

/// Everything that is wrong with an event, at the time `now`.
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
            self.say(
                "close_of",
                format!("close_of is {day:?}: expected none, because it marks the last close of a symbol that nothing quotes"),
            );
        }
        if let (Some(high), Some(low)) = (quote.high, quote.low)
            && high < low
        {
            self.say("high", format!("{high} is below the low {low}"));
        }
        if (quote.price, quote.bid, quote.ask) == (None, None, None) {
            self.say(
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
            // The next session may be weeks ahead, and is one of this century.
            self.unit("hours/open", open);
            self.unit("hours/close", close);
            if close <= open {
                self.say(
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
            self.say(
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
                self.say("high", format!("{high} is below the {field} {price}"));
            } else if price < bar.low {
                let low = bar.low;
                self.say("low", format!("{low} is above the {field} {price}"));
            }
        }
    }

    fn news(&mut self, news: &News) {
        self.text("id", &news.id, 1, MAX_ID);
        // A story that is withdrawn needs no words.
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
            self.say(
                "symbols",
                format!("{symbols} symbols: expected at most {MAX_STORY_SYMBOLS}"),
            );
        }
    }

    /// One of a quote that is further ahead would hold back every other quote until it comes.
    fn time(&mut self, field: &'static str, time: Millis, most: Millis) {
        if self.unit(field, time) && time.saturating_sub(self.now) > most {
            let now = self.now;
            let seconds = most / 1_000;
            self.say(
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
                Some(millis) => self.say(
                    field,
                    format!(
                        "{time} looks like {}: {expected}, as in {millis}",
                        unit.name()
                    ),
                ),
                None => self.say(field, format!("{time} is not a time: {expected}")),
            },
            None => self.say(field, format!("{time} is not a time: {expected}")),
        }
        false
    }

    fn price(&mut self, field: &'static str, price: Option<Price>) {
        if let Some(price) = price.filter(|price| *price <= Price::ZERO) {
            self.say(
                field,
                format!(
                    "{price} is no price: expected more than 0, or no such field where there is none yet"
                ),
            );
        }
    }

    fn size(&mut self, field: &'static str, size: Option<Size>) {
        if let Some(size) = size.filter(|size| *size < Size::ZERO) {
            self.say(field, format!("{size} is no size: expected 0 or more"));
        }
    }

    fn option(&mut self, field: &'static str, text: Option<&str>, most: usize) {
        if let Some(text) = text {
            self.text(field, text, 0, most);
        }
    }

    /// `least` is 0, or 1 for a text that must say something.
    fn text(&mut self, field: &'static str, text: &str, least: usize, most: usize) {
        if least > 0 && text.trim().is_empty() {
            let expected = format!("{text:?} says nothing: expected 1 to {most} characters");
            self.say(field, expected);
        }
        // No text has more characters than bytes.
        if text.len() > most {
            let length = text.chars().count();
            if length > most {
                let start: String = text.chars().take(32).collect();
                self.say(
                    field,
                    format!("{start:?}… has {length} characters: expected at most {most}"),
                );
            }
        }
    }

    fn say(&mut self, field: &'static str, expected: String) {
        self.wrong.push((field, expected));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_790_000_000_000;

    const QUOTE: &str = r#"{"symbol":"GOOG","time":1789999999999,"price":"597.32","size":"0","high":"600","low":"600","volume":"0"}"#;
    const SESSION: &str = r#"{"symbol":"GOOG","name":"Alphabet","source":"desk","quality":"live","state":"open","tick":"0.01"}"#;
    const BAR: &str = r#"{"symbol":"GOOG","start":1789999980000,"open":"2","high":"3","low":"1","close":"2","volume":"0","trades":0}"#;
    const NEWS: &str = r#"{"id":"desk:1","type":"headline","basis":"native","headline":"h","source":"desk","published":1790000000000}"#;

    fn fields(name: &str, data: &str) -> Vec<&'static str> {
        let event = Event::decode(name, data).unwrap();
        let wrong = check(&event, NOW);
        wrong.into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_makes_sense_passes() {
        for (name, data) in [
            ("message", QUOTE),
            ("session", SESSION),
            ("bar", BAR),
            ("news", NEWS),
        ] {
            assert_eq!(fields(name, data), [""; 0], "{data}");
        }
        let withdrawn = NEWS.replace(r#""headline":"h""#, r#""headline":"","action":"deleted""#);
        assert_eq!(fields("news", &withdrawn), [""; 0]);
        let soon = QUOTE.replace("1789999999999", &(NOW + MAX_AHEAD).to_string());
        assert_eq!(fields("message", &soon), [""; 0]);
        let tomorrow = (NOW + MAX_DAY_AHEAD).to_string();
        let tomorrow = NEWS.replace("1790000000000", &tomorrow);
        assert_eq!(fields("news", &tomorrow), [""; 0]);
        let full = NEWS.replace(r#":"h""#, &format!(":\"{}\"", "é".repeat(MAX_HEADLINE)));
        assert_eq!(fields("news", &full), [""; 0], "limits count characters");
    }

    #[test]
    fn what_makes_none_is_named() {
        let ahead = (NOW + MAX_AHEAD + 1).to_string();
        let days_ahead = (NOW + MAX_DAY_AHEAD + 1).to_string();
        let long = |most: usize| format!(":\"{}\"", "x".repeat(most + 1));
        let symbols = format!(r#""symbols":[{}"A"],"id""#, "\"A\",".repeat(50));
        let summary = format!(r#""summary"{},"id""#, long(MAX_SUMMARY));
        let url = format!(r#""url":"https://a.example/{}","id""#, "x".repeat(MAX_URL));
        for (name, data, from, to, field) in [
            ("message", QUOTE, "597.32", "0", "price"),
            ("message", QUOTE, "597.32", "-1", "price"),
            ("message", QUOTE, r#","price":"597.32""#, "", "price"),
            ("message", QUOTE, r#""size":"0""#, r#""size":"-1""#, "size"),
            (
                "message",
                QUOTE,
                r#""volume":"0""#,
                r#""bid_size":"-0.1""#,
                "bid_size",
            ),
            (
                "message",
                QUOTE,
                r#""low":"600""#,
                r#""low":"600.01""#,
                "high",
            ),
            ("message", QUOTE, "1789999999999", &ahead, "time"),
            ("session", SESSION, "Alphabet", "", "name"),
            ("session", SESSION, "Alphabet", " ", "name"),
            (
                "session",
                SESSION,
                r#":"Alphabet""#,
                &long(MAX_NAME),
                "name",
            ),
            (
                "session",
                SESSION,
                r#":"desk""#,
                &long(MAX_SOURCE),
                "source",
            ),
            ("session", SESSION, "0.01", "0", "tick"),
            (
                "session",
                SESSION,
                r#""name""#,
                r#""hours":{"open":1789999200000,"close":1789999200000},"name""#,
                "hours",
            ),
            ("bar", BAR, "1789999980000", "1789999980001", "start"),
            ("bar", BAR, "1789999980000", "17899999800000", "start"),
            ("bar", BAR, "1789999980000", "1789999980", "start"),
            ("message", QUOTE, "1789999999999", "1789999999", "time"),
            (
                "message",
                QUOTE,
                "1789999999999",
                "1789999999999000",
                "time",
            ),
            ("message", QUOTE, "1789999999999", "5", "time"),
            ("news", NEWS, "1790000000000", "1790000000", "published"),
            (
                "session",
                SESSION,
                r#""name""#,
                r#""hours":{"open":1789999200,"close":1789999200000},"name""#,
                "hours/open",
            ),
            (
                "session",
                SESSION,
                "0.01",
                "0.01\",\"prev_close\":\"0.00",
                "prev_close",
            ),
            ("message", QUOTE, r#""low":"600""#, r#""low":"0""#, "low"),
            ("bar", BAR, r#""open":"2""#, r#""open":"4""#, "high"),
            ("bar", BAR, r#""close":"2""#, r#""close":"0.5""#, "low"),
            ("bar", BAR, r#""volume":"0""#, r#""volume":"-1""#, "volume"),
            ("news", NEWS, "desk:1", "", "id"),
            ("news", NEWS, r#":"desk:1""#, &long(MAX_ID), "id"),
            ("news", NEWS, r#":"h""#, &long(MAX_HEADLINE), "headline"),
            ("news", NEWS, r#":"h""#, r#":"""#, "headline"),
            ("news", NEWS, r#":"desk""#, r#":"""#, "source"),
            ("news", NEWS, "1790000000000", &days_ahead, "published"),
            ("news", NEWS, r#""id""#, &symbols, "symbols"),
            ("news", NEWS, r#""id""#, &summary, "summary"),
            ("news", NEWS, r#""id""#, &url, "url"),
        ] {
            let changed = data.replacen(from, to, 1);
            assert_ne!(changed, data, "{from} is not in it");
            assert_eq!(fields(name, &changed), [field], "{changed}");
        }
    }

    #[test]
    fn a_time_in_another_unit_is_named_with_the_time_that_it_means() {
        let seconds = QUOTE.replace("1789999999999", "1789999999");
        let event = Event::decode("message", &seconds).unwrap();
        let (_, why) = check(&event, NOW).remove(0);
        assert!(
            why.starts_with("1789999999 looks like seconds") && why.contains("1789999999000"),
            "{why}"
        );
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let quote = QUOTE
            .replace("597.32", "-1")
            .replace(r#""volume":"0""#, r#""volume":"-1""#);
        assert_eq!(fields("message", &quote), ["price", "volume"]);
    }
}
