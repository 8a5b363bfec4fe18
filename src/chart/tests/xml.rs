//! Whether a text is well-formed XML, as far as charts use it: elements, attributes in double quotes, text, the five
//! named entities. Anything else is an error.

pub(super) fn check(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Err(format!("character {c:?}"));
    }
    while !rest.is_empty() {
        let (before, after) = rest.split_once('<').unwrap_or((rest, ""));
        entities(before)?;
        if open.is_empty() && !before.trim().is_empty() {
            return Err(format!("text outside of the root: {before:?}"));
        }
        if after.is_empty() {
            break;
        }
        let (tag, next) = after.split_once('>').ok_or("a tag without an end")?;
        rest = next;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("element {name:?}"));
        }
        let mut seen = Vec::new();
        while !attributes.trim().is_empty() {
            let (key, after) = attributes
                .trim_start()
                .split_once("=\"")
                .ok_or(format!("attributes {attributes:?}"))?;
            let (value, after) = after.split_once('"').ok_or("a value without an end")?;
            if seen.contains(&key) || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(format!("attribute {key:?}"));
            }
            seen.push(key);
            entities(value)?;
            attributes = after;
        }
        if !empty {
            open.push(name);
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("not closed: {open:?}"))
    }
}

fn entities(text: &str) -> Result<(), String> {
    let known = ["lt;", "gt;", "amp;", "quot;", "apos;"];
    match text
        .split('&')
        .skip(1)
        .find(|rest| !known.iter().any(|k| rest.starts_with(k)))
    {
        Some(rest) => Err(format!("&{rest}")),
        None => Ok(()),
    }
}

fn allowed(c: char) -> bool {
    matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[test]
fn it_finds_what_is_wrong() {
    assert!(check("<a b=\"c\"><d/>&amp;</a>\n").is_ok());
    for wrong in [
        "<a>",
        "<a></b>",
        "<a b=c/>",
        "<a>&x</a>",
        "<a b=\"\" b=\"\"/>",
        "x<a/>",
        "<a>\u{1}</a>",
        "<a",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
