//! What is going on now: what must be in memory before the disk goes away, and on a new disk that has nothing yet.
//!
//! Deliberately absent: history and what is long past.

use jiff::Timestamp;

use super::sql::{Link, Result, micros, q};
use super::{incidents, notes, outbox};

/// How far back "now" reaches, in microseconds.
const DAY: i64 = 86_400_000_000;

/// Copies it from one database to another. What is there already is brought to the same state, not doubled.
pub(super) async fn copy(from: &mut Link, to: &mut Link, now: Timestamp) -> Result<()> {
    let since = Timestamp::from_microsecond(micros(now).saturating_sub(DAY)).unwrap_or(now);
    for book in incidents::books(from).await? {
        incidents::save_book(to, &book, now).await?;
    }
    for incident in incidents::live(from, since).await? {
        incidents::save_incident(to, &incident).await?;
    }
    for item in outbox::live(from, since).await? {
        outbox::restore(to, &item).await?;
    }
    for silence in notes::silences(from, since).await? {
        notes::add_silence(to, &silence).await?;
    }
    for annotation in notes::annotations(from, None, since, Timestamp::MAX).await? {
        notes::add_annotation(to, &annotation).await?;
    }
    for (name, secret) in notes::keys(from).await? {
        notes::add_key(to, &name, &secret).await?;
    }
    Ok(())
}

/// Forgets the keys, so that those of another database take their place.
pub(super) async fn forget_keys(link: &mut Link) -> Result<()> {
    q("delete from keys").execute(link).await.map(drop)
}
