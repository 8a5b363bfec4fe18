//! What must hold for any bytes. Shared by the fuzz targets and by the test that replays the corpus.

#![allow(dead_code, reason = "each fuzz target needs one of these")]

use std::io::Write as _;
use std::time::Duration;

use cachewatch::analyze::attribution::{Attributor, KeyEvent, Options};
use cachewatch::collect::redis::events::decoder::{Frame, MAX_KEY_BYTES};
use cachewatch::collect::redis::events::intake::{Intake, MAX_BYTES};
use cachewatch::collect::redis::info;
use cachewatch::config::{Inputs, Overrides, load};

/// How often bytes are split must not change what is decoded, and no frame is larger than its bound.
pub fn decoder(bytes: &[u8]) {
    let whole = decode(bytes, usize::MAX);
    assert_eq!(whole, decode(bytes, 1));
    assert_eq!(whole, decode(bytes, 7));
}

/// All frames in words, and the error at the end, if there is one.
fn decode(bytes: &[u8], chunk: usize) -> Vec<String> {
    let mut intake = Intake::default();
    let mut found = Vec::new();
    for mut part in bytes.chunks(chunk.min(MAX_BYTES)) {
        while !part.is_empty() {
            let space = intake.space();
            assert!(!space.is_empty(), "the buffer must never be full");
            let count = space.len().min(part.len());
            space[..count].copy_from_slice(&part[..count]);
            intake.filled(count);
            part = &part[count..];
            loop {
                match intake.next_frame() {
                    Ok(Some(frame)) => {
                        if let Frame::Message { key, .. } = frame {
                            assert!(key.len() <= MAX_KEY_BYTES);
                        }
                        found.push(format!("{frame:?}"));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        found.push(error.to_string());
                        return found;
                    }
                }
            }
        }
    }
    found
}

/// INFO is read or refused; counters are what the text says.
pub fn info(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(reading) = info::parse(&text) {
        if let Some(misses) = reading.counters.misses {
            assert!(
                text.contains(&misses.to_string())
                    || text.contains("keyspace_misses:+")
                    || text.contains("keyspace_misses:0")
            );
        }
        let _ = reading.keys();
    }
}

/// Keys, one a line: every miss is counted once, and names are short and safe to print.
pub fn namespaces(bytes: &[u8]) {
    let mut attributor = Attributor::new(
        Options {
            removals: 256,
            misses: 64,
            namespaces: 5,
            ..Options::default()
        },
        Duration::ZERO,
    );
    let mut now = Duration::ZERO;
    let mut count = 0;
    for key in bytes.split(|b| *b == b'\n') {
        now += Duration::from_millis(500);
        attributor.event(KeyEvent::Miss, 0, key, now);
        count += 1;
    }
    let snapshot = attributor.snapshot(now);
    assert_eq!(snapshot.total().misses.total(), count);
    assert!(snapshot.namespaces.len() <= 5);
    for namespace in &snapshot.namespaces {
        assert!(
            !namespace.name.chars().any(char::is_control),
            "{:?}",
            namespace.name
        );
    }
}

/// A configuration file is taken or refused with reasons, each of one line.
pub fn config(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let loaded = load(&Inputs {
        config_file: Some(file.path().to_owned()),
        urls: Vec::new(),
        flags: Overrides::default(),
        env: &|_| None,
    });
    if let Err(errors) = loaded {
        assert!(!errors.to_string().is_empty());
    }
}
