//! A reader of the text format 0.0.4, strict enough to notice what a scraper would choke on.

use std::collections::BTreeMap;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// Its labels, unescaped.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels
            .iter()
            .all(|(k, v)| self.labels.get(*k).is_some_and(|w| w == v))
    }
}

/// One exposition.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// All samples in order.
    pub samples: Vec<Sample>,
    /// `# TYPE` by family.
    pub types: BTreeMap<String, String>,
    /// `# HELP` by family.
    pub help: BTreeMap<String, String>,
}

impl Metrics {
    /// Reads it. A line that is not of the format, a family declared twice or a sample given twice is an error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        let mut seen = std::collections::BTreeSet::new();
        for (i, line) in text.lines().enumerate() {
            let at = |what: &str| format!("line {}: {what}: {line:?}", i + 1);
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| at("no type"))?;
                if all.types.insert(name.into(), kind.into()).is_some() {
                    return Err(at("second TYPE"));
                }
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
                if all.help.insert(name.into(), help.into()).is_some() {
                    return Err(at("second HELP"));
                }
            } else if !line.is_empty() && !line.starts_with('#') {
                let sample = sample(line).ok_or_else(|| at("no sample"))?;
                if !seen.insert((sample.name.clone(), sample.labels.clone())) {
                    return Err(at("given twice"));
                }
                all.samples.push(sample);
            }
        }
        Ok(all)
    }

    /// The samples of a name that have these labels (and maybe more).
    pub fn all(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        self.samples
            .iter()
            .filter(|s| s.name == name && s.has(labels))
            .collect()
    }

    /// The value of the one sample that has these labels (and maybe more). Several such samples are a panic.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found = self.all(name, labels);
        assert!(
            found.len() <= 1,
            "{name}{labels:?} is not one sample but {found:?}"
        );
        found.first().map(|s| s.value)
    }

    /// As [`Metrics::value`], for a sample that must be there. The message shows what there is of that name.
    #[track_caller]
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.value(name, labels)
            .unwrap_or_else(|| panic!("no {name}{labels:?}; there is {:?}", self.all(name, &[])))
    }

    /// The sum over all samples with these labels; 0 if there are none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.all(name, labels).iter().map(|s| s.value).sum()
    }

    /// Whether any sample has this name.
    pub fn has(&self, name: &str) -> bool {
        self.samples.iter().any(|s| s.name == name)
    }
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let name_ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if name.is_empty() || !name.chars().all(name_ok) {
        return None;
    }
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            if let Some(after) = inside.strip_prefix('}') {
                rest = after;
                break;
            }
            let (key, after) = inside.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            if labels.insert(key.to_owned(), value).is_some() {
                return None;
            }
            inside = after.strip_prefix(',').unwrap_or(after);
        }
    }
    // A timestamp after the value is allowed by the format, and cachewatch writes none.
    let value = rest.trim();
    Some(Sample {
        name: name.to_owned(),
        labels,
        value: match value {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            _ => value.parse().ok()?,
        },
    })
}

/// The text up to the closing quote, unescaped, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[i + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}
