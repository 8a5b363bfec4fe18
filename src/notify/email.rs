//! E-mail: a message in plain text and HTML, over SMTP.
//!
//! `body` writes the two texts, `smtp` holds the conversation with the server, `stream` bounds what the server may say.
//!
//! Invariant: the same notification to the same channel always has the same Message-ID, so that a mail that was sent
//! twice, because an answer got lost, shows up once in most mailboxes; no header can be broken by a line break in a text.

use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail, MultiPart, SinglePart};

use crate::config::EmailConfig;
use crate::model::incident::{Notification, Transition};
use crate::model::name::ChannelName;
use crate::notify::letter::Letter;
use crate::notify::message;
use crate::notify::outcome::Outcome;
use crate::notify::text::{Fnv, clean};
use crate::notify::tls::Trust;
use crate::notify::{Channel, ChannelError};

mod body;
mod smtp;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use smtp::Deadlines;

/// A mail server with its recipients.
pub(crate) struct Email {
    name: ChannelName,
    from: Mailbox,
    to: Vec<Mailbox>,
    external_url: Option<String>,
    server: smtp::Server,
}

impl Email {
    /// A channel that sends mail by this server.
    pub(crate) fn new(
        name: &ChannelName,
        config: &EmailConfig,
        external_url: Option<&str>,
        trust: &Trust,
        deadlines: Deadlines,
    ) -> Result<Self, ChannelError> {
        let mailbox = |what: &str, text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| ChannelError::new(format!("{what} is not a mailbox: {error}")))
        };
        let to: Vec<Mailbox> = config
            .to
            .iter()
            .map(|text| mailbox("a recipient", text))
            .collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err(ChannelError::new("it has no recipient"));
        }
        Ok(Self {
            name: name.clone(),
            from: mailbox("the sender", &config.from)?,
            to,
            external_url: external_url.map(str::to_owned),
            server: smtp::Server::new(config, trust, deadlines)?,
        })
    }

    fn compose(
        &self,
        n: &Notification,
        key: &str,
        late: Option<Duration>,
    ) -> Result<Mail, lettre::error::Error> {
        let message = message::render(n, self.external_url.as_deref(), late);
        let id = self.message_id(key);
        // A late mail carries the time at which it is sent, or it would hide below those that came in between.
        let date = sent_at(n.at, late);
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(message.headline.clone())
            .date(date)
            .header(AutoSubmitted)
            .header(SuppressReplies);
        for recipient in &self.to {
            mail = mail.to(recipient.clone());
        }
        if n.transition == Transition::Resolved {
            let mut opened = n.clone();
            opened.transition = Transition::Firing;
            let first = self.message_id(&opened.idempotency_key(&self.name));
            mail = mail.in_reply_to(first.clone()).references(first);
        }
        // A boundary must not occur in the parts; a fixed one keeps a repeated mail the same to the last byte.
        let boundary = format!("=_cachewatch_{}", Fnv::EMPTY.add(key.as_bytes()).hex());
        mail.message_id(Some(id)).multipart(
            MultiPart::builder()
                .kind(lettre::message::MultiPartKind::Alternative)
                .boundary(boundary)
                .singlepart(SinglePart::plain(body::text(&message)))
                .singlepart(SinglePart::html(body::html(&message))),
        )
    }

    /// Readable as far as the key is, unique by its hash, in the sender's domain.
    fn message_id(&self, key: &str) -> String {
        let readable: String = clean(key, 100)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let hash = Fnv::EMPTY.add(key.as_bytes()).hex();
        format!("<{readable}.{hash}@{}>", self.from.email.domain())
    }

    async fn deliver(&self, letter: &Letter<'_>) -> Outcome {
        match self.compose(letter.first(), letter.key, letter.late) {
            Ok(mail) => self.server.send(mail.envelope(), &mail.formatted()).await,
            Err(error) => Outcome::permanent(format!("the mail cannot be composed: {error}")),
        }
    }
}

impl Channel for Email {
    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.deliver(letter))
    }
}

/// When a mail is sent, within the years that a Date header can hold: lettre would panic outside of them.
fn sent_at(at: Timestamp, late: Option<Duration>) -> SystemTime {
    const END_OF_9998: u64 = 253_370_764_799;
    let since_1970 = Duration::try_from(at.as_duration()).unwrap_or_default();
    let seconds = since_1970
        .saturating_add(late.unwrap_or_default())
        .as_secs();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(END_OF_9998))
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's out-of-office reply is wanted.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The same for Exchange, which does not heed the standard header.
#[derive(Clone)]
struct SuppressReplies;

impl Header for SuppressReplies {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Auto-Response-Suppress")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "All".to_owned())
    }
}
