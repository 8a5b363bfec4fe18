//! Sample notifications with believable numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::attribution::Cause;
use crate::model::incident::{
    DownEvidence, Evidence, MissAttribution, MissEvidence, NamespaceShare, Notification, Severity,
    Transition, TtlCliff,
};
use crate::model::name::{Name, NodeName};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn base(rule: &str, evidence: Evidence) -> Notification {
    Notification {
        incident: "01KDZ5Q3V8-sessions-1".to_owned(),
        transition: Transition::Firing,
        rule: Name::new(rule).unwrap(),
        cache: Name::new("sessions").unwrap(),
        subject: None,
        severity: Severity::Critical,
        labels: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        started: at("2026-01-02T03:04:05Z"),
        pending_since: at("2026-01-02T03:03:05Z"),
        at: at("2026-01-02T03:04:05Z"),
        duration: Duration::ZERO,
        runbook: Some("https://wiki.example.org/cache".to_owned()),
        note: None,
        coincidences: Vec::new(),
        evidence,
    }
}

/// A miss rate of 34.1 % with memory full.
pub(crate) fn miss_firing() -> Notification {
    let history = (0..60_u32)
        .map(|i| match i {
            0..40 => Some(0.07 + f64::from(i % 5) * 0.005),
            40..43 => None,
            _ => Some(0.08 + f64::from(i - 43) * 0.017),
        })
        .collect();
    base(
        "CacheMissRatioHigh",
        Evidence::MissRatio(MissEvidence {
            short_ratio: Some(0.352),
            short_seconds: 300.0,
            long_ratio: Some(0.341),
            long_seconds: 900.0,
            long_lower: Some(0.331_2),
            confidence: 0.98,
            lookups: 12_400,
            misses: 4_228,
            threshold: 0.2,
            lookups_per_second: Some(13.8),
            evictions_per_second: Some(12.4),
            expirations_per_second: Some(0.6),
            memory_used_ratio: Some(1.0),
            peak_ratio: Some(0.352),
            normal_ratio: Some(0.08),
            normal_range: None,
            extra_misses: None,
            history,
            attribution: None,
        }),
    )
}

/// The end of it, 14 minutes later.
pub(crate) fn miss_resolved() -> Notification {
    let mut n = resolved(miss_firing(), "2026-01-02T03:18:05Z", 840);
    if let Evidence::MissRatio(e) = &mut n.evidence {
        e.short_ratio = Some(0.093);
        e.long_ratio = Some(0.187);
        e.long_lower = Some(0.179);
        e.peak_ratio = Some(0.412);
        e.extra_misses = Some(4_210);
        e.evictions_per_second = Some(0.0);
        e.memory_used_ratio = Some(0.71);
    }
    n
}

/// A TTL cliff in answers that are dear, seen by 97 of 100 events.
pub(crate) fn miss_attributed() -> Notification {
    let mut n = miss_firing();
    let share = |name: &str, misses, share, cause, cause_share| NamespaceShare {
        name: name.to_owned(),
        misses,
        share,
        extra_misses: None,
        cause,
        cause_share,
        cost_per_hour: None,
    };
    if let Evidence::MissRatio(e) = &mut n.evidence {
        e.evictions_per_second = Some(0.0);
        e.expirations_per_second = Some(4.1);
        e.memory_used_ratio = Some(0.71);
        e.attribution = Some(MissAttribution {
            span_seconds: 300.0,
            misses: 1_409,
            completeness: Some(0.97),
            gap: None,
            cause: Some((Cause::Expired, 0.68)),
            horizon_seconds: 5_700.0,
            namespaces: vec![
                NamespaceShare {
                    cost_per_hour: Some((144.0, "USD".to_owned())),
                    extra_misses: Some(910),
                    ..share("ai:answer:*", 1_000, 0.71, Cause::Expired, 0.93)
                },
                share("search:*", 282, 0.2, Cause::NeverSeen, 0.98),
                share("<b>:*", 14, 0.01, Cause::Unknown, 1.0),
            ],
            ttl_cliff: Some(TtlCliff {
                at: at("2026-01-02T03:02:10Z"),
                expirations: 1_240,
                usual: 39.0,
            }),
            cost_per_hour: vec![(144.0, "USD".to_owned())],
            extra_cost_per_hour: vec![(38.4, "USD".to_owned())],
        });
    }
    n
}

/// The same with everything that has a name from elsewhere named so.
pub(crate) fn of_namespace(name: &str) -> Notification {
    let mut n = miss_attributed();
    if let Evidence::MissRatio(MissEvidence {
        attribution: Some(a),
        ..
    }) = &mut n.evidence
    {
        for namespace in &mut a.namespaces {
            name.clone_into(&mut namespace.name);
        }
        for (_, currency) in &mut a.extra_cost_per_hour {
            name.clone_into(currency);
        }
    }
    n
}

/// One node that refuses connections.
pub(crate) fn down_firing() -> Notification {
    base(
        "CacheDown",
        Evidence::Down(DownEvidence {
            nodes: vec![(
                NodeName::tcp("127.0.0.1", 6379),
                "127.0.0.1:6379 refuses connections".to_owned(),
            )],
            total: 1,
        }),
    )
}

/// It answers again, 3 min 20 s later.
pub(crate) fn down_resolved() -> Notification {
    let mut n = resolved(down_firing(), "2026-01-02T03:07:25Z", 200);
    n.evidence = Evidence::Down(DownEvidence {
        nodes: Vec::new(),
        total: 1,
    });
    n
}

fn resolved(mut n: Notification, when: &str, seconds: u64) -> Notification {
    n.transition = Transition::Resolved;
    n.at = at(when);
    n.duration = Duration::from_secs(seconds);
    n
}

/// All samples, with names for golden files.
pub(crate) fn named() -> [(&'static str, Notification); 5] {
    [
        ("miss_firing", miss_firing()),
        ("miss_attributed", miss_attributed()),
        ("miss_resolved", miss_resolved()),
        ("down_firing", down_firing()),
        ("down_resolved", down_resolved()),
    ]
}

/// All samples.
pub(crate) fn all() -> [Notification; 5] {
    named().map(|(_, n)| n)
}

/// The record of an incident that has just begun.
pub(crate) fn record(n: &Notification) -> crate::model::record::IncidentRecord {
    crate::model::record::IncidentRecord {
        id: n.incident.clone(),
        cache: n.cache.clone(),
        rule: n.rule.clone(),
        subject: String::new(),
        severity: n.severity,
        labels: n.labels.clone(),
        started: n.started,
        resolved: None,
        headline: String::new(),
        notification: std::sync::Arc::new(n.clone()),
        acknowledged: None,
    }
}
