//! The Binance feed against a local server that speaks the same protocol, well and badly.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use market::{Event, FeedState, FeedStatus, Quality, Quote, Session, Symbol};
use server::{
    Tape, Topic,
    feeds::{Backoff, Floor, Patience, Statuses, Supervisor, binance::Binance},
    system_now,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};
use tokio_util::sync::CancellationToken;

const BOOK: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}"#;
const STREAMS: &str = "streams=btcusdt@bookTicker/btcusdt@trade/ethusdt@bookTicker/ethusdt@trade";

fn trade(price: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":1,"p":"{price}","q":"0.02000000","T":1723161255342,"m":true,"M":true}}}}"#
    )
}

/// A feed, and the server that it connects to.
struct Stage {
    listener: TcpListener,
    tape: Tape,
    statuses: Statuses,
    supervisor: Supervisor,
    stop: CancellationToken,
}

impl Stage {
    async fn new(patience: Patience) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/stream", listener.local_addr().unwrap());
        let symbols = ["BTCUSDT", "ETHUSDT"].map(|name| name.parse().unwrap());
        let feed = Binance::new(symbols.to_vec(), url.parse().unwrap()).with_patience(patience);
        let limits = tape::Limits {
            entries: 1_000,
            bytes: 1 << 24,
            age_ms: u64::MAX,
        };
        let now = system_now();
        let tape = Tape::new(now(), 0, limits);
        let backoff = Backoff {
            base: Duration::from_millis(5),
            cap: Duration::from_millis(20),
            ..Backoff::default()
        };
        let stop = CancellationToken::new();
        let supervisor = Supervisor::start(
            vec![Box::new(feed)],
            &Floor::new(tape.clone(), now),
            backoff,
            &stop,
        );
        Stage {
            listener,
            tape,
            statuses: supervisor.statuses(),
            supervisor,
            stop,
        }
    }

    /// Takes the feed's next connection and checks what it asks for.
    async fn accept(&self) -> WebSocketStream<TcpStream> {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        let mut asked = None;
        #[expect(
            clippy::result_large_err,
            reason = "the callback's type is the library's"
        )]
        let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            asked = request.uri().path_and_query().map(ToString::to_string);
            Ok(response)
        };
        let socket = within(accept_hdr_async(stream, check)).await.unwrap();
        assert_eq!(asked, Some(format!("/stream?{STREAMS}")));
        socket
    }

    async fn reaches(&self, state: FeedState) -> FeedStatus {
        let status = self.statuses.wait_for(0, |status| status.state == state);
        within(status).await.unwrap()
    }

    fn quote(&self) -> Option<Quote> {
        let symbol: Symbol = "BTCUSDT".parse().unwrap();
        self.tape.view(|view| {
            let (_, entry) = view.merged(&Topic::Quote(symbol))?;
            match &*entry.event {
                Event::Quote(quote) => Some(quote.clone()),
                other => panic!("{other:?}"),
            }
        })
    }

    fn sessions(&self) -> Vec<Session> {
        self.tape.view(|view| {
            view.merging(&Topic::Symbols)
                .filter_map(|(_, entry)| match &*entry.event {
                    Event::Session(session) => Some(session.clone()),
                    _ => None,
                })
                .collect()
        })
    }

    async fn end(self) {
        self.stop.cancel();
        within(self.supervisor.join()).await;
        assert_eq!(self.statuses.current()[0].state, FeedState::Ended);
    }
}

/// So that a test that would wait for ever fails instead.
async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future)
        .await
        .expect("within 20 seconds")
}

async fn send(socket: &mut WebSocketStream<TcpStream>, text: impl Into<String>) {
    socket.send(Message::text(text.into())).await.unwrap();
}

/// Waits for the pong of this ping, which also tells that everything before it was read.
async fn ping(socket: &mut WebSocketStream<TcpStream>, payload: &'static [u8]) {
    socket.send(Message::Ping(payload.into())).await.unwrap();
    let pong = async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Pong(answer) if answer == payload => return,
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    within(pong).await;
}

#[tokio::test]
async fn reads_both_streams_and_survives_what_it_does_not_know() {
    let stage = Stage::new(Patience::default()).await;
    let mut socket = stage.accept().await;
    let sessions = stage.sessions();
    let names: Vec<&str> = sessions
        .iter()
        .map(|session| session.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["Bitcoin / Tether", "Ethereum / Tether"],
        "before anything was sent"
    );
    assert!(
        sessions
            .iter()
            .all(|session| session.quality == Quality::Live && session.source == "Binance")
    );
    assert_eq!(stage.statuses.current()[0].state, FeedState::Connecting);

    send(&mut socket, BOOK).await;
    send(&mut socket, r#"{"result":null,"id":1}"#).await;
    send(&mut socket, r#"{"stream":"btcusdt@depth@100ms","data":{}}"#).await;
    send(&mut socket, BOOK.replace("BTCUSDT", "XRPUSDT")).await;
    socket.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    send(&mut socket, "garbage").await;
    send(&mut socket, trade("much")).await;
    send(&mut socket, trade("61837.63000000")).await;
    ping(&mut socket, b"still there?").await;

    stage.reaches(FeedState::Live).await;
    let quote = stage.quote().unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "61837.63000000");
    assert_eq!(quote.bid_size.unwrap().to_string(), "3.78826000");
    assert_eq!(quote.ask.unwrap().to_string(), "61837.64000000");
    let skipped = stage.statuses.skipped()[0];
    assert_eq!((skipped.ignored, skipped.wrong), (4, 2));
    stage.end().await;
}

#[tokio::test]
async fn comes_back_and_asks_again_however_the_connection_ends() {
    let silence = Duration::from_millis(400);
    let patience = Patience {
        silence,
        ..Patience::default()
    };
    let stage = Stage::new(patience).await;

    let mut socket = stage.accept().await;
    send(&mut socket, trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    // The connection is cut without a word.
    drop(socket.into_inner());
    let status = stage.reaches(FeedState::Degraded).await;
    assert!(status.detail.unwrap().contains("broke"));

    let mut socket = stage.accept().await;
    send(&mut socket, trade("2.0")).await;
    stage.reaches(FeedState::Live).await;
    assert_eq!(stage.quote().unwrap().price, Some("2.0".parse().unwrap()));
    socket.close(None).await.unwrap();
    let status = stage.reaches(FeedState::Degraded).await;
    assert!(status.detail.unwrap().contains("closed"));

    // The server is dead: it neither speaks nor answers, but its connection stands.
    let mut dead = stage.accept().await;
    send(&mut dead, trade("3.0")).await;
    stage.reaches(FeedState::Live).await;
    let status = stage.reaches(FeedState::Degraded).await;
    assert!(status.detail.unwrap().contains("silence"));

    // It has nothing to say, but answers: nothing is wrong with that, however long it takes.
    let mut socket = stage.accept().await;
    for _ in 0..4 {
        let message = within(socket.next()).await.unwrap().unwrap();
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
        socket.flush().await.unwrap();
    }
    send(&mut socket, trade("4.0")).await;
    stage.reaches(FeedState::Live).await;
    assert_eq!(stage.quote().unwrap().price, Some("4.0".parse().unwrap()));

    // More than any frame of these streams has.
    send(&mut socket, "x".repeat(2 << 20)).await;
    stage.reaches(FeedState::Degraded).await;
    let mut socket = stage.accept().await;
    send(&mut socket, trade("5.0")).await;
    stage.reaches(FeedState::Live).await;
    drop(dead);
    stage.end().await;
}

#[tokio::test]
async fn replaces_an_old_connection_without_a_break() {
    let patience = Patience {
        lifetime: Duration::from_millis(200),
        ..Patience::default()
    };
    let stage = Stage::new(patience).await;
    let mut first = stage.accept().await;
    send(&mut first, trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    let _second = stage.accept().await;
    assert_eq!(stage.statuses.current()[0].state, FeedState::Live);
    stage.end().await;
}

#[tokio::test]
async fn says_why_there_is_no_connection() {
    let patience = Patience {
        connect: Duration::from_millis(100),
        ..Patience::default()
    };
    let stage = Stage::new(patience).await;
    // Nobody shakes hands: the connection stands in the listener's queue.
    let status = stage.reaches(FeedState::Degraded).await;
    let detail = status.detail.unwrap();
    assert!(
        detail.contains("no connection to ws://127.0.0.1"),
        "{detail}"
    );
    stage.end().await;
}
