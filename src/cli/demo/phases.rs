//! What happens to the demo's cache, and when: four phases with a rest between the two troubles.

use std::time::Duration;

/// One phase of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything is as it should be.
    Healthy,
    /// Keys that were warmed together expire together, and the backend cannot refill them quickly.
    TtlCliff,
    /// The backend has caught up.
    Rest,
    /// A batch job fills the memory and pushes everything else out.
    EvictionPressure,
    /// The batch job is over.
    Recovery,
}

/// The phases in order, with their share of the whole time in percent.
const SCHEDULE: [(Phase, u32); 5] = [
    (Phase::Healthy, 16),
    (Phase::TtlCliff, 18),
    (Phase::Rest, 19),
    (Phase::EvictionPressure, 19),
    (Phase::Recovery, 28),
];

impl Phase {
    /// The phase at `elapsed` of `total`.
    pub(super) fn at(elapsed: Duration, total: Duration) -> Self {
        let percent = 100.0 * elapsed.as_secs_f64() / total.as_secs_f64().max(0.001);
        let mut end = 0.0;
        for (phase, share) in SCHEDULE {
            end += f64::from(share);
            if percent < end {
                return phase;
            }
        }
        Self::Recovery
    }

    /// What a spectator should know.
    pub(super) fn story(self) -> &'static str {
        match self {
            Self::Healthy => {
                "healthy: sessions, products and AI answers are asked for; about one lookup in twenty misses"
            }
            Self::TtlCliff => {
                "TTL cliff: all products and AI answers were warmed together, so they expire together, and the backend refills slowly"
            }
            Self::Rest => "rest: the backend has caught up",
            Self::EvictionPressure => {
                "eviction pressure: a batch job writes big exports into the same cache until maxmemory evicts the rest"
            }
            Self::Recovery => "recovery: the batch job is over, its exports expire",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_fills_the_time() {
        assert_eq!(SCHEDULE.iter().map(|(_, share)| share).sum::<u32>(), 100);
        let total = Duration::from_secs(100);
        assert_eq!(Phase::at(Duration::ZERO, total), Phase::Healthy);
        assert_eq!(Phase::at(Duration::from_secs(20), total), Phase::TtlCliff);
        assert_eq!(Phase::at(Duration::from_secs(99), total), Phase::Recovery);
        assert_eq!(Phase::at(Duration::from_secs(500), total), Phase::Recovery);
    }
}
