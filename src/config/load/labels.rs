//! Checks the labels of caches and rules.
//!
//! Invariant: a label that passes can be put on a Prometheus alert beside ours.

use std::collections::BTreeMap;

use crate::config::error::{Errors, Origin};
use crate::config::raw::At;

/// How many labels a cache or a rule may have.
const MAX_LABELS: usize = 32;
/// The longest value of a label, in bytes.
const MAX_LABEL_BYTES: usize = 256;

/// Checks labels: names that Prometheus accepts and that are not ours, values of one line.
pub(super) fn check_labels(
    labels: &[(At<String>, String)],
    origin: &Origin,
    errors: &mut Errors,
) -> BTreeMap<String, String> {
    if labels.len() > MAX_LABELS {
        errors.at(
            origin,
            format!("there must not be more than {MAX_LABELS} labels"),
        );
    }
    for (name, value) in labels {
        let first_ok = name
            .value
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !first_ok
            || !name
                .value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            errors.at(
                &name.origin,
                "the name of a label may hold letters, digits and `_` only, and must not begin with a digit",
            );
        } else if name.value.starts_with("__")
            || matches!(
                name.value.as_str(),
                "cache" | "node" | "alertname" | "severity"
            )
        {
            errors.at(
                &name.origin,
                "this label is set by cachewatch itself; take another name than cache, node, alertname, severity and __…",
            );
        }
        if value.len() > MAX_LABEL_BYTES || value.chars().any(char::is_control) {
            errors.at(
                &name.origin,
                format!("the value of a label must be one line of at most {MAX_LABEL_BYTES} bytes"),
            );
        }
    }
    labels
        .iter()
        .map(|(name, value)| (name.value.clone(), value.clone()))
        .collect()
}
