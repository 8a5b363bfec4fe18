//! What is counted: causes, ages, and the counters of one namespace.
//!
//! Invariant: every counter only grows; the causes sum up to the misses; the ages of a kind sum up to the misses with
//! that cause.

/// Why a lookup missed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its time to live was over.
    Expired,
    /// It was removed because of `maxmemory`.
    Evicted,
    /// It was deleted, renamed or moved.
    Deleted,
    /// Its database was flushed or swapped.
    Flushed,
    /// No removal of it was seen within the horizon.
    NeverSeen,
    /// Events that would tell were lost, or the server cannot tell (a replica, a slot migration).
    Unknown,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Expired,
        Self::Evicted,
        Self::Deleted,
        Self::Flushed,
        Self::NeverSeen,
        Self::Unknown,
    ];

    /// As a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Deleted => "deleted",
            Self::Flushed => "flushed",
            Self::NeverSeen => "never_seen",
            Self::Unknown => "unknown",
        }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NeverSeen => "never seen",
            other => other.as_str(),
        }
    }
}

/// One number per cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct PerCause {
    counts: [u64; Cause::ALL.len()],
}

impl PerCause {
    /// The number of a cause.
    pub fn get(&self, cause: Cause) -> u64 {
        self.counts.get(cause as usize).copied().unwrap_or_default()
    }

    /// All causes together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The most frequent cause with its number; of equals the first. `None` without misses.
    pub fn main(&self) -> Option<(Cause, u64)> {
        let main = Cause::ALL
            .into_iter()
            .rev()
            .max_by_key(|cause| self.get(*cause))?;
        Some((main, self.get(main))).filter(|(_, count)| *count > 0)
    }

    fn bump(&mut self, cause: Cause) {
        if let Some(count) = self.counts.get_mut(cause as usize) {
            *count += 1;
        }
    }
}

/// How many buckets [`Ages`] has.
pub const AGE_BUCKETS: usize = 18;

/// Misses by the time since their key was removed: bucket i holds those of at most 2^i s that bucket i-1 does not; the
/// last one everything above 2^16 s (18.2 h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Ages {
    buckets: [u64; AGE_BUCKETS],
}

impl Ages {
    /// The buckets, not cumulative, each with its upper bound in seconds (`None`: no bound).
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u32>, u64)> + '_ {
        let bounds = (0..).map(|i: u32| (i < 17).then(|| 1_u32 << i));
        bounds.zip(self.buckets.iter().copied())
    }

    /// Misses whose key was gone for at most about so many seconds (rounded up to a power of two).
    pub fn within(&self, seconds: u32) -> u64 {
        self.buckets.iter().take(bucket(seconds) + 1).sum()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn bump(&mut self, seconds: u32) {
        if let Some(count) = self.buckets.get_mut(bucket(seconds)) {
            *count += 1;
        }
    }
}

fn bucket(seconds: u32) -> usize {
    let log2_up = u32::BITS - seconds.saturating_sub(1).leading_zeros();
    (log2_up as usize).min(AGE_BUCKETS - 1)
}

/// Whether a miss is the first of its key, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Yes.
    First,
    /// The key is missed again before it can have been refilled.
    Stampede,
    /// The key is missed again although there was time to refill it.
    Repeat,
}

/// What is known of one miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Why.
    pub cause: Cause,
    /// How long ago the key was removed, in seconds; 0 where that is not known.
    pub age: u32,
    /// Whether it is the first of its key.
    pub again: Again,
}

/// What happened in one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counters {
    /// Misses by cause.
    pub misses: PerCause,
    /// Keys removed because of `maxmemory`.
    pub evictions: u64,
    /// Keys removed because their time to live was over.
    pub expirations: u64,
    /// Keys deleted, renamed or moved (on a replica or in a slot migration: whatever the server calls `del`).
    pub deletions: u64,
    /// Misses of a key that was missed before and not written in between, with time to refill it.
    pub repeats: u64,
    /// Misses of a key beyond the first within the refill time.
    pub stampedes: u64,
    /// Misses with the cause `evicted` by the time since the eviction: would more memory have helped?
    pub evicted_ages: Ages,
    /// The same for `expired`: would a longer time to live have helped? A key that is found expired by the lookup itself
    /// has age 0, because Redis removes it only then.
    pub expired_ages: Ages,
}

impl Counters {
    /// Takes in a miss.
    pub fn missed(&mut self, verdict: Verdict) {
        self.misses.bump(verdict.cause);
        match verdict.cause {
            Cause::Evicted => self.evicted_ages.bump(verdict.age),
            Cause::Expired => self.expired_ages.bump(verdict.age),
            _ => {}
        }
        match verdict.again {
            Again::First => {}
            Again::Stampede => self.stampedes += 1,
            Again::Repeat => self.repeats += 1,
        }
    }

    /// Events of all kinds.
    pub fn events(&self) -> u64 {
        self.misses.total() + self.evictions + self.expirations + self.deletions
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another namespace's counts.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, u64::saturating_add);
    }

    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut grown = *self;
        grown.combine(earlier, u64::saturating_sub);
        grown
    }

    fn combine(&mut self, other: &Self, how: fn(u64, u64) -> u64) {
        let pairs = [
            (&mut self.evictions, other.evictions),
            (&mut self.expirations, other.expirations),
            (&mut self.deletions, other.deletions),
            (&mut self.repeats, other.repeats),
            (&mut self.stampedes, other.stampedes),
        ];
        let causes = self.misses.counts.iter_mut().zip(other.misses.counts);
        let evicted = self.evicted_ages.buckets.iter_mut();
        let expired = self.expired_ages.buckets.iter_mut();
        pairs
            .into_iter()
            .chain(causes)
            .chain(evicted.zip(other.evicted_ages.buckets))
            .chain(expired.zip(other.expired_ages.buckets))
            .for_each(|(mine, theirs)| *mine = how(*mine, theirs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_cause() {
        let mut misses = PerCause::default();
        assert_eq!(misses.main(), None);
        for cause in [Cause::Unknown, Cause::Evicted] {
            misses.bump(cause);
            assert_eq!(misses.main(), Some((cause, 1)));
        }
        misses.bump(Cause::Unknown);
        assert_eq!(misses.main(), Some((Cause::Unknown, 2)));
    }

    #[test]
    fn age_buckets() {
        for (seconds, expected) in [
            (0, 0),
            (1, 0),
            (2, 1),
            (3, 2),
            (4, 2),
            (5, 3),
            (65_536, 16),
            (65_537, 17),
            (u32::MAX, 17),
        ] {
            assert_eq!(bucket(seconds), expected, "{seconds}");
        }
        let mut ages = Ages::default();
        for seconds in [0, 1, 2, 100, 100_000] {
            ages.bump(seconds);
        }
        assert_eq!(
            (ages.within(1), ages.within(2), ages.within(128)),
            (2, 3, 4)
        );
        assert_eq!(ages.total(), 5);
        let bounds: Vec<_> = ages.buckets().collect();
        assert_eq!(bounds[0], (Some(1), 2));
        assert_eq!(bounds[16].0, Some(65_536));
        assert_eq!(bounds[17], (None, 1));
    }
}
