//! The reader of key events: one connection of its own to a node, subscribed to exact channels, counting what comes.
//!
//! [`reader`] keeps a session alive, `session` is one connection from login to its end, [`intake`] is the reused
//! buffer, [`decoder`] and [`channel`] understand the bytes, [`tally`] is what has been seen. Deliberately absent: queues
//! (each event is handed to an [`EventSink`] while it lies in the buffer), the redis crate's pub/sub (it queues without
//! bound), and any change of the server's settings.
//!
//! Invariant: no allocation per event, and memory that does not depend on what the server sends.

use crate::model::events::EventKind;

pub mod channel;
pub(super) mod command;
mod cursor;
pub mod decoder;
pub mod intake;
pub(super) mod login;
pub mod reader;
mod session;
pub mod tally;
#[cfg(test)]
pub(super) mod testing;
pub(super) mod wire;

pub use reader::EventReader;
pub use tally::EventsHandle;

/// Where events go, one at a time, on the task that reads them.
///
/// It must be quick and must not block: while it works, the server's output buffer fills up.
pub trait EventSink {
    /// An event. `key` lies in the reader's buffer: any bytes, of a key longer than [`decoder::MAX_KEY_BYTES`] only so
    /// many.
    fn event(&mut self, kind: EventKind, db: u32, key: &[u8]);

    /// All events of one read have been handed over: the time to publish what was gathered.
    fn read_done(&mut self) {}
}
