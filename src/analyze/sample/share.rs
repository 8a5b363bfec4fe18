//! The share that a part has in the whole, from clusters that differ from one another, with its confidence interval.
//!
//! Lookups of one sample resemble each other (a page asks for ten sessions at once), so how sure the share is follows
//! from how much samples differ, never from the number of lookups alone. Deliberately absent: what the shares are of.
//!
//! Invariant: 0 <= lower <= value <= upper <= 1.

use super::{Bounded, CONFIDENCE};

/// z of [`CONFIDENCE`], two-sided.
const Z: f64 = 1.959_963_984_540_054;

/// One sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    /// How much it stands for, in its own size: 1 / the probability of a moment to be sampled.
    pub(super) weight: f64,
    /// The whole.
    pub(super) all: f64,
    /// The part, at most `all`.
    pub(super) part: f64,
}

/// Sums over clusters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    clusters: f64,
    all: f64,
    all_squared: f64,
    all_weighted: f64,
    part: f64,
}

impl Share {
    /// The share of the part with its interval; `None` if the whole is nothing.
    pub(super) fn of(clusters: impl Iterator<Item = Cluster> + Clone) -> Option<Bounded> {
        let mut sums = Self::default();
        for Cluster { weight, all, part } in clusters.clone() {
            sums.clusters += 1.0;
            sums.all += weight * all;
            sums.all_squared += (weight * all).powi(2);
            sums.all_weighted += weight * weight * all;
            sums.part += weight * part;
        }
        if sums.all <= 0.0 {
            return None;
        }
        let share = (sums.part / sums.all).clamp(0.0, 1.0);
        let residuals = clusters.map(|Cluster { weight, all, part }| weight * (part - share * all));
        let squares: f64 = residuals.map(|residual| residual * residual).sum();
        Some(sums.interval(share, squares))
    }

    /// The interval of the share, of which the squares of the residuals `w (y - R x)` are known.
    ///
    /// The variance is `m/(m-1) Σ (w (y - R x))² / (Σ w x)²`: linearised, between m ultimate clusters (M. H. Hansen,
    /// W. N. Hurwitz, W. G. Madow, *Sample Survey Methods and Theory* (1953); Cochran, section 6.3), without the
    /// correction for a finite population; that the samples are one from each stretch of time can only make it too large.
    /// It is not taken to be smaller than that of independent lookups, `R (1-R) / n`. Both m and n are effective sizes,
    /// `(Σ a)² / Σ a²` (L. Kish, *Survey Sampling* (1965)), so that a few busy samples do not pass for many. The interval
    /// is symmetric on the logit scale, with Student's t for m - 1 degrees of freedom (E. L. Korn, B. I. Graubard, Survey
    /// Methodology 24 (1998)).
    fn interval(&self, share: f64, squares: f64) -> Bounded {
        let effective = (self.all * self.all / self.all_squared).max(1.0);
        let lookups = (self.all * self.all / self.all_weighted).max(1.0);
        let alpha = (1.0 - CONFIDENCE) / 2.0;
        // No sample differs: the exact bound for m successes out of m (or none), a sample being one trial.
        if share <= 0.0 || share >= 1.0 {
            let reach = 1.0 - alpha.powf(1.0 / effective);
            return Bounded {
                value: share,
                lower: (share - reach).max(0.0),
                upper: (share + reach).min(1.0),
            };
        }
        let between =
            self.clusters / (self.clusters - 1.0).max(1.0) * squares / (self.all * self.all);
        let independent = share * (1.0 - share) / lookups;
        let error = between.max(independent).sqrt() / (share * (1.0 - share));
        let reach = student(effective - 1.0) * error;
        let logit = (share / (1.0 - share)).ln();
        let expit = |x: f64| 1.0 / (1.0 + (-x).exp());
        Bounded {
            value: share,
            lower: expit(logit - reach).min(share),
            upper: expit(logit + reach).max(share),
        }
    }
}

/// Student's t at [`CONFIDENCE`], two-sided: M. Abramowitz, I. A. Stegun, *Handbook of Mathematical Functions* (1964),
/// 26.7.5. Within 4 % for 2 degrees of freedom, 0.1 % from 7 on. Fewer than 2 count as 2.
fn student(freedom: f64) -> f64 {
    let n = freedom.max(2.0);
    let z2 = Z * Z;
    let g1 = (z2 + 1.0) / 4.0;
    let g2 = ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let g3 = (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    Z * (1.0 + g1 / n + g2 / (n * n) + g3 / (n * n * n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(clusters: &[(f64, f64, f64)]) -> Bounded {
        let clusters = clusters.iter();
        let clusters = clusters.map(|&(weight, all, part)| Cluster { weight, all, part });
        Share::of(clusters).unwrap()
    }

    fn width(bounded: Bounded) -> f64 {
        bounded.upper - bounded.lower
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let table = [
            (2.0, 4.303, 0.04),
            (3.0, 3.182, 0.01),
            (7.0, 2.365, 0.001),
            (20.0, 2.086, 0.001),
            (59.0, 2.001, 0.001),
        ];
        for (freedom, t, within) in table {
            assert!((student(freedom) / t - 1.0).abs() < within, "{freedom}");
        }
    }

    #[test]
    fn a_hand_made_example() {
        // R = 40/160; residuals 5, -5, 5, -5; variance 4/3 * 100 / 160² = 0.00521 > 0.25 * 0.75 / 160.
        let got = of(&[
            (1.0, 40.0, 15.0),
            (1.0, 40.0, 5.0),
            (1.0, 40.0, 15.0),
            (1.0, 40.0, 5.0),
        ]);
        let reach = student(3.0) * (4.0 / 3.0 * 100.0_f64).sqrt() / 160.0 / (0.25 * 0.75);
        let lower = 1.0 / (1.0 + 3.0 * reach.exp());
        assert!((got.value - 0.25).abs() < 1e-12);
        assert!((got.lower - lower).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn samples_that_agree_too_well_are_not_believed() {
        let agree = of(&[(1.0, 40.0, 10.0); 10]);
        assert!(width(agree) > 0.07, "{agree:?}");
        let only = of(&[(1.0, 40.0, 40.0); 10]);
        assert!(
            (only.upper - 1.0).abs() < 1e-12 && only.lower < 0.75,
            "{only:?}"
        );
    }

    #[test]
    fn a_shorter_sample_counts_for_as_much_time() {
        let even = of(&[(1.0, 100.0, 10.0), (1.0, 100.0, 90.0)]);
        let cut = of(&[(10.0, 10.0, 1.0), (1.0, 100.0, 90.0)]);
        assert!((even.value - cut.value).abs() < 1e-12);
    }

    #[test]
    fn a_few_busy_samples_do_not_pass_for_many() {
        let mut busy = vec![(1.0, 1.0, 0.5); 50];
        busy.extend([
            (1.0, 1000.0, 400.0),
            (1.0, 1000.0, 600.0),
            (1.0, 1000.0, 500.0),
        ]);
        let even = [(1.0, 50.0, 20.0), (1.0, 50.0, 30.0), (1.0, 50.0, 25.0)].repeat(18);
        assert!(width(of(&busy)) > 4.0 * width(of(&even)));
    }

    #[test]
    fn nothing_has_no_share() {
        assert!(Share::of([].into_iter()).is_none());
        let silent = Cluster {
            weight: 300.0,
            all: 0.0,
            part: 0.0,
        };
        assert!(Share::of([silent; 9].into_iter()).is_none());
    }
}
