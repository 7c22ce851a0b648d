//! The connection of a feed that speaks over a WebSocket
//! ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455)): everything about it but what is said.
//!
//! [`run`] makes one connection and holds it until it breaks, falls silent or has lived long enough.
//! A feed says what its source speaks by a [`Protocol`]: whom to call, what to say first, what to
//! make of a text. Whatever comes that is no such text costs a count or the connection, and nothing
//! else.

use std::{
    collections::VecDeque,
    fmt,
    future::pending,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    pin, select,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, Response, StatusCode, Uri, header},
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::provide_tls;
use crate::{
    End, FeedError, FrameError, Publisher,
    kit::{
        fetch, retry_after,
        wire::{Played, Wire},
    },
};

/// The longest message that is taken. What sources send has some hundred bytes, the first picture
/// of many symbols some ten thousand.
const MAX_MESSAGE: usize = 1 << 20;

/// The most bytes that come before a message is whole: the longest message in fragments of a byte, each
/// with a head of two. Fragments may be empty, so that the length of a message does not bound them.
const MAX_UNFINISHED_BYTES: usize = 4 * MAX_MESSAGE;

/// The most bytes that wait to be sent. A source that sends pings and reads nothing would fill the
/// memory with their answers. A subscription to thousands of symbols fits into it.
const MAX_UNSENT_BYTES: usize = 1 << 20;

/// The most pings and pongs a second. Sources send one ping in some seconds.
const MAX_PINGS: u32 = 1_000;

/// The most messages of no use a second, in the long run and at once. Of channels that nobody reads some ten
/// products bring 650 within a second, and what has waited meanwhile comes at once.
const MAX_USELESS: (u32, u32) = (1_000, 20_000);

/// So many frames in a row that cannot be read, and the connection is given up: another one may
/// speak again what we understand.
const MAX_WRONG: u32 = 100;

/// How long to stay away from a source that says "too many" but not for how long.
const TOO_MANY: Duration = Duration::from_secs(60);

/// How long a feed waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection to stand.
    pub connect: Duration,
    /// For an answer that is awaited before data can come, that to a subscription or a login.
    pub opening: Duration,
    /// For any frame, before the feed sends a ping of its own; then again, as often as it passes.
    /// Half of the silence at the most.
    pub ping: Duration,
    /// For any frame, an answer to a ping included. Then the connection is given up.
    pub silence: Duration,
    /// Before it replaces the connection, which its source would cut.
    pub lifetime: Duration,
    /// For one more connection: so many are made within such a span at the most. Sources count
    /// them by address, from which other feeds may come too.
    pub connections: (usize, Duration),
}

impl Default for Timeouts {
    /// Ten seconds for a connection and as many for the opening, a ping after two seconds so that a
    /// quiet source can be told from a dead one, a minute of silence. A connection lives for a day
    /// less ten minutes, and a hundred may be made in five minutes.
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            opening: Duration::from_secs(10),
            ping: Duration::from_secs(2),
            silence: Duration::from_secs(60),
            lifetime: Duration::from_secs(24 * 60 * 60 - 10 * 60),
            connections: (100, Duration::from_secs(5 * 60)),
        }
    }
}

/// What one source speaks. It lives as long as one connection.
pub(crate) trait Protocol: Send {
    /// The address to connect to. Its query is never shown to anybody: it may hold a key.
    fn address(&self) -> Uri;

    /// Says what is to be said as soon as the connection stands.
    fn greet(&mut self, _say: &mut Say) {}

    /// What has to come before the connection is of use, `an answer to the login`; `None` when
    /// nothing is missing, which is also when there is nothing to wait for.
    fn awaits(&self) -> Option<&'static str> {
        None
    }

    /// Takes a text.
    ///
    /// # Errors
    /// When the text is not what the source promises, or says that the connection is of no use.
    fn read(&mut self, text: &str, publisher: &Publisher, say: &mut Say) -> Result<Heard, Fault>;

    /// What to send when nothing has come for a while, so that something comes.
    fn ping(&mut self) -> Message {
        Message::Ping(Default::default())
    }

    /// What a code of closing means, where the source gives it a meaning of its own.
    fn closed(&self, _code: u16, _reason: &str) -> Option<FeedError> {
        None
    }
}

/// What a text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The source does what it was asked for: data, a heartbeat, a subscription that stands.
    Data,
    /// A step on the way there.
    Handshake,
    /// Nothing that we listen to.
    Unknown,
}

/// Why a text is of no use, or the whole connection.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The text alone.
    Frame(FrameError),
    /// The connection.
    Feed(FeedError),
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Fault::Frame(error)
    }
}

impl From<FeedError> for Fault {
    fn from(error: FeedError) -> Self {
        Fault::Feed(error)
    }
}

/// What a protocol has to say, in order.
#[derive(Debug, Default)]
pub(crate) struct Say(VecDeque<Message>);

impl Say {
    /// Says a text after all that is still to be said.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.0.push_back(Message::text(text.into()));
    }
}

/// The connections that a feed has made lately. To be held as long as the feed.
#[derive(Debug, Default)]
pub(crate) struct ConnectBudget(VecDeque<Instant>);

impl ConnectBudget {
    /// Waits until one more connection is allowed, and counts it.
    pub(crate) async fn one_more(&mut self, timeouts: &Timeouts, publisher: &Publisher) {
        let (most, within) = timeouts.connections;
        if self.0.len() >= most.max(1)
            && let Some(first) = self.0.pop_front()
        {
            let due = first + within;
            publisher
                .rest(due.saturating_duration_since(Instant::now()))
                .await;
        }
        self.0.push_back(Instant::now());
    }
}

/// How a connection is set up: everything in it is bounded.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .max_write_buffer_size(MAX_UNSENT_BYTES)
}

type Socket = WebSocketStream<MaybeTlsStream<Bounded<TcpStream>>>;

fn transient(why: &dyn fmt::Display) -> FeedError {
    FeedError::Transient(why.to_string())
}

/// Makes a connection. Answers it with the count of the bytes of the message that is on its way.
async fn connect(
    address: Uri,
    timeouts: Timeouts,
    shown: &str,
    publisher: &Publisher,
) -> Result<(Socket, Unfinished), FeedError> {
    provide_tls();
    let no_connection =
        |why: &dyn fmt::Display| transient(&format_args!("no connection to {shown}: {why}"));
    let fatal =
        |why: &dyn fmt::Display| FeedError::Fatal(format!("no connection to {shown}: {why}"));
    let host = address.host().unwrap_or_default();
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = address.port_u16().unwrap_or(match address.scheme_str() {
        Some("wss") => 443,
        _ => 80,
    });
    let mut request = address
        .into_client_request()
        .map_err(|error| fatal(&error))?;
    let agent = concat!("tickertape/", env!("CARGO_PKG_VERSION"));
    let agent = HeaderValue::from_static(agent);
    request.headers_mut().insert(header::USER_AGENT, agent);
    let unfinished = Unfinished::default();
    let connecting = async {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let stream = Bounded::new(stream, unfinished.clone());
        client_async_tls_with_config(request, stream, Some(config()), None).await
    };
    match timeout(timeouts.connect, connecting).await {
        Ok(Ok((socket, _))) => Ok((socket, unfinished)),
        Ok(Err(tungstenite::Error::Http(response))) => Err(refused(&response, shown, publisher)),
        Ok(Err(error)) => Err(no_connection(&error)),
        Err(_) => {
            let why = format_args!("it does not stand within {:?}", timeouts.connect);
            Err(no_connection(&why))
        }
    }
}

/// Makes a connection and holds it.
///
/// # Errors
/// When there is no connection or it ends. Only what the source says plainly, by its answer to
/// the connection or by what [`Protocol`] makes of its words, is [`FeedError::Fatal`].
pub(crate) async fn run(
    protocol: &mut dyn Protocol,
    timeouts: Timeouts,
    publisher: &Publisher,
) -> Result<End, FeedError> {
    let address = protocol.address();
    let shown = shown(&address);
    let recorder = match publisher.wire() {
        Wire::Live(recorder) => recorder,
        Wire::Played(played) => return play(protocol, &played, &shown, publisher).await,
    };
    let (mut socket, unfinished) = connect(address, timeouts, &shown, publisher).await?;

    let recording = recorder.map(|recorder| (recorder.connected(&shown), recorder));
    let record = |bytes: &[u8]| {
        if let Some((connection, recorder)) = &recording {
            recorder.message(*connection, bytes);
        }
    };
    let mut say = Say::default();
    protocol.greet(&mut say);
    let ping = timeouts.ping.min(timeouts.silence / 2);
    publisher.expect_every(ping);
    let mut opening = None;
    let renewal = sleep(timeouts.lifetime);
    pin!(renewal);
    let mut heard = Instant::now();
    let mut pinged = heard;
    let mut wrong = 0;
    let mut pings = Rate::new(MAX_PINGS, MAX_PINGS, "pings");
    let mut useless = Rate::new(MAX_USELESS.0, MAX_USELESS.1, "useless messages");
    loop {
        speak(&mut say, &mut socket, heard, timeouts).await?;
        let awaits = protocol.awaits();
        let due = match awaits {
            Some(_) => *opening.get_or_insert_with(|| Instant::now() + timeouts.opening),
            None => {
                opening = None;
                heard
            }
        };
        select! {
            message = socket.next() => {
                heard = Instant::now();
                publisher.record_receipt();
                match message {
                    Some(Ok(Message::Text(text))) => {
                        unfinished.finish();
                        record(text.as_bytes());
                        if !take(protocol, &text, publisher, &mut say, &mut wrong)? {
                            useless.one_more(heard)?;
                        }
                    }
                    Some(Ok(Message::Close(frame))) => return Err(closed(protocol, frame)),
                    // A ping is answered by the next turn of the loop.
                    Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => {
                        unfinished.leave_out(bytes.len());
                        pings.one_more(heard)?;
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        unfinished.finish();
                        record(&bytes);
                        publisher.ignore();
                        useless.one_more(heard)?;
                    }
                    Some(Ok(Message::Frame(_))) => {}
                    Some(Err(error)) => {
                        return Err(transient(&format_args!("the connection broke: {error}")));
                    }
                    None => return Err(transient(&"the connection broke")),
                }
            }
            () = sleep_until(heard + timeouts.silence) => {
                return Err(transient(&format_args!("silence for {:?}", timeouts.silence)));
            }
            () = sleep_until(heard.max(pinged) + ping) => {
                pinged = Instant::now();
                say.0.push_back(protocol.ping());
            }
            () = sleep_until(due), if awaits.is_some() => {
                let what = awaits.unwrap_or_default();
                return Err(transient(&format_args!("{what} did not come within {:?}", timeouts.opening)));
            }
            () = &mut renewal => return Ok(End::Renew),
        }
    }
}

/// Sends what there is to be said.
async fn speak(
    say: &mut Say,
    socket: &mut Socket,
    heard: Instant,
    timeouts: Timeouts,
) -> Result<(), FeedError> {
    while let Some(message) = say.0.pop_front() {
        match timeout_at(heard + timeouts.silence, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                return Err(transient(&format_args!("the connection broke: {error}")));
            }
            Err(_) => {
                let why = format_args!("it takes nothing for {:?}", timeouts.silence);
                return Err(transient(&why));
            }
        }
    }
    Ok(())
}

/// Counts what comes to nothing. As many as may come in a second are forgotten each second.
#[derive(Debug)]
struct Rate {
    a_second: u32,
    at_once: u32,
    what: &'static str,
    /// Until when seconds are forgotten.
    since: Option<Instant>,
    count: u32,
}

impl Rate {
    fn new(a_second: u32, at_once: u32, what: &'static str) -> Self {
        Rate {
            a_second,
            at_once,
            what,
            since: None,
            count: 0,
        }
    }

    fn one_more(&mut self, now: Instant) -> Result<(), FeedError> {
        let since = self.since.get_or_insert(now);
        let seconds = now.saturating_duration_since(*since).as_secs();
        *since += Duration::from_secs(seconds);
        let forgotten = u32::try_from(seconds)
            .unwrap_or(u32::MAX)
            .saturating_mul(self.a_second);
        self.count = self.count.saturating_sub(forgotten) + 1;
        if self.count > self.at_once {
            return Err(transient(&format_args!(
                "the source sends more than {} {} a second",
                self.a_second, self.what
            )));
        }
        Ok(())
    }
}

/// The bytes of the message that is on its way.
#[derive(Debug, Clone, Default)]
struct Unfinished(Arc<AtomicUsize>);

impl Unfinished {
    /// The message is whole.
    fn finish(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// A control frame with a payload of so many bytes came in between. Its head has two bytes, up to
    /// 125 of payload.
    fn leave_out(&self, payload: usize) {
        let count = self.0.load(Ordering::Relaxed);
        self.0
            .store(count.saturating_sub(payload + 2), Ordering::Relaxed);
    }
}

/// A stream that breaks off where its peer never finishes a message.
struct Bounded<S> {
    stream: S,
    unfinished: Unfinished,
}

impl<S> Bounded<S> {
    fn new(stream: S, unfinished: Unfinished) -> Self {
        Bounded { stream, unfinished }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        let count = self.unfinished.0.fetch_add(read, Ordering::Relaxed) + read;
        Poll::Ready(match count > MAX_UNFINISHED_BYTES {
            false => Ok(()),
            true => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("more than {MAX_UNFINISHED_BYTES} bytes without a whole message"),
            )),
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Takes a text, and gives the connection up after too many that cannot be read. Answers whether it was
/// of use.
fn take(
    protocol: &mut dyn Protocol,
    text: &str,
    publisher: &Publisher,
    say: &mut Say,
    wrong: &mut u32,
) -> Result<bool, FeedError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut is_of_use = true;
    match protocol.read(text, publisher, say) {
        Ok(Heard::Data) => publisher.live(),
        Ok(Heard::Handshake) => {}
        Ok(Heard::Unknown) => {
            publisher.ignore();
            is_of_use = false;
        }
        Err(Fault::Feed(error)) => return Err(error),
        Err(Fault::Frame(error)) => {
            publisher.wrong(&error);
            *wrong += 1;
            if *wrong == MAX_WRONG {
                return Err(FeedError::Transient(format!(
                    "{wrong} messages in a row cannot be read: {error}"
                )));
            }
            return Ok(false);
        }
    }
    *wrong = 0;
    Ok(is_of_use)
}

/// Takes what a recorded connection brought. What the protocol has to say, nobody hears.
async fn play(
    protocol: &mut dyn Protocol,
    played: &Played,
    shown: &str,
    publisher: &Publisher,
) -> Result<End, FeedError> {
    let Some(connection) = played.connected(shown).await else {
        // Whoever plays the recording knows that it is over.
        return pending().await;
    };
    let mut wrong = 0;
    protocol.greet(&mut Say::default());
    while let Some(bytes) = played.message(connection, shown).await {
        publisher.record_receipt();
        let say = &mut Say::default();
        match bytes.as_deref().map(std::str::from_utf8) {
            Ok(Ok(text)) => {
                take(protocol, text, publisher, say, &mut wrong)?;
            }
            Ok(Err(_)) => publisher.ignore(),
            Err(error) => publisher.wrong(error),
        }
    }
    Ok(End::Renew)
}

/// An address without what may hold a secret.
pub(crate) fn shown(address: &Uri) -> String {
    let host = address.host().unwrap_or_default();
    let port = address
        .port()
        .map_or(String::new(), |port| format!(":{port}"));
    format!(
        "{}://{host}{port}{}",
        address.scheme_str().unwrap_or("ws"),
        address.path()
    )
}

/// The most characters of a source's own words that are shown.
const MAX_WORDS: usize = 200;

/// A source's own words, fit to be shown.
pub(crate) fn words(text: &str) -> String {
    let text = market::plain(text);
    text.trim().chars().take(MAX_WORDS).collect()
}

fn closed(protocol: &dyn Protocol, frame: Option<CloseFrame>) -> FeedError {
    let Some(frame) = frame else {
        return FeedError::Transient("the source closed the connection".to_owned());
    };
    let code = u16::from(frame.code);
    let reason = words(&frame.reason);
    protocol.closed(code, &reason).unwrap_or_else(|| {
        let colon = if reason.is_empty() { "" } else { ": " };
        FeedError::Transient(format!(
            "the source closed the connection, code {code}{colon}{reason}"
        ))
    })
}

/// What an answer means that is no WebSocket.
fn refused(response: &Response<Option<Vec<u8>>>, shown: &str, publisher: &Publisher) -> FeedError {
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let body = words(&String::from_utf8_lossy(body));
    let colon = if body.is_empty() { "" } else { ": " };
    let why = format!("{shown} answered {status}{colon}{body}");
    let later = retry_after::after(response.headers(), publisher.now());
    // What worked before may work again: servers answer so while they are being replaced, too.
    let give_up = |why: String| match publisher.has_worked() && status != StatusCode::GONE {
        true => FeedError::Later {
            why,
            wait: later.unwrap_or_default().max(fetch::REFUSED),
        },
        false => FeedError::Fatal(why),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::IM_A_TEAPOT => FeedError::Later {
            why,
            wait: later.unwrap_or(TOO_MANY),
        },
        _ if status.is_redirection() => {
            // It is not followed: what is said next may hold a key, which is for one host alone.
            let to = response.headers().get(header::LOCATION);
            let to = to.map_or_else(String::new, |to| {
                words(&String::from_utf8_lossy(to.as_bytes()))
            });
            let why = format!(
                "{shown} answered {status} and points to {to:?}: expected a WebSocket; if that is the source's new address, it is to be given as url"
            );
            match status {
                StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT => give_up(why),
                _ => FeedError::Transient(why),
            }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => give_up(format!(
            "{why}; the key, or what it is entitled to, is to be checked"
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => FeedError::Transient(why),
        _ if status.is_client_error() => give_up(format!("{why}; the address is to be checked")),
        _ => match later {
            Some(wait) => FeedError::Later { why, wait },
            None => FeedError::Transient(why),
        },
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// The answers to its pings would fill the memory.
    #[tokio::test]
    async fn what_a_source_does_not_read_is_bounded() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let mut socket = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config())).await;
        // A ping of 125 bytes, as long as one may be; its answer has six more, for the mask.
        let ping = [&[0x89, 125][..], &[b'x'; 125]].concat();
        for _ in 0..(2 * MAX_UNSENT_BYTES / 125) {
            theirs.write_all(&ping).await.unwrap();
            assert!(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
        }
        let sent = socket.send(Message::text("x".repeat(125))).now_or_never();
        assert!(
            matches!(sent, Some(Err(tungstenite::Error::WriteBufferFull(_)))),
            "{sent:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_waited_may_come_at_once_and_not_go_on_so() {
        let mut rate = Rate::new(10, 30, "useless messages");
        let mut taken = || {
            let now = Instant::now();
            (0..100).take_while(|_| rate.one_more(now).is_ok()).count()
        };
        assert_eq!(taken(), 30);
        sleep(Duration::from_millis(2_500)).await;
        // One more than it may be was counted before.
        assert_eq!(taken(), 19);
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(taken(), 30);
        let error = rate.one_more(Instant::now()).unwrap_err();
        let words = "more than 10 useless messages a second";
        assert!(format!("{error:?}").contains(words), "{error:?}");
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (address, expected) in [
            ("wss://ws.finnhub.io?token=K", "wss://ws.finnhub.io/"),
            ("ws://me:secret@127.0.0.1:9/a/b?c=d", "ws://127.0.0.1:9/a/b"),
        ] {
            assert_eq!(shown(&address.parse().unwrap()), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_connections_than_allowed() {
        let minute = Duration::from_secs(60);
        let timeouts = Timeouts {
            connections: (3, minute),
            ..Timeouts::default()
        };
        let publisher = crate::testing::publisher(&events::testing::tape());
        let mut made = ConnectBudget::default();
        let begin = Instant::now();
        let mut taken = Vec::new();
        for _ in 0..7 {
            made.one_more(&timeouts, &publisher).await;
            taken.push(begin.elapsed());
            sleep(Duration::from_secs(1)).await;
        }
        for four in taken.windows(4) {
            assert!(four[3] - four[0] >= minute, "{taken:?}");
        }
        assert!(taken[6] < minute * 2 + Duration::from_secs(1), "{taken:?}");
    }
}
