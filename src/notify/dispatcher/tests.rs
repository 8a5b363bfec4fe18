//! The dispatcher with real channels and local receivers.

use super::*;
use crate::config::ChannelKind;
use crate::model::secret::Secret;
use crate::model::time::SystemClock;
use crate::notify::testing::http::{Act, Receiver};
use crate::notify::testing::log::Log;
use crate::notify::testing::notification;

const PATIENCE: Duration = Duration::from_secs(20);

fn config(name: &str, receiver: &Receiver, send_resolved: bool) -> ChannelConfig {
    let url = Secret::new(format!("http://{}/hook/sEcReTtOkEn", receiver.address));
    ChannelConfig {
        name: ChannelName::new(name).unwrap(),
        kind: ChannelKind::Webhook { url, secret: None },
        send_resolved,
        template: None,
    }
}

fn dispatcher(channels: &[ChannelConfig]) -> Dispatcher {
    Dispatcher::new(
        channels,
        &Links::to_page("https://cw.example.org"),
        &TaskTracker::new(),
        CancellationToken::new(),
        Arc::new(SystemClock::start()),
    )
    .unwrap()
}

/// Delivered, failed, dropped.
fn numbers(dispatcher: &Dispatcher) -> Vec<[u64; 3]> {
    let all = dispatcher.stats().into_iter();
    all.map(|(_, _, s)| [s.delivered.get(), s.failed.get(), s.dropped.get()])
        .collect()
}

async fn good() -> Receiver {
    Receiver::start(Act::Answer(200, "", "ok")).await
}

/// Waits until a receiver got so many requests.
async fn requests(receiver: &Receiver, n: usize) {
    let enough = async {
        while receiver.requests().len() < n {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, enough).await.unwrap();
}

#[tokio::test]
async fn every_channel_gets_everything_but_unwanted_resolved_ones() {
    let (a, b) = (good().await, good().await);
    let dispatcher = dispatcher(&[config("a", &a, true), config("b", &b, false)]);
    dispatcher.notify(notification::miss_firing());
    dispatcher.notify(notification::miss_resolved());
    assert_eq!(dispatcher.drain(PATIENCE).await, 0);
    assert_eq!((a.requests().len(), b.requests().len()), (2, 1));
    assert_eq!(numbers(&dispatcher), [[2, 0, 0], [1, 0, 0]]);
    let listed: Vec<_> = dispatcher
        .stats()
        .into_iter()
        .map(|(name, kind, _)| format!("{name} {kind}"))
        .collect();
    assert_eq!(listed, ["a webhook", "b webhook"]);
}

#[tokio::test]
async fn a_channel_that_fails_does_not_disturb_another_and_the_log_keeps_its_secret() {
    let log = Log::collect();
    let (a, b) = (
        Receiver::start(Act::Answer(404, "", "no {path}")).await,
        good().await,
    );
    let dispatcher = dispatcher(&[config("a", &a, true), config("b", &b, true)]);
    dispatcher.notify(notification::miss_firing());
    assert_eq!(dispatcher.drain(PATIENCE).await, 0);
    assert_eq!(numbers(&dispatcher), [[0, 1, 0], [1, 0, 0]]);
    let log = log.text();
    assert!(log.contains("the receiver answered 404") && log.contains("notification delivered"));
    assert!(!log.contains("sEcReTtOkEn"), "{log}");
}

#[tokio::test]
async fn an_unchanged_channel_goes_on_and_a_changed_one_keeps_its_queue() {
    // The first receiver asks for patience; the second is its replacement.
    let busy = Receiver::start(Act::Answer(429, "Retry-After: 600\r\n", "")).await;
    let (fixed, other) = (good().await, good().await);
    let dispatcher = dispatcher(&[config("a", &busy, true), config("b", &other, true)]);
    dispatcher.notify(notification::miss_firing());
    requests(&busy, 1).await;
    requests(&other, 1).await;

    let external_url = &Links::to_page("https://cw.example.org");
    let new = [config("b", &other, true), config("a", &fixed, true)];
    dispatcher.reconfigure(&new, external_url).unwrap();
    requests(&fixed, 1).await;
    dispatcher.notify(notification::miss_resolved());
    assert_eq!(dispatcher.drain(PATIENCE).await, 0);
    assert_eq!(busy.requests().len(), 1);
    assert_eq!(numbers(&dispatcher), [[2, 0, 0], [2, 0, 0]]);
}

#[tokio::test]
async fn a_bad_configuration_changes_nothing() {
    let a = good().await;
    let dispatcher = dispatcher(&[config("a", &a, true)]);
    let mut bad = config("b", &a, true);
    bad.kind = ChannelKind::Webhook {
        url: Secret::new("sEcReTtOkEn".to_owned()),
        secret: None,
    };
    let error = dispatcher
        .reconfigure(&[bad], &Links::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("channel b: its url is not valid"),
        "{error}"
    );
    assert!(!error.contains("sEcReTtOkEn"), "{error}");
    dispatcher.notify(notification::miss_firing());
    assert_eq!(dispatcher.drain(PATIENCE).await, 0);
    assert_eq!(a.requests().len(), 1);
}

#[tokio::test]
async fn a_removed_channel_counts_what_it_loses() {
    let busy = Receiver::start(Act::Answer(429, "Retry-After: 600\r\n", "")).await;
    let dispatcher = dispatcher(&[config("a", &busy, true)]);
    dispatcher.notify(notification::miss_firing());
    requests(&busy, 1).await;
    let stats = dispatcher.stats().remove(0).2;
    dispatcher.reconfigure(&[], &Links::default()).unwrap();
    let counted = async {
        while stats.dropped.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.unwrap();
    assert_eq!((stats.dropped.get(), stats.pending.get()), (1, 0));
}

#[tokio::test]
async fn draining_ends_in_time_and_says_what_is_left() {
    let silent = Receiver::start(Act::Silence).await;
    let dispatcher = dispatcher(&[config("a", &silent, true)]);
    dispatcher.notify(notification::miss_firing());
    dispatcher.notify(notification::miss_resolved());
    requests(&silent, 1).await;
    assert_eq!(dispatcher.drain(Duration::from_millis(50)).await, 2);
    assert_eq!(numbers(&dispatcher), [[0, 0, 2]]);
    // Nothing is taken in any more, and that is counted as well.
    dispatcher.notify(notification::miss_firing());
    assert_eq!(numbers(&dispatcher), [[0, 0, 3]]);
}
