//! The gate of a connection: it parses every head before hyper does, and passes on what hyper is to answer.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::Request;
use bytes::{Buf, BytesMut};
use hyper::rt::ReadBufCursor;
use socket2::SockRef;
use tokio::{
    io::AsyncWrite,
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::{
    chunks::Chunks,
    exchange::Exchange,
    head::{self, Body},
    request::Refused,
    settings::{LINGER, Settings},
    stall::Stall,
};

/// How much is read at a time.
const READ_BYTES: usize = 8 * 1024;

/// What is known of the next request.
#[derive(Debug)]
pub(super) enum Next {
    /// hyper is to answer it.
    Plain,
    /// It may be answered by a stream; whether the connection may continue otherwise.
    Stream(Box<Request<()>>, bool),
    /// It is refused, for this reason.
    Refused(Refused),
    /// There is none, and will be none.
    Closed,
}

/// The gate's position in the received bytes.
#[derive(Debug, Clone, Copy)]
enum Position {
    /// At the beginning of a head.
    Head,
    /// So many bytes of a request, including its head, are to be passed on.
    Within(u64),
    /// In a request whose end only hyper determines. It is the connection's last.
    Last,
}

/// A socket whose requests are checked as they arrive.
pub(super) struct Gate {
    tcp: TcpStream,
    settings: Arc<Settings>,
    /// Bytes that were read and not passed on.
    unread: BytesMut,
    /// How much of it is known not to be a complete head.
    seen: usize,
    position: Position,
    next: Option<Next>,
    /// The deadline of the next head.
    late: Pin<Box<Sleep>>,
    /// Whether `late` is about a head that has begun; otherwise about the wait for one.
    begun: bool,
    /// Whether the other end will send no more. Until the request has been answered, that does not mean that it has
    /// left.
    left: bool,
    exchange: Arc<Exchange>,
    stall: Stall,
    /// The state of a body that ends with its last chunk.
    chunks: Option<Box<Chunks>>,
    /// Whether the other end was closed, because it read too little.
    gave_up: bool,
}

impl Gate {
    pub(super) fn new(tcp: TcpStream, settings: Arc<Settings>) -> Self {
        Gate {
            late: Box::pin(tokio::time::sleep(settings.head_timeout)),
            tcp,
            settings,
            unread: BytesMut::new(),
            seen: 0,
            position: Position::Head,
            next: None,
            begun: true,
            left: false,
            exchange: Arc::default(),
            stall: Stall::default(),
            chunks: None,
            gave_up: false,
        }
    }

    pub(super) fn exchange(&self) -> Arc<Exchange> {
        Arc::clone(&self.exchange)
    }

    /// Whether the other end was closed, because it read too little.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// The socket alone.
    pub(super) fn into_socket(self) -> TcpStream {
        self.tcp
    }

    /// Whether the other end may still be sending bytes that will not be read.
    pub(super) fn is_sent_to(&self) -> bool {
        match self.position {
            Position::Within(left) => left > 0 || !self.unread.is_empty(),
            Position::Last => true,
            Position::Head => false,
        }
    }

    /// Waits for the next request.
    pub(super) async fn next(&mut self) -> Next {
        std::future::poll_fn(|context| {
            if self.next.is_none() {
                self.next = Some(ready!(self.poll_next(context)));
            }
            Poll::Ready(())
        })
        .await;
        self.take().unwrap_or(Next::Closed)
    }

    /// The request at which hyper received the end of input.
    pub(super) fn take(&mut self) -> Option<Next> {
        self.next.take()
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        loop {
            if self.unread.len() > self.seen {
                match head::parse(&self.unread) {
                    Ok(Some(head)) => return Poll::Ready(self.enter(head)),
                    Ok(None) => self.seen = self.unread.len(),
                    Err(why) => return Poll::Ready(Next::Refused(why)),
                }
                if self.unread.len() >= self.settings.head_bytes {
                    return Poll::Ready(self.too_long());
                }
            }
            if !self.begun && !self.unread.is_empty() {
                self.begun = true;
                let at = Instant::now() + self.settings.head_timeout;
                self.late.as_mut().reset(at);
            }
            if self.late.as_mut().poll(context).is_ready() {
                return Poll::Ready(Next::Closed);
            }
            match ready!(self.poll_fill(context)) {
                Ok(0) | Err(_) => return Poll::Ready(Next::Closed),
                Ok(_) => {}
            }
        }
    }

    /// A head is complete: prepares for what follows it.
    fn enter(&mut self, head: head::Head) -> Next {
        self.seen = 0;
        if head.len > self.settings.head_bytes {
            return self.too_long();
        }
        if let Err(refused) = self.may_be_answered(&head) {
            return Next::Refused(refused);
        }
        self.left = false;
        if let Some(request) = head.stream {
            self.unread.advance(head.len);
            self.rest();
            return Next::Stream(Box::new(request), head.keep_alive);
        }
        self.exchange.begin(head.body == Body::Chunked);
        self.position = match head.body {
            Body::Length(length) => Position::Within(length.saturating_add(head.len as u64)),
            Body::Chunked => Position::Last,
        };
        Next::Plain
    }

    fn too_long(&self) -> Next {
        let most = self.settings.head_bytes;
        Next::Refused(Refused::Malformed(format!(
            "the head is too long: expected at most {most} bytes"
        )))
    }

    /// Refuses a head for another host, and one whose body begins with an error as far as it is here.
    fn may_be_answered(&mut self, head: &head::Head) -> Result<(), Refused> {
        let hosts = &self.settings.hosts;
        if !hosts.is_open() {
            let local = self.tcp.local_addr().ok().map(|local| local.ip());
            let foreign = head.hosts.iter().find(|host| !hosts.serve(host, local));
            if let Some(host) = foreign {
                return Err(Refused::Misdirected(format!(
                    "{host} is no name of this server: expected one that it was started with, as --host"
                )));
            }
        }
        if head.body == Body::Chunked {
            let mut chunks = Box::<Chunks>::default();
            chunks
                .look(&self.unread[head.len..])
                .map_err(Refused::Malformed)?;
            self.chunks = Some(chunks);
        }
        Ok(())
    }

    /// Checks more of a chunked body, of which nothing has been passed on yet.
    fn look(&mut self) -> io::Result<()> {
        let Some(chunks) = &mut self.chunks else {
            return Ok(());
        };
        chunks
            .look(&self.unread)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
    }

    /// The next head may be a while away.
    fn rest(&mut self) {
        self.begun = false;
        let idle = Instant::now() + self.settings.idle_timeout;
        self.late.as_mut().reset(idle);
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_read_ready(context))?;
            self.unread.reserve(READ_BYTES);
            match self.tcp.try_read_buf(&mut self.unread) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    /// Reads more. The end of input is reported with a delay: hyper drops the answer that it is about to send when it
    /// receives it, and a client that has closed only its half waits for the answer.
    fn poll_fill_or_left(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.left {
            match ready!(self.poll_fill(context)) {
                Ok(0) => {
                    self.left = true;
                    self.late.as_mut().reset(Instant::now() + LINGER);
                }
                read => return Poll::Ready(read),
            }
        }
        self.late.as_mut().poll(context).map(|()| Ok(0))
    }

    /// Passes on up to `most` bytes of the input.
    fn pass(&mut self, out: &mut ReadBufCursor<'_>, most: u64) -> usize {
        let count = self
            .unread
            .len()
            .min(out.remaining())
            .min(usize::try_from(most).unwrap_or(usize::MAX));
        out.put_slice(&self.unread[..count]);
        self.unread.advance(count);
        count
    }

    /// Writes all of `bytes`.
    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count =
                std::future::poll_fn(|context| self.poll_write_bytes(context, bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// The result of a write: if the socket accepts nothing, an error once that has lasted too long.
    fn or_stalled(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let written = match written {
            Poll::Pending => {
                let error = ready!(self.stall.poll(context, &self.settings));
                self.gave_up = true;
                // The system is to discard at once what was not accepted.
                let _ = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
                return Poll::Ready(Err(error));
            }
            Poll::Ready(written) => written,
        };
        let was_on = self.stall.is_on();
        if let Ok(bytes) = written {
            self.stall.took(bytes, &self.settings);
        }
        if was_on {
            // Input that waited for that, behind the answer, is checked again; hyper does not do so by itself.
            context.waker().wake_by_ref();
        }
        Poll::Ready(written)
    }

    fn poll_write_bytes(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.or_stalled(context, written)
    }
}

impl hyper::rt::Read for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut out: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match this.position {
                Position::Within(0) if this.exchange.is_busy() || this.stall.is_on() => {
                    // A request that arrives before its predecessor is answered waits here; hyper polls meanwhile only
                    // to notice an end. An answer that the socket has not accepted is not over, though hyper has read
                    // its body to the end.
                    this.exchange.waiting.register(context.waker());
                    if this.unread.len() >= this.settings.head_bytes {
                        return Poll::Pending;
                    }
                    if ready!(this.poll_fill_or_left(context))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Position::Within(0) => {
                    this.position = Position::Head;
                    this.rest();
                }
                Position::Within(left) => {
                    if this.unread.is_empty() && ready!(this.poll_fill(context))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    let count = this.pass(&mut out, left);
                    this.position = Position::Within(left - count as u64);
                    return Poll::Ready(Ok(()));
                }
                Position::Last => {
                    if this.unread.is_empty() {
                        if ready!(this.poll_fill_or_left(context))? == 0 {
                            return Poll::Ready(Ok(()));
                        }
                        this.look()?;
                    }
                    this.pass(&mut out, u64::MAX);
                    return Poll::Ready(Ok(()));
                }
                Position::Head => {
                    if this.next.is_none() {
                        this.next = Some(ready!(this.poll_next(context)));
                    }
                    match this.next {
                        Some(Next::Plain) => this.next = None,
                        // For hyper this is the end.
                        _ => return Poll::Ready(Ok(())),
                    }
                }
            }
        }
    }
}

impl hyper::rt::Write for Gate {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_bytes(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.next {
            Some(Next::Stream(..) | Next::Refused(_)) => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.tcp).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.tcp).poll_write_vectored(context, slices);
        this.or_stalled(context, written)
    }
}
