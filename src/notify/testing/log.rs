//! Everything that was logged on this thread, from TRACE up, by whatever crate.
//!
//! One subscriber for the whole process that writes into a buffer of the thread: with one for each thread, a place in the
//! code that another thread has reached without a subscriber may stay silent for all.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

thread_local! {
    static TEXT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Collects the log of this thread while it exists.
pub(crate) struct Log(());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TEXT.with_borrow_mut(|text| {
            if let Some(text) = text {
                text.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Begins to collect.
    pub(crate) fn collect() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(|| Writer)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        TEXT.set(Some(Vec::new()));
        tracing::trace!("the log begins");
        let log = Self(());
        assert!(
            log.text().contains("the log begins"),
            "somebody else takes the log"
        );
        log
    }

    /// What was logged so far.
    pub(crate) fn text(&self) -> String {
        let Self(()) = self;
        TEXT.with_borrow(|text| String::from_utf8_lossy(text.as_ref().unwrap()).into_owned())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        TEXT.set(None);
    }
}
