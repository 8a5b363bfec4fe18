//! The reused buffer between a socket and the decoder.
//!
//! Deliberately not a stream: it does no I/O, so that tests and benches can feed it.
//!
//! Invariant: it holds between [`MIN_BYTES`] and [`MAX_BYTES`], whatever arrives, and allocates only to grow.

use super::cursor::Stop;
use super::decoder::{DecodeError, Decoder, Frame, MAX_FRAME_BYTES, Step};
use super::hello;

/// The size at the beginning and when nothing happens.
pub const MIN_BYTES: usize = 64 * 1024;
/// The largest size: some thousands of events a read, still within a processor's second-level cache.
pub const MAX_BYTES: usize = 256 * 1024;
const _: () = assert!(
    MAX_FRAME_BYTES < MAX_BYTES,
    "else a frame could fill the buffer and never be complete"
);

/// A buffer, its decoder, and which part of it is still to be decoded.
#[derive(Debug)]
pub struct Intake {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    decoder: Decoder,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            buffer: vec![0; MIN_BYTES],
            start: 0,
            end: 0,
            decoder: Decoder::default(),
        }
    }
}

impl Intake {
    /// Where to read to; never empty as long as all frames were taken before. What was decoded is overwritten.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.grow();
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes were read to [`Self::space`].
    pub fn filled(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
        if self.end == self.buffer.len() {
            // The socket may hold more than fits: fewer, larger reads.
            self.grow();
        }
    }

    /// The next complete frame, or `None` when more bytes are needed.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, DecodeError> {
        loop {
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            match self.decoder.step(unread)? {
                Step::Frame(frame, consumed) => {
                    self.start += consumed;
                    return Ok(Some(frame));
                }
                Step::Skipped(consumed) => self.start += consumed,
                Step::Incomplete => return Ok(None),
            }
        }
    }

    /// Passes over the answer to HELLO, and says which byte it begins with; `None` when more bytes are needed.
    pub(super) fn pass_hello(&mut self) -> Result<Option<u8>, DecodeError> {
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        match hello::length(unread) {
            Ok(length) => {
                self.start += length;
                Ok(unread.first().copied())
            }
            Err(Stop::Incomplete) => Ok(None),
            Err(Stop::Bad(error)) => Err(error),
        }
    }

    /// Gives back what growing took. For quiet times.
    pub fn shrink(&mut self) {
        if self.end <= MIN_BYTES && self.buffer.len() > MIN_BYTES {
            self.buffer.truncate(MIN_BYTES);
            self.buffer.shrink_to_fit();
        }
    }

    /// Whether the bytes so far end within a frame.
    pub fn is_mid_frame(&self) -> bool {
        self.start < self.end || self.decoder.is_skipping()
    }

    fn grow(&mut self) {
        let size = self.buffer.len().saturating_mul(2).min(MAX_BYTES);
        self.buffer.resize(size, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(intake: &mut Intake, mut bytes: &[u8]) -> usize {
        let mut frames = 0;
        while !bytes.is_empty() {
            let space = intake.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            intake.filled(count);
            bytes = &bytes[count..];
            while intake.next_frame().unwrap().is_some() {
                frames += 1;
            }
        }
        frames
    }

    #[test]
    fn a_key_of_100_mb_needs_no_more_than_the_buffer() {
        let mut intake = Intake::default();
        let head = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$100000000\r\n";
        assert_eq!(feed(&mut intake, head), 0);
        let chunk = vec![b'k'; 1_000_000];
        let frames: usize = (0..100).map(|_| feed(&mut intake, &chunk)).sum();
        assert_eq!(frames, 1);
        assert!(intake.is_mid_frame());
        assert_eq!(feed(&mut intake, b"\r\n+PONG\r\n"), 1);
        assert!(!intake.is_mid_frame());
        assert_eq!(intake.buffer.capacity(), MAX_BYTES);
        intake.shrink();
        assert_eq!(intake.buffer.len(), MIN_BYTES);
        assert_eq!(feed(&mut intake, b"+PONG\r\n"), 1);
    }

    #[test]
    fn the_longest_frame_fits_beside_what_came_before_it() {
        let mut intake = Intake::default();
        let key = vec![b'k'; crate::collect::redis::events::decoder::MAX_KEY_BYTES];
        let mut bytes = b"+x\r\n".repeat(10_000);
        for _ in 0..20 {
            let head = format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n${}\r\n", key.len());
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(b"\r\n");
        }
        assert_eq!(feed(&mut intake, &bytes), 10_020);
        assert!(intake.buffer.len() <= MAX_BYTES);
    }
}
