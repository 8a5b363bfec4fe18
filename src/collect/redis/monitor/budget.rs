//! How much a sample may cost the server: time in monitor mode, and bytes.
//!
//! Deliberately absent: how often samples are taken.
//!
//! Invariant: a [`Budget`] that exists is within the bounds.

use std::time::Duration;

/// How much a sample may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    duration: Duration,
    bytes: u64,
}

/// A budget that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// The time.
    #[error("a sample's duration of {0:?} is not taken: it must be above 0 and at most {max:?}", max = Budget::MAX_DURATION)]
    Duration(Duration),
    /// The bytes.
    #[error("a sample's limit of {0} bytes is not taken: it must be above 0 and at most {max}", max = Budget::MAX_BYTES)]
    Bytes(u64),
}

impl Budget {
    /// The longest sample.
    pub const MAX_DURATION: Duration = Duration::from_secs(2);
    /// The most bytes.
    pub const MAX_BYTES: u64 = 64 << 20;

    /// A budget of so much time and so many bytes, whichever is used up first.
    pub fn new(duration: Duration, bytes: u64) -> Result<Self, BudgetError> {
        if duration.is_zero() || duration > Self::MAX_DURATION {
            return Err(BudgetError::Duration(duration));
        }
        if bytes == 0 || bytes > Self::MAX_BYTES {
            return Err(BudgetError::Bytes(bytes));
        }
        Ok(Self { duration, bytes })
    }

    /// How long the server may be watched.
    pub fn duration(self) -> Duration {
        self.duration
    }

    /// How many bytes may be read.
    pub fn bytes(self) -> u64 {
        self.bytes
    }
}

/// 200 ms, 4 MiB.
impl Default for Budget {
    fn default() -> Self {
        Self {
            duration: Duration::from_millis(200),
            bytes: 4 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_small_budget_is_taken() {
        let second = Duration::from_secs(1);
        assert!(Budget::new(2 * second, 64 << 20).is_ok());
        assert_eq!(
            Budget::new(3 * second, 1).unwrap_err().to_string(),
            "a sample's duration of 3s is not taken: it must be above 0 and at most 2s"
        );
        assert!(Budget::new(Duration::ZERO, 1).is_err());
        assert!(Budget::new(second, 0).is_err());
        assert!(Budget::new(second, (64 << 20) + 1).is_err());
        let default = Budget::default();
        assert_eq!(Budget::new(default.duration, default.bytes), Ok(default));
    }
}
