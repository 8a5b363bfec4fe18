//! What comes back after a restart, and what does not.
