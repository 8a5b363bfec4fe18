//! Reads what an application tells, and says precisely what is wrong with it.
//!
//! Deliberately no derived deserialiser: its complaints repeat what was sent and do not say where it stands.
//!
//! Invariant: a complaint holds places and expectations, nothing of the body.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::analyze::attribution::MAX_NAME_BYTES;
use crate::model::lookups::NamespaceLookups;

/// The most entries of a request.
pub(super) const MAX_ENTRIES: usize = 1000;
/// The most lookups of an entry: what a JSON number holds exactly in every language.
const MAX_COUNT: u64 = 1 << 53;

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// No JSON at all.
    #[error("line {0}, column {1}: this is not JSON")]
    Syntax(usize, usize),
    /// Something in it.
    #[error("{0}: {1}")]
    At(String, &'static str),
    /// Too many entries.
    #[error("lookups: more than {MAX_ENTRIES} entries: send them in parts")]
    TooMany,
}

const OBJECT: &str =
    "must be an object: {\"lookups\": [{\"namespace\": \"user:*\", \"hits\": 120, \"misses\": 3}]}";
const ENTRY: &str = "must be an object with the keys namespace, hits and misses";
const COUNT: &str = "must be a whole number, 0 to 2^53";
const NAMESPACE: &str = "must be a text of 1 to 96 bytes without control characters, as cachewatch writes namespaces (other bytes as \\xNN)";
const UNKNOWN: &str = "unknown key";

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Vec<NamespaceLookups>, BodyError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| BodyError::Syntax(error.line(), error.column()))?;
    let at = |path: &str, what| Err(BodyError::At(path.to_owned(), what));
    let Value::Object(body) = value else {
        return at("body", OBJECT);
    };
    if body
        .keys()
        .any(|key| !["lookups", "source"].contains(&key.as_str()))
    {
        return at("body", "unknown key; known keys are lookups and source");
    }
    if body.get("source").is_some_and(|source| !source.is_string()) {
        return at("source", "must be a text");
    }
    let Some(Value::Array(entries)) = body.get("lookups") else {
        return at("lookups", "must be a list of objects");
    };
    if entries.len() > MAX_ENTRIES {
        return Err(BodyError::TooMany);
    }
    let entries = entries.iter().enumerate();
    entries
        .map(|(index, value)| {
            entry(value).map_err(|(key, what)| {
                let dot = if key.is_empty() { "" } else { "." };
                BodyError::At(format!("lookups[{index}]{dot}{key}"), what)
            })
        })
        .collect()
}

type Wrong = (&'static str, &'static str);

fn entry(value: &Value) -> Result<NamespaceLookups, Wrong> {
    let Value::Object(entry) = value else {
        return Err(("", ENTRY));
    };
    let known = ["namespace", "hits", "misses"];
    if entry.keys().any(|key| !known.contains(&key.as_str())) {
        return Err(("", UNKNOWN));
    }
    let name = entry.get("namespace").and_then(Value::as_str);
    let name = name
        .filter(|name| is_namespace(name))
        .ok_or(("namespace", NAMESPACE))?;
    Ok(NamespaceLookups {
        namespace: Arc::from(name),
        hits: count(entry, "hits")?,
        misses: count(entry, "misses")?,
    })
}

fn count(entry: &Map<String, Value>, key: &'static str) -> Result<u64, Wrong> {
    let count = entry.get(key).and_then(Value::as_u64);
    count.filter(|n| *n <= MAX_COUNT).ok_or((key, COUNT))
}

/// The characters that stay as they are when cachewatch names a namespace.
fn is_namespace(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || (' '..='~').contains(&c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrong(body: &str) -> String {
        read(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_right_is_read() {
        let read = read(br#"{"source":"web-1","lookups":[{"namespace":"ai:*","hits":120,"misses":3},{"namespace":"gr\u00f6\u00dfe","hits":0,"misses":9007199254740992}]}"#).unwrap();
        assert_eq!(
            (&*read[0].namespace, read[0].hits, read[0].misses),
            ("ai:*", 120, 3)
        );
        assert_eq!((&*read[1].namespace, read[1].misses), ("größe", 1 << 53));
        assert_eq!(super::read(br#"{"lookups":[]}"#).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let entry = |entry: &str| {
            wrong(&format!(
                r#"{{"lookups":[{{"namespace":"a","hits":1,"misses":1}},{entry}]}}"#
            ))
        };
        assert_eq!(wrong(""), "line 1, column 0: this is not JSON");
        assert_eq!(
            wrong("{\n\"hunter2\""),
            "line 2, column 9: this is not JSON"
        );
        assert!(wrong("[]").starts_with("body: must be an object"));
        assert_eq!(
            wrong(r#"{"lookup":[]}"#),
            "body: unknown key; known keys are lookups and source"
        );
        assert_eq!(
            wrong(r#"{"source":1,"lookups":[]}"#),
            "source: must be a text"
        );
        assert_eq!(
            wrong(r#"{"lookups":{}}"#),
            "lookups: must be a list of objects"
        );
        assert_eq!(entry("7"), format!("lookups[1]: {ENTRY}"));
        assert_eq!(entry(r#"{"hunter2":1}"#), "lookups[1]: unknown key");
        assert_eq!(
            entry(r#"{"namespace":"a","misses":1}"#),
            format!("lookups[1].hits: {COUNT}")
        );
        for bad in ["-1", "1.5", "\"1\"", "9007199254740993", "1e400", "null"] {
            let said = entry(&format!(r#"{{"namespace":"a","hits":1,"misses":{bad}}}"#));
            assert!(
                said == format!("lookups[1].misses: {COUNT}") || said.contains("not JSON"),
                "{said}"
            );
        }
        for bad in ["", "a\\n", "\\u202e", &"x".repeat(97)] {
            let said = entry(&format!(r#"{{"namespace":"{bad}","hits":1,"misses":1}}"#));
            assert_eq!(said, format!("lookups[1].namespace: {NAMESPACE}"));
        }
        let many = vec![r#"{"namespace":"a","hits":1,"misses":1}"#; MAX_ENTRIES + 1].join(",");
        assert!(
            wrong(&format!(r#"{{"lookups":[{many}]}}"#)).starts_with("lookups: more than 1000")
        );
        assert!(wrong(&"[".repeat(60_000)).contains("not JSON"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            drop(read(&bytes));
        }

        #[test]
        fn what_is_read_is_within_its_bounds(body in r#"\{"lookups":\[(\{"namespace":".{0,100}","hits":-?[0-9]{1,19},"misses":[0-9]{1,3}\})?\]\}"#) {
            for lookups in read(body.as_bytes()).into_iter().flatten() {
                prop_assert!(lookups.hits <= MAX_COUNT && lookups.namespace.len() <= MAX_NAME_BYTES);
                prop_assert!(!lookups.namespace.chars().any(char::is_control));
            }
        }
    }
}
