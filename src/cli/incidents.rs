//! `cachewatch incidents`: what fires, and what fired.

use std::process::ExitCode;

use serde_json::Value;

use super::remote::RemoteArgs;
use super::{table, told};

#[derive(Debug, clap::Args)]
pub(super) struct IncidentsArgs {
    /// Only those that are open
    #[arg(long)]
    open: bool,
    /// Only those of this cache
    #[arg(long, value_name = "NAME")]
    cache: Option<String>,
    /// Only those that were open then or later: now-24h, 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How many at most, the newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[expect(clippy::print_stdout, reason = "the list is what it is for")]
pub(super) async fn run(args: IncidentsArgs) -> anyhow::Result<ExitCode> {
    let remote = args.remote.connect()?;
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.open.then(|| ("state", "open".to_owned())));
    query.extend(args.cache.map(|cache| ("cache", cache)));
    query.extend(args.since.map(|since| ("since", since)));
    let found = remote.get(&["incidents"], &query).await?;
    if args.json {
        told::json(&found);
        return Ok(ExitCode::SUCCESS);
    }
    let incidents = told::list(&found, "incidents");
    if incidents.is_empty() {
        println!(
            "{}",
            if args.open {
                "nothing fires"
            } else {
                "no incident is kept"
            }
        );
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", table::render(&rows(incidents)));
    if found.get("more").and_then(Value::as_bool) == Some(true) {
        println!("there are more; --limit shows them");
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(incidents: &[Value]) -> Vec<Vec<String>> {
    let heading = [
        "STATE", "SEVERITY", "SINCE", "LASTED", "ACK", "INCIDENT", "WHAT",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(incidents.iter().map(|one| {
        let ack = one.get("acknowledged").map(|ack| told::text(ack, "author"));
        vec![
            told::text(one, "state"),
            told::text(one, "severity"),
            told::time(one, "started"),
            told::lasted(one, "duration_seconds"),
            ack.unwrap_or_default(),
            told::text(one, "id"),
            told::text(one, "headline"),
        ]
    }));
    rows
}
