//! `cachewatch annotate`: tells of a deploy, a warm-up, a flush. Charts show it, and messages about what happens then name it.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::remote::RemoteArgs;
use super::told;

#[derive(Debug, clap::Args)]
pub(super) struct AnnotateArgs {
    /// What happened, in a line
    #[arg(value_name = "TEXT")]
    text: String,
    /// deploy, warm_up, flush, or another word
    #[arg(long, value_name = "WORD", default_value = "deploy")]
    kind: String,
    /// The cache that it is about [default: all of them]
    #[arg(long, value_name = "NAME")]
    cache: Option<String>,
    /// When: now, now-10m, 2026-03-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Until when, where it took a while
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[expect(clippy::print_stdout, reason = "it says what it did")]
pub(super) async fn run(args: AnnotateArgs) -> anyhow::Result<ExitCode> {
    let remote = args.remote.connect()?;
    let fields = [
        ("text", Some(args.text)),
        ("kind", Some(args.kind)),
        ("cache", args.cache),
        ("at", args.at),
        ("until", args.until),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
    let body = Value::Object(fields.collect::<Map<_, _>>());
    let made = remote.post(&["annotations"], &body).await?;
    let cache = match told::text(&made, "cache").as_str() {
        "-" => "all caches".to_owned(),
        name => name.to_owned(),
    };
    println!(
        "{} at {}, about {cache}: {}",
        told::text(&made, "kind"),
        told::time(&made, "at"),
        told::text(&made, "text")
    );
    Ok(ExitCode::SUCCESS)
}
