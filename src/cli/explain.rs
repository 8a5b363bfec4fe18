//! `cachewatch explain`: why an incident fired, how it stands, what muted it, and what became of each message.

use std::process::ExitCode;

use serde_json::Value;

use super::remote::RemoteArgs;
use super::{table, told};

#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// Its id, as messages and `cachewatch incidents` show it
    #[arg(value_name = "INCIDENT")]
    incident: String,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[expect(clippy::print_stdout, reason = "the story is what it is for")]
pub(super) async fn run(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    let remote = args.remote.connect()?;
    let path = ["incidents", &args.incident, "explain"];
    let found = remote.get(&path, &[]).await?;
    if args.json {
        told::json(&found);
    } else {
        print!("{}", story(&found));
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole story. Pure.
fn story(found: &Value) -> String {
    let null = Value::Null;
    let part = |key: &str| found.get(key).unwrap_or(&null);
    let incident = part("incident");
    let mut out = format!(
        "{}\n{}\n\n",
        told::text(incident, "id"),
        told::text(incident, "headline")
    );
    let mut line = |name: &str, words: String| out.push_str(&format!("{name:<14} {words}\n"));
    let lasted = told::lasted(incident, "duration_seconds");
    line(
        "state",
        format!("{}, for {lasted}", told::text(incident, "state")),
    );
    line("severity", told::text(incident, "severity"));
    line("pending since", told::time(found, "pending_since"));
    line("fired", told::time(incident, "started"));
    line("because", told::text(found, "fired_because"));
    if incident.get("resolved").is_some_and(Value::is_string) {
        line("over", told::time(incident, "resolved"));
    }
    if let Some(ack) = incident.get("acknowledged").filter(|ack| ack.is_object()) {
        let (author, at) = (told::text(ack, "author"), told::time(ack, "at"));
        line(
            "acknowledged",
            format!("by {author} at {at}: {}", told::text(ack, "comment")),
        );
    }
    let rule = part("rule");
    if rule.is_object() {
        let (state, since) = (told::text(rule, "state"), told::time(rule, "since"));
        line(
            "its rule now",
            format!("{state} since {since}: {}", told::text(rule, "explanation")),
        );
        if rule.get("muted").is_some_and(Value::is_string) {
            line("nobody is told", told::text(rule, "muted"));
        }
    }
    section(&mut out, "Last evaluations", &looks(rule));
    section(&mut out, "Steps", &steps(found));
    section(&mut out, "Messages", &messages(found));
    out
}

fn section(out: &mut String, title: &str, rows: &[Vec<String>]) {
    if !rows.is_empty() {
        out.push_str(&format!("\n{title}\n{}", table::render(rows)));
    }
}

fn looks(rule: &Value) -> Vec<Vec<String>> {
    let looks = told::list(rule, "evaluations").iter();
    let looks = looks.map(|look| {
        vec![
            format!("  {}", told::time(look, "at")),
            told::time(look, "until"),
            format!("x{}", told::text(look, "times")),
            told::text(look, "verdict"),
            told::text(look, "why"),
        ]
    });
    looks.collect()
}

fn steps(found: &Value) -> Vec<Vec<String>> {
    let steps = told::list(found, "transitions").iter();
    let steps = steps.map(|step| {
        vec![
            format!("  {}", told::time(step, "at")),
            format!("{} -> {}", told::text(step, "from"), told::text(step, "to")),
            told::text(step, "why"),
        ]
    });
    steps.collect()
}

fn messages(found: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for message in told::list(found, "messages") {
        rows.push(vec![
            format!("  {}", told::time(message, "queued")),
            told::text(message, "channel"),
            told::text(message, "transition"),
            told::text(message, "status"),
        ]);
        rows.extend(told::list(message, "attempts").iter().map(attempt));
    }
    rows.extend(told::list(found, "other_attempts").iter().map(attempt));
    rows
}

fn attempt(attempt: &Value) -> Vec<String> {
    let mut words = told::text(attempt, "why");
    if attempt.get("next").is_some_and(Value::is_string) {
        words.push_str(&format!("; next at {}", told::time(attempt, "next")));
    }
    vec![
        format!("    {}", told::time(attempt, "at")),
        told::text(attempt, "channel"),
        format!("code {}", told::text(attempt, "code")),
        told::text(attempt, "outcome"),
        if words == "-" { String::new() } else { words },
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_story_is_told_in_order() {
        let told = story(&json!({
            "incident": {"id": "a-B-1", "headline": "Miss rate 39 %", "state": "firing", "severity": "critical",
                "started": "2026-03-01T12:00:00Z", "resolved": null, "duration_seconds": 61.5,
                "acknowledged": {"author": "ann", "at": "2026-03-01T12:00:30Z", "comment": "mine"}},
            "pending_since": "2026-03-01T11:59:00Z", "fired_because": "39 % for 1m",
            "rule": {"state": "silenced", "since": "2026-03-01T12:00:10Z", "explanation": "above 20 %", "muted": "by ann",
                "evaluations": [{"at": "2026-03-01T12:00:00Z", "until": "2026-03-01T12:01:00Z", "times": 12, "verdict": "breach", "why": "above"}]},
            "transitions": [{"at": "2026-03-01T12:00:00Z", "from": "pending", "to": "firing", "why": "39 %"}],
            "messages": [{"queued": "2026-03-01T12:00:00Z", "channel": "hook", "transition": "firing", "status": "waiting",
                "attempts": [{"at": "2026-03-01T12:00:01Z", "channel": "hook", "code": 503, "outcome": "retry", "why": "HTTP 503", "next": "2026-03-01T12:00:09Z"}]}]
        }));
        let expected = "\
a-B-1
Miss rate 39 %

state          firing, for 1m 1s
severity       critical
pending since  2026-03-01 11:59:00Z
fired          2026-03-01 12:00:00Z
because        39 % for 1m
acknowledged   by ann at 2026-03-01 12:00:30Z: mine
its rule now   silenced since 2026-03-01 12:00:10Z: above 20 %
nobody is told by ann
";
        assert!(told.starts_with(expected), "{told}");
        assert!(told.contains("x12  breach  above\n"), "{told}");
        assert!(told.contains("pending -> firing  39 %\n"), "{told}");
        assert!(told.contains("code 503"), "{told}");
        assert!(
            told.contains("HTTP 503; next at 2026-03-01 12:00:09Z\n"),
            "{told}"
        );
    }

    #[test]
    fn what_is_missing_breaks_nothing() {
        assert!(story(&json!({})).starts_with("-\n-\n"));
    }
}
