//! A socket that can let bytes gather: after a read that emptied it, it rests, and nobody is woken meanwhile.
//!
//! While a socket is watched by the runtime, every packet wakes a thread, also one that waits for a timer, and costs the
//! sender of the packet a wake-up, too. So a socket that gathers is taken out of the runtime's poll while it rests, and
//! comes back when a rest brought nothing or something is to be written. A stream of bytes that does not end is so read
//! with one timer and a few large reads a rest, and never watched.
//!
//! Deliberately absent: TLS, which lies above it and hands out what it has decrypted before it asks for more.
//!
//! Invariants: without [`Paced::gather`] it is the socket that it holds; bytes wait for at most one rest.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep};

/// A socket that the runtime watches, and that can be taken from it and given back.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Sized {
    /// The same socket, not watched. It stays non-blocking.
    type Unwatched: Read + std::fmt::Debug;
    /// Takes it from the runtime.
    fn unwatch(self) -> io::Result<Self::Unwatched>;
    /// Gives it back.
    fn watch(socket: Self::Unwatched) -> io::Result<Self>;
}

impl Socket for TcpStream {
    type Unwatched = std::net::TcpStream;

    fn unwatch(self) -> io::Result<Self::Unwatched> {
        self.into_std()
    }

    fn watch(socket: Self::Unwatched) -> io::Result<Self> {
        Self::from_std(socket)
    }
}

impl Socket for UnixStream {
    type Unwatched = std::os::unix::net::UnixStream;

    fn unwatch(self) -> io::Result<Self::Unwatched> {
        self.into_std()
    }

    fn watch(socket: Self::Unwatched) -> io::Result<Self> {
        Self::from_std(socket)
    }
}

/// A socket that rests if it is told to gather.
#[derive(Debug)]
pub struct Paced<S: Socket> {
    state: State<S>,
    rest: Option<Rest>,
}

#[derive(Debug)]
struct Rest {
    length: Duration,
    timer: Pin<Box<Sleep>>,
}

#[derive(Debug)]
enum State<S: Socket> {
    Watched(S),
    /// It was empty a moment ago.
    Resting(S::Unwatched),
    /// There may be something to read.
    Rested(S::Unwatched),
    /// It could not be handed over, and is closed.
    Lost,
}

impl<S: Socket> Paced<S> {
    /// One that never rests.
    pub fn new(socket: S) -> Self {
        Self {
            state: State::Watched(socket),
            rest: None,
        }
    }

    /// From now on, lets bytes gather for so long after each read that emptied it.
    pub fn gather(&mut self, length: Duration) {
        let timer = Box::pin(tokio::time::sleep(length));
        self.rest = Some(Rest { length, timer });
    }

    fn watched(&mut self) -> io::Result<&mut S> {
        if !matches!(self.state, State::Watched(_)) {
            self.state = match std::mem::replace(&mut self.state, State::Lost) {
                State::Resting(socket) | State::Rested(socket) => State::Watched(S::watch(socket)?),
                other => other,
            };
        }
        match &mut self.state {
            State::Watched(socket) => Ok(socket),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// After a read that brought something.
    fn took(&mut self, emptied: bool) -> io::Result<()> {
        let Some(rest) = &mut self.rest else {
            return Ok(());
        };
        let socket = match std::mem::replace(&mut self.state, State::Lost) {
            State::Watched(socket) => socket.unwatch()?,
            State::Resting(socket) | State::Rested(socket) => socket,
            State::Lost => return Ok(()),
        };
        self.state = if emptied {
            rest.timer.as_mut().reset(Instant::now() + rest.length);
            State::Resting(socket)
        } else {
            State::Rested(socket)
        };
        Ok(())
    }
}

impl<S: Socket> AsyncRead for Paced<S>
where
    S::Unwatched: Unpin,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            this.state = match std::mem::replace(&mut this.state, State::Lost) {
                State::Watched(mut socket) => {
                    let read = Pin::new(&mut socket).poll_read(cx, buf);
                    this.state = State::Watched(socket);
                    ready!(read)?;
                    break;
                }
                State::Resting(socket) => {
                    let timer = this.rest.as_mut().map(|rest| rest.timer.as_mut().poll(cx));
                    if timer.is_some_and(|timer| timer.is_pending()) {
                        this.state = State::Resting(socket);
                        return Poll::Pending;
                    }
                    State::Rested(socket)
                }
                State::Rested(mut socket) => match socket.read(buf.initialize_unfilled()) {
                    Ok(count) => {
                        buf.advance(count);
                        this.state = State::Rested(socket);
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        State::Watched(S::watch(socket)?)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        State::Rested(socket)
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                },
                State::Lost => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            };
        }
        if buf.filled().len() > before {
            this.took(buf.remaining() > 0)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> AsyncWrite for Paced<S>
where
    S::Unwatched: Unpin,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().watched()?).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().watched()?).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().watched()?).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
