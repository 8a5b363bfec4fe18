//! Notices that the configuration should be loaded anew: SIGHUP, or one of its files changed.
//!
//! Files are looked at every few seconds rather than watched: editors rename, Kubernetes swaps symbolic links, and a
//! look at the content gets all of that right.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::watch::Fingerprint;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why the configuration should be loaded anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// SIGHUP.
    Signal,
    /// A file changed.
    File,
}

/// Starts watching the files of the configuration in force. Nothing ever comes when `reloadable` is false, but SIGHUP is still caught, so that it does not end
/// the process.
pub(super) fn start(
    tracker: &TaskTracker,
    mut in_force: watch::Receiver<Fingerprint>,
    reloadable: bool,
    cancel: CancellationToken,
) -> mpsc::Receiver<Trigger> {
    // One waiting request is enough: it loads what is on disk then.
    let (triggers, receiver) = mpsc::channel(1);
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGHUP; the configuration is reloaded only when its file changes");
            return receiver;
        }
    };
    tracker.spawn(async move {
        let mut files = in_force.borrow_and_update().clone();
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            let trigger = tokio::select! {
                () = cancel.cancelled() => return,
                Ok(()) = in_force.changed() => {
                    files = in_force.borrow_and_update().clone();
                    continue;
                }
                _ = hangup.recv() => Trigger::Signal,
                _ = look.tick() => {
                    if !files.changed() {
                        continue;
                    }
                    Trigger::File
                }
            };
            if reloadable {
                // A full queue means that a reload is due anyway.
                let _already_due = triggers.try_send(trigger);
            }
        }
    });
    receiver
}
