//! Two made-up weeks of several caches, for reports: waves of a day, a storm, half a day without readings, namespaces of
//! which the application tells, which are sampled, and of which nobody knows.

use std::path::Path;
use std::sync::Arc;

use cachewatch::model::lookups::{NamespaceSums, SampleSums};
use cachewatch::model::name::Name;
use cachewatch::model::record::{HistoryPoint, NamespacePoint, ToldLookups};
use cachewatch::model::time::{Clock as _, SystemClock};
use cachewatch::store::{Backend, Store};
use jiff::Timestamp;

/// Puts two weeks of made-up history there, in slots of 15 min, that ended so many days ago.
pub(crate) fn week(folder: &Path, caches: &[&str], days_ago: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let clock = Arc::new(SystemClock::start());
    let end = clock.now().wall.as_second().div_euclid(900) * 900 - days_ago * 86_400;
    runtime.block_on(async {
        let store = Store::open(Backend::Sqlite(folder.to_owned()), clock).await;
        let mut points = Vec::new();
        let mut spaces = Vec::new();
        for (number, name) in caches.iter().enumerate() {
            let cache = Name::new(name).unwrap();
            for slot in 0..14 * 96 {
                let at = Timestamp::from_second(end - (slot + 1) * 900).unwrap();
                // Nobody looked for half a day.
                if (200..248).contains(&slot) && number == 1 {
                    continue;
                }
                let (point, some) = made_up(at, slot, number);
                points.push((cache.clone(), point));
                spaces.extend(some.into_iter().map(|space| (cache.clone(), space)));
            }
        }
        store
            .append_history(Timestamp::from_second(end).unwrap(), points, spaces)
            .await;
        store.close().await;
    });
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
fn made_up(at: Timestamp, slot: i64, number: usize) -> (HistoryPoint, Vec<NamespacePoint>) {
    let hour = at.as_second().rem_euclid(86_400) as f64 / 3_600.0;
    let wave = 1.0 + 0.6 * ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin();
    let noise = 1.0 + 0.1 * ((slot * 7_919 % 101) as f64 / 50.0 - 1.0);
    let lookups = 400_000.0 * wave * noise / (number + 1) as f64;
    let storm = number == 0 && (150..162).contains(&slot);
    let ratio = [0.09, 0.03, 0.01][number % 3] * (0.7 + 0.5 * wave * noise)
        + if storm { 0.25 } else { 0.0 }
        - if slot > 7 * 96 && number == 0 {
            0.02
        } else {
            0.0
        };
    let misses = (lookups * ratio) as u64;
    let part = |p: f64| (misses as f64 * p) as u64;
    let space = |name: &str, causes: [f64; 6], cost: Option<f64>| {
        let told = name.starts_with('s') || name.starts_with('c');
        let causes = causes.map(part).to_vec();
        let total = causes.iter().sum();
        NamespacePoint {
            at,
            namespace: name.to_owned(),
            misses: total,
            evictions: causes[1] * 2,
            expirations: causes[0] + 40,
            causes,
            cost: cost.map(|price| price * total as f64),
            told: told.then_some(ToldLookups {
                hits: total * 11,
                misses: total,
            }),
            saved: cost
                .filter(|_| told)
                .map(|price| price * total as f64 * 11.0),
            sampled: name.starts_with('u').then_some(NamespaceSums {
                sampled: 40,
                misses: total,
                part: 12_000.0 * noise,
                part_squared: 11e6,
                product: 32e6,
            }),
        }
    };
    let evicted = if storm { 0.45 } else { 0.2 };
    let spaces = vec![
        space(
            "session:*",
            [0.08, evicted, 0.02, 0.0, 0.06, 0.0],
            (number == 0).then_some(0.002),
        ),
        space("user:*:profile", [0.14, 0.03, 0.01, 0.0, 0.04, 0.0], None),
        space("cart:*", [0.05, 0.01, 0.08, 0.0, 0.02, 0.01], None),
        space("<b>other</b>", [0.01, 0.0, 0.0, 0.0, 0.09, 0.0], None),
    ];
    let limit = 4 << 30;
    let point = HistoryPoint {
        at,
        covered_seconds: 900.0,
        hits: Some(lookups as u64 - misses),
        misses: Some(misses),
        evictions: Some(if number == 2 { 0 } else { part(evicted * 2.0) }),
        expirations: Some(part(0.5) + 300),
        memory_used_bytes: Some(
            (limit as f64 * if number == 2 { 0.3 } else { 0.93 + 0.04 * wave }) as u64,
        ),
        memory_limit_bytes: Some(limit),
        miss_cost: (number == 0).then(|| spaces[0].misses as f64 * 0.002),
        saved: spaces[0].saved,
        sampled: Some(SampleSums {
            intervals: 15,
            seconds: 900.0,
            covered_seconds: 3.0,
            lookups: lookups as u64,
            all: 40_000.0,
            all_squared: 107e6,
            all_weighted: 12e6,
        }),
    };
    (point, spaces)
}
