//! Replays the corpus of the fuzz targets: what fuzzing found, or began with, holds with every build.

use std::path::Path;

#[path = "../../fuzz/checks.rs"]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown when it fails.
        eprintln!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files > 0, "no corpus in {}", folder.display());
}

#[test]
fn decoder() {
    replay("decoder", checks::decoder);
}

#[test]
fn info() {
    replay("info", checks::info);
}

#[test]
fn namespaces() {
    replay("namespaces", checks::namespaces);
}

#[test]
fn config() {
    replay("config", checks::config);
}
