//! How long to wait before the next attempt: exponential, with jitter, so that many messages do not come at once to a
//! receiver that has just recovered.

use std::time::Duration;

/// The shortest wait.
pub(crate) const MIN: Duration = Duration::from_secs(1);
/// The longest wait of our own choice.
pub(crate) const MAX: Duration = Duration::from_mins(5);

/// The wait after the `failed`th failure in a row (1, 2, …): evenly spread from [`MIN`] to 2, 4, 8 … seconds, [`MAX`] at
/// the most. `random` is from 0..1.
pub(crate) fn wait(failed: u32, random: f64) -> Duration {
    let ceiling = MIN.saturating_mul(2_u32.saturating_pow(failed)).min(MAX);
    MIN + ceiling.saturating_sub(MIN).mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_grows_to_its_limit() {
        let longest = |failed| wait(failed, 1.0).as_secs();
        assert_eq!([1, 2, 3, 8, 9, 99].map(longest), [2, 4, 8, 256, 300, 300]);
        assert_eq!(wait(0, 1.0), MIN);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(failed in any::<u32>(), random in 0.0..1.0) {
            let wait = wait(failed, random);
            prop_assert!((MIN..=MAX).contains(&wait));
        }
    }
}
