//! Where messages go.

use super::routing::Routing;
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
    /// A generic webhook that gets Alertmanager's JSON, version 4. The URL may hold a secret.
    Webhook {
        /// `http://` or `https://`.
        url: Secret,
    },
    /// E-mail.
    Email(EmailConfig),
}

impl ChannelKind {
    /// As a label value and as the `type` in the file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SlackWebhook { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Email(_) => "email",
        }
    }
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
