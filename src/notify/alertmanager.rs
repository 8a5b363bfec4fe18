//! Prometheus' Alertmanager, by its API version 2: our alerts beside those of Prometheus, with its routing and silences.
//!
//! As Prometheus does: every alert goes to all replicas, is told again as long as it fires, and ends by itself four times
//! that long after we last told of it, should we die.
//!
//! Invariant: it is delivered when one replica has taken it; the others get it with the next repetition. Its end they get
//! from each other, or by themselves after that time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};

use crate::config::AlertmanagerConfig;
use crate::model::incident::Transition;
use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Endpoint, Http};
use crate::notify::labelled::{annotations, labels};
use crate::notify::letter::{Angle, Letter, Part};
use crate::notify::outcome::Outcome;
use crate::notify::wording::{Occasion, Wording};
use crate::notify::{Channel, ChannelError};

/// The most alerts of one request.
const MAX_ALERTS: usize = 100;
/// An alert lives for so many intervals without us.
const LIVES: u32 = 4;
/// Where alerts are posted to.
const PATH: &str = "/api/v2/alerts";

/// An Alertmanager with all its replicas.
pub(crate) struct Alertmanager {
    replicas: Vec<Endpoint>,
    resend_every: Duration,
    http: Http,
    wording: Wording,
    clock: Arc<dyn Clock>,
}

impl Alertmanager {
    /// A channel that posts to all replicas.
    pub(crate) fn new(
        config: &AlertmanagerConfig,
        http: Http,
        wording: Wording,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        let replicas: Vec<Endpoint> = config
            .urls
            .iter()
            .map(|url| {
                let base = url.expose().trim_end_matches('/');
                let base = base.strip_suffix(PATH).unwrap_or(base);
                Endpoint::new(&Secret::new(format!("{base}{PATH}")))
            })
            .collect::<Result<_, _>>()?;
        if replicas.is_empty() {
            return Err(ChannelError::new("it has no address"));
        }
        Ok(Self {
            replicas,
            resend_every: config.resend_every,
            http,
            wording,
            clock,
        })
    }

    async fn post(&self, letter: &Letter<'_>) -> Outcome {
        let body = self.body(letter);
        let attempts = self
            .replicas
            .iter()
            .map(|to| self.post_to(to, &body, letter));
        let mut outcomes = join_all(attempts).await;
        let failed = |o: &Outcome| *o != Outcome::Delivered;
        let delivered = outcomes.iter().any(|o| !failed(o));
        if delivered {
            for (nth, outcome) in (1..).zip(outcomes).filter(|(_, o)| failed(o)) {
                tracing::warn!(
                    replica = nth,
                    ?outcome,
                    "one replica of an Alertmanager did not take an alert; another one did"
                );
            }
            return Outcome::Delivered;
        }
        // One that may take it later is reason enough to try again.
        let later = outcomes
            .iter()
            .position(|o| matches!(o, Outcome::Retry { .. }))
            .unwrap_or(0);
        outcomes.swap_remove(later)
    }

    async fn post_to(&self, to: &Endpoint, body: &Value, letter: &Letter<'_>) -> Outcome {
        match self.http.post_json(to, body, &[], letter.trace).await {
            Err(why) => Outcome::retry(why),
            Ok(reply) if reply.is_success() => Outcome::Delivered,
            Ok(reply) => reply.refusal(to, self.clock.now().wall),
        }
    }

    fn body(&self, letter: &Letter<'_>) -> Value {
        // What is left out of a storm comes with the next repetition.
        let told = letter.parts.iter().take(MAX_ALERTS);
        told.map(|part| self.alert(part, letter)).collect()
    }

    fn alert(&self, part: &Part, letter: &Letter<'_>) -> Value {
        let n = &*part.notification;
        let mut occasion = Occasion::of(part, letter);
        if occasion.angle == Angle::Reminder {
            // It is told again all the time; its text should not change with every second time.
            occasion.angle = Angle::News;
        }
        let ends_at = match n.transition {
            Transition::Firing => {
                let lives = self.resend_every.saturating_mul(LIVES);
                self.clock.now().plus(lives).wall
            }
            Transition::Resolved => n.at,
        };
        let mut alert = json!({
            "labels": labels(n, letter.test),
            "annotations": annotations(n, &self.wording.one(n, occasion)),
            "startsAt": n.started.to_string(),
            "endsAt": ends_at.to_string(),
        });
        // It must be an address, or not be there.
        if let (Some(page), Some(fields)) = (self.wording.links.page(n), alert.as_object_mut()) {
            fields.insert("generatorURL".to_owned(), page.into());
        }
        alert
    }
}

impl Channel for Alertmanager {
    fn takes_digests(&self) -> bool {
        true
    }

    fn resend_every(&self) -> Option<Duration> {
        Some(self.resend_every)
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.post(letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Now;
    use crate::notify::http::Limits;
    use crate::notify::testing::http::{Act, Receiver};
    use crate::notify::testing::{StoppedClock, golden, notification, send};
    use crate::notify::tls::Trust;
    use crate::notify::wording::Links;

    fn channel(urls: &[String]) -> Alertmanager {
        let config = AlertmanagerConfig {
            urls: urls.iter().cloned().map(Secret::new).collect(),
            resend_every: Duration::from_mins(1),
        };
        let http = Http::new(&Trust::default(), Limits::default()).unwrap();
        let clock = StoppedClock(Now {
            mono: Duration::ZERO,
            wall: "2026-01-02T03:10:00Z".parse().unwrap(),
        });
        let wording = Wording::plain(Links::to_page("https://cw.example.org"));
        Alertmanager::new(&config, http, wording, Arc::new(clock)).unwrap()
    }

    #[test]
    fn payloads_are_as_the_golden_files_say() {
        let channel = channel(&["http://am:9093".to_owned()]);
        let mut all: Vec<_> = notification::named().to_vec();
        all.truncate(3);
        for (name, n) in all {
            let body = crate::notify::testing::with_letter(&[n], |letter| channel.body(letter));
            golden::check_json(&format!("alertmanager_{name}.json"), &body);
        }
        let storm = notification::storm();
        let body = crate::notify::testing::with_letter(&storm, |letter| channel.body(letter));
        golden::check_json("alertmanager_digest.json", &body);
    }

    #[tokio::test]
    async fn all_replicas_are_told_and_one_is_enough() {
        let good = Receiver::start(Act::Answer(200, "", "")).await;
        let bad = Receiver::start(Act::Answer(500, "", "")).await;
        let never = Receiver::start(Act::Answer(400, "", "")).await;
        let url = |r: &Receiver, end: &str| format!("http://{}/am{end}", r.address);
        let n = notification::miss_firing();
        let told = |urls: Vec<String>| async move { channel(&urls) };
        let outcome = send(&told(vec![url(&bad, ""), url(&good, "/")]).await, &n, "k").await;
        assert_eq!(outcome, Outcome::Delivered);
        assert_eq!((bad.requests().len(), good.requests().len()), (1, 1));
        assert!(good.requests()[0].starts_with("POST /am/api/v2/alerts HTTP"));
        let outcome = send(&told(vec![url(&never, ""), url(&bad, PATH)]).await, &n, "k").await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
        let outcome = send(&told(vec![url(&never, "")]).await, &n, "k").await;
        assert!(matches!(outcome, Outcome::Permanent { .. }), "{outcome:?}");
    }
}
