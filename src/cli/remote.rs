//! A running cachewatch, asked by HTTP: where it is, the token, and what it answered.
//!
//! Deliberately absent: redirects and proxies. The token goes where the command line says, and nowhere else.
//!
//! Invariant: the token is never printed, and what came back reaches the terminal as one clean line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::config::{DEFAULT_LISTEN, env};
use crate::model::secret::Secret;
use crate::notify::text::clean;
use crate::notify::tls::Trust;

/// For connecting.
const CONNECT: Duration = Duration::from_secs(5);
/// For all of it.
const TOTAL: Duration = Duration::from_secs(30);
/// The largest answer in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The largest file with a token, in bytes.
const MAX_TOKEN: u64 = 4 * 1024;
/// Characters of an answer that is no JSON.
const EXCERPT: usize = 200;

/// Which cachewatch is asked, and by whom.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RemoteArgs {
    /// The running cachewatch [env: CACHEWATCH_URL] [default: http://127.0.0.1:9721]
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// A file that holds the token of its API, where it is not in the environment [env: CACHEWATCH_API_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The running cachewatch.
pub(super) struct Remote {
    client: reqwest::Client,
    base: Url,
    token: Option<Secret>,
}

impl RemoteArgs {
    /// One to read from, without a token of its own.
    pub(super) fn at(url: String) -> Self {
        Self {
            url: Some(url),
            token_file: None,
        }
    }

    /// Gets ready to ask.
    pub(super) fn connect(&self) -> anyhow::Result<Remote> {
        let set = |name| env::process(name).filter(|value| !value.is_empty());
        let given = self.url.clone().or_else(|| set(env::URL));
        let base = base(given.as_deref().unwrap_or(DEFAULT_LISTEN))?;
        let token = match &self.token_file {
            Some(path) => Some(from_file(path)?),
            None => match set(env::API_TOKEN) {
                Some(token) => Some(Secret::new(token)),
                None => set(env::API_TOKEN_FILE)
                    .map(|path| from_file(&PathBuf::from(path)))
                    .transpose()?,
            },
        };
        let tls = Trust::default()
            .client_config()
            .context("TLS cannot be set up")?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .user_agent(concat!("cachewatch/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("HTTP cannot be set up")?;
        Ok(Remote {
            client,
            base,
            token,
        })
    }
}

/// The address of the page: with `http://` where no scheme is said.
fn base(text: &str) -> anyhow::Result<Url> {
    let wrong = "--url: must be the address of a running cachewatch, such as http://127.0.0.1:9721";
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&text).ok().context(wrong)?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        bail!(wrong);
    }
    Ok(url)
}

fn from_file(path: &PathBuf) -> anyhow::Result<Secret> {
    use std::io::Read as _;
    let shown = path.display();
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_TOKEN).read_to_string(&mut text))
        .with_context(|| format!("--token-file: cannot read {shown}"))?;
    let token = text.trim();
    if token.is_empty() {
        bail!("--token-file: {shown} is empty; it must hold api_token");
    }
    Ok(Secret::new(token.to_owned()))
}

impl Remote {
    /// Asks for something.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> anyhow::Result<Value> {
        let mut url = self.address(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(Method::GET, url, None).await
    }

    /// Tells something.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, self.address(path)?, Some(body))
            .await
    }

    /// Ends something.
    pub(super) async fn delete(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.send(Method::DELETE, self.address(path)?, None).await
    }

    /// A route of the API. Each part is one segment, whatever it holds.
    fn address(&self, path: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .ok()
            .context("--url: cannot have a path")?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(path);
        Ok(url)
    }

    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> anyhow::Result<Value> {
        let changes = method != Method::GET;
        let mut request = self.client.request(method, url);
        if let Some(token) = self.token.as_ref().filter(|_| changes) {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        let place = format!("cachewatch at {host}:{port}");
        let mut response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("{place} does not answer; is it running? --url says where"))?;
        let status = response.status();
        let mut bytes = Vec::new();
        let broken = || format!("the answer of {place} broke off");
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(broken)?
        {
            if bytes.len() + chunk.len() > MAX_BODY {
                bail!("the answer of {place} is larger than {MAX_BODY} bytes; ask for less");
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer = serde_json::from_slice::<Value>(&bytes).ok();
        match answer {
            Some(answer) if status.is_success() => Ok(answer),
            Some(refusal) if refusal.get("error").is_some() => bail!("{}", refused(&refusal)),
            _ => {
                let said = clean(&String::from_utf8_lossy(&bytes), EXCERPT);
                bail!(
                    "{place} answered HTTP {}: {said}; is it a cachewatch of this version?",
                    status.as_u16()
                )
            }
        }
    }
}

fn refused(refusal: &Value) -> String {
    let part = |key: &str| refusal.get(key).and_then(Value::as_str).unwrap_or_default();
    let remedy = part("remedy");
    let hint = if remedy.contains("Authorization") {
        "; here it comes from CACHEWATCH_API_TOKEN or --token-file"
    } else {
        ""
    };
    format!(
        "{}: {}{hint}",
        clean(part("error"), 400),
        clean(remedy, 400)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str) -> Remote {
        RemoteArgs::at(url.to_owned()).connect().unwrap()
    }

    #[test]
    fn addresses_are_put_together_part_by_part() {
        let at = |url: &str, path: &[&str]| remote(url).address(path).unwrap().to_string();
        assert_eq!(
            at("127.0.0.1:9721", &["incidents", "a/b?c"]),
            "http://127.0.0.1:9721/api/v1/incidents/a%2Fb%3Fc"
        );
        assert_eq!(
            at("https://example.org/watch/?x#y", &["silences"]),
            "https://example.org/watch/api/v1/silences"
        );
    }

    #[test]
    fn addresses_that_are_none_are_refused_without_being_repeated() {
        for wrong in ["ftp://x", "http://", "http://ann:hunter2@x", "unix:///x"] {
            let said = base(wrong).unwrap_err().to_string();
            assert!(
                said.starts_with("--url: must be") && !said.contains("hunter2"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refusal =
            serde_json::json!({"error": "no\u{1b}[2J", "remedy": "send `Authorization: Bearer …`"});
        assert_eq!(
            refused(&refusal),
            "no\\u{1b}[2J: send `Authorization: Bearer …`; here it comes from CACHEWATCH_API_TOKEN or --token-file"
        );
    }
}
