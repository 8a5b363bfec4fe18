//! Paints a [`Screen`]: header, caches, namespaces, sentences, keys. Pure: it writes cells into a buffer.
//!
//! Deliberately absent: what the numbers mean, and the terminal.
//!
//! Invariant: any size will do, none at all included; what has no room is left out, the header and the chosen row last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::columns;
use super::grid::{self, GAP, Grid};
use super::screen::{Screen, Sentence, Tone};
use super::state::{Mode, Pane, State};
use crate::model::snapshot::CacheState;

mod help;
mod wrap;

use wrap::wrap;

const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Title and headings of a table.
const HEAD: usize = 2;

/// Paints all of it.
pub(super) fn paint(screen: &Screen, state: &State, area: Rect, buffer: &mut Buffer) {
    let mut rest = area;
    header(screen, state, take_top(&mut rest, 1), buffer);
    if usize::from(area.height) > HEAD + 2 {
        keys(state, take_bottom(&mut rest, 1), buffer);
    }
    if state.mode == Mode::Help {
        help::paint(rest, buffer);
        return;
    }
    let width = usize::from(rest.width);
    let height = usize::from(rest.height);
    let tables = screen.caches.len() + screen.namespaces.len().max(1) + 2 * HEAD;
    let most = (height / 3).max(height.saturating_sub(tables));
    let status = lines(&screen.status, width, most);
    let mut below = take_bottom(&mut rest, status.len());
    for (tone, line) in status {
        put(
            buffer,
            take_top(&mut below, 1),
            0,
            &line,
            sentence_style(tone),
        );
    }

    let height = usize::from(rest.height);
    let wanted = screen.caches.len() + HEAD;
    let caches = match state.pane {
        // Where there is room for one table only, it is the one in which the keys work.
        Pane::Caches if height < 2 * (HEAD + 1) => height,
        Pane::Namespaces if height < 2 * (HEAD + 1) => 0,
        _ => wanted.clamp(HEAD + 1, (height / 2).max(HEAD + 1)),
    };
    let upper = take_top(&mut rest, caches);
    let pane = |pane| PaneLook {
        focused: state.pane == pane,
        filter: match pane {
            Pane::Caches => &state.cache_filter,
            Pane::Namespaces => &state.namespace_filter,
        },
        typing: state.mode == Mode::Typing && state.pane == pane,
    };
    let grid = columns::caches(&screen.caches, width);
    let tones: Vec<_> = screen.caches.iter().map(|c| state_style(c.state)).collect();
    table(
        &pane(Pane::Caches),
        "Caches, last 5 min",
        &grid,
        (&tones, screen.cache),
        upper,
        buffer,
    );
    let grid = columns::namespaces(&screen.namespaces, width);
    let title = format!("Namespaces of {}", screen.about);
    let lower = rest;
    table(
        &pane(Pane::Namespaces),
        &title,
        &grid,
        (&[], screen.namespace),
        lower,
        buffer,
    );
    if grid.rows.is_empty() && usize::from(lower.height) > 1 {
        let mut line = lower;
        take_top(&mut line, 1);
        put(buffer, line, 0, &screen.nothing, DIM);
    }
}

fn header(screen: &Screen, state: &State, area: Rect, buffer: &mut Buffer) {
    let mut at = 0;
    let paused = state.paused.then(|| "PAUSED".to_owned());
    let pieces = screen
        .header
        .iter()
        .take(1)
        .chain(&paused)
        .chain(screen.header.iter().skip(1));
    for (i, piece) in pieces.enumerate() {
        let style = match (i, state.paused) {
            (0, _) => BOLD,
            (1, true) => CHOSEN,
            _ => Style::new(),
        };
        // A piece that would be cut is left out, but the first.
        if i > 0 && at + grid::width(piece) > usize::from(area.width) {
            return;
        }
        put(buffer, area, at, piece, style);
        at += grid::width(piece) + 3;
    }
}

fn keys(state: &State, area: Rect, buffer: &mut Buffer) {
    let keys: &[(&str, &str)] = if state.mode == Mode::Help {
        &[("any key", "back")]
    } else if state.mode == Mode::Typing {
        &[("letters", "filter"), ("Enter", "keep"), ("Esc", "clear")]
    } else {
        &[
            ("q", "quit"),
            ("?", "help"),
            ("↑↓", "choose"),
            ("Tab", "other table"),
            ("s", "sort"),
            ("/", "filter"),
            ("p", if state.paused { "go on" } else { "pause" }),
        ]
    };
    let mut at = 0;
    for (key, what) in keys {
        let width = grid::width(key) + 1 + grid::width(what);
        if at + width > usize::from(area.width) {
            return;
        }
        put(buffer, area, at, key, BOLD);
        put(buffer, area, at + grid::width(key) + 1, what, DIM);
        at += width + 3;
    }
}

/// How a pane looks besides its rows.
struct PaneLook<'a> {
    focused: bool,
    filter: &'a str,
    typing: bool,
}

fn table(
    pane: &PaneLook<'_>,
    title: &str,
    grid: &Grid,
    (styles, chosen): (&[Style], usize),
    area: Rect,
    buffer: &mut Buffer,
) {
    let mut rest = area;
    let line = take_top(&mut rest, 1);
    let mut title = format!("{} {title}", if pane.focused { "▶" } else { " " });
    if pane.typing || !pane.filter.is_empty() {
        title.push_str("; filter: ");
        title.push_str(pane.filter);
    }
    if pane.typing {
        title.push('▏');
    }
    let style = if pane.focused { BOLD } else { Style::new() };
    let title = cut(&title, usize::from(line.width));
    put(buffer, line, 0, &title, style.fg(Color::Cyan));
    let headings = take_top(&mut rest, 1);
    if grid.rows.is_empty() {
        return;
    }
    let titles = grid.headings.iter().map(|h| h.title);
    row(grid, titles, headings, DIM, buffer);

    let height = usize::from(rest.height);
    let first = first_shown(chosen, grid.rows.len(), height);
    for (at, cells) in grid.rows.iter().enumerate().skip(first).take(height) {
        let line = take_top(&mut rest, 1);
        let style = styles.get(at).copied().unwrap_or_default();
        row(grid, cells.iter().map(String::as_str), line, style, buffer);
        if at == chosen {
            buffer.set_style(line, if pane.focused { CHOSEN } else { BOLD });
        }
    }
}

/// The first row that is shown, so that the chosen one stands about in the middle.
fn first_shown(chosen: usize, rows: usize, height: usize) -> usize {
    let last = rows.saturating_sub(height);
    chosen.saturating_sub(height / 2).min(last)
}

fn row<'a>(
    grid: &Grid,
    cells: impl Iterator<Item = &'a str>,
    area: Rect,
    style: Style,
    buffer: &mut Buffer,
) {
    let mut at = 0;
    for (heading, cell) in grid.headings.iter().zip(cells) {
        let cell = cut(cell, heading.width);
        let indent = if heading.right {
            heading.width.saturating_sub(grid::width(&cell))
        } else {
            0
        };
        put(buffer, area, at + indent, &cell, style);
        at += heading.width + GAP;
    }
}

/// A text that takes no more than so many columns; what is cut is marked.
fn cut(text: &str, width: usize) -> String {
    if grid::width(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += grid::width(c.encode_utf8(&mut [0; 4]));
        if taken > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// The sentences in lines of a width, at most so many.
fn lines(sentences: &[Sentence], width: usize, most: usize) -> Vec<(Tone, String)> {
    let all: Vec<_> = sentences
        .iter()
        .flat_map(|s| wrap(&s.text, width).into_iter().map(|line| (s.tone, line)))
        .collect();
    let n = all.len();
    let mut shown: Vec<_> = all.into_iter().take(most).collect();
    if n > most
        && let Some((_, last)) = shown.last_mut()
    {
        *last = cut(&format!("{} more lines …", n - most + 1), width);
    }
    shown
}

fn sentence_style(tone: Tone) -> Style {
    match tone {
        Tone::Bad => Style::new().fg(Color::Red),
        Tone::Warning => Style::new().fg(Color::Yellow),
        Tone::Quiet => DIM,
        Tone::Command => BOLD,
    }
}

fn state_style(state: CacheState) -> Style {
    match state {
        CacheState::Down | CacheState::Firing => Style::new().fg(Color::Red),
        CacheState::Degraded | CacheState::Starting => Style::new().fg(Color::Yellow),
        CacheState::InsufficientTraffic => DIM,
        CacheState::Ok => Style::new(),
    }
}

/// Writes a text so many columns into the first line of an area, as far as there is room.
fn put(buffer: &mut Buffer, area: Rect, indent: usize, text: &str, style: Style) {
    let area = area.intersection(buffer.area);
    let indent = u16::try_from(indent).unwrap_or(u16::MAX);
    if area.height == 0 || indent >= area.width {
        return;
    }
    let room = usize::from(area.width - indent);
    buffer.set_stringn(area.x + indent, area.y, text, room, style);
}

/// Takes lines off the top of an area, as many as there are.
fn take_top(area: &mut Rect, lines: usize) -> Rect {
    let lines = u16::try_from(lines).unwrap_or(u16::MAX).min(area.height);
    let taken = Rect {
        height: lines,
        ..*area
    };
    area.y += lines;
    area.height -= lines;
    taken
}

/// Takes lines off the bottom of an area, as many as there are.
fn take_bottom(area: &mut Rect, lines: usize) -> Rect {
    let lines = u16::try_from(lines).unwrap_or(u16::MAX).min(area.height);
    area.height -= lines;
    Rect {
        y: area.y + area.height,
        height: lines,
        ..*area
    }
}

#[cfg(test)]
mod tests;
