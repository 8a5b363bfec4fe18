//! The templates that are not namespaces yet: a sketch of the heavy ones, of fixed size.
//!
//! SpaceSaving in small sets: a newcomer replaces the lightest of its set and inherits its weight as error, so that
//! `weight - error` never claims more than was seen. Weights fade with a half-life of about 11 epochs.
//!
//! Invariant: a template becomes a namespace only if it came in at least [`SUSTAINED`] different epochs, so that a
//! burst of invented keys earns nothing; among those, the heaviest come first.

const WAYS: usize = 8;
/// In how many epochs it must have come.
pub(super) const SUSTAINED: u32 = 3;
/// After so many epochs without a key it begins anew.
const FORGOTTEN: u32 = 60;
/// Weights are in sixteenths, so that small ones fade too.
const UNIT: u32 = 16;

#[derive(Debug, Clone, Copy, Default)]
struct Candidate {
    /// 0: free.
    template: u64,
    weight: u32,
    error: u32,
    epochs: u32,
    last: u32,
    chosen: bool,
}

impl Candidate {
    fn sure(&self) -> u32 {
        self.weight.saturating_sub(self.error)
    }
}

/// The sketch.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    sets: Vec<[Candidate; WAYS]>,
    epoch: u32,
    /// Of all keys, in the same units as the weights.
    total: u64,
    /// Scratch for choosing; as long as there are candidates.
    order: Vec<(u32, usize)>,
    replaced: u64,
}

impl Candidates {
    /// With room for at least so many, 64 to 65 536.
    pub(super) fn new(room: usize) -> Self {
        let sets = (room.clamp(64, 1 << 16) / WAYS).next_power_of_two();
        Self {
            sets: vec![[Candidate::default(); WAYS]; sets],
            epoch: 0,
            total: 0,
            order: Vec::with_capacity(sets * WAYS),
            replaced: 0,
        }
    }

    /// How many candidates had to give way to others so far.
    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.sets.len() * size_of::<[Candidate; WAYS]>()
            + self.order.capacity() * size_of::<(u32, usize)>()
    }

    /// Counts a key of a namespace, so that shares are shares of everything.
    #[inline]
    pub(super) fn count_other(&mut self) {
        self.total += u64::from(UNIT);
    }

    /// Counts a key of a template. True when it has been chosen: it is no candidate any more then.
    pub(super) fn touch(&mut self, template: u64) -> bool {
        self.count_other();
        let epoch = self.epoch;
        let mask = self.sets.len() as u64 - 1;
        let at = usize::try_from((template >> 40) & mask).unwrap_or(0);
        let Some(set) = self.sets.get_mut(at) else {
            return false;
        };
        if let Some(found) = set.iter_mut().find(|c| c.template == template) {
            if found.chosen {
                *found = Candidate::default();
                return true;
            }
            found.weight = found.weight.saturating_add(UNIT);
            if found.last != epoch {
                if epoch - found.last > FORGOTTEN {
                    found.epochs = 0;
                }
                found.epochs += 1;
                found.last = epoch;
            }
            return false;
        }
        if let Some(lightest) = set.iter_mut().min_by_key(|c| c.weight) {
            self.replaced += u64::from(lightest.template != 0);
            *lightest = Candidate {
                template,
                weight: lightest.weight.saturating_add(UNIT),
                error: lightest.weight,
                epochs: 1,
                last: epoch,
                chosen: false,
            };
        }
        false
    }

    /// Lets `epochs` of time pass.
    pub(super) fn age(&mut self, epochs: u32) {
        self.epoch = self.epoch.saturating_add(epochs);
        for _ in 0..epochs.min(400) {
            self.total -= self.total.div_ceil(16);
            for candidate in self.sets.iter_mut().flatten() {
                candidate.weight -= candidate.weight.div_ceil(16);
                candidate.error -= candidate.error.div_ceil(16);
            }
        }
    }

    /// Chooses who becomes a namespace at its next key: up to `free` of any weight, and `of_weight` more that make up
    /// at least 1 / `share` of everything. True when somebody was left out for lack of room.
    pub(super) fn choose(&mut self, free: usize, of_weight: usize, share: u64) -> bool {
        self.order.clear();
        for (at, candidate) in self.sets.iter_mut().flatten().enumerate() {
            candidate.chosen = false;
            let fresh = self.epoch - candidate.last <= FORGOTTEN;
            if candidate.template != 0 && candidate.epochs >= SUSTAINED && fresh {
                self.order.push((candidate.sure(), at));
            }
        }
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        let (mut free, mut of_weight) = (free, of_weight);
        let mut left_out = false;
        for (weight, at) in &self.order {
            let heavy = u64::from(*weight) * share >= self.total;
            let place = match (free, of_weight) {
                (1.., _) => &mut free,
                (0, 1..) if heavy => &mut of_weight,
                _ => {
                    left_out |= heavy;
                    continue;
                }
            };
            *place -= 1;
            if let Some(candidate) = self.sets.iter_mut().flatten().nth(*at) {
                candidate.chosen = true;
            }
        }
        left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::attribution::hashing::mix;

    fn template(i: u64) -> u64 {
        mix(i, 5)
    }

    #[test]
    fn only_the_sustained_are_chosen_and_the_heaviest_first() {
        let mut sketch = Candidates::new(512);
        for epoch in 0..SUSTAINED {
            for _ in 0..10 {
                assert!(!sketch.touch(template(1)));
            }
            for _ in 0..20 {
                assert!(!sketch.touch(template(2)));
            }
            for _ in 0..1000 * u32::from(epoch == 0) {
                assert!(!sketch.touch(template(3)));
            }
            sketch.age(1);
        }
        assert!(sketch.choose(1, 0, 200), "a heavy one is left out");
        assert!(!sketch.touch(template(1)) && !sketch.touch(template(3)));
        assert!(sketch.touch(template(2)), "the heavier one has the place");
        assert!(!sketch.touch(template(2)), "it is no candidate any more");
    }

    #[test]
    fn the_reserve_is_for_heavy_ones() {
        let mut sketch = Candidates::new(512);
        for _ in 0..SUSTAINED {
            for i in 0..1000 {
                sketch.touch(template(1));
                if i == 0 {
                    sketch.touch(template(2));
                }
            }
            sketch.age(1);
        }
        sketch.choose(0, 5, 200);
        assert!(sketch.touch(template(1)));
        assert!(!sketch.touch(template(2)));
        assert!(!sketch.choose(0, 0, 200), "nobody heavy is waiting");
    }

    #[test]
    fn invented_templates_neither_grow_it_nor_get_weight() {
        let mut sketch = Candidates::new(512);
        let bytes = sketch.bytes();
        let mut admitted = false;
        for epoch in 0..10_u64 {
            for i in 0..100_000 {
                assert!(!sketch.touch(template(10 + epoch * 100_000 + i)));
                admitted |= i % 100 == 0 && sketch.touch(template(1));
            }
            sketch.age(1);
            sketch.choose(50, 0, 200);
        }
        assert!(admitted);
        assert_eq!(sketch.bytes(), bytes);
        assert!(sketch.replaced() > 900_000);
    }
}
