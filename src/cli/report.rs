//! `cachewatch report`: what the store kept of the last days, as one HTML, Markdown or JSON file.
//!
//! It reads beside a cachewatch that runs, and changes nothing. Deliberately absent: the numbers and how they look, which
//! are the room `report`'s.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};

use jiff::tz::TimeZone;

use crate::config::{Config, Inputs, Overrides, env, load};
use crate::model::name::{CacheName, Name};
use crate::model::time::{Clock as _, SystemClock};
use crate::report::{self, LONGEST, Period, Record, Report, SHORTEST, Settings};
use crate::store::{Backend, Kept, Reader};

mod progress;

use progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cachewatch report --config cachewatch.yaml --out report.html
  cachewatch report --data-dir /var/lib/cachewatch --last 30d --cache sessions --out sessions.md
  cachewatch report --config cachewatch.yaml --last 24h --format json | jq '.caches[].counts.hit_ratio'

It may run beside `cachewatch serve`: it only reads. docs/report.md tells what is in it.")]
pub(super) struct ReportArgs {
    /// How far back it goes, 1h to 400d; it is compared with as much time before
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_last)]
    last: Duration,
    /// Only this cache; may be given several times
    #[arg(long = "cache", value_name = "NAME")]
    caches: Vec<String>,
    /// Where it is written; - for stdout
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Whose hours and weekdays the heat map has: Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = parse_zone)]
    time_zone: TimeZone,
    /// What it is written as; without it the ending of the file decides, and for stdout it is Markdown
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The configuration file: it names the store, prices' currency, thresholds, and where the page is
    /// [env: CACHEWATCH_CONFIG]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder to read, in place of the configured store [env: CACHEWATCH_DATA_DIR]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One file that needs nothing else: charts inside, light and dark, fit to print
    Html,
    /// Markdown with tables
    Md,
    /// JSON; docs/report.md tells its fields
    Json,
}

fn parse_last(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(last) if (SHORTEST..=LONGEST).contains(&last) => Ok(last),
        Ok(_) => Err("must be between 1h and 400d".to_owned()),
        Err(error) => Err(format!("{error}; write it as 7d or 24h")),
    }
}

fn parse_zone(text: &str) -> Result<TimeZone, String> {
    match TimeZone::get(text.trim()) {
        Ok(zone) if zone.iana_name().is_some() => Ok(zone),
        _ => Err("there is no such time zone; write it as Europe/Berlin or UTC".to_owned()),
    }
}

impl Format {
    /// By the ending of the file.
    fn of(out: &Path) -> anyhow::Result<Self> {
        let ending = out.extension().map(|e| e.to_string_lossy().to_lowercase());
        Ok(match ending.as_deref() {
            Some("html" | "htm") => Self::Html,
            Some("md" | "markdown") => Self::Md,
            Some("json") => Self::Json,
            None if is_stdout(out) => Self::Md,
            _ => bail!(
                "{}: its ending names no format; end it in .html, .md or .json, or pass --format",
                out.display()
            ),
        })
    }
}

fn is_stdout(out: &Path) -> bool {
    out.as_os_str() == "-"
}

pub(super) async fn run(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let format = args.format.map_or_else(|| Format::of(&args.out), Ok)?;
    let config = configuration(&args)?;
    let backend = backend(&args, config.as_ref())?;
    let settings = Settings {
        time_zone: args.time_zone.clone(),
        ..config.as_ref().map(Settings::of).unwrap_or_default()
    };
    let clock = SystemClock::start();
    let period = Period::last(args.last, clock.now().wall);
    let mut reader = Reader::open(&backend).await?;
    let kept = reader.caches(period.slot_seconds).await?;
    let names = wanted(&args, config.as_ref(), &kept)?;
    let mut progress = Progress::new(&clock, names.len());
    let mut records = Vec::with_capacity(names.len());
    for name in names {
        progress.step(name.as_str());
        let first = kept.iter().find(|k| k.cache == name).map(|k| k.first);
        records.push(read(&mut reader, name, first, &period).await?);
    }
    if records.iter().all(|record| record.slots.is_empty()) {
        bail!("{}", nothing(&period, &records, &kept));
    }
    progress.step("rendering");
    let rendered = render(&report::build(&period, &records, &settings), format)?;
    progress.done();
    write(&args.out, &rendered)?;
    Ok(ExitCode::SUCCESS)
}

/// The configuration, unless only the folder is named: then no cache needs to be configured.
fn configuration(args: &ReportArgs) -> anyhow::Result<Option<Config>> {
    let set = |name: &str| env::process(name).is_some_and(|value| !value.is_empty());
    let folder = args.data_dir.is_some() || set(env::DATA_DIR);
    let more = args.config.is_some() || set(env::CONFIG) || set(env::STORE);
    if folder && !more && !set(env::REDIS_URL) {
        return Ok(None);
    }
    if !folder && !more {
        bail!("nothing says where history is kept; pass --config, or --data-dir");
    }
    let inputs = Inputs {
        config_file: args.config.clone(),
        urls: Vec::new(),
        flags: Overrides::default(),
        env: &env::process,
    };
    Ok(Some(load(&inputs)?))
}

fn backend(args: &ReportArgs, config: Option<&Config>) -> anyhow::Result<Backend> {
    if let Some(folder) = &args.data_dir {
        return Ok(Backend::Sqlite(folder.clone()));
    }
    let backend = match config {
        Some(config) => Backend::of(config),
        None => env::process(env::DATA_DIR).map_or(Backend::Memory, |f| Backend::Sqlite(f.into())),
    };
    if backend == Backend::Memory {
        bail!(
            "nothing is kept: the configuration names neither data_dir nor store; set one of them for serve, or pass \
             --data-dir"
        );
    }
    Ok(backend)
}

/// The caches that were asked for, or all that are configured or kept.
fn wanted(
    args: &ReportArgs,
    config: Option<&Config>,
    kept: &[Kept],
) -> anyhow::Result<Vec<CacheName>> {
    let configured = config.iter().flat_map(|config| &config.caches);
    let mut known: Vec<CacheName> = configured
        .map(|cache| cache.name.clone())
        .chain(kept.iter().map(|kept| kept.cache.clone()))
        .collect();
    known.sort();
    known.dedup();
    if args.caches.is_empty() {
        return Ok(known);
    }
    let mut names = Vec::new();
    for text in &args.caches {
        let name = Name::new(text).ok().filter(|name| known.contains(name));
        let Some(name) = name else {
            let known: Vec<_> = known.iter().take(20).map(Name::as_str).collect();
            bail!(
                "--cache {text:?}: there is no cache of this name; known are: {}",
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            );
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

async fn read(
    reader: &mut Reader,
    cache: CacheName,
    first: Option<jiff::Timestamp>,
    period: &Period,
) -> anyhow::Result<Record> {
    let (now, before) = ((period.from, period.to), (period.before, period.from));
    let width = period.slot_seconds;
    Ok(Record {
        first,
        slots: reader.slots(&cache, width, now).await?,
        slots_before: reader.slots(&cache, width, before).await?,
        namespaces: reader.namespaces(&cache, width, now).await?,
        namespaces_before: reader.namespaces(&cache, width, before).await?,
        incidents: reader.incidents(&cache, now).await?,
        annotations: reader.annotations(&cache, now).await?,
        cache,
    })
}

/// Why there is nothing to report.
fn nothing(period: &Period, records: &[Record], kept: &[Kept]) -> String {
    let asked = |kept: &&Kept| records.iter().any(|record| record.cache == kept.cache);
    let span = humantime::format_duration(period.asked);
    match kept.iter().filter(asked).map(|kept| kept.last).max() {
        Some(last) => format!(
            "there is no history of the last {span}; the newest is of {}; go further back with --last",
            last.strftime("%Y-%m-%d %H:%M UTC")
        ),
        None => format!(
            "there is no history of the last {span}, nor of any other time; cachewatch serve writes it every 10 s"
        ),
    }
}

fn render(report: &Report, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Html => report::html(report)?,
        Format::Md => report::markdown(report),
        Format::Json => report::json(report)?,
    })
}

/// A file is replaced at once, so that nobody finds half a report.
fn write(out: &Path, text: &str) -> anyhow::Result<()> {
    if is_stdout(out) {
        return match std::io::stdout().write_all(text.as_bytes()) {
            // Who reads has seen enough: `| head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => done.context("cannot write to stdout"),
        };
    }
    let problem = || {
        format!(
            "cannot write {}; check that its folder exists and that this user may write there",
            out.display()
        )
    };
    // A device or a pipe cannot be replaced.
    if std::fs::metadata(out).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(out, text).with_context(problem);
    }
    let mut part = out.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, out));
    if written.is_err() {
        std::fs::remove_file(&part).ok();
    }
    written.with_context(problem)
}

/// Whether somebody watches.
fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides() {
        let of = |name: &str| Format::of(Path::new(name)).ok();
        assert_eq!(of("a.html"), Some(Format::Html));
        assert_eq!(of("a.HTM"), Some(Format::Html));
        assert_eq!(of("a.b.md"), Some(Format::Md));
        assert_eq!(of("x/a.json"), Some(Format::Json));
        assert_eq!(of("-"), Some(Format::Md));
        assert_eq!(of("a"), None);
        assert_eq!(of("a.pdf"), None);
    }

    #[test]
    fn how_far_back() {
        assert_eq!(parse_last("7d"), Ok(Duration::from_hours(168)));
        assert!(parse_last("59m").is_err() && parse_last("401d").is_err());
        assert!(parse_last("week").unwrap_err().contains("7d"));
    }

    #[test]
    fn zones_have_names() {
        let name = |text: &str| parse_zone(text).map(|zone| zone.iana_name().map(str::to_owned));
        assert_eq!(name("Europe/Berlin"), Ok(Some("Europe/Berlin".to_owned())));
        assert_eq!(name("UTC"), Ok(Some("UTC".to_owned())));
        for bad in ["", "Berlin", "+01:00", "../etc/passwd"] {
            assert!(name(bad).unwrap_err().contains("Europe/Berlin"), "{bad}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("r.md");
        write(&out, "one").unwrap();
        write(&out, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write(&folder.path().join("none/r.md"), "x").unwrap_err();
        assert!(
            format!("{error:#}").contains("none/r.md; check"),
            "{error:#}"
        );
        write(Path::new("/dev/null"), "x").unwrap();
    }
}
