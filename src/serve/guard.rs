//! A connection that is cut when the other side is too slow.
//!
//! hyper has one time-out for the head of a request, and it also runs between requests: 5 s there would cut every
//! keep-alive connection of a scraper. This wrapper times the head from its first byte, and writes that do not advance;
//! hyper's own time-out is left for idle connections.
//!
//! It counts what it cuts by itself, for hyper takes an error before the first byte for a normal end.
//!
//! Invariant: no byte is changed; the only thing added is an error of kind `TimedOut`.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::model::stats::HttpStats;

/// Where the connection is between two requests; the service moves it on.
#[derive(Debug, Clone)]
pub(super) struct Phase(Arc<AtomicU8>);

const HEAD: u8 = 0;
const BUSY: u8 = 1;
const IDLE: u8 = 2;

impl Phase {
    /// A new connection owes its first head at once.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(HEAD)))
    }

    /// The head is complete; the request is being answered.
    pub(super) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The answer is there; the next byte begins a new head.
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }
}

/// A deadline that is set when waiting begins and cleared when it ends.
struct Timer {
    limit: Duration,
    armed: bool,
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            armed: false,
            sleep: Box::pin(sleep(limit)),
        }
    }

    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.armed {
            self.sleep.as_mut().reset(Instant::now() + self.limit);
            self.armed = true;
        }
        self.sleep.as_mut().poll(cx).is_ready()
    }
}

/// The connection with its two deadlines.
pub(super) struct Guard {
    io: TcpStream,
    phase: Phase,
    head: Timer,
    write: Timer,
    cut: bool,
    stats: Arc<HttpStats>,
}

impl Guard {
    /// Cuts a head that takes longer than `head` and a write that does not advance for `write`.
    pub(super) fn new(
        io: TcpStream,
        phase: Phase,
        head: Duration,
        write: Duration,
        stats: Arc<HttpStats>,
    ) -> Self {
        Self {
            io,
            phase,
            head: Timer::new(head),
            write: Timer::new(write),
            cut: false,
            stats,
        }
    }

    fn cut<T>(&mut self) -> Poll<io::Result<T>> {
        if !self.cut {
            self.cut = true;
            self.stats.timed_out_connections.inc();
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.write.armed = false;
        } else if self.write.over(cx) {
            return self.cut();
        }
        result
    }
}

impl AsyncRead for Guard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.phase.is(HEAD) && this.head.armed && this.head.over(cx) {
            // Also while bytes keep coming, one by one.
            return this.cut();
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut this.io).poll_read(cx, buf);
        if buf.filled().len() > before && this.phase.is(IDLE) {
            this.phase.0.store(HEAD, Ordering::Relaxed);
            this.head.armed = false;
        }
        if this.phase.is(HEAD) {
            if this.head.over(cx) && result.is_pending() {
                return this.cut();
            }
        } else {
            this.head.armed = false;
        }
        result
    }
}

impl AsyncWrite for Guard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
