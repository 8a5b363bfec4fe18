//! From a [`Snapshot`](crate::model::snapshot::Snapshot) to what Prometheus reads.
//!
//! [`catalogue`] is the one table of every metric; [`families`](families()) evaluates it; [`Renderer`] turns the result
//! into bytes and keeps them until the next snapshot; [`reference()`] writes `docs/metrics.md` from the same table.
//!
//! Deliberately absent: HTTP, registries, counters of its own. The only room that names `prometheus::`.
//!
//! Invariant: the exposition is a pure function of the snapshot (plus what `/proc` says about this process), so a series
//! can neither go stale nor contradict another one in the same scrape.

pub mod catalogue;
pub mod negotiate;
pub mod render;

mod docs;
mod families;
mod gauges;
mod label;
mod openmetrics;
#[cfg(test)]
pub(crate) mod sample;
mod series;

pub use docs::reference;
pub use families::families;
pub use gauges::ExportedGauges;
pub use negotiate::{Format, accepts_gzip};
pub use render::{RenderError, Renderer};
