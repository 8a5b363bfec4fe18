//! Reads the part of an address after the `?`, strictly: known names, each once, within their bounds.
//!
//! Invariant: a complaint names what is wrong and what is expected, and repeats no value.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::answer::Refusal;
use super::{fields, when};
use crate::model::name::{CacheName, Name};

/// The most parameters that are looked at.
const MAX: usize = 16;

/// What a request asked.
#[derive(Debug)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Reads it.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Refusal> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) || all.len() >= MAX {
                return Err(fields::unknown("parameter", &name, known));
            }
            if all.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Refusal::bad(
                    format!("{name}: it is there twice"),
                    "send it once",
                ));
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    /// As it was sent; nothing where it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn time(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match when::parse(text, now) {
            Some(at) => Ok(Some(at)),
            None => Err(Refusal::bad(
                format!("{name}: this is no time"),
                when::EXPECTED,
            )),
        }
    }

    /// From when to when; when nothing is said, the last `usual`.
    pub(super) fn span(
        &self,
        usual: Duration,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp), Refusal> {
        let to = self.time("to", now)?.unwrap_or(now);
        let usual = SignedDuration::try_from(usual).unwrap_or_default();
        let from = match self.time("from", now)? {
            Some(from) => from,
            None => to.saturating_sub(usual).unwrap_or(to),
        };
        if from > to {
            let remedy = "send a from that is not after to";
            return Err(Refusal::bad("from: it is after to", remedy));
        }
        Ok((from, to))
    }

    pub(super) fn number(
        &self,
        name: &str,
        bounds: RangeInclusive<usize>,
        usual: usize,
    ) -> Result<usize, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(usual);
        };
        match text.parse().ok().filter(|number| bounds.contains(number)) {
            Some(number) => Ok(number),
            None => Err(Refusal::bad(
                format!("{name}: this is not a number that fits"),
                format!("send a number, {} to {}", bounds.start(), bounds.end()),
            )),
        }
    }

    pub(super) fn cache(&self) -> Result<Option<CacheName>, Refusal> {
        let Some(text) = self.text("cache") else {
            return Ok(None);
        };
        match Name::new(text) {
            Ok(name) => Ok(Some(name)),
            Err(_) => Err(Refusal::bad(
                "cache: this is no name of a cache",
                "GET /api/v1/caches lists them",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Asked, Refusal> {
        Asked::read(Some(query), &["cache", "from", "to", "limit"])
    }

    #[test]
    fn what_is_asked_is_read_or_refused() {
        let now = Timestamp::from_second(10_000).unwrap();
        let fine = asked("cache=a%2eb&from=now-1h&limit=7").unwrap();
        assert_eq!(fine.cache().unwrap().unwrap().as_str(), "a.b");
        let (from, to) = fine.span(Duration::from_mins(1), now).unwrap();
        assert_eq!((from.as_second(), to), (6_400, now));
        assert_eq!(fine.number("limit", 1..=9, 5).unwrap(), 7);
        let usual = asked("cache=").unwrap();
        assert_eq!(usual.cache().unwrap(), None);
        assert_eq!(usual.number("limit", 1..=9, 5).unwrap(), 5);
        let (from, _) = usual.span(Duration::from_mins(1), now).unwrap();
        assert_eq!(from.as_second(), 9_940);

        assert_eq!(
            asked("chache=x").unwrap_err().what(),
            "unknown parameter chache"
        );
        assert_eq!(
            asked("to=1&to=2").unwrap_err().what(),
            "to: it is there twice"
        );
        let wrong = asked("cache=a/b&from=now&to=1&limit=10").unwrap();
        assert!(wrong.cache().is_err());
        assert!(wrong.span(Duration::ZERO, now).is_err());
        assert!(wrong.number("limit", 1..=9, 5).is_err());
    }
}
