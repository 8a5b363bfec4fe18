//! The dispatcher with real channels and local receivers.

use super::*;
use crate::config::{ChannelKind, Routing};
use crate::model::incident::Transition;
use crate::model::record::OutboxStatus;
use crate::model::secret::Secret;
use crate::model::time::SystemClock;
use crate::notify::testing::http::{Act, Receiver};
use crate::notify::testing::log::Log;
use crate::notify::testing::notification;
use crate::notify::testing::outbox::MemoryOutbox;

const PATIENCE: Duration = Duration::from_secs(20);

fn config(name: &str, receiver: &Receiver, send_resolved: bool) -> ChannelConfig {
    let url = Secret::new(format!("http://{}/hook/sEcReTtOkEn", receiver.address));
    ChannelConfig {
        name: ChannelName::new(name).unwrap(),
        kind: ChannelKind::Webhook { url, secret: None },
        send_resolved,
        template: None,
        routing: Routing::default(),
    }
}

fn over(channels: &[ChannelConfig], outbox: &Arc<MemoryOutbox>) -> Dispatcher {
    Dispatcher::with_outbox(
        channels,
        &Links::to_page("https://cw.example.org"),
        &TaskTracker::new(),
        &CancellationToken::new(),
        Arc::new(SystemClock::start()),
        Arc::clone(outbox) as _,
    )
    .unwrap()
}

fn dispatcher(channels: &[ChannelConfig]) -> Dispatcher {
    over(channels, &Arc::default())
}

/// As the engine does: what is planned goes into the outbox, then the workers are woken.
async fn tell(dispatcher: &Dispatcher, n: Notification) {
    let shared = &dispatcher.shared;
    let planned = dispatcher.plan(&Arc::new(n), shared.parts.clock.now().wall);
    shared.outbox.enqueue(planned).await;
    dispatcher.wake();
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

async fn until(condition: impl Fn() -> bool) {
    let enough = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, enough).await.unwrap();
}

#[tokio::test]
async fn every_channel_gets_everything_but_unwanted_resolved_ones() {
    let (a, b) = (good().await, good().await);
    let dispatcher = dispatcher(&[config("a", &a, true), config("b", &b, false)]);
    tell(&dispatcher, notification::miss_firing()).await;
    until(|| a.requests().len() == 1 && b.requests().len() == 1).await;
    tell(&dispatcher, notification::miss_resolved()).await;
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
async fn a_broken_channel_is_told_of_through_the_others_and_the_log_keeps_its_secret() {
    let log = Log::collect();
    let outbox: Arc<MemoryOutbox> = Arc::default();
    let (bad, b) = (
        Receiver::start(Act::Answer(404, "", "no {path}")).await,
        good().await,
    );
    // The other channel would not get it by its routing, and nobody else is there.
    let mut other = config("b", &b, true);
    other.routing.matchers = vec!["cache=sessions".parse().unwrap()];
    let dispatcher = over(&[config("a", &bad, true), other.clone()], &outbox);
    tell(&dispatcher, notification::miss_firing()).await;
    until(|| b.requests().len() == 2).await;
    let report = b
        .requests()
        .into_iter()
        .find(|r| r.contains("ChannelBroken"));
    let report = report.unwrap();
    assert!(
        report.contains("Channel a refuses messages (404)"),
        "{report}"
    );
    assert_eq!(outbox.state().incidents.len(), 1);

    // The next process knows, and says when it is over.
    drop(dispatcher);
    let fixed = good().await;
    let dispatcher = over(&[config("a", &fixed, true), other], &outbox);
    until(|| dispatcher.stats()[0].2.broken().is_some()).await;
    let mut n = notification::down_firing();
    n.incident = "another".to_owned();
    tell(&dispatcher, n).await;
    until(|| b.requests().len() == 4).await;
    assert!(dispatcher.stats()[0].2.broken().is_none());
    let state = outbox.state();
    let record = state.incidents.values().next().unwrap();
    assert!(record.resolved.is_some());
    assert_eq!(record.notification.transition, Transition::Resolved);
    drop(state);
    let (_, body) = report.split_once("\r\n\r\n").unwrap();
    for text in [log.text().as_str(), body] {
        assert!(!text.contains("sEcReTtOkEn"), "{text}");
    }
}

#[tokio::test]
async fn a_broken_channel_that_is_configured_anew_is_mended() {
    let outbox: Arc<MemoryOutbox> = Arc::default();
    let (bad, b) = (
        Receiver::start(Act::Answer(403, "", "")).await,
        good().await,
    );
    // One that gathers nothing: what comes soon after something else is told at once.
    let mut other = config("b", &b, true);
    other.kind = ChannelKind::PagerDuty(crate::config::PagerDutyConfig {
        routing_key: Secret::new("R0utingKey".to_owned()),
        url: Secret::new(format!("http://{}/v2/enqueue", b.address)),
    });
    let dispatcher = over(&[config("a", &bad, true), other.clone()], &outbox);
    tell(&dispatcher, notification::miss_firing()).await;
    until(|| b.requests().len() == 2).await;
    let fixed = good().await;
    let new = [config("a", &fixed, true), other];
    dispatcher
        .reconfigure(&new, &Links::to_page("https://cw.example.org"))
        .unwrap();
    until(|| b.requests().len() == 3).await;
    assert!(b.requests()[2].contains("configured anew"));
    assert!(dispatcher.stats()[0].2.broken().is_none());
}

#[tokio::test]
async fn an_unchanged_channel_goes_on_and_a_changed_one_keeps_what_waits() {
    // The first receiver asks for patience; the second is its replacement.
    let busy = Receiver::start(Act::Answer(429, "Retry-After: 600\r\n", "")).await;
    let (fixed, other) = (good().await, good().await);
    let dispatcher = dispatcher(&[config("a", &busy, true), config("b", &other, true)]);
    tell(&dispatcher, notification::miss_firing()).await;
    until(|| busy.requests().len() == 1 && other.requests().len() == 1).await;

    let links = &Links::to_page("https://cw.example.org");
    let new = [config("b", &other, true), config("a", &fixed, true)];
    until(|| dispatcher.stats()[0].2.retried.get() == 1).await;
    dispatcher.reconfigure(&new, links).unwrap();
    until(|| fixed.requests().len() == 1).await;
    tell(&dispatcher, notification::miss_resolved()).await;
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
    tell(&dispatcher, notification::miss_firing()).await;
    assert_eq!(dispatcher.drain(PATIENCE).await, 0);
    assert_eq!(a.requests().len(), 1);
}

#[tokio::test]
async fn what_waits_for_a_removed_channel_stays_in_the_store_and_is_counted() {
    let busy = Receiver::start(Act::Answer(429, "Retry-After: 600\r\n", "")).await;
    let outbox: Arc<MemoryOutbox> = Arc::default();
    let dispatcher = over(&[config("a", &busy, true)], &outbox);
    tell(&dispatcher, notification::miss_firing()).await;
    let stats = dispatcher.stats().remove(0).2;
    until(|| stats.retried.get() == 1 && stats.pending.get() == 1).await;
    dispatcher.reconfigure(&[], &Links::default()).unwrap();
    assert_eq!(stats.dropped.get(), 1);
    assert_eq!(outbox.keys(OutboxStatus::Waiting).len(), 1);
}

#[tokio::test]
async fn draining_ends_in_time_and_says_what_is_left() {
    let silent = Receiver::start(Act::Silence).await;
    let dispatcher = dispatcher(&[config("a", &silent, true)]);
    tell(&dispatcher, notification::miss_firing()).await;
    let mut another = notification::down_firing();
    "another".clone_into(&mut another.incident);
    tell(&dispatcher, another).await;
    until(|| silent.requests().len() == 1).await;
    assert_eq!(dispatcher.drain(Duration::from_millis(50)).await, 2);
    assert_eq!(numbers(&dispatcher), [[0, 0, 0]]);
}

#[tokio::test]
async fn the_heart_beats_while_all_is_well() {
    let (heart, bad) = (
        good().await,
        Receiver::start(Act::Answer(410, "", "")).await,
    );
    let outbox: Arc<MemoryOutbox> = Arc::default();
    let dispatcher = over(&[config("a", &bad, true)], &outbox);
    let heartbeat = HeartbeatConfig {
        url: Secret::new(format!("http://{}/ping/sEcReTtOkEn", heart.address)),
        every: Duration::from_millis(20),
    };
    dispatcher.set_heartbeat(Some(&heartbeat)).unwrap();
    until(|| heart.requests().len() >= 2).await;
    outbox.state().sick = true;
    until(|| dispatcher.heartbeat().withheld.get() >= 1).await;
    outbox.state().sick = false;
    let before = heart.requests().len();
    until(|| heart.requests().len() > before).await;
    // The only channel is broken: nobody can be told, and somebody must notice.
    tell(&dispatcher, notification::miss_firing()).await;
    until(|| dispatcher.stats()[0].2.broken().is_some()).await;
    let withheld = dispatcher.heartbeat().withheld.get();
    until(|| dispatcher.heartbeat().withheld.get() > withheld + 1).await;
    dispatcher.set_heartbeat(None).unwrap();
}
