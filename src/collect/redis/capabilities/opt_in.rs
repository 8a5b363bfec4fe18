//! What only some configurations ask for: MONITOR, where samples are configured, and CONFIG SET, where the flags are
//! managed.
//!
//! Invariant: nothing is changed. MONITOR is given up after its first answer; CONFIG SET names a setting that no server
//! has, so that only the ACL can be told from the answer.

use super::super::connection::{Connection, Reply};
use super::super::dial::SystemRoots;
use crate::config::{CacheConfig, Notifications};
use crate::model::flags::NotifySet;
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::reading::{Flavour, Reading};

/// What nobody calls a setting.
const NO_SETTING: &str = "cachewatch-asks-whether-it-may";

/// What the server said; `None` where it was not asked.
#[derive(Debug, Default)]
pub(super) struct OptIn {
    pub(super) monitor: Option<Result<Reply, PollError>>,
    pub(super) config_set: Option<Result<(), PollError>>,
}

/// Asks for what this cache's configuration needs besides.
pub(super) async fn ask(
    cfg: &CacheConfig,
    roots: &SystemRoots,
    connection: &mut Connection,
    reading: Option<&Reading>,
) -> OptIn {
    let mut asked = OptIn::default();
    if manages(cfg) && reading.is_none_or(|r| r.flavour != Flavour::Dragonfly) {
        let answer = connection
            .command(&["CONFIG", "SET", NO_SETTING, "1"])
            .await;
        asked.config_set = Some(match answer {
            // That there is no such setting is what a server says to those who may set.
            Err(error) if error.kind == PollErrorKind::Server => Ok(()),
            other => other.map(drop),
        });
    }
    if cfg.sampling.is_some() {
        let answer = match Connection::open(cfg, roots).await {
            Ok(connection) => connection.last_command(&["MONITOR"]).await,
            Err(error) => Err(error),
        };
        asked.monitor = Some(answer);
    }
    asked
}

/// Whether cachewatch sets the flags itself.
pub(super) fn manages(cfg: &CacheConfig) -> bool {
    cfg.events && cfg.attribution.notifications == Notifications::Manage
}

/// What cachewatch will add to the flags once it serves; `None` when nothing lacks, or it must not.
pub(super) fn will_add(
    cfg: &CacheConfig,
    found: Option<&NotifySet>,
    wanted: &NotifySet,
    flavour: Flavour,
    may_set: bool,
) -> Option<NotifySet> {
    let found = found.filter(|found| {
        manages(cfg) && may_set && flavour != Flavour::Dragonfly && !found.may_hide_new()
    })?;
    let wanted = if cfg.attribution.deletions {
        wanted.with(&NotifySet::parse("g"))
    } else {
        wanted.clone()
    };
    Some(found.missing(&wanted)).filter(|missing| !missing.is_empty())
}
