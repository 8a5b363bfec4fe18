//! `cachewatch check`: is the configuration right, and what does each cache allow?
//!
//! It changes nothing. What is missing is printed as the exact line that mends it.

use std::process::ExitCode;

use futures_util::future::join_all;

use super::inputs::ConfigArgs;
use super::table;
use crate::collect::redis::capabilities::{Capabilities, Permission, probe};
use crate::config::{CacheConfig, load};
use crate::model::poll::PollError;

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

type Finding = Result<Capabilities, PollError>;

#[expect(
    clippy::print_stdout,
    reason = "the findings are what the command is for"
)]
pub(super) async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let config = load(&args.config.inputs(None, None))?;
    let findings = join_all(config.caches.iter().map(probe)).await;
    let checked: Vec<(&CacheConfig, Finding)> = config.caches.iter().zip(findings).collect();

    print!("{}", table::render(&rows(&checked)));
    for (cache, finding) in &checked {
        let advice = advice(cache, finding);
        if !advice.is_empty() {
            println!("\n{}:", cache.name);
            for line in advice {
                println!("  {line}");
            }
        }
    }
    let troubled = checked
        .iter()
        .filter(|(cache, finding)| !is_fine(cache, finding))
        .count();
    println!();
    if config.channels.is_empty() {
        println!(
            "no channel is configured: alerts are shown on the page and in the metrics, but sent to nobody"
        );
    }
    if troubled == 0 {
        println!("all is well: {} checked", count(checked.len(), "cache"));
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} of {} with a problem",
        troubled,
        count(checked.len(), "cache")
    );
    Ok(ExitCode::from(1))
}

fn is_fine(cache: &CacheConfig, finding: &Finding) -> bool {
    match finding {
        Err(_) => false,
        Ok(found) if cache.events => found.is_complete(),
        Ok(found) => found.works_without_events(),
    }
}

fn rows(checked: &[(&CacheConfig, Finding)]) -> Vec<Vec<String>> {
    let heading = [
        "CACHE",
        "NODE",
        "SERVER",
        "ROLE",
        "INFO",
        "CONFIG GET",
        "SUBSCRIBE",
        "FLAGS",
        "WANTED",
        "RESULT",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (cache, finding) in checked {
        let mut row = vec![cache.name.to_string(), cache.node().to_string()];
        let result = if is_fine(cache, finding) {
            "ok"
        } else {
            "problem"
        };
        match finding {
            Err(_) => row.extend(["-"; 7].map(str::to_owned)),
            Ok(found) => row.extend(cells(found)),
        }
        row.push(result.to_owned());
        rows.push(row);
    }
    rows
}

fn cells(found: &Capabilities) -> [String; 7] {
    let unknown = || "unknown".to_owned();
    let server = match (found.flavour, &found.version) {
        (Some(flavour), Some(version)) => format!("{} {version}", flavour.as_str()),
        (Some(flavour), None) => flavour.as_str().to_owned(),
        (None, _) => unknown(),
    };
    let flags = match &found.flags_found {
        None => unknown(),
        Some(set) if set.is_empty() => "off".to_owned(),
        Some(set) => set.to_string(),
    };
    [
        server,
        found
            .role
            .map_or_else(unknown, |role| role.as_str().to_owned()),
        allowed(&found.info),
        allowed(&found.config_get),
        allowed(&found.subscribe),
        flags,
        found.flags_wanted.to_string(),
    ]
}

fn allowed(permission: &Permission) -> String {
    if permission.is_allowed() { "yes" } else { "no" }.to_owned()
}

/// What is wrong with a cache and what mends it, a line each.
fn advice(cache: &CacheConfig, finding: &Finding) -> Vec<String> {
    let found = match finding {
        Err(error) => return vec![error.message.clone()],
        Ok(found) => found,
    };
    let mut lines = Vec::new();
    let permissions = [&found.info, &found.config_get, &found.subscribe];
    let besides = found.config_set.iter().chain(&found.monitor);
    for permission in permissions.into_iter().chain(besides) {
        if let Permission::Denied(why) = permission {
            lines.push(why.clone());
        }
    }
    if let Some(acl) = &found.acl_remedy {
        lines.push(format!("grant what is missing:      {acl}"));
    }
    // Who logs in as the default user may want to know how little would do.
    let shares_default_user = cache.username.is_none();
    if let Some(full) = found.acl_full.as_ref().filter(|_| shares_default_user) {
        lines.push(format!("a user with no more rights: {full}"));
    }
    if cache.events {
        if let Some(remedy) = &found.flags_remedy {
            lines.push(format!("switch the events on:       {remedy}"));
        }
        if let Some(add) = &found.flags_will_add {
            lines.push(format!(
                "cachewatch will add {add} to notify-keyspace-events when it serves: notifications: manage"
            ));
        }
        lines.extend(found.notes.iter().cloned());
    }
    lines
}

fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
