//! What the keys do and what the columns mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::wrap::wrap;
use super::{BOLD, put, take_top};

const KEYS: [(&str, &str); 9] = [
    ("↑ ↓ k j", "choose a row; PageUp, PageDown, Home, End jump"),
    ("Tab", "go to the other table"),
    (
        "s",
        "sort namespaces by misses, evictions, expirations, name, cost",
    ),
    (
        "/",
        "show only names that contain a text; Enter keeps it, Esc clears it",
    ),
    ("p", "let the numbers stand still; again to go on"),
    ("?", "this page"),
    ("q Esc ^C", "quit"),
    ("", ""),
    (
        "",
        "Until you choose a cache, the one that needs a look most is chosen.",
    ),
];

const COLUMNS: [(&str, &str); 8] = [
    ("HIT RATIO", "of the lookups, so many found their key"),
    (
        "AT MOST",
        "what the hit ratio is at most, with 99 % certainty",
    ),
    (
        "EVENTS",
        "how many of the misses that the server counts came as events",
    ),
    ("SHARE", "of all misses of the cache in the time shown"),
    (
        "causes",
        "why the key was not there: NEVER SEEN means that nobody removed it lately",
    ),
    (
        "REPEATS",
        "misses of a key that was missed before and that nobody has refilled",
    ),
    (
        "STAMPEDES",
        "further misses of a key while it was being refilled",
    ),
    ("–", "not known"),
];

/// Paints it, as far as there is room.
pub(super) fn paint(area: Rect, buffer: &mut Buffer) {
    let mut rest = area;
    take_top(&mut rest, 1);
    let label = 11;
    let room = usize::from(area.width).saturating_sub(label);
    let gap = [("", "")];
    for (key, what) in KEYS.iter().chain(&gap).chain(&COLUMNS) {
        for (i, line) in wrap(what, room).iter().enumerate() {
            let row = take_top(&mut rest, 1);
            if i == 0 {
                put(buffer, row, 1, key, BOLD);
            }
            put(buffer, row, label, line, Style::new());
        }
    }
}
