//! What is written on the wire is what is parsed from it, whatever it contains and however it is cut.

use std::str::FromStr;

use market::{
    Action, Bar, Basis, Closes, Encoded, Event, EventKind, FeedState, FeedStatus, Frame, Heartbeat,
    Link, MAX_NUMBER, News, NewsType, Price, Quality, Quote, RegularHours, Session, Size, Snapshot,
    Symbol, TradingState, plain,
    sse::{Decoder, Message},
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    strategy::Union,
};
use rust_decimal::Decimal;

/// What could end a line, a field or a stream early, or be mistaken for one.
const PIECES: [&str; 24] = [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\0",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{b}",
    "\u{FEFF}",
    "😀",
    "👩‍👩‍👧",
    "data: ",
    "\ndata: x\n\n",
    "event: news\n",
    "id: 1-0\n",
    "retry: 1\n",
    ": ",
    "\"",
    "\\",
    "\\n",
    "</script>",
    " ",
    "é",
];

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => vec(prop_oneof![select(&PIECES[..]).prop_map(str::to_owned), any::<String>()], 0..6)
            .prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
    .boxed()
}

/// A text as it is after parsing: nothing invisible, on one line.
fn shown() -> impl Strategy<Value = String> {
    text().prop_map(|text| plain(&text))
}

fn shown_or_missing() -> impl Strategy<Value = Option<String>> {
    option::of(shown().prop_filter("of which something is left", |text| !text.is_empty()))
}

fn symbol() -> impl Strategy<Value = Symbol> {
    "[A-Z0-9!#$%&*+./:=@^_~币é-]{1,24}".prop_filter_map("a symbol", |text| text.parse().ok())
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let small = (any::<i64>(), 0..=18u32).prop_map(|(number, scale)| Decimal::new(number, scale));
    let any = (any::<[u32; 3]>(), any::<bool>(), 0..=28u32).prop_map(
        |([low, mid, high], negative, scale)| Decimal::from_parts(low, mid, high, negative, scale),
    );
    prop_oneof![small, any]
}

fn price() -> impl Strategy<Value = Price> {
    decimal().prop_map(Price::from)
}

fn size() -> impl Strategy<Value = Size> {
    decimal().prop_map(Size::from)
}

fn number() -> impl Strategy<Value = u64> {
    0..=MAX_NUMBER
}

prop_compose! {
    fn quote()(
        symbol in symbol(),
        time in number(),
        traded in option::of(number()),
        prices in prop::array::uniform5(option::of(price())),
        sizes in prop::array::uniform4(option::of(size())),
        close_of in option::of("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    ) -> Quote {
        let [price, bid, ask, high, low] = prices;
        let [size, bid_size, ask_size, volume] = sizes;
        Quote { symbol, time, traded, price, size, bid, bid_size, ask, ask_size, volume, high, low, close_of }
    }
}

prop_compose! {
    fn session()(
        symbol in symbol(),
        [name, source] in prop::array::uniform2(shown()),
        [currency, venue, halt_code] in prop::array::uniform3(shown_or_missing()),
        quality in select(vec![Quality::Live, Quality::Delayed, Quality::Simulated, Quality::Replay]),
        state in select(vec![
            TradingState::Pre, TradingState::Open, TradingState::Post, TradingState::Closed,
            TradingState::Halted,
        ]),
        hours in option::of((number(), number())),
        [open, prev_close, tick] in prop::array::uniform3(option::of(price())),
    ) -> Session {
        let hours = hours.map(|(open, close)| RegularHours { open, close });
        Session {
            symbol, name, currency, venue, source, quality, state, halt_code, hours, open, prev_close,
            tick,
        }
    }
}

prop_compose! {
    fn bar()(
        symbol in symbol(),
        start in number(),
        [open, high, low, close] in prop::array::uniform4(price()),
        volume in size(),
        vwap in option::of(price()),
        trades in number(),
    ) -> Bar {
        Bar { symbol, start, open, high, low, close, volume, vwap, trades }
    }
}

fn link() -> impl Strategy<Value = Link> {
    "https?://[a-zé.]{1,9}(/[^\\p{Cc}\\p{Cf}\\p{Cn}\\s]{0,20})?"
        .prop_map(|text| text.parse().unwrap())
}

prop_compose! {
    fn news()(
        id in text(),
        [headline, source] in prop::array::uniform2(shown()),
        kind in select(&NewsType::ALL[..]),
        basis in select(vec![Basis::Native, Basis::Mapped, Basis::Inferred]),
        action in select(vec![Action::Created, Action::Updated, Action::Deleted]),
        symbols in vec(symbol(), 0..4),
        accession in option::of(text()),
        [summary, form, code] in prop::array::uniform3(shown_or_missing()),
        url in option::of(link()),
        published in number(),
    ) -> News {
        News {
            id, kind, basis, action, symbols, headline, summary, url, source, published, form,
            accession, code,
        }
    }
}

prop_compose! {
    fn feed()(
        name in text(),
        state in select(vec![
            FeedState::Connecting, FeedState::Live, FeedState::Degraded, FeedState::Ended,
            FeedState::Failed,
        ]),
        detail in option::of(text()),
    ) -> FeedStatus {
        FeedStatus { name, state, detail }
    }
}

prop_compose! {
    fn snapshot()(
        time in number(),
        reset: bool,
        quotes in vec(quote(), 0..3),
        sessions in vec(session(), 0..3),
        closes in vec((symbol(), vec(price(), 0..5)), 0..3),
        news in vec(news(), 0..3),
        feeds in vec(feed(), 0..3),
        unknown in vec(symbol(), 0..3),
    ) -> Snapshot {
        let closes = closes.into_iter().map(|(symbol, prices)| Closes { symbol, prices }).collect();
        Snapshot { time, reset, quotes, sessions, closes, news, feeds, unknown }
    }
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = EventKind::ALL.iter().map(|kind| match kind {
        EventKind::Quote => (3, quote().prop_map(Event::Quote).boxed()),
        EventKind::Session => (3, session().prop_map(Event::Session).boxed()),
        EventKind::Bar => (2, bar().prop_map(Event::Bar).boxed()),
        EventKind::News => (4, news().prop_map(Event::News).boxed()),
        EventKind::Snapshot => (1, snapshot().prop_map(Event::Snapshot).boxed()),
        EventKind::Heartbeat => {
            let event = number().prop_map(|time| Event::Heartbeat(Heartbeat { time }));
            (1, event.boxed())
        }
    });
    Union::new_weighted(kinds.collect())
}

/// Reads a stream in pieces that end at `cuts`.
fn read(decoder: &mut Decoder, stream: &[u8], cuts: &[Index]) -> Vec<Message> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let mut messages = Vec::new();
    let mut start = 0;
    for end in ends {
        decoder.push(&stream[start..end], |message| messages.push(message));
        start = end;
    }
    messages
}

fn read_all(stream: &[u8]) -> Vec<Message> {
    read(&mut Decoder::new(), stream, &[])
}

fn decode(message: &Message) -> Event {
    Event::decode(&message.name, &message.data).unwrap()
}

/// The standard's parsing, for a stream that is there as a whole: split, then interpret.
fn reference(stream: &[u8]) -> (Vec<Message>, Option<u64>) {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let text = String::from_utf8_lossy(stream);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let Some((lines, _unfinished)) = text.rsplit_once('\n') else {
        return (Vec::new(), None);
    };
    let (mut name, mut data, mut id) = (String::new(), Vec::new(), String::new());
    let (mut messages, mut retry) = (Vec::new(), None);
    for line in lines.split('\n') {
        if line.is_empty() {
            if !data.is_empty() {
                messages.push(Message {
                    name: name.clone(),
                    data: data.join("\n"),
                    last_event_id: id.clone(),
                });
            }
            name.clear();
            data.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data.push(value.to_owned()),
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if value.chars().all(|digit| digit.is_ascii_digit()) => {
                retry = value.parse().ok().or(retry);
            }
            _ => {}
        }
    }
    (messages, retry)
}

/// Streams of fragments with a meaning in the format, and of fragments without one.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    const TOKENS: [&[u8]; 26] = [
        b"\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\r",
        b":",
        b": ",
        b" ",
        b"data",
        b"data:",
        b"data: ",
        b"id",
        b"id:",
        b"id: 7",
        b"event",
        b"event:",
        b"event: news",
        b"retry:",
        b"retry: 42",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xEF\xBB",
        b"\xFF",
        "é".as_bytes(),
        b"x",
    ];
    vec(select(&TOKENS[..]), 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn an_event_is_read_back_from_its_name_and_data(event in event()) {
        let data = event.data();
        prop_assert!(!data.contains(['\n', '\r', '\0']), "{data:?}");
        let read = Event::decode(event.name(), &data).unwrap();
        // Equal numbers may be written with more or fewer zeros; these must be the same.
        prop_assert_eq!(read.data(), data);
        prop_assert_eq!(read, event);
    }

    #[test]
    fn frames_are_read_back_however_they_are_cut(
        events in vec((event(), option::of((any::<u64>(), any::<u64>()))), 1..4),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let mut stream = b": tickertape\nretry: 2210\n\n".to_vec();
        let mut expected = Vec::new();
        let mut last_event_id = String::new();
        for (event, id) in &events {
            let id = id.map(|(ms, n)| format!("{ms}-{n}"));
            let frame = Frame::new(id.as_ref().map(|id| id as &dyn std::fmt::Display), event);
            prop_assert_eq!(frame.len(), frame.bytes().len());
            stream.extend(frame.bytes());
            last_event_id = id.unwrap_or(last_event_id);
            let name = match event {
                Event::Quote(_) => "",
                event => event.name(),
            };
            expected.push(Message {
                name: name.to_owned(),
                data: event.data(),
                last_event_id: last_event_id.clone(),
            });
        }
        let mut decoder = Decoder::new();
        let messages = read(&mut decoder, &stream, &cuts);
        prop_assert_eq!(&messages, &expected);
        prop_assert_eq!(decoder.retry(), Some(2210));
        let decoded: Vec<Event> = messages.iter().map(decode).collect();
        let events: Vec<Event> = events.into_iter().map(|(event, _)| event).collect();
        prop_assert_eq!(decoded, events);
    }

    #[test]
    fn a_snapshot_of_encoded_parts_is_the_encoded_snapshot(whole in snapshot(), has_id in any::<bool>()) {
        let id: Option<&dyn std::fmt::Display> = if has_id { Some(&"2-0") } else { None };
        let data = |event: Event| Frame::new(None, &event).data();
        let quotes: Vec<_> = whole.quotes.iter().cloned().map(Event::Quote).map(data).collect();
        let sessions: Vec<_> = whole.sessions.iter().cloned().map(Event::Session).map(data).collect();
        let rest = Snapshot { quotes: Vec::new(), sessions: Vec::new(), ..whole.clone() };
        let frame = Encoded::snapshot(&rest, &quotes, &sessions).frame(id);
        let expected = Frame::new(id, &Event::Snapshot(whole));
        prop_assert_eq!(frame.bytes(), expected.bytes());
        prop_assert_eq!(frame.data(), expected.data());
    }

    #[test]
    fn a_frame_without_its_id_leaves_the_position_where_it_is(first in event(), second in event()) {
        let mut stream = Frame::new(Some(&"2-0"), &first).bytes().to_vec();
        stream.extend(Frame::new(Some(&"1-0"), &second).bytes_without_id());
        let messages = read_all(&stream);
        prop_assert_eq!(messages.len(), 2);
        prop_assert_eq!(&messages[1].last_event_id, "2-0");
        prop_assert_eq!(decode(&messages[1]), second);
    }

    #[test]
    fn the_decoder_follows_the_standard(stream in stream(), cuts in vec(any::<Index>(), 0..12)) {
        let mut decoder = Decoder::new();
        let messages = read(&mut decoder, &stream, &cuts);
        let (expected, retry) = reference(&stream);
        prop_assert_eq!(messages, expected);
        prop_assert_eq!(decoder.retry(), retry);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(chunks in vec(any::<Vec<u8>>(), 0..8)) {
        let mut decoder = Decoder::new();
        let mut messages = Vec::new();
        for chunk in &chunks {
            decoder.push(chunk, |message| messages.push(message));
        }
        prop_assert_eq!(messages, reference(&chunks.concat()).0);
    }

    #[test]
    fn what_is_no_event_is_an_error(name in text(), data in text()) {
        let names = EventKind::ALL.iter().map(|kind| kind.name());
        for name in names.chain(["", &name]) {
            if let Ok(event) = Event::decode(name, &data) {
                prop_assert_eq!(Event::decode(event.name(), &event.data()).unwrap(), event);
            }
        }
    }

    /// An event of which one part has become something else.
    #[test]
    fn a_damaged_event_is_an_error_or_another_event(
        event in event(),
        at in any::<Index>(),
        with in text(),
    ) {
        let mut data: Vec<char> = event.data().chars().collect();
        let at = at.index(data.len());
        data.splice(at..=at, with.chars());
        let data: String = data.into_iter().collect();
        match Event::decode(event.name(), &data) {
            Ok(other) => {
                prop_assert_eq!(Event::decode(other.name(), &other.data()).unwrap(), other);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_text_is_read_exactly_or_refused(text in prop_oneof![text(), "[-+0-9._eE]{0,70}"]) {
        if let Ok(symbol) = Symbol::from_str(&text) {
            prop_assert_eq!(Symbol::from_str(symbol.as_str()), Ok(symbol));
            prop_assert_eq!(Symbol::from_str(&text.to_lowercase()), Ok(symbol));
            if text.is_ascii() {
                prop_assert_eq!(symbol.as_str(), text.to_ascii_uppercase());
            }
        }
        if let Ok(link) = Link::from_str(&text) {
            prop_assert_eq!(link.as_str(), &text);
        }
        match Price::from_str(&text) {
            Ok(price) => {
                prop_assert_eq!(price.to_string().parse::<Price>().unwrap(), price);
                prop_assert_eq!(price.decimal(), Size::from_str(&text).unwrap().decimal());
                // No digit is added or lost; only a sign, a leading zero or a bare point may be.
                let digits = |text: &str| {
                    let text = text.trim_start_matches(['-', '+']);
                    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                    (whole.trim_start_matches('0').to_owned(), fraction.to_owned())
                };
                prop_assert_eq!(digits(&price.to_string()), digits(&text));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn every_decimal_is_written_exactly(number in decimal(), digits in 0..100u32) {
        let price = Price::from(number);
        let text = price.to_string();
        prop_assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
        prop_assert!(price.rounded(digits).scale() <= digits);
        prop_assert!(price.to_f64().is_finite());
    }
}

#[test]
fn what_a_person_reads_is_cleaned_where_it_is_read() {
    let data = r#"{"id":"test:1","type":"filing","basis":"native","headline":"Profit\u202e up\n<b>",
        "summary":"\u200b","source":" SE\u0000C ","form":"8\u2066-K","published":0}"#;
    let Event::News(news) = Event::decode("news", data).unwrap() else {
        panic!("{data}");
    };
    assert_eq!(news.headline, "Profit up <b>");
    assert_eq!(news.summary, None);
    assert_eq!(news.source, "SEC");
    assert_eq!(news.form.as_deref(), Some("8-K"));

    let data = r#"{"symbol":"GOOG","name":"\u202eGoogle","source":"a\u2028b","quality":"live",
        "state":"open","venue":"NAS\u007fDAQ"}"#;
    let Event::Session(session) = Event::decode("session", data).unwrap() else {
        panic!("{data}");
    };
    assert_eq!(session.name, "Google");
    assert_eq!(session.source, "a b");
    assert_eq!(session.venue.as_deref(), Some("NASDAQ"));
}

#[test]
fn a_long_text_of_breaks_stays_in_one_frame() {
    let breaks = PIECES
        .concat()
        .repeat(64 * 1024 / PIECES.concat().len() + 1);
    assert!(breaks.len() >= 64 * 1024);
    let news = News {
        id: breaks.clone(),
        kind: NewsType::Headline,
        basis: Basis::Native,
        action: Action::Created,
        symbols: Vec::new(),
        headline: "A story".to_owned(),
        summary: None,
        url: None,
        source: "test".to_owned(),
        published: 0,
        form: None,
        accession: Some(breaks),
        code: None,
    };
    let events = [Event::News(news), Event::Heartbeat(Heartbeat { time: 1 })];
    let stream: Vec<u8> = events
        .iter()
        .flat_map(|event| Frame::new(Some(&"1-0"), event).bytes())
        .collect();
    for size in [1, 3, 1000, stream.len()] {
        let mut decoder = Decoder::new();
        let mut read = Vec::new();
        for chunk in stream.chunks(size) {
            decoder.push(chunk, |message| read.push(decode(&message)));
        }
        assert_eq!(read, events, "in chunks of {size}");
    }
}

/// Parses a stream and returns name, data and id of each message.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
);

/// The examples of the standard and its rules, one by one.
#[test]
fn the_rules_of_the_standard() {
    let cases: [Case; 19] = [
        (
            "data: YHOO\ndata: +2\ndata: 10\n\n",
            &[("", "YHOO\n+2\n10", "")],
        ),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            &[
                ("", "first event", "1"),
                ("", "second event", ""),
                ("", " third event", ""),
            ],
        ),
        // The last block is not finished.
        (
            "data\n\ndata\ndata\n\ndata:",
            &[("", "", ""), ("", "\n", "")],
        ),
        (
            "data:test\n\ndata: test\n\n",
            &[("", "test", ""), ("", "test", "")],
        ),
        // A byte order mark is taken off once, at the beginning.
        (
            "\u{FEFF}data: 1\n\n\u{FEFF}data: 2\n\ndata: 3\n\n",
            &[("", "1", ""), ("", "3", "")],
        ),
        ("\u{FEFF}\u{FEFF}data: 1\n\ndata: 2\n\n", &[("", "2", "")]),
        // Three ways to end a line, also mixed.
        (
            "data: 1\r\rdata: 2\r\n\r\ndata: 3\n\r\n",
            &[("", "1", ""), ("", "2", ""), ("", "3", "")],
        ),
        ("data: 1\n\rdata: 2\r\n\n", &[("", "1", ""), ("", "2", "")]),
        // Other breaks end no line.
        (
            "data: a\u{2028}b\u{85}c\u{b}d\n\n",
            &[("", "a\u{2028}b\u{85}c\u{b}d", "")],
        ),
        // An id with a NUL is ignored, an empty one resets, and one without data counts too.
        ("id: 1\n\nid: 2\0\ndata: x\n\n", &[("", "x", "1")]),
        (
            "id: 1\ndata: x\n\nid:\ndata: y\n\n",
            &[("", "x", "1"), ("", "y", "")],
        ),
        // An id of a block that never ended does not count.
        ("data: x\n\nid: 9\n", &[("", "x", "")]),
        // A name is of its block only, the last one counts, and an empty one is none.
        (
            "event: a\nevent: b\ndata: 1\n\ndata: 2\n\n",
            &[("b", "1", ""), ("", "2", "")],
        ),
        ("event: a\n\ndata: 1\n\n", &[("", "1", "")]),
        ("event: a\nevent\ndata: 1\n\n", &[("", "1", "")]),
        // Names of fields are exact.
        ("Data: 1\n data: 2\ndata : 3\ndatax: 4\n\n", &[]),
        (
            "data: 1\nunknown: field\n:comment\ndata:\n\n",
            &[("", "1\n", "")],
        ),
        // One space is taken off, and a tab is not a space.
        ("data:\tx\ndata:  y\n\n", &[("", "\tx\n y", "")]),
        ("data: a:b: c\n\n", &[("", "a:b: c", "")]),
    ];
    for (stream, expected) in cases {
        let expected: Vec<Message> = expected
            .iter()
            .map(|(name, data, id)| Message {
                name: (*name).to_owned(),
                data: (*data).to_owned(),
                last_event_id: (*id).to_owned(),
            })
            .collect();
        assert_eq!(read_all(stream.as_bytes()), expected, "{stream:?}");
        let mut decoder = Decoder::new();
        let mut messages = Vec::new();
        for byte in stream.bytes() {
            decoder.push(&[byte], |message| messages.push(message));
        }
        assert_eq!(messages, expected, "{stream:?}, a byte at a time");
    }
}

#[test]
fn a_retry_is_digits_or_ignored() {
    let cases = [
        ("retry: 2210\n", Some(2210)),
        ("retry:7\nretry: x\n", Some(7)),
        (
            "retry: 7\nretry: +8\nretry: 8.5\nretry:  8\nretry\nretry: 99999999999999999999\n",
            Some(7),
        ),
        ("retry: ٣\n", None),
    ];
    for (stream, expected) in cases {
        let mut decoder = Decoder::new();
        decoder.push(stream.as_bytes(), |message| panic!("{message:?}"));
        assert_eq!(decoder.retry(), expected, "{stream:?}");
    }
}
