//! A stream with its buffer: send, wait for an answer, read.
//!
//! Deliberately ignorant of what is said: commands and answers are for `login` and `session`.
//!
//! Invariant: sending and waiting for an answer end within the response time; why they failed is told in words that are
//! safe to print.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::decoder::{DecodeError, Frame};
use super::intake::Intake;
use crate::collect::redis::error::printable;

/// How long a session waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// For anything at all, before it asks.
    pub(super) idle: Duration,
    /// For an answer.
    pub(super) response: Duration,
}

/// Why a session ended, in words that are safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::collect::redis) enum End {
    /// The server does not let us, and will not until somebody changes its settings or ours.
    Refused(String),
    /// The server, or what is between, closed the connection.
    Closed {
        /// In the middle of a message.
        mid_message: bool,
    },
    /// There was no answer in time.
    Silent(String),
    /// Another process answers at this address now; the connection was to the former one.
    Moved,
    /// Anything else.
    Lost(String),
}

impl End {
    /// In words that are safe to print.
    pub(in crate::collect::redis) fn words(self) -> String {
        match self {
            Self::Refused(words) | Self::Silent(words) | Self::Lost(words) => words,
            Self::Closed { mid_message: true } => {
                "the server closed the connection in the middle of a message".to_owned()
            }
            Self::Closed { mid_message: false } => "the server closed the connection: it stopped, somebody killed the client, or its output buffer limit for pubsub was reached; its log tells".to_owned(),
            Self::Moved => {
                "another process answers at this address now: subscribing there".to_owned()
            }
        }
    }
}

impl From<DecodeError> for End {
    fn from(error: DecodeError) -> Self {
        Self::Lost(format!(
            "the server does not speak the Redis protocol: {error}"
        ))
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(format!(
            "the connection failed: {}",
            printable(error.to_string().as_bytes())
        ))
    }
}

/// A stream with its buffer.
pub(super) struct Wire<S> {
    stream: S,
    pub(super) intake: Intake,
    pub(super) timing: Timing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, timing: Timing) -> Self {
        Self {
            stream,
            intake: Intake::default(),
            timing,
        }
    }

    /// Sends all of it within the response time.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(Instant::now() + self.timing.response, write).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(End::Silent(
                "the server takes no more bytes; is it hung?".to_owned(),
            )),
        }
    }

    /// What `take` makes of the next frame, which must come within the response time.
    pub(super) async fn reply<T>(&mut self, take: impl FnOnce(&Frame<'_>) -> T) -> Result<T, End> {
        let deadline = Instant::now() + self.timing.response;
        loop {
            if let Some(frame) = self.intake.next_frame()? {
                return Ok(take(&frame));
            }
            self.fill_until(deadline).await?;
        }
    }

    /// Whether HELLO was granted. Its answer must come within the response time.
    pub(super) async fn hello(&mut self) -> Result<bool, End> {
        let deadline = Instant::now() + self.timing.response;
        loop {
            if let Some(lead) = self.intake.pass_hello()? {
                return Ok(lead != b'-');
            }
            self.fill_until(deadline).await?;
        }
    }

    async fn fill_until(&mut self, deadline: Instant) -> Result<(), End> {
        match timeout_at(deadline, self.fill()).await {
            Ok(read) => read.map(drop),
            Err(_) => Err(self.unanswered()),
        }
    }

    /// Reads once, as much as there is and fits.
    pub(super) async fn fill(&mut self) -> Result<usize, End> {
        let count = self.stream.read(self.intake.space()).await?;
        self.intake.filled(count);
        match count {
            0 => Err(End::Closed {
                mid_message: self.intake.is_mid_frame(),
            }),
            count => Ok(count),
        }
    }

    /// Nothing came in time.
    pub(super) fn unanswered(&self) -> End {
        End::Silent(format!(
            "silent: no answer within {:?}",
            self.timing.response
        ))
    }
}
