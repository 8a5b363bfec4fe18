//! The reader of key events: one connection of its own to a node, subscribed to exact channels, counting what comes.
//!
//! [`reader`] keeps a session alive, `session` is one connection from login to its end, [`intake`] is the reused
//! buffer, [`decoder`] and [`channel`] understand the bytes, [`tally`] is what has been seen, `attribution` in which
//! namespaces and why. Deliberately absent: queues
//! (each event is handed to an [`EventSink`] while it lies in the buffer), the redis crate's pub/sub (it queues without
//! bound), and any change of the server's settings.
//!
//! Invariant: no allocation per event, and memory that does not depend on what the server sends.

use channel::Topic;

mod attribution;
pub mod channel;
pub(super) mod command;
mod cursor;
pub mod decoder;
mod gaps;
mod hello;
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
/// It must be quick: while it works, the server's output buffer fills up.
pub trait EventSink {
    /// What takes the events of one read.
    type Batch<'a>: EventBatch
    where
        Self: 'a;

    /// A read begins. The batch is dropped when all of its events have been handed over: the time to publish what was
    /// gathered, and to let go of locks.
    fn batch(&mut self) -> Self::Batch<'_>;
}

/// Takes the events of one read.
pub trait EventBatch {
    /// An event. `key` lies in the reader's buffer: any bytes, of a key longer than [`decoder::MAX_KEY_BYTES`] only so
    /// many.
    fn event(&mut self, topic: Topic, db: u32, key: &[u8]);
}
