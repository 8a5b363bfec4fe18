//! Globs as Redis' own KEYS knows them, on bytes: `*`, `?`, `[abc]`, `[^a-z]`, `\x`.
//!
//! A glob becomes a table of bit masks and a key runs through it once (shift-and): the time is linear in the key,
//! whatever the pattern, so that no pattern and no key can be catastrophic.
//! Deliberately absent: `**`, `{a,b}` and any notion of a separator; `*` matches everything, also `:`.

/// The most patterns of one cache.
pub const MAX_PATTERNS: usize = 128;
/// The most one-byte elements that a glob may have; stars come on top.
pub const MAX_ELEMENTS: usize = 120;

/// Why a glob was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing was given.
    #[error("a pattern must not be empty: use '*' for all keys")]
    Empty,
    /// More than [`MAX_ELEMENTS`].
    #[error("a pattern must not match more than {MAX_ELEMENTS} bytes one by one: shorten it")]
    TooLong,
    /// A `[` without its `]`.
    #[error("a '[' in the pattern is not closed: add ']', or write '\\[' for the character itself")]
    OpenClass,
    /// `[]`: matches nothing.
    #[error("a '[]' in the pattern matches nothing: name at least one character in it")]
    EmptyClass,
    /// A `\` at the end.
    #[error("the pattern ends with '\\': write '\\\\' for the character itself")]
    OpenEscape,
}

/// A compiled glob.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Bit i of the mask of a byte: element i accepts it.
    accepts: Box<[u128; 256]>,
    /// Bit i: a star stands before element i.
    stars: u128,
    /// The bit of "all elements matched".
    done: u128,
    /// What a key must begin with; checked first, because it is cheap.
    prefix: Box<[u8]>,
    /// What a key must end with, where the pattern is its prefix, one star and this: the commonest form.
    suffix: Option<Box<[u8]>>,
}

impl Pattern {
    /// Compiles a glob.
    pub fn new(glob: &[u8]) -> Result<Self, PatternError> {
        if glob.is_empty() {
            return Err(PatternError::Empty);
        }
        let mut this = Self {
            accepts: Box::new([0; 256]),
            stars: 0,
            done: 0,
            prefix: Box::default(),
            suffix: None,
        };
        let mut literals = Vec::new();
        let mut prefix = 0;
        let mut literal_so_far = true;
        let mut elements = 0;
        let mut rest = glob.iter().copied();
        while let Some(byte) = rest.next() {
            if byte == b'*' {
                this.stars |= 1 << elements;
                literal_so_far = false;
                continue;
            }
            if elements == MAX_ELEMENTS {
                return Err(PatternError::TooLong);
            }
            let bit = 1_u128 << elements;
            elements += 1;
            match byte {
                b'?' => {
                    this.accepts.iter_mut().for_each(|mask| *mask |= bit);
                    literal_so_far = false;
                }
                b'[' => {
                    this.class(bit, &mut rest)?;
                    literal_so_far = false;
                }
                other => {
                    let literal = if other == b'\\' {
                        rest.next().ok_or(PatternError::OpenEscape)?
                    } else {
                        other
                    };
                    this.accept(literal, bit);
                    literals.push(literal);
                    prefix += usize::from(literal_so_far);
                }
            }
        }
        this.done = 1 << elements;
        let suffix = literals.split_off(prefix);
        let all_literal = prefix + suffix.len() == elements;
        if all_literal && this.stars == 1 << prefix {
            this.suffix = Some(suffix.into());
        }
        this.prefix = literals.into();
        Ok(this)
    }

    fn accept(&mut self, byte: u8, bit: u128) {
        if let Some(mask) = self.accepts.get_mut(usize::from(byte)) {
            *mask |= bit;
        }
    }

    fn class(
        &mut self,
        bit: u128,
        rest: &mut impl Iterator<Item = u8>,
    ) -> Result<(), PatternError> {
        let mut next = || rest.next().ok_or(PatternError::OpenClass);
        let mut set = [false; 256];
        let mut byte = next()?;
        let negated = byte == b'^';
        if negated {
            byte = next()?;
        }
        let mut last = None;
        while byte != b']' {
            let (from, to) = match (byte, last) {
                (b'\\', _) => {
                    let escaped = next()?;
                    (escaped, escaped)
                }
                (b'-', Some(from)) => match next()? {
                    b']' => {
                        set_range(&mut set, b'-', b'-');
                        break;
                    }
                    b'\\' => (from, next()?),
                    to => (from, to),
                },
                _ => (byte, byte),
            };
            set_range(&mut set, from.min(to), from.max(to));
            last = Some(to);
            byte = next()?;
        }
        if !negated && !set.contains(&true) {
            return Err(PatternError::EmptyClass);
        }
        for (mask, within) in self.accepts.iter_mut().zip(set) {
            if within != negated {
                *mask |= bit;
            }
        }
        Ok(())
    }

    /// What every matching key begins with; may be empty.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether the whole key matches.
    pub fn matches(&self, key: &[u8]) -> bool {
        let Some(rest) = key.strip_prefix(&*self.prefix) else {
            return false;
        };
        if let Some(suffix) = &self.suffix {
            return rest.ends_with(suffix);
        }
        let mut state = 1_u128 << self.prefix.len();
        for byte in rest {
            let mask = self
                .accepts
                .get(usize::from(*byte))
                .copied()
                .unwrap_or_default();
            state = ((state & mask) << 1) | (state & self.stars);
            if state == 0 {
                return false;
            }
        }
        state & self.done != 0
    }
}

fn set_range(set: &mut [bool; 256], from: u8, to: u8) {
    for byte in from..=to {
        if let Some(within) = set.get_mut(usize::from(byte)) {
            *within = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(glob: &str, key: &str) -> bool {
        Pattern::new(glob.as_bytes())
            .unwrap()
            .matches(key.as_bytes())
    }

    #[test]
    fn redis_globs() {
        for (glob, yes, no) in [
            ("h?llo", "hello", "hllo"),
            ("h*llo", "heeeello", "hello!"),
            ("h[ae]llo", "hallo", "hillo"),
            ("h[^e]llo", "hallo", "hello"),
            ("h[a-b]llo", "hbllo", "hcllo"),
            ("h[b-a]llo", "hallo", "hcllo"),
            ("a[x-]b", "a-b", "ayb"),
            ("a\\*b", "a*b", "axb"),
            ("a[\\]]b", "a]b", "a\\b"),
            ("*", "", "-"),
            ("*:profile", "user:1:profile", "user:1:profiles"),
            ("user:*:p*e", "user:1:profile", "user:1:profiler"),
            ("a**b", "ab", "a"),
            ("session:*", "session:", "session"),
        ] {
            assert!(matches(glob, yes), "{glob} should match {yes}");
            assert!(no == "-" || !matches(glob, no), "{glob} matches {no}");
        }
    }

    #[test]
    fn any_byte_is_a_byte() {
        let pattern = Pattern::new(b"\xff[\x80-\xfe]?").unwrap();
        assert!(pattern.matches(b"\xff\x90\x00"));
        assert!(!pattern.matches(b"\xff\x7f\x00"));
    }

    #[test]
    fn malformed_globs_are_refused() {
        for (glob, error) in [
            ("", PatternError::Empty),
            ("a[b", PatternError::OpenClass),
            ("a[b\\", PatternError::OpenClass),
            ("a[]", PatternError::EmptyClass),
            ("a\\", PatternError::OpenEscape),
        ] {
            assert_eq!(Pattern::new(glob.as_bytes()).unwrap_err(), error, "{glob}");
        }
        assert!(Pattern::new(&[b'a'; MAX_ELEMENTS]).is_ok());
        assert_eq!(
            Pattern::new(&[b'a'; MAX_ELEMENTS + 1]).unwrap_err(),
            PatternError::TooLong
        );
    }

    /// Redis' own way (util.c stringmatchlen), for `*`, `?` and literals only: recursive and slow.
    fn slow(glob: &[u8], key: &[u8]) -> bool {
        match (glob.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((b'*', g)), _) => {
                slow(g, key) || key.split_first().is_some_and(|k| slow(glob, k.1))
            }
            (Some((b'?', g)), Some((_, k))) => slow(g, k),
            (Some((a, g)), Some((b, k))) if a == b => slow(g, k),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_slow_matcher(glob in "[ab?*]{1,8}", key in "[ab]{0,10}") {
            prop_assert_eq!(matches(&glob, &key), slow(glob.as_bytes(), key.as_bytes()));
        }

        #[test]
        fn compiles_or_refuses_anything(glob: Vec<u8>, key: Vec<u8>) {
            if let Ok(pattern) = Pattern::new(&glob) {
                pattern.matches(&key);
            }
        }
    }
}
