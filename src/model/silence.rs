//! Silences: who is not to be told about what, until when; and the matchers that say about what.
//!
//! A matcher compares one label of an incident with a glob: `cache=sessions`, `severity!=critical`, `rule=Cache*`.
//! The labels of an incident are its own (of cache and rule) and `cache`, `rule`, `severity`, `namespace`, `node`.
//!
//! Invariant: a silence without a matcher cannot be made; it would silence everything. A missing label is the empty text.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::pattern::Pattern;

/// The most matchers of one silence.
pub const MAX_MATCHERS: usize = 16;
/// The longest label name, value, author, in bytes.
pub const MAX_TEXT: usize = 200;
/// The longest comment, in bytes.
pub const MAX_COMMENT: usize = 2_000;

/// Compares one label with a glob.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// Whether it must match (else: must not).
    pub equal: bool,
    /// A glob: `*`, `?`, `[ab]`.
    pub glob: String,
}

/// Why a matcher was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// Neither `=` nor `!=`.
    #[error("a matcher is written label=value or label!=value, where the value may hold *")]
    NoOperator,
    /// No label, or one that cannot be a label.
    #[error("the label of a matcher may hold letters, digits and '_' only, and must not be empty")]
    BadLabel,
    /// More than [`MAX_TEXT`].
    #[error("a matcher must not be longer than {MAX_TEXT} bytes")]
    TooLong,
    /// The glob is wrong.
    #[error("{0}")]
    Glob(#[from] super::pattern::PatternError),
}

impl Matcher {
    /// Whether these labels match.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let found = match Pattern::new(self.glob.as_bytes()) {
            Ok(pattern) => pattern.matches(value.as_bytes()),
            // The empty glob: `team=` is "has no team".
            Err(_) => value == self.glob,
        };
        found == self.equal
    }
}

impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, MatcherError> {
        if text.len() > MAX_TEXT {
            return Err(MatcherError::TooLong);
        }
        let (left, glob) = text.split_once('=').ok_or(MatcherError::NoOperator)?;
        let (label, equal) = match left.strip_suffix('!') {
            Some(label) => (label, false),
            None => (left, true),
        };
        let (label, glob) = (label.trim(), glob.trim().trim_matches('"'));
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if label.is_empty() || !label.chars().all(sound) {
            return Err(MatcherError::BadLabel);
        }
        if !glob.is_empty() {
            Pattern::new(glob.as_bytes())?;
        }
        Ok(Self {
            label: label.to_owned(),
            equal,
            glob: glob.to_owned(),
        })
    }
}

impl TryFrom<String> for Matcher {
    type Error = MatcherError;

    fn try_from(text: String) -> Result<Self, MatcherError> {
        text.parse()
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.to_string()
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = if self.equal { "=" } else { "!=" };
        write!(f, "{}{operator}{}", self.label, self.glob)
    }
}

/// "Do not notify about these until then."
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Silence {
    /// Identifies it.
    pub id: String,
    /// All of them must match; at least one.
    pub matchers: Vec<Matcher>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// From when on.
    pub starts: Timestamp,
    /// Until when; moved to the present to end it early.
    pub ends: Timestamp,
    /// When it was made.
    pub created: Timestamp,
}

impl Silence {
    /// Whether it holds at a moment.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.starts <= at && at < self.ends
    }

    /// Whether it is about an incident with these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        !self.matchers.is_empty() && self.matchers.iter().all(|m| m.matches(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> BTreeMap<String, String> {
        [("cache", "sessions"), ("severity", "warning")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn holds(matcher: &str) -> bool {
        matcher.parse::<Matcher>().unwrap().matches(&labels())
    }

    #[test]
    fn matchers_compare_labels_with_globs() {
        assert!(holds("cache=sessions") && holds("cache=sess*") && holds(" cache = \"sessions\""));
        assert!(!holds("cache=other") && holds("cache!=other") && !holds("cache!=*"));
        assert!(holds("team=") && !holds("cache=") && holds("team!=x"));
    }

    #[test]
    fn what_is_no_matcher_is_refused() {
        for (text, error) in [
            ("sessions", MatcherError::NoOperator),
            ("=x", MatcherError::BadLabel),
            ("a b=x", MatcherError::BadLabel),
        ] {
            assert_eq!(text.parse::<Matcher>(), Err(error), "{text}");
        }
        assert!("cache=[".parse::<Matcher>().is_err());
        assert!(
            format!("cache={}", "x".repeat(200))
                .parse::<Matcher>()
                .is_err()
        );
    }

    #[test]
    fn a_silence_without_matchers_silences_nothing() {
        let silence = Silence {
            id: "1".to_owned(),
            matchers: Vec::new(),
            author: String::new(),
            comment: String::new(),
            starts: Timestamp::MIN,
            ends: Timestamp::MAX,
            created: Timestamp::UNIX_EPOCH,
        };
        assert!(!silence.matches(&labels()));
    }
}
