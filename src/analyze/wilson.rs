//! How sure one can be of a ratio: the Wilson score interval, and the normal quantile that it needs.
//!
//! Deliberately absent: any decision. The interval assumes independent lookups; those of a batch are not, which is why
//! the miss rule also wants a second window to agree.
//!
//! Invariant: 0 <= lower <= successes / n <= upper <= 1, for every input with n > 0.

/// z of the bound that windows show: a two-sided confidence of 98 %.
pub const Z_98: f64 = 2.326_347_874_040_841;

/// The Wilson score interval for `successes` out of `n`, as (lower, upper). `None` when `n` is 0.
///
/// `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`, with p = successes / n. E. B. Wilson, "Probable inference, the
/// law of succession, and statistical inference", JASA 22 (1927); L. D. Brown, T. T. Cai, A. DasGupta, "Interval
/// estimation for a binomial proportion", Statistical Science 16 (2001). More successes than `n` count as `n`.
pub fn interval(successes: u64, n: u64, z: f64) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    let size = n as f64;
    let p = successes.min(n) as f64 / size;
    let z2 = z * z;
    let centre = p + z2 / (2.0 * size);
    let half = z * (p * (1.0 - p) / size + z2 / (4.0 * size * size)).sqrt();
    let scale = 1.0 + z2 / size;
    // Rounding may carry a bound past the ratio itself by an ulp, most visibly at 0 and 1.
    let lower = ((centre - half) / scale).clamp(0.0, p);
    let upper = ((centre + half) / scale).clamp(p, 1.0);
    Some((lower, upper))
}

/// The lower end of [`interval`].
pub fn lower(successes: u64, n: u64, z: f64) -> Option<f64> {
    interval(successes, n, z).map(|(lower, _)| lower)
}

/// z for a two-sided confidence, 0..1 exclusive: 0.98 gives 2.326.
pub fn z_for_confidence(confidence: f64) -> f64 {
    normal_quantile(f64::midpoint(1.0, confidence))
}

/// The x below which a standard normal variable stays with probability `p`.
///
/// Algorithm AS 241 (PPND16), M. J. Wichura, "The percentage points of the normal distribution", Applied Statistics 37
/// (1988), about 16 digits. Of its three ranges the farthest tail is left out: `p` is held within 1e-10 and 1 - 1e-10.
pub fn normal_quantile(p: f64) -> f64 {
    let p = p.clamp(1e-10, 1.0 - 1e-10);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE_NUMERATOR, r) / polynomial(&CENTRE_DENOMINATOR, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt() - 1.6;
    let x = polynomial(&TAIL_NUMERATOR, r) / polynomial(&TAIL_DENOMINATOR, r);
    x.copysign(q)
}

/// Horner's scheme, coefficients from the lowest power up.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

const CENTRE_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const CENTRE_DENOMINATOR: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_659_7e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const TAIL_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const TAIL_DENOMINATOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance
    }

    #[test]
    fn quantiles_agree_with_the_tables() {
        for (p, x) in [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_081_7),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.995, 2.575_829_303_548_900_4),
            (0.999_95, 3.890_591_886_413_12),
            (0.025, -1.959_963_984_540_054),
            (1e-9, -5.997_807_015_007_687),
        ] {
            assert!(
                close(normal_quantile(p), x, 1e-11),
                "{p}: {}",
                normal_quantile(p)
            );
        }
        assert!(close(z_for_confidence(0.98), Z_98, 1e-12));
    }

    /// The distribution function by Simpson's rule: slow, and nothing in common with the approximation above.
    fn phi(x: f64) -> f64 {
        let steps = 2000_u32;
        let h = x / f64::from(steps);
        let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let inner: f64 = (1..steps)
            .map(|i| density(f64::from(i) * h) * if i % 2 == 0 { 2.0 } else { 4.0 })
            .sum();
        0.5 + h / 3.0 * (density(0.0) + inner + density(x))
    }

    #[test]
    fn bounds_agree_with_the_reference_figures() {
        // One lookup that misses: 0.2065 at 95 %; with 98 % it takes two of two to exceed 0.20.
        assert!(close(lower(1, 1, 1.96).unwrap(), 0.2065, 1e-4));
        assert!(lower(1, 1, Z_98).unwrap() < 0.20);
        assert!(lower(2, 2, Z_98).unwrap() > 0.20);
        // Newcombe 1998: 81 of 263 at 95 %: 0.2553 to 0.3662.
        let (low, high) = interval(81, 263, 1.96).unwrap();
        assert!(close(low, 0.2553, 1e-4) && close(high, 0.3662, 1e-4));
        assert_eq!(interval(0, 0, Z_98), None);
    }

    proptest! {
        #[test]
        fn the_quantile_is_the_inverse_of_the_distribution(p in 0.0001_f64..0.9999) {
            prop_assert!(close(phi(normal_quantile(p)), p, 1e-10));
        }

        #[test]
        fn the_interval_holds_the_ratio(successes: u64, n in 1_u64.., z in 0.0_f64..5.0) {
            let p = successes.min(n) as f64 / n as f64;
            let (low, high) = interval(successes, n, z).unwrap();
            prop_assert!(0.0 <= low && low <= p && p <= high && high <= 1.0);
        }

        #[test]
        fn more_evidence_narrows_it(misses in 1_u64..1000, hits in 1_u64..1000, times in 2_u64..50) {
            let n = misses + hits;
            let (low, high) = interval(misses, n, Z_98).unwrap();
            let (lower, higher) = interval(misses * times, n * times, Z_98).unwrap();
            prop_assert!(low < lower && higher < high);
        }
    }
}
