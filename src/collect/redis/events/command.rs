//! The few commands that a reader sends, as bytes.
//!
//! Invariant: arguments are length-prefixed, so no byte of a name or a password can be taken for protocol.

use super::channel::{self, Topic};

/// PING. Also allowed while subscribed.
pub(super) const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

/// A command with its arguments.
pub(in crate::collect::redis) fn encode(arguments: &[&[u8]]) -> Vec<u8> {
    let length: usize = arguments.iter().map(|argument| argument.len() + 24).sum();
    let mut out = Vec::with_capacity(length + 24);
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// SUBSCRIBE to these topics in the databases 0 to `databases` - 1, and how many channels these are.
pub(super) fn subscribe(databases: u32, topics: [Topic; 3]) -> (Vec<u8>, usize) {
    let channels: Vec<String> = (0..databases)
        .flat_map(|db| topics.map(|topic| channel::name(db, topic)))
        .collect();
    let mut arguments: Vec<&[u8]> = vec![b"SUBSCRIBE"];
    arguments.extend(channels.iter().map(String::as_bytes));
    (encode(&arguments), channels.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_length_prefixed() {
        assert_eq!(
            encode(&[b"AUTH", b"a\r\nb"]),
            b"*2\r\n$4\r\nAUTH\r\n$4\r\na\r\nb\r\n"
        );
        assert_eq!(encode(&[b"PING"]), PING);
    }

    #[test]
    fn a_subscription_names_every_channel_once() {
        let (bytes, channels) = subscribe(2, Topic::COUNTED);
        assert_eq!(channels, 6);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("*7\r\n$9\r\nSUBSCRIBE\r\n"));
        for db in 0..2 {
            for kind in Topic::COUNTED {
                assert_eq!(text.matches(&channel::name(db, kind)).count(), 1);
            }
        }
        assert_eq!(text.matches('*').count(), 1, "exact names, no patterns");
    }
}
