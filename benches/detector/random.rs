//! Random numbers that the simulation needs, from `fastrand`'s uniform ones.

use fastrand::Rng;

/// Poisson. W. Hörmann, "The transformed rejection method for generating Poisson random variables", Insurance:
/// Mathematics and Economics 12 (1993), PTRS; below a mean of 12 by multiplication (Knuth).
pub(crate) fn poisson(random: &mut Rng, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    if mean < 12.0 {
        let limit = (-mean).exp();
        let (mut count, mut product) = (0.0, random.f64());
        while product > limit {
            count += 1.0;
            product *= random.f64();
        }
        return count;
    }
    let width = 0.931 + 2.53 * mean.sqrt();
    let shape = -0.059 + 0.024_83 * width;
    let inverse_alpha = 1.1239 + 1.1328 / (width - 3.4);
    let inside = 0.9277 - 3.6224 / (width - 2.0);
    loop {
        let u = random.f64() - 0.5;
        let v = random.f64();
        let us = 0.5 - u.abs();
        let k = ((2.0 * shape / us + width) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= inside {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let left = (v * inverse_alpha / (shape / (us * us) + width)).ln();
        if left <= k * mean.ln() - mean - ln_factorial(k) {
            return k;
        }
    }
}

/// Stirling's series, after a shift to where it is exact enough.
fn ln_factorial(k: f64) -> f64 {
    let (mut x, mut product) = (k + 1.0, 1.0);
    while x < 7.0 {
        product *= x;
        x += 1.0;
    }
    let series = (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x);
    series - 1.0 / (360.0 * x.powi(3)) - f64::ln(product)
}

/// Standard normal (Box and Muller).
pub(crate) fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

/// Gamma of scale 1. G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
fn gamma(random: &mut Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        return gamma(random, shape + 1.0) * (1.0 - random.f64()).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - random.f64()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Beta with this mean, where two lookups of the same slot are correlated by `correlation`.
pub(crate) fn beta(random: &mut Rng, mean: f64, correlation: f64) -> f64 {
    let size = 1.0 / correlation - 1.0;
    let (a, b) = (
        gamma(random, size * mean),
        gamma(random, size * (1.0 - mean)),
    );
    a / (a + b)
}
