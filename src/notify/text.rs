//! Text that a peer sent, without the secrets that it repeats, and as one line that is safe to show (`model::text`).
//!
//! Deliberately not here: escaping for HTML or for Slack; each channel does its own, last of all.
//!
//! Invariant: what a [`Redactor`] returns holds none of the secrets that it knows.

pub(crate) use crate::model::fnv::Fnv;
pub(crate) use crate::model::text::{CUT, line as clean};

/// How many characters of a peer's answer are shown.
pub(crate) const EXCERPT_CHARS: usize = 200;

/// Parts of a secret shorter than this are not looked for: they would blot out ordinary words.
const MIN_SECRET_BYTES: usize = 6;

/// Takes known secrets out of text that a peer sent: servers like to repeat the path or the line they refuse.
#[derive(Clone)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    /// Knows these secrets. Very short ones are skipped.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .filter(|s| s.len() >= MIN_SECRET_BYTES)
            .collect();
        // The longest first, so that a whole is not left half open by one of its parts.
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets.dedup();
        Self(secrets)
    }

    /// All parts of a URL that may be a secret: each segment of the path, user, password, query, as written and decoded.
    pub(crate) fn for_url(url: &url::Url) -> Self {
        let mut parts = vec![url.as_str().to_owned(), url.path().to_owned()];
        parts.extend(url.path_segments().into_iter().flatten().map(decoded));
        parts.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
        parts.push(decoded(url.username()));
        parts.extend(url.password().map(decoded));
        parts.extend(url.password().map(str::to_owned));
        parts.extend(url.query().map(str::to_owned));
        parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        parts.extend(
            url.query()
                .into_iter()
                .flat_map(|q| q.split(['&', '=']))
                .map(str::to_owned),
        );
        parts.extend(url.fragment().map(str::to_owned));
        Self::new(parts)
    }

    /// Knows another secret, too: as it is, and as it is written in JSON.
    #[must_use]
    pub(crate) fn and(mut self, secret: &str) -> Self {
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_matches('"').to_owned();
        self.0.extend([secret.to_owned(), json]);
        Self::new(self.0)
    }

    /// `text` without the secrets, as one safe line.
    pub(crate) fn excerpt(&self, text: &str) -> String {
        self.line(text, EXCERPT_CHARS)
    }

    /// The same with at most so many characters.
    pub(crate) fn line(&self, text: &str, max: usize) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[REDACTED]");
            }
        }
        clean(&text, max)
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.0.len())
    }
}

/// Percent-decoding as far as a secret needs it.
fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
        .next()
        .map(|(key, _)| key.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_repeats_the_path_tells_nothing() {
        let url = url::Url::parse(
            "https://me:pass%20word@h.example/services/T00000/B00000/sEcReT24?token=abcdef%2B1",
        )
        .unwrap();
        let redactor = Redactor::for_url(&url);
        let said = redactor.excerpt(
            "Cannot POST /services/T00000/B00000/sEcReT24?token=abcdef%2B1 \
             (abcdef+1, pass word, pass%20word, \\/B00000\\/sEcReT24)",
        );
        for secret in ["sEcReT24", "B00000", "abcdef", "pass word", "pass%20"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        assert!(said.starts_with("Cannot POST"));
        assert!(!format!("{redactor:?}").contains("sEcReT24"));
    }
}
