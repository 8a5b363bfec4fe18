//! Checks what is said about namespaces: at the top level, where it is the default of all caches, and of one cache.
//!
//! Invariant: patterns that pass compile, and there are no more of them than a cache may have.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::attribution::{
    AttributionConfig, MAX_NAMESPACES, MAX_REMOVALS, NamespaceConfig,
};
use crate::config::error::Errors;
use crate::config::raw::{Given, RawAttribution, RawNamespace};
use crate::model::attribution::OTHER;
use crate::model::pattern::{MAX_PATTERNS, Pattern};
use crate::model::price::Price;

/// The longest pattern and the longest name, in bytes.
const MAX_TEXT_BYTES: usize = 256;
/// How many separators there may be.
const MAX_SEPARATORS: usize = 8;

/// Puts what was given over the defaults. What is wrong is told, and leaves the default in its place.
pub(super) fn check(
    raw: RawAttribution,
    defaults: &AttributionConfig,
    errors: &mut Errors,
) -> AttributionConfig {
    let namespaces = raw.namespaces.map(|list| namespaces(list, errors));
    AttributionConfig {
        namespaces: namespaces.unwrap_or_else(|| defaults.namespaces.clone()),
        max_namespaces: whole(raw.max_namespaces, 0..=MAX_NAMESPACES, errors)
            .unwrap_or(defaults.max_namespaces),
        separators: separators(raw.separators, errors)
            .unwrap_or_else(|| defaults.separators.clone()),
        removals: whole(raw.removals, 1000..=MAX_REMOVALS, errors).unwrap_or(defaults.removals),
        refill_time: refill_time(raw.refill_time, errors).unwrap_or(defaults.refill_time),
        deletions: raw.deletions.ok().map_or(defaults.deletions, |at| at.value),
        notifications: raw
            .notifications
            .ok()
            .map_or(defaults.notifications, |at| at.value),
        admit_after: defaults.admit_after,
    }
}

fn whole(given: Given<u64>, range: RangeInclusive<usize>, errors: &mut Errors) -> Option<usize> {
    let at = given.ok()?;
    let value = usize::try_from(at.value).ok().filter(|v| range.contains(v));
    if value.is_none() {
        let message = format!("must be between {} and {}", range.start(), range.end());
        errors.at(&at.origin, message);
    }
    value
}

fn refill_time(given: Given<Duration>, errors: &mut Errors) -> Option<Duration> {
    let at = given.ok()?;
    let range = Duration::from_millis(10)..=Duration::from_mins(10);
    let fits = range.contains(&at.value);
    if !fits {
        errors.at(&at.origin, "must be between 10ms and 10m");
    }
    fits.then_some(at.value)
}

fn separators(given: Given<String>, errors: &mut Errors) -> Option<Vec<u8>> {
    let at = given.ok()?;
    let bytes = at.value.as_bytes();
    let odd = |b: &u8| !b.is_ascii_punctuation() || b"*\\{}".contains(b);
    if bytes.len() > MAX_SEPARATORS || bytes.iter().any(odd) {
        let message = format!(
            "must be 1 to {MAX_SEPARATORS} of ASCII's punctuation characters, such as `:/.|-`, without * \\ {{ }}"
        );
        errors.at(&at.origin, message);
        return None;
    }
    Some(bytes.to_vec())
}

fn namespaces(list: Vec<RawNamespace>, errors: &mut Errors) -> Vec<NamespaceConfig> {
    if let Some(raw) = list.get(MAX_PATTERNS) {
        let message = format!("there must not be more than {MAX_PATTERNS} namespaces");
        errors.at(&raw.origin, message);
    }
    let mut prices: BTreeMap<String, Option<Price>> = BTreeMap::new();
    let mut checked = Vec::new();
    for raw in list.into_iter().take(MAX_PATTERNS) {
        let place = raw.origin.clone();
        let Some(namespace) = namespace(raw, errors) else {
            continue;
        };
        match prices.get(&namespace.name) {
            Some(other) if *other != namespace.price => errors.at(
                &place,
                "another pattern of this name has another cost_per_miss or currency; a namespace has one price",
            ),
            _ => {
                prices.insert(namespace.name.clone(), namespace.price.clone());
            }
        }
        checked.push(namespace);
    }
    checked
}

fn namespace(raw: RawNamespace, errors: &mut Errors) -> Option<NamespaceConfig> {
    let pattern = raw.pattern.ok();
    let name = raw.name.ok();
    for at in pattern.iter().chain(&name) {
        if at.value.len() > MAX_TEXT_BYTES {
            errors.at(
                &at.origin,
                format!("must have at most {MAX_TEXT_BYTES} bytes"),
            );
        }
    }
    if let Some(at) = name.as_ref().or(pattern.as_ref())
        && at.value == OTHER
    {
        errors.at(
            &at.origin,
            "the name `other` is taken by the keys in no namespace; give it another name",
        );
    }
    let cost = raw.cost_per_miss.ok();
    let currency = raw.currency.ok();
    if let (None, Some(at)) = (&cost, &currency) {
        errors.at(&at.origin, "a currency needs a cost_per_miss");
    }
    let price = cost.and_then(|at| {
        let (origin, letters) = match &currency {
            Some(currency) => (&currency.origin, currency.value.as_str()),
            None => (&at.origin, "USD"),
        };
        // Each of the two complains at its own place.
        let amount = Price::new(at.value, "USD").map_err(|e| e.to_string());
        errors.check(&at.origin, amount)?;
        errors.check(
            origin,
            Price::new(at.value, letters).map_err(|e| e.to_string()),
        )
    });
    let at = pattern?;
    errors.check(
        &at.origin,
        Pattern::new(at.value.as_bytes()).map_err(|e| e.to_string()),
    )?;
    Some(NamespaceConfig {
        name: name.map_or_else(|| at.value.clone(), |name| name.value),
        pattern: at.value,
        price,
    })
}
