//! Tells the log when a node's health changes, and only then.
//!
//! Invariant: one line per change, however long a state lasts.

use std::sync::Arc;

use crate::model::name::{CacheName, NodeName};
use crate::model::poll::PollError;
use crate::model::reading::Reading;

/// What the log was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Health {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

impl Health {
    /// Takes in an attempt, and logs if it changes something.
    pub(super) fn take_in(
        &mut self,
        cache: &CacheName,
        node: &NodeName,
        outcome: &Result<Arc<Reading>, PollError>,
    ) {
        match (outcome, *self) {
            (Ok(_), Self::Up) => {}
            (Ok(reading), before) => {
                *self = Self::Up;
                let server = reading.flavour.as_str();
                let version = reading.version.as_deref().unwrap_or("unknown");
                let role = reading.role.as_str();
                if before == Self::Down {
                    tracing::info!(%cache, %node, server, version = ?version, role, "the node answers again");
                } else {
                    tracing::info!(%cache, %node, server, version = ?version, role, "the node answers");
                }
            }
            (Err(error), Self::Down) => {
                let kind = error.kind.as_str();
                tracing::debug!(%cache, %node, kind, %error, "the node still cannot be polled");
            }
            (Err(error), Self::Up | Self::Unknown) => {
                *self = Self::Down;
                let kind = error.kind.as_str();
                tracing::warn!(%cache, %node, kind, %error, "the node cannot be polled");
            }
        }
    }
}
