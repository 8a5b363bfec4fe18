//! A made-up fleet, as text that people can read in review.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::incident::{DownEvidence, Evidence, Notification, Severity, Transition};
use crate::model::name::Name;
use crate::model::record::ToldLookups;

mod lookups;

const HOSTILE: &str = "<script>alert(1)</script>|`[x](http://evil.example)\u{202e}\n*";

fn now() -> Timestamp {
    "2026-11-23T16:48:27Z".parse().unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn period(hours: u64) -> Period {
    Period::last(Duration::from_hours(hours), now())
}

/// A slot each `slot_seconds`, worse in the afternoon.
fn slots(from: Timestamp, to: Timestamp, width: u32, missing: f64) -> Vec<HistoryPoint> {
    let mut all = Vec::new();
    let mut at = from;
    while at < to {
        let hour = at.as_second().rem_euclid(86_400) / 3_600;
        let misses = if (14..17).contains(&hour) {
            missing * 2.0
        } else {
            missing
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let misses = (misses * 1_000.0) as u64;
        all.push(HistoryPoint {
            at,
            covered_seconds: f64::from(width),
            hits: Some(1_000 - misses),
            misses: Some(misses),
            evictions: Some(misses / 4),
            expirations: Some(10),
            memory_used_bytes: Some(99 << 20),
            memory_limit_bytes: Some(100 << 20),
            miss_cost: Some(misses as f64 * 0.001),
            ..HistoryPoint::default()
        });
        at += SignedDuration::from_secs(i64::from(width));
    }
    all
}

fn namespace(text: &str, causes: [u64; 6], cost: Option<f64>) -> NamespacePoint {
    NamespacePoint {
        at: Timestamp::UNIX_EPOCH,
        namespace: text.to_owned(),
        misses: causes.iter().sum(),
        causes: causes.to_vec(),
        evictions: causes[1],
        expirations: causes[0],
        cost,
        ..NamespacePoint::default()
    }
}

fn incident(cache: &str, started: &str, resolved: Option<&str>) -> IncidentRecord {
    let started: Timestamp = started.parse().unwrap();
    let cache = name(cache);
    IncidentRecord {
        id: format!("{cache}-CacheMissRatioHigh-{}", started.as_millisecond()),
        rule: name("CacheMissRatioHigh"),
        subject: String::new(),
        severity: Severity::Warning,
        labels: BTreeMap::new(),
        started,
        resolved: resolved.map(|at| at.parse().unwrap()),
        headline: format!("34 % of lookups miss {HOSTILE}"),
        notification: Arc::new(Notification {
            incident: String::new(),
            transition: Transition::Firing,
            rule: name("CacheMissRatioHigh"),
            cache: cache.clone(),
            subject: None,
            severity: Severity::Warning,
            labels: BTreeMap::new(),
            started,
            pending_since: started,
            at: started,
            duration: Duration::ZERO,
            runbook: None,
            note: None,
            coincidences: Vec::new(),
            evidence: Evidence::Down(DownEvidence {
                nodes: Vec::new(),
                total: 1,
            }),
        }),
        acknowledged: None,
        cache,
    }
}

fn empty(cache: &str) -> Record {
    Record {
        cache: name(cache),
        first: None,
        slots: Vec::new(),
        slots_before: Vec::new(),
        namespaces: Vec::new(),
        namespaces_before: Vec::new(),
        incidents: Vec::new(),
        annotations: Vec::new(),
    }
}

fn fleet(period: &Period) -> Vec<Record> {
    let width = period.slot_seconds;
    let mut sessions = slots(period.from, period.to, width, 0.12);
    sessions.drain(100..160);
    let good = slots(period.from, period.to, width, 0.01);
    vec![
        empty("nothing"),
        lookups::known(Record {
            slots: good.get(300..).unwrap_or_default().to_vec(),
            first: good.get(300).map(|slot| slot.at),
            ..empty("products")
        }),
        Record {
            first: Some(period.before),
            slots: sessions,
            slots_before: slots(period.before, period.from, width, 0.10),
            namespaces: vec![
                namespace(
                    "user:*:profile",
                    [4_000, 30_000, 100, 0, 9_000, 0],
                    Some(43.1),
                ),
                namespace(HOSTILE, [20_000, 0, 0, 0, 1_000, 500], None),
            ],
            namespaces_before: vec![namespace("user:*:profile", [20_000, 0, 0, 0, 0, 0], None)],
            incidents: vec![
                incident("sessions", "2026-11-23T14:10:00Z", None),
                incident(
                    "sessions",
                    "2026-11-20T14:10:00Z",
                    Some("2026-11-20T15:40:00Z"),
                ),
                incident(
                    "sessions",
                    "2026-11-20T15:00:00Z",
                    Some("2026-11-20T16:10:00Z"),
                ),
            ],
            annotations: vec![Annotation {
                id: "1".to_owned(),
                cache: None,
                at: "2026-11-20T14:05:00Z".parse().unwrap(),
                until: None,
                kind: "deploy".to_owned(),
                text: format!("deploy {HOSTILE}"),
            }],
            ..empty("sessions")
        },
    ]
}

fn settings() -> Settings {
    Settings {
        external_url: Some("https://cachewatch.example.org".to_owned()),
        thresholds: BTreeMap::from([(name("sessions"), 0.2)]),
        currencies: BTreeMap::from([(name("sessions"), "USD".to_owned())]),
        ..Settings::default()
    }
}

fn week() -> Report {
    let period = period(168);
    build(&period, &fleet(&period), &settings())
}

fn golden(file: &str, is: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/report/testdata")
        .join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, is).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == is,
        "{file} differs; UPDATE_GOLDEN=1 writes it anew:\n{is}"
    );
}

#[test]
fn markdown_is_as_reviewed() {
    golden("week.md", &markdown(&week()));
}

#[test]
fn json_is_as_reviewed() {
    golden("week.json", &json(&week()).unwrap());
}

#[test]
fn the_numbers_are_those_of_the_slots() {
    let report = week();
    let names: Vec<_> = report.caches.iter().map(|c| c.cache.as_str()).collect();
    assert_eq!(
        names,
        ["sessions", "products", "nothing"],
        "the worst first, the unknown last"
    );
    let cache = &report.caches[0];
    let slots = &cache.record.slots;
    let misses: u64 = slots.iter().filter_map(|s| s.misses).sum();
    let lookups = slots.len() as u64 * 1_000;
    assert_eq!(
        (cache.counts.misses, cache.counts.lookups),
        (Some(misses), Some(lookups))
    );
    let ratio = cache.counts.hit_ratio.unwrap();
    assert!((ratio - (1.0 - misses as f64 / lookups as f64)).abs() < 1e-12);
    assert!(
        cache.counts.hit_ratio_lower.unwrap() < ratio
            && ratio < cache.counts.hit_ratio_upper.unwrap()
    );
    assert!(cache.hit_ratio_change.unwrap() < 0.0);
    assert_eq!(cache.hit_ratio_change_is_clear, Some(true));
    assert_eq!(
        (cache.gaps.count, cache.gaps.list[0].from),
        (1, slots[99].at + SignedDuration::from_mins(15))
    );
    assert!((cache.gaps.seconds - 60.0 * 900.0).abs() < 1e-6);
    // The two that overlap last two hours together; the open one goes on until now.
    let open = report
        .to
        .duration_since("2026-11-23T14:10:00Z".parse().unwrap())
        .as_secs_f64();
    assert!((cache.incidents.seconds - open - 7_200.0).abs() < 1e-3);
    let memory = &cache.advice[0];
    assert_eq!(
        (memory.topic, memory.verdict.as_str()),
        ("memory", "more memory would help")
    );
    assert!(
        cache
            .hours
            .worst
            .iter()
            .all(|cell| (14..17).contains(&cell.hour))
    );
    assert_eq!(report.caches[2].counts.hit_ratio, None);
    assert_eq!(report.caches[2].previous, None);
}

#[test]
fn no_data_is_not_zero() {
    let period = period(24);
    let unknown = HistoryPoint {
        at: period.from,
        ..HistoryPoint::default()
    };
    let record = Record {
        slots: vec![unknown],
        ..empty("down")
    };
    let cache = &build(&period, &[record], &Settings::default()).caches[0];
    assert_eq!(
        (
            cache.counts.lookups,
            cache.counts.evictions,
            cache.counts.hit_ratio
        ),
        (None, None, None)
    );
    assert_eq!((cache.memory, cache.attribution.as_ref()), (None, None));
    assert!(cache.advice.is_empty());
    let html = html(&build(&period, &[], &Settings::default())).unwrap();
    assert!(html.contains("no lookups in this time"));
}

#[test]
fn html_needs_nothing_else_and_nothing_foreign_is_markup() {
    let html = html(&week()).unwrap();
    let lower = html.to_lowercase();
    for bad in [
        "<script", "<link", "<iframe", "<object", "<img", "@import", "url(", "src=", "onload",
        "\u{202e}",
    ] {
        assert!(!lower.contains(bad), "{bad}");
    }
    // What is left of addresses is only where people may click, and foreign text.
    let loads = html
        .split("http")
        .skip(1)
        .filter(|rest| !rest.starts_with("s://cachewatch.example.org/"));
    assert!(
        loads
            .clone()
            .all(|rest| rest.starts_with("://evil.example)")),
        "{:?}",
        loads.map(|r| r.get(..20)).collect::<Vec<_>>()
    );
    well_formed(&html);
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("@media print"));
    assert_eq!(html.matches("<h1").count(), 1);
    let ids: Vec<_> = html
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
}

/// Every tag that is opened is closed, in order, and no attribute is without quotes.
fn well_formed(html: &str) {
    let mut open: Vec<String> = Vec::new();
    let (_, body) = html.split_once("</style>").unwrap();
    open.extend(["html".to_owned(), "head".to_owned()]);
    for part in body.split('<').skip(1) {
        let (tag, text) = part
            .split_once('>')
            .unwrap_or_else(|| panic!("a bare <: {part:.60}"));
        assert!(!text.contains('>'), "a bare >: {part:.60}");
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        let word: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if tag.starts_with('/') {
            assert_eq!(
                open.pop().as_deref(),
                Some(word.as_str()),
                "closed in order: {part:.60}"
            );
        } else if !tag.ends_with('/') && word != "meta" {
            open.push(word);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
