//! The exported gauges that a rule can watch by name.
//!
//! Deliberately absent: what is about alerts themselves, and the state of a cache, which follows from its alerts: a rule
//! about these would watch itself.
//!
//! Invariant: this list is that of the catalogue of metrics; a test beside the catalogue says so.

/// Their names, in alphabetical order.
pub const GAUGES: &[&str] = &[
    "cache_attribution_horizon_seconds",
    "cache_attribution_memory_bytes",
    "cache_attribution_table_capacity",
    "cache_attribution_table_entries",
    "cache_events_completeness_ratio",
    "cache_events_state",
    "cache_keys",
    "cache_memory_limit_bytes",
    "cache_memory_used_bytes",
    "cache_miss_ratio",
    "cache_miss_ratio_lower_bound",
    "cache_namespace_hit_ratio",
    "cache_namespace_hit_ratio_lower_bound",
    "cache_namespace_hit_ratio_upper_bound",
    "cache_namespaces",
    "cache_node_info",
    "cache_nodes",
    "cache_reading_age_seconds",
    "cache_reading_timestamp_seconds",
    "cache_up",
    "cache_window_covered_seconds",
    "cache_window_lookups",
];
