//! Messages as they are read, also those that cannot be: a row that is damaged, or that another version wrote.
//!
//! Invariant: such a row neither blocks others nor disappears. It is given up, an attempt says why, and it is shown with
//! words in place of what it said; what it holds stays as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::incident::{Notification, OwnEvidence, Transition};
use crate::model::record::{Attempt, OutboxItem};
use crate::store::sql::{Get, Link, Result, q, text};

/// The message, if it can be sent.
pub(super) fn sound(row: &Get<'_>) -> Result<OutboxItem> {
    let notification = row.json("notification")?;
    read(row, notification)
}

/// The message, to be shown.
pub(super) fn item(row: &Get<'_>) -> Result<OutboxItem> {
    let notification = match row.json("notification") {
        Ok(notification) => notification,
        Err(_) => Arc::new(stand_in(row)?),
    };
    read(row, notification)
}

fn read(row: &Get<'_>, notification: Arc<Notification>) -> Result<OutboxItem> {
    Ok(OutboxItem {
        key: row.text("key")?,
        channel: row.name("channel")?,
        notification,
        queued: row.time("queued")?,
        due: row.time("due")?,
        attempts: u32::try_from(row.count("attempts")?).unwrap_or(u32::MAX),
        status: row.word("status")?,
    })
}

fn stand_in(row: &Get<'_>) -> Result<Notification> {
    let evidence = OwnEvidence {
        problem: "A message in the store cannot be read".to_owned(),
        why: UNREADABLE.to_owned(),
        advice: String::new(),
    };
    let (incident, at) = (row.text("incident")?, row.time("queued")?);
    Notification::own(incident, "StoreTrouble", BTreeMap::new(), at, evidence)
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

const UNREADABLE: &str = "its content in the store cannot be read; it was not sent";

/// Gives messages up that cannot be read; gives how many there were.
pub(in crate::store) async fn give_up(
    link: &mut Link,
    keys: &[String],
    at: Timestamp,
) -> Result<u64> {
    let mut changed = 0;
    for key in keys {
        let row = q("select incident, channel from outbox where key = $1 and status = 'waiting'")
            .bind(text(key))
            .fetch_optional(&mut *link)
            .await?;
        let Some(row) = row else {
            continue;
        };
        let (incident, channel) = (Get(&row).text("incident")?, Get(&row).name("channel")?);
        let attempt = Attempt {
            key: key.clone(),
            incident: incident.clone(),
            transition: Transition::Firing,
            channel,
            at,
            took_seconds: 0.0,
            code: None,
            outcome: "gave_up".to_owned(),
            why: Some(UNREADABLE.to_owned()),
            next: None,
        };
        super::save_attempt(link, &attempt, incident).await?;
        let done = q("update outbox set status = 'dead' where key = $1 and status = 'waiting'")
            .bind(text(key))
            .execute(&mut *link)
            .await?;
        changed += done.rows_affected();
    }
    Ok(changed)
}
