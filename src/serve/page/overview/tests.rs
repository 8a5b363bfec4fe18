//! The overview as text: what it says of a snapshot, and what searching, filtering and sorting leave of it.
//!
//! Deliberately absent: how it looks, which the browser tests see.

use super::*;
use crate::export::sample;

fn page(q: &str, state: &str, sort: &str) -> String {
    let snapshot = sample::rich();
    let query = Query {
        q: q.to_owned(),
        state: state.to_owned(),
        sort: sort.to_owned(),
    };
    let frame = Frame::new(&snapshot, "/", 1);
    Overview::new(&snapshot, query, frame).render().unwrap()
}

/// The caches shown, in order.
fn shown(html: &str) -> Vec<&str> {
    let links = html.split("href=\"/caches/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn it_says_what_the_snapshot_says() {
    let html = page("", "", "");
    for expected in [
        "4 caches: 1 down, 1 alert firing, 1 starting, 1 ok",
        "61.0\u{a0}%",
        "line 14, column 10: no host",
        "had been evicted",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
}

#[test]
fn troubles_come_first_unless_one_asks_otherwise() {
    let worst = page("", "", "");
    assert_eq!(shown(&worst)[0], "answers");
    let by_name = page("", "", "name");
    let mut sorted = shown(&by_name);
    sorted.sort_unstable();
    assert_eq!(shown(&by_name), sorted);
    assert_eq!(shown(&page("", "", "no such order")), shown(&worst));
}

#[test]
fn search_and_filter() {
    assert_eq!(shown(&page("SESS", "", "")), ["sessions"]);
    assert_eq!(shown(&page("", "down", "")), ["answers"]);
    let none = page("<b>\"no such", "", "");
    assert!(shown(&none).is_empty() && none.contains("None of the 4 caches matches"));
    assert!(none.contains("value=\"&#60;b&#62;&#34;no such\""));
}
