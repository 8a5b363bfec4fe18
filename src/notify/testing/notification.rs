//! Sample notifications with believable numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::attribution::Cause;
use crate::model::incident::{
    Coincidence, CoincidenceKind, DownEvidence, Evidence, MissAttribution, MissEvidence,
    NamespaceShare, Notification, Severity, SignalEvidence, Transition, TtlCliff, Unit,
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
            normal_range: Some((0.08, 0.12)),
            extra_misses: None,
            history,
            attribution: None,
        }),
    )
}

/// The same, told again after four hours.
pub(crate) fn reminder() -> Notification {
    Notification {
        duration: Duration::from_hours(4),
        ..miss_firing()
    }
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

/// More evictions than there should be.
pub(crate) fn signal_firing() -> Notification {
    let history = (0..60_u32).map(|i| {
        Some(if i < 50 {
            0.4
        } else {
            f64::from(i - 48) * 11.0
        })
    });
    base(
        "EvictionsHigh",
        Evidence::Signal(SignalEvidence {
            name: "evictions_per_second".to_owned(),
            title: "evictions per second".to_owned(),
            unit: Unit::PerSecond,
            value: Some(120.0),
            peak: Some(121.0),
            normal: Some(0.4),
            threshold: 50.0,
            clear_threshold: 40.0,
            above: true,
            window_seconds: 300.0,
            lookups: None,
            history: history.collect(),
            attribution: None,
        }),
    )
}

/// The end of it.
pub(crate) fn signal_resolved() -> Notification {
    let mut n = resolved(signal_firing(), "2026-01-02T03:18:05Z", 840);
    if let Evidence::Signal(e) = &mut n.evidence {
        e.value = Some(0.2);
        e.peak = Some(180.0);
    }
    n
}

/// A TTL cliff in answers that are dear, seen by 97 of 100 events.
pub(crate) fn miss_attributed() -> Notification {
    let mut n = miss_firing();
    n.coincidences = vec![Coincidence {
        at: at("2026-01-02T03:01:40Z"),
        kind: CoincidenceKind::Annotation,
        text: "deploy of shop 2.14 by ann <ann@example.org>".to_owned(),
    }];
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
    for c in &mut n.coincidences {
        name.clone_into(&mut c.text);
    }
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

/// A small storm: two caches in trouble, one incident that came and went, one that is over.
pub(crate) fn storm() -> Vec<Notification> {
    let of = |n: Notification, incident: &str, cache: &str| Notification {
        incident: incident.to_owned(),
        cache: Name::new(cache).unwrap(),
        ..n
    };
    vec![
        of(miss_firing(), "a", "answers"),
        of(signal_firing(), "b", "answers"),
        of(signal_resolved(), "b", "answers"),
        of(down_firing(), "c", "sessions"),
        of(miss_resolved(), "d", "products"),
    ]
}

/// All samples, with names for golden files.
pub(crate) fn named() -> [(&'static str, Notification); 7] {
    [
        ("miss_firing", miss_firing()),
        ("miss_attributed", miss_attributed()),
        ("miss_resolved", miss_resolved()),
        ("signal_firing", signal_firing()),
        ("signal_resolved", signal_resolved()),
        ("down_firing", down_firing()),
        ("down_resolved", down_resolved()),
    ]
}

/// All samples.
pub(crate) fn all() -> [Notification; 7] {
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
