//! The estimate at its edges, its invariants, and how often its interval holds the truth.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn interval(lookups: u64, sampled: u64, ours: u64, misses: u64) -> Interval<&'static str> {
    let ours = NamespaceCount {
        sampled: ours,
        misses,
    };
    Interval {
        length: 60 * SECOND,
        covered: SECOND / 5,
        lookups,
        sampled,
        namespaces: BTreeMap::from([("ours", ours)]),
    }
}

fn samples(intervals: impl IntoIterator<Item = Interval<&'static str>>) -> Samples<&'static str> {
    let mut samples = Samples::default();
    for interval in intervals {
        samples.push(interval);
    }
    samples
}

#[test]
fn a_known_share_gives_a_known_ratio() {
    let all = samples((0..60).map(|_| interval(60_000, 200, 50, 1500)));
    let got = all.estimate(&"ours").unwrap();
    // A quarter of 3.6 M lookups, of which 90,000 missed.
    assert!((got.lookups.value - 900_000.0).abs() < 1e-3);
    assert!((got.hit_ratio.value - 0.9).abs() < 1e-9);
    assert!(got.hit_ratio.lower < 0.9 && got.hit_ratio.lower > 0.89);
    assert!(got.hit_ratio.upper > 0.9 && got.hit_ratio.upper < 0.91);
    assert_eq!((got.misses, got.samples, got.sampled), (90_000, 60, 3000));
    assert!((got.seconds - 3600.0).abs() < 1e-9);
    assert!((got.covered_ratio - 1.0 / 300.0).abs() < 1e-9);
}

#[test]
fn too_little_gives_nothing_and_says_why() {
    let few = samples((0..7).map(|_| interval(60_000, 200, 50, 15)));
    assert_eq!(few.estimate(&"ours"), Err(NoEstimate::TooFewSamples(7)));
    let rare = samples((0..60).map(|_| interval(60_000, 200, 1, 15)));
    assert_eq!(rare.estimate(&"ours"), Err(NoEstimate::TooFewLookups(60)));
    assert_eq!(rare.estimate(&"theirs"), Err(NoEstimate::TooFewLookups(0)));
    let quiet = samples((0..60).map(|_| interval(0, 0, 0, 0)));
    assert_eq!(quiet.estimate(&"ours"), Err(NoEstimate::TooFewLookups(0)));
    let wrong = samples((0..60).map(|_| interval(60_000, 200, 2, 30_000)));
    assert_eq!(wrong.estimate(&"ours"), Err(NoEstimate::Contradiction));
    let blind = samples((0..60).map(|_| Interval {
        covered: Duration::ZERO,
        ..interval(60_000, 200, 50, 15)
    }));
    assert_eq!(blind.estimate(&"ours"), Err(NoEstimate::TooFewSamples(0)));
}

#[test]
fn without_misses_all_are_hits_and_with_nothing_else_none_is() {
    let perfect = samples((0..60).map(|_| interval(60_000, 200, 50, 0)));
    let got = perfect.estimate(&"ours").unwrap().hit_ratio;
    assert_eq!((got.lower, got.value, got.upper), (1.0, 1.0, 1.0));
    let hopeless = samples((0..60).map(|_| interval(60_000, 200, 50, 15_000)));
    let got = hopeless.estimate(&"ours").unwrap().hit_ratio;
    assert_eq!((got.lower, got.value), (0.0, 0.0));
    assert!(got.upper < 0.05);
}

#[test]
fn memory_is_bounded_and_the_old_is_forgotten() {
    let old = (0..100).map(|_| interval(1000, 200, 200, 0));
    let new = (0..60).map(|_| interval(1000, 200, 100, 0));
    let mut all = samples(old.chain(new));
    assert_eq!(all.intervals.len(), MAX_SAMPLES);
    let got = all.estimate(&"ours").unwrap();
    assert!((got.lookups.value - 30_000.0).abs() < 1e-6);
    all.clear();
    assert_eq!(all.estimate(&"ours"), Err(NoEstimate::TooFewSamples(0)));

    let mut many = Samples::default();
    many.push(Interval {
        length: SECOND,
        covered: SECOND,
        lookups: 1,
        sampled: 1,
        namespaces: (0..1000).map(|n| (n, NamespaceCount::default())).collect(),
    });
    assert_eq!(many.intervals[0].namespaces.len(), MAX_NAMESPACES);
    assert_eq!(many.cut(), 1000 - 512);
}

fn any_interval() -> impl Strategy<Value = Interval<&'static str>> {
    let counts = prop_oneof![0_u64..1000, any::<u64>()];
    let millis = prop_oneof![0_u64..100_000, any::<u64>()];
    (
        [millis.clone(), millis],
        [counts.clone(), counts.clone(), counts.clone(), counts],
    )
        .prop_map(
            |([length, covered], [lookups, sampled, ours, misses])| Interval {
                length: Duration::from_millis(length),
                covered: Duration::from_millis(covered),
                ..interval(lookups, sampled, ours, misses)
            },
        )
}

proptest! {
    #[test]
    fn any_intervals_give_ordered_bounds(intervals in prop::collection::vec(any_interval(), 8..70)) {
        if let Ok(got) = samples(intervals).estimate(&"ours") {
            for bounded in [got.lookups, got.hit_ratio] {
                prop_assert!(0.0 <= bounded.lower && bounded.lower <= bounded.value, "{bounded:?}");
                prop_assert!(bounded.value <= bounded.upper && bounded.upper.is_finite(), "{bounded:?}");
            }
            prop_assert!(got.hit_ratio.upper <= 1.0);
            prop_assert!((0.0..=1.0).contains(&got.covered_ratio));
        }
    }
}

/// What a load is like in a moment: lookups per second of our namespace, and of all others.
struct Load {
    name: &'static str,
    /// Ours at rest, ours while a batch runs, others.
    rates: [f64; 3],
    /// What part of the time a batch runs, and for how many moments (of 200 ms) on average.
    batch: (f64, f64),
    /// By what factor all of it swings over the window.
    swing: f64,
    /// The sample ends after so many lookups.
    cut: f64,
    /// Ours that miss.
    miss_ratio: f64,
    intervals: usize,
}

const MOMENT: f64 = 0.2;
const MOMENTS: usize = 300;

fn poisson(rng: &mut fastrand::Rng, mean: f64) -> f64 {
    if mean > 50.0 {
        let angle = std::f64::consts::TAU * rng.f64();
        let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * angle.cos();
        return (mean + mean.sqrt() * normal).round().max(0.0);
    }
    let (limit, mut product, mut count) = ((-mean).exp(), rng.f64(), 0.0);
    while product > limit {
        product *= rng.f64();
        count += 1.0;
    }
    count
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a simulation: small, and never negative"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// Lives through all moments, samples one of each interval, and returns what was pushed and the true lookups of ours.
fn simulate(load: &Load, rng: &mut fastrand::Rng) -> (Samples<&'static str>, f64) {
    let (mut samples, mut truth) = (Samples::default(), 0.0);
    let (share, length) = load.batch;
    let mut batch = rng.f64() < share;
    let phase = rng.f64();
    for number in 0..load.intervals {
        let chosen = rng.usize(..MOMENTS);
        let (mut ours_mean, mut others_mean) = (0.0, 0.0);
        let mut seen = (0.0, 0.0, MOMENT);
        for moment in 0..MOMENTS {
            let leave = if batch { 1.0 } else { share / (1.0 - share) } / length;
            batch ^= rng.f64() < leave;
            let at = (number * MOMENTS + moment) as f64 / (load.intervals * MOMENTS) as f64;
            let level = load
                .swing
                .powf((std::f64::consts::TAU * (at + phase)).sin());
            let ours = load.rates[usize::from(batch)] * level * MOMENT;
            let others = load.rates[2] * level * MOMENT;
            ours_mean += ours;
            others_mean += others;
            if moment == chosen {
                let part = (load.cut / (ours + others)).min(1.0);
                seen = (
                    poisson(rng, ours * part),
                    poisson(rng, others * part),
                    MOMENT * part,
                );
            }
        }
        let ours = poisson(rng, ours_mean);
        truth += ours;
        samples.push(Interval {
            length: 60 * SECOND,
            covered: Duration::from_secs_f64(seen.2),
            ..interval(
                whole(ours + poisson(rng, others_mean)),
                whole(seen.0 + seen.1),
                whole(seen.0),
                whole(ours * load.miss_ratio),
            )
        });
    }
    (samples, truth)
}

#[test]
fn the_interval_holds_the_truth_as_often_as_it_says() {
    let steady = Load {
        name: "steady",
        rates: [300.0, 300.0, 700.0],
        batch: (0.0, 1.0),
        swing: 1.0,
        cut: f64::INFINITY,
        miss_ratio: 0.1,
        intervals: 60,
    };
    let bursts = Load {
        name: "bursts of some seconds",
        rates: [50.0, 2000.0, 700.0],
        batch: (0.2, 25.0),
        ..steady
    };
    let loads = [
        Load {
            name: "rare",
            rates: [20.0, 20.0, 2000.0],
            ..steady
        },
        Load {
            name: "quiet",
            rates: [12.0, 12.0, 12.0],
            ..steady
        },
        Load {
            name: "nearly all",
            rates: [990.0, 990.0, 10.0],
            ..steady
        },
        Load {
            name: "few samples",
            intervals: 10,
            ..steady
        },
        Load {
            name: "bursts, few samples",
            batch: (0.4, 25.0),
            intervals: 16,
            ..bursts
        },
        Load {
            name: "bursts that outlast an interval",
            batch: (0.3, 600.0),
            ..bursts
        },
        Load {
            name: "bursts on a swinging load",
            swing: 3.0,
            ..bursts
        },
        Load {
            name: "bursts that cut the sample",
            cut: 150.0,
            ..bursts
        },
        steady,
        bursts,
    ];
    let runs = 300;
    let mut rng = fastrand::Rng::with_seed(7);
    for load in &loads {
        let (mut made, mut held, mut error) = (0, 0, 0.0);
        for _ in 0..runs {
            let (samples, truth) = simulate(load, &mut rng);
            let Ok(got) = samples.estimate(&"ours") else {
                continue;
            };
            made += 1;
            let ratio = 1.0 - got.misses as f64 / truth;
            let within = |bounded: Bounded, x: f64| bounded.lower <= x && x <= bounded.upper;
            let both = within(got.lookups, truth) && within(got.hit_ratio, ratio);
            held += i32::from(both);
            error += got.lookups.value / truth - 1.0;
        }
        let coverage = f64::from(held) / f64::from(made);
        let bias = error / f64::from(made);
        println!(
            "{}: {made} estimates, coverage {coverage:.3}, bias {bias:+.3}",
            load.name
        );
        assert!(made > runs * 9 / 10, "{}: {made}", load.name);
        assert!(coverage >= 0.9, "{}: {coverage}", load.name);
        assert!(bias.abs() < 0.06, "{}: {bias}", load.name);
    }
}
