//! Books, incidents and transitions: what the engine commits, and what people ask about it.
//!
//! Invariant: each write may be repeated and changes nothing the second time. Who has taken an incident on is never
//! forgotten by a later write of the engine, which may not know of it yet.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::sql::{Get, Link, Result, all, json, micros, q, text};
use crate::model::name::CacheName;
use crate::model::record::{Acknowledgement, IncidentRecord, TransitionRecord};

/// The most incidents that one question gets.
pub const MAX_INCIDENTS: usize = 500;
/// The most transitions that one question gets.
const MAX_TRANSITIONS: i64 = 5_000;

/// Which incidents are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentFilter {
    /// Only open, or only past ones.
    pub open: Option<bool>,
    /// Only those of this cache.
    pub cache: Option<CacheName>,
    /// Only those that were open at this moment or later.
    pub since: Option<Timestamp>,
    /// How many at most; 0 or more than 500: 500.
    pub limit: usize,
    /// How many of the newest are left out.
    pub offset: usize,
}

pub(super) async fn books(link: &mut Link) -> Result<BTreeMap<String, String>> {
    let rows = q("select cache, saved from books").fetch_all(link).await?;
    let pairs = all(&rows, |row| Ok((row.text("cache")?, row.text("saved")?)));
    Ok(pairs.into_iter().collect())
}

pub(super) async fn save_book(
    link: &mut Link,
    (cache, saved): &(String, String),
    at: Timestamp,
) -> Result<()> {
    if saved.is_empty() {
        let gone = q("delete from books where cache = $1").bind(text(cache));
        return gone.execute(link).await.map(drop);
    }
    q("insert into books (cache, saved, at) values ($1, $2, $3)
       on conflict (cache) do update set saved = excluded.saved, at = excluded.at")
    .bind(text(cache))
    .bind(text(saved))
    .bind(micros(at))
    .execute(link)
    .await?;
    Ok(())
}

pub(super) async fn save_incident(link: &mut Link, incident: &IncidentRecord) -> Result<()> {
    let ack = incident.acknowledged.as_ref();
    q("insert into incidents (id, cache, rule, subject, severity, labels, started, resolved, headline, notification,
           ack_author, ack_comment, ack_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
       on conflict (id) do update set severity = excluded.severity, labels = excluded.labels,
           resolved = excluded.resolved, headline = excluded.headline, notification = excluded.notification,
           ack_author = coalesce(excluded.ack_author, incidents.ack_author),
           ack_comment = coalesce(excluded.ack_comment, incidents.ack_comment),
           ack_at = coalesce(excluded.ack_at, incidents.ack_at)")
    .bind(text(&incident.id))
    .bind(incident.cache.to_string())
    .bind(incident.rule.to_string())
    .bind(text(&incident.subject))
    .bind(incident.severity.as_str())
    .bind(json(&incident.labels)?)
    .bind(micros(incident.started))
    .bind(incident.resolved.map(micros))
    .bind(text(&incident.headline))
    .bind(json(&incident.notification)?)
    .bind(ack.map(|a| text(&a.author)))
    .bind(ack.map(|a| text(&a.comment)))
    .bind(ack.map(|a| micros(a.at)))
    .execute(link)
    .await?;
    Ok(())
}

pub(super) async fn save_transition(link: &mut Link, step: &TransitionRecord) -> Result<()> {
    q(
        "insert into transitions (cache, rule, subject, at, from_state, to_state, incident, why)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
    )
    .bind(step.cache.to_string())
    .bind(step.rule.to_string())
    .bind(text(&step.subject))
    .bind(micros(step.at))
    .bind(step.from.as_str())
    .bind(step.to.as_str())
    .bind(step.incident.as_deref().map(text))
    .bind(text(&step.why))
    .execute(link)
    .await?;
    Ok(())
}

pub(super) async fn acknowledge(link: &mut Link, id: &str, ack: &Acknowledgement) -> Result<u64> {
    let done =
        q("update incidents set ack_author = $2, ack_comment = $3, ack_at = $4 where id = $1")
            .bind(text(id))
            .bind(text(&ack.author))
            .bind(text(&ack.comment))
            .bind(micros(ack.at))
            .execute(link)
            .await?;
    Ok(done.rows_affected())
}

pub(super) async fn incidents(
    link: &mut Link,
    filter: &IncidentFilter,
) -> Result<Vec<IncidentRecord>> {
    let limit = match filter.limit {
        0 => MAX_INCIDENTS,
        limit => limit.min(MAX_INCIDENTS),
    };
    let rows = q("select * from incidents
       where ($1 < 0 or ($1 = 1 and resolved is null) or ($1 = 0 and resolved is not null))
         and ($2 = '' or cache = $2) and (resolved is null or resolved >= $3)
       order by started desc, id desc limit $4 offset $5")
    .bind(filter.open.map_or(-1_i64, i64::from))
    .bind(
        filter
            .cache
            .as_ref()
            .map_or(String::new(), ToString::to_string),
    )
    .bind(filter.since.map_or(i64::MIN, micros))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .bind(i64::try_from(filter.offset).unwrap_or(i64::MAX))
    .fetch_all(link)
    .await?;
    Ok(all(&rows, read_incident))
}

/// Those that are open, or were since.
pub(super) async fn live(link: &mut Link, since: Timestamp) -> Result<Vec<IncidentRecord>> {
    let rows = q("select * from incidents where resolved is null or resolved >= $1")
        .bind(micros(since))
        .fetch_all(link)
        .await?;
    Ok(all(&rows, read_incident))
}

pub(super) async fn incident(link: &mut Link, id: &str) -> Result<Option<IncidentRecord>> {
    let row = q("select * from incidents where id = $1")
        .bind(text(id))
        .fetch_optional(link)
        .await?;
    row.map(|row| read_incident(&Get(&row))).transpose()
}

pub(super) async fn transitions(link: &mut Link, incident: &str) -> Result<Vec<TransitionRecord>> {
    let rows = q("select * from transitions where incident = $1 order by at limit $2")
        .bind(text(incident))
        .bind(MAX_TRANSITIONS)
        .fetch_all(link)
        .await?;
    Ok(all(&rows, read_transition))
}

pub(super) async fn transitions_between(
    link: &mut Link,
    cache: &CacheName,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<TransitionRecord>> {
    let rows = q(
        "select * from transitions where cache = $1 and at >= $2 and at <= $3 order by at limit $4",
    )
    .bind(cache.to_string())
    .bind(micros(from))
    .bind(micros(to))
    .bind(MAX_TRANSITIONS)
    .fetch_all(link)
    .await?;
    Ok(all(&rows, read_transition))
}

fn read_incident(row: &Get<'_>) -> Result<IncidentRecord> {
    let acknowledged = match (row.text_if("ack_author")?, row.time_if("ack_at")?) {
        (Some(author), Some(at)) => Some(Acknowledgement {
            author,
            comment: row.text_if("ack_comment")?.unwrap_or_default(),
            at,
        }),
        _ => None,
    };
    Ok(IncidentRecord {
        id: row.text("id")?,
        cache: row.name("cache")?,
        rule: row.name("rule")?,
        subject: row.text("subject")?,
        severity: row.word("severity")?,
        labels: row.json("labels")?,
        started: row.time("started")?,
        resolved: row.time_if("resolved")?,
        headline: row.text("headline")?,
        notification: row.json("notification")?,
        acknowledged,
    })
}

fn read_transition(row: &Get<'_>) -> Result<TransitionRecord> {
    Ok(TransitionRecord {
        cache: row.name("cache")?,
        rule: row.name("rule")?,
        subject: row.text("subject")?,
        incident: row.text_if("incident")?,
        at: row.time("at")?,
        from: row.word("from_state")?,
        to: row.word("to_state")?,
        why: row.text("why")?,
    })
}
