//! The traffic that the rules are held against.

use std::time::Duration;

use fastrand::Rng;

use super::random::{beta, normal, poisson};

/// What the traffic is like for a slot of time.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) per_second: f64,
    pub(crate) miss_ratio: f64,
    /// Lookups come in groups of so many that all hit or all miss.
    pub(crate) batch: f64,
}

/// Traffic, as a function of the time in seconds; `memory` is what it may keep.
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) pace: fn(f64, &mut Rng, memory: &mut f64) -> Pace,
}

/// A cache that nobody has.
pub(crate) struct Cache {
    random: Rng,
    memory: f64,
    pub(crate) now: f64,
}

impl Cache {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            memory: 0.0,
            now: 0.0,
        }
    }

    /// (hits, misses) of the next so many seconds, in pieces of 10 s at most.
    pub(crate) fn read(&mut self, load: &Load, interval: Duration) -> (u64, u64) {
        let mut left = interval.as_secs_f64();
        let (mut hits, mut misses) = (0.0, 0.0);
        while left > 1e-6 {
            let piece = left.min(10.0);
            let pace = (load.pace)(self.now, &mut self.random, &mut self.memory);
            let groups = pace.per_second * piece / pace.batch;
            hits += poisson(&mut self.random, groups * (1.0 - pace.miss_ratio)) * pace.batch;
            misses += poisson(&mut self.random, groups * pace.miss_ratio) * pace.batch;
            self.now += piece;
            left -= piece;
        }
        (whole(hits), whole(misses))
    }
}

fn plain(per_second: f64, miss_ratio: f64) -> Pace {
    Pace {
        per_second,
        miss_ratio,
        batch: 1.0,
    }
}

fn hourly(t: f64, seconds: f64, during: f64) -> Pace {
    plain(20.0, if t % 3600.0 < seconds { during } else { 0.10 })
}

/// 30 s of 60 % misses (exponentially long) about every ten minutes, otherwise 10 %.
fn clusters(per_second: f64, random: &mut Rng, bad: &mut f64) -> Pace {
    let change = if *bad > 0.0 { 1.0 / 3.0 } else { 1.0 / 60.0 };
    if random.f64() < change {
        *bad = 1.0 - *bad;
    }
    plain(per_second, if *bad > 0.0 { 0.60 } else { 0.10 })
}

/// Log odds that wander (first-order autoregression).
fn wandering(mean: f64, deviation: f64, seconds: f64, random: &mut Rng, at: &mut f64) -> Pace {
    let keep = (-10.0 / seconds).exp();
    *at = keep * *at + (1.0 - keep * keep).sqrt() * normal(random);
    let odds = mean / (1.0 - mean) * (deviation * *at).exp();
    plain(5.0, odds / (1.0 + odds))
}

/// The five of `alerting.md` 7.2.
pub(crate) const HEALTHY: [Load; 5] = [
    Load {
        name: "0.05/s, 10 %",
        pace: |_, _, _| plain(0.05, 0.10),
    },
    Load {
        name: "0.5/s, 17 %",
        pace: |_, _, _| plain(0.5, 0.17),
    },
    Load {
        name: "20/s, 17 %",
        pace: |_, _, _| plain(20.0, 0.17),
    },
    Load {
        name: "20/s, 10 % + 1 min 80 %/h",
        pace: |t, _, _| hourly(t, 60.0, 0.80),
    },
    Load {
        name: "0.5/s, exactly 20 %",
        pace: |_, _, _| plain(0.5, 0.20),
    },
];

/// What else happens: at the limit with other traffic, longer bursts, diurnal and correlated misses.
pub(crate) const HARD: [Load; 13] = [
    Load {
        name: "0.05/s, exactly 20 %",
        pace: |_, _, _| plain(0.05, 0.20),
    },
    Load {
        name: "20/s, exactly 20 %",
        pace: |_, _, _| plain(20.0, 0.20),
    },
    Load {
        name: "17 % + 1 min 80 %/h, shifted",
        pace: |t, _, _| {
            let scan = (t + 5.0) % 3600.0 < 60.0;
            plain(20.0, if scan { 0.80 } else { 0.17 })
        },
    },
    Load {
        name: "20/s, 10 % + 2 min 40 %/h",
        pace: |t, _, _| hourly(t, 120.0, 0.40),
    },
    Load {
        name: "20/s, 10 % + 3 min 80 %/h",
        pace: |t, _, _| hourly(t, 180.0, 0.80),
    },
    Load {
        name: "diurnal 0.2-20/s, 17-8 %",
        pace: |t, _, _| {
            let day = 0.5 + 0.5 * (std::f64::consts::TAU * t / 86_400.0).sin();
            plain(0.2 * 100_f64.powf(day), 0.17 - 0.09 * day)
        },
    },
    Load {
        name: "5/s, 17 %, batches of 10",
        pace: |_, _, _| Pace {
            batch: 10.0,
            ..plain(5.0, 0.17)
        },
    },
    Load {
        name: "20/s, 17 %, batches of 50",
        pace: |_, _, _| Pace {
            batch: 50.0,
            ..plain(20.0, 0.17)
        },
    },
    Load {
        name: "20/s, 17 %, beta 0.02",
        pace: |_, random, _| plain(20.0, beta(random, 0.17, 0.02)),
    },
    Load {
        name: "20/s, 17 %, beta 0.1",
        pace: |_, random, _| plain(20.0, beta(random, 0.17, 0.1)),
    },
    Load {
        name: "0.5/s, clusters 30 s 60 %",
        pace: |_, random, bad| clusters(0.5, random, bad),
    },
    Load {
        name: "20/s, clusters 30 s 60 %",
        pace: |_, random, bad| clusters(20.0, random, bad),
    },
    Load {
        name: "5/s, wandering about 16 %",
        pace: |_, random, at| wandering(0.16, 0.4, 30.0, random, at),
    },
];

/// A step from 10 % at the time 0.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
    pub(crate) to: f64,
}

const fn step(name: &'static str, per_second: f64, to: f64) -> Step {
    Step {
        name,
        per_second,
        to,
    }
}

/// The seven of `alerting.md` 7.2, and two smaller ones.
pub(crate) const STEPS: [Step; 9] = [
    step("0.05/s -> 40 %", 0.05, 0.40),
    step("0.05/s -> 80 %", 0.05, 0.80),
    step("0.5/s -> 30 %", 0.5, 0.30),
    step("0.5/s -> 40 %", 0.5, 0.40),
    step("20/s -> 30 %", 20.0, 0.30),
    step("20/s -> 40 %", 20.0, 0.40),
    step("20/s -> 80 %", 20.0, 0.80),
    step("0.5/s -> 25 %", 0.5, 0.25),
    step("20/s -> 22 %", 20.0, 0.22),
];

/// (hits, misses) of the next so many seconds.
pub(crate) fn steady(
    random: &mut Rng,
    per_second: f64,
    miss_ratio: f64,
    interval: Duration,
) -> (u64, u64) {
    let lookups = per_second * interval.as_secs_f64();
    let hits = poisson(random, lookups * (1.0 - miss_ratio));
    let misses = poisson(random, lookups * miss_ratio);
    (whole(hits), whole(misses))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small counts"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
