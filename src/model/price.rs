//! What a miss costs, checked.
//!
//! Deliberately absent: conversion between currencies.
//!
//! Invariant: a price is finite and not negative, so that a sum of prices only grows.

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
