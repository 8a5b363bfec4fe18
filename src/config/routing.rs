//! Which messages a channel gets, and when.
//!
//! Deliberately absent: what is done with it; `notify::route` decides.

use std::time::Duration;

use crate::model::incident::Severity;
use crate::model::silence::Matcher;
use crate::model::weekly::Weekly;

/// The most matchers of one channel.
pub const MAX_MATCHERS: usize = 16;
/// The most quiet hours of one channel.
pub const MAX_QUIET_HOURS: usize = 16;
/// The shortest interval of reminders.
pub const MIN_REPEAT_EVERY: Duration = Duration::from_mins(5);
/// The longest interval of reminders.
pub const MAX_REPEAT_EVERY: Duration = Duration::from_hours(24 * 7);

/// Which messages a channel gets, and when. The default: all of them, at once, and no reminders.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Routing {
    /// All of them must match; none: everything does.
    pub matchers: Vec<Matcher>,
    /// Of which severities; `None`: of all.
    pub severities: Option<Vec<Severity>>,
    /// How often an incident that is open and that nobody has taken on is told again; `None`: never.
    pub repeat_every: Option<Duration>,
    /// When messages are held back.
    pub quiet_hours: Vec<QuietHours>,
}

/// When messages are held back, and which.
#[derive(Debug, Clone, PartialEq)]
pub struct QuietHours {
    /// When.
    pub span: Weekly,
    /// Those of these severities.
    pub severities: Vec<Severity>,
}
