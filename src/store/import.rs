//! The state file of cachewatch 0.1, taken over once: whoever had an incident open then has it open now.
//!
//! Invariant: the file is renamed, never deleted; one that cannot be understood stays where it is.

use std::path::Path;

use jiff::Timestamp;

use super::incidents;
use super::sql::{Link, Result};

const FILE: &str = "state.json";
const IMPORTED: &str = "state.json.imported";
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Brings the books of `state.json` into a database that has none.
pub(super) async fn state_file(folder: &Path, link: &mut Link, now: Timestamp) -> Result<()> {
    let path = folder.join(FILE);
    let Ok(file) = tokio::fs::metadata(&path).await else {
        return Ok(());
    };
    let bytes = match file.len() {
        0..=MAX_BYTES => tokio::fs::read(&path).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    let saved: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let books = saved.get("books").and_then(serde_json::Value::as_object);
    let (Some(1), Some(books)) = (
        saved.get("version").and_then(serde_json::Value::as_u64),
        books,
    ) else {
        tracing::error!(file = %path.display(), "the state of cachewatch 0.1 cannot be understood; starting without it");
        return Ok(());
    };
    for (cache, book) in books {
        incidents::save_book(link, &(cache.clone(), book.to_string()), now).await?;
    }
    match tokio::fs::rename(&path, folder.join(IMPORTED)).await {
        Ok(()) => tracing::info!(
            caches = books.len(),
            "the state of cachewatch 0.1 was taken over"
        ),
        Err(error) => {
            tracing::warn!(%error, file = %path.display(), "cannot rename the old state file");
        }
    }
    Ok(())
}
