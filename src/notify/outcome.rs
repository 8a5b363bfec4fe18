//! What became of one attempt, and which failures are worth another one.
//!
//! Invariant: the words of an outcome hold no secret; whoever makes one has redacted what the peer said.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// The shortest wait that a receiver can ask for.
pub(crate) const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest wait that a receiver can ask for; an alert is of no use tomorrow.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver took it.
    Delivered,
    /// It may work later.
    Retry {
        /// How long the receiver asks us to wait, within bounds.
        after: Option<Duration>,
        /// One line.
        why: String,
    },
    /// It will not work, however often it is tried.
    Permanent {
        /// One line: what is wrong and, where it is known, what to do.
        why: String,
    },
}

impl Outcome {
    /// Worth another attempt at a time of our choice.
    pub(crate) fn retry(why: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            why: why.into(),
        }
    }

    /// Not worth another attempt.
    pub(crate) fn permanent(why: impl Into<String>) -> Self {
        Self::Permanent { why: why.into() }
    }

    /// What an HTTP status other than 2xx means. `said` is what the receiver said, already made safe to show.
    pub(crate) fn of_refusal(status: u16, after: Option<Duration>, said: &str) -> Self {
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        let why = |hint: &str| format!("the receiver answered {status}{hint}{said}");
        match status {
            408 | 425 | 500..=599 => Self::Retry {
                after,
                why: why(""),
            },
            429 => Self::Retry {
                after,
                why: why(" (too many messages)"),
            },
            300..=399 => Self::permanent(why(
                " (redirects are not followed: give the address it leads to)",
            )),
            401 | 403 => Self::permanent(why(" (not allowed: check the address and its token)")),
            404 | 410 => Self::permanent(why(" (no longer there: make a new address)")),
            _ => Self::permanent(why("")),
        }
    }
}

/// Reads a Retry-After header: seconds, or a date that is compared with `now`. Kept within [`MIN_RETRY_AFTER`] and
/// [`MAX_RETRY_AFTER`]; what is neither is `None`.
pub(crate) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let wait = if let Ok(seconds) = header.parse::<f64>() {
        // Whole seconds by the standard; fractions are seen in the wild. Too large a number is just very long.
        if seconds.is_nan() || seconds < 0.0 {
            return None;
        }
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    } else {
        // That the weekday fits the date is not worth a retry at the wrong time.
        let at = DateTimeParser::new()
            .relaxed_weekday(true)
            .parse_timestamp(header)
            .ok()?;
        // A date in the past means "now".
        Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(wait.clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for status in 300..600_u16 {
            let retried = matches!(status, 408 | 425 | 429 | 500..=599);
            let outcome = Outcome::of_refusal(status, None, "body");
            assert_eq!(
                matches!(outcome, Outcome::Retry { .. }),
                retried,
                "{status}"
            );
            let (Outcome::Retry { why, .. } | Outcome::Permanent { why }) = outcome else {
                panic!("{status} is no success");
            };
            assert!(
                why.contains(&status.to_string()) && why.ends_with(": body"),
                "{why}"
            );
        }
    }

    #[test]
    fn retry_after_is_read_and_clamped() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let s = |n| Some(Duration::from_secs(n));
        for (header, want) in [
            ("5", s(5)),
            (" 30 ", s(30)),
            ("0", s(1)),
            ("0.376", s(1)),
            ("86400", s(600)),
            ("99999999999999999999999999", s(600)),
            ("inf", s(600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", s(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", s(1)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", s(600)),
            ("Mon, 31 Dec 1999 23:59:59 GMT", s(600)),
            ("-5", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(header, now), want, "{header:?}");
        }
    }
}
