//! Reads the body of a request, strictly: an object, known keys, texts within their bounds.
//!
//! Deliberately no derived deserialiser: its complaints repeat what was sent.
//!
//! Invariant: a complaint holds the names of fields and what they must be, nothing else of the body.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::when;

/// What a request said.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads it. `example` is shown where it is no object at all.
    pub(super) fn read(
        body: Result<Bytes, BytesRejection>,
        known: &[&str],
        example: &str,
    ) -> Result<Self, Refusal> {
        let body = body.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                Refusal::new(status, "the body is larger than 64 KiB", "send less")
            } else {
                Refusal::bad("the body could not be read", "send it again")
            }
        })?;
        let send = || format!("send an object: {example}");
        let value = serde_json::from_slice(&body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Refusal::bad(format!("{place}: this is not JSON"), send())
        })?;
        let Value::Object(fields) = value else {
            return Err(Refusal::bad("the body is no object", send()));
        };
        if let Some(key) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(unknown("field", key, known));
        }
        Ok(Self(fields))
    }

    /// A field that may be left out; `null` is as if it were.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A text of at most `most` bytes, trimmed. Control characters are refused, but for the ends of lines.
    pub(super) fn text(&self, key: &str, most: usize) -> Result<Option<String>, Refusal> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let text = value.as_str().map(str::trim);
        let fits = |text: &&str| {
            text.len() <= most
                && !text
                    .chars()
                    .any(|c| c.is_control() && c != '\n' && c != '\t')
        };
        match text.filter(fits) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(Refusal::bad(
                format!("{key}: this is not fit for it"),
                format!("send a text of at most {most} bytes without control characters"),
            )),
        }
    }

    /// A text on one line that must be there.
    pub(super) fn words(&self, key: &str, most: usize, why: &str) -> Result<String, Refusal> {
        let text = self.text(key, most)?.unwrap_or_default();
        if text.is_empty() {
            return Err(Refusal::bad(format!("{key}: it is missing"), why));
        }
        if text.contains(['\n', '\t']) {
            let remedy = "send it on one line, without tabs";
            return Err(Refusal::bad(format!("{key}: it has several lines"), remedy));
        }
        Ok(text)
    }

    /// A moment.
    pub(super) fn time(&self, key: &str, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let text = match value {
            Value::Number(seconds) => seconds.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        match when::parse(&text, now) {
            Some(at) => Ok(Some(at)),
            None => Err(Refusal::bad(
                format!("{key}: this is no time"),
                when::EXPECTED,
            )),
        }
    }

    /// A length of time.
    pub(super) fn duration(&self, key: &str) -> Result<Option<Duration>, Refusal> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let parsed = value.as_str().map(humantime::parse_duration);
        match parsed {
            Some(Ok(length)) => Ok(Some(length)),
            _ => Err(Refusal::bad(
                format!("{key}: this is no length of time"),
                "send a text such as 30m, 2h or 3d",
            )),
        }
    }

    /// Yes or no; no, where it is left out.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.get(key) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| {
                Refusal::bad(format!("{key}: not understood"), "send true or false")
            }),
        }
    }

    /// A list of texts; empty, where it is left out.
    pub(super) fn list(&self, key: &str) -> Result<Vec<&str>, Refusal> {
        let wrong = || {
            let what = format!("{key}: this is no list of texts");
            Refusal::bad(what, "send a list such as [\"cache=sessions\"]")
        };
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let all = value.as_array().ok_or_else(wrong)?.iter();
        all.map(|one| one.as_str().ok_or_else(wrong)).collect()
    }
}

/// Names what is not known, where it is a plain word.
pub(super) fn unknown(kind: &str, key: &str, known: &[&str]) -> Refusal {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let named = if !key.is_empty() && key.len() <= 40 && key.chars().all(plain) {
        format!("unknown {kind} {key}")
    } else {
        format!("unknown {kind}")
    };
    let remedy = match known {
        [] => format!("there is no {kind} here"),
        known => format!("known here: {}", known.join(", ")),
    };
    Refusal::bad(named, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Fields, Refusal> {
        let body = Ok(Bytes::copy_from_slice(body.as_bytes()));
        Fields::read(body, &["author", "at", "for", "list", "force"], "{}")
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        let said = |body: &str| read(body).unwrap_err().what().to_owned();
        assert_eq!(said("{\n\"hunter2\""), "line 2, column 9: this is not JSON");
        assert_eq!(said("[]"), "the body is no object");
        assert_eq!(said(r#"{"autor":1}"#), "unknown field autor");
        assert_eq!(said(r#"{"a b":1}"#), "unknown field");
        let said = |body: &str, look: fn(&Fields) -> Option<Refusal>| {
            look(&read(body).unwrap()).unwrap().what().to_owned()
        };
        for body in [
            r#"{"author":7}"#,
            r#"{"author":"12345678901"}"#,
            r#"{"author":"a\u0000b"}"#,
        ] {
            let said = said(body, |f| f.text("author", 10).err());
            assert_eq!(said, "author: this is not fit for it");
        }
        let author = |f: &Fields| f.words("author", 10, "say who").err();
        assert_eq!(said("{}", author), "author: it is missing");
        assert_eq!(said(r#"{"author":"  "}"#, author), "author: it is missing");
        assert_eq!(
            said(r#"{"author":"a\nb"}"#, author),
            "author: it has several lines"
        );
        let at = |f: &Fields| f.time("at", Timestamp::UNIX_EPOCH).err();
        assert_eq!(said(r#"{"at":"yesterday"}"#, at), "at: this is no time");
        let length = |f: &Fields| f.duration("for").err();
        assert_eq!(
            said(r#"{"for":5}"#, length),
            "for: this is no length of time"
        );
        assert!(said(r#"{"list":[1]}"#, |f| f.list("list").err()).starts_with("list:"));
        assert!(said(r#"{"force":1}"#, |f| f.flag("force").err()).starts_with("force:"));
    }

    #[test]
    fn what_is_right_is_read() {
        let fields =
            read(r#"{"author":" ann ","at":12,"for":"2h","list":["a"],"force":true}"#).unwrap();
        assert_eq!(fields.words("author", 10, "").unwrap(), "ann");
        let at = fields.time("at", Timestamp::UNIX_EPOCH).unwrap().unwrap();
        assert_eq!(at.as_second(), 12);
        assert_eq!(
            fields.duration("for").unwrap(),
            Some(Duration::from_hours(2))
        );
        assert_eq!(fields.list("list").unwrap(), ["a"]);
        assert!(fields.flag("force").unwrap());
        let none = read(r#"{"author":null}"#).unwrap();
        assert_eq!(none.text("author", 10).unwrap(), None);
        assert!(none.list("list").unwrap().is_empty() && !none.flag("force").unwrap());
    }
}
