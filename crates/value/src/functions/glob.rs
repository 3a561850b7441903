//! Patterns of `fileset`: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` for any number of directories.

use super::files::clean;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A pattern seen from a directory.
#[derive(Clone, Debug)]
pub struct FileSet {
    directory: String,
    parts: Vec<String>,
}

impl FileSet {
    /// None when the pattern makes no sense.
    pub fn new(directory: &str, pattern: &str) -> Option<Self> {
        let joined = clean(&format!("{directory}/{pattern}"));
        let parts: Vec<String> = joined.split('/').map(ToString::to_string).collect();
        parts.iter().all(|part| is_well_formed(part)).then(|| Self {
            directory: clean(directory),
            parts,
        })
    }

    /// The directory below which all files lie that can match.
    pub fn base(&self) -> String {
        let literal = self
            .parts
            .iter()
            .take_while(|part| !part.contains(['*', '?', '[', '{', '\\']));
        let literal: Vec<&str> = literal.map(String::as_str).collect();
        // The last part is the name of a file.
        let length = literal.len().min(self.parts.len().saturating_sub(1));
        let base = literal.get(..length).unwrap_or_default().join("/");
        if self.parts.first().is_some_and(String::is_empty) && base.is_empty() {
            return "/".to_string();
        }
        clean(&base)
    }

    /// How many directories below the base the files can lie; none when the pattern sets no limit.
    pub fn depth(&self) -> Option<usize> {
        let deep = self.parts.iter().any(|part| part == "**");
        let base = self.base();
        let base_parts = base
            .split('/')
            .filter(|part| !matches!(*part, "." | ""))
            .count();
        let own = self.parts.iter().filter(|part| !part.is_empty()).count();
        (!deep).then(|| own.saturating_sub(base_parts + 1))
    }

    /// The path as the set has it, relative to the directory, when a file at this path (relative to the root, cleaned)
    /// matches.
    pub fn member(&self, path: &str) -> Option<String> {
        let parts: Vec<&str> = path.split('/').collect();
        let pattern: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        matches(&pattern, &parts).then(|| relative(&self.directory, path))
    }
}

/// Whether names of a path fit parts of a pattern. The recursion is over parts, each at most once per `**`, of which
/// one in a row counts.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => {
            let rest = match rest.iter().position(|part| *part != "**") {
                Some(next) => rest.get(next..).unwrap_or_default(),
                None => return !path.is_empty(),
            };
            (0..path.len()).any(|skipped| matches(rest, path.get(skipped..).unwrap_or_default()))
        }
        Some((part, rest)) => match path.split_first() {
            Some((name, names)) => fits(part, name) && matches(rest, names),
            None => false,
        },
    }
}

/// One step of a part: what the next character may be, or alternatives.
enum Step {
    Any,
    One,
    Literal(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Alternatives(Vec<String>),
}

fn steps(part: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = part.chars();
    while let Some(next) = rest.next() {
        steps.push(match next {
            '*' => Step::Any,
            '?' => Step::One,
            '\\' => Step::Literal(rest.next()?),
            '[' => class(&mut rest)?,
            '{' => {
                let (inside, after) = rest.as_str().split_once('}')?;
                let alternatives: Vec<String> =
                    inside.split(',').map(ToString::to_string).collect();
                rest = after.chars();
                Step::Alternatives(alternatives)
            }
            other => Step::Literal(other),
        });
    }
    Some(steps)
}

fn class(rest: &mut core::str::Chars<'_>) -> Option<Step> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let mut low = rest.next()?;
        if low == ']' && !ranges.is_empty() {
            return Some(Step::Class { negated, ranges });
        }
        if matches!(low, ']' | '-') {
            return None;
        }
        if low == '\\' {
            low = rest.next()?;
        }
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = rest.next().filter(|high| *high != ']')?;
            if high == '\\' {
                high = rest.next()?;
            }
        }
        ranges.push((low, high));
    }
}

fn is_well_formed(part: &str) -> bool {
    match steps(part) {
        None => false,
        Some(steps) => steps.iter().all(|step| match step {
            Step::Alternatives(alternatives) => {
                alternatives.iter().all(|inside| is_well_formed(inside))
            }
            _ => true,
        }),
    }
}

fn fits(part: &str, name: &str) -> bool {
    if !part.contains('{') {
        return steps(part).is_some_and(|steps| fit(&steps, name));
    }
    // Alternatives are written out, one after the other.
    let Some((before, rest)) = part.split_once('{') else {
        return false;
    };
    let Some((inside, after)) = rest.split_once('}') else {
        return false;
    };
    inside
        .split(',')
        .any(|alternative| fits(&format!("{before}{alternative}{after}"), name))
}

/// Greedy with one place to come back to, so that many stars cost no more than the product of lengths.
fn fit(steps: &[Step], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut step, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        let found = match (steps.get(step), name.get(at)) {
            (Some(Step::Any), _) => {
                star = Some((step, at));
                step += 1;
                continue;
            }
            (Some(Step::One), Some(_)) => true,
            (Some(Step::Literal(wanted)), Some(character)) => wanted == character,
            (Some(Step::Class { negated, ranges }), Some(character)) => {
                ranges
                    .iter()
                    .any(|(low, high)| low <= character && character <= high)
                    != *negated
            }
            _ => false,
        };
        if found {
            step += 1;
            at += 1;
        } else if let Some((star_step, star_at)) = star {
            star = Some((star_step, star_at + 1));
            step = star_step + 1;
            at = star_at + 1;
        } else {
            return false;
        }
    }
    steps
        .iter()
        .skip(step)
        .all(|step| matches!(step, Step::Any))
}

/// A path seen from a directory, both cleaned and relative to the same place.
fn relative(directory: &str, path: &str) -> String {
    let from: Vec<&str> = directory.split('/').filter(|part| *part != ".").collect();
    let to: Vec<&str> = path.split('/').collect();
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    let up = from.iter().skip(shared).map(|_| "..");
    let down = to.iter().skip(shared).copied();
    up.chain(down).collect::<Vec<_>>().join("/")
}
