//! A Slack incoming webhook: the payload is made in `payload`, sent and judged here.
//!
//! Slack answers 200 with the body `ok` when it took the message; 200 with anything else is a refusal. It takes about one
//! message a second from a webhook, and may disable an app that does not heed 429: hence [`PACE`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Endpoint, Http};
use crate::notify::letter::Letter;
use crate::notify::message;
use crate::notify::outcome::{Outcome, retry_after};
use crate::notify::{Channel, ChannelError};

mod payload;

/// Between two messages to one webhook.
const PACE: Duration = Duration::from_secs(1);

/// A Slack incoming webhook.
pub(crate) struct Slack {
    endpoint: Endpoint,
    http: Http,
    external_url: Option<String>,
    clock: Arc<dyn Clock>,
}

impl Slack {
    /// A channel that posts to this webhook.
    pub(crate) fn new(
        url: &Secret,
        http: Http,
        external_url: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        Ok(Self {
            endpoint: Endpoint::new(url)?,
            http,
            external_url: external_url.map(str::to_owned),
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let message = message::render(letter.first(), self.external_url.as_deref(), letter.late);
        let body = payload::payload(&message);
        let reply = match self
            .http
            .post_json(&self.endpoint, &body, &[], letter.trace)
            .await
        {
            Ok(reply) => reply,
            Err(why) => return Outcome::retry(why),
        };
        match (reply.status, reply.body) {
            (200, Ok(body)) if body.trim_ascii() == b"ok" => Outcome::Delivered,
            (200, Ok(body)) => Outcome::permanent(format!(
                "Slack answered 200, but \"{}\" instead of \"ok\"",
                self.endpoint.excerpt(&body)
            )),
            // Slack may have taken it; better twice than never.
            (200, Err(why)) => Outcome::retry(why),
            (status, body) => {
                let after = reply
                    .retry_after
                    .and_then(|header| retry_after(&header, self.clock.now().wall));
                let said = self.endpoint.excerpt(&body.unwrap_or_default());
                Outcome::of_refusal(status, after, &said)
            }
        }
    }
}

impl Channel for Slack {
    fn pace(&self) -> Duration {
        PACE
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}
