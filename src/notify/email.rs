//! E-mail: a message in plain text and HTML with the chart in it, over SMTP.
//!
//! `body` writes the two texts, `smtp` holds the conversation with the server, `stream` bounds what the server may say.
//!
//! Invariant: the same notification to the same channel always has the same Message-ID, so that a mail that was sent
//! twice, because an answer got lost, shows up once in most mailboxes; no header can be broken by a line break in a text.

use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message as Mail, MultiPart, SinglePart};

use crate::config::EmailConfig;
use crate::model::incident::Transition;
use crate::model::name::ChannelName;
use crate::notify::letter::{Angle, Late, Letter, Part};
use crate::notify::outcome::Outcome;
use crate::notify::text::{Fnv, clean};
use crate::notify::tls::Trust;
use crate::notify::wording::Wording;
use crate::notify::{Channel, ChannelError, plot};

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
    wording: Wording,
    server: smtp::Server,
}

impl Email {
    /// A channel that sends mail by this server.
    pub(crate) fn new(
        name: &ChannelName,
        config: &EmailConfig,
        wording: Wording,
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
            wording,
            server: smtp::Server::new(config, trust, deadlines)?,
        })
    }

    fn compose(&self, letter: &Letter<'_>) -> Result<Mail, lettre::error::Error> {
        let n = letter.first();
        let message = self.wording.message(letter);
        let id = self.message_id(letter.key);
        // A late mail carries the time at which it is sent, or it would hide below those that came in between.
        let date = sent_at(n.told(), letter.late);
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(message.headline.clone())
            .date(date)
            .header(AutoSubmitted)
            .header(SuppressReplies);
        for recipient in &self.to {
            mail = mail.to(recipient.clone());
        }
        let only = letter.only().filter(|_| !letter.test);
        let goes_on =
            |part: &Part| n.transition == Transition::Resolved || part.angle == Angle::Reminder;
        if only.is_some_and(goes_on) {
            let mut opened = n.clone();
            opened.transition = Transition::Firing;
            let first = self.message_id(&opened.idempotency_key(&self.name));
            mail = mail.in_reply_to(first.clone()).references(first);
        }
        let picture = message.plot.as_ref().and_then(plot::draw);
        let alternatives = MultiPart::builder()
            .kind(lettre::message::MultiPartKind::Alternative)
            .boundary(boundary(letter.key, "a"))
            .singlepart(SinglePart::plain(body::text(&message)));
        let html = |image: Option<body::Image<'_>>| SinglePart::html(body::html(&message, image));
        let parts = match picture {
            None => alternatives.singlepart(html(None)),
            Some(picture) => {
                let cid = format!("chart.{}", id.trim_matches(['<', '>']));
                let image = body::Image {
                    cid: &cid,
                    alt: &picture.alt,
                };
                alternatives.multipart(
                    MultiPart::builder()
                        .kind(lettre::message::MultiPartKind::Related)
                        .boundary(boundary(letter.key, "r"))
                        .singlepart(html(Some(image)))
                        .singlepart(attached(&cid, picture.png)?),
                )
            }
        };
        mail.message_id(Some(id)).multipart(parts)
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
        match self.compose(letter) {
            Ok(mail) => {
                let mail_ = mail.formatted();
                self.server
                    .send(mail.envelope(), &mail_, letter.trace)
                    .await
            }
            Err(error) => Outcome::permanent(format!("the mail cannot be composed: {error}")),
        }
    }
}

impl Channel for Email {
    fn takes_digests(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.deliver(letter))
    }
}

/// A boundary must not occur in the parts; a fixed one keeps a repeated mail the same to the last byte.
fn boundary(key: &str, part: &str) -> String {
    let hash = Fnv::EMPTY.add(key.as_bytes()).hex();
    format!("=_cachewatch_{part}_{hash}")
}

/// The chart, shown where the HTML names it.
fn attached(cid: &str, png: Vec<u8>) -> Result<SinglePart, lettre::error::Error> {
    let png_type =
        ContentType::parse("image/png").map_err(|_| lettre::error::Error::CannotParseFilename)?;
    Ok(
        Attachment::new_inline_with_name(cid.to_owned(), "chart.png".to_owned())
            .body(png, png_type),
    )
}

/// When a mail is sent, within the years that a Date header can hold: lettre would panic outside of them.
fn sent_at(at: Timestamp, late: Option<Late>) -> SystemTime {
    const END_OF_9998: u64 = 253_370_764_799;
    let since_1970 = Duration::try_from(at.as_duration()).unwrap_or_default();
    let seconds = since_1970
        .saturating_add(late.map_or(Duration::ZERO, |late| late.by))
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
