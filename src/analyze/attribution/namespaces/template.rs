//! Folds a key into its template: known words stay, everything else becomes `*`.
//!
//! A template is a 64-bit hash; its text is only made when a namespace is admitted, from the key at hand.
//! Ids in a row are one `*`, whatever separates them: a date, an address, a slug; so nobody can make many templates out
//! of nothing but separators. A key without any known word is `*`.
//!
//! Invariant: no allocation, except in [`Templates::text`].

use super::super::hashing::{Hashing, mix};
use super::name;
use super::segment::{Shape, is_plainly_id, shape};
use super::tokens::{MAX_TOKENS, Token, Tokenizer};
use super::tree::Tree;

const ROOT: u64 = 0x5bd1_e995_9d4c_2f17;
const ID: u64 = 0x2a2a_2a2a_2a2a_2a2a;
const EMPTY: u64 = 0x0101_0101_0101_0101;
const POSITION: u64 = 0x706f_7369_7469_6f6e;
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const STEM: u64 = 0x7374_656d_7374_656d;
const SUFFIX: u64 = 0x7375_6666_6978_2e2e;

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It stays.
    Word,
    /// `*`.
    Id,
    /// Belongs to the `*` before it.
    Joined,
    /// So many bytes, `*`, so many bytes.
    Stem(u16, u16),
}

/// Which words may be shown.
pub(super) trait Words {
    /// Whether this prefix ends in a known word.
    fn is_known(&mut self, path: u64) -> bool;
    /// Takes in that a key (`hash`) has the unknown word `child` at `position`. True when it is known from now on.
    fn learn(&mut self, position: u64, child: u64, hash: u64, first: bool) -> bool;
}

/// What became of the key that was folded last.
#[derive(Debug, Clone)]
pub(super) struct Folded {
    parts: [Part; MAX_TOKENS],
    /// The prefixes in the tree that the template rests on.
    rests_on: [u64; 2 * MAX_TOKENS],
    rests: usize,
}

impl Default for Folded {
    fn default() -> Self {
        Self {
            parts: [Part::Id; MAX_TOKENS],
            rests_on: [0; 2 * MAX_TOKENS],
            rests: 0,
        }
    }
}

/// The folding of one key.
pub(super) struct Folding<'a, W> {
    pub(super) hashing: &'a Hashing,
    pub(super) words: &'a mut W,
    pub(super) folded: &'a mut Folded,
}

impl<W: Words> Folding<'_, W> {
    /// The template of a key that was cut into these tokens and whose hash is `hash`.
    pub(super) fn run(&mut self, tokens: &[Token], key: &[u8], hash: u64) -> u64 {
        self.folded.rests = 0;
        let mut path = ROOT;
        let (mut after_id, mut opened) = (false, false);
        for (at, token) in tokens.iter().copied().enumerate() {
            let segment = slice(key, token.start, token.end);
            let here = path ^ u64::from(token.separator).wrapping_mul(SPREAD);
            let part = if segment.is_empty() && !token.id {
                // `{*}`: the bracket that closes an id stays.
                if !after_id || opened && is_closing(token.separator) {
                    path = mix(here, EMPTY);
                    Part::Word
                } else {
                    Part::Joined
                }
            } else if let Some((part, after)) = self.word(token, segment, here, hash) {
                path = after;
                part
            } else if after_id {
                Part::Joined
            } else {
                path = mix(here, ID);
                opened = matches!(token.separator, b'{' | b'[' | b'(');
                Part::Id
            };
            after_id = matches!(part, Part::Id | Part::Joined);
            if let Some(slot) = self.folded.parts.get_mut(at) {
                *slot = part;
            }
        }
        if self.folded.rests == 0 {
            return mix(ROOT, ID);
        }
        path
    }

    /// What of a segment may be shown, and the path after it; `None`: nothing, it is an id.
    #[inline]
    fn word(&mut self, token: Token, segment: &[u8], here: u64, hash: u64) -> Option<(Part, u64)> {
        if token.id || is_plainly_id(segment) {
            return None;
        }
        let word = mix(here, self.hashing.of(segment));
        // What is known was a word by its looks when it became so.
        if self.words.is_known(word) {
            self.rest_on(word);
            return Some((Part::Word, word));
        }
        match shape(segment) {
            Shape::Id => None,
            Shape::Word => self.learn(here, word, hash).then_some((Part::Word, word)),
            // A hash tag is chosen to be the id that keys share.
            Shape::Stem { .. } if token.in_tag => None,
            Shape::Stem { prefix, suffix } => {
                let stem = self.hashing.of(slice(segment, 0, prefix));
                let stem = mix(here, stem ^ STEM);
                if !self.learn(here, stem, hash) {
                    return None;
                }
                let end = slice(segment, token.length() - suffix, token.length());
                let whole = mix(stem, self.hashing.of(end) ^ SUFFIX);
                if suffix > 0 && self.learn(stem, whole, hash) {
                    return Some((Part::Stem(prefix, suffix), whole));
                }
                Some((Part::Stem(prefix, 0), stem))
            }
        }
    }

    /// Whether a word or stem may be shown, now that a key has it.
    fn learn(&mut self, here: u64, child: u64, hash: u64) -> bool {
        let first = self.folded.rests == 0;
        let known =
            self.words.is_known(child) || self.words.learn(mix(here, POSITION), child, hash, first);
        if known {
            self.rest_on(child);
        }
        known
    }

    fn rest_on(&mut self, path: u64) {
        if let Some(slot) = self.folded.rests_on.get_mut(self.folded.rests) {
            *slot = path;
            self.folded.rests += 1;
        }
    }
}

/// The folding and what it has learned.
#[derive(Debug, Clone)]
pub(super) struct Templates {
    hashing: Hashing,
    tokenizer: Tokenizer,
    tree: Tree,
    folded: Folded,
}

impl Templates {
    pub(super) fn new(hashing: Hashing, separators: &[u8], prefixes: usize) -> Self {
        Self {
            hashing,
            tokenizer: Tokenizer::new(separators),
            tree: Tree::new(prefixes),
            folded: Folded::default(),
        }
    }

    /// The template of a key whose hash is `hash`.
    pub(super) fn fold(&mut self, key: &[u8], hash: u64) -> u64 {
        self.tokenizer.cut(key);
        let mut folding = Folding {
            hashing: &self.hashing,
            words: &mut self.tree,
            folded: &mut self.folded,
        };
        folding.run(self.tokenizer.tokens(), key, hash)
    }

    /// What folds in the same way without learning: hashing, tokenizer, and all known prefixes in order.
    pub(super) fn freeze(&self) -> (Hashing, Tokenizer, Box<[u64]>) {
        let known = self.tree.known();
        (self.hashing.clone(), self.tokenizer.clone(), known)
    }

    /// The text of the template of the key that was folded last.
    pub(super) fn text(&self, key: &[u8]) -> String {
        let mut text = String::new();
        if self.folded.rests == 0 {
            return "*".to_owned();
        }
        for (token, part) in self.tokenizer.tokens().iter().zip(&self.folded.parts) {
            if *part == Part::Joined {
                continue;
            }
            if token.separator != 0 {
                name::push_escaped(&mut text, &[token.separator]);
            }
            let segment = slice(key, token.start, token.end);
            match part {
                Part::Word => name::push_escaped(&mut text, segment),
                Part::Id | Part::Joined => text.push('*'),
                Part::Stem(prefix, suffix) => {
                    name::push_escaped(&mut text, slice(segment, 0, *prefix));
                    text.push('*');
                    let end = slice(segment, token.length() - suffix, token.length());
                    name::push_escaped(&mut text, end);
                }
            }
        }
        name::capped(text)
    }

    /// What the last template rests on; for [`Self::release`] later.
    pub(super) fn keep(&mut self) -> Box<[u64]> {
        let paths: Box<[u64]> = self
            .folded
            .rests_on
            .get(..self.folded.rests)
            .unwrap_or_default()
            .into();
        for path in &paths {
            self.tree.pin(*path, true);
        }
        paths
    }

    /// Takes back [`Self::keep`].
    pub(super) fn release(&mut self, paths: &[u64]) {
        for path in paths {
            self.tree.pin(*path, false);
        }
    }

    /// Lets time pass.
    pub(super) fn age(&mut self, epochs: u32) {
        self.tree.age(epochs);
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.tree.bytes()
    }
}

fn is_closing(separator: u8) -> bool {
    matches!(separator, b'}' | b']' | b')')
}

fn slice(bytes: &[u8], start: u16, end: u16) -> &[u8] {
    bytes
        .get(usize::from(start)..usize::from(end))
        .unwrap_or_default()
}

impl Token {
    fn length(self) -> u16 {
        self.end.saturating_sub(self.start)
    }
}
