//! One connection, from login to its end: subscribe, wait for every acknowledgement, then read for as long as it lasts.
//!
//! Deliberately absent: dialling and trying again ([`super::reader`]), and any state that outlives the connection.
//!
//! Invariants: a session ends with a reason; no wait for the peer is without a deadline; a server that is silent for
//! `Timing::idle` is asked whether it lives, and any byte is taken for a yes, since the answer stands behind all events
//! that wait in its output buffer.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::channel::{self, Topic};
use super::command::{PING, subscribe};
use super::decoder::{Elements, Frame, Scalar};
use super::intake::MIN_BYTES;
use super::login::log_in;
use super::tally::Tally;
use super::wire::{End, Timing, Wire};
use super::{EventBatch as _, EventSink};
use crate::collect::redis::error::printable;
use crate::config::CacheConfig;

/// A read that brought less than this is followed by a pause of [`GATHER`].
const GATHER_BELOW: usize = 16 * 1024;
/// How long events may gather in the socket's buffers. Under a flood they hold what comes in this time many times over,
/// and reads are larger than [`GATHER_BELOW`], so that there is no pause at all.
const GATHER: Duration = Duration::from_millis(5);

/// How a session went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Why it ended.
    pub(super) why: End,
    /// For how long it had been subscribed, if it ever was.
    pub(super) subscribed: Option<Duration>,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// These acknowledgements, until then.
    Subscribing(Acks, Instant),
    /// Events.
    Listening,
    /// A sign of life.
    Asked,
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
}

/// Runs a session on an open stream, until it ends. To stop it, drop the future.
pub(super) async fn run<S, K>(
    stream: S,
    config: &CacheConfig,
    timing: Timing,
    tally: &Tally,
    sink: &mut K,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
    K: EventSink,
{
    let mut session = Session {
        wire: Wire::new(stream, timing),
        tally,
        sink,
        phase: Phase::Listening,
        databases: 0,
        since: None,
    };
    let why = match session.run(config).await {
        Err(why) => why,
        Ok(never) => match never {},
    };
    Ended {
        why,
        subscribed: session.since.map(|since| since.elapsed()),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, K: EventSink> Session<'_, S, K> {
    async fn run(&mut self, config: &CacheConfig) -> Result<std::convert::Infallible, End> {
        self.databases = log_in(&mut self.wire, config).await?;
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
        let timer = tokio::time::sleep_until(until);
        tokio::pin!(timer);
        let mut last_read = Instant::now();
        loop {
            tokio::select! {
                biased;
                read = self.wire.fill() => {
                    let count = read?;
                    last_read = Instant::now();
                    self.tally.bytes.add(u64::try_from(count).unwrap_or(0));
                    self.take_in(last_read)?;
                    if count >= MIN_BYTES {
                        // A flood must neither starve other tasks nor delay the shutdown.
                        tokio::task::yield_now().await;
                    } else if count < GATHER_BELOW && matches!(self.phase, Phase::Listening) {
                        // Each read costs a wake-up here, and one for the server that sends: let some gather.
                        tokio::time::sleep(GATHER).await;
                    }
                }
                () = &mut timer => {
                    let next = self.on_timer(last_read).await?;
                    timer.as_mut().reset(next);
                }
            }
        }
    }

    /// The timer rang: when it should ring again.
    async fn on_timer(&mut self, last_read: Instant) -> Result<Instant, End> {
        let now = Instant::now();
        let idle_at = last_read + self.wire.timing.idle;
        match self.phase {
            Phase::Asked | Phase::Subscribing(..) => Err(self.wire.unanswered()),
            Phase::Listening if idle_at > now => Ok(idle_at),
            Phase::Listening => {
                self.wire.intake.shrink();
                self.wire.send(PING).await?;
                self.phase = Phase::Asked;
                Ok(Instant::now() + self.wire.timing.response)
            }
        }
    }

    /// Takes in all complete frames of the buffer.
    fn take_in(&mut self, now: Instant) -> Result<(), End> {
        match self.phase {
            Phase::Subscribing(_, until) if now > until => return Err(self.wire.unanswered()),
            Phase::Subscribing(..) | Phase::Listening => {}
            Phase::Asked => self.phase = Phase::Listening,
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
                    subscribed |= self.phase.acknowledge(&elements)?;
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
    fn acknowledge(&mut self, elements: &Elements<'_>) -> Result<bool, End> {
        match (elements.as_slice().first(), *self) {
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
            Self::Listening | Self::Asked => return Ok(false),
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
