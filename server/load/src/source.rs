//! A source of trades in the format of Binance's combined stream, for measurements that need a feed: a WebSocket on
//! loopback, which the measured server connects to.

use std::{
    fmt::Write as _,
    io,
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tungstenite::{Error, Message, WebSocket};

use crate::{Problem, scan::FIRST_SEQUENCE, wire::Clock};

/// How many symbols trade.
pub(crate) const SYMBOLS: u32 = 100;

/// How long the server may take to connect.
const CONNECTED: Duration = Duration::from_secs(10);

/// The source, until it is dropped.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its address for the server.
    pub(crate) feed: String,
    orders: Sender<Order>,
    connected: Receiver<()>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

/// Rounds of trades: one of each symbol.
#[derive(Debug, Clone, Copy)]
struct Order {
    /// When the first one is due, on the clock of the load, in nanoseconds.
    start: u64,
    period: u64,
    rounds: u32,
}

impl Source {
    /// A source that waits for the server. Once it has connected there is one trade of each symbol, with the first
    /// sequence number as its size; every further trade has the size 1, so that a quote's volume is its number.
    ///
    /// If there is no port for it.
    /// Where there is no port for it.
    pub(crate) fn start(clock: Clock) -> Result<Self, Problem> {
        let fail = |error: io::Error| format!("cannot listen for the server: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let names: Vec<String> = (0..SYMBOLS).map(name).collect();
        let (orders, received) = channel();
        let (report, connected) = channel();
        let thread = thread::spawn(move || play(&listener, &clock, &report, &received));
        Ok(Source {
            feed: format!("binance:{}?url=ws://{address}/stream", names.join(",")),
            orders,
            connected,
            thread: Some(thread),
        })
    }

    /// Waits until the server has connected.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn await_connection(&self) -> Result<(), Problem> {
        self.connected
            .recv_timeout(CONNECTED)
            .map_err(|_| format!("the server did not connect to its source within {CONNECTED:?}"))
    }

    /// Sends so many rounds, the first one at `start`.
    pub(crate) fn send(&self, start: u64, period: Duration, rounds: u32) {
        let period = period.as_nanos() as u64;
        // If the thread has ended, nothing will arrive, and the figures show that.
        let _ = self.orders.send(Order {
            start,
            period,
            rounds,
        });
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.orders = channel().0;
        // A server that never connected is waited for no longer: the process ends with it.
        if self.connected.try_recv().is_ok()
            || self.thread.as_ref().is_some_and(JoinHandle::is_finished)
        {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

fn name(symbol: u32) -> String {
    format!("FEED{symbol:03}")
}

fn play(
    listener: &TcpListener,
    clock: &Clock,
    connected: &Sender<()>,
    orders: &Receiver<Order>,
) -> Result<(), String> {
    let (stream, _) = listener.accept().map_err(|error| error.to_string())?;
    let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    let mut number = 0;
    round(&mut socket, &mut number).map_err(|error| error.to_string())?;
    let _ = connected.send(());
    for order in orders {
        for index in 0..order.rounds {
            let due = order.start + u64::from(index) * order.period;
            let now = clock.now();
            if due > now {
                thread::sleep(Duration::from_nanos(due - now));
            }
            round(&mut socket, &mut number).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn round(socket: &mut WebSocket<TcpStream>, number: &mut u32) -> Result<(), Error> {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    for symbol in 0..SYMBOLS {
        let size = if *number < SYMBOLS { FIRST_SEQUENCE } else { 1 };
        let name = name(symbol);
        let cents = 10 + *number % 80;
        let mut text = String::with_capacity(200);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            r#"{{"stream":"{}@trade","data":{{"e":"trade","E":{time},"s":"{name}","t":{number},"p":"597.{cents}","q":"{size}","T":{time},"m":true,"M":true}}}}"#,
            name.to_ascii_lowercase(),
        );
        *number += 1;
        socket.write(Message::text(text))?;
    }
    socket.flush()
}
