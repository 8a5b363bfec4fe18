//! `cachewatch ack`: somebody takes an incident on, so that there are no more reminders.
//!
//! Deliberately absent: ending it. An incident is over when its cause is.

use std::process::ExitCode;

use serde_json::json;

use super::remote::RemoteArgs;
use super::told;

#[derive(Debug, clap::Args)]
pub(super) struct AckArgs {
    /// Its id, as messages and `cachewatch incidents` show it
    #[arg(value_name = "INCIDENT")]
    incident: String,
    /// What you do about it
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    comment: String,
    /// Who [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[expect(clippy::print_stdout, reason = "it says what it did")]
pub(super) async fn run(args: AckArgs) -> anyhow::Result<ExitCode> {
    let remote = args.remote.connect()?;
    let body = json!({ "author": told::author(args.author)?, "comment": args.comment });
    let path = ["incidents", &args.incident, "acknowledge"];
    let incident = remote.post(&path, &body).await?;
    println!(
        "{} is acknowledged: no more reminders; its end is told",
        told::text(&incident, "id")
    );
    Ok(ExitCode::SUCCESS)
}
