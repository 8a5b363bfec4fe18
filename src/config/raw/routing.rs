//! The routing keys of a channel, and `heartbeat`, as people write them.
//!
//! Deliberately absent: defaults and ranges.

use std::time::Duration;

use jiff::civil::Time;

use super::given::{At, Given};
use super::walk::{Fields, Walk};
use crate::config::error::Origin;
use crate::model::incident::Severity;

/// Which messages a channel gets, and when.
pub(in crate::config) struct RawRouting {
    pub(in crate::config) matchers: Given<Vec<At<String>>>,
    pub(in crate::config) severities: Given<Vec<At<String>>>,
    pub(in crate::config) min_severity: Given<Severity>,
    pub(in crate::config) repeat_every: Given<Duration>,
    pub(in crate::config) quiet_hours: Vec<RawQuietHours>,
}

/// One of `quiet_hours`.
pub(in crate::config) struct RawQuietHours {
    pub(in crate::config) origin: Origin,
    pub(in crate::config) from: Given<Time>,
    pub(in crate::config) to: Given<Time>,
    pub(in crate::config) days: Given<Vec<At<String>>>,
    pub(in crate::config) zone: Given<String>,
    pub(in crate::config) severities: Given<Vec<At<String>>>,
}

/// `heartbeat`.
pub(in crate::config) struct RawHeartbeat {
    pub(in crate::config) origin: Origin,
    pub(in crate::config) url: Given<String>,
    pub(in crate::config) url_file: Given<String>,
    pub(in crate::config) every: Given<Duration>,
}

impl RawRouting {
    /// Nothing said.
    pub(in crate::config) fn empty() -> Self {
        Self {
            matchers: Given::No,
            severities: Given::No,
            min_severity: Given::No,
            repeat_every: Given::No,
            quiet_hours: Vec::new(),
        }
    }
}

/// Reads the routing keys of a channel.
pub(super) fn routing(walk: &mut Walk<'_>, fields: &mut Fields<'_>) -> RawRouting {
    RawRouting {
        matchers: fields.texts(walk, "match"),
        severities: fields.texts(walk, "severities"),
        min_severity: fields.scalar(
            walk,
            "min_severity",
            "one of info, warning, critical",
            severity,
        ),
        repeat_every: fields.duration(walk, "repeat_every"),
        quiet_hours: fields.sections(walk, "quiet_hours", quiet_hours),
    }
}

fn quiet_hours(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawQuietHours {
    fields.require(walk, "from");
    fields.require(walk, "to");
    RawQuietHours {
        from: fields.scalar(walk, "from", TIME, time),
        to: fields.scalar(walk, "to", TIME, time),
        days: fields.texts(walk, "days"),
        zone: fields.text(walk, "time_zone"),
        severities: fields.texts(walk, "severities"),
        origin: fields.close(walk),
    }
}

/// Reads `heartbeat`.
pub(super) fn heartbeat(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawHeartbeat {
    RawHeartbeat {
        url: fields.text(walk, "url"),
        url_file: fields.text(walk, "url_file"),
        every: fields.duration(walk, "every"),
        origin: fields.close(walk),
    }
}

/// What a time of the day looks like, for messages.
const TIME: &str = "a time of the day with hours and minutes, such as 22:00";

fn time(text: &str) -> Option<Time> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes): (i8, i8) = (hours.parse().ok()?, minutes.parse().ok()?);
    // Midnight, as the end of a day.
    let hours = if (hours, minutes) == (24, 0) {
        0
    } else {
        hours
    };
    Time::new(hours, minutes, 0, 0).ok()
}

/// Reads a severity.
pub(in crate::config) fn severity(text: &str) -> Option<Severity> {
    [Severity::Info, Severity::Warning, Severity::Critical]
        .into_iter()
        .find(|severity| severity.as_str() == text)
}
