//! `cachewatch backtest`: when rules would have fired, how often, and which threshold would be quiet.
//!
//! The rules are the real ones (`alert::replay`); here is only where history comes from and what is printed. `source`
//! reads what is stored, without disturbing who keeps it, or asks a running cachewatch; `csv` reads a file.
//!
//! Invariant: nothing is changed and nobody is told anything.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;

use crate::alert::replay::{self, Quiet, Slot};
use crate::config::{Config, Inputs, Overrides, Rule, env, load};
use crate::model::name::{CacheName, Name};

mod csv;
mod report;
mod source;

use report::{Report, Subject};
use source::Source;

/// The furthest back: what is kept.
const FURTHEST: Duration = Duration::from_hours(24 * 400);

#[derive(Debug, clap::Args)]
pub(super) struct BacktestArgs {
    /// How far back: 24h, 7d, 60d. Slots are of 10 s for the last 2 h, of 1 min for 8 days, then of 15 min
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = span)]
    last: Duration,
    /// The configuration, for its rules and for where history is kept [env: CACHEWATCH_CONFIG]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder, where it is not that of the configuration [env: CACHEWATCH_DATA_DIR]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["csv", "url"])]
    data_dir: Option<PathBuf>,
    /// Ask a running cachewatch for its history instead
    #[arg(long, value_name = "URL", conflicts_with = "csv")]
    url: Option<String>,
    /// Read history from a CSV file instead: a heading and the columns time, hits, misses; also evictions, expirations,
    /// memory_used_bytes, memory_limit_bytes. Counts are totals that grow, as INFO shows them
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Counts in the CSV file are those of each row alone
    #[arg(long, requires = "csv")]
    deltas: bool,
    /// Only this cache
    #[arg(long, value_name = "NAME")]
    cache: Option<String>,
    /// Only this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// As if the threshold were this; without --rule, of rules about the miss ratio
    #[arg(long, value_name = "NUMBER")]
    threshold: Option<f64>,
    /// All of it as JSON
    #[arg(long)]
    json: bool,
}

fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if (Duration::from_mins(1)..=FURTHEST).contains(&span) => Ok(span),
        Ok(_) => Err("must be between 1m and 400d".to_owned()),
        Err(error) => Err(format!("{error}; write it as 24h or 7d")),
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the findings are what the command is for"
)]
pub(super) async fn run(args: BacktestArgs) -> anyhow::Result<ExitCode> {
    let config = configuration(&args)?;
    let rules = rules(&args, &config)?;
    let mut source = Source::open(&args, &config).await?;
    let caches = caches(&args, source.caches(&config).await?)?;
    let mut reports = Vec::new();
    for cache in caches {
        let slots = source.slots(&cache, args.last).await?;
        let watching = rules
            .iter()
            .filter(|rule| args.csv.is_some() || rule.watches(&cache));
        // A moment of work for some weeks of history; nothing else waits in this process.
        let found = watching.map(|rule| look(&cache, rule, &slots)).collect();
        reports.push(Report::new(cache, &slots, found));
    }
    if args.json {
        println!("{:#}", report::json(&reports));
    } else {
        for report in &reports {
            print!("{}", report.text());
        }
    }
    let known = reports.iter().any(Report::is_known);
    Ok(ExitCode::from(u8::from(!known)))
}

/// The configuration; a made-up one where the command line says all there is to know but the rules.
fn configuration(args: &BacktestArgs) -> anyhow::Result<Config> {
    let named = args.config.is_some() || env::process(env::CONFIG).is_some_and(|c| !c.is_empty());
    let needs_none = args.csv.is_some() || args.url.is_some() || args.data_dir.is_some();
    let cache = args.cache.as_deref().unwrap_or("cache");
    let made_up = !named && needs_none;
    let config = load(&Inputs {
        config_file: args.config.clone(),
        urls: made_up
            .then(|| format!("{cache}=redis://127.0.0.1"))
            .into_iter()
            .collect(),
        flags: Overrides {
            data_dir: args.data_dir.clone(),
            ..Overrides::default()
        },
        env: &env::process,
    })?;
    Ok(config)
}

fn rules(args: &BacktestArgs, config: &Config) -> anyhow::Result<Vec<Rule>> {
    let mut rules = config.rules.clone();
    if let Some(name) = &args.rule {
        rules.retain(|rule| rule.name.as_str() == *name);
        if rules.is_empty() {
            let names: Vec<_> = config.rules.iter().map(|r| r.name.as_str()).collect();
            bail!(
                "--rule: there is no rule of this name; there are {}",
                names.join(", ")
            );
        }
    }
    let Some(threshold) = args.threshold else {
        return Ok(rules);
    };
    if !threshold.is_finite() {
        bail!("--threshold: must be a number, such as 0.3 for 30 %");
    }
    for rule in &mut rules {
        let is_meant = args.rule.is_some() || rule.signal.name() == "miss_ratio";
        let is_ratio = rule.signal.name().ends_with("_ratio");
        if is_meant && is_ratio && !(0.0..=1.0).contains(&threshold) {
            bail!(
                "--threshold: {} compares a ratio, 0 to 1: 0.3 is 30 %",
                rule.name
            );
        }
        match replay::with_threshold(rule, threshold) {
            Some(changed) if is_meant => *rule = changed,
            None if args.rule.is_some() => bail!("--threshold: {} has no threshold", rule.name),
            _ => {}
        }
    }
    Ok(rules)
}

fn caches(args: &BacktestArgs, known: Vec<CacheName>) -> anyhow::Result<Vec<CacheName>> {
    let Some(wanted) = &args.cache else {
        return Ok(known);
    };
    match Name::new(wanted) {
        Ok(name) => Ok(vec![name]),
        Err(error) => bail!("--cache: {error}"),
    }
}

fn look(cache: &CacheName, rule: &Rule, slots: &[Slot]) -> Subject {
    let refused = replay::cannot(rule);
    let (replayed, quiet) = match refused {
        Some(_) => (replay::Replayed::default(), Quiet::Unsuited),
        None => (
            replay::replay(cache, rule, slots),
            replay::quiet_threshold(cache, rule, slots),
        ),
    };
    Subject {
        rule: rule.clone(),
        refused,
        replayed,
        quiet,
    }
}
