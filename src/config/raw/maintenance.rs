//! `maintenance` and `inhibitions` as people write them.
//!
//! Deliberately absent: whether the times make sense.

use super::given::{At, Given};
use super::walk::{Fields, Walk};
use crate::config::error::Origin;

/// A maintenance window.
pub(in crate::config) struct RawMaintenance {
    pub(in crate::config) origin: Origin,
    pub(in crate::config) name: Given<String>,
    pub(in crate::config) caches: Given<Vec<At<String>>>,
    pub(in crate::config) matchers: Given<Vec<At<String>>>,
    pub(in crate::config) days: Given<Vec<At<String>>>,
    pub(in crate::config) from: Given<String>,
    pub(in crate::config) to: Given<String>,
    pub(in crate::config) time_zone: Given<String>,
    pub(in crate::config) starts: Given<String>,
    pub(in crate::config) ends: Given<String>,
}

/// Which incident silences which others.
pub(in crate::config) struct RawInhibition {
    pub(in crate::config) source: Given<String>,
    pub(in crate::config) targets: Given<Vec<At<String>>>,
}

pub(super) fn window(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawMaintenance {
    fields.require(walk, "name");
    RawMaintenance {
        name: fields.text(walk, "name"),
        caches: fields.texts(walk, "caches"),
        matchers: fields.texts(walk, "matchers"),
        days: fields.texts(walk, "days"),
        from: fields.text(walk, "from"),
        to: fields.text(walk, "to"),
        time_zone: fields.text(walk, "time_zone"),
        starts: fields.text(walk, "starts"),
        ends: fields.text(walk, "ends"),
        origin: fields.close(walk),
    }
}

pub(super) fn inhibition(walk: &mut Walk<'_>, mut fields: Fields<'_>) -> RawInhibition {
    fields.require(walk, "source");
    let inhibition = RawInhibition {
        source: fields.text(walk, "source"),
        targets: fields.texts(walk, "targets"),
    };
    fields.close(walk);
    inhibition
}
