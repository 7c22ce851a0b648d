//! The same events for every subscriber: at a fixed rate, and 16 in flight.

use std::time::Duration;

use super::{DRAIN, Due, Mode, NextStep, Payload, Row, Run, Setting, Work};
use crate::{
    Problem,
    latencies::Latencies,
    payload::{NEWS, Topic},
    programs::Kind,
    scan::Found,
    schedule::{Flight, Receipts, Schedule},
};

/// How many events are in flight in the closed loop.
const IN_FLIGHT: u32 = 16;

/// How long a server runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// One server with so many subscribers, at each rate and in a closed loop.
pub(crate) fn run(
    setting: &Setting,
    kind: Kind,
    subscribers: usize,
    rates: &[f64],
    closed: bool,
    rows: &mut Vec<Row>,
) -> Result<(), Problem> {
    let mut run = Run::start(setting, kind, Topic::One)?;
    run.subscribe(Topic::One, subscribers)?;
    run.settle(subscribers)?;
    for &rate in rates {
        let a_second = rate / subscribers as f64;
        let mut warm_up = Open::new(&mut run, subscribers, a_second, WARM_UP)?;
        run.drive(&mut warm_up)?;
        let mut open = Open::new(&mut run, subscribers, a_second, setting.measured)?;
        let cost = run.measure(&mut open)?;
        let mut row = Row::new(
            Mode::Open,
            kind,
            subscribers,
            format!("{:.0} k deliveries/s", rate / 1e3),
        );
        row.set_cost(&cost, open.receipts.received);
        row.set_latencies(&open.latencies);
        check(&mut row, &run, &open.receipts, open.published);
        rows.push(row);
    }
    if closed {
        let mut warm_up = Closed::new(&mut run, subscribers, WARM_UP)?;
        run.drive(&mut warm_up)?;
        run.sequences(warm_up.published())?;
        let mut closed = Closed::new(&mut run, subscribers, setting.measured)?;
        let cost = run.measure(&mut closed)?;
        run.sequences(closed.published())?;
        let mut row = Row::new(Mode::Closed, kind, subscribers, "16 in flight");
        row.set_cost(&cost, closed.receipts.received);
        row.set_latencies(&closed.latencies);
        check(&mut row, &run, &closed.receipts, closed.published());
        rows.push(row);
    }
    Ok(())
}

/// Every subscriber must have received everything, once.
fn check(row: &mut Row, run: &Run, receipts: &Receipts, published: u32) {
    let expected = u64::from(published) * row.subscribers as u64;
    if receipts.received != expected {
        row.mark(format!("{} of {expected} deliveries", receipts.received));
    }
    if receipts.missed > 0 {
        row.mark(format!("{} missed", receipts.missed));
    }
    if receipts.twice > 0 {
        row.mark(format!("{} twice", receipts.twice));
    }
    if run.driver.traffic.ended > 0 {
        row.mark(format!("{} streams ended", run.driver.traffic.ended));
    }
}

/// Events on a schedule that nothing delays.
#[derive(Debug)]
pub(crate) struct Open {
    schedule: Schedule,
    count: u32,
    published: u32,
    base: u32,
    expected: u64,
    deadline: u64,
    pub(crate) receipts: Receipts,
    latencies: Latencies,
}

impl Open {
    /// So many events a second, for a time, but at least one.
    pub(crate) fn new(
        run: &mut Run,
        subscribers: usize,
        a_second: f64,
        time: Duration,
    ) -> Result<Self, Problem> {
        let now = run.driver.clock.now();
        let schedule = Schedule::new(now, a_second);
        let count = schedule.count(time).max(1);
        let base = run.sequences(count)?;
        Ok(Open {
            schedule,
            count,
            published: 0,
            base,
            expected: u64::from(count) * subscribers as u64,
            deadline: schedule.due(count) + DRAIN.as_nanos() as u64,
            receipts: Receipts::new(subscribers, base),
            latencies: Latencies::new(),
        })
    }
}

impl Run {
    /// Sends one story to all, and waits until all have it: by then a server has done all the work that a new
    /// subscriber causes.
    pub(crate) fn settle(&mut self, subscribers: usize) -> Result<(), Problem> {
        let mut all = Open::new(self, subscribers, 1.0, Duration::from_secs(1))?;
        self.drive(&mut all)?;
        let received = all.receipts.received;
        if received == subscribers as u64 {
            Ok(())
        } else {
            Err(format!(
                "{received} of {subscribers} subscribers received the first event"
            ))
        }
    }
}

impl Work for Open {
    fn due(&mut self, now: u64) -> Due {
        if self.published == self.count {
            return Due::Never;
        }
        let at = self.schedule.due(self.published);
        if at > now {
            return Due::At(at);
        }
        self.published += 1;
        Due::Now(Payload::News(self.base + self.published - 1))
    }

    fn received(&mut self, subscriber: usize, found: Found, at: u64) {
        if found.marker != NEWS {
            return;
        }
        if let Some(place) = self.receipts.receive(subscriber, found.sequence) {
            self.latencies
                .record(at.saturating_sub(self.schedule.due(place)));
        }
    }

    fn turn(&mut self, now: u64) -> NextStep {
        if self.receipts.received >= self.expected || now >= self.deadline {
            NextStep::Done
        } else {
            NextStep::At(self.deadline)
        }
    }
}

/// A new event whenever fewer than 16 have not reached every subscriber.
#[derive(Debug)]
struct Closed {
    flight: Flight,
    base: u32,
    /// When each event was published: it is due when there is room for it.
    due: Vec<u64>,
    end: u64,
    receipts: Receipts,
    latencies: Latencies,
}

impl Closed {
    /// The number of events is known at its end.
    fn new(run: &mut Run, subscribers: usize, time: Duration) -> Result<Self, Problem> {
        let base = run.sequences(0)?;
        Ok(Closed {
            flight: Flight::new(subscribers as u32),
            base,
            due: Vec::new(),
            end: run.driver.clock.now() + time.as_nanos() as u64,
            receipts: Receipts::new(subscribers, base),
            latencies: Latencies::new(),
        })
    }

    fn published(&self) -> u32 {
        self.due.len() as u32
    }

    /// Whether nothing more is published: the time is up, and there was room for as many events as may be in flight.
    fn is_over(&self, now: u64) -> bool {
        now >= self.end && self.published() >= IN_FLIGHT
    }
}

impl Work for Closed {
    fn due(&mut self, now: u64) -> Due {
        if self.is_over(now) || self.flight.len() >= IN_FLIGHT {
            return Due::Never;
        }
        self.flight.publish();
        self.due.push(now);
        Due::Now(Payload::News(self.base + self.published() - 1))
    }

    fn received(&mut self, subscriber: usize, found: Found, at: u64) {
        if found.marker != NEWS {
            return;
        }
        if let Some(place) = self.receipts.receive(subscriber, found.sequence) {
            self.flight.receive(place);
            if let Some(due) = self.due.get(place as usize) {
                self.latencies.record(at.saturating_sub(*due));
            }
        }
    }

    fn turn(&mut self, now: u64) -> NextStep {
        let deadline = self.end + DRAIN.as_nanos() as u64;
        if now >= deadline || (self.is_over(now) && self.flight.len() == 0) {
            NextStep::Done
        } else if now < self.end {
            NextStep::At(self.end)
        } else {
            NextStep::At(deadline)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::{SocketAddr, TcpListener, TcpStream},
        sync::{Arc, Mutex, atomic::AtomicBool},
        thread,
    };

    use super::*;
    use crate::{
        scan::FIRST_SEQUENCE,
        servers::Server,
        wire::{Clock, Driver},
    };

    const SUBSCRIBERS: usize = 70;

    /// A server of events that writes every event in two pieces, each in a chunk; `times` returns how often each
    /// subscriber gets the event of a place.
    fn serve(times: fn(usize, usize) -> usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let streams = streams.clone();
                thread::spawn(move || answer(connection.unwrap(), &streams, times));
            }
        });
        address
    }

    fn answer(
        mut connection: TcpStream,
        streams: &Mutex<Vec<TcpStream>>,
        times: fn(usize, usize) -> usize,
    ) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        for place in 0.. {
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                head.push_str(&std::mem::take(&mut line));
            }
            if head.starts_with("GET") {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\n";
                let mut streams = streams.lock().unwrap();
                connection.write_all(head).unwrap();
                streams.push(connection);
                return;
            }
            let Some((_, length)) = head.split_once("Content-Length: ") else {
                return;
            };
            let mut data = vec![0; length.trim().parse().unwrap()];
            reader.read_exact(&mut data).unwrap();
            let event = [b"data: ", data.as_slice(), b"\n\n"].concat();
            let (one, two) = event.split_at(15);
            for (subscriber, stream) in streams.lock().unwrap().iter_mut().enumerate() {
                for _ in 0..times(subscriber, place) {
                    for piece in [one, two] {
                        let size = format!("{:x}\r\n", piece.len());
                        let chunk = [size.as_bytes(), piece, b"\r\n"].concat();
                        stream.write_all(&chunk).unwrap();
                    }
                }
            }
            connection
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .unwrap();
        }
    }

    fn subscribed(times: fn(usize, usize) -> usize) -> Run {
        let server = Server::stand_in(serve(times));
        let interrupted = Arc::new(AtomicBool::new(false));
        let driver = Driver::new(&server, Clock::new(), interrupted).unwrap();
        let mut run = Run {
            driver,
            server,
            next_sequence: FIRST_SEQUENCE,
        };
        run.subscribe(Topic::One, SUBSCRIBERS).unwrap();
        run
    }

    fn marks(run: &Run, receipts: &Receipts, published: u32) -> Vec<String> {
        let mut row = Row::new(Mode::Open, Kind::AxumBroadcast, SUBSCRIBERS, "");
        check(&mut row, run, receipts, published);
        row.marks
    }

    #[test]
    fn every_delivery_is_counted_once() {
        let mut run = subscribed(|_, _| 1);
        let mut open = Open::new(&mut run, SUBSCRIBERS, 500.0, Duration::from_millis(40)).unwrap();
        run.measure(&mut open).unwrap();
        assert_eq!(open.published, 20);
        assert_eq!(marks(&run, &open.receipts, 20), [""; 0]);
        assert!(open.latencies.milliseconds(0.5) > 0.0);

        let mut closed = Closed::new(&mut run, SUBSCRIBERS, Duration::from_millis(40)).unwrap();
        run.measure(&mut closed).unwrap();
        assert!(closed.published() >= IN_FLIGHT);
        assert_eq!(marks(&run, &closed.receipts, closed.published()), [""; 0]);
    }

    #[test]
    fn what_is_lost_or_comes_twice_is_marked() {
        // The third of four events does not come to one subscriber and comes twice to another.
        let mut run = subscribed(|subscriber, place| match (subscriber, place) {
            (7, 2) => 0,
            (9, 2) => 2,
            _ => 1,
        });
        let mut open = Open::new(&mut run, SUBSCRIBERS, 500.0, Duration::from_millis(8)).unwrap();
        // One delivery is missing for ever: nothing has to wait for it here.
        open.expected -= 1;
        run.drive(&mut open).unwrap();
        let expected = SUBSCRIBERS * 4;
        assert_eq!(
            marks(&run, &open.receipts, open.published),
            [
                format!("{} of {expected} deliveries", expected - 1),
                "1 missed".to_owned(),
                "1 twice".to_owned(),
            ]
        );
    }
}
