//! What is to be seen, in words: for those who cannot see the picture, and where there is none.
//!
//! Built from the same data as the picture, without thinning. Invariant: one line of plain text of bounded length.

use jiff::Timestamp;

use super::input::{Chart, MAX_BANDS, MAX_MARKS, MAX_SERIES, Side};
use super::scale::seconds;
use super::text::{MAX_CHARS, clean};
use super::thin;
use super::words::{length, moment, value};

/// How many incidents and annotations are told one by one.
const TOLD: usize = 5;

/// What is to be seen, in words, built from the data: for the `alt` of an `<img>` and the text of a message. One line of
/// plain text, not escaped for HTML. It also tells what was left out.
pub fn alt_text(chart: &Chart) -> String {
    let span = seconds(chart.from, chart.to);
    let with_day = span > 86_400.0;
    let when = |at: Timestamp| moment(at, with_day);
    let mut parts = Vec::new();

    let mut told: Vec<String> = chart
        .series
        .iter()
        .take(MAX_SERIES)
        .map(|series| {
            let name = match chart.series.len() {
                1 => String::new(),
                _ => format!("{} ", clean(&series.name, MAX_CHARS)),
            };
            format!("{name}{}", numbers(chart, &series.points, span, with_day))
        })
        .collect();
    if told.is_empty() {
        told.push("no data".to_owned());
    }
    if let Some(limit) = chart.limit.as_ref().filter(|l| l.value.is_finite()) {
        told.push(format!(
            "{} {}",
            clean(&limit.name, MAX_CHARS),
            value(chart.unit, limit.value)
        ));
    }
    let separator = if told.len() > 2 { "; " } else { ", " };
    parts.push(format!(
        "{} over {} to {} UTC: {}",
        clean(&chart.title, MAX_CHARS),
        length(span.max(0.0)),
        moment(chart.to, true),
        told.join(separator)
    ));

    let bands: Vec<String> = chart
        .bands
        .iter()
        .filter(|b| b.from <= chart.to && b.to.is_none_or(|to| to >= chart.from))
        .map(|band| {
            let label = clean(&band.label, MAX_CHARS);
            match band.to {
                Some(to) => format!("{label} from {} to {}", when(band.from), when(to)),
                None => format!("{label} since {}", when(band.from)),
            }
        })
        .collect();
    listed(&mut parts, "Shaded", &bands);
    let marks: Vec<String> = chart
        .marks
        .iter()
        .filter(|m| m.is_within(chart))
        .map(|mark| {
            let label = clean(&mark.label, MAX_CHARS);
            match mark.end() {
                Some(end) => format!("{label} from {} to {}", when(mark.at), when(end)),
                None => format!("{label} at {}", when(mark.at)),
            }
        })
        .collect();
    listed(&mut parts, "Marked", &marks);

    let cuts: Vec<String> = [
        ("series", chart.series.len(), MAX_SERIES),
        ("shaded spans", bands.len(), MAX_BANDS),
        ("marks", marks.len(), MAX_MARKS),
    ]
    .into_iter()
    .filter(|(_, has, most)| has > most)
    .map(|(what, has, most)| format!("{} of {has} {what}", has - most))
    .collect();
    if !cuts.is_empty() {
        parts.push(format!("Not drawn: {}", cuts.join(", ")));
    }
    let mut text = parts.join(". ");
    text.push('.');
    text
}

/// `now 34 %, highest 41 % at 14:02, 2 gaps`.
fn numbers(chart: &Chart, points: &super::Points, span: f64, with_day: bool) -> String {
    let samples = thin::samples(points, chart.from, chart.to);
    let known = || samples.iter().filter_map(|(at, v)| Some((*at, (*v)?)));
    let side = chart.limit.as_ref().map_or(Side::Below, |limit| limit.side);
    let (word, extreme) = match side {
        Side::Below => ("highest", known().rev().max_by(|a, b| a.1.total_cmp(&b.1))),
        Side::Above => ("lowest", known().min_by(|a, b| a.1.total_cmp(&b.1))),
    };
    let (Some(last), Some(extreme)) = (known().next_back(), extreme) else {
        return "no data".to_owned();
    };
    let when = |at: f64| {
        let at = jiff::SignedDuration::try_from_secs_f64(at).unwrap_or_default();
        moment(chart.from.saturating_add(at).unwrap_or(chart.to), with_day)
    };
    let reach = thin::reach(&samples, chart.step);
    let mut told = if span - last.0 > reach.max(span / 100.0) {
        format!("last {} at {}", value(chart.unit, last.1), when(last.0))
    } else {
        format!("now {}", value(chart.unit, last.1))
    };
    // Of a value that never changes there is no more to say.
    if known().any(|(_, v)| v.total_cmp(&last.1).is_ne()) {
        let highest = value(chart.unit, extreme.1);
        told.extend([", ", word, " ", &highest, " at ", &when(extreme.0)]);
    }
    match thin::runs(&samples, reach, span, usize::MAX).len() {
        0 | 1 => {}
        2 => told.push_str(", 1 gap"),
        runs => told.extend([", ", &(runs - 1).to_string(), " gaps"]),
    }
    told
}

/// The last few one by one, the others by number.
fn listed(parts: &mut Vec<String>, title: &str, all: &[String]) {
    let skip = all.len().saturating_sub(TOLD);
    let told = all.get(skip..).unwrap_or_default().join(", ");
    match (told.is_empty(), skip) {
        (true, _) => {}
        (false, 0) => parts.push(format!("{title}: {told}")),
        (false, _) => parts.push(format!("{title}: {told}, and {skip} earlier")),
    }
}
