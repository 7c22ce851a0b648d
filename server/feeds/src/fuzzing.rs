//! The parts of the targets under `server/fuzz` that drive feeds. Each feed runs as in the server; the bytes take the
//! place of its source, as a recording does.

use std::{borrow::Cow, sync::Arc, time::Duration};

use market::{Bar, Event, Millis, Price, Size, TimeUnit};
use rust_decimal::Decimal;
use tape::Limits;
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::sleep,
};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, header};
use toml::{Table, Value};

use crate::{
    End, FeedContext, FeedSpec, Publisher,
    kit::{
        conditions::{self, Scope},
        exact, fetch, headline, markup,
        recording::{self, Line},
        retry_after,
        wire::Played,
    },
    registry::{FUZZED, recorded_spec},
    sources::{foreign, sec, stdin},
};
use events::{Cursor, Tape, Topic, testing::through};

const NOW: Millis = 1_790_000_000_000;

const TOPICS: [Topic; 2] = [Topic::Symbols, Topic::AllNews];

/// The most lines that one input plays.
const MAX_LINES: usize = 200;

/// The separator of the documents of one input, ASCII's record separator.
const SEPARATOR: u8 = 0x1E;

thread_local! {
    /// Its clock advances as soon as nothing else runs, so that no pause takes time.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
}

/// A publisher, with a tape without limits.
fn publisher(tape: &Tape) -> Publisher {
    Publisher::new(FeedContext::new(tape.clone(), Arc::new(|| NOW)), "Fuzzed")
}

fn tape() -> Tape {
    let limits = Limits {
        entries: 100_000,
        bytes: 1 << 26,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    Tape::new(NOW, 0, limits)
}

/// Lets a feed receive these lines, and checks what it publishes.
fn play(feed: FeedSpec, lines: Vec<Line<'static>>) {
    let tape = tape();
    let cursor = tape.subscribe(&TOPICS);
    let latest = lines.iter().map(|line| line.at / 1_000_000).max();
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let publisher = publisher(&tape);
            let (sender, due) = mpsc::channel(1);
            // One after the other, so that the feed can work in between.
            let receiving = async move {
                for line in lines {
                    sleep(Duration::from_millis(1)).await;
                    if sender.send(line).await.is_err() {
                        break;
                    }
                }
            };
            let played = Arc::new(Played::new(due));
            publisher.play(Arc::clone(&played));
            let Some(mut feed) = feed.build(0) else {
                return;
            };
            let playing = async {
                loop {
                    let taken = played.taken();
                    match feed.run(&publisher).await {
                        Ok(End::Renew) => {}
                        Err(_) if played.taken() > taken => {}
                        Ok(End::Finished) | Err(_) => return,
                    }
                }
            };
            let over = async {
                receiving.await;
                played.over().await;
                sleep(Duration::from_millis(100)).await;
            };
            tokio::select! {
                () = playing => {}
                () = over => {}
            }
        });
    });
    check(cursor, latest.unwrap_or(NOW));
}

/// Everything published can be parsed as it was written, and satisfies the rules of publications.
fn check(mut cursor: Cursor, now: Millis) {
    let mut read = Vec::new();
    cursor
        .read(NOW, usize::MAX, &mut read)
        .expect("a tape that is long enough");
    through(read.len());
    for delivery in read {
        let mut event = Event::clone(&delivery.payload.event);
        let again = Event::decode(event.name(), &event.data());
        assert_eq!(again.as_ref(), Ok(&event));
        // Unlike a publisher, a feed may publish trades that move the volume and no price, and a day's figures as its
        // source has them.
        if let Event::Quote(quote) = &mut event {
            if (quote.bid, quote.ask) == (None, None) {
                quote.price = quote.price.or(Some(Decimal::ONE.into()));
            }
            if quote.high.is_some_and(|high| quote.low > Some(high)) {
                quote.low = quote.high;
            }
        }
        // A date in words may be one of the first years, which no publisher can write.
        let early = |time: &mut Millis| {
            if TimeUnit::of(*time).is_none() {
                *time = now - now % Bar::INTERVAL;
            }
        };
        match &mut event {
            Event::Quote(quote) => {
                early(&mut quote.time);
                quote.traded.iter_mut().for_each(early);
            }
            Event::Bar(bar) => early(&mut bar.start),
            Event::News(news) => early(&mut news.published),
            Event::Session(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {}
        }
        let wrong = publication::check(&event, now);
        assert!(wrong.is_empty(), "{wrong:?} in {event:?}");
    }
}

/// A line of the moment given by its number.
fn line(number: usize) -> Line<'static> {
    Line {
        at: (NOW + number as u64) * 1_000_000,
        ..Line::default()
    }
}

/// A feed on a connection to `ws://x/`: one message per line. An empty line begins another connection.
fn frames_of(bytes: &[u8]) -> Vec<Line<'static>> {
    let mut connection = 1;
    let mut lines = vec![Line {
        connection: Some(connection),
        address: Some("ws://x/".into()),
        ..line(0)
    }];
    for (number, message) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let mut line = line(number);
        if message.is_empty() {
            connection += 1;
            line.address = Some("ws://x/".into());
        }
        line.connection = Some(connection);
        lines.push(line.holding(message).into_owned());
    }
    lines.truncate(MAX_LINES);
    lines
}

/// Responses of an address, each preceded by its media type if it begins with a colon.
fn answered(address: &str, documents: &[&[u8]]) -> Vec<Line<'static>> {
    let answer = |(number, document): (usize, &&[u8])| {
        let typed = document.strip_prefix(b":").and_then(|rest| {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let media = std::str::from_utf8(&rest[..end]).ok()?;
            Some((media.to_owned(), &rest[end + 1..]))
        });
        let (media, body) = match typed {
            Some((media, body)) => (Some(media), body),
            None => (None, *document),
        };
        Line {
            address: Some(address.to_owned().into()),
            status: Some(200),
            media: media.map(Cow::Owned),
            ..line(number)
        }
        .holding(body)
        .into_owned()
    };
    documents.iter().enumerate().map(answer).collect()
}

fn documents(bytes: &[u8]) -> Vec<&[u8]> {
    let documents = bytes.split(|byte| *byte == SEPARATOR);
    documents.take(MAX_LINES).collect()
}

/// The feed of a kind, with its options as a table.
fn feed(kind: &str, options: &str) -> FeedSpec {
    let options = options.parse().expect("a table");
    FeedSpec::from_table(kind, options).expect("a feed")
}

impl Line<'_> {
    fn into_owned(self) -> Line<'static> {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Line {
            at: self.at,
            connection: self.connection,
            address: owned(self.address),
            status: self.status,
            media: owned(self.media),
            text: owned(self.text),
            hex: self.hex,
        }
    }
}

fn connection(kind: &str, symbols: [&str; 2], bytes: &[u8]) {
    let options = format!("symbols = {symbols:?}\nurl = 'ws://x/'");
    play(feed(kind, &options), frames_of(bytes));
}

/// The name of a fuzz target, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// The targets of the kinds of feeds, by their names.
pub fn targets() -> &'static [Target] {
    FUZZED
}

/// Messages of Binance.
pub fn binance(bytes: &[u8]) {
    connection("binance", ["BTCUSDT", "ETHUSDT"], bytes);
}

/// Messages of Coinbase.
pub fn coinbase(bytes: &[u8]) {
    connection("coinbase", ["BTC-USD", "ETH-USD"], bytes);
}

/// Messages of Kraken.
pub fn kraken(bytes: &[u8]) {
    connection("kraken", ["BTC-USD", "ETH-USD"], bytes);
}

/// Messages of Finnhub.
pub fn finnhub(bytes: &[u8]) {
    connection("finnhub", ["AAPL", "MSFT"], bytes);
}

/// Messages of Alpaca's stocks.
pub fn alpaca(bytes: &[u8]) {
    connection("alpaca", ["AAPL", "MSFT"], bytes);
}

/// Messages of Alpaca's news, and after a separator a page of its archive.
pub fn alpaca_news(bytes: &[u8]) {
    let documents = documents(bytes);
    let (messages, pages) = documents.split_first().expect("at least one");
    let options = "symbols = ['AAPL']\nurl = 'ws://x/'\nrest = 'http://x/'\nbackfill = 5";
    let address = "http://x/?sort=desc&include_content=false&symbols=AAPL&limit=5";
    let mut lines = frames_of(messages);
    lines.extend(answered(&recording::bare(address), pages));
    play(feed("alpaca-news", options), lines);
}

/// The file of symbols of the SEC, then pages of filings.
pub fn sec(bytes: &[u8]) {
    let documents = documents(bytes);
    let (tickers, pages) = documents.split_at(1);
    let options =
        "user_agent = 'Jane Doe jane@example.com'\nurl = 'http://x/'\ntickers = 'http://x/t'";
    let url = "http://x/".parse().expect("an address");
    let address = sec::address(&url, "", 0);
    let mut lines = answered("http://x/t", tickers);
    lines.extend(answered(&recording::bare(address.as_str()), pages));
    play(feed("sec", options), lines);
}

/// Documents of trading halts.
pub fn halts(bytes: &[u8]) {
    let lines = answered("http://x/", &documents(bytes));
    play(feed("nasdaq-halts", "url = 'http://x/'"), lines);
}

/// Documents of RSS and Atom.
pub fn rss(bytes: &[u8]) {
    let lines = answered("http://x/", &documents(bytes));
    play(feed("rss", "url = ['http://x/']"), lines);
}

/// Options of a feed of JSON in one line, with semicolons between them, then documents.
pub fn json(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (options, rest) = bytes.split_at(end.unwrap_or(0));
    let options = String::from_utf8_lossy(options).replace(';', "\n");
    let Ok(mut options) = options.parse::<Table>() else {
        return;
    };
    options.insert("url".to_owned(), Value::String("http://x/".to_owned()));
    if let Ok(feed) = FeedSpec::from_table("json", options) {
        play(feed, answered("http://x/", &documents(rest)));
    }
}

/// Lines on the standard input.
pub fn stdin(bytes: &[u8]) {
    let tape = tape();
    let cursor = tape.subscribe(&TOPICS);
    let publisher = publisher(&tape);
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        stdin::take(number, line, &publisher);
    }
    check(cursor, NOW);
}

/// A recording, plain or compressed: of other programs, and of ours, which its feed then receives.
pub fn recording(bytes: &[u8]) {
    let open = || recording::unpack(bytes);
    let mut frames = 0;
    if let Ok(mut lines) = open() {
        let _ = foreign::read_from(&mut *lines, |recorded| {
            through(usize::from(matches!(recorded.content, Ok(Some(_)))));
            frames += 1;
            frames < 10_000
        });
    }
    let Ok(mut lines) = open() else { return };
    let Ok(Some(header)) = recording::header_of(&mut *lines) else {
        return;
    };
    let feed = recorded_spec(&header);
    let again = serde_json::to_vec(&header).expect("a header");
    let again = recording::header_of(&mut &*again).expect("a header");
    assert_eq!(again, Some(header));
    let mut received = Vec::new();
    recording::read_after_header(&mut *lines, |_, line| {
        if let Ok(line) = line {
            let again = serde_json::to_vec(&line).expect("a line");
            assert_eq!(
                serde_json::from_slice::<Line<'_>>(&again).ok().as_ref(),
                Some(&line)
            );
            received.push(line);
        }
        received.len() < MAX_LINES
    });
    if let Ok(feed) = feed {
        let about = feed.about();
        assert!(!about.does.is_empty());
        // The addresses of a recording have been stripped of secrets once.
        for address in received.iter().filter_map(|line| line.address.as_deref()) {
            let bare = recording::bare(address);
            assert_eq!(recording::bare(&bare), bare);
        }
        play(feed, received);
    }
}

/// Numbers of JSON: those with an exponent are compared with another library, those without with their text.
pub fn numbers(text: &str) {
    let read = exact::read::<Price>(text);
    if let Ok(price) = &read {
        assert_eq!(price.to_string().parse(), Ok(*price));
        assert_eq!(
            exact::read::<Size>(text).map(|size| size.decimal()),
            Ok(price.decimal())
        );
        if let Ok(other) = Decimal::from_scientific(text) {
            assert_eq!(price.decimal(), other);
        }
    }
}

/// Times as feeds write them, and the headers that give how long to wait.
pub fn times(text: &str) {
    if let Some(time) = markup::time(text) {
        let time = i64::try_from(time).expect("within the years of the calendar");
        let written = jiff::Timestamp::from_millisecond(time).expect("a time");
        assert_eq!(markup::time(&written.to_string()), Some(time as u64));
    }
    let _ = crate::kit::time::millis(text, "");
    let day = Duration::from_secs(24 * 60 * 60);
    if let Ok(value) = HeaderValue::from_str(text) {
        let one = |name| HeaderMap::from_iter([(name, value.clone())]);
        let wait = retry_after::after(&one(header::RETRY_AFTER), NOW);
        assert!(wait.is_none_or(|wait| wait <= day));
        for name in [header::CACHE_CONTROL, header::EXPIRES] {
            let mut headers = one(name);
            headers.insert(
                header::DATE,
                HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),
            );
            let fresh = fetch::fresh(&headers);
            let pause = fetch::pause(Duration::from_secs(5), fresh);
            assert!(pause >= Duration::from_secs(5) && pause <= 2 * day);
        }
    }
}

/// Headlines, pieces of HTML and conditions of trades.
pub fn words(text: &str) {
    let _ = headline::infer(text);
    let plain = markup::text_of(text);
    assert_eq!(market::plain(&plain), plain);
    assert!(plain.len() <= 4 * text.len());
    assert!(markup::cut(plain, 10).chars().count() <= 10);
    for tape in [None, conditions::Tape::of("A"), conditions::Tape::of("C")] {
        for scope in [Scope::OneExchange, Scope::Consolidated] {
            let _ = conditions::moves(scope, tape, text.split(','));
        }
    }
    let _ = conditions::numbered(text.split(','));
}
