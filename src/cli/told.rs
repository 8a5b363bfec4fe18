//! What a running cachewatch told, as words for a terminal. Pure.
//!
//! Invariant: text from elsewhere is one clean line; what is not there is a dash, never 0.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::notify::text::clean;

/// Stands for what is not known.
const UNKNOWN: &str = "-";
/// The most characters of a text.
const MAX_TEXT: usize = 400;

/// The text at `key`.
pub(super) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) if !text.is_empty() => clean(text, MAX_TEXT),
        Some(Value::Number(number)) => number.to_string(),
        _ => UNKNOWN.to_owned(),
    }
}

/// The list at `key`.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let found = value.get(key).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

/// Several texts, with spaces between.
pub(super) fn texts(value: &Value, key: &str) -> String {
    let all = list(value, key).iter().filter_map(Value::as_str);
    let all: Vec<_> = all.map(|one| clean(one, MAX_TEXT)).collect();
    all.join(" ")
}

/// The moment at `key`, `2026-03-01 12:00:05Z`.
pub(super) fn time(value: &Value, key: &str) -> String {
    let at = value.get(key).and_then(Value::as_str);
    let at = at.and_then(|text| text.parse().ok());
    at.map_or_else(|| UNKNOWN.to_owned(), moment)
}

/// A moment, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%SZ")
        .to_string()
}

/// The seconds at `key` as `1h 2m 3s`.
pub(super) fn lasted(value: &Value, key: &str) -> String {
    let seconds = value.get(key).and_then(Value::as_f64);
    let length = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    length.map_or_else(|| UNKNOWN.to_owned(), length_of)
}

/// In whole seconds.
pub(super) fn length_of(length: Duration) -> String {
    humantime::format_duration(Duration::from_secs(length.as_secs())).to_string()
}

/// Who is the author when nothing is said: the user of this machine.
pub(super) fn author(given: Option<String>) -> anyhow::Result<String> {
    let set = |name| crate::config::env::process(name).filter(|user| !user.is_empty());
    given
        .or_else(|| set("USER"))
        .or_else(|| set("LOGNAME"))
        .ok_or_else(|| anyhow::anyhow!("--author: say who you are: others will want to ask you"))
}

/// Prints JSON for machines.
#[expect(clippy::print_stdout, reason = "it is what the command is for")]
pub(super) fn json(value: &Value) {
    println!("{value:#}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_told_is_made_fit_for_a_terminal() {
        let value = json!({"a": "x\u{1b}[2J\ny", "n": 7, "e": "", "at": "2026-03-01T12:00:05.25Z", "s": 3723.9, "l": ["p=q", "r"]});
        assert_eq!(text(&value, "a"), "x\\u{1b}[2J y");
        assert_eq!(
            (text(&value, "n"), text(&value, "e")),
            ("7".to_owned(), "-".to_owned())
        );
        assert_eq!(time(&value, "at"), "2026-03-01 12:00:05Z");
        assert_eq!(time(&value, "a"), "-");
        assert_eq!(lasted(&value, "s"), "1h 2m 3s");
        assert_eq!(
            (lasted(&value, "e"), texts(&value, "l")),
            ("-".to_owned(), "p=q r".to_owned())
        );
        assert!(list(&value, "a").is_empty());
    }
}
