//! What comes in the body of a form. Pure.
//!
//! Invariant: bounded: few fields, each cut to what the store takes; control characters are left out.

use std::time::Duration;

use crate::model::silence::{MAX_COMMENT, MAX_TEXT};

/// The most fields that are looked at.
const MAX_FIELDS: usize = 16;
/// The longest field, in bytes; a token has 1,024 at most.
const MAX_FIELD: usize = 4_096;

/// For how long one may silence, by the value of the form.
const DURATIONS: [(&str, Duration); 5] = [
    ("30m", Duration::from_mins(30)),
    ("1h", Duration::from_hours(1)),
    ("4h", Duration::from_hours(4)),
    ("24h", Duration::from_hours(24)),
    ("7d", Duration::from_hours(24 * 7)),
];

#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// `None` where there is too much.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let fields: Vec<_> = url::form_urlencoded::parse(body)
            .take(MAX_FIELDS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let fits = fields.len() <= MAX_FIELDS && fields.iter().all(|(_, v)| v.len() <= MAX_FIELD);
        fits.then_some(Self(fields))
    }

    /// The first field of this name, or nothing.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Who did it.
    pub(super) fn author(&self) -> String {
        tame(self.get("author"), MAX_TEXT)
    }

    /// Why.
    pub(super) fn comment(&self) -> String {
        tame(self.get("comment"), MAX_COMMENT)
    }

    /// For how long.
    pub(super) fn duration(&self) -> Option<Duration> {
        let wanted = self.get("duration");
        let known = DURATIONS.iter().find(|(value, _)| *value == wanted);
        known.map(|(_, duration)| *duration)
    }
}

fn tame(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if out.len() + c.len_utf8() > most {
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bounded() {
        let fields = Fields::parse(b"author=+ann%0d%0a+&duration=4h&author=bob").unwrap();
        assert_eq!(fields.author(), "ann");
        assert_eq!(fields.duration(), Some(Duration::from_hours(4)));
        assert_eq!(fields.get("token"), "");
        let long = format!("author={}", "\u{e4}".repeat(300));
        assert_eq!(Fields::parse(long.as_bytes()).unwrap().author().len(), 200);
        assert!(Fields::parse(format!("a={}", "x".repeat(5_000)).as_bytes()).is_none());
        assert!(Fields::parse("a=1&".repeat(20).as_bytes()).is_none());
        assert!(Fields::parse(b"duration=9y").unwrap().duration().is_none());
    }
}
