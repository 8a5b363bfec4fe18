//! A moment as people and programs write it. Pure.
//!
//! Deliberately absent: local time. What has no zone is not a moment.

use jiff::{SignedDuration, Timestamp};

/// What is said where it is not understood.
pub(super) const EXPECTED: &str =
    "send RFC 3339 such as 2026-03-01T12:00:00Z, seconds since 1970, now, or now-2h";

/// RFC 3339, seconds since 1970, `now`, `now-2h`, `now+30m`.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(moved) = text.strip_prefix("now") {
        let Some(sign) = moved.chars().next() else {
            return Some(now);
        };
        let length = humantime::parse_duration(moved.get(1..)?).ok()?;
        let length = SignedDuration::try_from(length).ok()?;
        return match sign {
            '-' => now.checked_sub(length).ok(),
            '+' => now.checked_add(length).ok(),
            _ => None,
        };
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_read() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |text: &str| parse(text, now).map(Timestamp::as_second);
        assert_eq!(at("now"), Some(1_000_000));
        assert_eq!(at("now-2h"), Some(992_800));
        assert_eq!(at("now+1m"), Some(1_000_060));
        assert_eq!(at("12"), Some(12));
        assert_eq!(at("1970-01-01T01:00:00+01:00"), Some(0));
        for wrong in [
            "",
            "now*2h",
            "now-",
            "now-soon",
            "tomorrow",
            "1970-01-01",
            "now-999999999y",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in ".{0,40}") {
            prop_assert!(parse(&text, Timestamp::UNIX_EPOCH).is_none_or(|at| at <= Timestamp::MAX));
        }
    }
}
