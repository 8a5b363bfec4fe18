//! Tests of the whole attributor: styles of keys, adversaries, a slow model of the causes, and what must always hold.

mod adversary;
mod classifier;
mod invariants;
mod model;
mod styles;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::model::attribution::Cause;

/// Small tables, so that a test can make many of them.
fn small() -> Options {
    Options {
        removals: 4096,
        misses: 1024,
        ..Options::default()
    }
}

/// Feeds misses, evenly over the given time.
fn feed(attributor: &mut Attributor, from: u64, seconds: u64, keys: impl Iterator<Item = String>) {
    let keys: Vec<_> = keys.collect();
    let step = Duration::from_secs(seconds) / u32::try_from(keys.len()).unwrap();
    let mut now = Duration::from_secs(from);
    for key in keys {
        attributor.event(KeyEvent::Miss, 0, key.as_bytes(), now);
        now += step;
    }
}

fn names(snapshot: &AttributionSnapshot) -> BTreeSet<String> {
    snapshot.namespaces.iter().map(|n| n.name.clone()).collect()
}

fn misses(snapshot: &AttributionSnapshot, name: &str) -> u64 {
    let found = snapshot.namespaces.iter().find(|n| n.name == name);
    found.map_or(0, |n| n.counters.misses.total())
}

/// That slots are migrated away is known with the reading after: what was seen since the one before is no deletion.
#[test]
fn what_turns_out_to_be_a_migration_was_no_deletion() {
    let at = Duration::from_secs;
    let mut attributor = Attributor::new(small(), at(0));
    for (key, second) in [("before", 1), ("missed", 6), ("moved", 6)] {
        attributor.event(KeyEvent::Deleted, 0, key.as_bytes(), at(second));
    }
    attributor.event(KeyEvent::Expired, 0, b"expired", at(6));
    attributor.event(KeyEvent::Miss, 0, b"missed", at(7));
    attributor.del_meaning(DelMeaning::Migration, at(5));
    attributor.event(KeyEvent::Deleted, 0, b"later", at(9));
    attributor.del_meaning(DelMeaning::Deletion, at(8));
    for key in ["before", "moved", "expired", "later"] {
        attributor.event(KeyEvent::Miss, 0, key.as_bytes(), at(10));
    }
    let total = attributor.snapshot(at(10)).total();
    for (cause, count) in [
        (Cause::Deleted, 2),
        (Cause::Unknown, 2),
        (Cause::Expired, 1),
    ] {
        assert_eq!(total.misses.get(cause), count, "{cause:?}");
    }
}

/// A number that looks random (splitmix64), always the same for the same seed.
fn scrambled(seed: u64) -> u64 {
    let z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// So many characters, always the same for the same seed.
fn text(seed: u64, length: usize, alphabet: &[u8]) -> String {
    (0..length as u64)
        .map(|i| scrambled(scrambled(seed) ^ i) % alphabet.len() as u64)
        .map(|i| char::from(alphabet[usize::try_from(i).unwrap()]))
        .collect()
}

const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const BASE62: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE64URL: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

fn uuid(seed: u64) -> String {
    let parts = [8, 4, 4, 4, 12].into_iter().zip(1_u64..);
    let parts: Vec<_> = parts
        .map(|(length, salt)| text(seed ^ salt << 40, length, HEX))
        .collect();
    parts.join("-")
}
