//! What people tell: silences, annotations; and the keys that links are signed with.
//!
//! Invariant: a key that was handed out once is never replaced.

use jiff::Timestamp;

use super::error::StoreError;
use super::sql::{Get, Link, Result, all, json, micros, q, text};
use crate::model::name::{CacheName, Name};
use crate::model::record::Annotation;
use crate::model::silence::Silence;

/// The most silences that may hold at once.
pub const MAX_SILENCES: u64 = 1_000;
/// The most silences that one question gets: those that hold, and as many again.
const MAX_SILENCES_SHOWN: i64 = 2_000;
/// The most annotations that one question gets.
const MAX_ANNOTATIONS_SHOWN: i64 = 1_000;

pub(super) async fn add_silence(link: &mut Link, silence: &Silence) -> Result<()> {
    q(
        "insert into silences (id, matchers, author, comment, starts, ends, created)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (id) do update set ends = excluded.ends",
    )
    .bind(text(&silence.id))
    .bind(json(&silence.matchers)?)
    .bind(text(&silence.author))
    .bind(text(&silence.comment))
    .bind(micros(silence.starts))
    .bind(micros(silence.ends))
    .bind(micros(silence.created))
    .execute(link)
    .await?;
    Ok(())
}

pub(super) async fn end_silence(link: &mut Link, id: &str, at: Timestamp) -> Result<u64> {
    let done = q("update silences set ends = $2 where id = $1 and ends > $2")
        .bind(text(id))
        .bind(micros(at))
        .execute(link)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn silences(link: &mut Link, ended_since: Timestamp) -> Result<Vec<Silence>> {
    let rows = q("select * from silences where ends >= $1 order by ends desc, id limit $2")
        .bind(micros(ended_since))
        .bind(MAX_SILENCES_SHOWN)
        .fetch_all(link)
        .await?;
    let mut silences = all(&rows, read_silence);
    silences.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(silences)
}

pub(super) async fn silences_after(link: &mut Link, now: Timestamp) -> Result<u64> {
    let row = q("select count(*) as number from silences where ends > $1")
        .bind(micros(now))
        .fetch_one(link)
        .await?;
    Get(&row).count("number")
}

pub(super) async fn add_annotation(link: &mut Link, annotation: &Annotation) -> Result<()> {
    q(
        "insert into annotations (id, cache, at, ends, kind, said) values ($1, $2, $3, $4, $5, $6)
       on conflict do nothing",
    )
    .bind(text(&annotation.id))
    .bind(annotation.cache.as_ref().map(ToString::to_string))
    .bind(micros(annotation.at))
    .bind(annotation.until.map(micros))
    .bind(text(&annotation.kind))
    .bind(text(&annotation.text))
    .execute(link)
    .await?;
    Ok(())
}

pub(super) async fn annotations(
    link: &mut Link,
    cache: Option<&CacheName>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Annotation>> {
    let rows = q(
        "select * from annotations where at <= $3 and coalesce(ends, at) >= $2
         and ($1 = '' or cache is null or cache = $1) order by at desc, id desc limit $4",
    )
    .bind(cache.map_or(String::new(), ToString::to_string))
    .bind(micros(from))
    .bind(micros(to))
    .bind(MAX_ANNOTATIONS_SHOWN)
    .fetch_all(link)
    .await?;
    let mut annotations = all(&rows, read_annotation);
    annotations.reverse();
    Ok(annotations)
}

pub(super) async fn add_key(link: &mut Link, name: &str, secret: &str) -> Result<()> {
    q("insert into keys (name, secret) values ($1, $2) on conflict do nothing")
        .bind(text(name))
        .bind(secret.to_owned())
        .execute(link)
        .await?;
    Ok(())
}

pub(super) async fn key(link: &mut Link, name: &str) -> Result<Option<String>> {
    let row = q("select secret from keys where name = $1")
        .bind(text(name))
        .fetch_optional(link)
        .await?;
    row.map(|row| Get(&row).text("secret")).transpose()
}

pub(super) async fn keys(link: &mut Link) -> Result<Vec<(String, String)>> {
    let rows = q("select name, secret from keys").fetch_all(link).await?;
    Ok(all(&rows, |row| {
        Ok((row.text("name")?, row.text("secret")?))
    }))
}

fn read_silence(row: &Get<'_>) -> Result<Silence> {
    Ok(Silence {
        id: row.text("id")?,
        matchers: row.json("matchers")?,
        author: row.text("author")?,
        comment: row.text("comment")?,
        starts: row.time("starts")?,
        ends: row.time("ends")?,
        created: row.time("created")?,
    })
}

fn read_annotation(row: &Get<'_>) -> Result<Annotation> {
    let cache = row
        .text_if("cache")?
        .map(|name| Name::new(&name))
        .transpose();
    Ok(Annotation {
        id: row.text("id")?,
        cache: cache.map_err(|error| sqlx::Error::Decode(error.into()))?,
        at: row.time("at")?,
        until: row.time_if("ends")?,
        kind: row.text("kind")?,
        text: row.text("said")?,
    })
}

/// A new key: 32 random bytes in hex.
pub(super) fn fresh_key() -> std::result::Result<String, StoreError> {
    use std::fmt::Write as _;

    let mut bytes = [0_u8; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| StoreError::Unfit("the system has no randomness for a key".to_owned()))?;
    Ok(bytes
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            write!(hex, "{byte:02x}").ok();
            hex
        }))
}
