//! What pages say of the sample snapshot.

use super::*;
use crate::export::sample;

fn cache_page(name: &str) -> String {
    let snapshot = sample::rich();
    let cache = snapshot.caches.iter().find(|c| c.name.as_str() == name);
    let frame = Frame::new(&snapshot, "", 1);
    let charts = ChartsView::none(
        crate::serve::charts::request::Range::default(),
        String::new(),
    );
    CachePage::new(&snapshot, cache.unwrap(), charts, frame)
        .render()
        .unwrap()
}

#[test]
fn a_caches_page_says_what_the_snapshot_says() {
    let html = ["products", "sessions"].map(cache_page).concat();
    for expected in [
        "39.0\u{a0}%",
        "Valkey 8.1.4",
        "has 58.8\u{a0}% of the misses; 92.6\u{a0}% of them had been evicted.",
        "Would more memory help?",
        "line 14, column 10: no host",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
}

#[test]
fn what_a_server_says_is_only_text() {
    let snapshot = sample::rich();
    let names: Vec<_> = snapshot.caches.iter().map(|c| c.name.as_str()).collect();
    let all: String = names.into_iter().map(cache_page).collect();
    assert!(!all.contains("<script>"));
    assert!(!all.contains('\u{1b}'));
    assert!(all.contains("&#60;script&#62;"));
}
