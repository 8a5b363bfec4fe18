//! One connection, from login to its end: subscribe, wait for every acknowledgement, then read for as long as it lasts.
//!
//! Deliberately absent: dialling and trying again ([`super::reader`]), and any state that outlives the connection.
//!
//! Invariants: a session ends with a reason; no wait for the peer is without a deadline; a server that is silent for
//! `Timing::idle` is asked whether it lives, and any byte is taken for a yes, since the answer stands behind all events
//! that wait in its output buffer.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::channel::{self, Topic};
use super::command::{PING, subscribe};
use super::decoder::{Elements, Frame, Scalar};
use super::login::{Hello, log_in};
use super::tally::Tally;
use super::wire::{End, Timing, Wire};
use super::{EventBatch as _, EventSink};
use crate::collect::redis::error::printable;
use crate::config::CacheConfig;

/// A session looks around at least this often.
const BEAT: Duration = Duration::from_secs(1);
/// Looking around later than [`BEAT`] by more than this, it was itself held up.
const LATE: Duration = Duration::from_secs(1);
/// Having been held up is the reason for an end that comes within this time after.
const BLAMED_FOR: Duration = Duration::from_secs(10);

/// How a session went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Why it ended.
    pub(super) why: End,
    /// What it had been, if it ever was subscribed.
    pub(super) subscribed: Option<Worked>,
    /// Whether it ended while the server was to answer HELLO.
    pub(super) over_hello: bool,
}

/// A session that was subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worked {
    /// For how long.
    pub(super) lasted: Duration,
    /// How long before its end it last heard of the server, or, where it was held up, began to be.
    pub(super) deaf: Duration,
    /// Whether its end is laid to its having been held up.
    pub(super) held_up: bool,
}

/// When a session looked around last, and when it was held up.
#[derive(Debug, Clone, Copy)]
struct Turns {
    last: Instant,
    held_up: Option<(Instant, Instant)>,
}

impl Turns {
    fn turn(&mut self, now: Instant) {
        if now.saturating_duration_since(self.last) > BEAT + LATE {
            self.held_up = Some((self.last, now));
        }
        self.last = now;
    }
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// These acknowledgements, until then.
    Subscribing(Acks, Instant),
    /// Events.
    Listening,
    /// A sign of life, until then.
    Asked(Instant),
}

/// Acknowledgements that are still to come, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Acks {
    /// Of the channels without which there is no session.
    needed: usize,
    /// Of the channels of deletions, which an ACL may forbid.
    extra: usize,
}

struct Session<'a, S, K> {
    wire: Wire<S>,
    tally: &'a Tally,
    sink: &'a mut K,
    phase: Phase,
    databases: u32,
    since: Option<Instant>,
    hello: Hello,
    heard: Instant,
    turns: Turns,
}

/// Runs a session on an open stream, until it ends. To stop it, drop the future.
pub(super) async fn run<S, K>(
    stream: S,
    config: &CacheConfig,
    timing: Timing,
    hello: Hello,
    tally: &Tally,
    sink: &mut K,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
    K: EventSink,
{
    let now = Instant::now();
    let mut session = Session {
        wire: Wire::new(stream, timing),
        tally,
        sink,
        phase: Phase::Listening,
        databases: 0,
        since: None,
        hello,
        heard: now,
        turns: Turns {
            last: now,
            held_up: None,
        },
    };
    let why = match session.run(config).await {
        Err(why) => why,
        Ok(never) => match never {},
    };
    let subscribed = session.since.map(|since| session.worked(since));
    Ended {
        why,
        subscribed,
        over_hello: session.hello == Hello::Asked,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, K: EventSink> Session<'_, S, K> {
    async fn run(&mut self, config: &CacheConfig) -> Result<std::convert::Infallible, End> {
        self.databases = log_in(&mut self.wire, config, &mut self.hello).await?;
        let (mut command, needed) = subscribe(self.databases, Topic::COUNTED);
        let mut extra = 0;
        if config.attribution.deletions {
            let (deletions, channels) = subscribe(self.databases, Topic::REMOVED);
            command.extend_from_slice(&deletions);
            extra = channels;
        }
        self.tally.subscribing();
        self.wire.send(&command).await?;
        let until = Instant::now() + self.wire.timing.response;
        self.phase = Phase::Subscribing(Acks { needed, extra }, until);

        // The timer is looked at, and set anew, only when it rings: not with every read.
        let timer = tokio::time::sleep_until(until.min(Instant::now() + BEAT));
        tokio::pin!(timer);
        self.turns.last = Instant::now();
        loop {
            tokio::select! {
                biased;
                read = self.wire.fill() => {
                    let mut read = Some(read);
                    while let Some(done) = read {
                        self.took(done)?;
                        // How much was read does not tell whether there is more: with TLS it is a record at most.
                        read = self.wire.fill().now_or_never();
                        if read.is_some() {
                            // A flood must neither starve other tasks nor delay the shutdown.
                            tokio::task::yield_now().await;
                        }
                    }
                }
                () = &mut timer => {
                    self.turns.turn(Instant::now());
                    let next = self.on_timer().await?;
                    // Sending may have taken its time.
                    self.turns.last = Instant::now();
                    timer.as_mut().reset(next);
                }
            }
        }
    }

    /// Takes in what a read brought.
    fn took(&mut self, read: Result<usize, End>) -> Result<(), End> {
        let now = Instant::now();
        self.turns.turn(now);
        let count = read?;
        self.heard = now;
        self.tally.bytes.add(u64::try_from(count).unwrap_or(0));
        self.take_in(now)
    }

    fn worked(&self, since: Instant) -> Worked {
        let now = Instant::now();
        let held_up = self
            .turns
            .held_up
            .filter(|(_, until)| now.saturating_duration_since(*until) <= BLAMED_FOR);
        let heard = held_up.map_or(self.heard, |(from, _)| from.min(self.heard));
        Worked {
            lasted: now.saturating_duration_since(since),
            deaf: now.saturating_duration_since(heard),
            held_up: held_up.is_some(),
        }
    }

    /// The timer rang: when it should ring again.
    async fn on_timer(&mut self) -> Result<Instant, End> {
        if self.tally.is_moved() {
            return Err(End::Moved);
        }
        let now = Instant::now();
        let idle_at = self.heard + self.wire.timing.idle;
        let soon = now + BEAT;
        match self.phase {
            Phase::Asked(until) | Phase::Subscribing(_, until) if until > now => {
                Ok(until.min(soon))
            }
            Phase::Asked(_) | Phase::Subscribing(..) => Err(self.wire.unanswered()),
            Phase::Listening if idle_at > now => Ok(idle_at.min(soon)),
            Phase::Listening => {
                self.wire.intake.shrink();
                self.wire.send(PING).await?;
                let until = Instant::now() + self.wire.timing.response;
                self.phase = Phase::Asked(until);
                Ok(until.min(soon))
            }
        }
    }

    /// Takes in all complete frames of the buffer.
    fn take_in(&mut self, now: Instant) -> Result<(), End> {
        match self.phase {
            Phase::Subscribing(_, until) if now > until => return Err(self.wire.unanswered()),
            Phase::Subscribing(..) | Phase::Listening => {}
            Phase::Asked(_) => self.phase = Phase::Listening,
        }
        if self.tally.is_moved() {
            return Err(End::Moved);
        }
        let mut batch = self.sink.batch();
        let mut subscribed = false;
        while let Some(frame) = self.wire.intake.next_frame()? {
            match frame {
                Frame::Message { channel, key, cut } => {
                    if let Some((db, topic)) = channel::parse(channel) {
                        batch.event(topic, db, key);
                        if cut {
                            self.tally.keys_cut.inc();
                        }
                    }
                }
                Frame::Array(elements) => {
                    subscribed |= self.phase.acknowledge(elements)?;
                }
                Frame::Value(Scalar::Error(line)) => {
                    if self.phase.error(line)? {
                        self.tally.deletions_refused(&printable(line));
                        subscribed = true;
                    }
                }
                Frame::Value(_) => {}
            }
        }
        drop(batch);
        if subscribed {
            self.since = Some(now);
            self.tally.subscribed(self.databases);
        }
        Ok(())
    }
}

impl Phase {
    /// Takes an array that is no message; true when the last acknowledgement was among it.
    fn acknowledge(&mut self, elements: Elements<'_>) -> Result<bool, End> {
        match (elements.iter().next(), *self) {
            (Some(Scalar::Bulk(b"subscribe")), Self::Subscribing(mut acks, until)) => {
                let next = if acks.needed > 0 {
                    &mut acks.needed
                } else {
                    &mut acks.extra
                };
                *next = next.saturating_sub(1);
                let done = acks.needed == 0 && acks.extra == 0;
                *self = if done {
                    Self::Listening
                } else {
                    Self::Subscribing(acks, until)
                };
                Ok(done)
            }
            (Some(Scalar::Bulk(b"unsubscribe")), _) => {
                Err(End::Lost("the server ended the subscription".to_owned()))
            }
            // PONG, and what later versions may add.
            _ => Ok(false),
        }
    }

    /// Takes an error: the answer to SUBSCRIBE. Later ones answer PING (an ACL without it), and are a sign of life. True
    /// when only deletions are refused: then there is nothing more to wait for.
    fn error(&mut self, line: &[u8]) -> Result<bool, End> {
        const FOR_GOOD: [&[u8]; 5] = [
            b"NOPERM",
            b"NOAUTH",
            b"WRONGPASS",
            b"DENIED",
            b"ERR unknown command",
        ];
        match self {
            Self::Subscribing(Acks { needed: 0, .. }, _) => {
                *self = Self::Listening;
                return Ok(true);
            }
            Self::Subscribing(..) => {}
            Self::Listening | Self::Asked(_) => return Ok(false),
        }
        let words = printable(line);
        if FOR_GOOD.iter().any(|start| line.starts_with(start)) {
            Err(End::Refused(words))
        } else {
            Err(End::Lost(words))
        }
    }
}

#[cfg(test)]
mod tests;
