//! What the screen is made of: which cache, which order, which words; no terminal involved.

use super::*;
use crate::cli::top::fixture;

fn screen(change: impl FnOnce(&mut State)) -> Screen {
    let mut state = State::default();
    change(&mut state);
    Screen::new(&fixture::rich(), &state)
}

fn names(screen: &Screen) -> Vec<&str> {
    screen
        .shown()
        .namespaces
        .iter()
        .map(String::as_str)
        .collect()
}

#[test]
fn without_a_choice_the_cache_that_needs_a_look_is_shown() {
    let chosen = |s: &Screen| s.shown().caches[s.cache].clone();
    assert_eq!(chosen(&screen(|_| {})), "answers");
    assert_eq!(
        chosen(&screen(|s| s.cache = Some("products".into()))),
        "products"
    );
    let gone = screen(|s| s.cache = Some("no-longer-there".into()));
    assert_eq!(chosen(&gone), "answers");
}

#[test]
fn namespaces_are_sorted_as_chosen() {
    for (sort, expected) in [
        (
            Sort::Misses,
            ["ai_response:*", "product:*:detail", "cart:*", "other"],
        ),
        (
            Sort::Evictions,
            ["product:*:detail", "other", "ai_response:*", "cart:*"],
        ),
        (
            Sort::Expirations,
            ["ai_response:*", "cart:*", "product:*:detail", "other"],
        ),
        (
            Sort::Name,
            ["ai_response:*", "cart:*", "other", "product:*:detail"],
        ),
        (
            Sort::Cost,
            ["ai_response:*", "cart:*", "other", "product:*:detail"],
        ),
    ] {
        let screen = screen(|s| {
            s.cache = Some("products".into());
            s.sort = sort;
        });
        assert_eq!(names(&screen), expected, "{sort:?}");
    }
}

#[test]
fn shares_are_of_all_misses_whatever_the_filter_hides() {
    let filtered = screen(|s| {
        s.cache = Some("products".into());
        s.namespace_filter = "CART".into();
    });
    assert_eq!(names(&filtered), ["cart:*"]);
    let all = 5_050 + 1_362 + 654 + 47;
    assert_eq!(filtered.namespaces[0].share, Some(654.0 / f64::from(all)));
    let none = screen(|s| {
        s.cache = Some("products".into());
        s.namespace_filter = "zzz".into();
    });
    assert_eq!(none.nothing, "no namespace has this in its name");
    let no_cache = screen(|s| s.cache_filter = "zzz".into());
    assert!(no_cache.caches.is_empty() && no_cache.namespaces.is_empty());
    assert_eq!(no_cache.nothing, "no cache has this in its name");
}

#[test]
fn what_rests_on_too_few_events_says_so() {
    let products = screen(|s| s.cache = Some("products".into()));
    assert_eq!(
        products.about,
        "products by misses, last 5 min; only 93.1 % of events seen"
    );
    let sessions = screen(|s| s.cache = Some("sessions".into()));
    assert_eq!(sessions.about, "sessions by misses, last 5 min");
    assert!(
        sessions.nothing.starts_with("no misses, evictions"),
        "{}",
        sessions.nothing
    );
}

#[test]
fn the_remedy_stands_on_a_line_of_its_own() {
    let products = screen(|s| s.cache = Some("products".into()));
    let command = products
        .status
        .iter()
        .find(|s| s.tone == Tone::Command)
        .unwrap();
    assert_eq!(command.text, "CONFIG SET notify-keyspace-events Eexm");
    let tones: Vec<_> = products.status.iter().map(|s| s.tone).collect();
    let expected = [
        Tone::Bad,
        Tone::Warning,
        Tone::Command,
        Tone::Bad,
        Tone::Quiet,
    ];
    assert_eq!(
        tones, expected,
        "what concerns the chosen cache and can be mended comes first"
    );
    assert!(
        products.status[0]
            .text
            .starts_with("products: CacheMissRatioHigh firing for 6 min 40 s")
    );
    let down = screen(|_| {});
    assert!(
        down.status[0].text.starts_with("answers: CacheDown"),
        "the chosen cache first"
    );
}

#[test]
fn while_nothing_is_named_it_is_said_why() {
    let unnamed = |s: &Screen| {
        s.status
            .iter()
            .any(|s| s.text.contains("kept coming for 3 s"))
    };
    assert!(unnamed(&screen(|s| s.cache = Some("fresh".into()))));
    for named in ["products", "sessions", "answers"] {
        assert!(
            !unnamed(&screen(|s| s.cache = Some(named.into()))),
            "{named}"
        );
    }
}
