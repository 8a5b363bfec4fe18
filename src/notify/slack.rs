//! A Slack incoming webhook: the payload is made in `payload`, sent and judged here.
//!
//! Slack answers 200 with the body `ok` when it took the message; 200 with anything else is a refusal. It takes about one
//! message a second from a webhook, and may disable an app that does not heed 429: hence [`PACE`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Endpoint, Http, Reply};
use crate::notify::letter::Letter;
use crate::notify::outcome::Outcome;
use crate::notify::wording::Wording;
use crate::notify::{Channel, ChannelError};

pub(crate) mod payload;

/// Between two messages to one webhook.
const PACE: Duration = Duration::from_secs(1);

/// A Slack incoming webhook.
pub(crate) struct Slack {
    endpoint: Endpoint,
    http: Http,
    wording: Wording,
    clock: Arc<dyn Clock>,
}

impl Slack {
    /// A channel that posts to this webhook.
    pub(crate) fn new(
        url: &Secret,
        http: Http,
        wording: Wording,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        Ok(Self {
            endpoint: Endpoint::new(url)?,
            http,
            wording,
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let body = payload::payload(&self.wording.message(letter));
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
            (_, body) => {
                let reply = Reply { body, ..reply };
                reply.refusal(&self.endpoint, self.clock.now().wall)
            }
        }
    }
}

impl Channel for Slack {
    fn pace(&self) -> Duration {
        PACE
    }

    fn takes_digests(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}
