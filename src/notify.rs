//! Notifications on their way to people: words, channels, and the workers that deliver.
//!
//! `message` puts a notification into words; `slack`, `webhook` and `email` give it their form and send it once;
//! `route` says who is to be told and `group` what goes together; `worker` takes it from the store's outbox and decides when
//! to try again; `dispatcher` is what the engine holds. Deliberately absent: rules and state (`alert` decides that there is
//! something to say).
//!
//! A new channel is one new file and one line in `open`.
//!
//! Invariant: nothing that is secret (webhook addresses, passwords) is in a message, an error or a log line.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::config::{ChannelConfig, ChannelKind};
use crate::model::name::ChannelName;
use crate::model::time::Clock;

mod alertmanager;
mod backoff;
pub(crate) mod crash;
mod dispatcher;
mod email;
mod format;
mod group;
mod heartbeat;
mod http;
mod labelled;
mod letter;
mod message;
mod outbox;
mod outcome;
mod pagerduty;
mod plot;
mod route;
mod sample;
mod slack;
mod slack_bot;
mod sparkline;
mod steward;
mod teams;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod tls;
mod trial;
mod webhook;
mod wording;
mod worker;

pub use dispatcher::Dispatcher;
pub(crate) use steward::CHANNEL_BROKEN;
pub use trial::{TestReport, try_out};
pub use wording::Links;

use letter::Letter;
use outcome::Outcome;
use wording::Wording;

/// A way to reach people. It sends once and says what became of it; it never retries by itself.
trait Channel: Send + Sync + 'static {
    /// The least time between two messages.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether several notifications may be put into one letter.
    fn takes_digests(&self) -> bool {
        false
    }

    /// How often an open incident must be told again so that the receiver does not think it over; `None`: never.
    fn resend_every(&self) -> Option<Duration> {
        None
    }

    /// Sends one letter, once. Ends by itself within a minute or so.
    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome>;
}

/// A notification in one line: the headline of its message.
pub fn headline(n: &crate::model::incident::Notification) -> String {
    message::render(n, &Links::default(), wording::Occasion::default()).headline
}

/// Why channels cannot be used as configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// One channel is at fault.
    #[error("channel {name}: {error}")]
    Channel {
        /// Which.
        name: ChannelName,
        /// What is wrong with it.
        error: ChannelError,
    },
    /// The heartbeat is.
    #[error("heartbeat: {0}")]
    Heartbeat(ChannelError),
    /// What all of them share cannot be set up.
    #[error("notifications: {0}")]
    Setup(ChannelError),
}

/// What is wrong with a channel: one line without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChannelError(String);

impl ChannelError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// What channels are made of.
struct Parts {
    http: http::Http,
    trust: tls::Trust,
    clock: Arc<dyn Clock>,
}

/// Makes a channel as configured: the list of all kinds.
fn open(
    config: &ChannelConfig,
    links: &Links,
    parts: &Parts,
) -> Result<Arc<dyn Channel>, ChannelError> {
    let http = || parts.http.clone();
    let clock = || Arc::clone(&parts.clock);
    let wording = Wording::of(config, links);
    Ok(match &config.kind {
        ChannelKind::SlackWebhook { url } => {
            Arc::new(slack::Slack::new(url, http(), wording, clock())?)
        }
        ChannelKind::SlackBot(bot) => {
            Arc::new(slack_bot::SlackBot::new(bot, http(), wording, clock())?)
        }
        ChannelKind::Webhook { url, secret } => {
            let (name, secret) = (&config.name, secret.as_ref());
            Arc::new(webhook::Webhook::new(
                name,
                url,
                secret,
                http(),
                wording,
                clock(),
            )?)
        }
        ChannelKind::Email(email) => {
            let (name, deadlines) = (&config.name, email::Deadlines::default());
            Arc::new(email::Email::new(
                name,
                email,
                wording,
                &parts.trust,
                deadlines,
            )?)
        }
        ChannelKind::Alertmanager(am) => Arc::new(alertmanager::Alertmanager::new(
            am,
            http(),
            wording,
            clock(),
        )?),
        ChannelKind::PagerDuty(pagerduty) => Arc::new(pagerduty::PagerDuty::new(
            pagerduty,
            http(),
            wording,
            clock(),
        )?),
        ChannelKind::Teams { url } => Arc::new(teams::Teams::new(url, http(), wording, clock())?),
    })
}
