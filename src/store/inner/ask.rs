//! Asks the disk or memory, whichever has the answer, and closes the connection that only reads.
//!
//! Deliberately absent: writes, and opening a connection.
//!
//! Invariant: nobody waits for an answer longer than [`super::DEADLINE`] for each of the two.

use sqlx::Connection as _;
use tokio::time::timeout;

use super::DEADLINE;
use crate::store::sql::Link;

/// Closes what only reads. SQLite keeps one view of a file for all connections of a process: one that was opened while the
/// disk was read-only makes every later one read-only, too.
pub(in crate::store) async fn shut(reader: &mut Option<Link>) {
    if let Some(link) = reader.take() {
        close(link).await;
    }
}

pub(super) async fn close(link: Link) {
    match timeout(DEADLINE, link.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the database was closed with an error"),
        Err(_) => tracing::debug!("the database was not closed in time"),
    }
}

/// Asks the disk where that works, else memory. The question stands there twice, so that it may borrow what it needs.
macro_rules! ask {
    ($inner:expr, $link:ident => $question:expr) => {{
        let inner = $inner;
        let mut answer = None;
        if inner.on_disk() {
            let mut reader = inner.reader.lock().await;
            inner.ready(&mut reader).await;
            if let Some($link) = reader.as_mut() {
                match $crate::store::inner::within($crate::store::inner::DEADLINE, $question).await {
                    Ok(found) => answer = Some(found),
                    Err(error) => {
                        *reader = None;
                        drop(reader);
                        inner.misread(&error).await;
                    }
                }
            }
        }
        match answer {
            Some(found) => Ok(found),
            None => ask_memory!(inner, $link => $question),
        }
    }};
}

/// Asks memory.
macro_rules! ask_memory {
    ($inner:expr, $link:ident => $question:expr) => {{
        let mut memory = $inner.memory.lock().await;
        match memory.as_mut() {
            Some($link) => ($question)
                .await
                .map_err(|error| $crate::store::StoreError::of(&error)),
            None => Err($crate::store::StoreError::Database(
                "there is no memory for it".to_owned(),
            )),
        }
    }};
}

/// Asks for what is past: the disk, and memory for what came since it stopped working. Two answers, the disk's first.
macro_rules! ask_both {
    ($inner:expr, $link:ident => $question:expr) => {{
        let inner = $inner;
        if inner.on_disk() || !inner.backend.is_wanted() {
            ask!(inner, $link => $question).map(|found| (found, None))
        } else {
            // Memory first: what is brought over in between is then found on the disk, and nothing is in neither.
            let new = ask_memory!(inner, $link => $question);
            let mut reader = inner.reader.lock().await;
            // What is past is on the disk only, also while nothing can be written there.
            let opening = inner.ready(&mut reader);
            if tokio::time::timeout($crate::store::inner::DEADLINE, opening).await.is_err() {
                tracing::debug!("the database cannot be opened for reading in time");
            }
            let old = match reader.as_mut() {
                Some($link) => $crate::store::inner::within($crate::store::inner::DEADLINE, $question)
                    .await
                    .unwrap_or_default(),
                None => Default::default(),
            };
            $crate::store::inner::shut(&mut reader).await;
            drop(reader);
            new.map(|new| (old, Some(new)))
        }
    }};
}

pub(in crate::store) use {ask, ask_both, ask_memory};
