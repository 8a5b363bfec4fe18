//! Screens as text: golden ones, hostile names, and all sizes down to nothing.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::fixture;
use super::super::state::Sort;
use super::*;
use crate::model::snapshot::Snapshot;

/// What the terminal shows, line by line, without spaces at the ends.
fn shown(snapshot: &Snapshot, state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let screen = Screen::new(snapshot, state);
    terminal
        .draw(|frame| paint(&screen, state, frame.area(), frame.buffer_mut()))
        .unwrap();
    let buffer = terminal.backend().buffer();
    let mut out = String::new();
    for y in 0..height {
        let mut line = String::new();
        let mut covered = 0;
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            // A wide character covers the cells that follow.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = grid::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn products() -> State {
    State {
        cache: Some("products".to_owned()),
        pane: Pane::Namespaces,
        ..State::default()
    }
}

#[track_caller]
fn golden(expected: &str, got: &str) {
    assert!(expected == got, "what is shown changed; it is now\n{got}");
}

#[test]
fn on_a_wide_terminal() {
    let got = shown(&fixture::rich(), &products(), 160, 30);
    golden(include_str!("../testdata/wide.txt"), &got);
}

#[test]
fn on_the_smallest_usual_terminal() {
    let got = shown(&fixture::rich(), &products(), 80, 24);
    golden(include_str!("../testdata/usual.txt"), &got);
}

#[test]
fn on_a_tiny_terminal() {
    let got = shown(&fixture::rich(), &products(), 40, 12);
    golden(include_str!("../testdata/tiny.txt"), &got);
}

#[test]
fn the_help() {
    let help = State {
        mode: Mode::Help,
        ..State::default()
    };
    let got = shown(&fixture::rich(), &help, 80, 24);
    golden(include_str!("../testdata/help.txt"), &got);
}

#[test]
fn a_filter_and_a_pause_are_seen() {
    let state = State {
        paused: true,
        mode: Mode::Typing,
        namespace_filter: "cart".to_owned(),
        ..products()
    };
    let got = shown(&fixture::rich(), &state, 100, 24);
    for expected in ["PAUSED", "filter: cart▏", "cart:*", "Enter keep"] {
        assert!(got.contains(expected), "{expected:?} is missing in\n{got}");
    }
    assert!(!got.contains("ai_response"), "{got}");
}

#[test]
fn the_chosen_row_is_always_in_sight() {
    for rows in 0..40 {
        for height in 0..12 {
            for chosen in 0..rows {
                let first = first_shown(chosen, rows, height);
                assert!(first <= chosen && (height == 0 || chosen < first + height));
                assert!(
                    rows < height || first + height <= rows,
                    "no empty lines at the end"
                );
            }
        }
    }
}

#[test]
fn nothing_hostile_reaches_a_cell() {
    let got = shown(&fixture::hostile(), &products(), 200, 60);
    assert!(got.contains("\\u{1b}]0;owned"), "{got}");
    assert!(got.contains("セッション"), "{got}");
    assert!(!got.chars().any(|c| c.is_control() && c != '\n'), "{got:?}");
    assert!(!got.contains('\u{202e}'));
}

fn any_state() -> impl Strategy<Value = State> {
    let cache = prop::sample::select(vec![None, Some("products"), Some("fresh"), Some("gone")]);
    let flags = any::<(bool, bool)>();
    let mode = prop::sample::select(vec![Mode::Command, Mode::Typing, Mode::Help]);
    let filter = prop::sample::select(vec!["", "a", "zzz", "セ"]);
    (cache, flags, mode, filter).prop_map(|(cache, (lower, paused), mode, filter)| State {
        pane: if lower {
            Pane::Namespaces
        } else {
            Pane::Caches
        },
        cache: cache.map(str::to_owned),
        sort: Sort::Cost,
        namespace_filter: filter.to_owned(),
        mode,
        paused,
        ..State::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_size_will_do(width in 0_u16..220, height in 0_u16..70, state in any_state(), hostile: bool) {
        let snapshot = if hostile { fixture::hostile() } else { fixture::rich() };
        let got = shown(&snapshot, &state, width, height);
        prop_assert!(!got.chars().any(|c| c.is_control() && c != '\n'));
        if width >= 20 && height >= 1 {
            prop_assert!(got.starts_with("cachewatch"));
        }
    }
}
