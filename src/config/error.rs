//! What is wrong with a configuration, and where.
//!
//! Deliberately absent: the values themselves. A wrong value may be a secret in the wrong place, so that messages tell
//! what is expected and where, and the reader looks there.
//!
//! Invariant: errors are sorted by their place in the file, and their number is bounded.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many errors are told at most; more than that is no configuration file.
pub const MAX_ERRORS: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The configuration file, if the error is in it.
    pub file: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<u64>,
    /// The column in it, in characters from 1.
    pub column: Option<u64>,
    /// The key (`caches[1].poll_interval`), the environment variable, or the flag.
    pub path: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", printable(file))?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, ":{number}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Where a value was written.
#[derive(Clone)]
pub(super) struct Origin {
    /// The configuration file; `None` for a variable or a flag.
    pub(super) file: Option<Arc<Path>>,
    /// Line and column.
    pub(super) position: Option<(u64, u64)>,
    /// The key, the variable or the flag; empty for the file as a whole.
    pub(super) path: String,
}

impl Origin {
    /// A variable or a flag.
    pub(super) fn outside(name: &str) -> Self {
        Self {
            file: None,
            position: None,
            path: name.to_owned(),
        }
    }

    /// The file as a whole.
    pub(super) fn file(file: &Arc<Path>) -> Self {
        Self {
            file: Some(Arc::clone(file)),
            position: None,
            path: String::new(),
        }
    }

    /// An error here.
    pub(super) fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError {
            file: self.file.as_deref().map(Path::to_path_buf),
            line: self.position.map(|(line, _)| line),
            column: self.position.map(|(_, column)| column),
            path: Some(self.path.clone()).filter(|path| !path.is_empty()),
            message: message.into(),
        }
    }
}

/// The errors found so far.
#[derive(Default)]
pub(super) struct Errors {
    found: Vec<ConfigError>,
    cut: usize,
}

impl Errors {
    /// Notes an error.
    pub(super) fn push(&mut self, error: ConfigError) {
        if self.found.len() < MAX_ERRORS {
            self.found.push(error);
        } else {
            self.cut = self.cut.saturating_add(1);
        }
    }

    /// Notes an error at a place.
    pub(super) fn at(&mut self, origin: &Origin, message: impl Into<String>) {
        self.push(origin.error(message));
    }

    /// The value of a check, or `None` with its complaint noted.
    pub(super) fn check<T, E: Into<String>>(
        &mut self,
        origin: &Origin,
        checked: Result<T, E>,
    ) -> Option<T> {
        checked
            .map_err(|message| self.at(origin, message.into()))
            .ok()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them: those of the file by position, then those of variables and flags in the order they were found.
    pub(super) fn into_sorted(mut self) -> ConfigErrors {
        self.found.sort_by_key(|error| {
            (
                error.file.is_none(),
                error.line.unwrap_or(u64::MAX),
                error.column.unwrap_or(u64::MAX),
            )
        });
        if self.cut > 0 {
            self.found.push(ConfigError {
                file: None,
                line: None,
                column: None,
                path: None,
                message: format!("and {} more errors", self.cut),
            });
        }
        ConfigErrors(self.found)
    }
}

/// A path as text of one line.
pub(super) fn printable(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: u64) -> ConfigError {
        ConfigError {
            file: Some(PathBuf::from("cachewatch.yaml")),
            line: Some(line),
            column: Some(5),
            path: Some("caches[1].poll_interval".to_owned()),
            message: "must be between 1s and 5m".to_owned(),
        }
    }

    #[test]
    fn an_error_reads_like_that_of_a_compiler() {
        assert_eq!(
            error(12).to_string(),
            "cachewatch.yaml:12:5: caches[1].poll_interval: must be between 1s and 5m"
        );
        assert_eq!(
            Origin::outside("CACHEWATCH_LISTEN")
                .error("is wrong")
                .to_string(),
            "CACHEWATCH_LISTEN: is wrong"
        );
    }

    #[test]
    fn errors_are_sorted_and_bounded() {
        let mut errors = Errors::default();
        errors.at(&Origin::outside("CACHEWATCH_LISTEN"), "is wrong");
        for line in (1..=MAX_ERRORS as u64 + 4).rev() {
            errors.push(error(line));
        }
        let ConfigErrors(sorted) = errors.into_sorted();
        assert_eq!(sorted.len(), MAX_ERRORS + 1);
        assert!(
            sorted
                .windows(2)
                .all(|w| w[0].line <= w[1].line || w[1].line.is_none())
        );
        assert_eq!(sorted.last().unwrap().message, "and 5 more errors");
    }
}
