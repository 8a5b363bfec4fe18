//! The causes against a slow model that keeps every event of every key and applies the rules of `causes` as written.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Event(KeyEvent, u32, u8),
    Flush(Option<u32>, Option<u64>),
    Gap,
    Meaning(DelMeaning),
    Wait(u64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Past {
    Removed(Cause),
    Written,
    Missed(Cause, char),
}

#[derive(Default)]
struct Model {
    past: HashMap<(u32, u8), Vec<(Duration, Past)>>,
    flushes: Vec<(Duration, Option<u32>, u64)>,
    gaps: Vec<Duration>,
    meaning: DelMeaning,
    misses: HashMap<Cause, u64>,
    repeats: u64,
    stampedes: u64,
}

const REACH: Duration = Duration::from_hours(1);
const REFILL: Duration = Duration::from_secs(1);

impl Model {
    fn interruption(&mut self, db: u32, since: Duration, now: Duration) -> Option<Cause> {
        let recent = |at: Duration| at >= since && now.saturating_sub(at) <= REACH;
        let gap = self.gaps.iter().copied().filter(|at| recent(*at)).max();
        // Only the very last flush of the database counts, even when it has nothing left to explain.
        let last = self
            .flushes
            .iter_mut()
            .filter(|f| f.1.is_none_or(|d| d == db));
        let last = last.max_by_key(|f| f.0);
        match (last.filter(|f| f.2 > 0 && recent(f.0)), gap) {
            (Some(flush), gap) if Some(flush.0) >= gap => {
                flush.2 -= 1;
                Some(Cause::Flushed)
            }
            (_, Some(_)) => Some(Cause::Unknown),
            _ => None,
        }
    }

    fn miss(&mut self, db: u32, key: u8, now: Duration) {
        let past = self.past.entry((db, key)).or_default().clone();
        let base = past.iter().rposition(|p| !matches!(p.1, Past::Missed(..)));
        let state = base.map(|i| past[i]);
        let since = &past[base.map_or(0, |i| i + 1)..];
        // The first miss of the last burst.
        let burst = since.iter().rev().find_map(|(at, p)| match p {
            Past::Missed(cause, again) if *again != 's' => Some((*at, *cause, *again == 'r')),
            _ => None,
        });
        let (cause, again) = match (burst, state) {
            (Some((at, cause, repeated)), _) => {
                let taken = if repeated {
                    None
                } else {
                    self.interruption(db, at, now)
                };
                match taken {
                    Some(new) => (new, '1'),
                    None if now.saturating_sub(at) < REFILL => (cause, 's'),
                    None if now.saturating_sub(at) <= REACH => (cause, 'r'),
                    None => (cause, '1'),
                }
            }
            (None, Some((_, Past::Removed(cause)))) => (cause, '1'),
            (None, Some((at, _))) => (
                self.interruption(db, at, now).unwrap_or(Cause::Unknown),
                '1',
            ),
            (None, None) => {
                let otherwise = match self.meaning {
                    DelMeaning::Replica => Cause::Unknown,
                    _ => Cause::NeverSeen,
                };
                (
                    self.interruption(db, Duration::ZERO, now)
                        .unwrap_or(otherwise),
                    '1',
                )
            }
        };
        *self.misses.entry(cause).or_default() += 1;
        self.repeats += u64::from(again == 'r');
        self.stampedes += u64::from(again == 's');
        self.push(db, key, now, Past::Missed(cause, again));
    }

    fn push(&mut self, db: u32, key: u8, now: Duration, past: Past) {
        self.past.entry((db, key)).or_default().push((now, past));
    }

    fn event(&mut self, event: KeyEvent, db: u32, key: u8, now: Duration) {
        let past = match event {
            KeyEvent::Miss => return self.miss(db, key, now),
            KeyEvent::Expired => Past::Removed(Cause::Expired),
            KeyEvent::Evicted => Past::Removed(Cause::Evicted),
            KeyEvent::Deleted if self.meaning == DelMeaning::Deletion => {
                Past::Removed(Cause::Deleted)
            }
            KeyEvent::Deleted => Past::Removed(Cause::Unknown),
            // A write of a key of which nothing is known is not remembered.
            KeyEvent::Written if !self.past.contains_key(&(db, key)) => return,
            KeyEvent::Written => Past::Written,
        };
        self.push(db, key, now, past);
    }
}

fn op() -> impl Strategy<Value = Op> {
    let kinds = vec![
        KeyEvent::Miss,
        KeyEvent::Miss,
        KeyEvent::Miss,
        KeyEvent::Expired,
        KeyEvent::Evicted,
        KeyEvent::Deleted,
        KeyEvent::Written,
    ];
    let db = || prop_oneof![3 => Just(0_u32), 1 => Just(1_u32)];
    let meaning = vec![
        DelMeaning::Deletion,
        DelMeaning::Migration,
        DelMeaning::Replica,
    ];
    // Multiples of 125 ms: whole ticks, so that rounding is no matter here.
    let wait = vec![
        0, 125, 500, 875, 1000, 1125, 5000, 600_000, 1_800_000, 3_600_000,
    ];
    prop_oneof![
        12 => (proptest::sample::select(kinds), db(), 0_u8..4).prop_map(|(k, d, key)| Op::Event(k, d, key)),
        6 => proptest::sample::select(wait).prop_map(Op::Wait),
        1 => (proptest::option::of(db()), proptest::option::of(0_u64..3)).prop_map(|(d, k)| Op::Flush(d, k)),
        1 => Just(Op::Gap),
        1 => proptest::sample::select(meaning).prop_map(Op::Meaning),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn causes_are_those_of_the_model(ops in proptest::collection::vec(op(), 1..60)) {
        let mut model = Model::default();
        let mut attributor = Attributor::new(Options { removals: 256, misses: 256, ..Options::default() }, Duration::ZERO);
        let mut now = Duration::ZERO;
        for op in ops {
            // Flushes at the same instant would have no order.
            now += Duration::from_millis(125);
            match op {
                Op::Event(event, db, key) => {
                    model.event(event, db, key, now);
                    attributor.event(event, db, &[b'k', key], now);
                }
                Op::Flush(db, keys) => {
                    model.flushes.push((now, db, keys.unwrap_or(u64::MAX)));
                    attributor.flushed(db, keys, now);
                }
                Op::Gap => {
                    model.gaps.push(now);
                    attributor.gap(now);
                }
                Op::Meaning(meaning) => {
                    model.meaning = meaning;
                    attributor.del_meaning(meaning, now);
                }
                Op::Wait(millis) => now += Duration::from_millis(millis),
            }
            let total = attributor.snapshot(now).total();
            for cause in Cause::ALL {
                let expected = model.misses.get(&cause).copied().unwrap_or_default();
                prop_assert_eq!(total.misses.get(cause), expected, "{:?}", cause);
            }
            prop_assert_eq!(total.repeats, model.repeats);
            prop_assert_eq!(total.stampedes, model.stampedes);
        }
    }
}

/// The stories that the rules were made for, one by one.
#[test]
fn the_usual_stories() {
    use KeyEvent::{Deleted, Evicted, Expired, Miss, Written};
    let at = Duration::from_secs;
    let story = |events: &[(u64, KeyEvent)]| {
        let mut attributor = Attributor::new(small(), Duration::ZERO);
        for (seconds, event) in events {
            attributor.event(*event, 0, b"key", at(*seconds));
        }
        attributor
    };
    let last = |attributor: &mut Attributor| attributor.snapshot(at(1000)).total();

    // Found expired by the lookup itself.
    let total = last(&mut story(&[(5, Expired), (5, Miss)]));
    assert_eq!(
        (
            total.misses.get(Cause::Expired),
            total.expired_ages.within(1)
        ),
        (1, 1)
    );
    // Removed by the active cycle, asked for later.
    let total = last(&mut story(&[(5, Expired), (95, Miss)]));
    assert_eq!(
        (
            total.expired_ages.within(64),
            total.expired_ages.within(128)
        ),
        (0, 1)
    );
    // Expired, refilled, evicted: the last removal counts, and it is no repeat.
    let total = last(&mut story(&[
        (5, Expired),
        (6, Miss),
        (60, Evicted),
        (61, Miss),
    ]));
    assert_eq!((total.misses.get(Cause::Evicted), total.repeats), (1, 0));
    // Nobody refills it.
    let total = last(&mut story(&[(5, Miss), (9, Miss), (20, Miss)]));
    assert_eq!(
        (
            total.misses.get(Cause::NeverSeen),
            total.repeats,
            total.stampedes
        ),
        (3, 2, 0)
    );
    // A dogpile.
    let total = last(&mut story(&[(5, Deleted), (6, Miss), (6, Miss), (6, Miss)]));
    assert_eq!(
        (
            total.misses.get(Cause::Deleted),
            total.repeats,
            total.stampedes
        ),
        (3, 0, 2)
    );
    // Written, and gone without a word.
    let total = last(&mut story(&[(5, Miss), (6, Written), (9, Miss)]));
    assert_eq!((total.misses.get(Cause::Unknown), total.repeats), (1, 0));
    // Refilled after a miss, then flushed; another key was never there.
    let mut attributor = story(&[(5, Expired), (6, Miss)]);
    attributor.flushed(None, Some(1), at(10));
    attributor.event(Miss, 0, b"key", at(12));
    attributor.event(Miss, 0, b"another", at(12));
    let total = last(&mut attributor);
    assert_eq!(
        (
            total.misses.get(Cause::Flushed),
            total.misses.get(Cause::NeverSeen)
        ),
        (1, 1)
    );
}
