//! Draws keys as people do: few are asked for often, most hardly ever.

/// Ranks `0..n` with a probability proportional to `1 / (rank + 1)^exponent`.
pub(super) struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    /// Ranks `0..n`; `n` is at least 1.
    pub(super) fn new(n: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let cumulative = (1..=n.max(1))
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// Draws a rank.
    pub(super) fn draw(&self, rng: &mut fastrand::Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let at = rng.f64() * total;
        self.cumulative
            .partition_point(|sum| *sum < at)
            .min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_are_drawn_most_and_every_rank_is_in_range() {
        let zipf = Zipf::new(100, 1.0);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut counts = [0_u32; 100];
        for _ in 0..20_000 {
            counts[zipf.draw(&mut rng)] += 1;
        }
        assert!(counts[0] > counts[9] * 5, "{} {}", counts[0], counts[9]);
        assert!(counts[99] > 0);
    }
}
