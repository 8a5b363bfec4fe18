//! The dead man's switch: an address that is called as long as cachewatch works and can tell people.
//!
//! Somebody else notices when the calls stay away. They stay away when the engine's beat stands still, when the store does
//! not keep what it should, and when no channel is left that works. Deliberately absent: retries; the next call is one.
//!
//! Invariant: never blocks anything; the address is in no message and no log line.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::HeartbeatConfig;
use crate::model::stats::HeartbeatStats;
use crate::notify::dispatcher::Shared;
use crate::notify::http::{Endpoint, Http};
use crate::notify::letter::Trace;

/// The beat stands still when none came for so long.
const STILL_AFTER: Duration = Duration::from_secs(30);

/// When the engine's beat last came.
#[derive(Debug)]
pub(crate) struct Pulse(AtomicU64);

impl Pulse {
    /// It came now.
    pub(crate) fn beat(&self, mono: Duration) {
        let millis = u64::try_from(mono.as_millis()).unwrap_or(u64::MAX);
        self.0.store(millis, Ordering::Relaxed);
    }

    /// Whether it came lately.
    fn is_alive(&self, mono: Duration) -> bool {
        let last = Duration::from_millis(self.0.load(Ordering::Relaxed));
        mono.saturating_sub(last) < STILL_AFTER
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

/// Calls until told to stop.
pub(crate) async fn run(
    config: HeartbeatConfig,
    endpoint: Endpoint,
    http: Http,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let mut calls = tokio::time::interval(config.every);
    calls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = calls.tick() => {}
        }
        let trouble = call(&endpoint, &http, &shared, &shared.heartbeat).await;
        // Once each time it changes: it may come every ten seconds.
        if trouble != said {
            if let Some(why) = &trouble {
                tracing::warn!(why, "no heartbeat");
            } else {
                tracing::info!("the heartbeat is heard");
            }
            said = trouble;
        }
    }
}

/// Calls once. Returns why not, or why that failed.
async fn call(
    endpoint: &Endpoint,
    http: &Http,
    shared: &Shared,
    stats: &HeartbeatStats,
) -> Option<String> {
    if let Some(trouble) = trouble(shared) {
        stats.withheld.inc();
        return Some(trouble.to_owned());
    }
    let body = serde_json::json!({"status": "ok"});
    let reply = http
        .post_json(endpoint, &body, &[], &Trace::default())
        .await;
    let trouble = match reply {
        Ok(reply) if (200..300).contains(&reply.status) => None,
        Ok(reply) => Some(format!("the receiver answered {}", reply.status)),
        Err(why) => Some(why),
    };
    match trouble {
        None => stats.sent.inc(),
        Some(_) => stats.failed.inc(),
    }
    trouble
}

/// What is wrong with cachewatch itself.
fn trouble(shared: &Shared) -> Option<&'static str> {
    if !shared.pulse.is_alive(shared.parts.clock.now().mono) {
        return Some("the engine's beat stands still");
    }
    if !shared.outbox.healthy() {
        return Some("the store does not keep what it should");
    }
    if !shared.any_channel_works() {
        return Some("no channel works");
    }
    None
}
