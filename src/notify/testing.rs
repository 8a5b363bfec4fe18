//! What the tests of this room share: sample notifications, golden files, receivers that misbehave, a look at the log.

pub(crate) mod golden;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod notification;
pub(crate) mod smtp;
pub(crate) mod tls;
