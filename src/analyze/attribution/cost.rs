//! What misses cost, for the namespaces that were given a price.
//!
//! Deliberately absent: conversion between currencies, and prices for discovered namespaces: those can be retired, and
//! a total must not go back. Only configured ones, which always stay, have prices.
//!
//! Invariant: the totals of a growing snapshot only grow.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::attribution::{AttributionSnapshot, NamespaceCost, NamespaceCounts};
use crate::model::price::Price;

/// The prices of a cache.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MissCosts {
    prices: BTreeMap<String, Price>,
}

impl MissCosts {
    /// By name of a configured namespace, as it is shown ([`super::shown_name`]).
    pub fn new(prices: impl IntoIterator<Item = (String, Price)>) -> Self {
        Self {
            prices: prices.into_iter().collect(),
        }
    }

    /// The price of a namespace.
    pub fn price(&self, namespace: &str) -> Option<&Price> {
        self.prices.get(namespace)
    }

    /// What the misses have cost, for each namespace with a price, in the order of the snapshot: in all, and at the pace
    /// of `recent`, which is what came within `span`.
    pub fn of(
        &self,
        totals: &AttributionSnapshot,
        recent: &[NamespaceCounts],
        span: Duration,
    ) -> Vec<NamespaceCost> {
        let hours = span.as_secs_f64() / 3600.0;
        let configured = totals.namespaces.iter().filter(|n| n.configured);
        configured
            .filter_map(|namespace| {
                let price = self.price(&namespace.name)?;
                let now = recent.iter().find(|n| n.name == namespace.name);
                let misses = now.map_or(0, |n| n.counters.misses.total());
                Some(NamespaceCost {
                    namespace: namespace.name.clone(),
                    currency: price.currency().to_owned(),
                    total: price.of(namespace.counters.misses.total()),
                    per_hour: if hours > 0.0 {
                        price.of(misses) / hours
                    } else {
                        0.0
                    },
                    per_miss: price.of(1),
                    saved: None,
                })
            })
            .collect()
    }
}
