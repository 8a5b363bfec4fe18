//! Files that hold what is expected. `UPDATE_GOLDEN=1` writes them anew; then read the difference before you commit it.

use std::path::Path;

/// Compares JSON with `src/notify/testdata/<name>`.
pub(crate) fn check_json(name: &str, value: &serde_json::Value) {
    check(name, &(serde_json::to_string_pretty(value).unwrap() + "\n"));
}

/// Compares text with `src/notify/testdata/<name>`.
pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/notify/testdata")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{name}: {error}; run with UPDATE_GOLDEN=1 to write it"));
    assert_eq!(
        text, expected,
        "{name} is different; run with UPDATE_GOLDEN=1 if it should be"
    );
}
