//! Keys pressed one after the other, and what the view shows then.

use proptest::prelude::*;

use super::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

/// Presses keys one after the other, with three caches and four namespaces.
fn press(state: &mut State, codes: &[KeyCode]) {
    let (caches, namespaces) = (
        names(&["a", "b", "c"]),
        names(&["u:*", "v:*", "w:*", "other"]),
    );
    let find = |names: &[String], name: Option<&String>| {
        name.and_then(|n| names.iter().position(|m| m == n))
            .unwrap_or(0)
    };
    for code in codes {
        let shown = Shown {
            caches: &caches,
            cache: find(&caches, state.cache.as_ref()),
            namespaces: &namespaces,
            namespace: find(&namespaces, state.namespace.as_ref()),
        };
        state.key(KeyEvent::from(*code), shown);
    }
}

fn after(codes: &[KeyCode]) -> State {
    let mut state = State::default();
    press(&mut state, codes);
    state
}

use KeyCode::{Backspace, Char, Down, End, Enter, Esc, Home, PageDown, Tab, Up};

#[test]
fn arrows_move_within_the_pane_and_stop_at_its_ends() {
    assert_eq!(after(&[Down]).cache.as_deref(), Some("b"));
    assert_eq!(after(&[Down, Down, Down, Down]).cache.as_deref(), Some("c"));
    assert_eq!(after(&[Up]).cache.as_deref(), Some("a"));
    assert_eq!(
        after(&[Char('j'), Char('j'), Char('k')]).cache.as_deref(),
        Some("b")
    );
    let state = after(&[Tab, Down, Down]);
    assert_eq!(
        (state.cache, state.namespace.as_deref()),
        (None, Some("w:*"))
    );
    assert_eq!(after(&[Tab, PageDown]).namespace.as_deref(), Some("other"));
    assert_eq!(after(&[Tab, End, Home]).namespace.as_deref(), Some("u:*"));
    assert_eq!(after(&[Tab, Tab]).pane, Pane::Caches);
}

#[test]
fn another_cache_begins_at_its_first_namespace() {
    let mut state = after(&[Tab, Down, Tab]);
    assert!(state.namespace.is_some());
    press(&mut state, &[Up]);
    assert!(state.namespace.is_some(), "still the same cache");
    press(&mut state, &[Down]);
    assert_eq!(state.namespace, None);
}

#[test]
fn s_goes_round_all_orders() {
    let mut state = State::default();
    let round: Vec<_> = (0..6)
        .map(|_| {
            let now = state.sort.as_str();
            press(&mut state, &[Char('s')]);
            now
        })
        .collect();
    assert_eq!(
        round,
        [
            "misses",
            "evictions",
            "expirations",
            "name",
            "cost",
            "misses"
        ]
    );
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let typing = [Tab, Char('/'), Char('q'), Char('s'), Char('x'), Backspace];
    let mut state = after(&typing);
    assert!(state.mode == Mode::Typing && !state.quit);
    assert_eq!(
        (state.namespace_filter.as_str(), state.cache_filter.as_str()),
        ("qs", "")
    );
    assert_eq!(state.sort, Sort::Misses, "letters go into the filter");
    press(&mut state, &[Enter]);
    assert!(state.mode == Mode::Command);
    assert_eq!(state.filter(), "qs");
    press(&mut state, &[Esc]);
    assert_eq!(
        (state.filter(), state.quit),
        ("", false),
        "the first Esc clears the filter"
    );
    press(&mut state, &[Esc]);
    assert!(state.quit);
    let given_up = after(&[Char('/'), Char('z'), Esc]);
    assert_eq!(
        (given_up.filter(), given_up.mode, given_up.quit),
        ("", Mode::Command, false)
    );
    let endless = after(&[&[Char('/')][..], &[Char('é'); 200]].concat());
    assert_eq!(endless.filter().chars().count(), MAX_FILTER);
}

#[test]
fn keys_that_end_it() {
    assert!(after(&[Char('q')]).quit);
    assert!(after(&[Esc]).quit);
    for mut state in [State::default(), after(&[Char('/')]), after(&[Char('?')])] {
        state.key(
            KeyEvent::new(Char('c'), KeyModifiers::CONTROL),
            Shown::default(),
        );
        assert!(state.quit);
    }
    let state = after(&[Char('?'), Char('q')]);
    assert!(
        !state.quit && state.mode == Mode::Command,
        "a key closes the help and does nothing else"
    );
    assert!(after(&[Char('p')]).paused);
    assert!(!after(&[Char('p'), Char('p')]).paused);
}

fn any_code() -> impl Strategy<Value = KeyCode> {
    prop_oneof![
        prop::sample::select(vec![
            Up,
            Down,
            PageDown,
            Home,
            End,
            Tab,
            Enter,
            Esc,
            Backspace,
            KeyCode::F(5),
            KeyCode::Null,
        ]),
        any::<char>().prop_map(Char),
        prop::sample::select("jks/p?qhu".chars().collect::<Vec<_>>()).prop_map(Char),
    ]
}

proptest! {
    #[test]
    fn whatever_is_pressed_the_state_stays_sound(codes in prop::collection::vec((any_code(), any::<bool>()), 0..60), empty: bool) {
        let rows = if empty { vec![] } else { names(&["a", "b"]) };
        let mut state = State::default();
        for (code, control) in codes {
            let modifiers = if control { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            let shown = Shown { caches: &rows, namespaces: &rows, cache: 7, namespace: 0 };
            state.key(KeyEvent::new(code, modifiers), shown);
            for filter in [&state.cache_filter, &state.namespace_filter] {
                prop_assert!(filter.chars().count() <= MAX_FILTER);
                prop_assert!(!filter.chars().any(char::is_control));
            }
            for chosen in [&state.cache, &state.namespace].into_iter().flatten() {
                prop_assert!(rows.contains(chosen));
            }
        }
    }
}
