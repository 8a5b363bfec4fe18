//! `sampling` of a cache, as people write it.
//!
//! Deliberately absent: defaults and ranges.

use std::time::Duration;

use super::given::Given;
use super::walk::{Fields, Walk};

/// `sampling`.
pub(in crate::config) struct RawSampling {
    pub(in crate::config) monitor: Given<RawMonitor>,
}

/// `sampling.monitor`.
pub(in crate::config) struct RawMonitor {
    pub(in crate::config) duration: Given<Duration>,
    pub(in crate::config) every: Given<Duration>,
    pub(in crate::config) max_bytes: Given<u64>,
}

/// Reads `sampling`.
pub(super) fn sampling(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawSampling {
    let sampling = RawSampling {
        monitor: fields.section(walk, "monitor", monitor),
    };
    fields.close(walk);
    sampling
}

fn monitor(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawMonitor {
    let monitor = RawMonitor {
        duration: fields.duration(walk, "duration"),
        every: fields.duration(walk, "every"),
        max_bytes: fields.scalar(walk, "max_bytes", SIZE, size),
    };
    fields.close(walk);
    monitor
}

/// What a size looks like, for messages.
const SIZE: &str = "a size in KiB or MiB, such as 4MiB";

fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = match (text.strip_suffix("MiB"), text.strip_suffix("KiB")) {
        (Some(number), _) => (number, 1 << 20),
        (_, Some(number)) => (number, 1 << 10),
        _ => return None,
    };
    number.trim_end().parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_its_unit() {
        assert_eq!(size("4MiB"), Some(4 << 20));
        assert_eq!(size(" 512 KiB "), Some(512 << 10));
        for bad in [
            "4",
            "4MB",
            "MiB",
            "-1KiB",
            "1.5MiB",
            "99999999999999999MiB",
            "4MiBKiB",
        ] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
