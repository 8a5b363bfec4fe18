//! One open incident: since when, how bad it got, and what it cost in misses.
//!
//! Durations are of the monotonic clock; what was before a restart is carried over.

use std::time::Duration;

use jiff::Timestamp;

use crate::analyze::history::Usual;
use crate::model::incident::Subject;
use crate::model::name::{CacheName, RuleName};
use crate::model::time::Now;
use crate::model::window::Totals;

/// An incident that is open, or has just ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    started: Timestamp,
    pending_since: Timestamp,
    /// Where the monotonic clock stood when this process began to follow it, and how old it was then.
    from: Duration,
    age: Duration,
    number: i64,
    normal: Option<Usual>,
    peak: Option<f64>,
    carried: Tally,
    /// The cache's totals when this process began to follow it, and now.
    begin: Option<Tally>,
    end: Option<Tally>,
}

/// Lookups and misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) lookups: u64,
    pub(crate) misses: u64,
}

/// What outlives a restart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Carried {
    pub(crate) started: Timestamp,
    pub(crate) pending_since: Timestamp,
    pub(crate) age: Duration,
    pub(crate) number: i64,
    pub(crate) normal: Option<Usual>,
    pub(crate) peak: Option<f64>,
    pub(crate) tally: Tally,
}

impl Incident {
    /// One that begins now. `after`: the number of the one before, if there was one.
    pub(crate) fn begin(
        now: Now,
        pending_since: Timestamp,
        normal: Option<Usual>,
        after: Option<i64>,
    ) -> Self {
        let number = now.wall.as_millisecond();
        let carried = Carried {
            started: now.wall,
            pending_since,
            age: Duration::ZERO,
            // A wall clock that was put back must not make two incidents one.
            number: after.map_or(number, |after| number.max(after.saturating_add(1))),
            normal,
            peak: None,
            tally: Tally::default(),
        };
        Self::resume(carried, now)
    }

    /// One that began before a restart.
    pub(crate) fn resume(carried: Carried, now: Now) -> Self {
        Self {
            started: carried.started,
            pending_since: carried.pending_since,
            from: now.mono,
            age: carried.age,
            number: carried.number,
            normal: carried.normal,
            peak: carried.peak,
            carried: carried.tally,
            begin: None,
            end: None,
        }
    }

    /// What outlives a restart.
    pub(crate) fn carry(&self, now: Now) -> Carried {
        Carried {
            started: self.started,
            pending_since: self.pending_since,
            age: self.duration(now),
            number: self.number,
            normal: self.normal,
            peak: self.peak,
            tally: self.tally(),
        }
    }

    /// Takes in the value, of which the higher (or else the lower) is the worse, and the cache's totals.
    pub(crate) fn follow(&mut self, value: Option<f64>, above: bool, totals: &Totals) {
        self.peak = match (self.peak, value) {
            (Some(peak), Some(now)) if above => Some(peak.max(now)),
            (Some(peak), Some(now)) => Some(peak.min(now)),
            (peak, now) => peak.or(now),
        };
        if let (Some(lookups), Some(misses)) = (totals.lookups(), totals.misses) {
            let tally = Tally { lookups, misses };
            self.begin.get_or_insert(tally);
            self.end = Some(tally);
        }
    }

    /// `<cache>-<rule>-<unix milliseconds of firing>`, with a hash of the namespace or node where it is about one: the same
    /// before and after a restart.
    pub fn id(&self, cache: &CacheName, rule: &RuleName, subject: Option<&Subject>) -> String {
        let number = self.number;
        match subject {
            None => format!("{cache}-{rule}-{number}"),
            Some(subject) => format!("{cache}-{rule}-{number}-{:08x}", hash(subject)),
        }
    }

    /// The number in its id.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// When it began to fire.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When the condition had begun to hold.
    pub fn pending_since(&self) -> Timestamp {
        self.pending_since
    }

    /// How long it has been firing.
    pub fn duration(&self, now: Now) -> Duration {
        self.age.saturating_add(now.mono.saturating_sub(self.from))
    }

    /// The worst value so far.
    pub fn peak(&self) -> Option<f64> {
        self.peak
    }

    /// What was normal in the hour before; `None` when too little was known of it.
    pub fn normal(&self) -> Option<Usual> {
        self.normal
    }

    fn tally(&self) -> Tally {
        let since = |of: fn(&Tally) -> u64| {
            let (begin, end) = (self.begin.as_ref().map(of), self.end.as_ref().map(of));
            let here = end
                .zip(begin)
                .map_or(0, |(end, begin)| end.saturating_sub(begin));
            of(&self.carried).saturating_add(here)
        };
        Tally {
            lookups: since(|tally| tally.lookups),
            misses: since(|tally| tally.misses),
        }
    }

    /// Misses since it began to fire, beyond those that the normal ratio would have given. They are summed up over the
    /// whole incident: adding only the bad moments would count chance as damage.
    pub fn extra_misses(&self) -> Option<u64> {
        let tally = self.tally();
        let extra = tally.misses as f64 - self.normal?.median * tally.lookups as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and at most the misses"
        )]
        Some(extra.max(0.0).round() as u64)
    }
}

/// FNV-1a, which is the same in every build.
fn hash(subject: &Subject) -> u32 {
    let text = subject.to_string();
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
