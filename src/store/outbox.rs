//! Messages on their way, and what was tried.
//!
//! Invariant: a message that waits is neither lost nor doubled by a write that is repeated. On PostgreSQL two workers
//! never get the same message: who takes one claims it for [`CLAIM`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::sql::{Get, Link, Result, all, count, json, micros, q, text};
use crate::model::incident::Notification;
use crate::model::name::ChannelName;
use crate::model::record::{Attempt, OutboxItem, OutboxStatus};

mod unread;

pub(super) use unread::give_up;

/// How long a message belongs to the worker that took it, unless that tells how it went.
const CLAIM: Duration = Duration::from_mins(2);
/// The most attempts and messages that one question gets.
const MAX_ROWS: i64 = 1_000;

/// What waits for a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How many messages wait.
    pub count: u64,
    /// When the first of them may be tried.
    pub next_due: Option<Timestamp>,
    /// When the oldest of them was put there.
    pub oldest: Option<Timestamp>,
    /// How many were given up and are still shown.
    pub dead: u64,
}

pub(super) async fn enqueue(link: &mut Link, item: &OutboxItem) -> Result<()> {
    q(
        "insert into outbox (key, channel, incident, notification, queued, due, attempts, status)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (key) do nothing",
    )
    .bind(text(&item.key))
    .bind(item.channel.to_string())
    .bind(text(&item.notification.incident))
    .bind(json(&item.notification)?)
    .bind(micros(item.queued))
    .bind(micros(item.due))
    .bind(i64::from(item.attempts))
    .bind(item.status.as_str())
    .execute(link)
    .await?;
    Ok(())
}

/// Who asks, where several may.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asker<'a> {
    /// The only one.
    Alone,
    /// One of several; its name.
    Worker(&'a str),
}

/// What is due.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) items: Vec<OutboxItem>,
    /// Keys of messages whose content cannot be understood.
    pub(super) unreadable: Vec<String>,
}

pub(super) async fn due(
    link: &mut Link,
    channel: &ChannelName,
    now: Timestamp,
    limit: usize,
    asker: Asker<'_>,
) -> Result<Due> {
    let query = match asker {
        Asker::Alone => q(
            "select * from outbox where channel = $1 and status = 'waiting' and due <= $2
             order by queued, key limit $3",
        ),
        Asker::Worker(_) => q(
            "update outbox set claimed_by = $4, claimed_until = $5 where key in
               (select key from outbox where channel = $1 and status = 'waiting' and due <= $2
                  and (claimed_by is null or claimed_by = $4 or claimed_until <= $2)
                order by queued, key limit $3 for update skip locked)
             returning *",
        ),
    };
    let query = query
        .bind(channel.to_string())
        .bind(micros(now))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let query = match asker {
        Asker::Alone => query,
        Asker::Worker(name) => {
            let claim = i64::try_from(CLAIM.as_micros()).unwrap_or(i64::MAX);
            let until = micros(now).saturating_add(claim);
            query.bind(name.to_owned()).bind(until)
        }
    };
    let rows = query.fetch_all(link).await?;
    let mut due = Due::default();
    for row in &rows {
        match unread::sound(&Get(row)) {
            Ok(item) => due.items.push(item),
            Err(error) => {
                tracing::debug!(%error, "a message in the store cannot be read");
                due.unreadable.extend(Get(row).text("key"));
            }
        }
    }
    // An update gives its rows in no order.
    due.items
        .sort_by(|a, b| (a.queued, &a.key).cmp(&(b.queued, &b.key)));
    Ok(due)
}

/// At the end: another worker may have at once what this one took.
pub(super) async fn release(link: &mut Link, name: &str) -> Result<()> {
    q("update outbox set claimed_by = null, claimed_until = null where claimed_by = $1")
        .bind(name.to_owned())
        .execute(link)
        .await
        .map(drop)
}

pub(super) async fn waiting(link: &mut Link, channel: &ChannelName) -> Result<Waiting> {
    let rows = q(
        "select status, count(*) as number, min(due) as next_due, min(queued) as oldest from outbox
         where channel = $1 and status in ('waiting', 'dead') group by status",
    )
    .bind(channel.to_string())
    .fetch_all(link)
    .await?;
    let mut waiting = Waiting::default();
    for row in &rows {
        let row = Get(row);
        if row.text("status")? == OutboxStatus::Waiting.as_str() {
            waiting.count = row.count("number")?;
            waiting.next_due = row.time_if("next_due")?;
            waiting.oldest = row.time_if("oldest")?;
        } else {
            waiting.dead = row.count("number")?;
        }
    }
    Ok(waiting)
}

/// What came of an attempt, for all messages that it carried.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) attempt: Attempt,
    pub(super) keys: Vec<String>,
    pub(super) status: OutboxStatus,
    pub(super) due: Timestamp,
}

pub(super) async fn attempted(link: &mut Link, tried: &Tried) -> Result<()> {
    let mut incidents = BTreeSet::from([text(&tried.attempt.incident)]);
    for key in &tried.keys {
        let row = q("select incident from outbox where key = $1")
            .bind(text(key))
            .fetch_optional(&mut *link)
            .await?;
        if let Some(row) = row {
            incidents.insert(Get(&row).text("incident")?);
        }
    }
    let mut new = 0;
    for incident in incidents {
        new += save_attempt(link, &tried.attempt, incident).await?;
    }
    // Told before: after a time-out nobody knows whether the database took it.
    if new == 0 {
        return Ok(());
    }
    for key in &tried.keys {
        q("update outbox set status = $2, due = $3, attempts = attempts + 1, claimed_by = null, claimed_until = null
           where key = $1")
        .bind(text(key))
        .bind(tried.status.as_str())
        .bind(micros(tried.due))
        .execute(&mut *link)
        .await?;
    }
    Ok(())
}

async fn save_attempt(link: &mut Link, attempt: &Attempt, incident: String) -> Result<u64> {
    let done = q("insert into attempts (key, at, incident, transition, channel, took_seconds, code, outcome, why, next_at)
                  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing")
    .bind(text(&attempt.key))
    .bind(micros(attempt.at))
    .bind(incident)
    .bind(attempt.transition.as_str())
    .bind(attempt.channel.to_string())
    .bind(super::sql::number(Some(attempt.took_seconds)).unwrap_or_default())
    .bind(attempt.code.map(i64::from))
    .bind(text(&attempt.outcome))
    .bind(attempt.why.as_deref().map(text))
    .bind(attempt.next.map(micros))
    .execute(link)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn supersede(link: &mut Link, keys: &[String]) -> Result<u64> {
    let mut changed = 0;
    for key in keys {
        let done =
            q("update outbox set status = 'superseded' where key = $1 and status = 'waiting'")
                .bind(text(key))
                .execute(&mut *link)
                .await?;
        changed += done.rows_affected();
    }
    Ok(changed)
}

pub(super) async fn resend(
    link: &mut Link,
    channel: &ChannelName,
    resolved_since: Timestamp,
) -> Result<Vec<Arc<Notification>>> {
    let rows = q(
        "select o.notification from outbox o join incidents i on i.id = o.incident
         where o.channel = $1 and (i.resolved is null or i.resolved >= $2)
         order by o.queued, o.key",
    )
    .bind(channel.to_string())
    .bind(micros(resolved_since))
    .fetch_all(link)
    .await?;
    let mut newest: BTreeMap<String, Arc<Notification>> = BTreeMap::new();
    for notification in all(&rows, |row| row.json::<Notification>("notification")) {
        newest.insert(notification.incident.clone(), Arc::new(notification));
    }
    Ok(newest.into_values().collect())
}

pub(super) async fn attempts(link: &mut Link, incident: &str) -> Result<Vec<Attempt>> {
    let rows = q("select * from attempts where incident = $1 order by at, key limit $2")
        .bind(text(incident))
        .bind(MAX_ROWS)
        .fetch_all(link)
        .await?;
    Ok(all(&rows, read_attempt))
}

pub(super) async fn messages(link: &mut Link, incident: &str) -> Result<Vec<OutboxItem>> {
    let rows = q("select * from outbox where incident = $1 order by queued, key limit $2")
        .bind(text(incident))
        .bind(MAX_ROWS)
        .fetch_all(link)
        .await?;
    Ok(all(&rows, unread::item))
}

pub(super) async fn dead(link: &mut Link, limit: usize) -> Result<Vec<OutboxItem>> {
    let limit = i64::try_from(limit).unwrap_or(MAX_ROWS).min(MAX_ROWS);
    let rows =
        q("select * from outbox where status = 'dead' order by queued desc, key desc limit $1")
            .bind(limit)
            .fetch_all(link)
            .await?;
    Ok(all(&rows, unread::item))
}

fn read_attempt(row: &Get<'_>) -> Result<Attempt> {
    Ok(Attempt {
        key: row.text("key")?,
        incident: row.text("incident")?,
        transition: row.word("transition")?,
        channel: row.name("channel")?,
        at: row.time("at")?,
        took_seconds: row.float("took_seconds")?,
        code: row
            .count_if("code")?
            .and_then(|code| u16::try_from(code).ok()),
        outcome: row.text("outcome")?,
        why: row.text_if("why")?,
        next: row.time_if("next_at")?,
    })
}

/// Puts a message there as it stands, also over an older state of itself. For bringing memory and disk together.
pub(super) async fn restore(link: &mut Link, item: &OutboxItem) -> Result<()> {
    enqueue(link, item).await?;
    q("update outbox set status = $2, due = $3, attempts = $4 where key = $1 and attempts < $4")
        .bind(text(&item.key))
        .bind(item.status.as_str())
        .bind(micros(item.due))
        .bind(count(u64::from(item.attempts)))
        .execute(link)
        .await?;
    Ok(())
}

/// The messages that matter now: those that wait, and all of incidents that are open or of the last day.
pub(super) async fn live(link: &mut Link, since: Timestamp) -> Result<Vec<OutboxItem>> {
    let rows = q(
        "select * from outbox where status = 'waiting' or queued >= $1
                    or incident in (select id from incidents where resolved is null)",
    )
    .bind(micros(since))
    .fetch_all(link)
    .await?;
    Ok(all(&rows, unread::item))
}
