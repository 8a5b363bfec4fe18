//! Learns which segments are words: a tree of the prefixes of templates, bounded, in one flat table.
//!
//! A word may appear in the name of a namespace only once it is *known*: at least [`FEW_KEYS`] distinct keys had it at
//! this position, so that no name tells of a single user. Until then, and for good where it never happens, it is `*`.
//! A position where more than about 48 distinct words were seen is *crowded*: it holds ids that look like words
//! (user names, slugs). There no more words become known, except at the beginning of keys, where a word that makes up
//! 1/256 of what is unknown there still can: a crowd of invented prefixes must not hide a new real one.
//! What is known stays known: a crowd that comes later does not change it.
//!
//! Deliberately absent: text. Prefixes are 64-bit keyed hashes, and distinct keys are counted in bitmaps.
//!
//! Invariant: the memory is fixed. When a set of the table is full, the least frequent unknown prefix gives way, then
//! a known one that was idle for [`IDLE_EPOCHS`]; pinned ones (part of an admitted namespace) never do.

use super::super::hashing::mix;
use super::template::Words;

/// From how many distinct keys a word must have been seen. Bits of a bitmap: never counts too many.
pub const FEW_KEYS: u32 = 8;
/// The same in a crowd, of 64 bits: 37 keys or more.
const MANY_KEYS: u32 = 28;
/// Bits of 128 that 48 distinct words set on average: 128 (1 - e^(-48/128)).
const CROWDED_BITS: u32 = 40;
/// How many keys a position must have seen before the first of its words is known: time enough to see a crowd.
const MATURE: u32 = 128;
/// In a crowd at the beginning of keys, the share of the unknown that makes a word known.
const CROWD_SHARE: u32 = 256;
/// A known prefix in no namespace may give way after so many epochs without a key.
const IDLE_EPOCHS: u32 = 60;
const WAYS: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// Which keys had it, one bit of 64 each.
    keys: u64,
    /// Which words followed it, one bit of 128 each.
    words: u128,
    /// Keys with an unknown word after it, ever.
    seen: u32,
    /// Keys, halved at each epoch.
    recent: u32,
    /// The epoch of its last key.
    last: u32,
    /// How many namespaces rest on it.
    pins: u16,
    known: bool,
}

#[derive(Debug, Clone, Default)]
struct Set {
    /// 0: free.
    paths: [u64; WAYS],
    nodes: [Node; WAYS],
}

/// The table.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    sets: Vec<Set>,
    epoch: u32,
}

impl Tree {
    /// With room for at least so many prefixes, 128 to 2^20.
    pub(super) fn new(prefixes: usize) -> Self {
        let sets = (prefixes.clamp(128, 1 << 20) / WAYS).next_power_of_two();
        Self {
            sets: vec![Set::default(); sets],
            epoch: 0,
        }
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.sets.len() * size_of::<Set>()
    }

    /// All prefixes that end in a known word, in order.
    pub(super) fn known(&self) -> Box<[u64]> {
        let nodes = self
            .sets
            .iter()
            .flat_map(|set| set.paths.iter().zip(&set.nodes));
        let mut known: Vec<_> = nodes
            .filter(|(path, node)| **path != 0 && node.known)
            .map(|(path, _)| *path)
            .collect();
        known.sort_unstable();
        known.into()
    }

    fn set_of(&mut self, path: u64) -> Option<&mut Set> {
        let mask = self.sets.len() as u64 - 1;
        // Paths are mixed well already.
        let at = usize::try_from((path >> 24) & mask).unwrap_or(0);
        self.sets.get_mut(at)
    }

    /// Whether this prefix ends in a known word.
    #[inline]
    pub(super) fn is_known(&mut self, path: u64) -> bool {
        let epoch = self.epoch;
        let Some(set) = self.set_of(path) else {
            return false;
        };
        let Some(way) = set.paths.iter().position(|p| *p == path) else {
            return false;
        };
        let Some(node) = set.nodes.get_mut(way).filter(|node| node.known) else {
            return false;
        };
        node.last = epoch;
        true
    }

    /// Takes in that a key (`hash`) has the unknown word `child` at `position`. True when it is known from now on.
    pub(super) fn learn(&mut self, position: u64, child: u64, hash: u64, first: bool) -> bool {
        let epoch = self.epoch;
        let Some(parent) = self.node(position) else {
            return false;
        };
        parent.seen = parent.seen.saturating_add(1);
        parent.recent = parent.recent.saturating_add(1);
        parent.last = epoch;
        parent.words |= 1 << (mix(child, 1) >> 57);
        let crowded = parent.words.count_ones() >= CROWDED_BITS;
        let (mature, around) = (parent.seen >= MATURE, parent.recent);
        if crowded && !first {
            return false;
        }
        let Some(node) = self.node(child) else {
            return false;
        };
        node.recent = node.recent.saturating_add(1);
        node.last = epoch;
        node.keys |= 1 << (hash >> 58);
        let keys = node.keys.count_ones();
        node.known = mature
            && if crowded {
                keys >= MANY_KEYS && node.recent.saturating_mul(CROWD_SHARE) >= around
            } else {
                keys >= FEW_KEYS
            };
        node.known
    }

    /// Keeps a prefix as long as a namespace rests on it.
    pub(super) fn pin(&mut self, path: u64, pinned: bool) {
        if let Some(set) = self.set_of(path)
            && let Some(way) = set.paths.iter().position(|p| *p == path)
            && let Some(node) = set.nodes.get_mut(way)
        {
            node.pins = if pinned {
                node.pins.saturating_add(1)
            } else {
                node.pins.saturating_sub(1)
            };
        }
    }

    /// The node of a path, made when there is none and something can give way to it.
    fn node(&mut self, path: u64) -> Option<&mut Node> {
        let epoch = self.epoch;
        let set = self.set_of(path)?;
        if let Some(way) = set.paths.iter().position(|p| *p == path) {
            return set.nodes.get_mut(way);
        }
        let rank = |path: u64, node: &Node| match (path, node.pins > 0, node.known) {
            (0, _, _) => Some(0),
            (_, true, _) => None,
            (_, _, false) => Some(1 + u64::from(node.recent)),
            (_, _, true) if epoch.saturating_sub(node.last) > IDLE_EPOCHS => Some(1 << 33),
            _ => None,
        };
        let ranks = set.paths.iter().zip(&set.nodes).map(|(p, n)| rank(*p, n));
        let (way, _) = ranks
            .enumerate()
            .filter_map(|(way, rank)| Some((way, rank?)))
            .min_by_key(|(_, rank)| *rank)?;
        *set.paths.get_mut(way)? = path;
        let node = set.nodes.get_mut(way)?;
        *node = Node {
            last: epoch,
            ..Node::default()
        };
        Some(node)
    }

    /// Lets `epochs` of time pass.
    pub(super) fn age(&mut self, epochs: u32) {
        self.epoch = self.epoch.saturating_add(epochs);
        let by = epochs.min(31);
        for node in self.sets.iter_mut().flat_map(|set| &mut set.nodes) {
            node.recent >>= by;
        }
    }
}

impl Words for Tree {
    #[inline]
    fn is_known(&mut self, path: u64) -> bool {
        Self::is_known(self, path)
    }

    #[inline]
    fn learn(&mut self, position: u64, child: u64, hash: u64, first: bool) -> bool {
        Self::learn(self, position, child, hash, first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: u64 = 7;

    /// A hash that differs in the bits that count keys.
    fn key(i: u64) -> u64 {
        mix(i, 99)
    }

    fn word(i: u64) -> u64 {
        mix(i, 1234)
    }

    #[test]
    fn a_word_is_known_after_distinct_keys_only() {
        let mut tree = Tree::new(256);
        for _ in 0..10_000 {
            assert!(!tree.learn(TOP, word(1), key(1), true));
        }
        let known = (2..64).find(|i| tree.learn(TOP, word(1), key(*i), true));
        assert!(known.is_some_and(|i| i >= u64::from(FEW_KEYS)), "{known:?}");
        assert!(tree.is_known(word(1)));
        assert!(!tree.is_known(word(2)));
    }

    #[test]
    fn nothing_is_known_before_the_position_is_mature() {
        let mut tree = Tree::new(256);
        let known = (0..1000).find(|i| tree.learn(TOP, word(1), key(*i), false));
        assert_eq!(known, Some(u64::from(MATURE) - 1));
    }

    #[test]
    fn a_crowd_stays_unknown_and_what_was_known_stays_known() {
        let mut tree = Tree::new(256);
        for i in 0..200 {
            tree.learn(TOP, word(1), key(i), false);
        }
        assert!(tree.is_known(word(1)));
        for i in 0..100_000 {
            let child = word(10 + i % 1000);
            tree.learn(TOP, child, key(i), false);
        }
        assert!(tree.is_known(word(1)));
        assert!((0..1000).all(|i| !tree.is_known(word(10 + i))));
    }

    #[test]
    fn a_heavy_newcomer_in_a_crowd_is_known_at_the_beginning_of_keys_only() {
        for first in [true, false] {
            let mut tree = Tree::new(256);
            for i in 0..200_000 {
                tree.learn(TOP, word(100 + i), key(i), first);
                if i % 100 == 0 {
                    tree.learn(TOP, word(1), key(i), first);
                }
                if i % 50_000 == 0 {
                    tree.age(1);
                }
            }
            assert_eq!(tree.is_known(word(1)), first);
        }
    }

    #[test]
    fn pinned_prefixes_outlive_any_flood() {
        let mut tree = Tree::new(128);
        for i in 0..200 {
            tree.learn(TOP, word(1), key(i), true);
        }
        tree.pin(word(1), true);
        tree.age(IDLE_EPOCHS + 1);
        for position in 1000..3000 {
            for i in 0..150 {
                tree.learn(word(position), word(position * 7), key(i), true);
            }
            tree.age(1);
        }
        assert!(tree.is_known(word(1)));
    }
}
