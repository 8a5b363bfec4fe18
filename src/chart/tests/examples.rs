//! Charts as they occur, and those at the edge of what occurs. The same numbers in every run.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::chart::{Band, Chart, Limit, Look, Mark, Period, Points, Series, Side, Theme, Unit};
use crate::model::attribution::Cause;

pub(super) fn end() -> Timestamp {
    "2026-11-23T14:00:00Z".parse().unwrap()
}

pub(super) fn hours(n: u64) -> Period {
    Period::before(end(), Duration::from_hours(n))
}

/// Seconds before the end.
pub(super) fn ago(seconds: i64) -> Timestamp {
    end() - SignedDuration::from_secs(seconds)
}

/// `n` points over the period, each a function of its place in it, 0..1, and of some noise, -1..1.
pub(super) fn curve(period: Period, n: i64, value: impl Fn(f64, f64) -> Option<f64>) -> Points {
    let span = period.to.as_second() - period.from.as_second();
    let mut state = 42_u64;
    (0..=n)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0;
            let at = period.from + SignedDuration::from_secs(span * i / n);
            (at, value(i as f64 / n as f64, noise))
        })
        .collect()
}

/// A bump of height 1 at `at`.
fn bump(x: f64, at: f64, width: f64) -> f64 {
    (-((x - at) / width).powi(2)).exp()
}

fn incident() -> Band {
    Band {
        from: ago(7800),
        to: Some(ago(4200)),
        label: "too many misses".to_owned(),
    }
}

fn deploy() -> Mark {
    Mark {
        at: ago(8100),
        until: None,
        label: "deploy 4.2".to_owned(),
    }
}

fn span(from: i64, until: i64, label: &str) -> Mark {
    Mark {
        at: ago(from),
        until: Some(ago(until)),
        label: label.to_owned(),
    }
}

pub(super) fn looks() -> Vec<(&'static str, Look)> {
    vec![
        ("light", Look::new(720, 260)),
        ("dark", Look::new(720, 260).themed(Theme::Dark)),
        ("small", Look::new(320, 120)),
        ("wide", Look::new(960, 300).themed(Theme::Dark)),
        ("message", Look::for_message()),
    ]
}

pub(super) fn all() -> Vec<(&'static str, Chart)> {
    let six = hours(6);
    let hit = |x: f64, n: f64| Some(0.94 + 0.01 * n - 0.31 * bump(x, 0.72, 0.07));
    let week = hours(168);
    let day = |x: f64, n: f64| Some(9000.0 + 6000.0 * (x * 44.0).sin() + 700.0 * n);
    let causes = [
        (Cause::Expired, 30.0, 40.0),
        (Cause::Evicted, 2.0, 160.0),
        (Cause::Deleted, 8.0, 0.0),
        (Cause::Flushed, 0.0, 0.0),
        (Cause::NeverSeen, 24.0, 3.0),
        (Cause::Unknown, 3.0, 5.0),
    ];
    let by_cause = causes.map(|(cause, base, peak)| {
        let value = |x: f64, n: f64| Some(base * (1.0 + 0.1 * n) + peak * bump(x, 0.7, 0.08));
        (cause, curve(six, 180, value))
    });
    let nodes = (0..8).map(|i| {
        let phase = f64::from(i);
        let value = move |x: f64, n: f64| {
            Some(400.0 + 60.0 * phase + 50.0 * (x * 9.0 + phase).sin() + 8.0 * n)
        };
        Series::new(
            format!("cache-{i}.example.net:6379"),
            curve(six, 120, value),
        )
    });
    let gaps = |x: f64, n: f64| {
        (!(0.3..0.42).contains(&x)).then_some(1800.0 + 300.0 * (x * 8.0).sin() + 60.0 * n)
    };
    let mut with_gaps = curve(six, 240, gaps);
    with_gaps.retain(|(at, _)| *at < ago(5000) || *at > ago(3500));
    let mut stale = curve(six, 240, |x, n| {
        Some(40.0 + 10.0 * (x * 12.0).sin() + 3.0 * n)
    });
    stale.truncate(150);
    let gib = 1024.0 * 1024.0 * 1024.0;
    let used = |x: f64, n: f64| Some(gib * (1.1 + 0.85 * (1.0 - (-3.0 * x).exp()) + 0.01 * n));
    vec![
        (
            "hit_ratio",
            Chart::hit_ratio("sessions", six, curve(six, 360, hit), Some(0.2))
                .with_bands([incident()])
                .with_marks([deploy()]),
        ),
        (
            "miss_ratio",
            Chart::miss_ratio(
                "sessions",
                six,
                curve(six, 360, |x, n| Some(1.0 - hit(x, n)?)),
                Some(0.2),
            )
            .with_bands([incident()])
            .with_marks([deploy()]),
        ),
        (
            "causes",
            Chart::misses_by_cause("sessions", six, by_cause.to_vec()).with_bands([incident()]),
        ),
        (
            "memory",
            Chart::memory("sessions", six, curve(six, 360, used), Some(2.0 * gib)),
        ),
        (
            "lookups_week",
            Chart::lookups("sessions", week, curve(week, 2016, day)).with_marks([Mark {
                at: ago(260_000),
                until: None,
                label: "config reloaded".to_owned(),
            }]),
        ),
        ("lookups_gaps", Chart::lookups("sessions", six, with_gaps)),
        (
            "expirations_stale",
            Chart::expirations("sessions", six, stale),
        ),
        (
            "nodes",
            Chart {
                series: nodes.collect(),
                ..Chart::new("Lookups of sessions by node", Unit::PerSecond, six)
            },
        ),
        (
            "latency",
            Chart {
                series: vec![Series::new(
                    "p99",
                    curve(hours(1), 60, |x, n| {
                        Some(0.0021 + 0.0003 * n + 0.004 * bump(x, 0.5, 0.03))
                    }),
                )],
                limit: Some(Limit {
                    name: "slow".to_owned(),
                    value: 0.005,
                    side: Side::Below,
                }),
                ..Chart::new("Poll time of sessions", Unit::Seconds, hours(1))
            },
        ),
        (
            "zeros",
            Chart::evictions("sessions", six, curve(six, 60, |_, _| Some(0.0))),
        ),
        ("empty", Chart::lookups("sessions", six, Vec::new())),
        (
            "single_point",
            Chart::evictions("sessions", six, vec![(ago(0), Some(12.0))]),
        ),
        (
            "annotated",
            Chart::lookups(
                "sessions",
                six,
                curve(six, 360, |x, n| {
                    Some(1800.0 + 200.0 * (x * 9.0).sin() + 60.0 * n)
                }),
            )
            .with_bands([incident()])
            .with_marks([
                span(30_000, 17_000, "warm_up: after the move"),
                deploy(),
                span(6_000, 2_400, "import: all prices of the autumn"),
                span(1_200, -3_600, "warm_up"),
            ]),
        ),
        (
            "crowded",
            Chart::miss_ratio(
                &"sessions-of-the-very-large-shop-in-all-regions".repeat(3),
                six,
                curve(six, 360, |x, n| Some(0.19 + 0.02 * n + 0.05 * x)),
                Some(0.2),
            )
            .with_bands((0..8).map(|i| Band {
                from: ago(20_000 - i * 2400),
                to: (i < 7).then(|| ago(19_000 - i * 2400)),
                label: format!("incident {i}: too many misses"),
            }))
            .with_marks((0..10).map(|i| Mark {
                at: ago(21_000 - i * 2000),
                until: None,
                label: format!("deploy {i} of the shop with a long name"),
            })),
        ),
    ]
}
