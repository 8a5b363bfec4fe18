//! What the tests of this room share: sample notifications, golden files, receivers that misbehave, a look at the log.

pub(crate) mod golden;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod notification;
pub(crate) mod outbox;
pub(crate) mod smtp;
pub(crate) mod tls;

/// Sends one notification by a channel, and says what became of it.
pub(crate) async fn send(
    channel: &dyn crate::notify::Channel,
    n: &crate::model::incident::Notification,
    key: &str,
) -> crate::notify::outcome::Outcome {
    let trace = crate::notify::letter::Trace::default();
    let letter = crate::notify::letter::Letter {
        notifications: &[std::sync::Arc::new(n.clone())],
        key,
        late: None,
        test: false,
        trace: &trace,
    };
    channel.send(&letter).await
}
