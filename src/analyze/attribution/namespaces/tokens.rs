//! Cuts a key into segments in one pass, and recognises what is longer than a segment: a UUID, `[…]`, a query string.
//!
//! Deliberately absent: any allocation and any judgement about words.
//!
//! Invariant: the tokens of a key cover it without gap or overlap, and are at most [`MAX_TOKENS`]; the last one takes
//! whatever is left.

/// The most segments of a key that are looked at one by one.
pub(super) const MAX_TOKENS: usize = 16;
/// Separators when nothing else is said.
pub const DEFAULT_SEPARATORS: &[u8] = b":/.|-";

/// One segment with what stands before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// The separator before it; 0 for the first.
    pub(super) separator: u8,
    /// Where it begins.
    pub(super) start: u16,
    /// Where it ends.
    pub(super) end: u16,
    /// Whether it is known to be an id already.
    pub(super) id: bool,
    /// Whether it is within `{` and `}`.
    pub(super) in_tag: bool,
}

const NO_TOKEN: Token = Token {
    separator: 0,
    start: 0,
    end: 0,
    id: true,
    in_tag: false,
};

/// Cuts keys; keeps the tokens of the last one.
#[derive(Debug, Clone)]
pub(super) struct Tokenizer {
    /// Whether a byte is worth a stop.
    stops: [bool; 256],
    tokens: [Token; MAX_TOKENS],
    count: usize,
}

impl Tokenizer {
    /// With these separators; `{`, `}`, `[`, `(`, `?` and `@` are special in any case.
    pub(super) fn new(separators: &[u8]) -> Self {
        let mut stops = [false; 256];
        for (byte, slot) in (0_u8..=255).zip(stops.iter_mut()) {
            let special = matches!(byte, b'{' | b'}' | b'[' | b'(' | b'?' | b'@');
            *slot = special || separators.contains(&byte);
        }
        Self {
            stops,
            tokens: [NO_TOKEN; MAX_TOKENS],
            count: 0,
        }
    }

    /// The tokens of the key that was cut last.
    pub(super) fn tokens(&self) -> &[Token] {
        self.tokens.get(..self.count).unwrap_or_default()
    }

    /// Cuts a key of at most `u16::MAX` bytes.
    pub(super) fn cut(&mut self, key: &[u8]) {
        self.count = 0;
        let mut next = Next::default();
        let mut at = 0;
        loop {
            let rest = key.get(at..).unwrap_or_default();
            let stop = rest
                .iter()
                .position(|b| self.stops.get(usize::from(*b)).is_some_and(|s| *s));
            let Some((stop, byte)) = stop.and_then(|s| Some((at + s, *rest.get(s)?))) else {
                self.put(key, next, key.len());
                return;
            };
            at = stop + 1;
            match byte {
                b'@' => {
                    next = self.take_back(next);
                    next.id = true;
                    next.mail = true;
                    continue;
                }
                b'-' | b'.' if next.mail => continue,
                b'-' if stop - next.start == 8
                    && is_uuid(key.get(next.start..).unwrap_or_default()) =>
                {
                    next.id = true;
                    at = next.start + UUID_BYTES;
                    continue;
                }
                _ => {}
            }
            if !self.put(key, next, stop) {
                return;
            }
            next = Next {
                separator: byte,
                start: at,
                in_tag: byte == b'{' || (next.in_tag && byte != b'}'),
                ..Next::default()
            };
            let close = match byte {
                b'[' => b']',
                b'(' => b')',
                b'?' => {
                    next.id = true;
                    self.put(key, next, key.len());
                    return;
                }
                _ => continue,
            };
            next.id = true;
            let length = memchr::memrchr(close, key.get(at..).unwrap_or_default());
            let end = length.map_or(key.len(), |length| at + length);
            if !self.put(key, next, end) || length.is_none() {
                return;
            }
            at = end + 1;
            next = Next {
                separator: close,
                start: at,
                in_tag: next.in_tag,
                ..Next::default()
            };
        }
    }

    /// `jo.doe@example.org` is one id, not a `jo` with something after it.
    fn take_back(&mut self, mut next: Next) -> Next {
        while matches!(next.separator, b'-' | b'.' | b'+')
            && let Some(before) = self.count.checked_sub(1)
            && let Some(token) = self.tokens.get(before)
        {
            (next.separator, next.start) = (token.separator, usize::from(token.start));
            self.count = before;
        }
        next
    }

    /// False when there is no room for another token.
    fn put(&mut self, key: &[u8], token: Next, end: usize) -> bool {
        let last = self.count + 1 == MAX_TOKENS;
        let (end, id) = if last && end < key.len() {
            (key.len(), true)
        } else {
            (end, token.id)
        };
        if let Some(slot) = self.tokens.get_mut(self.count) {
            *slot = Token {
                separator: token.separator,
                start: u16::try_from(token.start).unwrap_or(u16::MAX),
                end: u16::try_from(end).unwrap_or(u16::MAX),
                id,
                in_tag: token.in_tag,
            };
            self.count += 1;
        }
        !last
    }
}

/// The token that is being read.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    separator: u8,
    start: usize,
    id: bool,
    mail: bool,
    in_tag: bool,
}

const UUID_BYTES: usize = 36;

fn is_uuid(at: &[u8]) -> bool {
    at.get(..UUID_BYTES).is_some_and(|uuid| {
        uuid.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::segment::{Shape, shape};
    use super::*;

    /// Words as they are, ids as `*`.
    fn folded(key: &str) -> String {
        let mut tokenizer = Tokenizer::new(DEFAULT_SEPARATORS);
        tokenizer.cut(key.as_bytes());
        let mut text = String::new();
        let mut last_id = false;
        for token in tokenizer.tokens() {
            let segment = key
                .get(usize::from(token.start)..usize::from(token.end))
                .unwrap();
            let shape = match shape(segment.as_bytes()) {
                _ if token.id => Shape::Id,
                Shape::Stem { .. } if token.in_tag => Shape::Id,
                shape => shape,
            };
            if shape == Shape::Id && last_id {
                continue;
            }
            if token.separator != 0 {
                text.push(char::from(token.separator));
            }
            match shape {
                Shape::Word => text.push_str(segment),
                Shape::Id => text.push('*'),
                Shape::Stem { prefix, suffix } => {
                    text.push_str(segment.get(..usize::from(prefix)).unwrap());
                    text.push('*');
                    text.push_str(segment.get(segment.len() - usize::from(suffix)..).unwrap());
                }
            }
            last_id = shape == Shape::Id;
        }
        text
    }

    #[test]
    fn segments_by_their_looks() {
        for (key, template) in [
            ("user:123:profile", "user:*:profile"),
            ("user:0", "user:*"),
            ("session:3f2a9c81d0", "session:*"),
            ("session:550e8400-e29b-41d4-a716-446655440000", "session:*"),
            ("s:ABCDEF12-e29b-41d4-a716-446655440000:cart", "s:*:cart"),
            ("deadbeef-dead-beef-dead-beefdeadbeef", "*"),
            ("{user1000}.following", "{*}.following"),
            ("{user:1000}.following", "{user:*}.following"),
            ("{alice}.following", "{alice}.following"),
            ("report:2024-01-15", "report:*"),
            ("report:2024-01-15T10:30:00", "report:*"),
            ("peer:10.0.0.12", "peer:*"),
            ("mail:jo.doe@ex-ample.org:x", "mail:*:x"),
            ("product42", "product*"),
            ("user_7_cart", "user_*_cart"),
            ("user_7_cart_9", "user_*"),
            ("api:v2:users", "api:v2:users"),
            ("api:v2048:users", "api:*:users"),
            ("ai:gpt-4o:sha256:x", "ai:gpt-4o:sha256:x"),
            ("stats:24h", "stats:24h"),
            ("k:aZ3k92KxPq", "k:*"),
            ("k:01ARZ3NDEKTSV4RRFFQ69G5FAV", "k:*"),
            ("k:dGVzdGluZw==", "k:*"),
            ("cache::SimpleKey [a,b]", "cache::SimpleKey [*]"),
            ("cache::SimpleKey []", "cache::SimpleKey [*]"),
            ("cache::SimpleKey [a,[b:c]]", "cache::SimpleKey [*]"),
            ("page:/a/b?x=1:2&y=3", "page:/a/b?*"),
            ("open[1", "open[*"),
            (":1:myapp:key", ":*:myapp:key"),
            ("", ""),
            (":::", ":::"),
            (
                "a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p:q:r",
                "a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:*",
            ),
        ] {
            assert_eq!(folded(key), template, "{key}");
        }
    }

    #[test]
    fn separators_are_configurable() {
        let mut tokenizer = Tokenizer::new(b"#");
        tokenizer.cut(b"a:1#b");
        let ends: Vec<_> = tokenizer
            .tokens()
            .iter()
            .map(|t| (t.start, t.end))
            .collect();
        assert_eq!(ends, [(0, 3), (4, 5)]);
    }

    proptest! {
        #[test]
        fn tokens_cover_the_key(key in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(b":/.|-{}[]()?@%09afz".to_vec())], 0..80)) {
            let mut tokenizer = Tokenizer::new(DEFAULT_SEPARATORS);
            tokenizer.cut(&key);
            let tokens = tokenizer.tokens();
            prop_assert!(!tokens.is_empty() && tokens.len() <= MAX_TOKENS);
            let mut at = 0;
            for token in tokens {
                let start = usize::from(token.start);
                prop_assert_eq!(start, at + usize::from(token.separator != 0 || at > 0));
                if start > 0 {
                    prop_assert_eq!(key[start - 1], token.separator);
                }
                at = usize::from(token.end);
                prop_assert!(at >= start);
            }
            prop_assert_eq!(at, key.len());
        }
    }
}
