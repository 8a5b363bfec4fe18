//! Random histories of incidents, outages and crashes: nothing is lost, and each incident is told in order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Something that happens.
#[derive(Debug, Clone)]
enum Happens {
    /// The state of an incident changes.
    Changes(u8),
    /// The receiver answers this from now on.
    Answers(u8),
    /// The process is killed and begins anew.
    Crashes,
    /// So many seconds pass.
    Passes(u16),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        5 => (0_u8..8).prop_map(Happens::Changes),
        2 => (0_u8..5).prop_map(Happens::Answers),
        1 => Just(Happens::Crashes),
        3 => (0_u16..400).prop_map(Happens::Passes),
    ]
}

async fn live(events: Vec<Happens>, digests: bool) -> Result<(), TestCaseError> {
    let mut bench = Bench::start(Scripted {
        digests,
        ..Scripted::default()
    });
    // How many incidents each place had, and whether one is open.
    let mut places: BTreeMap<u8, (u32, bool)> = BTreeMap::new();
    let mut all = Vec::new();
    for event in events {
        match event {
            Happens::Changes(place) => {
                let (count, open) = places.entry(place).or_default();
                let sign = if *open { '-' } else { '+' };
                *count += u32::from(!*open);
                *open = !*open;
                let word = format!("{sign}s{place}.{count}");
                let cache = format!("cache{}", place % 3);
                bench.push_about(&word, &cache, Severity::Warning).await;
                all.push(word);
            }
            Happens::Answers(0 | 1) => bench.channel.becomes(Outcome::Delivered, Some(200)),
            Happens::Answers(2) => bench.channel.becomes(Outcome::retry("503"), Some(503)),
            Happens::Answers(3) => bench.channel.becomes(Outcome::permanent("400"), Some(400)),
            Happens::Answers(_) => bench.channel.becomes(Outcome::permanent("404"), Some(404)),
            Happens::Crashes => bench.begin(),
            Happens::Passes(seconds) => bench.passes(seconds.into()).await,
        }
    }
    bench.channel.becomes(Outcome::Delivered, Some(200));
    let settled = tokio::time::timeout(Duration::from_hours(2), bench.quiet()).await;
    let left = bench.outbox.keys(OutboxStatus::Waiting);
    prop_assert!(settled.is_ok(), "left: {left:?}");

    let told = bench.channel.told();
    let words: Vec<&str> = told.iter().flat_map(|t| t.split(' ')).collect();
    for word in &all {
        let (sign, incident) = word.split_at(1);
        let way = if sign == "+" { "firing" } else { "resolved" };
        match bench.outbox.status(&format!("{incident}/{way}/ops")) {
            OutboxStatus::Delivered => {
                prop_assert!(words.contains(&word.as_str()), "{word} in {words:?}");
            }
            OutboxStatus::Superseded => {
                // Only a firing whose end was told, or visibly given up.
                prop_assert_eq!(sign, "+");
                let end = bench.outbox.status(&format!("{incident}/resolved/ops"));
                let known = matches!(end, OutboxStatus::Delivered | OutboxStatus::Dead);
                prop_assert!(known, "{word}: {end:?}");
            }
            OutboxStatus::Dead => {}
            OutboxStatus::Waiting => prop_assert!(false, "{word} waits"),
        }
    }
    for word in all.iter().filter(|word| word.starts_with('+')) {
        let end = word.replace('+', "-");
        let first_end = words.iter().position(|w| *w == end);
        let last_word = words.iter().rposition(|w| *w == word.as_str());
        if let (Some(end), Some(last)) = (first_end, last_word) {
            prop_assert!(last < end, "{word} after its end: {words:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_is_lost_and_each_incident_is_told_in_order(
        events in proptest::collection::vec(happens(), 0..60),
        digests in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(live(events, digests))?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_arrives_in_order() {
    let bench = Bench::start(Scripted::default());
    for n in 0..1_000 {
        bench.push(&format!("+{n:05}")).await;
    }
    bench.quiet().await;
    let told = bench.channel.told();
    assert_eq!(told.len(), 1_000);
    assert!(told.is_sorted(), "oldest first");
}
