//! The namespaces that a person named: globs in order, the first match wins.
//!
//! Deliberately absent: prices and any other setting of a namespace.
//!
//! Invariant: at most [`MAX_PATTERNS`] of them, and a key is only run through those whose first byte it has.

use crate::model::pattern::{MAX_PATTERNS, Pattern, PatternError};

/// Why a list of patterns was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternsError {
    /// One of them is malformed.
    #[error("namespace pattern {number}: {source}")]
    Pattern {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: PatternError,
    },
    /// More than [`MAX_PATTERNS`].
    #[error("{0} namespace patterns are too many: at most {MAX_PATTERNS} for a cache")]
    TooMany(usize),
    /// The name of the rest.
    #[error(
        "namespace pattern {number}: the name \"other\" is taken by the keys in no namespace: choose another one"
    )]
    Reserved {
        /// Which, counted from 1.
        number: usize,
    },
    /// No name.
    #[error("namespace pattern {number}: the name must not be empty")]
    Nameless {
        /// Which, counted from 1.
        number: usize,
    },
}

/// Compiled patterns with their names.
#[derive(Debug, Clone)]
pub struct Patterns {
    compiled: Vec<(Pattern, usize)>,
    names: Vec<String>,
    /// Bit i for a first byte: pattern i may match a key that begins with it.
    by_first: Box<[u128; 256]>,
    /// Bit i: pattern i may match the empty key.
    for_empty: u128,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            compiled: Vec::new(),
            names: Vec::new(),
            by_first: Box::new([0; 256]),
            for_empty: 0,
        }
    }
}

impl Patterns {
    /// Compiles `(name, glob)` pairs. Several globs may share a name.
    pub fn new<'a>(
        list: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, PatternsError> {
        let list: Vec<_> = list.into_iter().collect();
        if list.len() > MAX_PATTERNS {
            return Err(PatternsError::TooMany(list.len()));
        }
        let mut this = Self::default();
        for (index, (name, glob)) in list.into_iter().enumerate() {
            let number = index + 1;
            if name.is_empty() {
                return Err(PatternsError::Nameless { number });
            }
            if name == super::OTHER {
                return Err(PatternsError::Reserved { number });
            }
            let pattern =
                Pattern::new(glob).map_err(|source| PatternsError::Pattern { number, source })?;
            let bit = 1_u128 << index;
            if let Some(first) = pattern.prefix().first() {
                if let Some(mask) = this.by_first.get_mut(usize::from(*first)) {
                    *mask |= bit;
                }
            } else {
                this.by_first.iter_mut().for_each(|mask| *mask |= bit);
                this.for_empty |= bit;
            }
            let name = super::name::safe(name.as_bytes());
            let slot = this.names.iter().position(|n| *n == name);
            let slot = slot.unwrap_or_else(|| {
                this.names.push(name);
                this.names.len() - 1
            });
            this.compiled.push((pattern, slot));
        }
        Ok(this)
    }

    /// The names, each once, in the order of the configuration.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The index in [`Self::names`] of the first pattern that matches.
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let mut left = match key.first() {
            Some(first) => self.by_first.get(usize::from(*first)).copied()?,
            None => self.for_empty,
        };
        while left != 0 {
            let (pattern, slot) = self.compiled.get(left.trailing_zeros() as usize)?;
            if pattern.matches(key) {
                return Some(*slot);
            }
            left &= left - 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_match_wins_and_names_may_be_shared() {
        let patterns = Patterns::new([
            ("vip", b"user:1:*".as_slice()),
            ("users", b"user:*"),
            ("vip", b"vip?"),
            ("rest", b"*"),
        ])
        .unwrap();
        assert_eq!(patterns.names(), ["vip", "users", "rest"]);
        let found = |key: &str| patterns.find(key.as_bytes());
        assert_eq!(found("user:1:x"), Some(0));
        assert_eq!(found("user:2:x"), Some(1));
        assert_eq!(found("vip9"), Some(0));
        assert_eq!(found("vip99"), Some(2));
        assert_eq!(found(""), Some(2));
        assert_eq!(Patterns::default().find(b"x"), None);
    }

    #[test]
    fn bad_lists_are_refused() {
        let one = |name, glob: &'static [u8]| Patterns::new([(name, glob)]).unwrap_err();
        assert_eq!(one("", b"a"), PatternsError::Nameless { number: 1 });
        assert_eq!(one("other", b"a"), PatternsError::Reserved { number: 1 });
        assert_eq!(
            one("x", b"[").to_string(),
            "namespace pattern 1: a '[' in the pattern is not closed: add ']', or write '\\[' for the character itself"
        );
        let many = vec![("x", b"a".as_slice()); MAX_PATTERNS + 1];
        assert_eq!(
            Patterns::new(many).unwrap_err(),
            PatternsError::TooMany(MAX_PATTERNS + 1)
        );
    }
}
