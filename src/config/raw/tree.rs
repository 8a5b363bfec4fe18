//! A YAML text as a tree of lists, maps and scalars, each with its line and column.
//!
//! Scalars stay the text that was written: whether `0123` is a number or a password is known only to who asks for it.
//! Anchors, aliases and merge keys (`<<`) work; tags and several documents in a file are refused. Built on the events
//! of the YAML parser and not on serde, because serde stops at the first error and we want all of them.
//!
//! Invariant: depth and size are bounded, aliases counted at full size, whatever the text is.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// The most values a file may hold, each use of an alias counted anew.
const MAX_VALUES: usize = 20_000;
/// How deep lists and maps may be nested in each other. Ours are four deep.
const MAX_DEPTH: usize = 32;

/// Line and column, both from 1.
pub(super) type Position = (u64, u64);

/// An error in the text itself.
pub(super) type Complaint = (Position, String);

/// A value at a place.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) position: Position,
    pub(super) node: Rc<Node>,
    /// How many values it is, those within it included.
    size: usize,
}

/// What a value is.
pub(super) enum Node {
    /// A plain `null`, `~`, or nothing at all.
    Null,
    /// Any other scalar.
    Scalar(String),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order of the text, keys unique.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) position: Position,
    pub(super) value: Value,
}

/// A list or map whose end was not yet seen.
struct Open {
    position: Position,
    anchor: usize,
    /// Of a map: keys and values by turns.
    items: Vec<Value>,
    map: bool,
}

/// Parses a text. `None`: an empty one. Complaints that leave a usable tree are put aside in `complaints`.
pub(super) fn parse(
    text: &str,
    complaints: &mut Vec<Complaint>,
) -> Result<Option<Value>, Complaint> {
    let mut options = granit_parser::Options::default();
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    options.set_emit_comments(false);

    let mut builder = Builder {
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        size: 0,
        complaints,
    };
    let mut documents = 0_usize;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        if matches!(event, Event::DocumentStart(..)) {
            documents = documents.saturating_add(1);
            if documents > 1 {
                return Err((
                    start(&span),
                    "only one document may be in the file".to_owned(),
                ));
            }
        }
        builder.event(event, &span)?;
    }
    Ok(builder.root)
}

struct Builder<'c> {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    root: Option<Value>,
    /// Values added so far, those behind aliases included.
    size: usize,
    complaints: &'c mut Vec<Complaint>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Complaint> {
        let position = start(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), position);
                let plain = style == ScalarStyle::Plain;
                let node = if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    Node::Null
                } else {
                    Node::Scalar(text.into_owned())
                };
                self.add(position, anchor, node, 1)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), position);
                self.begin(position, anchor, false)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), position);
                self.begin(position, anchor, true)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let size = open
                    .items
                    .iter()
                    .fold(1, |sum: usize, item| sum.saturating_add(item.size));
                let node = if open.map {
                    Node::Map(self.entries(open.items))
                } else {
                    Node::List(open.items)
                };
                self.add(open.position, open.anchor, node, size)
            }
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some(value) => {
                    self.count(position, value.size)?;
                    self.place(Value { position, ..value });
                    Ok(())
                }
                None => Err((
                    position,
                    "an alias must not stand within what it names".to_owned(),
                )),
            },
            _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, position: Position) {
        if tagged {
            self.complaints.push((
                position,
                "tags are not supported; put a text that begins with `!` in quotes".to_owned(),
            ));
        }
    }

    fn begin(&mut self, position: Position, anchor: usize, map: bool) -> Result<(), Complaint> {
        // The parser limits lists and maps in each style separately.
        if self.open.len() >= MAX_DEPTH {
            return Err((position, "too deeply nested".to_owned()));
        }
        self.open.push(Open {
            position,
            anchor,
            items: Vec::new(),
            map,
        });
        Ok(())
    }

    fn add(
        &mut self,
        position: Position,
        anchor: usize,
        node: Node,
        size: usize,
    ) -> Result<(), Complaint> {
        self.count(position, 1)?;
        let value = Value {
            position,
            node: Rc::new(node),
            size,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        self.place(value);
        Ok(())
    }

    fn count(&mut self, position: Position, size: usize) -> Result<(), Complaint> {
        self.size = self.size.saturating_add(size);
        if self.size > MAX_VALUES {
            return Err((
                position,
                format!("more than {MAX_VALUES} values in the file"),
            ));
        }
        Ok(())
    }

    fn place(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(open) => open.items.push(value),
            None => self.root = Some(value),
        }
    }

    /// Pairs keys with values, finds keys that are given twice, and merges what `<<` names.
    fn entries(&mut self, items: Vec<Value>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, u64> = HashMap::new();
        let mut merged: Vec<Value> = Vec::new();
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let position = key.position;
            let name = match &*key.node {
                Node::Scalar(name) => name.clone(),
                Node::Null => String::new(),
                Node::List(_) | Node::Map(_) => {
                    let message = "a key must be a word, not a list or a map";
                    self.complaints.push((position, message.to_owned()));
                    continue;
                }
            };
            if name == "<<" {
                merged.push(value);
            } else if let Some(first) = lines.get(&name) {
                let message =
                    format!("the key is given twice in the same map, first on line {first}");
                self.complaints.push((position, message));
            } else {
                lines.insert(name.clone(), position.0);
                entries.push(Entry {
                    key: name,
                    position,
                    value,
                });
            }
        }
        for value in merged {
            self.merge(&value, &mut entries, &mut lines);
        }
        entries
    }

    /// Adds the entries of a map, or of a list of maps, whose keys are not there yet.
    fn merge(&mut self, value: &Value, entries: &mut Vec<Entry>, lines: &mut HashMap<String, u64>) {
        let maps = match &*value.node {
            Node::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for map in maps {
            let Node::Map(found) = &*map.node else {
                let message = "`<<` must name a map or a list of maps";
                self.complaints.push((map.position, message.to_owned()));
                continue;
            };
            for entry in found {
                if !lines.contains_key(&entry.key) {
                    lines.insert(entry.key.clone(), entry.position.0);
                    entries.push(entry.clone());
                }
            }
        }
    }
}

fn start(span: &Span) -> Position {
    position(span.start.line(), span.start.col())
}

/// The parser counts lines from 1 and columns from 0.
fn position(line: usize, column: usize) -> Position {
    (line as u64, (column as u64).saturating_add(1))
}

/// The parser's messages name at most one character of the text, never more.
fn syntax(error: &ScanError) -> Complaint {
    let mark = error.marker();
    (
        position(mark.line(), mark.col()),
        format!("this is not valid YAML: {}", error.kind()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Result<(Option<Value>, Vec<Complaint>), Complaint> {
        let mut complaints = Vec::new();
        parse(text, &mut complaints).map(|root| (root, complaints))
    }

    fn map(value: &Value) -> &[Entry] {
        match &*value.node {
            Node::Map(entries) => entries,
            _ => panic!("no map"),
        }
    }

    fn text(value: &Value) -> &str {
        match &*value.node {
            Node::Scalar(text) => text,
            _ => panic!("no scalar"),
        }
    }

    #[test]
    fn a_scalar_stays_what_was_written() {
        let (root, _) = tree("\u{feff}a: 0123\nb: 1e5\nc: yes\nd: ~\n").unwrap();
        let root = root.unwrap();
        let entries = map(&root);
        assert_eq!(text(&entries[0].value), "0123");
        assert_eq!(text(&entries[1].value), "1e5");
        assert_eq!(text(&entries[2].value), "yes");
        assert!(matches!(&*entries[3].value.node, Node::Null));
        assert_eq!(entries[1].position, (2, 1));
        assert_eq!(entries[1].value.position, (2, 4));
    }

    #[test]
    fn merge_keys_fill_in_what_is_absent() {
        let (root, complaints) = tree("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  x: 3\n").unwrap();
        assert!(complaints.is_empty());
        let root = root.unwrap();
        let mine = map(&map(&root)[1].value);
        let pairs: Vec<_> = mine
            .iter()
            .map(|e| (e.key.as_str(), text(&e.value)))
            .collect();
        assert_eq!(pairs, [("x", "3"), ("y", "2")]);
    }

    #[test]
    fn keys_given_twice_and_tags_are_found_together() {
        let (_, complaints) = tree("a: 1\nb: !x 2\na: 3\n").unwrap();
        let lines: Vec<_> = complaints.iter().map(|c| c.0.0).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn bombs_are_bounded() {
        let doubled = (1..40).map(|i| format!("a{i}: &a{i} [*a{p}, *a{p}]\n", p = i - 1));
        let bomb = "a0: &a0 [x]\n".to_owned() + &doubled.collect::<String>();
        assert!(tree(&bomb).is_err());
        assert!(tree(&"[".repeat(100_000)).is_err());
        assert!(tree(&"- ".repeat(100_000)).is_err());
        assert!(tree(&format!("x: &x {}1{}", "[*x, ".repeat(2), "]".repeat(2))).is_err());
        assert!(tree(&"- 1\n".repeat(MAX_VALUES + 1)).is_err());
        assert!(tree("a: 1\n---\nb: 2\n").is_err());
    }
}
