//! Reads typed fields out of the YAML tree and notes every error on the way, instead of stopping at the first one.
//!
//! A key is known because somebody asked for it: [`Fields::close`] refuses all others, so that there is no second list
//! of keys that could differ.
//!
//! Invariant: no message repeats a value. Keys are repeated only when they look like keys.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::given::{At, Given};
use super::substitute::substitute;
use super::suggest::nearest;
use super::tree::{Entry, Node, Position, Value};
use crate::config::error::{Errors, Origin};

/// What all of a walk share.
pub(in crate::config) struct Walk<'a> {
    pub(in crate::config) file: Arc<Path>,
    pub(in crate::config) env: &'a dyn Fn(&str) -> Option<String>,
    pub(in crate::config) errors: &'a mut Errors,
}

impl Walk<'_> {
    pub(super) fn origin(&self, position: Position, path: String) -> Origin {
        Origin {
            file: Some(Arc::clone(&self.file)),
            position: Some(position),
            path,
        }
    }

    /// The text of a scalar with its variables put in.
    fn text(&mut self, value: &Value, origin: &Origin, expected: &str) -> Given<String> {
        match &*value.node {
            Node::Scalar(text) => match substitute(text, self.env) {
                Ok(text) => Given::Yes(At {
                    value: text,
                    origin: origin.clone(),
                }),
                Err(complaints) => {
                    for complaint in complaints {
                        self.errors.at(origin, complaint);
                    }
                    Given::Bad
                }
            },
            Node::Null => {
                let message = format!(
                    "has no value; write {expected} or remove the key (a text that begins with `#` needs quotes)"
                );
                self.errors.at(origin, message);
                Given::Bad
            }
            Node::List(_) => {
                self.errors
                    .at(origin, format!("must be {expected}, not a list"));
                Given::Bad
            }
            Node::Map(_) => {
                self.errors
                    .at(origin, format!("must be {expected}, not a map"));
                Given::Bad
            }
        }
    }
}

/// The fields of one map.
pub(in crate::config) struct Fields<'n> {
    pub(in crate::config) origin: Origin,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of a map. A value of another kind is an error; one that is absent is an empty map.
    pub(super) fn open(walk: &mut Walk<'_>, value: &'n Value, path: String) -> Option<Self> {
        let origin = walk.origin(value.position, path);
        let entries = match &*value.node {
            Node::Map(entries) => entries.as_slice(),
            Node::Null => &[],
            Node::Scalar(_) | Node::List(_) => {
                walk.errors.at(&origin, "must be a map of keys and values");
                return None;
            }
        };
        Some(Self {
            origin,
            entries,
            asked: Vec::new(),
        })
    }

    fn find(&mut self, key: &'static str) -> Option<&'n Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn path(&self, key: &str) -> String {
        if self.origin.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.origin.path)
        }
    }

    fn origin_of(&self, walk: &Walk<'_>, entry: &Entry) -> Origin {
        // Where there is nothing, the parser's position is that of whatever comes next.
        let position = match &*entry.value.node {
            Node::Null => entry.position,
            _ => entry.value.position,
        };
        walk.origin(position, self.path(&entry.key))
    }

    /// A scalar, read by `parse`, whose complaint begins with "must be".
    pub(super) fn scalar<T>(
        &mut self,
        walk: &mut Walk<'_>,
        key: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Given<T> {
        let Some(entry) = self.find(key) else {
            return Given::No;
        };
        let origin = self.origin_of(walk, entry);
        walk.text(&entry.value, &origin, expected)
            .parse(walk.errors, expected, |text| parse(text))
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, walk: &mut Walk<'_>, key: &'static str) -> Given<String> {
        self.scalar(walk, key, "a text", |text| Some(text.to_owned()))
            .parse(walk.errors, NOT_EMPTY, |text| {
                Some(text.clone()).filter(|text| !text.trim().is_empty())
            })
    }

    /// A duration.
    pub(super) fn duration(&mut self, walk: &mut Walk<'_>, key: &'static str) -> Given<Duration> {
        self.scalar(walk, key, DURATION, duration)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, walk: &mut Walk<'_>, key: &'static str) -> Given<bool> {
        self.scalar(walk, key, "true or false", |text| match text {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        })
    }

    /// A number.
    pub(super) fn number(&mut self, walk: &mut Walk<'_>, key: &'static str) -> Given<f64> {
        self.scalar(walk, key, "a number", |text| {
            text.parse().ok().filter(|number: &f64| number.is_finite())
        })
    }

    /// A whole number.
    pub(super) fn whole(&mut self, walk: &mut Walk<'_>, key: &'static str) -> Given<u64> {
        self.scalar(walk, key, "a whole number", |text| text.parse().ok())
    }

    /// A list of texts; those that are wrong are left out after their complaint.
    pub(super) fn texts(
        &mut self,
        walk: &mut Walk<'_>,
        key: &'static str,
    ) -> Given<Vec<At<String>>> {
        let mut texts = Vec::new();
        let given = self.items(walk, key, |walk, value, path| {
            let origin = walk.origin(value.position, path);
            match walk.text(value, &origin, "a text") {
                Given::Yes(at) if at.value.trim().is_empty() => {
                    walk.errors.at(&origin, format!("must be {NOT_EMPTY}"));
                }
                Given::Yes(at) => texts.push(at),
                Given::No | Given::Bad => {}
            }
        });
        match given {
            Given::Yes(at) => Given::Yes(At {
                value: texts,
                origin: at.origin,
            }),
            Given::No => Given::No,
            Given::Bad => Given::Bad,
        }
    }

    /// A map of texts, with the place of each key.
    pub(super) fn labels(
        &mut self,
        walk: &mut Walk<'_>,
        key: &'static str,
    ) -> Vec<(At<String>, String)> {
        let mut labels = Vec::new();
        let Some(entry) = self.find(key) else {
            return labels;
        };
        let Some(map) = Fields::open(walk, &entry.value, self.path(key)) else {
            return labels;
        };
        for entry in map.entries {
            let path = if looks_like_key(&entry.key) {
                map.path(&entry.key)
            } else {
                map.origin.path.clone()
            };
            let name = At {
                value: entry.key.clone(),
                origin: walk.origin(entry.position, path),
            };
            if let Given::Yes(at) = walk.text(&entry.value, &name.origin, "a text") {
                labels.push((name, at.value));
            }
        }
        labels
    }

    /// A map with fields of its own.
    pub(super) fn section<T>(
        &mut self,
        walk: &mut Walk<'_>,
        key: &'static str,
        read: impl FnOnce(&mut Walk<'_>, Fields<'_>) -> T,
    ) -> Given<T> {
        let Some(entry) = self.find(key) else {
            return Given::No;
        };
        let origin = self.origin_of(walk, entry);
        match Fields::open(walk, &entry.value, self.path(key)) {
            Some(fields) => Given::Yes(At {
                value: read(walk, fields),
                origin,
            }),
            None => Given::Bad,
        }
    }

    /// A list of maps.
    pub(super) fn sections<T>(
        &mut self,
        walk: &mut Walk<'_>,
        key: &'static str,
        read: impl Fn(&mut Walk<'_>, Fields<'_>) -> T,
    ) -> Vec<T> {
        let mut all = Vec::new();
        // A complaint about the list itself has been noted; what is absent is empty.
        drop(self.items(walk, key, |walk, value, path| {
            if let Some(fields) = Fields::open(walk, value, path) {
                all.push(read(walk, fields));
            }
        }));
        all
    }

    fn items(
        &mut self,
        walk: &mut Walk<'_>,
        key: &'static str,
        mut each: impl FnMut(&mut Walk<'_>, &Value, String),
    ) -> Given<()> {
        let Some(entry) = self.find(key) else {
            return Given::No;
        };
        let origin = self.origin_of(walk, entry);
        match &*entry.value.node {
            Node::List(items) => {
                let path = self.path(key);
                for (i, item) in items.iter().enumerate() {
                    each(walk, item, format!("{path}[{i}]"));
                }
                Given::Yes(At { value: (), origin })
            }
            // A list whose items are all commented out.
            Node::Null => Given::No,
            Node::Scalar(_) | Node::Map(_) => {
                walk.errors
                    .at(&origin, "must be a list: one `- ` for each item, or [a, b]");
                Given::Bad
            }
        }
    }

    /// Whether a key is written. Also makes it a known one.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Complains when a field is absent that must be there.
    pub(super) fn require(&self, walk: &mut Walk<'_>, key: &str) {
        if !self.entries.iter().any(|entry| entry.key == key) {
            walk.errors
                .at(&self.origin, format!("the key `{key}` is missing"));
        }
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn close(self, walk: &mut Walk<'_>) -> Origin {
        for entry in self.entries {
            if self.asked.contains(&entry.key.as_str()) {
                continue;
            }
            let origin = walk.origin(entry.position, self.origin.path.clone());
            let written = if looks_like_key(&entry.key) {
                format!("unknown key `{}`", entry.key)
            } else {
                "unknown key".to_owned()
            };
            let help = match nearest(&entry.key, &self.asked) {
                Some(key) => format!("did you mean `{key}`?"),
                None => format!("known keys are {}", self.asked.join(", ")),
            };
            walk.errors.at(&origin, format!("{written}; {help}"));
        }
        self.origin
    }
}

const NOT_EMPTY: &str = "a text that is not empty";

/// What a duration looks like, for messages.
pub(in crate::config) const DURATION: &str = "a duration with its unit, such as 5s or 1m30s";

/// Reads a duration.
pub(in crate::config) fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text.trim()).ok()
}

/// Whether a text may be repeated: whatever is not a plain word may be a secret that lost its key.
fn looks_like_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
