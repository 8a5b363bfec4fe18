//! Text from elsewhere, made safe to show: one line, no control characters, no more than so long, no secrets.
//!
//! Deliberately not here: escaping for HTML or for Slack; each channel does its own, last of all.
//!
//! Invariant: what [`clean`] returns holds no line break, no control character, nothing that turns the direction of
//! the text around, and is at most as long as asked for.

use std::fmt::Write as _;

/// What stands where text was cut.
pub(crate) const CUT: char = '…';

/// How many characters of a peer's answer are shown.
pub(crate) const EXCERPT_CHARS: usize = 200;

/// Parts of a secret shorter than this are not looked for: they would blot out ordinary words.
const MIN_SECRET_BYTES: usize = 6;

/// One safe line of at most `max` characters. White space of any kind and number becomes one space, other control
/// characters and those that steer the direction of text are shown as `\u{..}`.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max * 4));
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        if c.is_control() || steers_direction(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        // Enough to know that it has to be cut; a longer text is not worth reading to its end.
        if out.len() > max.saturating_mul(4) {
            break;
        }
    }
    truncate(&out, max)
}

/// At most `max` characters; what is cut is marked by [`CUT`].
pub(crate) fn truncate(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(max.saturating_sub(1)).collect();
    if max > 0 {
        out.push(CUT);
    }
    out
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm, and the line and paragraph separators.
fn steers_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

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

/// A 64-bit FNV-1a hash. Not for secrets: it makes short stable ids out of names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Fnv {
    /// The empty text.
    pub(crate) const EMPTY: Self = Self(14_695_981_039_346_656_037);

    /// Appends bytes.
    pub(crate) fn add(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211)
        }))
    }

    /// As 16 hexadecimal digits.
    pub(crate) fn hex(self) -> String {
        let mut out = String::with_capacity(16);
        // Writing to a String cannot fail.
        write!(out, "{:016x}", self.0).unwrap_or_default();
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn clean_text_is_one_short_line(text in "\\PC*|.*|[\\x00-\\x20\u{202a}-\u{202e}]*", max in 0_usize..300) {
            let out = clean(&text, max);
            prop_assert!(out.chars().count() <= max);
            prop_assert!(!out.chars().any(|c| c.is_control() || steers_direction(c)));
            prop_assert_eq!(clean(&out, max), out.clone(), "cleaning twice changes nothing");
        }
    }

    #[test]
    fn white_space_folds_and_controls_show() {
        assert_eq!(
            clean("  a\r\n\tb\u{7}c\u{202e}d ", 99),
            "a b\\u{7}c\\u{202e}d"
        );
        assert_eq!(clean("abcdef", 4), "abc…");
    }

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

    #[test]
    fn fnv_1a_has_its_published_values() {
        assert_eq!(Fnv::EMPTY.hex(), "cbf29ce484222325");
        assert_eq!(Fnv::EMPTY.add(b"a").hex(), "af63dc4c8601ec8c");
        assert_eq!(Fnv::EMPTY.add(b"foobar").hex(), "85944171f73967e8");
    }
}
