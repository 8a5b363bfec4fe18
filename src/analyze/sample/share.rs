//! The share that a part has in the whole, from clusters that differ from one another, with its confidence interval.
//!
//! Lookups of one sample resemble each other (a page asks for ten sessions at once), so how sure the share is follows
//! from how much samples differ, never from the number of lookups alone. Deliberately absent: what the shares are of.
//!
//! Invariant: 0 <= lower <= value <= upper <= 1.

use super::Bounded;
use crate::analyze::wilson::z_for_confidence;
use crate::model::lookups::{NamespaceSums, SampleSums};

/// The share of the part with its interval at this confidence; `None` if the whole is nothing.
pub(super) fn share(whole: &SampleSums, part: &NamespaceSums, confidence: f64) -> Option<Bounded> {
    if whole.all <= 0.0 {
        return None;
    }
    let share = (part.part / whole.all).clamp(0.0, 1.0);
    // Σ (w (y - R x))², multiplied out. What rounding leaves of nothing must not be negative.
    let squares =
        part.part_squared - 2.0 * share * part.product + share * share * whole.all_squared;
    Some(interval(whole, share, squares.max(0.0), confidence))
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
fn interval(whole: &SampleSums, share: f64, squares: f64, confidence: f64) -> Bounded {
    let clusters = whole.intervals as f64;
    let effective = (whole.all * whole.all / whole.all_squared).max(1.0);
    let lookups = (whole.all * whole.all / whole.all_weighted).max(1.0);
    let alpha = (1.0 - confidence) / 2.0;
    // No sample differs: the exact bound for m successes out of m (or none), a sample being one trial.
    if share <= 0.0 || share >= 1.0 {
        let reach = 1.0 - alpha.powf(1.0 / effective);
        return Bounded {
            value: share,
            lower: (share - reach).max(0.0),
            upper: (share + reach).min(1.0),
        };
    }
    let between = clusters / (clusters - 1.0).max(1.0) * squares / (whole.all * whole.all);
    let independent = share * (1.0 - share) / lookups;
    let error = between.max(independent).sqrt() / (share * (1.0 - share));
    let reach = student(effective - 1.0, confidence) * error;
    let logit = (share / (1.0 - share)).ln();
    let expit = |x: f64| 1.0 / (1.0 + (-x).exp());
    Bounded {
        value: share,
        lower: expit(logit - reach).min(share),
        upper: expit(logit + reach).max(share),
    }
}

/// Student's t at a confidence, two-sided: M. Abramowitz, I. A. Stegun, *Handbook of Mathematical Functions* (1964),
/// 26.7.5. At 95 % within 4 % for 2 degrees of freedom, 0.1 % from 7 on. Fewer than 2 count as 2.
fn student(freedom: f64, confidence: f64) -> f64 {
    let z = z_for_confidence(confidence);
    let n = freedom.max(2.0);
    let z2 = z * z;
    let g1 = (z2 + 1.0) / 4.0;
    let g2 = ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let g3 = (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    z * (1.0 + g1 / n + g2 / (n * n) + g3 / (n * n * n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(clusters: &[(f64, f64, f64)]) -> Bounded {
        let (whole, part) = sums(clusters);
        share(&whole, &part, 0.95).unwrap()
    }

    fn sums(clusters: &[(f64, f64, f64)]) -> (SampleSums, NamespaceSums) {
        let (mut whole, mut part) = (SampleSums::default(), NamespaceSums::default());
        for &(w, x, y) in clusters {
            whole.add(&SampleSums {
                intervals: 1,
                all: w * x,
                all_squared: (w * x).powi(2),
                all_weighted: w * w * x,
                ..SampleSums::default()
            });
            part.add(&NamespaceSums {
                part: w * y,
                part_squared: (w * y).powi(2),
                product: w * w * x * y,
                ..NamespaceSums::default()
            });
        }
        (whole, part)
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
            assert!(
                (student(freedom, 0.95) / t - 1.0).abs() < within,
                "{freedom}"
            );
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
        let reach = student(3.0, 0.95) * (4.0 / 3.0 * 100.0_f64).sqrt() / 160.0 / (0.25 * 0.75);
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
        for clusters in [&[][..], &[(300.0, 0.0, 0.0); 9]] {
            let (whole, part) = sums(clusters);
            assert!(share(&whole, &part, 0.95).is_none());
        }
    }

    #[test]
    fn more_confidence_is_wider() {
        let (whole, part) = sums(&[(1.0, 40.0, 15.0), (1.0, 40.0, 5.0), (1.0, 40.0, 9.0)]);
        let of = |confidence| share(&whole, &part, confidence).unwrap();
        assert!(width(of(0.98)) > width(of(0.95)) * 1.1);
    }
}
