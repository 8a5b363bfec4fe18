//! The one HTTP client of all channels: it posts and says what came back.
//!
//! Deliberately absent: redirects (a receiver could send messages on to places that nobody configured) and proxies from
//! the environment (`HTTPS_PROXY` and the like: where messages go is configuration, and only that; a receiver behind a
//! proxy is for later, as a setting of its channel). Connections are not kept: messages are rare, and an idle connection
//! that has died costs an attempt.
//!
//! Invariant: a URL never appears in an error; at most [`Limits::body`] bytes of an answer are read; no request takes
//! longer than [`Limits::total`].

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

use crate::model::secret::Secret;
use crate::notify::ChannelError;
use crate::notify::letter::Trace;
use crate::notify::outcome::{Outcome, retry_after};
use crate::notify::text::{EXCERPT_CHARS, Redactor, clean};
use crate::notify::tls::Trust;

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For connecting, TLS included.
    pub(crate) connect: Duration,
    /// For a whole request, from connecting to the last byte that is read.
    pub(crate) total: Duration,
    /// Bytes of an answer that are read.
    pub(crate) body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
            body: 16 * 1024,
        }
    }
}

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    limits: Limits,
}

/// Where a channel posts to.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    url: Secret,
    redactor: Redactor,
    bearer: Option<Secret>,
    /// What may be shown of the URL.
    shown: String,
}

/// What is posted.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// Its type.
    pub(crate) content_type: &'static str,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Body {
    /// JSON.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self {
            content_type: "application/json; charset=utf-8",
            bytes: value.to_string().into_bytes(),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// The Retry-After header.
    pub(crate) retry_after: Option<String>,
    /// The beginning of the body; an error when it broke off.
    pub(crate) body: Result<Vec<u8>, String>,
}

impl Endpoint {
    /// Checks the URL. The error does not repeat it.
    pub(crate) fn new(url: &Secret) -> Result<Self, ChannelError> {
        let parsed = url::Url::parse(url.expose())
            .map_err(|error| ChannelError::new(format!("its url is not valid: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(ChannelError::new(
                "its url must begin with https:// or http://",
            ));
        }
        Ok(Self {
            url: url.clone(),
            redactor: Redactor::for_url(&parsed),
            bearer: None,
            shown: shown(&parsed),
        })
    }

    /// With a secret that is sent there in a header or a body, and must not be shown either.
    #[must_use]
    pub(crate) fn keeping(mut self, secret: &Secret) -> Self {
        self.redactor = self.redactor.and(secret.expose());
        self
    }

    /// With a token that goes into the header Authorization.
    #[must_use]
    pub(crate) fn bearer(self, token: &Secret) -> Self {
        Self {
            bearer: Some(token.clone()),
            ..self.keeping(token)
        }
    }

    /// A safe line of what the receiver said.
    pub(crate) fn excerpt(&self, body: &[u8]) -> String {
        self.redactor.excerpt(&String::from_utf8_lossy(body))
    }
}

impl Http {
    /// Makes a client.
    pub(crate) fn new(trust: &Trust, limits: Limits) -> Result<Self, ChannelError> {
        let tls = trust
            .client_config()
            .map_err(|error| ChannelError::new(format!("TLS cannot be set up: {error}")))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .user_agent(concat!("cachewatch/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                ChannelError::new(format!("HTTP cannot be set up: {}", innermost(&error)))
            })?;
        Ok(Self { client, limits })
    }

    /// The same client with room for longer answers.
    #[must_use]
    pub(crate) fn reading(mut self, body: usize) -> Self {
        self.limits.body = body;
        self
    }

    /// Posts JSON. An error is one line that says why nothing came back.
    pub(crate) async fn post_json(
        &self,
        to: &Endpoint,
        body: &serde_json::Value,
        headers: &[(&'static str, String)],
        trace: &Trace,
    ) -> Result<Reply, String> {
        self.post(to, Body::json(body), headers, trace).await
    }

    /// Posts anything.
    pub(crate) async fn post(
        &self,
        to: &Endpoint,
        body: Body,
        headers: &[(&'static str, String)],
        trace: &Trace,
    ) -> Result<Reply, String> {
        note_request(to, &body, headers, trace);
        let mut request = self
            .client
            .post(to.url.expose())
            .header(CONTENT_TYPE, body.content_type)
            .body(body.bytes);
        if let Some(token) = &to.bearer {
            request = request.bearer_auth(token.expose());
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(|error| {
            let why = self.describe(error, to);
            trace.line(|| format!("! {why}"));
            why
        })?;
        let header = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (retry_after, content_type) = (header(RETRY_AFTER), header(CONTENT_TYPE));
        let status = response.status().as_u16();
        trace.answered(status);
        trace.line(|| format!("< HTTP {status}"));
        for (name, value) in [
            ("Retry-After", &retry_after),
            ("Content-Type", &content_type),
        ] {
            if let Some(value) = value {
                trace.line(|| format!("< {name}: {}", to.redactor.excerpt(value)));
            }
        }
        let body = self
            .read(&mut response)
            .await
            .map_err(|error| self.describe(error, to));
        trace.line(|| match &body {
            Ok(body) if body.is_empty() => "< (no body)".to_owned(),
            Ok(body) => format!("< {}", to.excerpt(body)),
            Err(why) => format!("! {why}"),
        });
        Ok(Reply {
            status,
            retry_after,
            body,
        })
    }

    async fn read(&self, response: &mut reqwest::Response) -> reqwest::Result<Vec<u8>> {
        let mut body = Vec::new();
        while body.len() < self.limits.body {
            let Some(chunk) = response.chunk().await? else {
                break;
            };
            let room = self.limits.body - body.len();
            body.extend(chunk.iter().take(room));
        }
        Ok(body)
    }

    fn describe(&self, error: reqwest::Error, to: &Endpoint) -> String {
        let error = error.without_url();
        if error.is_timeout() {
            return if error.is_connect() {
                "no connection within the time-out".to_owned()
            } else {
                format!(
                    "no complete answer within {} s",
                    self.limits.total.as_secs_f64()
                )
            };
        }
        let cause = to.redactor.excerpt(&innermost(&error));
        if error.is_connect() {
            format!("cannot connect: {cause}")
        } else if error.is_builder() {
            format!("the request cannot be made: {cause}")
        } else if error.is_body() || error.is_decode() {
            format!("the answer broke off: {cause}")
        } else {
            format!("the connection failed: {cause}")
        }
    }
}

impl Reply {
    /// What a status other than success means.
    pub(crate) fn refusal(self, from: &Endpoint, now: Timestamp) -> Outcome {
        let after = self.after(now);
        let said = from.excerpt(&self.body.unwrap_or_default());
        Outcome::of_refusal(self.status, after, &said)
    }

    /// How long we are asked to wait.
    pub(crate) fn after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(self.retry_after.as_deref()?, now)
    }

    /// Whether it is a success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How much of a request is noted down, in characters.
const NOTED_CHARS: usize = 4000;

fn note_request(to: &Endpoint, body: &Body, headers: &[(&'static str, String)], trace: &Trace) {
    trace.line(|| format!("> POST {}", to.shown));
    trace.line(|| format!("> Content-Type: {}", body.content_type));
    if to.bearer.is_some() {
        trace.line(|| "> Authorization: Bearer [REDACTED]".to_owned());
    }
    for (name, value) in headers {
        trace.line(|| format!("> {name}: {}", to.redactor.excerpt(value)));
    }
    trace.line(|| match std::str::from_utf8(&body.bytes) {
        Ok(text) => format!("> {}", to.redactor.line(text, NOTED_CHARS)),
        Err(_) => format!("> ({} bytes)", body.bytes.len()),
    });
}

/// Scheme, host and port; what comes after may be a secret.
fn shown(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}/…", url.scheme())
}

/// The first cause, which says most: the outer ones repeat "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() {
        return clean(&error.to_string(), EXCERPT_CHARS);
    }
    clean(&cause.to_string(), EXCERPT_CHARS)
}
