//! Connections of clients: bounded in number, and closed when nothing moves on them.
//!
//! Clients must not take the descriptors that the database and the peers need: a node that cannot open a file for a block
//! stops. So the process first takes as many descriptors as it may have, and leaves clients what the rest does not need.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

use super::tls::{Stream, Tls};

/// The most connections at once, and the least that any system allows for.
const CONNECTIONS_MAX: u64 = 4_096;
const CONNECTIONS_MIN: u64 = 64;
/// The most connections at once of an interface for a department's own systems.
pub(super) const DEPARTMENT_CONNECTIONS_MAX: usize = 128;
/// Descriptors for the database (512 files and its logs), the peers, a department's own systems and everything else.
const RESERVED_DESCRIPTORS: u64 = 1_024;
/// How long nothing may move on a connection. Longer than any request may take.
const STALLED_AFTER: Duration = Duration::from_secs(75);

/// Takes as many descriptors as the system grants this process. Returns how many connections of clients that leaves room for.
pub fn connections_allowed() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _as_it_is = setrlimit(Resource::Nofile, raised);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    descriptors.saturating_sub(RESERVED_DESCRIPTORS).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX) as usize
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A listener that accepts no more connections than it has room for; further ones wait in the system's queue.
pub(super) struct Bounded {
    listener: TcpListener,
    tls: Option<Tls>,
    room: Arc<Semaphore>,
}

impl Bounded {
    /// With room for `connections`, by TLS or plain.
    pub(super) fn new(listener: TcpListener, tls: Option<Tls>, connections: usize) -> Self {
        Self { listener, tls, room: Arc::new(Semaphore::new(connections)) }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed; without a permit the connection would only not be counted.
        let room = self.room.clone().acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let stream = match &self.tls {
            Some(tls) => tls.accept(stream),
            None => Stream::Plain(stream),
        };
        let now = Instant::now();
        let alarm = Box::pin(tokio::time::sleep_until(now + STALLED_AFTER));
        (Connection { stream, alarm, moved: now, _room: room }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A client's connection, which fails when nothing has moved on it for [`STALLED_AFTER`].
pub(super) struct Connection {
    stream: Stream,
    alarm: Pin<Box<Sleep>>,
    /// When something moved last.
    moved: Instant,
    _room: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn watched<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.moved = Instant::now();
            return polled;
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let stalled_at = self.moved + STALLED_AFTER;
            if Instant::now() >= stalled_at {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(stalled_at);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.watched(cx, polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watched(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
