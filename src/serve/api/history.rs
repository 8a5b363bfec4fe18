//! `/api/v1/caches/{cache}/history`: what happened to a cache, slot by slot, as far back as it is kept.
//!
//! Deliberately absent: gaps. A slot of which nothing is known has no point.
//!
//! Invariant: at most [`MOST`] points, whatever the span.

use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Refusal, store};
use super::query::Asked;
use crate::model::name::Name;
use crate::model::record::{HistoryPoint, RESOLUTIONS};
use crate::serve::AppState;

/// What is shown when nothing is said.
const USUAL: Duration = Duration::from_hours(1);
/// Points in one answer, when nothing is said.
const POINTS: usize = 360;
/// The most points in one answer.
const MOST: usize = 3_000;

#[derive(Serialize)]
struct Answer<'a> {
    cache: &'a str,
    from: Timestamp,
    to: Timestamp,
    /// How wide the slots are that are kept so far back. Points are sums of one or more of them.
    slot_seconds: u32,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    #[serde(flatten)]
    point: HistoryPoint,
    miss_ratio: Option<f64>,
}

/// The points of a time, oldest first.
pub(super) async fn history(
    State(state): State<AppState>,
    Path(cache): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = Asked::read(query.as_deref(), &["from", "to", "points"])?;
    let now = state.clock.now().wall;
    let (from, to) = asked.span(USUAL, now)?;
    let most = asked.number("points", 1..=MOST, POINTS)?;
    let no_cache = || {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "no cache of this name is watched, and nothing is kept of one",
            "GET /api/v1/caches lists those that are watched",
        )
    };
    let name = Name::new(&cache).map_err(|_| no_cache())?;
    let points = store(&state)?.history(&name, from, to, most).await?;
    let snapshot = state.snapshot.load();
    if points.is_empty() && !snapshot.caches.iter().any(|cache| cache.name == name) {
        return Err(no_cache());
    }
    let answer = Answer {
        cache: name.as_str(),
        from,
        to,
        slot_seconds: slot_seconds(from, now),
        points: points.into_iter().map(with_ratio).collect(),
    };
    Ok(Json(answer).into_response())
}

/// The narrowest slots that are kept back to `from`.
fn slot_seconds(from: Timestamp, now: Timestamp) -> u32 {
    let age = u64::try_from(now.duration_since(from).as_secs()).unwrap_or(0);
    let widths = RESOLUTIONS.iter();
    let reaching = widths.clone().find(|(_, kept)| *kept >= age);
    reaching
        .or(widths.last())
        .map_or(0, |(seconds, _)| *seconds)
}

fn with_ratio(point: HistoryPoint) -> Point {
    let lookups = point.hits.zip(point.misses);
    let ratio = lookups.and_then(|(hits, misses)| {
        let all = hits.saturating_add(misses);
        (all > 0).then(|| misses as f64 / all as f64)
    });
    Point {
        point,
        miss_ratio: ratio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_what_reaches_far_enough() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let ago = |hours: i64| now - jiff::SignedDuration::from_hours(hours);
        assert_eq!(slot_seconds(ago(-1), now), 10);
        assert_eq!(slot_seconds(ago(2), now), 10);
        assert_eq!(slot_seconds(ago(3), now), 60);
        assert_eq!(slot_seconds(ago(24 * 9), now), 900);
        assert_eq!(slot_seconds(ago(24 * 900), now), 900);
    }
}
