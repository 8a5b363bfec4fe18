//! Puts a new configuration in force while everything goes on.
//!
//! Invariant: a configuration that is refused changes nothing; caches that did not change go on without noticing.

use std::collections::BTreeMap;

use super::{Core, begin, fit};
use crate::config::Config;
use crate::config::diff::Diff;
use crate::config::watch::Fingerprint;
use crate::engine::Loader;
use crate::engine::lookups::{self, Inbox};
use crate::engine::reload::Trigger;
use crate::notify::Links;

impl Core {
    /// `inbox` learns the token that is to be shown from now on.
    pub(super) async fn reload(&mut self, trigger: Trigger, loader: &Loader, inbox: &Inbox) {
        match loader() {
            Ok(config) => {
                let diff = Diff::between(&self.config, &config);
                if !diff.needs_restart.is_empty() {
                    tracing::warn!(
                        "{} changed; that takes a restart",
                        diff.needs_restart.join(" and ")
                    );
                }
                self.apply(config, &diff).await;
                inbox.set_token(self.config.api_token.as_ref());
                self.status.reload_error = None;
                self.status.reloads_ok += 1;
                // Last: who reads it may rely on all that it says.
                tracing::info!(
                    ?trigger,
                    added = ?diff.caches_added,
                    removed = ?diff.caches_removed,
                    changed = ?diff.caches_changed,
                    "the configuration was loaded anew"
                );
            }
            Err(errors) => {
                tracing::error!(
                    ?trigger,
                    "the configuration was not reloaded, the old one goes on:\n{errors}"
                );
                self.status.reload_error = Some(errors.to_string());
                self.status.reloads_failed += 1;
            }
        }
    }

    /// Puts a new configuration in force. Caches that did not change go on without noticing.
    async fn apply(&mut self, config: Config, diff: &Diff) {
        let now = self.clock.now();
        let mut told = BTreeMap::new();
        for cache in diff.caches_removed.iter().chain(&diff.caches_changed) {
            if let Some(mut gone) = self.watched.remove(cache) {
                let why = "the cache is no longer watched, or is watched anew";
                self.keeper.take(cache, gone.book.retire(why, now));
                self.keeper.forget(cache);
                told.insert(cache.clone(), gone.lookups);
            }
        }
        for cache in &config.caches {
            if let Some(watched) = self.watched.get_mut(&cache.name) {
                let gone = watched.book.reconfigure(&cache.labels, &config.rules, now);
                self.keeper.take(&cache.name, gone);
                fit(&mut watched.ledger, &watched.book);
            } else {
                let mut entry = begin(cache, &config, &self.fleet, now);
                let past = self.keeper.past(&cache.name, now).await;
                entry.ledger.resume(&past, now);
                if let Some(mut before) = told.remove(&cache.name) {
                    before.reconfigure(lookups::sampled(cache));
                    entry.lookups = before;
                }
                self.keeper.remember(&cache.name);
                self.watched.insert(cache.name.clone(), entry);
            }
        }
        if let Err(error) = self
            .dispatcher
            .reconfigure(&config.channels, &Links::of(&config))
        {
            tracing::error!(%error, "the channels could not be changed");
        }
        if let Err(error) = self.dispatcher.set_heartbeat(config.heartbeat.as_ref()) {
            tracing::error!(%error, "the heartbeat could not be changed");
        }
        self.status.loaded_at = now;
        self.status.shown = config.redacted().to_string().into();
        self.files.send_replace(Fingerprint::of(&config));
        self.config = config;
    }
}
