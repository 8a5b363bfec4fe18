//! The demo's application: looks things up, loads what is missing from a backend, and stores it.
//!
//! Pure: it says which commands a batch sends and takes in which lookups missed. The parent sends them.

use super::phases::Phase;
use super::zipf::Zipf;

/// A family of keys.
struct Family {
    prefix: &'static str,
    suffix: &'static str,
    popularity: Zipf,
    keys: usize,
    /// Share of all lookups, 0..1.
    share: f64,
    value_bytes: usize,
    /// Time to live of a stored value: from, to, in seconds.
    ttl: (u32, u32),
    /// Whether the TTL cliff hits it.
    warmed_together: bool,
}

/// One key of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    family: usize,
    rank: usize,
}

/// A command with its arguments.
pub(super) type Command = Vec<Vec<u8>>;

/// The application.
pub(super) struct Workload {
    families: Vec<Family>,
    rng: fastrand::Rng,
    exports: u64,
}

/// Share of lookups for things that do not exist anywhere (new sessions, crawlers).
const UNKNOWN_SHARE: f64 = 0.04;
/// Bytes of one export of the batch job.
const EXPORT_BYTES: usize = 16 * 1024;
/// Exports per batch under eviction pressure.
const EXPORTS_PER_BATCH: usize = 8;
/// Seconds that an export lives.
const EXPORT_TTL: u32 = 5;

impl Workload {
    /// The application, with a seed so that two runs look alike.
    pub(super) fn new(seed: u64) -> Self {
        let families = vec![
            Family {
                prefix: "session:",
                suffix: "",
                popularity: Zipf::new(20_000, 0.8),
                keys: 20_000,
                share: 0.35,
                value_bytes: 300,
                ttl: (1_200, 1_800),
                warmed_together: false,
            },
            Family {
                prefix: "product:",
                suffix: ":detail",
                popularity: Zipf::new(6_000, 0.7),
                keys: 6_000,
                share: 0.40,
                value_bytes: 900,
                ttl: (600, 900),
                warmed_together: true,
            },
            Family {
                prefix: "ai:answer:",
                suffix: "",
                popularity: Zipf::new(3_000, 0.7),
                keys: 3_000,
                share: 0.25,
                value_bytes: 2_000,
                ttl: (600, 900),
                warmed_together: true,
            },
        ];
        Self {
            families,
            rng: fastrand::Rng::with_seed(seed),
            exports: 0,
        }
    }

    /// Everything stored once, as after a warm-up job.
    pub(super) fn warm_up(&mut self) -> Vec<Command> {
        let keys: Vec<Key> = self.all_keys().collect();
        keys.into_iter().map(|key| self.store(key)).collect()
    }

    /// What happens at the beginning of a phase.
    pub(super) fn enter(&self, phase: Phase) -> Vec<Command> {
        if phase != Phase::TtlCliff {
            return Vec::new();
        }
        self.all_keys()
            .filter(|key| {
                self.families
                    .get(key.family)
                    .is_some_and(|f| f.warmed_together)
            })
            .map(|key| vec![b"EXPIRE".to_vec(), self.name(key), b"1".to_vec()])
            .collect()
    }

    /// The lookups of a batch.
    pub(super) fn lookups(&mut self, count: usize) -> Vec<Key> {
        (0..count).map(|_| self.draw()).collect()
    }

    /// The command that looks a key up.
    pub(super) fn get(&self, key: Key) -> Command {
        vec![b"GET".to_vec(), self.name(key)]
    }

    /// What is stored after a batch: the missed keys that the backend could load, and the batch job's exports.
    pub(super) fn stores(&mut self, missed: &[Key], phase: Phase) -> Vec<Command> {
        let backend_keeps_up = match phase {
            Phase::TtlCliff => 0.06,
            Phase::EvictionPressure => 0.6,
            Phase::Healthy | Phase::Rest | Phase::Recovery => 1.0,
        };
        let mut commands = Vec::new();
        for key in missed {
            let exists = self
                .families
                .get(key.family)
                .is_some_and(|f| key.rank < f.keys);
            if exists && self.rng.f64() < backend_keeps_up {
                commands.push(self.store(*key));
            }
        }
        if phase == Phase::EvictionPressure {
            for _ in 0..EXPORTS_PER_BATCH {
                self.exports += 1;
                let name = format!("export:{}", self.exports).into_bytes();
                commands.push(set(name, EXPORT_BYTES, EXPORT_TTL));
            }
        }
        commands
    }

    fn all_keys(&self) -> impl Iterator<Item = Key> + '_ {
        let families = self.families.iter().enumerate();
        families.flat_map(|(family, f)| (0..f.keys).map(move |rank| Key { family, rank }))
    }

    fn draw(&mut self) -> Key {
        let mut at = self.rng.f64();
        let mut chosen = 0;
        for (index, family) in self.families.iter().enumerate() {
            chosen = index;
            at -= family.share;
            if at < 0.0 {
                break;
            }
        }
        let Some(family) = self.families.get(chosen) else {
            return Key { family: 0, rank: 0 };
        };
        let rank = if self.rng.f64() < UNKNOWN_SHARE {
            family.keys + self.rng.usize(..10_000_000)
        } else {
            family.popularity.draw(&mut self.rng)
        };
        Key {
            family: chosen,
            rank,
        }
    }

    fn store(&mut self, key: Key) -> Command {
        let (bytes, (from, to)) = self
            .families
            .get(key.family)
            .map_or((1, (1, 2)), |f| (f.value_bytes, f.ttl));
        let ttl = self.rng.u32(from..to);
        set(self.name(key), bytes, ttl)
    }

    /// Session ids and AI answers look random, as they do in life; products are numbered.
    fn name(&self, key: Key) -> Vec<u8> {
        let Some(family) = self.families.get(key.family) else {
            return Vec::new();
        };
        if family.suffix.is_empty() {
            let id = (key.rank as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5bd1_e995_0000_0000;
            format!("{}{id:016x}", family.prefix).into_bytes()
        } else {
            format!("{}{}{}", family.prefix, key.rank, family.suffix).into_bytes()
        }
    }
}

fn set(name: Vec<u8>, value_bytes: usize, ttl: u32) -> Command {
    vec![
        b"SET".to_vec(),
        name,
        vec![b'x'; value_bytes],
        b"EX".to_vec(),
        ttl.to_string().into_bytes(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ttl_cliff_expires_what_was_warmed_together() {
        let workload = Workload::new(1);
        assert!(workload.enter(Phase::Healthy).is_empty());
        let cliff = workload.enter(Phase::TtlCliff);
        assert_eq!(cliff.len(), 9_000);
        assert!(
            cliff
                .iter()
                .all(|command| !command[1].starts_with(b"session:"))
        );
    }

    #[test]
    fn unknown_things_are_never_stored() {
        let mut workload = Workload::new(1);
        let unknown = Key {
            family: 0,
            rank: 20_000,
        };
        assert!(workload.stores(&[unknown], Phase::Healthy).is_empty());
        assert_eq!(
            workload
                .stores(&[Key { family: 0, rank: 5 }], Phase::Healthy)
                .len(),
            1
        );
    }

    #[test]
    fn a_batch_job_runs_only_under_eviction_pressure() {
        let mut workload = Workload::new(1);
        assert_eq!(
            workload.stores(&[], Phase::EvictionPressure).len(),
            EXPORTS_PER_BATCH
        );
        assert!(workload.stores(&[], Phase::Recovery).is_empty());
    }
}
