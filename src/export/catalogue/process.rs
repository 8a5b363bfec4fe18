//! `process_*`: what the operating system says about this process, by the prometheus crate's collector (Linux only).

use super::{Kind, Metric, Read, Unit};

const fn row(name: &'static str, kind: Kind, unit: Unit, help: &'static str) -> Metric {
    Metric::new(name, kind, unit, &[], help, Read::Process).from("`/proc`")
}

pub(super) const METRICS: &[Metric] = &[
    row(
        "process_cpu_seconds_total",
        Kind::Counter,
        Unit::Seconds,
        "Total user and system CPU time spent in seconds.",
    ),
    row(
        "process_open_fds",
        Kind::Gauge,
        Unit::None,
        "Number of open file descriptors.",
    ),
    row(
        "process_max_fds",
        Kind::Gauge,
        Unit::None,
        "Maximum number of open file descriptors.",
    ),
    row(
        "process_virtual_memory_bytes",
        Kind::Gauge,
        Unit::Bytes,
        "Virtual memory size in bytes.",
    ),
    row(
        "process_resident_memory_bytes",
        Kind::Gauge,
        Unit::Bytes,
        "Resident memory size in bytes.",
    ),
    row(
        "process_start_time_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "Start time of the process since unix epoch in seconds.",
    ),
    row(
        "process_threads",
        Kind::Gauge,
        Unit::None,
        "Number of OS threads in the process.",
    ),
];
