//! Checks `sampling` of a cache.

use crate::config::error::{Errors, Origin};
use crate::config::raw::{Given, RawMonitor, RawSampling};
use crate::config::sampling::{
    MAX_BYTES, MAX_DURATION, MAX_EVERY, MIN_BYTES, MIN_DURATION, MIN_EVERY, MIN_FACTOR,
    MonitorSampling,
};

/// `None`: it is off, or wrong, which has been told. `events`: whether the cache's events are read.
pub(super) fn check(
    raw: Given<RawSampling>,
    events: bool,
    errors: &mut Errors,
) -> Option<MonitorSampling> {
    let monitor = raw.ok()?.value.monitor.ok()?;
    if !events {
        errors.at(
            &monitor.origin,
            "needs events, which are switched off for this cache: without them no namespace and no miss of it is known",
        );
    }
    monitor_sampling(monitor.value, &monitor.origin, errors)
}

fn monitor_sampling(
    raw: RawMonitor,
    origin: &Origin,
    errors: &mut Errors,
) -> Option<MonitorSampling> {
    let default = MonitorSampling::default();
    let duration = in_range(
        raw.duration,
        default.duration,
        MIN_DURATION..=MAX_DURATION,
        "must be between 10ms and 2s",
        errors,
    );
    let every = in_range(
        raw.every,
        default.every,
        MIN_EVERY..=MAX_EVERY,
        "must be between 10s and 1h",
        errors,
    );
    let max_bytes = in_range(
        raw.max_bytes,
        default.max_bytes,
        MIN_BYTES..=MAX_BYTES,
        "must be between 1KiB and 64MiB",
        errors,
    );
    let (duration, every) = (duration?, every?);
    if every < duration * MIN_FACTOR {
        let message = format!(
            "every must be at least {MIN_FACTOR} times as long as duration, so that the server is watched for at most 5 % of the time"
        );
        errors.at(origin, message);
        return None;
    }
    Some(MonitorSampling {
        duration,
        every,
        max_bytes: max_bytes?,
    })
}

fn in_range<T: PartialOrd>(
    given: Given<T>,
    default: T,
    range: std::ops::RangeInclusive<T>,
    complaint: &'static str,
    errors: &mut Errors,
) -> Option<T> {
    match given {
        Given::No => Some(default),
        Given::Bad => None,
        Given::Yes(at) if range.contains(&at.value) => Some(at.value),
        Given::Yes(at) => {
            errors.at(&at.origin, complaint);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_keeps_its_own_bounds() {
        let MonitorSampling {
            duration,
            every,
            max_bytes,
        } = MonitorSampling::default();
        assert!((MIN_DURATION..=MAX_DURATION).contains(&duration));
        assert!((MIN_EVERY..=MAX_EVERY).contains(&every) && every >= duration * MIN_FACTOR);
        assert!((MIN_BYTES..=MAX_BYTES).contains(&max_bytes));
    }
}
