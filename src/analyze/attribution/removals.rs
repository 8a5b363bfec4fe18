//! A bounded memory of what happened to keys: 64-bit fingerprints with 8 bytes each, 16 bytes an entry.
//!
//! Sets of 8 entries, one cache line of fingerprints and one of facts; a set that is full lets its oldest entry go.
//! Two keys share a fingerprint with probability 2^-64: with 1 M entries one lookup in 2 * 10^13 is told a wrong story.
//! Deliberately absent: key names, and what the facts mean (`causes`).
//!
//! Invariant: the memory is reserved once, and its pages are touched only when something is remembered there: the table
//! of a node where nothing is removed costs address space and no memory. What fell out is counted, and its age tells how far back the table reaches.

use std::time::Duration;

use crate::model::attribution::TableStats;

/// Ticks per second of all times in here. With 32 bits that is 4.2 years; later times saturate.
pub(super) const TICKS: u32 = 32;
const WAYS: usize = 8;

/// What is known of a key. Packed so that the order of the numbers is the order of [`Fact::at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact {
    /// When it happened, in seconds; 27 bits.
    pub(super) at: u32,
    /// What happened; 3 bits.
    pub(super) state: u8,
    /// Whether the key was missed since.
    pub(super) missed: bool,
    /// Whether it was missed again after the time to refill it.
    pub(super) repeated: bool,
    /// When the first miss of the current burst was, in ticks.
    pub(super) burst: u32,
}

impl Fact {
    fn pack(self) -> u64 {
        let at = u64::from(self.at.min((1 << 27) - 1));
        at << 37
            | u64::from(self.state & 7) << 34
            | u64::from(self.missed) << 33
            | u64::from(self.repeated) << 32
            | u64::from(self.burst)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fields are cut out of the bits"
    )]
    fn unpack(bits: u64) -> Self {
        Self {
            at: (bits >> 37) as u32,
            state: (bits >> 34) as u8 & 7,
            missed: bits >> 33 & 1 == 1,
            repeated: bits >> 32 & 1 == 1,
            burst: bits as u32,
        }
    }
}

/// Where the least of them is. Written out because `min_by_key` becomes a chain of unpredictable branches, which was a
/// third of the time of a flood of keys never seen before.
#[inline]
fn least(facts: &[u64; WAYS]) -> usize {
    let mut least = (0, u64::MAX);
    for (way, fact) in facts.iter().enumerate() {
        least = if *fact < least.1 { (way, *fact) } else { least };
    }
    least.0
}

/// Two cache lines: fingerprints (0: free), then the fact of each.
#[derive(Debug)]
struct Set<'a> {
    prints: &'a [u64; WAYS],
    facts: &'a [u64; WAYS],
}

/// Words of a set.
const SET: usize = 2 * WAYS;
/// Words of a cache line.
const LINE: usize = 8;

/// Where an entry is, until the next insertion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    set: usize,
    way: usize,
}

/// The table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Plain numbers, because zeroed pages can be had for those without touching them.
    words: Vec<u64>,
    /// Where the first set begins, so that sets lie on cache lines.
    skip: usize,
    sets: usize,
    occupied: u64,
    fell_out: u64,
    /// An estimate of the age that only 5 % of what falls out is below; `None` while nothing fell out.
    reach_seconds: Option<f32>,
}

impl Table {
    /// With room for at least so many entries.
    pub(super) fn new(entries: usize) -> Self {
        let sets = entries.div_ceil(WAYS).max(1);
        let words = vec![0; sets * SET + LINE];
        let behind = words.as_ptr().addr() / size_of::<u64>() % LINE;
        Self {
            skip: (LINE - behind) % LINE,
            words,
            sets,
            occupied: 0,
            fell_out: 0,
            reach_seconds: None,
        }
    }

    fn set_of(&self, print: u64) -> usize {
        let wide = u128::from(print) * self.sets as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    #[inline]
    fn get(&self, set: usize) -> Option<Set<'_>> {
        let from = self.skip + set * SET;
        let words = self.words.get(from..)?;
        let (prints, rest) = words.split_first_chunk()?;
        Some(Set {
            prints,
            facts: rest.first_chunk()?,
        })
    }

    #[inline]
    fn get_mut(&mut self, set: usize) -> Option<(&mut [u64; WAYS], &mut [u64; WAYS])> {
        let from = self.skip + set * SET;
        let (prints, rest) = self.words.get_mut(from..)?.split_first_chunk_mut()?;
        Some((prints, rest.first_chunk_mut()?))
    }

    /// Reads the cache line of fingerprints where this one would be, so that the line is near when it is needed: with
    /// several of these in a row, the waits for memory overlap. The sum means nothing.
    #[inline]
    pub(super) fn approach(&self, print: u64) -> u64 {
        if self.occupied == 0 {
            return 0;
        }
        let set = self.get(self.set_of(print));
        set.map_or(0, |set| {
            let [first_print, ..] = *set.prints;
            let [first_fact, ..] = *set.facts;
            first_print.wrapping_add(first_fact)
        })
    }

    /// Where the entry of a fingerprint is. An empty table is not looked into: its pages, never written, would have to
    /// be mapped for that.
    #[inline]
    pub(super) fn place(&self, print: u64) -> Option<Place> {
        if self.occupied == 0 {
            return None;
        }
        let set = self.set_of(print);
        let prints = self.get(set)?.prints;
        let way = prints.iter().position(|p| *p == print)?;
        Some(Place { set, way })
    }

    /// The fact there.
    pub(super) fn fact(&self, place: Place) -> Option<Fact> {
        let bits = self.get(place.set)?.facts.get(place.way)?;
        Some(Fact::unpack(*bits))
    }

    /// Replaces the fact there.
    pub(super) fn set(&mut self, place: Place, fact: Fact) {
        if let Some((_, facts)) = self.get_mut(place.set)
            && let Some(slot) = facts.get_mut(place.way)
        {
            *slot = fact.pack();
        }
    }

    /// Frees the place.
    pub(super) fn free(&mut self, place: Place) {
        if let Some((prints, _)) = self.get_mut(place.set)
            && let Some(print) = prints.get_mut(place.way)
            && *print != 0
        {
            *print = 0;
            self.occupied -= 1;
        }
    }

    /// Adds an entry that is not there yet; `now` in seconds.
    pub(super) fn insert(&mut self, print: u64, fact: Fact, now: u32) {
        let index = self.set_of(print);
        let Some((prints, facts)) = self.get_mut(index) else {
            return;
        };
        let way = prints.iter().position(|p| *p == 0);
        let way = way.unwrap_or_else(|| least(facts));
        let (Some(print_slot), Some(fact_slot)) = (prints.get_mut(way), facts.get_mut(way)) else {
            return;
        };
        let fell_out = (*print_slot != 0).then(|| Fact::unpack(*fact_slot));
        *print_slot = print;
        *fact_slot = fact.pack();
        match fell_out {
            Some(old) => self.note_fall(now.saturating_sub(old.at)),
            None => self.occupied += 1,
        }
    }

    /// Robbins-Monro steps toward the 5 % quantile, on a logarithmic scale.
    fn note_fall(&mut self, age: u32) {
        const STEP: f32 = 0.02;
        self.fell_out += 1;
        let age = age as f32;
        self.reach_seconds = Some(match self.reach_seconds {
            None => age,
            Some(reach) if age < reach => reach * (1.0 - STEP * 0.95),
            Some(reach) => reach.max(0.03) * (1.0 + STEP * 0.05),
        });
    }

    /// Begins anew to observe what falls out.
    pub(super) fn forget_reach(&mut self) {
        self.reach_seconds = None;
    }

    /// How far back the table reaches as far as what fell out tells; `None`: nothing fell out.
    pub(super) fn reach(&self) -> Option<Duration> {
        let reach = self.reach_seconds?;
        Duration::try_from_secs_f32(reach).ok()
    }

    /// How it stands.
    pub(super) fn stats(&self) -> TableStats {
        TableStats {
            occupied: self.occupied,
            capacity: (self.sets * WAYS) as u64,
            fell_out: self.fell_out,
        }
    }

    /// Looks at every entry, and changes those that `to` gives another fact for. Takes milliseconds: for what happens
    /// seldom.
    pub(super) fn revise(&mut self, to: impl Fn(Fact) -> Option<Fact>) {
        for set in 0..self.sets {
            let Some((prints, facts)) = self.get_mut(set) else {
                continue;
            };
            let taken = prints.iter().zip(facts).filter(|(print, _)| **print != 0);
            for (_, bits) in taken {
                if let Some(fact) = to(Fact::unpack(*bits)) {
                    *bits = fact.pack();
                }
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hashing::mix;
    use super::*;

    fn fact(at: u32) -> Fact {
        Fact {
            at,
            state: 3,
            missed: false,
            repeated: false,
            burst: 0,
        }
    }

    #[test]
    fn sixteen_bytes_an_entry() {
        let table = Table::new(1 << 20);
        assert_eq!(table.bytes(), (16 << 20) + 64);
        let first = table.get(0).unwrap().prints.as_ptr().addr();
        assert_eq!(first % 64, 0, "on a cache line");
        assert!(table.get((1 << 17) - 1).is_some());
    }

    #[test]
    fn the_oldest_falls_out_and_its_age_is_known() {
        let mut table = Table::new(8);
        for i in 1..=8 {
            table.insert(i, fact(10 + u32::try_from(i).unwrap()), 18);
        }
        assert_eq!((table.stats().occupied, table.stats().fell_out), (8, 0));
        assert_eq!(table.reach(), None);
        table.insert(9, fact(41), 41);
        assert!(table.place(1).is_none() && table.place(2).is_some());
        assert_eq!(table.reach(), Some(Duration::from_secs(30)));
        let place = table.place(5).unwrap();
        table.free(place);
        assert_eq!(table.stats().occupied, 7);
        table.insert(10, fact(42), 42);
        assert!(table.place(2).is_some(), "the free place was taken");
    }

    #[test]
    fn the_reach_follows_the_rate() {
        let mut table = Table::new(1 << 10);
        // 1024 entries at 100 a second reach back about 10 s; the sets differ, so that 5 % fall out before 5 s.
        for i in 0..100_000_u64 {
            let now = u32::try_from(i / 100).unwrap();
            table.insert(mix(i, 3) | 1, fact(now), now);
        }
        let reach = table.reach().unwrap().as_secs_f64();
        assert!((3.0..8.0).contains(&reach), "{reach}");
        for i in 0..400_000_u64 {
            let now = 1000 + u32::try_from(i / 10).unwrap();
            table.insert(mix(i, 4) | 1, fact(now), now);
        }
        let reach = table.reach().unwrap().as_secs_f64();
        assert!((30.0..80.0).contains(&reach), "{reach}");
    }

    proptest! {
        #[test]
        fn packing_keeps_everything(at in 0_u32..1 << 27, state in 0_u8..8, missed: bool, repeated: bool, burst: u32) {
            let fact = Fact { at, state, missed, repeated, burst };
            prop_assert_eq!(Fact::unpack(fact.pack()), fact);
        }
    }
}
