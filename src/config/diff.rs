//! What changed between two configurations, as far as the engine must act on it.
//!
//! Invariant: two configurations that work alike have an empty [`Diff`], however they were written.

use std::path::Path;

use super::{CacheConfig, Config, Transport};
use crate::model::name::CacheName;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a change of its own, in any combination"
)]
pub struct Diff {
    /// Caches that are new.
    pub caches_added: Vec<CacheName>,
    /// Caches that are gone.
    pub caches_removed: Vec<CacheName>,
    /// Caches to be started anew: something about them changed, or the content of one of their TLS files.
    pub caches_changed: Vec<CacheName>,
    /// Whether any channel changed, came or went, or the heartbeat.
    pub channels_changed: bool,
    /// Whether any rule changed, came or went.
    pub rules_changed: bool,
    /// Whether what mutes incidents changed: maintenance windows, inhibitions.
    pub mutes_changed: bool,
    /// Whether one of the addresses for links changed.
    pub external_url_changed: bool,
    /// Whether the token for requests changed.
    pub api_token_changed: bool,
    /// Settings that changed but are in force only after a restart: `listen`, `data_dir`, `store`.
    pub needs_restart: Vec<&'static str>,
}

impl Diff {
    /// Compares two configurations.
    pub fn between(old: &Config, new: &Config) -> Self {
        let find = |config: &'_ Config, name: &CacheName| {
            config.caches.iter().position(|c| c.name == *name)
        };
        let mut diff = Self {
            channels_changed: old.channels != new.channels || old.heartbeat != new.heartbeat,
            rules_changed: old.rules != new.rules,
            mutes_changed: old.maintenance != new.maintenance || old.inhibitions != new.inhibitions,
            api_token_changed: old.api_token != new.api_token,
            external_url_changed: old.external_url != new.external_url
                || old.dashboard_url != new.dashboard_url,
            ..Self::default()
        };
        for cache in &new.caches {
            match find(old, &cache.name).and_then(|at| old.caches.get(at)) {
                None => diff.caches_added.push(cache.name.clone()),
                Some(before) if before != cache || tls_files_differ(old, new, cache) => {
                    diff.caches_changed.push(cache.name.clone());
                }
                Some(_) => {}
            }
        }
        for cache in &old.caches {
            if find(new, &cache.name).is_none() {
                diff.caches_removed.push(cache.name.clone());
            }
        }
        if old.listen != new.listen {
            diff.needs_restart.push("listen");
        }
        if old.data_dir != new.data_dir {
            diff.needs_restart.push("data_dir");
        }
        if old.store != new.store {
            diff.needs_restart.push("store");
        }
        diff
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn tls_files_differ(old: &Config, new: &Config, cache: &CacheConfig) -> bool {
    let Transport::Tcp { tls: Some(tls), .. } = &cache.transport else {
        return false;
    };
    let content = |config: &Config, path: &Path| {
        let seen = config.files.iter().find(|seen| seen.path == path);
        seen.and_then(|seen| seen.content)
    };
    [&tls.ca_file, &tls.cert_file, &tls.key_file]
        .into_iter()
        .flatten()
        .any(|path| content(old, path) != content(new, path))
}
