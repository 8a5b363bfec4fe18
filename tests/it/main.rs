//! One integration binary against real servers: see `harness`.
