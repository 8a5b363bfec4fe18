//! `--once`: one report after a while, as text or JSON.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::super::table;
use super::Engine;
use super::columns;
use super::grid::Grid;
use super::screen::{self, Sentence, Tone};
use super::state::State;
use crate::model::snapshot::{CacheSnapshot, CacheState, Snapshot};
use crate::serve;

/// So many namespaces of each cache are listed.
const NAMESPACES: usize = 20;

/// Looks for so long, or until told to stop, and prints. Code 1 when a cache is down.
pub(super) async fn run(engine: &Engine, length: Duration, json: bool) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        () = engine.cancel.cancelled() => {}
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let snapshot = engine.published.load_full();
    let report = if json {
        let mut json = serde_json::to_string_pretty(&serve::caches(&snapshot))
            .context("cannot write the report as JSON")?;
        json.push('\n');
        json
    } else {
        text(&snapshot)
    };
    match std::io::stdout().lock().write_all(report.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        result => result.context("cannot print the report")?,
    }
    Ok(ExitCode::from(u8::from(
        snapshot.caches.iter().any(|c| is_down(c)),
    )))
}

/// Whether nothing has answered, be it for the first time.
fn is_down(cache: &CacheSnapshot) -> bool {
    matches!(cache.state, CacheState::Down | CacheState::Starting)
}

/// The report as text.
fn text(snapshot: &Snapshot) -> String {
    let mut out = screen::header(snapshot).join("   ");
    out.push_str("\n\nCaches, last 5 min\n");
    let rows: Vec<_> = snapshot.caches.iter().map(|c| screen::row(c)).collect();
    out.push_str(&render(columns::caches(&rows, usize::MAX)));
    for cache in &snapshot.caches {
        out.push('\n');
        namespaces(cache, &mut out);
    }
    out.push('\n');
    for sentence in screen::status(snapshot, None) {
        line(&sentence, "", &mut out);
    }
    out
}

fn namespaces(cache: &CacheSnapshot, out: &mut String) {
    let state = State::default();
    // Writing to a String cannot fail.
    writeln!(out, "{}", screen::about(cache, &state)).unwrap_or_default();
    let mut rows = screen::namespaces(cache, &state);
    let more = rows.len().saturating_sub(NAMESPACES);
    rows.truncate(NAMESPACES);
    if rows.is_empty() {
        writeln!(out, "  {}", screen::nothing(cache, &state)).unwrap_or_default();
    } else {
        for row in render(columns::namespaces(&rows, usize::MAX)).lines() {
            writeln!(out, "  {row}").unwrap_or_default();
        }
    }
    if more > 0 {
        writeln!(out, "  and {more} more").unwrap_or_default();
    }
    let sentences = screen::errors(cache)
        .into_iter()
        .chain(screen::events(cache))
        .chain(screen::unnamed(cache));
    for sentence in sentences {
        line(&sentence, "  ", out);
    }
}

fn line(sentence: &Sentence, indent: &str, out: &mut String) {
    let more = if sentence.tone == Tone::Command {
        "  "
    } else {
        ""
    };
    writeln!(out, "{indent}{more}{}", sentence.text).unwrap_or_default();
}

fn render(grid: Grid) -> String {
    let headings = grid.headings.iter().map(|h| h.title.to_owned()).collect();
    let mut rows = vec![headings];
    rows.extend(grid.rows);
    table::render(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::fixture;

    #[test]
    fn the_report_reads_well() {
        let report = text(&fixture::rich());
        let golden = include_str!("testdata/report.txt");
        assert!(report == golden, "the report changed; it is now\n{report}");
    }

    #[test]
    fn a_report_holds_no_control_characters() {
        let report = text(&fixture::hostile());
        assert!(
            !report.chars().any(|c| c.is_control() && c != '\n'),
            "{report:?}"
        );
    }
}
