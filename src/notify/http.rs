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

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

use crate::model::secret::Secret;
use crate::notify::ChannelError;
use crate::notify::letter::Trace;
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
        })
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

    /// Posts JSON. An error is one line that says why nothing came back.
    pub(crate) async fn post_json(
        &self,
        to: &Endpoint,
        body: &serde_json::Value,
        headers: &[(&'static str, String)],
        trace: &Trace,
    ) -> Result<Reply, String> {
        let mut request = self
            .client
            .post(to.url.expose())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| self.describe(error, to))?;
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let status = response.status().as_u16();
        trace.answered(status);
        let body = self
            .read(&mut response)
            .await
            .map_err(|error| self.describe(error, to));
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
