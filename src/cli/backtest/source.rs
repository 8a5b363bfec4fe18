//! Where history comes from: a store that is only read, a running cachewatch, a CSV file.
//!
//! Slots come in three widths, and each question gets a bounded number of them; `chunks` says what to ask so that all come
//! in the finest width that is kept.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::remote::{Remote, RemoteArgs};
use super::super::told;
use super::{BacktestArgs, csv};
use crate::alert::replay::Slot;
use crate::config::Config;
use crate::model::name::{CacheName, Name};
use crate::model::record::{HistoryPoint, RESOLUTIONS};
use crate::model::time::{Clock, SystemClock};
use crate::store::{Backend, Reader};

/// Slots in one question; a few fewer than may be.
const AT_ONCE: i64 = 2_880;
/// Points that are asked for, so that slots are not summed up.
const POINTS: usize = 3_000;
/// Slots that are about to be removed are not relied on.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

pub(super) enum Source {
    Kept(Reader, Arc<SystemClock>),
    Running(Remote, Arc<SystemClock>),
    File(Vec<Slot>),
}

impl Source {
    pub(super) async fn open(args: &BacktestArgs, config: &Config) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock::start());
        if let Some(path) = &args.csv {
            return Ok(Self::File(csv::read(path, args.deltas)?));
        }
        if let Some(url) = &args.url {
            return Ok(Self::Running(RemoteArgs::at(url.clone()).connect()?, clock));
        }
        let backend = Backend::of(config);
        if backend == Backend::Memory {
            bail!(
                "this configuration keeps no history: it has neither data_dir nor store. Give --data-dir, ask a running cachewatch with --url, or read a --csv"
            );
        }
        let reader = Reader::open(&backend)
            .await
            .context("the history cannot be read")?;
        Ok(Self::Kept(reader, clock))
    }

    /// All there is history of.
    pub(super) async fn caches(&self, config: &Config) -> anyhow::Result<Vec<CacheName>> {
        let configured = config.caches.iter().map(|cache| cache.name.clone());
        match self {
            Self::Kept(..) => Ok(configured.collect()),
            Self::File(_) => Ok(configured.take(1).collect()),
            Self::Running(remote, _) => {
                let found = remote.get(&["caches"], &[]).await?;
                let names = told::list(&found, "caches").iter();
                let names = names.filter_map(|cache| cache.get("name")?.as_str());
                Ok(names.filter_map(|name| Name::new(name).ok()).collect())
            }
        }
    }

    /// What happened to a cache in this time, in order.
    pub(super) async fn slots(
        &mut self,
        cache: &CacheName,
        last: Duration,
    ) -> anyhow::Result<Vec<Slot>> {
        let mut slots = Vec::new();
        match self {
            Self::File(read) => {
                let end = read.last().map_or(Timestamp::MIN, Slot::end);
                let last = SignedDuration::try_from(last).unwrap_or(SignedDuration::MAX);
                let from = end.saturating_sub(last).unwrap_or(Timestamp::MIN);
                slots.extend(read.iter().filter(|slot| slot.point.at >= from));
            }
            Self::Kept(reader, clock) => {
                let now = clock.now().wall;
                for chunk in chunks(now, last) {
                    let points = reader
                        .history(cache, (chunk.from, chunk.to), POINTS, now)
                        .await
                        .context("the history cannot be read")?;
                    slots.extend(points.into_iter().map(|point| chunk.slot(point)));
                }
            }
            Self::Running(remote, clock) => {
                let path = ["caches", cache.as_str(), "history"];
                for chunk in chunks(clock.now().wall, last) {
                    let query = [
                        ("from", chunk.from.to_string()),
                        ("to", chunk.to.to_string()),
                        ("points", POINTS.to_string()),
                    ];
                    let found = remote.get(&path, &query).await?;
                    let points = told::list(&found, "points").iter().map(point);
                    for point in points {
                        slots.push(chunk.slot(point?));
                    }
                }
            }
        }
        Ok(slots)
    }
}

fn point(value: &Value) -> anyhow::Result<HistoryPoint> {
    use serde::Deserialize as _;
    HistoryPoint::deserialize(value)
        .context("the running cachewatch told a point that makes no sense")
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunk {
    from: Timestamp,
    to: Timestamp,
    width: u32,
}

impl Chunk {
    fn slot(&self, point: HistoryPoint) -> Slot {
        Slot {
            width: Duration::from_secs(self.width.into()),
            point,
        }
    }
}

/// What to ask, oldest first: each in the finest width that is kept so far back.
fn chunks(now: Timestamp, last: Duration) -> Vec<Chunk> {
    let last = SignedDuration::try_from(last).unwrap_or(SignedDuration::MAX);
    let start = now.saturating_sub(last).unwrap_or(Timestamp::MIN);
    let mut chunks = Vec::new();
    for (index, (width, kept)) in RESOLUTIONS.iter().enumerate().rev() {
        let reach = |kept: u64| {
            let kept = SignedDuration::from_secs(i64::try_from(kept).unwrap_or(i64::MAX)) - MARGIN;
            now.saturating_sub(kept).unwrap_or(Timestamp::MIN)
        };
        let finer = index
            .checked_sub(1)
            .and_then(|finer| RESOLUTIONS.get(finer));
        let end = finer.map_or(now, |(_, kept)| reach(*kept));
        let step = SignedDuration::from_secs(i64::from(*width) * AT_ONCE);
        let mut from = start.max(reach(*kept));
        while from < end {
            let to = from.saturating_add(step).unwrap_or(end).min(end);
            let width = *width;
            chunks.push(Chunk { from, to, width });
            from = to;
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_is_about_one_width_and_all_time_is_asked_for() {
        let now = Timestamp::from_second(2_000_000_000).unwrap();
        for hours in [1_u64, 2, 24, 7 * 24, 30 * 24, 399 * 24] {
            let last = Duration::from_hours(hours);
            let chunks = chunks(now, last);
            let asked = chunks.first().unwrap().from;
            assert_eq!(
                now.duration_since(asked).as_secs(),
                last.as_secs().cast_signed()
            );
            assert_eq!(chunks.last().unwrap().to, now);
            for pair in chunks.windows(2) {
                assert_eq!(pair[0].to, pair[1].from);
            }
            for chunk in &chunks {
                let slots = chunk.to.duration_since(chunk.from).as_secs() / i64::from(chunk.width);
                assert!(slots <= AT_ONCE, "{slots}");
                // A little later, as the store sees it, the same width is the finest that reaches so far.
                let age = now.duration_since(chunk.from).as_secs() + 60;
                let finest = RESOLUTIONS
                    .iter()
                    .find(|(_, kept)| kept.cast_signed() >= age);
                assert_eq!(finest.unwrap().0, chunk.width, "{chunk:?}");
            }
        }
        let widths: Vec<_> = chunks(now, Duration::from_hours(9 * 24))
            .iter()
            .map(|c| c.width)
            .collect();
        assert_eq!(widths, [900, 60, 60, 60, 60, 10]);
    }
}
