//! `${VARIABLE}` in texts of the file.
//!
//! Done on values after parsing, never on the text of the file, so that what a variable holds cannot become structure.
//! Deliberately absent: default values and anything else that a shell can do.
//!
//! Invariant: what a variable holds is not looked into again, and no complaint repeats a text.

/// Puts the variables in. Everything that is wrong is told at once.
///
/// `$$` is a `$`; a `$` before anything else than `{` or `$` stands for itself.
pub(super) fn substitute(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<String>> {
    let mut result = String::with_capacity(text.len());
    let mut complaints = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let Some((name, after)) = after.split_once('}') else {
                complaints.push("`${` has no `}`; write `$$` for a `$`".to_owned());
                rest = "";
                break;
            };
            if !is_name(name) {
                complaints.push(
                    "between `${` and `}` must be the name of an environment variable; write `$$` for a `$`"
                        .to_owned(),
                );
            } else if let Some(value) = env(name) {
                result.push_str(&value);
            } else {
                complaints.push(format!("the environment variable {name} is not set"));
            }
            rest = after;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    if complaints.is_empty() {
        Ok(result)
    } else {
        Err(complaints)
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("redis".to_owned()),
            "TRICKY" => Some("a: ${HOST}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_and_dollars() {
        for (text, expected) in [
            ("plain", "plain"),
            ("redis://${HOST}:1/${HOST}", "redis://redis:1/redis"),
            ("$$ $x $", "$ $x $"),
            ("$${HOST}", "${HOST}"),
            ("${TRICKY}", "a: ${HOST}"),
        ] {
            assert_eq!(substitute(text, &env).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let complaints = substitute("${NO} ${hunter2!} ${NEITHER} ${", &env).unwrap_err();
        assert_eq!(complaints.len(), 4);
        assert!(complaints[0].contains("NO is not set"));
        assert!(!complaints.concat().contains("hunter2"));
    }
}
