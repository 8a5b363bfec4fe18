//! What misses cost, for the namespaces that were given a price.
//!
//! Deliberately absent: conversion between currencies, and prices for discovered namespaces: those can be retired, and
//! a total must not go back. Only configured ones, which always stay, have prices.
//!
//! Invariant: the totals of a growing snapshot only grow.

use std::collections::BTreeMap;

use crate::model::attribution::AttributionSnapshot;

/// Why a price was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Negative, infinite, not a number.
    #[error("a cost per miss must be a finite number of 0 or more")]
    Amount,
    /// Not 1 to 12 letters.
    #[error("a currency must have 1 to 12 letters: USD, EUR")]
    Currency,
}

/// What one miss costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    per_miss: f64,
    currency: String,
}

impl Price {
    /// Checks it: `Price::new(0.012, "USD")`, in whole units of the currency.
    pub fn new(per_miss: f64, currency: &str) -> Result<Self, PriceError> {
        if !per_miss.is_finite() || per_miss < 0.0 {
            return Err(PriceError::Amount);
        }
        let letters = currency.chars().all(|c| c.is_ascii_alphabetic());
        if !(1..=12).contains(&currency.len()) || !letters {
            return Err(PriceError::Currency);
        }
        Ok(Self {
            per_miss,
            currency: currency.to_owned(),
        })
    }

    /// What so many misses cost, or so many hits saved.
    pub fn of(&self, lookups: u64) -> f64 {
        self.per_miss * lookups as f64
    }

    /// The currency.
    pub fn currency(&self) -> &str {
        &self.currency
    }
}

/// What the misses of a namespace have cost so far.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NamespaceCost {
    /// The namespace.
    pub namespace: String,
    /// The currency.
    pub currency: String,
    /// In whole units of it.
    pub total: f64,
}

/// The prices of a cache.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MissCosts {
    prices: BTreeMap<String, Price>,
}

impl MissCosts {
    /// By name of a configured namespace.
    pub fn new(prices: impl IntoIterator<Item = (String, Price)>) -> Self {
        Self {
            prices: prices.into_iter().collect(),
        }
    }

    /// The price of a namespace.
    pub fn price(&self, namespace: &str) -> Option<&Price> {
        self.prices.get(namespace)
    }

    /// What the misses have cost so far, for each namespace with a price, in the order of the snapshot.
    pub fn totals(&self, snapshot: &AttributionSnapshot) -> Vec<NamespaceCost> {
        let configured = snapshot.namespaces.iter().filter(|n| n.configured);
        configured
            .filter_map(|namespace| {
                let price = self.price(&namespace.name)?;
                Some(NamespaceCost {
                    namespace: namespace.name.clone(),
                    currency: price.currency.clone(),
                    total: price.of(namespace.counters.misses.total()),
                })
            })
            .collect()
    }

    /// The same summed up by currency.
    pub fn by_currency(&self, snapshot: &AttributionSnapshot) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for cost in self.totals(snapshot) {
            *sums.entry(cost.currency).or_insert(0.0) += cost.total;
        }
        sums
    }
}
