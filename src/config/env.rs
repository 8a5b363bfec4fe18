//! The environment variables that cachewatch reads, by name.
//!
//! [`ALL`] is the one table: `--help` prints it, and a test holds docs/configuration.md to it. Variables that a
//! configuration file names as `${VARIABLE}` are the file's affair and are not here.
//!
//! Invariant: nothing reads a `CACHEWATCH_…` variable that is not in the table.

/// The configuration file.
pub const CONFIG: &str = "CACHEWATCH_CONFIG";
/// Where the HTTP server listens.
pub const LISTEN: &str = "CACHEWATCH_LISTEN";
/// How often each cache is polled.
pub const POLL_INTERVAL: &str = "CACHEWATCH_POLL_INTERVAL";
/// Where state is kept.
pub const DATA_DIR: &str = "CACHEWATCH_DATA_DIR";
/// The database where state is kept instead.
pub const STORE: &str = "CACHEWATCH_STORE";
/// How people reach the page.
pub const EXTERNAL_URL: &str = "CACHEWATCH_EXTERNAL_URL";
/// What a request must bring that changes something.
pub const API_TOKEN: &str = "CACHEWATCH_API_TOKEN";
/// A file that holds it.
pub const API_TOKEN_FILE: &str = "CACHEWATCH_API_TOKEN_FILE";
/// A cache to watch.
pub const REDIS_URL: &str = "CACHEWATCH_REDIS_URL";
/// The user for caches from the command line or [`REDIS_URL`].
pub const REDIS_USERNAME: &str = "CACHEWATCH_REDIS_USERNAME";
/// The password for caches from the command line or [`REDIS_URL`].
pub const REDIS_PASSWORD: &str = "CACHEWATCH_REDIS_PASSWORD";
/// A file that holds it.
pub const REDIS_PASSWORD_FILE: &str = "CACHEWATCH_REDIS_PASSWORD_FILE";
/// A Slack incoming webhook.
pub const SLACK_WEBHOOK_URL: &str = "CACHEWATCH_SLACK_WEBHOOK_URL";
/// A file that holds it.
pub const SLACK_WEBHOOK_URL_FILE: &str = "CACHEWATCH_SLACK_WEBHOOK_URL_FILE";
/// A generic webhook.
pub const WEBHOOK_URL: &str = "CACHEWATCH_WEBHOOK_URL";
/// A file that holds it.
pub const WEBHOOK_URL_FILE: &str = "CACHEWATCH_WEBHOOK_URL_FILE";
/// A mail server.
pub const SMTP_URL: &str = "CACHEWATCH_SMTP_URL";
/// A file that holds it.
pub const SMTP_URL_FILE: &str = "CACHEWATCH_SMTP_URL_FILE";
/// Who gets mail.
pub const EMAIL_TO: &str = "CACHEWATCH_EMAIL_TO";
/// Whom mail is from.
pub const EMAIL_FROM: &str = "CACHEWATCH_EMAIL_FROM";
/// Where a running cachewatch is. Read by `cli`.
pub const URL: &str = "CACHEWATCH_URL";
/// What is logged. Read by `cli`.
pub const LOG: &str = "CACHEWATCH_LOG";
/// How the log looks. Read by `cli`.
pub const LOG_FORMAT: &str = "CACHEWATCH_LOG_FORMAT";

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is for, one line.
    pub help: &'static str,
    /// Whether it holds a secret.
    pub secret: bool,
}

const fn plain(name: &'static str, help: &'static str) -> Variable {
    Variable {
        name,
        help,
        secret: false,
    }
}

const fn secret(name: &'static str, help: &'static str) -> Variable {
    Variable {
        name,
        help,
        secret: true,
    }
}

/// All of them, in the order in which they are shown.
pub const ALL: &[Variable] = &[
    plain(CONFIG, "the configuration file, as --config"),
    plain(
        LISTEN,
        "where the HTTP server listens, as --listen (default 127.0.0.1:9721)",
    ),
    plain(
        POLL_INTERVAL,
        "how often each cache is polled, as --poll-interval (default 5s)",
    ),
    plain(
        DATA_DIR,
        "the folder for state, as --data-dir (default: state is kept in memory)",
    ),
    secret(
        STORE,
        "the PostgreSQL database where state is kept instead: postgres://user:password@host/database",
    ),
    plain(
        EXTERNAL_URL,
        "how people reach the page, for links in messages",
    ),
    secret(
        API_TOKEN,
        "what requests must bring that change something or tell of lookups, as `Authorization: Bearer …`",
    ),
    plain(API_TOKEN_FILE, "a file that holds this token"),
    secret(
        REDIS_URL,
        "a cache to watch, when none is named on the command line",
    ),
    plain(
        REDIS_USERNAME,
        "the user for caches that are not from the file",
    ),
    secret(
        REDIS_PASSWORD,
        "the password for caches that are not from the file",
    ),
    plain(
        REDIS_PASSWORD_FILE,
        "a file that holds this password, read anew at each connection",
    ),
    secret(
        SLACK_WEBHOOK_URL,
        "a Slack incoming webhook; makes the channel `slack`",
    ),
    plain(
        SLACK_WEBHOOK_URL_FILE,
        "a file that holds the address of the Slack webhook",
    ),
    secret(
        WEBHOOK_URL,
        "a webhook for Alertmanager's JSON; makes the channel `webhook`",
    ),
    plain(
        WEBHOOK_URL_FILE,
        "a file that holds the address of the webhook",
    ),
    secret(
        SMTP_URL,
        "a mail server, smtp+starttls://user:password@host; makes the channel `email`",
    ),
    plain(
        SMTP_URL_FILE,
        "a file that holds the address of the mail server",
    ),
    plain(EMAIL_TO, "who gets mail, separated by commas"),
    plain(
        EMAIL_FROM,
        "whom mail is from (default: cachewatch on this machine)",
    ),
    plain(
        URL,
        "where a running cachewatch is, for commands that ask one, as --url (default http://127.0.0.1:9721)",
    ),
    plain(
        LOG,
        "what is logged: error, warn, info (default), debug, trace",
    ),
    plain(LOG_FORMAT, "how the log looks: text (default) or json"),
];

/// A variable of this process, for [`Inputs::env`](super::Inputs::env).
pub fn process(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ours() {
        let mut names: Vec<_> = ALL.iter().map(|v| v.name).collect();
        assert!(names.iter().all(|name| name.starts_with("CACHEWATCH_")));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn the_documentation_has_exactly_these() {
        let docs = include_str!("../../docs/configuration.md");
        let documented: Vec<_> = docs
            .lines()
            .filter_map(|line| line.strip_prefix("| `CACHEWATCH_"))
            .map(|line| format!("| `CACHEWATCH_{line}"))
            .collect();
        let expected: Vec<_> = ALL
            .iter()
            .map(|v| format!("| `{}` | {} |", v.name, v.help))
            .collect();
        assert_eq!(
            documented, expected,
            "docs/configuration.md, \"Environment variables\""
        );
    }
}
