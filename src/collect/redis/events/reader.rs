//! Keeps a session with one node alive for as long as the program runs.
//!
//! Deliberately absent: the verdict on events (whether notifications are on, how complete they are): that is made where
//! INFO is known too.
//!
//! Invariants: at most one connection at a time; after a failure there is always a pause, longer each time, until a
//! session has lasted `HEALTHY_AFTER`; what was seen is never forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::attribution::Attribution;
use super::login::Hello;
use super::session::{self, Ended, Worked};
use super::tally::{Break, Counting, EventsHandle, Tally};
use super::wire::{End, Timing};
use crate::collect::redis::dial::{SystemRoots, dial};
use crate::config::CacheConfig;
use crate::model::events::Subscription;
use crate::model::gap::GapReason;
use crate::model::time::Clock;

/// How long events may gather in the socket's buffers, once all that was there is read. Each turn costs wake-ups, and
/// finds the tables gone from the processor's caches. In this time even a flood is a few 100 KB, which the socket's buffers
/// hold.
const GATHER: Duration = Duration::from_millis(10);
/// How long a server may be silent before it is asked whether it lives.
const IDLE: Duration = Duration::from_secs(15);
/// How often a server that refuses is asked again: people do mend ACLs.
const REFUSED_RETRY: Duration = Duration::from_mins(1);
/// How long a session must have been subscribed for the next pause to be the shortest again.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);
/// The shortest and the longest pause, before jitter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// The reader of one node's events.
pub struct EventReader {
    config: Arc<CacheConfig>,
    tally: Arc<Tally>,
    roots: SystemRoots,
    idle: Duration,
    refused_retry: Duration,
}

impl EventReader {
    /// A reader, and the handle that tells what it has seen. Nothing happens before [`Self::run`].
    pub fn new(config: Arc<CacheConfig>, clock: Arc<dyn Clock>) -> (EventsHandle, Self) {
        let state = if config.events {
            Subscription::Connecting
        } else {
            Subscription::Disabled
        };
        let attribution = config
            .events
            .then(|| Attribution::new(&config.attribution, Arc::clone(&clock)));
        let tally = Arc::new(Tally::new(
            config.name.clone(),
            config.node(),
            state,
            attribution,
            clock,
        ));
        let reader = Self {
            config,
            tally: Arc::clone(&tally),
            roots: SystemRoots::default(),
            idle: IDLE,
            refused_retry: REFUSED_RETRY,
        };
        (EventsHandle(tally), reader)
    }

    /// Reads until cancelled; returns at once where events are switched off.
    pub async fn run(self, cancel: CancellationToken) {
        if self.config.events {
            // `None` is what it returns when cancelled; there is no other way out.
            cancel.run_until_cancelled(self.forever()).await;
        }
    }

    async fn forever(&self) {
        let mut attempt = 0;
        let mut hello = Hello::Untried;
        loop {
            let ended = self.session(hello).await;
            if ended.over_hello {
                // Something in between does not know HELLO and closes the connection, or falls silent.
                hello = Hello::Unwanted;
            }
            if ended
                .subscribed
                .is_some_and(|worked| worked.lasted >= HEALTHY_AFTER)
            {
                attempt = 0;
            }
            let gap = ended.subscribed.map(|worked| broken(&ended.why, worked));
            let (state, pause) = match ended.why {
                End::Refused(words) => (Subscription::Refused(words), jittered(self.refused_retry)),
                other => (Subscription::Lost(other.words()), delay(attempt)),
            };
            attempt = attempt.saturating_add(1);
            self.tally.unsubscribed(state, gap);
            tokio::time::sleep(pause).await;
        }
    }

    async fn session(&self, hello: Hello) -> Ended {
        let mut stream = match dial(&self.config, &self.roots).await {
            Ok(stream) => stream,
            Err(error) => {
                return Ended {
                    why: End::Lost(error.message),
                    subscribed: None,
                    over_hello: false,
                };
            }
        };
        stream.gather(GATHER);
        let timing = Timing {
            idle: self.idle,
            response: self.config.response_timeout,
        };
        let mut sink = Counting::new(&self.tally);
        session::run(stream, &self.config, timing, hello, &self.tally, &mut sink).await
    }
}

/// What the end of a session looks like from here.
fn broken(why: &End, worked: Worked) -> Break {
    let reason = match why {
        End::Moved => GapReason::Failover,
        _ if worked.held_up => GapReason::Paused,
        End::Silent(_) => GapReason::Silent,
        End::Closed { .. } | End::Refused(_) | End::Lost(_) => GapReason::Connection,
    };
    Break {
        reason,
        mid_message: matches!(why, End::Closed { mid_message: true }),
        deaf: worked.deaf,
    }
}

/// The pause after the failure number `attempt`, counted from 0: doubling, capped, with jitter.
fn delay(attempt: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
    jittered(PAUSES.0.saturating_mul(factor.max(1)).min(PAUSES.1))
}

/// Between half of it and all of it, so that readers of many nodes do not knock at the same time.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests;
