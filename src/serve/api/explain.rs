//! `/api/v1/incidents/{id}/explain`: why it fired, how its rule stands now, what muted it, and what became of each message.
//!
//! Deliberately absent: judgement. All of it was written down when it happened.
//!
//! Invariant: each attempt that is kept is told, also where its message is not kept any more.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Json, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Refusal, store};
use super::incidents::{Shown, find, statuses};
use super::query::Asked;
use crate::model::incident::{AlertState, AlertStatus, Look, Subject};
use crate::model::record::{Attempt, IncidentRecord, OutboxItem, TransitionRecord};
use crate::model::snapshot::Snapshot;
use crate::serve::AppState;

#[derive(Serialize)]
struct Explained<'a> {
    incident: Shown<'a>,
    /// When the condition had begun to hold.
    pending_since: Timestamp,
    /// Which clause held when it fired, with the numbers; `null`: not kept.
    fired_because: Option<&'a str>,
    /// How its rule stands now; `null`: it watches this cache no more.
    rule: Option<Standing<'a>>,
    transitions: Vec<Step<'a>>,
    messages: Vec<Message<'a>>,
    /// Attempts whose message went together with another one, or is not kept any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_attempts: Vec<&'a Attempt>,
}

#[derive(Serialize)]
struct Standing<'a> {
    state: AlertState,
    since: Timestamp,
    /// Whether all of this is about this incident, and not about the time after it.
    about_this_incident: bool,
    value: Option<f64>,
    threshold: Option<f64>,
    explanation: &'a str,
    /// Why nobody is told.
    muted: Option<&'a str>,
    /// The last evaluations, oldest first.
    evaluations: &'a [Look],
}

#[derive(Serialize)]
struct Step<'a> {
    at: Timestamp,
    from: AlertState,
    to: AlertState,
    why: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    key: &'a str,
    channel: &'a str,
    transition: &'static str,
    status: &'static str,
    queued: Timestamp,
    /// When it is tried next, while it waits.
    next: Option<Timestamp>,
    /// How often it was tried.
    tried: u32,
    attempts: Vec<&'a Attempt>,
}

/// All there is to say about one incident.
pub(super) async fn explain(
    State(state): State<AppState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    Asked::read(query.as_deref(), &[])?;
    let incident = find(&state, &id).await?;
    let store = store(&state)?;
    let transitions = store.transitions(&id).await?;
    let messages = store.messages(&id).await?;
    let attempts = store.attempts(&id).await?;
    let snapshot = state.snapshot.load();
    let now = state.clock.now().wall;
    let told = Told {
        transitions: &transitions,
        messages: &messages,
        attempts: &attempts,
    };
    Ok(Json(put_together(&incident, &snapshot, &told, now)).into_response())
}

struct Told<'a> {
    transitions: &'a [TransitionRecord],
    messages: &'a [OutboxItem],
    attempts: &'a [Attempt],
}

fn put_together<'a>(
    incident: &'a IncidentRecord,
    snapshot: &'a Snapshot,
    told: &Told<'a>,
    now: Timestamp,
) -> Explained<'a> {
    let fired = told
        .transitions
        .iter()
        .find(|step| step.to.is_firing() && !step.from.is_firing());
    let is_sent = |attempt: &&Attempt| told.messages.iter().any(|m| m.key == attempt.key);
    Explained {
        incident: Shown::new(incident, snapshot, now),
        pending_since: incident.notification.pending_since,
        fired_because: fired.map(|step| step.why.as_str()),
        rule: standing(incident, snapshot),
        transitions: told
            .transitions
            .iter()
            .map(|step| Step {
                at: step.at,
                from: step.from,
                to: step.to,
                why: &step.why,
            })
            .collect(),
        messages: told
            .messages
            .iter()
            .map(|item| message(item, told.attempts))
            .collect(),
        other_attempts: told.attempts.iter().filter(|a| !is_sent(a)).collect(),
    }
}

fn standing<'a>(incident: &IncidentRecord, snapshot: &'a Snapshot) -> Option<Standing<'a>> {
    let subject = |status: &AlertStatus| {
        let subject = status.subject.as_ref();
        subject.map_or_else(String::new, Subject::to_string)
    };
    let status = statuses(incident, snapshot)
        .iter()
        .find(|status| status.rule == incident.rule && subject(status) == incident.subject)?;
    Some(Standing {
        state: status.state,
        since: status.since,
        about_this_incident: status.incident.as_ref() == Some(&incident.id),
        value: status.value,
        threshold: status.threshold,
        explanation: &status.explanation,
        muted: status.muted.as_deref(),
        evaluations: &status.looks,
    })
}

fn message<'a>(item: &'a OutboxItem, attempts: &'a [Attempt]) -> Message<'a> {
    use crate::model::record::OutboxStatus;
    let waits = item.status == OutboxStatus::Waiting;
    Message {
        key: &item.key,
        channel: item.channel.as_str(),
        transition: item.notification.transition.as_str(),
        status: item.status.as_str(),
        queued: item.queued,
        next: waits.then_some(item.due),
        tried: item.attempts,
        attempts: attempts.iter().filter(|a| a.key == item.key).collect(),
    }
}
