//! Whether cachewatch itself is alive and ready, for orchestrators. Pure.
//!
//! Invariant: a cache that is down makes cachewatch neither dead nor unready: that is when it is needed.

use std::time::Duration;

use crate::model::snapshot::{CacheSnapshot, NodeSnapshot, Snapshot};
use crate::model::time::Now;

/// A snapshot that is older says that the main loop hangs; ticks are seconds apart.
const MAX_SNAPSHOT_AGE: Duration = Duration::from_secs(30);
/// From then on it is ready, whatever the caches do.
const READY_ANYWAY: Duration = Duration::from_secs(30);

/// Why it is not alive.
pub(super) fn alive(snapshot: &Snapshot, now: Now) -> Result<(), String> {
    let age = now.since(snapshot.at);
    if age > MAX_SNAPSHOT_AGE {
        return Err(format!(
            "the main loop has made no snapshot for {} s; restart cachewatch and report this",
            age.as_secs()
        ));
    }
    Ok(())
}

/// Why it is not ready.
pub(super) fn ready(snapshot: &Snapshot, now: Now) -> Result<(), String> {
    alive(snapshot, now)?;
    if now.since(snapshot.own.started) >= READY_ANYWAY {
        return Ok(());
    }
    let waiting: Vec<_> = snapshot
        .caches
        .iter()
        .filter(|cache| !polled(cache))
        .map(|cache| cache.name.as_str())
        .collect();
    match waiting.split_first() {
        None => Ok(()),
        Some((first, [])) => Err(format!("not ready: {first} has not been polled yet")),
        Some((first, rest)) => Err(format!(
            "not ready: {first} and {} more have not been polled yet",
            rest.len()
        )),
    }
}

fn polled(cache: &CacheSnapshot) -> bool {
    let tried = |n: &NodeSnapshot| n.read_at.is_some() || n.error.is_some();
    cache.nodes.iter().any(tried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;

    #[test]
    fn alive_while_snapshots_come() {
        let snapshot = sample::rich();
        assert_eq!(
            alive(&snapshot, snapshot.at.plus(Duration::from_secs(29))),
            Ok(())
        );
        let late = alive(&snapshot, snapshot.at.plus(Duration::from_secs(31)));
        assert!(late.unwrap_err().contains("31 s"));
    }

    #[test]
    fn ready_when_every_cache_had_its_chance() {
        let mut snapshot = sample::rich();
        let now = snapshot.at;
        assert_eq!(ready(&snapshot, now), Ok(()), "started long ago");
        snapshot.own.started = now;
        assert_eq!(
            ready(&snapshot, now.plus(Duration::from_secs(1))),
            Err("not ready: fresh has not been polled yet".to_owned())
        );
        snapshot.caches.retain(|c| c.name.as_str() != "fresh");
        assert_eq!(
            ready(&snapshot, now),
            Ok(()),
            "the cache that is down does not matter"
        );
    }
}
