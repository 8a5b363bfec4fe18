//! A mail taken apart: headers unfolded and decoded, parts decoded. Enough for what cachewatch sends.

/// One part of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `text/plain; charset=utf-8`
    pub content_type: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its bytes, decoded.
    pub body: Vec<u8>,
}

impl Part {
    /// As text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).replace("\r\n", "\n")
    }
}

/// A mail.
#[derive(Debug, Clone)]
pub struct Message {
    /// Unfolded, with encoded words decoded.
    pub headers: Vec<(String, String)>,
    /// The leaves of the tree of parts, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// Takes a mail apart.
    pub fn parse(raw: &str) -> Self {
        let (headers, _) = split(raw);
        let mut parts = Vec::new();
        leaves(raw, &mut parts);
        Self { headers, parts }
    }

    /// A header, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first part whose type starts so, as text: `part("text/plain")`.
    #[track_caller]
    pub fn part(&self, content_type: &str) -> String {
        let mut parts = self.parts.iter();
        parts
            .find(|p| p.content_type.starts_with(content_type))
            .unwrap_or_else(|| panic!("no part {content_type} in {:#?}", self.parts))
            .text()
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, v)| v.as_str())
}

fn split(raw: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = unfolded.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), words(value.trim())))
    });
    (headers.collect(), body)
}

fn leaves(raw: &str, out: &mut Vec<Part>) {
    let (headers, body) = split(raw);
    let content_type = find(&headers, "content-type")
        .unwrap_or("text/plain")
        .to_owned();
    let boundary = content_type.split_once("boundary=").map(|(_, b)| {
        b.split(';')
            .next()
            .unwrap_or("")
            .trim_matches('"')
            .to_owned()
    });
    if let Some(boundary) = boundary {
        let whole = format!("\r\n{body}");
        let pieces: Vec<&str> = whole.split(&format!("\r\n--{boundary}")).collect();
        // The first piece is the preamble, the last one what follows the closing `--`.
        for piece in &pieces[1..pieces.len().saturating_sub(1).max(1)] {
            leaves(piece.trim_start_matches("\r\n"), out);
        }
        return;
    }
    let encoding = find(&headers, "content-transfer-encoding").unwrap_or("");
    let body = match encoding.to_ascii_lowercase().as_str() {
        "base64" => base64(body.as_bytes()),
        "quoted-printable" => quoted_printable(body, false),
        _ => body.as_bytes().to_vec(),
    };
    out.push(Part {
        content_type,
        headers,
        body,
    });
}

/// Decodes `=?utf-8?b?…?=` and `=?utf-8?q?…?=`.
fn words(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?") {
        let mut fields = after.splitn(4, '?');
        let (Some(_charset), Some(kind), Some(text), Some(tail)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            break;
        };
        let Some(tail) = tail.strip_prefix('=') else {
            break;
        };
        // Space between two encoded words is not part of the text.
        if out.is_empty() || !before.trim().is_empty() {
            out.push_str(before);
        }
        let bytes = if kind.eq_ignore_ascii_case("b") {
            base64(text.as_bytes())
        } else {
            quoted_printable(text, true)
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = tail;
    }
    out + rest
}

/// Decodes; characters that are not of the alphabet are skipped.
pub fn base64(text: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0_u32, Vec::new());
    for c in text {
        let Some(value) = ALPHABET.iter().position(|a| a == c) else {
            continue;
        };
        bits = (bits << 6) | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    out
}

fn quoted_printable(text: &str, in_header: bool) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let bytes = joined.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes
            .get(i + 1..i + 3)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'=', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'_', _) if in_header => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    out
}
