//! Slack by the token of a bot: what a webhook cannot do. The chart comes as an answer in the thread of its message, the
//! end of an incident as an answer there, shown in the channel, too, and by changing the first message.
//!
//! Slack's API answers 200 to almost everything and says in the body whether it went well. The message goes out first, and
//! counts; whatever fails after it (the chart, the change) is logged and not repeated, or people would be told twice.
//!
//! Invariant: where a message stands is remembered for at most [`MAX_REMEMBERED`] incidents, in memory; where it is not
//! known, the end is a message of its own. A chart is uploaded only to the host of the API or below it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::config::{OnResolved, SlackBotConfig};
use crate::model::incident::{Notification, Transition};
use crate::model::secret::Secret;
use crate::model::time::Clock;
use crate::notify::http::{Body, Endpoint, Http, Reply};
use crate::notify::letter::{Angle, Letter, Trace};
use crate::notify::message::Message;
use crate::notify::outcome::Outcome;
use crate::notify::plot;
use crate::notify::slack::payload::payload;
use crate::notify::wording::{Occasion, Wording};
use crate::notify::{Channel, ChannelError};

/// Between two messages to one channel.
const PACE: Duration = Duration::from_secs(1);
/// How many messages are remembered.
const MAX_REMEMBERED: usize = 1000;
/// Slack repeats the message in its answer.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The longest title of a file, in characters.
const MAX_TITLE_CHARS: usize = 200;

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    channel: String,
    ts: String,
}

/// A Slack bot.
pub(crate) struct SlackBot {
    config: SlackBotConfig,
    post: Endpoint,
    update: Endpoint,
    reserve: Endpoint,
    complete: Endpoint,
    http: Http,
    wording: Wording,
    clock: Arc<dyn Clock>,
    /// The first messages of incidents, the oldest first.
    places: Mutex<VecDeque<(String, Place)>>,
}

impl SlackBot {
    /// A bot that posts to one channel.
    pub(crate) fn new(
        config: &SlackBotConfig,
        http: Http,
        wording: Wording,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChannelError> {
        let method = |name: &str| {
            let url = Secret::new(format!("{}/{name}", config.api_url.expose()));
            Ok(Endpoint::new(&url)?.bearer(&config.token))
        };
        Ok(Self {
            post: method("chat.postMessage")?,
            update: method("chat.update")?,
            reserve: method("files.getUploadURLExternal")?,
            complete: method("files.completeUploadExternal")?,
            config: config.clone(),
            http: http.reading(MAX_ANSWER_BYTES),
            wording,
            clock,
            places: Mutex::default(),
        })
    }

    async fn deliver(&self, letter: &Letter<'_>) -> Outcome {
        let message = self.wording.message(letter);
        let first = self.first_message(letter);
        let place = match self.say(letter, &message, first.as_ref()).await {
            Ok(place) => place,
            Err(outcome) => return outcome,
        };
        // From here on it is delivered.
        if let (Some(first), Some(part)) = (&first, letter.only())
            && part.notification.transition == Transition::Resolved
        {
            if self.config.on_resolved == OnResolved::Both {
                self.amend(first, &part.notification, letter.trace).await;
            }
            self.forget(&part.notification.incident);
        }
        if let Some(place) = place {
            self.remember(letter, &place);
            if let Some(chart) = &message.plot {
                self.attach(chart, first.as_ref().unwrap_or(&place), letter.trace)
                    .await;
            }
        }
        // Whatever came after the message.
        letter.trace.answered(200);
        Outcome::Delivered
    }

    /// The message that this letter is the end of, or reminds of.
    fn first_message(&self, letter: &Letter<'_>) -> Option<Place> {
        let part = letter.only().filter(|_| !letter.test)?;
        let n = &part.notification;
        if n.transition == Transition::Firing && part.angle != Angle::Reminder {
            return None;
        }
        let places = self.places();
        let known = places.iter().find(|(incident, _)| *incident == n.incident);
        known.map(|(_, place)| place.clone())
    }

    /// Says it, and tells where it stands now. `None`: it is said, but Slack did not tell where.
    async fn say(
        &self,
        letter: &Letter<'_>,
        message: &Message,
        first: Option<&Place>,
    ) -> Result<Option<Place>, Outcome> {
        if let Some(first) = first
            && letter.first().transition == Transition::Resolved
            && self.config.on_resolved == OnResolved::Update
        {
            // The change is the message.
            let mut body = payload(message);
            insert(&mut body, "channel", first.channel.as_str());
            insert(&mut body, "ts", first.ts.as_str());
            let answer = self
                .call(&self.update, Body::json(&body), letter.trace)
                .await;
            return match answer {
                Ok(_) => Ok(None),
                // It is gone, or too old to be changed.
                Err(Outcome::Permanent { .. }) => self.new_message(letter, message, None).await,
                Err(retry) => Err(retry),
            };
        }
        self.new_message(letter, message, first).await
    }

    async fn new_message(
        &self,
        letter: &Letter<'_>,
        message: &Message,
        thread: Option<&Place>,
    ) -> Result<Option<Place>, Outcome> {
        let mut body = payload(message);
        insert(&mut body, "channel", self.config.channel.as_str());
        insert(&mut body, "unfurl_links", false);
        if let Some(first) = thread {
            insert(&mut body, "channel", first.channel.as_str());
            insert(&mut body, "thread_ts", first.ts.as_str());
            insert(&mut body, "reply_broadcast", true);
        }
        let answer = self
            .call(&self.post, Body::json(&body), letter.trace)
            .await?;
        let text = |key: &str| answer.get(key)?.as_str().map(str::to_owned);
        Ok(text("channel")
            .zip(text("ts"))
            .map(|(channel, ts)| Place { channel, ts }))
    }

    /// Changes the first message to what it has come to.
    async fn amend(&self, first: &Place, n: &Notification, trace: &Trace) {
        let mut body = payload(&self.wording.one(n, Occasion::default()));
        insert(&mut body, "channel", first.channel.as_str());
        insert(&mut body, "ts", first.ts.as_str());
        if let Err(outcome) = self.call(&self.update, Body::json(&body), trace).await {
            tracing::warn!(
                ?outcome,
                "the first message of an incident could not be changed in Slack"
            );
        }
    }

    /// Puts the chart into the thread of a message.
    async fn attach(&self, chart: &crate::chart::Chart, place: &Place, trace: &Trace) {
        let Some(picture) = plot::draw(chart) else {
            return;
        };
        if let Err(why) = self.upload(picture, place, trace).await {
            tracing::warn!(
                why,
                "the chart could not be put into Slack; the message is there"
            );
            trace.line(|| format!("! the chart: {why}"));
        }
    }

    async fn upload(
        &self,
        picture: plot::Picture,
        place: &Place,
        trace: &Trace,
    ) -> Result<(), String> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("filename", "chart.png")
            .append_pair("length", &picture.png.len().to_string())
            .append_pair("alt_txt", &crate::notify::text::clean(&picture.alt, 1000))
            .finish();
        let form = Body {
            content_type: "application/x-www-form-urlencoded",
            bytes: form.into_bytes(),
        };
        let answer = self.call(&self.reserve, form, trace).await.map_err(why)?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str);
        let (Some(url), Some(id)) = (text("upload_url"), text("file_id")) else {
            return Err("Slack did not say where to upload it".to_owned());
        };
        if !self.may_upload_to(url) {
            return Err("Slack named a place outside of its own host to upload it".to_owned());
        }
        let url = Secret::new(url.to_owned());
        let target = Endpoint::new(&url).map_err(|error| error.to_string())?;
        let png = Body {
            content_type: "image/png",
            bytes: picture.png,
        };
        let reply = self.http.post(&target, png, &[], trace).await?;
        if !reply.is_success() {
            return Err(format!("its upload was answered with {}", reply.status));
        }
        let title = crate::notify::text::clean(&picture.alt, MAX_TITLE_CHARS);
        let done = json!({
            "files": [{ "id": id, "title": title }],
            "channel_id": place.channel,
            "thread_ts": place.ts,
        });
        let done = self.call(&self.complete, Body::json(&done), trace).await;
        done.map(drop).map_err(why)
    }

    /// What Slack says cannot lead us elsewhere: the same scheme and port, and the host of the API or one below it.
    fn may_upload_to(&self, url: &str) -> bool {
        let parsed = |text: &str| url::Url::parse(text).ok();
        let (Some(api), Some(url)) = (parsed(self.config.api_url.expose()), parsed(url)) else {
            return false;
        };
        let (Some(home), Some(host)) = (api.host_str(), url.host_str()) else {
            return false;
        };
        api.scheme() == url.scheme()
            && api.port_or_known_default() == url.port_or_known_default()
            && (host == home || host.ends_with(&format!(".{home}")))
    }

    /// Calls a method; gives what it says when it says that it went well.
    async fn call(&self, method: &Endpoint, body: Body, trace: &Trace) -> Result<Value, Outcome> {
        let reply = self.http.post(method, body, &[], trace).await;
        let reply = reply.map_err(Outcome::retry)?;
        let after = reply.after(self.clock.now().wall);
        match (reply.status, reply.body) {
            (200, Ok(bytes)) => match serde_json::from_slice::<Value>(&bytes) {
                Ok(answer) if answer.get("ok") == Some(&Value::Bool(true)) => Ok(answer),
                Ok(answer) => {
                    let error = answer.get("error").and_then(Value::as_str);
                    // Said as the status that it stands for, so that a channel that is gone is known as such.
                    trace.answered(meaning(error.unwrap_or_default()).0);
                    let error = method.excerpt(error.unwrap_or("no error").as_bytes());
                    Err(judge(&error, after))
                }
                Err(_) => Err(Outcome::permanent(format!(
                    "Slack answered 200, but \"{}\" instead of JSON",
                    method.excerpt(&bytes)
                ))),
            },
            // Slack may have taken it; better twice than never.
            (200, Err(why)) => Err(Outcome::retry(why)),
            (_, body) => {
                let reply = Reply { body, ..reply };
                Err(reply.refusal(method, self.clock.now().wall))
            }
        }
    }

    fn remember(&self, letter: &Letter<'_>, place: &Place) {
        let Some(part) = letter.only() else { return };
        let n = &part.notification;
        if n.transition == Transition::Resolved || letter.test {
            return;
        }
        let mut places = self.places();
        if part.angle == Angle::Reminder && places.iter().any(|(known, _)| *known == n.incident) {
            // The thread is that of the first message.
            return;
        }
        places.retain(|(incident, _)| *incident != n.incident);
        if places.len() >= MAX_REMEMBERED {
            places.pop_front();
        }
        places.push_back((n.incident.clone(), place.clone()));
    }

    fn forget(&self, incident: &str) {
        self.places().retain(|(known, _)| known != incident);
    }

    fn places(&self) -> MutexGuard<'_, VecDeque<(String, Place)>> {
        // Nothing in here can leave the list half changed.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel for SlackBot {
    fn pace(&self) -> Duration {
        PACE
    }

    fn takes_digests(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.deliver(letter))
    }
}

/// What Slack's name of an error means: the HTTP status that others would answer with, and what to do.
fn meaning(error: &str) -> (u16, &'static str) {
    match error {
        "ratelimited" | "rate_limited" => (429, ""),
        "fatal_error"
        | "internal_error"
        | "request_timeout"
        | "service_unavailable"
        | "team_added_to_org" => (503, ""),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            (401, " (check the token)")
        }
        "missing_scope" | "no_permission" => (
            403,
            " (the bot needs the scopes chat:write and files:write)",
        ),
        "not_in_channel" => (403, " (invite the bot into the channel)"),
        "channel_not_found" => (
            404,
            " (check the channel, and invite the bot if it is a private one)",
        ),
        "is_archived" => (410, " (the channel is archived; name another one)"),
        _ => (200, ""),
    }
}

fn judge(error: &str, after: Option<Duration>) -> Outcome {
    match meaning(error) {
        (429 | 503, _) => Outcome::Retry {
            after,
            why: format!("Slack refuses for now: {error}"),
        },
        (_, hint) => Outcome::permanent(format!("Slack refuses: {error}{hint}")),
    }
}

fn why(outcome: Outcome) -> String {
    match outcome {
        Outcome::Retry { why, .. } | Outcome::Permanent { why } => why,
        Outcome::Delivered => String::new(),
    }
}

fn insert(body: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests;
