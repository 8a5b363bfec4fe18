//! Pictures that were drawn, until there is something new to draw.
//!
//! Invariant: all of them together are no larger than [`MOST_BYTES`]; those that were not asked for for the longest time
//! give way.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use jiff::Timestamp;

use super::request::{Form, Range, Request, Signal};
use crate::chart::Theme;

/// The most that is kept, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What an entry takes besides its picture, in bytes.
const OVERHEAD: usize = 256;

/// What a picture depends on, besides its right edge.
type Key = (
    String,
    Signal,
    Form,
    Range,
    (u32, u32, u32),
    Theme,
    Option<Timestamp>,
);

#[derive(Default)]
pub(super) struct Kept(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    pictures: HashMap<Key, Picture>,
    bytes: usize,
    asked: u64,
}

struct Picture {
    to: Timestamp,
    bytes: Bytes,
    /// When it was asked for last, as a count of all that was asked for.
    asked: u64,
}

fn key(cache: &str, request: &Request) -> Key {
    let look = request.look;
    (
        cache.to_owned(),
        request.signal,
        request.form,
        request.range,
        (look.width, look.height, look.scale),
        look.theme,
        request.until,
    )
}

impl Kept {
    /// The picture with this right edge, if it is still there.
    pub(super) fn get(&self, cache: &str, request: &Request, to: Timestamp) -> Option<Bytes> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        let asked = kept.asked;
        let picture = kept.pictures.get_mut(&key(cache, request))?;
        if picture.to != to {
            return None;
        }
        picture.asked = asked;
        Some(picture.bytes.clone())
    }

    /// Keeps it in the place of an older one of the same.
    pub(super) fn put(&self, cache: &str, request: &Request, to: Timestamp, bytes: Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = kept.asked;
        let picture = Picture { to, bytes, asked };
        kept.bytes += size(&picture);
        if let Some(before) = kept.pictures.insert(key(cache, request), picture) {
            kept.bytes -= size(&before);
        }
        while kept.bytes > MOST_BYTES {
            let oldest = kept.pictures.iter().min_by_key(|(_, p)| p.asked);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            if let Some(gone) = kept.pictures.remove(&oldest) {
                kept.bytes -= size(&gone);
            }
        }
    }
}

fn size(picture: &Picture) -> usize {
    picture.bytes.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_one_of_each_and_never_too_much() {
        let kept = Kept::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let request = Request::parse("lookups.svg", "").unwrap();
        kept.put("a", &request, at(10), Bytes::from_static(b"old"));
        assert_eq!(kept.get("a", &request, at(10)).unwrap(), "old");
        assert!(kept.get("a", &request, at(20)).is_none());
        assert!(kept.get("b", &request, at(10)).is_none());
        kept.put("a", &request, at(20), Bytes::from_static(b"new"));
        assert!(kept.get("a", &request, at(10)).is_none());

        let large = Bytes::from(vec![0; MOST_BYTES / 4]);
        for until in 0..10 {
            let request = Request::parse("lookups.svg", &format!("until={until}")).unwrap();
            kept.put("a", &request, at(20), large.clone());
            // It is asked for all the time, and so it stays.
            assert!(
                kept.get("a", &Request::parse("lookups.svg", "").unwrap(), at(20))
                    .is_some()
            );
            let shelf = kept.0.lock().unwrap();
            assert!(shelf.bytes <= MOST_BYTES && shelf.pictures.len() <= 4);
            assert_eq!(
                shelf.bytes,
                shelf.pictures.values().map(size).sum::<usize>()
            );
        }
    }
}
