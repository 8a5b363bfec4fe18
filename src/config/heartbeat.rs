//! The dead man's switch: somebody else who notices when cachewatch does not.

use std::time::Duration;

use crate::model::secret::Secret;

/// How often it is called when nothing else is said.
pub const DEFAULT_EVERY: Duration = Duration::from_mins(1);
/// The shortest interval.
pub const MIN_EVERY: Duration = Duration::from_secs(10);
/// The longest interval.
pub const MAX_EVERY: Duration = Duration::from_hours(24);

/// An address that is called as long as all is well.
#[derive(Debug, Clone, PartialEq)]
pub struct HeartbeatConfig {
    /// `https://hc-ping.com/…`. Mostly a secret.
    pub url: Secret,
    /// How often.
    pub every: Duration,
}
