//! Texts of one's own for messages: a small, tame part of Jinja.
//!
//! A template knows `if` and `for`, a few filters and the values of [`Facts`], nothing else: no functions, no assignments,
//! no `*` (a text times a number is a large text), no other files. It has fuel for so many steps and room for so much
//! text; an unknown name is an error, not an empty place.
//!
//! Deliberately absent: escaping. What comes out is plain text, cleaned and escaped by the channel like all texts.
//!
//! Invariant: a [`Template`] has been rendered for all samples when the configuration was read; rendering never panics and
//! ends soon.

use std::io;
use std::sync::Arc;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, filters, tests};

mod facts;

pub use facts::{Coincided, Facts, Field, Linked, NamespaceFacts};

/// The longest template, in bytes.
pub const MAX_SOURCE_BYTES: usize = 8 * 1024;
/// The longest text that comes out, in bytes.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// How many steps it may take.
const FUEL: u64 = 20_000;
/// What a statement may begin with.
const STATEMENTS: [&str; 5] = ["if", "elif", "else", "endif", "for"];

/// What takes the place of the built-in texts of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    title: Option<Arc<str>>,
    body: Option<Arc<str>>,
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", line.map_or_else(String::new, |n| format!(" (line {n} of the template)")))]
pub struct TemplateError {
    what: String,
    line: Option<usize>,
}

impl TemplateError {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            line: None,
        }
    }

    fn of(error: &minijinja::Error) -> Self {
        let what = match error.kind() {
            ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
            ErrorKind::WriteFailure => format!("it makes more than {MAX_TEXT_BYTES} bytes"),
            kind => match error.detail() {
                Some(detail) => format!("{kind}: {}", one_line(detail)),
                None => kind.to_string(),
            },
        };
        Self {
            what,
            line: error.line(),
        }
    }
}

/// What an error says may hold a part of the template.
fn one_line(text: &str) -> String {
    let line: String = text.chars().take(200).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Template {
    /// Puts together what was checked by [`check`].
    pub fn new(title: Option<&str>, body: Option<&str>) -> Self {
        Self {
            title: title.map(Arc::from),
            body: body.map(Arc::from),
        }
    }

    /// The title of a message: one line. `None`: the built-in one.
    pub fn title(&self, facts: &Facts) -> Option<Result<String, TemplateError>> {
        self.title.as_deref().map(|source| {
            let text = render(source, facts)?;
            let title = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if title.is_empty() {
                return Err(TemplateError::new("it makes an empty title"));
            }
            Ok(title)
        })
    }

    /// The text below, line by line. `None`: the built-in one.
    pub fn body(&self, facts: &Facts) -> Option<Result<Vec<String>, TemplateError>> {
        self.body.as_deref().map(|source| {
            let text = render(source, facts)?;
            Ok(text
                .lines()
                .map(|line| line.trim_end().to_owned())
                .collect())
        })
    }
}

/// Checks a template by rendering it for samples of all kinds of messages, with these names of labels.
pub fn check<'a>(
    source: &str,
    labels: impl IntoIterator<Item = &'a String> + Clone,
) -> Result<(), TemplateError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(TemplateError::new(format!(
            "it must not be longer than {MAX_SOURCE_BYTES} bytes"
        )));
    }
    for (what, facts) in facts::samples(labels) {
        render(source, &facts).map_err(|error| TemplateError {
            what: format!("{}, in {what}", error.what),
            ..error
        })?;
    }
    Ok(())
}

fn render(source: &str, facts: &Facts) -> Result<String, TemplateError> {
    refuse_tricks(source)?;
    let environment = environment();
    let template = environment
        .template_from_str(source)
        .map_err(|error| TemplateError::of(&error))?;
    let mut room = Room(Vec::new());
    template
        .render_captured_to(Value::from(minijinja::value::Serde(facts)), &mut room)
        .map_err(|error| TemplateError::of(&error))?;
    String::from_utf8(room.0).map_err(|_| TemplateError::new("it makes no valid text"))
}

fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("join", filters::join);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("round", filters::round);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("percent", percent);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("none", tests::is_none);
    environment
}

/// A ratio in percent with one decimal, or `unknown`.
fn percent(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(ratio) if ratio.is_finite() => {
            let text = format!("{:.1}", ratio * 100.0);
            format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
        }
        _ => "unknown".to_owned(),
    }
}

/// Looks at what stands between the braces, before the engine does.
fn refuse_tricks(source: &str) -> Result<(), TemplateError> {
    let at = |rest: &str, what: String| TemplateError {
        what,
        line: Some(
            1 + source.len().checked_sub(rest.len()).map_or(0, |to| {
                source.bytes().take(to).filter(|b| *b == b'\n').count()
            }),
        ),
    };
    let mut rest = source;
    while let Some((_, code)) = rest.split_once('{') {
        rest = code;
        let end = match code.bytes().next() {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            _ => continue,
        };
        let (inner, after) = code.split_once(end).unwrap_or((code, ""));
        if inner.contains('*') {
            return Err(at(code, "`*` is not known in templates".to_owned()));
        }
        if end == "%}" {
            let words = inner.trim_start_matches(['%', '-', '+', ' ', '\t', '\r', '\n']);
            let keyword = words.split(|c: char| !c.is_ascii_alphanumeric()).next();
            if !keyword.is_some_and(|word| STATEMENTS.contains(&word) || word == "endfor") {
                let what = "only `if` and `for` are known in templates".to_owned();
                return Err(at(code, what));
            }
        }
        rest = after;
    }
    Ok(())
}

/// A text that takes only so much.
struct Room(Vec<u8>);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_TEXT_BYTES {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod test {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Facts {
        let labels = ["team".to_owned()];
        facts::samples(&labels).into_iter().next().unwrap().1
    }

    fn refused(source: &str) -> String {
        check(source, &["team".to_owned()]).unwrap_err().to_string()
    }

    #[test]
    fn a_template_sees_the_numbers() {
        let template = Template::new(
            Some("{{ severity | upper }}: {{ cache }}\n at {{ value | percent }}"),
            Some(
                "{% for n in namespaces %}{{ n.name }} {{ n.share | percent }}\n{% endfor %}team {{ labels.team }}",
            ),
        );
        let facts = sample();
        assert_eq!(
            template.title(&facts).unwrap().unwrap(),
            "WARNING: sessions at 34.1 %"
        );
        assert_eq!(
            template.body(&facts).unwrap().unwrap(),
            ["session:* 71 %", "team sample"]
        );
        assert_eq!(Template::new(None, None).title(&facts), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            refused("a\n{{ nobody }}"),
            "undefined value, in a firing message (line 2 of the template)"
        );
        assert!(refused("{{ labels.nobody }}").starts_with("undefined value"));
        assert!(refused("{{ cache").starts_with("syntax error"));
        assert!(refused("{{ cache | nofilter }}").contains("nofilter"));
        assert!(refused("{{ range(5) }}").contains("range"));
        for trick in [
            "{% set a = 'x' %}",
            "{%- include 'x' %}",
            "{% macro a() %}{% endmacro %}",
            "{% with a = 1 %}{% endwith %}",
            "\n{%\nset a = 1 %}",
        ] {
            assert!(refused(trick).starts_with("only `if` and `for`"), "{trick}");
        }
        assert!(refused("\n{{ 'x' * 99999999 }}").ends_with("(line 2 of the template)"));
        assert!(refused(&"x".repeat(9000)).contains("8192 bytes"));
        // It works for a miss, but not for a cache that is down.
        assert!(refused("{{ value + 1 }}").contains("in a message about a cache that is down"));
    }

    #[test]
    fn a_template_ends_soon_and_stays_small() {
        let nested =
            "{% for a in [1,2,3,4,5,6,7,8,9] %}".repeat(8) + "x" + &"{% endfor %}".repeat(8);
        assert!(refused(&nested).starts_with("it takes too many steps"));
        let long = format!(
            "{{% for a in [1,2,3,4,5,6,7,8,9] %}}{}{{% endfor %}}",
            "x".repeat(4000)
        );
        assert!(refused(&long).starts_with("it makes more than 16384 bytes"));
    }

    proptest! {
        #[test]
        fn no_template_panics(source in "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z .|()\\[\\]'\"*+~-]|if|for|in|\\PC){0,40}") {
            drop(check(&source, &[]));
        }
    }
}
