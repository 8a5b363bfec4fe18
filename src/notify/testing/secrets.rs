//! The secrets of all channels of all tests, and the check that none of them gets out: run it over whatever is shown.

use crate::notify::letter::Trace;
use crate::notify::outcome::Outcome;

/// Parts of a URL.
pub(crate) const PATH: &str = "/services/T0SECRET/B0SECRET/sEcReTtOkEn";
/// A query with a key in it.
pub(crate) const QUERY: &str = "key=qUeRySeCrEt";
/// A password, of mail or in a URL.
pub(crate) const PASSWORD: &str = "hunter2-hunter2";
/// A token of a Slack bot.
pub(crate) const TOKEN: &str = "xoxb-5ecret-t0ken";
/// What requests are signed with.
pub(crate) const SIGNING: &str = "s1gning-key-of-both";
/// A key of PagerDuty.
pub(crate) const ROUTING: &str = "R0utingKey0123456789";

/// What nobody must see: the secrets, and the forms in which they go over the wire.
pub(crate) const ALL: [&str; 10] = [
    "T0SECRET",
    "B0SECRET",
    "sEcReTtOkEn",
    "qUeRySeCrEt",
    PASSWORD,
    // AUTH LOGIN, AUTH PLAIN
    "aHVudGVyMi1odW50ZXIy",
    "AHdhdGNoZXIAaHVudGVyMi1odW50ZXIy",
    TOKEN,
    SIGNING,
    ROUTING,
];

/// Fails when a secret is in a text.
pub(crate) fn kept(what: &str, text: &str) {
    for secret in ALL {
        assert!(!text.contains(secret), "{what}: {secret} in {text}");
    }
}

/// Fails when a secret is in what an attempt tells, or when it tells too much.
pub(crate) fn kept_by(what: &str, outcome: &Outcome, trace: &Trace) {
    let told = format!("{outcome:?}");
    kept(what, &told);
    assert!(told.len() < 600, "{what}: {told}");
    for line in trace.lines() {
        kept(what, &line);
        assert!(line.chars().count() < 4200, "{what}: {line}");
    }
}
