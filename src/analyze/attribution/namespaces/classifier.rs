//! Says of a key to which namespace it belongs, without learning from it: for lookups that were sampled elsewhere.
//!
//! It is a frozen copy of what an attributor knew at one moment, small enough to be made every second (known prefixes
//! and admitted templates, no counts and no key), and shared without a lock. Deliberately absent: discovery.
//!
//! Invariant: a key is put where the attributor would have counted an event about it at that moment, unless that event
//! is the very one from which the attributor learns a word.

use std::sync::Arc;

use super::super::hashing::Hashing;
use super::configured::Patterns;
use super::template::{Folded, Folding, Words};
use super::tokens::Tokenizer;
use super::{MAX_KEY_BYTES, Namespaces};

/// A frozen copy of the namespaces of one node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Classifier(Arc<Frozen>);

#[derive(Debug)]
struct Frozen {
    hashing: Hashing,
    tokenizer: Tokenizer,
    known: Box<[u64]>,
    patterns: Patterns,
    /// Template and index in `names`, in order of the template.
    by_template: Box<[(u64, usize)]>,
    names: Box<[Arc<str>]>,
}

/// Prefixes that end in a known word; nothing becomes known any more.
struct Known<'a>(&'a [u64]);

impl Words for Known<'_> {
    fn is_known(&mut self, path: u64) -> bool {
        self.0.binary_search(&path).is_ok()
    }

    fn learn(&mut self, _position: u64, _child: u64, _hash: u64, _first: bool) -> bool {
        false
    }
}

impl Classifier {
    /// The names that [`Self::index`] points to, each once: configured ones first.
    pub fn names(&self) -> &[Arc<str>] {
        &self.0.names
    }

    /// The name of the namespace of a key; `None`: it is in none, that is in [`super::OTHER`].
    ///
    /// Of a key that was cut to its beginning, the end is not known; it may be put elsewhere than the whole key.
    pub fn classify(&self, key: &[u8]) -> Option<&str> {
        self.names().get(self.index(key)?).map(|name| &**name)
    }

    /// The same as an index in [`Self::names`].
    pub fn index(&self, key: &[u8]) -> Option<usize> {
        let frozen = &*self.0;
        if key.len() > MAX_KEY_BYTES {
            let half = MAX_KEY_BYTES / 2;
            let (front, back) = (key.get(..half)?, key.get(key.len() - half..)?);
            return frozen.index(&[front, back].concat());
        }
        frozen.index(key)
    }
}

impl Frozen {
    fn index(&self, key: &[u8]) -> Option<usize> {
        if let Some(slot) = self.patterns.find(key) {
            return Some(slot);
        }
        let mut tokenizer = self.tokenizer.clone();
        tokenizer.cut(key);
        let mut folding = Folding {
            hashing: &self.hashing,
            words: &mut Known(&self.known),
            folded: &mut Folded::default(),
        };
        // The hash of the key is for learning only.
        let template = folding.run(tokenizer.tokens(), key, 0).max(1);
        let at = self
            .by_template
            .binary_search_by_key(&template, |(template, _)| *template)
            .ok()?;
        self.by_template.get(at).map(|(_, index)| *index)
    }
}

impl Namespaces {
    /// What is known now, frozen.
    pub(in crate::analyze::attribution) fn classifier(&self) -> Classifier {
        // The index here is that of the list without `other`, which is first there; a retired namespace keeps its place
        // without a name, and no template leads to it.
        let names = self.list.iter().skip(1);
        let names = names.map(|namespace| Arc::from(namespace.name.as_str()));
        let mapped = self.by_template.iter();
        let mapped =
            mapped.filter_map(|(template, index)| Some((*template, index.checked_sub(1)?)));
        let mut by_template: Vec<_> = mapped.filter(|(template, _)| *template != 0).collect();
        by_template.sort_unstable();
        let (hashing, tokenizer, known) = self.templates.freeze();
        Classifier(Arc::new(Frozen {
            hashing,
            tokenizer,
            known,
            patterns: self.patterns.clone(),
            by_template: by_template.into(),
            names: names.collect(),
        }))
    }
}
