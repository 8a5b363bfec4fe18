//! A stream that counts what is read, refuses to read more than an allowance, and remembers why reading failed.
//!
//! The parser above it knows no bounds of its own; this is where they are. The allowance is per exchange (one command,
//! or one batch), and counts lines as well as bytes: the shortest value on the wire (`_\r\n`) is some twenty times
//! larger in memory.
//!
//! Invariant: no more than the allowance reaches the parser, whatever lengths the server announces.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How large the answers of one exchange may be, in bytes.
pub const MAX_REPLY_BYTES: usize = 8 << 20;
/// How many lines they may have. INFO has about 250; some thousands with many commands and modules.
pub const MAX_REPLY_LINES: usize = 200_000;

#[derive(Debug)]
pub(super) struct Metered<S> {
    inner: S,
    bytes_left: usize,
    lines_left: usize,
    total: u64,
    failure: Option<io::Error>,
    over: bool,
}

impl<S> Metered<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            bytes_left: MAX_REPLY_BYTES,
            lines_left: MAX_REPLY_LINES,
            total: 0,
            failure: None,
            over: false,
        }
    }

    /// Allows one more exchange.
    pub(super) fn allow(&mut self) {
        self.bytes_left = MAX_REPLY_BYTES;
        self.lines_left = MAX_REPLY_LINES;
    }

    /// All bytes read so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Whether reading failed because the allowance was used up.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Why the system failed to read or write, if it did.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Keeps the error, and gives one like it to the caller: the parser turns errors into texts.
    fn keep(&mut self, error: io::Error) -> io::Error {
        let copy = io::Error::from(error.kind());
        self.failure = Some(error);
        copy
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.total = self
            .total
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.bytes_left = self.bytes_left.saturating_sub(bytes.len());
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        self.lines_left = self.lines_left.saturating_sub(lines);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.bytes_left == 0 || me.lines_left == 0 {
            me.over = true;
            return Poll::Ready(Err(io::Error::other("the answer is too large")));
        }
        let before = buf.filled().len();
        let done = ready!(Pin::new(&mut me.inner).poll_read(cx, buf));
        me.take_in(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(done.map_err(|error| me.keep(error)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let done = ready!(Pin::new(&mut me.inner).poll_write(cx, buf));
        Poll::Ready(done.map_err(|error| me.keep(error)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let done = ready!(Pin::new(&mut me.inner).poll_flush(cx));
        Poll::Ready(done.map_err(|error| me.keep(error)))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
