//! A value with its place, and what became of a field.
//!
//! "Not written" and "written wrongly" are kept apart, so that a wrong value is not also called missing.

use crate::config::error::{Errors, Origin};

/// A value and where it was written.
#[derive(Clone)]
pub(in crate::config) struct At<T> {
    pub(in crate::config) value: T,
    pub(in crate::config) origin: Origin,
}

/// What became of a field.
#[derive(Clone)]
pub(in crate::config) enum Given<T> {
    /// It was not written.
    No,
    /// It was, but wrongly; that has been told.
    Bad,
    /// It was.
    Yes(At<T>),
}

impl<T> Given<T> {
    /// Whether it was written, rightly or wrongly.
    pub(in crate::config) fn is_given(&self) -> bool {
        !matches!(self, Self::No)
    }

    /// Where it was written, if there is a right value.
    pub(in crate::config) fn place(&self) -> Option<&Origin> {
        self.get().map(|at| &at.origin)
    }

    /// The value, if there is a right one.
    pub(in crate::config) fn ok(self) -> Option<At<T>> {
        match self {
            Self::Yes(at) => Some(at),
            Self::No | Self::Bad => None,
        }
    }

    /// Reads the value as something else; when that fails, notes that it must be what is expected.
    pub(in crate::config) fn parse<U>(
        self,
        errors: &mut Errors,
        expected: &str,
        parse: impl FnOnce(&T) -> Option<U>,
    ) -> Given<U> {
        let at = match self {
            Self::Yes(at) => at,
            Self::No => return Given::No,
            Self::Bad => return Given::Bad,
        };
        let parsed = parse(&at.value).ok_or_else(|| format!("must be {expected}"));
        errors
            .check(&at.origin, parsed)
            .map_or(Given::Bad, |value| {
                Given::Yes(At {
                    value,
                    origin: at.origin,
                })
            })
    }

    /// As [`Given::ok`], for looking only.
    pub(in crate::config) fn get(&self) -> Option<&At<T>> {
        match self {
            Self::Yes(at) => Some(at),
            Self::No | Self::Bad => None,
        }
    }
}
