//! Which family of keys a key belongs to.
//!
//! Configured patterns come first; every other key has a template (`template`), and the heavy, sustained templates
//! become namespaces (`candidates`), at most [`Limits::namespaces`] of them; all the rest is [`OTHER`].
//!
//! Invariant: a namespace stays. It is retired only if it had no key for [`Limits::retire_after`] *and* a heavy
//! candidate waits for its place; its counts are then folded into `other`. Nothing else takes a place away, so no flood
//! of invented keys can push a namespace out. Should a retired one come back, it counts from 0 under a new
//! [`Namespace::id`]: to Prometheus that is the restart of a counter after an absence.
//! A quarter of the places is reserved for templates of weight (half a fair share of everything), so that early junk
//! cannot take them all.

mod candidates;
mod classifier;
pub(super) mod configured;
mod name;
mod segment;
mod template;
mod tokens;
mod tree;

pub use classifier::Classifier;
pub use configured::{Patterns, PatternsError};
pub use name::{MAX_NAME_BYTES, safe as shown_name};
pub use tokens::DEFAULT_SEPARATORS;
pub use tree::FEW_KEYS;

use super::hashing::Hashing;
use crate::model::attribution::Counters;
use candidates::{Candidates, SUSTAINED};
use template::Templates;

/// The name for the keys in no namespace.
pub const OTHER: &str = crate::model::attribution::OTHER;
/// Of longer keys, the first and the last half of so many bytes are looked at.
pub const MAX_KEY_BYTES: usize = 1024;

/// Sizes and times, in the ticks of the attributor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Discovered namespaces at most.
    pub(super) namespaces: usize,
    /// Templates that are watched besides.
    pub(super) candidates: usize,
    /// How long a template must have come before it is a namespace.
    pub(super) admit_after: u32,
    /// How long a namespace without a key keeps its place in any case.
    pub(super) retire_after: u32,
}

/// One namespace and what was counted in it.
#[derive(Debug, Clone)]
pub(super) struct Namespace {
    pub(super) name: String,
    pub(super) configured: bool,
    /// Different for each admission.
    pub(super) id: u64,
    pub(super) counters: Counters,
    last: u32,
    rests_on: Box<[u64]>,
}

/// All namespaces of one node. Index 0 is `other`, then come the configured ones, then the discovered ones.
#[derive(Debug, Clone)]
pub(super) struct Namespaces {
    limits: Limits,
    patterns: Patterns,
    templates: Templates,
    candidates: Candidates,
    list: Vec<Namespace>,
    /// Template to index; open addressing, never more than half full. Several templates may have one name.
    by_template: Vec<(u64, usize)>,
    mapped: usize,
    /// Where a retired namespace left a hole.
    holes: Vec<usize>,
    next_id: u64,
    retired: u64,
    epoch_ticks: u32,
    next_epoch: u32,
    long_key: Vec<u8>,
}

impl Namespaces {
    pub(super) fn new(
        limits: Limits,
        patterns: Patterns,
        separators: &[u8],
        hashing: Hashing,
    ) -> Self {
        let configured = patterns.names().len();
        let mut list = Vec::with_capacity(1 + configured + limits.namespaces);
        list.push(Namespace::new(OTHER.to_owned(), false, 0));
        for name in patterns.names() {
            let id = list.len() as u64;
            list.push(Namespace::new(name.clone(), true, id));
        }
        let epoch_ticks = (limits.admit_after / SUSTAINED).max(1);
        let prefixes = (limits.namespaces * 32).max(2048);
        Self {
            templates: Templates::new(hashing, separators, prefixes),
            candidates: Candidates::new(limits.candidates),
            by_template: vec![(0, 0); (limits.namespaces * 4).next_power_of_two().max(64)],
            mapped: 0,
            holes: Vec::with_capacity(limits.namespaces),
            next_id: list.len() as u64,
            retired: 0,
            epoch_ticks,
            next_epoch: epoch_ticks,
            long_key: Vec::with_capacity(MAX_KEY_BYTES),
            limits,
            patterns,
            list,
        }
    }

    /// Whether [`Self::roll`] is due.
    pub(super) fn is_due(&self, now: u32) -> bool {
        now >= self.next_epoch
    }

    /// The index of the namespace of a key with this hash; good until the next [`Self::roll`].
    pub(super) fn find(&mut self, key: &[u8], hash: u64, now: u32) -> usize {
        if key.len() > MAX_KEY_BYTES {
            let mut buffer = std::mem::take(&mut self.long_key);
            buffer.clear();
            let half = MAX_KEY_BYTES / 2;
            buffer.extend_from_slice(key.get(..half).unwrap_or_default());
            buffer.extend_from_slice(key.get(key.len() - half..).unwrap_or_default());
            let found = self.find_short(&buffer, hash, now);
            self.long_key = buffer;
            return found;
        }
        self.find_short(key, hash, now)
    }

    fn find_short(&mut self, key: &[u8], hash: u64, now: u32) -> usize {
        if let Some(slot) = self.patterns.find(key) {
            self.candidates.count_other();
            return 1 + slot;
        }
        let template = self.templates.fold(key, hash).max(1);
        let index = match self.lookup(template) {
            Some(index) => {
                self.candidates.count_other();
                index
            }
            None if self.candidates.touch(template) => self.admit(key, template, now),
            None => 0,
        };
        if let Some(namespace) = self.list.get_mut(index) {
            namespace.last = now;
        }
        index
    }

    /// Where a namespace counts.
    pub(super) fn counters(&mut self, index: usize) -> Option<&mut Counters> {
        self.list.get_mut(index).map(|n| &mut n.counters)
    }

    /// The namespaces that there are, `other` first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.list.iter().filter(|n| !n.name.is_empty())
    }

    /// How many were retired so far.
    pub(super) fn retired(&self) -> u64 {
        self.retired
    }

    /// How many candidates gave way to others so far.
    pub(super) fn replaced(&self) -> u64 {
        self.candidates.replaced()
    }

    /// Bytes on the heap, without the few of the names.
    pub(super) fn bytes(&self) -> usize {
        self.templates.bytes()
            + self.candidates.bytes()
            + self.by_template.capacity() * size_of::<(u64, usize)>()
            + self.list.capacity() * size_of::<Namespace>()
            + self.holes.capacity() * size_of::<usize>()
            + MAX_KEY_BYTES
    }

    fn discovered(&self) -> usize {
        self.list.len() - 1 - self.patterns.names().len() - self.holes.len()
    }

    fn lookup(&self, template: u64) -> Option<usize> {
        let mask = self.by_template.len() - 1;
        let mut at = usize::try_from(template >> 32).unwrap_or(0) & mask;
        loop {
            match self.by_template.get(at) {
                Some((found, index)) if *found == template => return Some(*index),
                Some((0, _)) | None => return None,
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    fn map(&mut self, template: u64, index: usize) -> bool {
        if (self.mapped + 1) * 2 > self.by_template.len() {
            return false;
        }
        let mask = self.by_template.len() - 1;
        let mut at = usize::try_from(template >> 32).unwrap_or(0) & mask;
        while let Some(slot) = self.by_template.get_mut(at) {
            if slot.0 == 0 {
                *slot = (template, index);
                self.mapped += 1;
                return true;
            }
            at = (at + 1) & mask;
        }
        false
    }

    #[cold]
    fn admit(&mut self, key: &[u8], template: u64, now: u32) -> usize {
        let name = self.templates.text(key);
        let same = self.list.iter().position(|n| n.name == name);
        if let Some(index) = same {
            return if self.map(template, index) { index } else { 0 };
        }
        if self.discovered() >= self.limits.namespaces {
            return 0;
        }
        let index = self.holes.last().copied().unwrap_or(self.list.len());
        if !self.map(template, index) {
            return 0;
        }
        let mut namespace = Namespace::new(name, false, self.next_id);
        self.next_id += 1;
        namespace.last = now;
        namespace.rests_on = self.templates.keep();
        if self.holes.pop().is_some() {
            if let Some(hole) = self.list.get_mut(index) {
                *hole = namespace;
            }
        } else {
            self.list.push(namespace);
        }
        index
    }

    /// The end of an epoch: what is old fades, who is next is chosen, and room is made if it must be.
    #[cold]
    pub(super) fn roll(&mut self, now: u32) {
        let epochs = 1 + (now - self.next_epoch) / self.epoch_ticks;
        self.next_epoch = self
            .next_epoch
            .saturating_add(epochs.saturating_mul(self.epoch_ticks));
        self.templates.age(epochs);
        self.candidates.age(epochs);
        let used = self.discovered();
        let open = self.limits.namespaces - self.limits.namespaces / 4;
        let free = open.saturating_sub(used);
        let reserve = (self.limits.namespaces - used).saturating_sub(free);
        let share = self.limits.namespaces as u64 * 2;
        if self.candidates.choose(free, reserve, share) {
            self.retire_one(now);
        }
    }

    fn retire_one(&mut self, now: u32) {
        let first = 1 + self.patterns.names().len();
        let idle = |n: &Namespace| now.saturating_sub(n.last);
        let oldest = self.list.iter().enumerate().skip(first);
        let oldest =
            oldest.filter(|(_, n)| !n.name.is_empty() && idle(n) > self.limits.retire_after);
        let Some(index) = oldest.max_by_key(|(_, n)| idle(n)).map(|(i, _)| i) else {
            return;
        };
        let hole = Namespace::new(String::new(), false, 0);
        let Some(gone) = self
            .list
            .get_mut(index)
            .map(|slot| std::mem::replace(slot, hole))
        else {
            return;
        };
        if let Some(other) = self.counters(0) {
            other.add(&gone.counters);
        }
        self.templates.release(&gone.rests_on);
        let old = std::mem::take(&mut self.by_template);
        self.by_template = vec![(0, 0); old.len()];
        self.mapped = 0;
        for (template, mapped_to) in old {
            if template != 0 && mapped_to != index {
                self.map(template, mapped_to);
            }
        }
        self.holes.push(index);
        self.retired += 1;
    }
}

impl Namespace {
    fn new(name: String, configured: bool, id: u64) -> Self {
        Self {
            name,
            configured,
            id,
            counters: Counters::default(),
            last: 0,
            rests_on: Box::default(),
        }
    }
}
