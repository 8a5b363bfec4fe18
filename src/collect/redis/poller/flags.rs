//! What to do about `notify-keyspace-events`: nothing, unless the configuration says `notifications: manage`.
//!
//! Then what lacks is added to what is there with one CONFIG SET, and the log says so. It lasts until the server
//! restarts; after that it is found lacking, and added, again.
//!
//! Invariants: without `manage` nothing is ever written; with it, no letter is ever taken away, and where that cannot be
//! known (an `n` may hide beside `A`) nothing is written either.

use super::{ConnectionLost, Poller};
use crate::collect::redis::connection::Connection;
use crate::config::{CacheConfig, Notifications};
use crate::model::events::EventKind;
use crate::model::flags::NotifySet;
use crate::model::poll::NotifyFlags;
use crate::model::reading::{Flavour, Reading};
use crate::model::time::Now;

/// What was said and done so far.
#[derive(Debug, Default)]
pub(super) struct Manager {
    /// Whether the flags lacked something when they were seen last.
    lacked: bool,
    /// When they were last seen whole.
    whole_at: Option<Now>,
    /// What the log was told last about flags that cannot be set.
    told: Option<String>,
}

impl Poller {
    /// Takes in the server's flags.
    pub(super) async fn found_flags(
        &mut self,
        connection: &mut Connection,
        flags: String,
    ) -> Result<(), ConnectionLost> {
        let found = NotifySet::parse(&flags);
        self.notify = NotifyFlags::Found(flags);
        let Some(reading) = self.previous.clone() else {
            return Ok(());
        };
        let (flavour, version) = (reading.flavour, reading.version.as_deref());
        let needed = NotifySet::wanted(flavour, version);
        let lacks = |flags: &NotifySet| {
            EventKind::ALL
                .into_iter()
                .any(|kind| needed.publishes(kind) && !flags.publishes(kind))
        };
        let mut now = found.clone();
        if let Some(add) = self.lacking(&found, &reading) {
            match set(connection, &found.with(&add)).await {
                Ok(()) => {
                    now = found.with(&add);
                    let (cache, node) = (&self.cfg.name, &self.node);
                    tracing::warn!(%cache, %node, "added {add} to notify-keyspace-events, which was {found:?} and is {now:?} now, as `notifications: manage` says", found = found.to_string(), now = now.to_string());
                    self.notify = NotifyFlags::Found(now.to_string());
                    self.manager.told = None;
                }
                Err(message) => {
                    self.tell_once(message);
                    if !connection.is_usable() {
                        self.flags_barred_until = self.flags_due;
                        return Err(ConnectionLost);
                    }
                }
            }
        }
        // Until the flags were whole, events were not published: of what happened before, nothing is known.
        if (self.manager.lacked || lacks(&found)) && !lacks(&now) {
            self.events.not_published(self.manager.whole_at);
        }
        self.manager.lacked = lacks(&now);
        if !self.manager.lacked {
            self.manager.whole_at = Some(self.clock.now());
        }
        Ok(())
    }

    /// What is to be added; `None` when nothing is, or must not be.
    fn lacking(&mut self, found: &NotifySet, reading: &Reading) -> Option<NotifySet> {
        let wanted = wanted(&self.cfg, reading);
        let managed = self.cfg.attribution.notifications == Notifications::Manage;
        if !managed || !self.cfg.events || found.missing(&wanted).is_empty() {
            return None;
        }
        if reading.flavour == Flavour::Dragonfly {
            self.tell_once(format!(
                "start it with --notify_keyspace_events={wanted}: Dragonfly takes the flags at its start only"
            ));
            return None;
        }
        if found.may_hide_new() {
            self.tell_once(format!(
                "they are {found}, and beside an A an n may be set that CONFIG GET does not show and CONFIG SET would \
                 take away; run CONFIG SET notify-keyspace-events {} yourself, with an n if something needs it",
                found.with(&wanted)
            ));
            return None;
        }
        Some(found.missing(&wanted))
    }

    fn tell_once(&mut self, message: String) {
        if self.manager.told.as_ref() != Some(&message) {
            let (cache, node) = (&self.cfg.name, &self.node);
            tracing::warn!(%cache, %node, "notify-keyspace-events was not changed: {message}");
            self.manager.told = Some(message);
        }
    }
}

/// What is needed, and `g` where deletions are wanted.
fn wanted(cfg: &CacheConfig, reading: &Reading) -> NotifySet {
    let needed = NotifySet::wanted(reading.flavour, reading.version.as_deref());
    if cfg.attribution.deletions && reading.flavour != Flavour::Dragonfly {
        return needed.with(&NotifySet::parse("g"));
    }
    needed
}

async fn set(connection: &mut Connection, flags: &NotifySet) -> Result<(), String> {
    let flags = flags.to_string();
    let command = ["CONFIG", "SET", "notify-keyspace-events", &flags];
    connection
        .command(&command)
        .await
        .map(drop)
        .map_err(|error| error.message)
}
