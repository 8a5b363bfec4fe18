//! `cachewatch silence`: says about what nobody is to be told, until when; lists such silences; ends them.
//!
//! Deliberately absent: judging matchers and times; the running cachewatch does, and says what is wrong.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::remote::{Remote, RemoteArgs};
use super::{table, told};

#[derive(Debug, clap::Args)]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell nobody about incidents that match, for a while: cachewatch silence add cache=sessions --for 2h
    Add(AddArgs),
    /// List the silences that hold, or will
    List(ListArgs),
    /// End a silence now. What still fires is told then
    End(EndArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// What must match, all of it: label=value or label!=value, where the value may hold `*`. Labels are cache, rule,
    /// severity, namespace, node, and those of the configuration
    #[arg(value_name = "MATCHER", required = true)]
    matchers: Vec<String>,
    /// How long: 30m, 2h, 3d
    #[arg(
        long = "for",
        value_name = "DURATION",
        required_unless_present = "until",
        conflicts_with = "until"
    )]
    length: Option<String>,
    /// Until when instead: 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// From when on, for one that begins later
    #[arg(long, value_name = "TIME")]
    starts: Option<String>,
    /// Why; it is shown beside what it silences
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    comment: String,
    /// Who [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Also for more than 30 days
    #[arg(long)]
    force: bool,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Also those that ended since: now-24h, 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    ended_since: Option<String>,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Debug, clap::Args)]
struct EndArgs {
    /// Its id, as `silence add` and `silence list` print it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) async fn run(args: SilenceArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Add(args) => add(args).await?,
        What::List(args) => list(&args).await?,
        What::End(args) => end(&args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "it says what it did")]
async fn add(args: AddArgs) -> anyhow::Result<()> {
    let remote = args.remote.connect()?;
    let as_json = args.json;
    let made = remote.post(&["silences"], &body(args)?).await?;
    if as_json {
        told::json(&made);
        return Ok(());
    }
    println!(
        "silence {} until {}",
        told::text(&made, "id"),
        told::time(&made, "ends")
    );
    let about = told::list(&made, "open_incidents");
    match (about.len(), told::text(&made, "state").as_str()) {
        (_, "pending") => println!("it begins at {}", told::time(&made, "starts")),
        (0, _) => println!("no open incident matches it now; later ones will"),
        (n, _) => println!(
            "it silences {n} open: {}",
            told::texts(&made, "open_incidents")
        ),
    }
    Ok(())
}

fn body(args: AddArgs) -> anyhow::Result<Value> {
    let mut body = Map::new();
    body.insert("matchers".to_owned(), json!(args.matchers));
    body.insert("author".to_owned(), told::author(args.author)?.into());
    body.insert("comment".to_owned(), args.comment.into());
    let times = [
        ("duration", args.length),
        ("ends", args.until),
        ("starts", args.starts),
    ];
    for (key, time) in times {
        if let Some(time) = time {
            body.insert(key.to_owned(), time.into());
        }
    }
    if args.force {
        body.insert("force".to_owned(), true.into());
    }
    Ok(Value::Object(body))
}

#[expect(clippy::print_stdout, reason = "the list is what it is for")]
async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let remote: Remote = args.remote.connect()?;
    let since = args.ended_since.iter();
    let query: Vec<_> = since.map(|since| ("ended_since", since.clone())).collect();
    let found = remote.get(&["silences"], &query).await?;
    if args.json {
        told::json(&found);
        return Ok(());
    }
    let silences = told::list(&found, "silences");
    if silences.is_empty() {
        println!("nothing is silenced");
        return Ok(());
    }
    print!("{}", table::render(&rows(silences)));
    Ok(())
}

fn rows(silences: &[Value]) -> Vec<Vec<String>> {
    let heading = [
        "SILENCE", "STATE", "FROM", "UNTIL", "AUTHOR", "MATCHERS", "COMMENT",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(silences.iter().map(|one| {
        vec![
            told::text(one, "id"),
            told::text(one, "state"),
            told::time(one, "starts"),
            told::time(one, "ends"),
            told::text(one, "author"),
            told::texts(one, "matchers"),
            told::text(one, "comment"),
        ]
    }));
    rows
}

#[expect(clippy::print_stdout, reason = "it says what it did")]
async fn end(args: &EndArgs) -> anyhow::Result<()> {
    let ended = args
        .remote
        .connect()?
        .delete(&["silences", &args.id])
        .await?;
    println!("silence {} has ended", told::text(&ended, "id"));
    Ok(())
}
