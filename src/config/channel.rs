//! Where messages go.

use std::time::Duration;

use super::routing::Routing;
use super::template::Template;
use crate::model::name::ChannelName;
use crate::model::secret::Secret;

/// One channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelConfig {
    /// Its name.
    pub name: ChannelName,
    /// What it is.
    pub kind: ChannelKind,
    /// Whether it also gets the message that an incident is over (default: yes).
    pub send_resolved: bool,
    /// Texts that take the place of the built-in ones.
    pub template: Option<Template>,
    /// Which messages it gets, and when.
    pub routing: Routing,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelKind {
    /// A Slack incoming webhook. The URL is the secret.
    SlackWebhook {
        /// `https://hooks.slack.com/services/…`.
        url: Secret,
    },
    /// Slack by the token of a bot: it can thread, change a message and bring a chart.
    SlackBot(SlackBotConfig),
    /// A generic webhook that gets Alertmanager's JSON, version 4. The URL may hold a secret.
    Webhook {
        /// `http://` or `https://`.
        url: Secret,
        /// What requests are signed with.
        secret: Option<Secret>,
    },
    /// E-mail.
    Email(EmailConfig),
    /// Prometheus' Alertmanager, by its API version 2.
    Alertmanager(AlertmanagerConfig),
    /// PagerDuty, by its Events API version 2.
    PagerDuty(PagerDutyConfig),
    /// A Microsoft Teams workflow that takes Adaptive Cards. The URL is the secret.
    Teams {
        /// `https://….logic.azure.com/…` or `https://….powerplatform.com/…`.
        url: Secret,
    },
}

impl ChannelKind {
    /// As a label value and as the `type` in the file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SlackWebhook { .. } => "slack",
            Self::SlackBot(_) => "slack_bot",
            Self::Webhook { .. } => "webhook",
            Self::Email(_) => "email",
            Self::Alertmanager(_) => "alertmanager",
            Self::PagerDuty(_) => "pagerduty",
            Self::Teams { .. } => "teams",
        }
    }
}

/// A Slack bot.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackBotConfig {
    /// `xoxb-…`.
    pub token: Secret,
    /// Where it posts: `C0123456789`, or `#alerts`.
    pub channel: String,
    /// What becomes of the first message when the incident is over.
    pub on_resolved: OnResolved,
    /// Where Slack's API is, without a slash at the end.
    pub api_url: Secret,
}

impl SlackBotConfig {
    /// Where Slack's API is unless said otherwise.
    pub const API_URL: &'static str = "https://slack.com/api";
}

/// How Slack is told that an incident is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnResolved {
    /// By an answer in the thread of the first message, shown in the channel, too.
    Thread,
    /// By changing the first message.
    Update,
    /// By both.
    #[default]
    Both,
}

impl OnResolved {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Thread, Self::Update, Self::Both];

    /// As in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Update => "update",
            Self::Both => "both",
        }
    }
}

/// An Alertmanager with all its replicas.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerConfig {
    /// Each replica, at least one: `http://alertmanager-0:9093`, with its path prefix if it has one. May hold a user and
    /// a password.
    pub urls: Vec<Secret>,
    /// How often what is firing is told again; four times that is how long it fires there without us.
    pub resend_every: Duration,
}

impl AlertmanagerConfig {
    /// As Prometheus does.
    pub const RESEND_EVERY: Duration = Duration::from_mins(1);
}

/// A service of PagerDuty.
#[derive(Debug, Clone, PartialEq)]
pub struct PagerDutyConfig {
    /// The integration key of an Events API v2 integration.
    pub routing_key: Secret,
    /// Where events go.
    pub url: Secret,
}

impl PagerDutyConfig {
    /// Where events go unless said otherwise. In the EU it is `https://events.eu.pagerduty.com/v2/enqueue`.
    pub const URL: &'static str = "https://events.pagerduty.com/v2/enqueue";
}

/// A mail server and who gets mail.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailConfig {
    /// The server.
    pub host: String,
    /// Its port: 465 for implicit TLS, 587 for STARTTLS, 25 for none, unless said otherwise.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The sender: `cachewatch <cachewatch@example.org>`. Checked to be a mailbox, without CR or LF.
    pub from: String,
    /// The recipients, at least one. Checked likewise.
    pub to: Vec<String>,
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// `smtps://`: TLS from the first byte.
    Implicit,
    /// `smtp+starttls://`: STARTTLS, refused when the server does not offer it.
    StartTls,
    /// `smtp://`: none. Only for a server on this machine or in a trusted network.
    None,
}
