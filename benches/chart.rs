//! What a chart costs: SVG and PNG by number of points and by number of charts, beside the plainest SVG that could be
//! put together of the same points in the same run.
//!
//! A program that prints a table. Bounded: a fixed number of charts. What the ratio buys is axes, text, gaps and bounds.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark that cannot go on stops with a message"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use cachewatch::chart::{Chart, Look, Period, Points, render_png, render_svg};
use jiff::{SignedDuration, Timestamp};

/// The page's size.
const WIDTH: u32 = 720;
const HEIGHT: u32 = 260;

fn main() {
    println!("charts of {WIDTH}x{HEIGHT}; milliseconds a chart, best of 5 rounds");
    println!(
        "{:>7} {:>7} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "points", "charts", "naive SVG", "SVG", "PNG 1x", "PNG 2x", "SVG/naive", "SVG KB", "2x KB"
    );
    for (points, charts) in [(100, 1), (1000, 1), (10_000, 1), (360, 100), (360, 1000)] {
        let charts: Vec<Chart> = (0..charts).map(|i| chart(points, i)).collect();
        let look = Look::new(WIDTH, HEIGHT);
        let double = Look { scale: 2, ..look };
        let (naive_took, _) = best(&charts, |c| naive(c).len());
        let (svg_took, svg_size) = best(&charts, |c| render_svg(c, &look).unwrap().len());
        // A thousand PNGs at a time are nobody's need; a hundred tell the same.
        let few = charts.get(..charts.len().min(100)).unwrap_or_default();
        let (png_took, _) = best(few, |c| render_png(c, &look).unwrap().len());
        let (double_took, double_size) = best(few, |c| render_png(c, &double).unwrap().len());
        println!(
            "{points:>7} {:>7} {naive_took:>10.3} {svg_took:>10.3} {png_took:>10.2} {double_took:>10.2} {:>9.1} {:>9.1} {:>9.1}",
            charts.len(),
            svg_took / naive_took,
            svg_size / 1024.0,
            double_size / 1024.0
        );
    }
}

/// The time and the size of a chart, in milliseconds and bytes.
fn best(charts: &[Chart], draw: impl Fn(&Chart) -> usize) -> (f64, f64) {
    let mut best = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..5 {
        let start = Instant::now();
        bytes = charts.iter().map(|c| black_box(draw(black_box(c)))).sum();
        best = best.min(start.elapsed());
    }
    let n = charts.len().max(1) as f64;
    (best.as_secs_f64() * 1000.0 / n, bytes as f64 / n)
}

fn chart(points: u32, seed: u32) -> Chart {
    let to = Timestamp::from_second(1_795_442_400).unwrap();
    let period = Period::before(to, Duration::from_hours(6));
    let step = SignedDuration::from_secs_f64(21_600.0 / f64::from(points));
    let values: Points = (0..points)
        .map(|i| {
            let x = f64::from(i) / f64::from(points);
            let noise = f64::from((i + seed).wrapping_mul(2_654_435_769) >> 16) / 65_536.0;
            let value = 0.9 + 0.02 * noise - 0.3 * (-((x - 0.7) / 0.08).powi(2)).exp();
            (period.from + step * i.cast_signed(), Some(value))
        })
        .collect();
    Chart::hit_ratio("sessions", period, values, Some(0.2))
}

/// All points, one line, nothing else.
fn naive(chart: &Chart) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\"><polyline fill=\"none\" stroke=\"#000\" points=\""
    );
    let span = chart.to.duration_since(chart.from).as_secs_f64();
    for (at, value) in chart.series.iter().flat_map(|s| &s.points) {
        let x = at.duration_since(chart.from).as_secs_f64() / span * f64::from(WIDTH);
        let y = (1.0 - value.unwrap_or_default()) * f64::from(HEIGHT);
        write!(out, "{x:.2},{y:.2} ").unwrap();
    }
    out.push_str("\"/></svg>");
    out
}
