//! Places at which tests kill the process, to show that nothing is lost or doubled wherever it ends.
//!
//! A place has a name and a transition; the process ends there at once, without any tidying up, when the environment
//! variable `CACHEWATCH_CRASH_AT` names both: `after-send/resolved`. The places, in the order of a message's way:
//! `before-commit`, `after-commit` (the engine's), `before-send`, `mid-send`, `after-send`, `before-mark`, `after-mark`.
//!
//! Invariant: a release build has none of it.

use std::future::Future;

use crate::model::incident::Transition;

/// Ends the process if this is the place.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str, transition: Transition) {
    if wanted(name, transition) {
        std::process::abort();
    }
}

/// Ends the process while `doing` is under way, if this is the place; it must take longer than a fifth of a second.
#[cfg(debug_assertions)]
pub(crate) async fn during<T>(
    name: &str,
    transition: Transition,
    doing: impl Future<Output = T>,
) -> T {
    if !wanted(name, transition) {
        return doing.await;
    }
    tokio::select! {
        done = doing => done,
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => std::process::abort(),
    }
}

/// Read once: nothing changes it while the process lives.
#[cfg(debug_assertions)]
fn wanted(name: &str, transition: Transition) -> bool {
    static AT: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("CACHEWATCH_CRASH_AT").ok());
    AT.as_deref()
        .is_some_and(|at| at.split_once('/') == Some((name, transition.as_str())))
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn point(_: &str, _: Transition) {}

/// Nothing more than `doing`, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) async fn during<T>(_: &str, _: Transition, doing: impl Future<Output = T>) -> T {
    doing.await
}
