//! A made-up notification for trying out a channel, with believable numbers.
//!
//! Invariant: its incident is [`INCIDENT`], which no rule can make, so that it is nobody's; the end of a trial ends the trial
//! before it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::attribution::Cause;
use crate::model::incident::{
    Evidence, MissAttribution, MissEvidence, NamespaceShare, Notification, Severity, Transition,
};
use crate::model::name::Name;
use crate::model::window::Sparkline;

/// The incident of all trials. Those of rules have the name of a cache and of a rule in them.
pub(crate) const INCIDENT: &str = "test";
/// For how long the made-up incident lasted.
const LASTED: Duration = Duration::from_mins(14);

/// One that happens now.
pub(crate) fn notification(transition: Transition, now: Timestamp) -> Notification {
    let resolved = transition == Transition::Resolved;
    let duration = if resolved { LASTED } else { Duration::ZERO };
    let before = |d: Duration| {
        let d = SignedDuration::try_from(d).unwrap_or_default();
        now.checked_sub(d).unwrap_or(now)
    };
    Notification {
        incident: INCIDENT.to_owned(),
        transition,
        rule: name("CacheMissRatioHigh"),
        cache: name("sample"),
        subject: None,
        severity: Severity::Info,
        labels: BTreeMap::new(),
        started: before(duration),
        pending_since: before(duration + Duration::from_mins(1)),
        at: now,
        duration,
        runbook: None,
        note: None,
        coincidences: Vec::new(),
        evidence: Evidence::MissRatio(evidence(resolved)),
    }
}

fn evidence(resolved: bool) -> MissEvidence {
    let points = (0..60_u32).map(|i| {
        let wave = 0.09 + f64::from(i % 5) * 0.005;
        match i {
            44..58 if resolved => Some(0.34),
            50.. if !resolved => Some(wave + f64::from(i - 49) * 0.024),
            _ => Some(wave),
        }
    });
    MissEvidence {
        short_ratio: Some(if resolved { 0.093 } else { 0.352 }),
        short_seconds: 300.0,
        long_ratio: Some(0.341),
        long_seconds: 900.0,
        long_lower: Some(0.331),
        confidence: 0.98,
        lookups: 12_400,
        misses: 4_228,
        threshold: 0.2,
        lookups_per_second: Some(13.8),
        evictions_per_second: Some(if resolved { 0.0 } else { 12.4 }),
        expirations_per_second: Some(0.6),
        memory_used_ratio: Some(if resolved { 0.71 } else { 1.0 }),
        peak_ratio: Some(0.352),
        normal_ratio: Some(0.1),
        normal_range: Some((0.08, 0.12)),
        extra_misses: resolved.then_some(2_900),
        history: points.collect::<Sparkline>(),
        attribution: (!resolved).then(attribution),
    }
}

fn attribution() -> MissAttribution {
    MissAttribution {
        span_seconds: 300.0,
        misses: 1_409,
        completeness: Some(1.0),
        gap: None,
        cause: Some((Cause::Evicted, 0.82)),
        horizon_seconds: 5_700.0,
        namespaces: vec![NamespaceShare {
            name: "sample:*".to_owned(),
            misses: 1_000,
            share: 0.71,
            extra_misses: Some(910),
            cause: Cause::Evicted,
            cause_share: 0.93,
            cost_per_hour: None,
        }],
        ttl_cliff: None,
        cost_per_hour: Vec::new(),
        extra_cost_per_hour: Vec::new(),
    }
}

#[expect(
    clippy::expect_used,
    reason = "only for the two names above, which a test makes"
)]
fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_nobodys_incident() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let firing = notification(Transition::Firing, now);
        let resolved = notification(Transition::Resolved, now);
        assert_eq!(firing.incident, resolved.incident);
        assert_eq!(resolved.started, "2026-01-02T02:50:05Z".parse().unwrap());
    }
}
