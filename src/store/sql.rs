//! Between rows and records: one way to bind and read each kind of value, the same on SQLite and PostgreSQL.
//!
//! Deliberately absent: statements. They stand with the records that they are about.
//!
//! Invariant: whatever is bound, both databases accept it (no NUL in texts, no number beyond 2^53); whatever a row
//! holds, reading it cannot panic. Times are microseconds since 1970.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::{AnyConnection, Row as _};

use crate::model::name::Name;

/// A connection to either database.
pub(super) type Link = AnyConnection;
/// A statement with its values.
pub(super) type Query = sqlx::query::Query<'static, Any, AnyArguments>;
/// What a statement gives.
pub(super) type Result<T> = std::result::Result<T, sqlx::Error>;

/// The largest count that is stored: a sum of many of them still fits.
const MAX_COUNT: u64 = 1 << 53;

/// A statement.
pub(super) fn q(sql: &'static str) -> Query {
    sqlx::query(sql)
}

/// As it is stored.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// As it is stored.
pub(super) fn count(value: u64) -> i64 {
    i64::try_from(value.min(MAX_COUNT)).unwrap_or(i64::MAX)
}

/// As it is stored: PostgreSQL refuses NUL in texts.
pub(super) fn text(value: &str) -> String {
    if value.contains('\0') {
        value.replace('\0', "\u{fffd}")
    } else {
        value.to_owned()
    }
}

/// As it is stored; what is no number is not known.
pub(super) fn number(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// As it is stored.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// Every row that can be read; the others are as if they were not there.
pub(super) fn all<T>(rows: &[AnyRow], read: impl Fn(&Get<'_>) -> Result<T>) -> Vec<T> {
    let read = rows.iter().map(|row| read(&Get(row)));
    read.filter_map(|record| {
        record
            .inspect_err(|error| tracing::debug!(%error, "a row of the store cannot be understood"))
            .ok()
    })
    .collect()
}

/// Reads the values of a row.
pub(super) struct Get<'a>(pub(super) &'a AnyRow);

impl Get<'_> {
    pub(super) fn text(&self, column: &str) -> Result<String> {
        self.0.try_get(column)
    }

    pub(super) fn text_if(&self, column: &str) -> Result<Option<String>> {
        self.0.try_get(column)
    }

    pub(super) fn name(&self, column: &str) -> Result<Name> {
        Name::new(&self.text(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    pub(super) fn integer(&self, column: &str) -> Result<i64> {
        self.0.try_get(column)
    }

    pub(super) fn count(&self, column: &str) -> Result<u64> {
        Ok(u64::try_from(self.integer(column)?).unwrap_or_default())
    }

    pub(super) fn count_if(&self, column: &str) -> Result<Option<u64>> {
        let value: Option<i64> = self.0.try_get(column)?;
        Ok(value.and_then(|v| u64::try_from(v).ok()))
    }

    pub(super) fn float(&self, column: &str) -> Result<f64> {
        self.0.try_get(column)
    }

    /// The value of a column that came with a later schema: where there is none yet, nothing is known.
    pub(super) fn later<T>(value: Result<Option<T>>) -> Result<Option<T>> {
        match value {
            Err(sqlx::Error::ColumnNotFound(_)) => Ok(None),
            value => value,
        }
    }

    pub(super) fn float_if(&self, column: &str) -> Result<Option<f64>> {
        self.0.try_get(column)
    }

    pub(super) fn time(&self, column: &str) -> Result<Timestamp> {
        Ok(from_micros(self.integer(column)?))
    }

    pub(super) fn time_if(&self, column: &str) -> Result<Option<Timestamp>> {
        let value: Option<i64> = self.0.try_get(column)?;
        Ok(value.map(from_micros))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// A value that serde writes as a plain word.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_value(serde_json::Value::String(self.text(column)?))
            .map_err(|error| sqlx::Error::Decode(error.into()))
    }
}

fn from_micros(value: i64) -> Timestamp {
    let end = if value < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_microsecond(value).unwrap_or(end)
}
