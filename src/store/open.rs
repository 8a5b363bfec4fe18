//! Opens a database: the folder, the settings, the check, the schema.
//!
//! Invariant: a file that cannot be used is renamed, with what belongs to it, and never deleted or written over; one
//! that a newer cachewatch wrote is not touched at all.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions as _, SqlSafeStr as _};
use tokio::time::timeout;

use super::error::StoreError;
use super::sql::{Get, Link, q};
use crate::model::secret::Secret;

/// The file in the data folder.
pub const FILE: &str = "cachewatch.db";
/// The newest schema that this cachewatch knows.
pub(super) const SCHEMA: i64 = 2;
/// The first schema with lookups by namespace.
pub(super) const WITH_LOOKUPS: i64 = 2;
/// The smallest page of an SQLite file, in bytes.
const SMALLEST: u64 = 512;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the schema may take.
const MIGRATE: Duration = Duration::from_mins(1);
/// How long the check may take; a file that is too big for that is taken as it is, and what is wrong with it shows when it
/// is used.
const CHECK: Duration = Duration::from_secs(10);
/// The largest file that is checked, in bytes.
const CHECKED: u64 = 512 * 1024 * 1024;

/// A database that works.
pub(super) struct Opened {
    pub(super) link: Link,
    /// It holds nothing yet.
    pub(super) fresh: bool,
    /// Where the file is that was there before and could not be used.
    pub(super) set_aside: Option<PathBuf>,
}

/// Opens the file in this folder.
pub(super) async fn sqlite(folder: &Path, now: Timestamp) -> Result<Opened, StoreError> {
    let path = folder.join(FILE);
    match timeout(CONNECT, prepare(folder.to_owned(), path.clone())).await {
        Ok(prepared) => prepared?,
        Err(_) => return Err(StoreError::Timeout(CONNECT)),
    }
    match sqlite_file(&path).await {
        Ok(link) => {
            let mut opened = opened(link, None).await?;
            if opened.fresh {
                super::import::state_file(folder, &mut opened.link, now)
                    .await
                    .map_err(|error| StoreError::of(&error))?;
            }
            Ok(opened)
        }
        Err(StoreError::Corrupt(reason)) => {
            let aside = set_aside(&path, now)?;
            tracing::error!(
                file = %path.display(),
                aside = %aside.display(),
                reason,
                "the database is corrupt; it was set aside, and a new one is begun"
            );
            prepare(folder.to_owned(), path.clone()).await?;
            opened(sqlite_file(&path).await?, Some(aside)).await
        }
        Err(error) => Err(error),
    }
}

/// A second connection to the same file, that only reads.
pub(super) async fn sqlite_reader(folder: &Path) -> Result<Link, StoreError> {
    let mut link = connect(&sqlite_url(&folder.join(FILE))?).await?;
    for setting in ["pragma query_only = on", "pragma busy_timeout = 2000"] {
        run(&mut link, setting).await?;
    }
    Ok(link)
}

/// A connection to a file that another process may be writing: nothing is made, migrated or mended.
pub(super) async fn sqlite_read_only(folder: &Path) -> Result<Link, StoreError> {
    let path = folder.join(FILE);
    match fs::metadata(&path) {
        // Somebody is about to begin it.
        Ok(file) if file.len() == 0 => return Err(StoreError::Missing(path)),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::Missing(path));
        }
        Err(source) => {
            return Err(StoreError::Io {
                what: "read",
                path,
                source,
            });
        }
    }
    untouched(&path).await?;
    let mut link = connect(&format!("{}?mode=ro", sqlite_url(&path)?)).await?;
    for setting in ["pragma query_only = on", "pragma busy_timeout = 2000"] {
        run(&mut link, setting).await?;
    }
    Ok(link)
}

/// The same of a PostgreSQL database.
pub(super) async fn postgres_read_only(url: &Secret) -> Result<Link, StoreError> {
    let mut link = postgres_reader(url).await?;
    run(&mut link, "set default_transaction_read_only = on").await?;
    Ok(link)
}

/// Opens a PostgreSQL database.
pub(super) async fn postgres(url: &Secret) -> Result<Opened, StoreError> {
    let mut link = postgres_reader(url).await?;
    migrate(&mut link).await?;
    opened(link, None).await
}

/// A second connection to the same database.
pub(super) async fn postgres_reader(url: &Secret) -> Result<Link, StoreError> {
    let mut link = connect(url.expose()).await?;
    run(&mut link, "set statement_timeout = '30s'").await?;
    run(&mut link, "set application_name = 'cachewatch'").await?;
    Ok(link)
}

/// A database in memory.
pub(super) async fn memory() -> Result<Link, StoreError> {
    let mut link = connect("sqlite::memory:?cache=private").await?;
    migrate(&mut link).await?;
    Ok(link)
}

async fn sqlite_file(path: &Path) -> Result<Link, StoreError> {
    let used = fs::metadata(path).is_ok_and(|file| file.len() > 0);
    if used {
        untouched(path).await?;
    }
    let mut link = connect(&sqlite_url(path)?).await?;
    for setting in [
        "pragma busy_timeout = 2000",
        // Takes effect in a new file only.
        "pragma auto_vacuum = incremental",
        "pragma journal_mode = wal",
        // What was committed is on the disk: an alert that was decided must not be lost with the power.
        "pragma synchronous = full",
        "pragma journal_size_limit = 16777216",
        "pragma cache_size = -8000",
    ] {
        run(&mut link, setting).await?;
    }
    if used {
        check(path, CHECKED, CHECK).await?;
    }
    migrate(&mut link).await?;
    Ok(link)
}

/// What must be known before the file is opened for writing: that it is one, and not a newer cachewatch's.
async fn untouched(path: &Path) -> Result<(), StoreError> {
    // SQLite takes a file that is too short for a new one, and writes over it.
    if fs::metadata(path).is_ok_and(|file| file.len() < SMALLEST) {
        return Err(StoreError::Corrupt("the file is too short".to_owned()));
    }
    let mut link = connect(&format!("{}?mode=ro", sqlite_url(path)?)).await?;
    match schema(&mut link).await {
        Err(error @ (StoreError::Corrupt(_) | StoreError::Newer(_) | StoreError::Timeout(_))) => {
            Err(error)
        }
        // No such table, or none in it: it is begun anew, or not yet finished.
        _ => Ok(()),
    }
}

/// The schema of a database, which is not newer than [`SCHEMA`].
pub(super) async fn schema(link: &mut Link) -> Result<i64, StoreError> {
    let query = q("select max(version) as version from _sqlx_migrations").fetch_one(link);
    let found = match timeout(CONNECT, query).await {
        Ok(found) => found.and_then(|row| Get(&row).integer("version")),
        Err(_) => return Err(StoreError::Timeout(CONNECT)),
    };
    match found.map_err(|error| StoreError::of(&error))? {
        version if version > SCHEMA => Err(StoreError::Newer(version)),
        version => Ok(version),
    }
}

/// Looks for damage, as far as that can be done in this time, on a connection of its own: one that is still busy with it
/// afterwards is of no use for anything else.
pub(super) async fn check(path: &Path, largest: u64, limit: Duration) -> Result<(), StoreError> {
    let size = fs::metadata(path).map_or(0, |file| file.len());
    if size > largest {
        tracing::info!(
            bytes = size,
            "the database is too big to be checked at each start"
        );
        return Ok(());
    }
    let mut link = connect(&sqlite_url(path)?).await?;
    let checking = q("pragma quick_check(1)").fetch_all(&mut link);
    let Ok(rows) = timeout(limit, checking).await else {
        tracing::warn!(
            bytes = size,
            "the database was not wholly checked within {limit:?}; going on with it"
        );
        return Ok(());
    };
    let rows = rows.map_err(|error| StoreError::of(&error))?;
    let said = rows.first().map(|row| Get(row).text("quick_check"));
    match said {
        Some(Ok(text)) if text == "ok" => Ok(()),
        Some(Ok(text)) => Err(StoreError::Corrupt(
            text.split_whitespace().collect::<Vec<_>>().join(" "),
        )),
        Some(Err(error)) => Err(StoreError::of(&error)),
        None => Err(StoreError::Corrupt("the check says nothing".to_owned())),
    }
}

async fn opened(mut link: Link, set_aside: Option<PathBuf>) -> Result<Opened, StoreError> {
    let held = q(
        "select (select count(*) from books) + (select count(*) from incidents)
                  + (select count(*) from outbox) + (select count(*) from keys) as number",
    )
    .fetch_one(&mut link)
    .await
    .and_then(|row| Get(&row).count("number"))
    .map_err(|error| StoreError::of(&error))?;
    Ok(Opened {
        link,
        fresh: held == 0,
        set_aside,
    })
}

async fn connect(url: &str) -> Result<Link, StoreError> {
    sqlx::any::install_default_drivers();
    let hide = |text: String| text.replace(url, "[REDACTED]");
    let options: AnyConnectOptions = url
        .parse()
        .map_err(|error: sqlx::Error| StoreError::Database(hide(error.to_string())))?;
    let options = options.disable_statement_logging();
    match timeout(CONNECT, options.connect()).await {
        Ok(Ok(link)) => Ok(link),
        Ok(Err(error)) => Err(match StoreError::of(&error) {
            StoreError::Database(text) => StoreError::Database(hide(text)),
            other => other,
        }),
        Err(_) => Err(StoreError::Timeout(CONNECT)),
    }
}

/// The schema up to this one, as files that are applied in order and never changed afterwards.
fn migrator(schema: i64) -> Migrator {
    let files = [
        (1, "begin", include_str!("migrations/0001_begin.sql")),
        (2, "lookups", include_str!("migrations/0002_lookups.sql")),
    ];
    let files = files.into_iter().filter(|(version, ..)| *version <= schema);
    let files = files.map(|(version, name, sql)| {
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(files.collect())
}

async fn migrate(link: &mut Link) -> Result<(), StoreError> {
    migrate_to(link, SCHEMA).await
}

async fn migrate_to(link: &mut Link, schema: i64) -> Result<(), StoreError> {
    let migrator = migrator(schema);
    match timeout(MIGRATE, migrator.run_direct(None, link, false)).await {
        Ok(done) => done.map_err(|error| StoreError::of_migration(&error)),
        Err(_) => Err(StoreError::Timeout(MIGRATE)),
    }
}

async fn run(link: &mut Link, setting: &'static str) -> Result<(), StoreError> {
    match timeout(CONNECT, q(setting).fetch_all(link)).await {
        Ok(done) => done.map(drop).map_err(|error| StoreError::of(&error)),
        Err(_) => Err(StoreError::Timeout(CONNECT)),
    }
}

/// The folder, and a file that only its owner may read: it holds keys.
async fn prepare(folder: PathBuf, path: PathBuf) -> Result<(), StoreError> {
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { what, path, source }
    };
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(io("make the folder", &folder))?;
    let options = tokio::fs::OpenOptions::from({
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        options
    });
    let file = options.open(&path).await.map_err(io("open", &path))?;
    drop(file);
    Ok(())
}

fn sqlite_url(path: &Path) -> Result<String, StoreError> {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;

    if path.to_str().is_none() {
        return Err(StoreError::Database(
            "the path of the data folder is not UTF-8".to_owned(),
        ));
    }
    let mut url = "sqlite:".to_owned();
    if path.is_absolute() {
        url.push_str("//");
    }
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/_-.~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            write!(url, "%{byte:02X}").ok();
        }
    }
    Ok(url)
}

/// Renames the file and what belongs to it; gives the new name.
fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let with = |base: &Path, end: &str| {
        let mut name = base.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let base = with(path, &format!(".corrupt-{}", now.as_second()));
    let mut aside = base.clone();
    let mut number = 1;
    while aside.exists() {
        number += 1;
        aside = with(&base, &format!("-{number}"));
    }
    for end in ["", "-wal", "-shm"] {
        match fs::rename(with(path, end), with(&aside, end)) {
            Ok(()) => {}
            Err(error) if !end.is_empty() && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(StoreError::Io {
                    what: "set aside",
                    path: with(path, end),
                    source,
                });
            }
        }
    }
    Ok(aside)
}

/// An empty database as an older cachewatch made it.
#[cfg(test)]
pub(super) async fn of_schema(backend: &super::Backend, schema: i64) -> Result<Link, StoreError> {
    let mut link = match backend {
        super::Backend::Sqlite(folder) => {
            let path = folder.join(FILE);
            prepare(folder.clone(), path.clone()).await?;
            connect(&sqlite_url(&path)?).await?
        }
        super::Backend::Postgres(url) => postgres_reader(url).await?,
        super::Backend::Memory => connect("sqlite::memory:?cache=private").await?,
    };
    migrate_to(&mut link, schema).await?;
    Ok(link)
}
