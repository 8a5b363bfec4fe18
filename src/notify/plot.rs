//! The series of a message as a picture: what `chart` needs, from the evidence.
//!
//! Invariant: no picture is better than no message; whatever goes wrong is logged and the message goes out without it.

use jiff::{SignedDuration, Timestamp};

use crate::chart::{
    Band, Chart, Limit, Look, Mark, Period, Points, Series, Side, Unit, alt_text, render_png,
};
use crate::model::incident::{self, Evidence, Notification, Transition};
use crate::model::window::Sparkline;

/// A picture, ready to be attached.
pub(crate) struct Picture {
    /// The bytes of the PNG.
    pub(crate) png: Vec<u8>,
    /// What is to be seen, in words.
    pub(crate) alt: String,
}

/// The chart of a notification; `None` where there is no series.
pub(crate) fn of(n: &Notification) -> Option<Chart> {
    let (title, unit, history, limit, above) = match &n.evidence {
        Evidence::MissRatio(e) => {
            let title = format!("Miss rate of {}", n.cache);
            (title, Unit::Ratio, &e.history, e.threshold, true)
        }
        Evidence::Signal(e) => {
            let title = format!("{} of {}", e.title, n.cache);
            (title, unit(&e.unit), &e.history, e.threshold, e.above)
        }
        Evidence::Down(_) | Evidence::Own(_) => return None,
    };
    let known = history.points.iter().flatten().filter(|v| v.is_finite());
    if known.count() < 2 || history.span.is_zero() {
        return None;
    }
    let period = Period::before(n.at, history.span);
    let mut chart = Chart::new(title, unit, period);
    chart.series = vec![Series::new("", points(history, n.at))];
    chart.limit = limit.is_finite().then(|| Limit {
        name: "limit".to_owned(),
        value: limit,
        side: if above { Side::Below } else { Side::Above },
    });
    if n.started >= period.from {
        chart.bands = vec![Band {
            from: n.started,
            to: (n.transition == Transition::Resolved).then_some(n.at),
            label: "firing".to_owned(),
        }];
    }
    let shown = n.coincidences.iter().filter(|c| c.at >= period.from);
    chart.marks = shown
        .map(|c| Mark {
            at: c.at,
            until: None,
            label: c.text.clone(),
        })
        .collect();
    Some(chart)
}

/// Draws it.
pub(crate) fn draw(chart: &Chart) -> Option<Picture> {
    let look = Look::for_message();
    match render_png(chart, &look) {
        Ok(png) => Some(Picture {
            png,
            alt: alt_text(chart),
        }),
        Err(error) => {
            tracing::warn!(%error, "the message goes out without its chart");
            None
        }
    }
}

/// Evenly spaced, the last one now.
fn points(history: &Sparkline, to: Timestamp) -> Points {
    let n = history.points.len();
    let step = history.span.as_secs_f64() / n.max(1) as f64;
    let points = history.points.iter().zip((0..n).rev());
    points
        .filter_map(|(value, back)| {
            let ago = SignedDuration::try_from_secs_f64(step * back as f64).ok()?;
            Some((to.checked_sub(ago).ok()?, *value))
        })
        .collect()
}

fn unit(unit: &incident::Unit) -> Unit {
    match unit {
        incident::Unit::Ratio => Unit::Ratio,
        incident::Unit::PerSecond => Unit::PerSecond,
        incident::Unit::Seconds => Unit::Seconds,
        incident::Unit::Bytes => Unit::Bytes,
        incident::Unit::PerHour(_) | incident::Unit::Count => Unit::Count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::notification;

    #[test]
    fn the_series_ends_at_the_transition() {
        let n = notification::miss_firing();
        let chart = of(&n).unwrap();
        let points = &chart.series[0].points;
        assert_eq!(points.len(), 60);
        assert_eq!(points[59].0, n.at);
        assert_eq!(points[59].0.duration_since(points[58].0).as_secs(), 60);
        assert_eq!(chart.bands[0].from, n.started);
        assert_eq!(chart.limit.unwrap().side, Side::Below);
        assert_eq!(of(&notification::down_firing()), None);
    }
}
