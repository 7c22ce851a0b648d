//! All connections, on one thread with one epoll.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::{
    event::{
        PollFd, PollFlags, Timespec,
        epoll::{self, CreateFlags, EventData, EventFlags},
        poll,
    },
    io::Errno,
};

use crate::{
    Problem,
    latencies::Latencies,
    payload::{MARKERS, Payload},
    response::{Head, Part, Response},
    scan::{Found, Scanner, Tail},
    servers::Server,
};

/// How many ready connections are read before the publisher has its turn.
const READY: usize = 64;

/// How many streams may be waiting for the head of their response: fewer than the shortest usual queue of connections,
/// 128, so that none of them waits for a repeated packet.
const OPENING: usize = 64;

/// How long opening all streams may take.
const OPEN: Duration = Duration::from_secs(60);

/// The most that one read takes.
const READ_BYTES: usize = 256 * 1024;

/// The longest wait without checking whether the run was interrupted.
const WAIT: u64 = 100_000_000;

/// The publisher's token; a subscriber's is its place.
const PUBLISHER: u64 = u64::MAX;

/// Nanoseconds since the program began.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn new() -> Self {
        Clock(Instant::now())
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// The publications of a run, and the evaluation of what arrives.
pub(crate) trait Work {
    /// The next publication; called whenever the publisher has nothing in flight.
    fn due(&mut self, now: u64) -> Due;

    /// A subscriber has received an event.
    fn received(&mut self, subscriber: usize, found: Found, at: u64);

    /// Other work that is due at this moment, and when that is so again.
    fn turn(&mut self, now: u64) -> NextStep;
}

/// See [`Work::due`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Now(Payload),
    At(u64),
    Never,
}

/// See [`Work::turn`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// At this moment.
    At(u64),
    /// Now: this poller polls again. See [`Driver::poll`].
    Poll(usize),
    Done,
}

/// The totals of all subscribers.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) bytes: u64,
    /// The reads that found something.
    pub(crate) reads: u64,
    /// The connections that the server has ended.
    pub(crate) ended: u64,
    /// The requests of pollers, in bytes.
    pub(crate) polled: u64,
    /// The polls that were skipped because the last answer was still missing.
    pub(crate) late: u64,
}

/// The subscribers and the publisher of one server.
pub(crate) struct Driver {
    pub(crate) clock: Clock,
    pub(crate) traffic: Traffic,
    /// From each event's sending to its answer.
    pub(crate) answers: Latencies,
    epoll: OwnedFd,
    scanner: Scanner,
    subscribers: Vec<Subscriber>,
    publisher: Publisher,
    buffer: Vec<u8>,
    /// An answer is not a stream, and another follows it on the same connection.
    polls: bool,
    interrupted: Arc<AtomicBool>,
}

struct Subscriber {
    socket: Option<TcpStream>,
    response: Response,
    tail: Tail,
    /// The last answer of a poller, and whether it waits for another.
    etag: Option<String>,
    waits: bool,
}

impl Driver {
    /// Connects a publisher.
    ///
    /// # Errors
    /// If the server accepts no connection.
    pub(crate) fn new(
        server: &Server,
        clock: Clock,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, Problem> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
        let publisher = Publisher::connect(server, &epoll)?;
        Ok(Driver {
            clock,
            traffic: Traffic::default(),
            answers: Latencies::new(),
            epoll,
            scanner: Scanner::new(&MARKERS),
            subscribers: Vec::new(),
            publisher,
            buffer: vec![0; READ_BYTES],
            polls: false,
            interrupted,
        })
    }

    /// Opens streams, a few at once, until so many are open.
    ///
    /// # Errors
    /// If one is refused, or they are not open in time.
    pub(crate) fn subscribe(
        &mut self,
        server: &Server,
        count: usize,
        request: impl Fn(usize) -> String,
    ) -> Result<(), Problem> {
        let fail = |error: io::Error| format!("cannot connect to {}: {error}", server.address);
        let started = self.clock.now();
        let mut opened = self.subscribers.len();
        while opened < count {
            while self.subscribers.len() < count && self.subscribers.len() < opened + OPENING {
                let place = self.subscribers.len();
                let mut socket = TcpStream::connect(server.address).map_err(fail)?;
                socket.write_all(request(place).as_bytes()).map_err(fail)?;
                socket.set_nonblocking(true).map_err(fail)?;
                epoll::add(
                    &self.epoll,
                    &socket,
                    EventData::new_u64(place as u64),
                    EventFlags::IN | EventFlags::RDHUP | EventFlags::ET,
                )
                .map_err(|error| fail(error.into()))?;
                self.subscribers.push(Subscriber {
                    socket: Some(socket),
                    response: Response::default(),
                    tail: Tail::default(),
                    etag: None,
                    waits: true,
                });
            }
            let now = self.clock.now();
            if now - started > OPEN.as_nanos() as u64 {
                return Err(format!(
                    "{opened} of {count} streams were open after {} s",
                    OPEN.as_secs()
                ));
            }
            for token in self.wait(now + WAIT)? {
                if token != PUBLISHER {
                    let heads = self.read(token as usize, |_, _, _| {})?;
                    opened += heads;
                }
            }
            if self.traffic.ended > 0 {
                return Err(format!(
                    "the server ended a stream while {opened} of {count} were open"
                ));
            }
        }
        Ok(())
    }

    /// Opens connections as [`Driver::subscribe`] does, for clients that poll the plain quote.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn poll(&mut self, server: &Server, count: usize) -> Result<(), Problem> {
        self.polls = true;
        self.subscribe(server, count, |_| server.poll(None))
    }

    fn poll_quote(&mut self, server: &Server, place: usize) -> Result<(), Problem> {
        let poller = &mut self.subscribers[place];
        let Some(socket) = &mut poller.socket else {
            return Ok(());
        };
        if poller.waits {
            self.traffic.late += 1;
            return Ok(());
        }
        let request = server.poll(poller.etag.as_deref());
        socket
            .write_all(request.as_bytes())
            .map_err(|error| format!("cannot ask: {error}"))?;
        poller.waits = true;
        self.traffic.polled += request.len() as u64;
        Ok(())
    }

    /// Publishes and receives until the work is done.
    ///
    /// # Errors
    /// If the server answers the publisher with an error or invalid HTTP, or the run is interrupted.
    pub(crate) fn drive(&mut self, server: &Server, work: &mut impl Work) -> Result<(), Problem> {
        loop {
            let now = self.clock.now();
            let mut wake = match work.turn(now) {
                NextStep::At(at) => at,
                NextStep::Poll(place) => {
                    self.poll_quote(server, place)?;
                    now
                }
                NextStep::Done => return Ok(()),
            };
            if self.publisher.sent.is_none() {
                match work.due(now) {
                    Due::Now(payload) => {
                        self.publisher.send(server, payload, now)?;
                    }
                    Due::At(at) => wake = wake.min(at),
                    Due::Never => {}
                }
            }
            let ready = self.wait(wake)?;
            for &token in &ready {
                if token != PUBLISHER {
                    self.read(token as usize, |subscriber, found, at| {
                        work.received(subscriber, found, at);
                    })?;
                }
            }
            // It has its turn after a few reads even if thousands are ready before it.
            if !ready.is_empty()
                && let Some(sent) = self.publisher.sent
                && self.publisher.receive(server, &self.epoll)?
            {
                self.answers.record(self.clock.now() - sent);
            }
        }
    }

    /// Waits until a connection is ready, at most until a moment.
    fn wait(&self, until: u64) -> Result<Vec<u64>, Problem> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err("interrupted".to_owned());
        }
        let mut events = Vec::with_capacity(READY);
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut look = || match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&now),
        ) {
            Ok(count) => Ok(count),
            Err(Errno::INTR) => Ok(0),
            Err(error) => Err(error.to_string()),
        };
        if look()? == 0 {
            // epoll's own wait counts milliseconds; an epoll can itself be waited for, in nanoseconds.
            let wait = until.saturating_sub(self.clock.now()).min(WAIT);
            let timeout = Timespec {
                tv_sec: 0,
                tv_nsec: wait as _,
            };
            if wait > 0 {
                let mut this = [PollFd::new(&self.epoll, PollFlags::IN)];
                match poll(&mut this, Some(&timeout)) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.to_string()),
                }
                look()?;
            }
        }
        Ok(events.iter().map(|event| event.data.u64()).collect())
    }

    /// Reads everything that waits for a subscriber, and returns how many heads were among it.
    fn read(
        &mut self,
        place: usize,
        mut received: impl FnMut(usize, Found, u64),
    ) -> Result<usize, Problem> {
        let subscriber = &mut self.subscribers[place];
        let mut heads = 0;
        while let Some(socket) = &mut subscriber.socket {
            let count = match socket.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if count == 0 {
                subscriber.socket = None;
                self.traffic.ended += 1;
                break;
            }
            let at = self.clock.now();
            self.traffic.bytes += count as u64;
            self.traffic.reads += 1;
            let (mut refused, mut complete) = (None, false);
            let (scanner, tail) = (&self.scanner, &mut subscriber.tail);
            let (etag, waits, polls) = (&mut subscriber.etag, &mut subscriber.waits, self.polls);
            subscriber
                .response
                .read(&self.buffer[..count], |part| match part {
                    Part::Head(head) if head.status == 200 || (polls && head.status == 304) => {
                        heads += 1;
                        *etag = head.etag;
                    }
                    Part::Head(head) => refused = Some(head.status),
                    Part::Body(body) => {
                        scanner.scan(tail, body, |found| received(place, found, at))
                    }
                    Part::End => complete = true,
                })?;
            if let Some(status) = refused {
                return Err(format!("a subscriber was answered {status}"));
            }
            *waits &= !complete;
            if complete && !polls {
                subscriber.socket = None;
                self.traffic.ended += 1;
            }
            // Less than there was room for: the rest will be announced.
            if count < self.buffer.len() {
                break;
            }
        }
        Ok(heads)
    }
}

/// One connection that is kept, and one event at a time on it.
struct Publisher {
    socket: TcpStream,
    response: Response,
    /// When the unanswered event was sent.
    sent: Option<u64>,
    answer: Option<Head>,
    body: Vec<u8>,
}

impl Publisher {
    fn connect(server: &Server, epoll: &OwnedFd) -> Result<Self, Problem> {
        let fail = |error: io::Error| format!("cannot connect to {}: {error}", server.address);
        let socket = TcpStream::connect(server.address).map_err(fail)?;
        socket.set_nodelay(true).map_err(fail)?;
        socket.set_nonblocking(true).map_err(fail)?;
        epoll::add(
            epoll,
            &socket,
            EventData::new_u64(PUBLISHER),
            EventFlags::IN | EventFlags::RDHUP | EventFlags::ET,
        )
        .map_err(|error| fail(error.into()))?;
        Ok(Publisher {
            socket,
            response: Response::default(),
            sent: None,
            answer: None,
            body: Vec::new(),
        })
    }

    fn send(&mut self, server: &Server, payload: Payload, now: u64) -> Result<(), Problem> {
        // A few hundred bytes always fit, because everything before them has been answered.
        self.socket
            .write_all(server.publish(payload).as_bytes())
            .map_err(|error| format!("cannot publish: {error}"))?;
        self.sent = Some(now);
        self.body.clear();
        Ok(())
    }

    /// Reads what is there of the answer, and returns whether it is complete.
    fn receive(&mut self, server: &Server, epoll: &OwnedFd) -> Result<bool, Problem> {
        let mut buffer = [0; 4096];
        let count = match self.socket.read(&mut buffer) {
            Ok(0) => return Err("the server ended the publisher's connection".to_owned()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => {
                return Err(format!(
                    "cannot read the answer to what was published: {error}"
                ));
            }
        };
        let (answer, body) = (&mut self.answer, &mut self.body);
        let mut complete = false;
        self.response.read(&buffer[..count], |part| match part {
            Part::Head(head) => *answer = Some(head),
            Part::Body(piece) => body.extend_from_slice(piece),
            Part::End => complete = true,
        })?;
        if !complete {
            return Ok(false);
        }
        let status = self.answer.as_ref().map_or(0, |head| head.status);
        if !(200..300).contains(&status) {
            let body = String::from_utf8_lossy(&self.body);
            return Err(format!("the publication was answered {status}: {body}"));
        }
        self.sent = None;
        // Before the next event is due, not only then.
        if self.answer.take_if(|head| head.closes).is_some() {
            *self = Publisher::connect(server, epoll)?;
        }
        Ok(true)
    }
}
