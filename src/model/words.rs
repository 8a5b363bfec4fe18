//! Numbers as people read them, alike wherever they are read: counts, bytes, lengths of time. Pure.
//!
//! Deliberately absent: what fits into a column of a terminal, ratios and money, which each place rounds for its own needs.
//!
//! Invariant: no line breaks within a number, or between it and its unit.

use std::time::Duration;

/// Between a number and its unit: no line break.
pub const NBSP: char = '\u{a0}';
/// Between groups of digits.
pub const THIN: char = '\u{202f}';

/// `18240` is `18 240`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(digit);
    }
    out
}

/// `96468992` is `92.0 MiB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" {
        format!("{n}{NBSP}B")
    } else {
        format!("{value:.1}{NBSP}{unit}")
    }
}

/// A length of time in its two largest units: `1 h 35 min`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let (large, small) = match seconds {
        0..60 => return format!("{seconds}{NBSP}s"),
        60..3600 => ((minutes, "min"), (seconds % 60, "s")),
        3600..86_400 => ((hours, "h"), (minutes, "min")),
        _ => ((days, "d"), (hours, "h")),
    };
    let large = format!("{}{NBSP}{}", large.0, large.1);
    if small.0 == 0 {
        return large;
    }
    format!("{large}{NBSP}{}{NBSP}{}", small.0, small.1)
}
