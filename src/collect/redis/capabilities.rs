//! What a server is, what we may do there, and what it would take to do the rest: for `cachewatch check`.
//!
//! Each permission is tested by doing it, not by reading the ACL: `ACL GETUSER` needs more rights than everything else
//! together. Nothing is changed; the remedies are texts for a person to run.
//!
//! Invariant: a remedy only adds: rights to a user, letters to `notify-keyspace-events`.

use self::acl::Acl;
use self::opt_in::OptIn;
use super::connection::{Connection, Reply};
use super::dial::SystemRoots;
use crate::config::CacheConfig;
use crate::model::events::EventKind;
use crate::model::flags::NotifySet;
use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};
use crate::model::reading::{Flavour, Reading, Role};

mod acl;
mod opt_in;

/// Whether something may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It was done.
    Allowed,
    /// It was refused, or failed: why, in a line.
    Denied(String),
}

impl Permission {
    /// Whether it was done.
    pub fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }

    fn of<T>(result: &Result<T, PollError>) -> Self {
        match result {
            Ok(_) => Self::Allowed,
            Err(error) => Self::Denied(error.message.clone()),
        }
    }
}

/// What was found out about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Which node.
    pub node: NodeName,
    /// Which server; `None` when INFO is forbidden.
    pub flavour: Option<Flavour>,
    /// Its version; `None` when INFO is forbidden or does not tell.
    pub version: Option<String>,
    /// Its role; `None` when INFO is forbidden.
    pub role: Option<Role>,
    /// INFO: without it, nothing works.
    pub info: Permission,
    /// CONFIG GET: without it, nobody can tell which flags are set.
    pub config_get: Permission,
    /// SUBSCRIBE to the exact channels that are read: without it, there are no events.
    pub subscribe: Permission,
    /// MONITOR; `None` where no samples are configured.
    pub monitor: Option<Permission>,
    /// CONFIG SET; `None` where the flags are not ours to set.
    pub config_set: Option<Permission>,
    /// `notify-keyspace-events` as it is; `None` when it may not be asked.
    pub flags_found: Option<NotifySet>,
    /// What it should hold at least, for this server and version.
    pub flags_wanted: NotifySet,
    /// What it lacks; `None` when it may not be asked.
    pub flags_missing: Option<NotifySet>,
    /// What cachewatch adds to them itself once it serves, where `notifications: manage` is configured.
    pub flags_will_add: Option<NotifySet>,
    /// What to run (or, for Dragonfly, the flag to start with) to add what lacks; `None` where cachewatch does that.
    pub flags_remedy: Option<String>,
    /// The ACL line that adds the rights that were refused; `None` when none were, or the server has no ACL.
    pub acl_remedy: Option<String>,
    /// The ACL line of a user with exactly the rights that cachewatch needs; `None` when the server has no ACL (before
    /// Redis 6). `PASSWORD` stands for the password.
    pub acl_full: Option<String>,
    /// What to know before running a remedy, a line each.
    pub notes: Vec<String>,
}

impl Capabilities {
    /// Whether everything works that is configured: counters, events of all wanted kinds, samples.
    pub fn is_complete(&self) -> bool {
        let flags_are_set = self.flags_missing.as_ref().is_none_or(NotifySet::is_empty)
            || self.flags_will_add.is_some();
        self.works_without_events()
            && self.subscribe.is_allowed()
            && flags_are_set
            && self.config_set.as_ref().is_none_or(Permission::is_allowed)
    }

    /// The same where events are switched off.
    pub fn works_without_events(&self) -> bool {
        self.info.is_allowed() && self.monitor.as_ref().is_none_or(Permission::is_allowed)
    }
}

/// Connects, and tries everything that serving will need. `Err` when there is no connection, the login is refused, or
/// the server cannot answer at all (it is loading, hangs, or is no Redis).
pub async fn probe(cfg: &CacheConfig) -> Result<Capabilities, PollError> {
    let roots = SystemRoots::default();
    let mut connection = Connection::open(cfg, &roots).await?;
    let info = match connection.info().await {
        Err(error) if error.kind != PollErrorKind::Denied => return Err(error),
        info => info,
    };
    let flags = connection.config_get("notify-keyspace-events").await;
    let databases = match connection.config_get("databases").await {
        Ok(Some(number)) => number.parse().unwrap_or(DEFAULT_DATABASES),
        _ => DEFAULT_DATABASES,
    };
    let subscribed = subscribe(cfg, &roots, databases.clamp(1, MAX_DATABASES)).await;
    let opt_in = opt_in::ask(cfg, &roots, &mut connection, info.as_ref().ok()).await;
    let found = Found {
        info,
        flags,
        subscribed,
        opt_in,
    };
    Ok(found.assess(cfg))
}

/// How many databases a server has unless it says otherwise.
const DEFAULT_DATABASES: u32 = 16;
/// How many are tried.
const MAX_DATABASES: u32 = 64;

/// Subscribes to the channels that the reader of events reads, on a connection that is given up afterwards. The server
/// checks all of them before it answers for the first.
async fn subscribe(
    cfg: &CacheConfig,
    roots: &SystemRoots,
    databases: u32,
) -> Result<Reply, PollError> {
    let channels: Vec<String> = (0..databases)
        .flat_map(|db| EventKind::ALL.map(|kind| format!("__keyevent@{db}__:{}", kind.as_str())))
        .collect();
    let mut args = vec!["SUBSCRIBE"];
    args.extend(channels.iter().map(String::as_str));
    let connection = Connection::open(cfg, roots).await?;
    connection.last_command(&args).await
}

/// What the server said.
struct Found {
    info: Result<Reading, PollError>,
    flags: Result<Option<String>, PollError>,
    subscribed: Result<Reply, PollError>,
    opt_in: OptIn,
}

impl Found {
    fn assess(self, cfg: &CacheConfig) -> Capabilities {
        let reading = self.info.as_ref().ok();
        let flavour = reading.map(|r| r.flavour);
        let version = reading.and_then(|r| r.version.clone());
        // Unknown: a current Redis.
        let kind = flavour.unwrap_or(Flavour::Redis);
        let wanted = NotifySet::wanted(kind, version.as_deref());
        let found = match &self.flags {
            Ok(Some(flags)) => Some(NotifySet::parse(flags)),
            _ => None,
        };
        let config_get = match &self.flags {
            Ok(None) => Permission::Denied(format!(
                "{} does not show notify-keyspace-events",
                cfg.node()
            )),
            other => Permission::of(other),
        };
        let acl = Acl::of(kind, version.as_deref());
        let monitor = self.opt_in.monitor.as_ref().map(Permission::of);
        let config_set = self.opt_in.config_set.as_ref().map(Permission::of);
        let may_set = config_set.as_ref().is_some_and(Permission::is_allowed);
        let will_add = opt_in::will_add(cfg, found.as_ref(), &wanted, kind, may_set);
        let remedy = found.as_ref().and_then(|f| f.remedy(&wanted, kind));
        let mut besides = Vec::new();
        if config_set.is_some() {
            besides.push("CONFIG SET");
        }
        if monitor.is_some() {
            besides.push("MONITOR");
        }
        let mut capabilities = Capabilities {
            node: cfg.node(),
            flavour,
            role: reading.map(|r| r.role),
            info: Permission::of(&self.info),
            config_get,
            subscribe: Permission::of(&self.subscribed),
            flags_missing: found.as_ref().map(|f| f.missing(&wanted)),
            flags_remedy: remedy.filter(|_| will_add.is_none()),
            flags_will_add: will_add,
            monitor,
            config_set,
            acl_remedy: acl.remedy(cfg.username.as_deref(), &self.forbidden()),
            acl_full: acl.full(cfg.username.as_deref(), &besides),
            notes: Vec::new(),
            version,
            flags_found: found,
            flags_wanted: wanted,
        };
        capabilities.notes = notes(&capabilities);
        capabilities
    }

    /// The commands that the ACL forbids. Other failures are not mended by an ACL line.
    fn forbidden(&self) -> Vec<&'static str> {
        let kinds = [
            ("INFO", self.info.as_ref().err()),
            ("CONFIG GET", self.flags.as_ref().err()),
            ("SUBSCRIBE", self.subscribed.as_ref().err()),
            ("CONFIG SET", denied(self.opt_in.config_set.as_ref())),
            ("MONITOR", denied(self.opt_in.monitor.as_ref())),
        ];
        kinds
            .into_iter()
            .filter(|(_, error)| error.is_some_and(|e| e.kind == PollErrorKind::Denied))
            .map(|(command, _)| command)
            .collect()
    }
}

fn denied<T>(asked: Option<&Result<T, PollError>>) -> Option<&PollError> {
    asked.and_then(|answer| answer.as_ref().err())
}

fn notes(found: &Capabilities) -> Vec<String> {
    let mut notes = Vec::new();
    if found.flags_remedy.is_some() {
        if found.flavour == Some(Flavour::Dragonfly) {
            notes.push(
                "Dragonfly takes the flag when it starts, and publishes `expired` only".to_owned(),
            );
        } else {
            notes.push(
                "CONFIG SET lasts until the server restarts: set notify-keyspace-events in its configuration, too"
                    .to_owned(),
            );
        }
        if found
            .flags_found
            .as_ref()
            .is_some_and(NotifySet::may_hide_new)
        {
            notes.push(
                "beside A, a server does not show whether n (new keys) is set: add n if something else needs it"
                    .to_owned(),
            );
        }
    }
    if found.role == Some(Role::Replica) {
        notes.push(
            "on a replica, `expired` and `evicted` never come (it sees deletions): read events of the primary"
                .to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests;
