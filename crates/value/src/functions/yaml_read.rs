//! `yamldecode`: one YAML document as a value.
//!
//! The library reads the notation; what its scalars mean is decided here, by the rules of the language this one
//! follows: those of YAML 1.1 for truth values and points in time, decimal numbers otherwise. Aliases share what they
//! refer to, so that a small text cannot become a large value without its size being seen.

use super::time;
use crate::limits::VALUE_DEPTH_MAX;
use crate::{Name, Number, Type, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

/// What is open while a document is read.
enum Open {
    Sequence(Vec<Value>),
    Mapping {
        entries: BTreeMap<Name, Value>,
        /// Keys that were merged in, which a key written out replaces wherever it stands.
        merged: BTreeSet<Name>,
        key: Option<Key>,
    },
}

enum Key {
    Name(Name),
    Merge,
}

/// The value of a text that holds one document.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if let Some(version) = text
        .strip_prefix("%YAML ")
        .and_then(|rest| rest.split_whitespace().next())
        && version != "1.1"
    {
        return Err("found incompatible YAML document".to_string());
    }
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    if first.is_some_and(|line| line.trim_start_matches(' ').starts_with('\t')) {
        return Err("found character that cannot start any token".to_string());
    }
    let mut reader = Reader::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (mut event, span) = event.map_err(|error| {
            let at = error.marker();
            format!(
                "on line {}, column {}: {}",
                at.line(),
                at.col() + 1,
                error.info()
            )
        })?;
        if let Event::Scalar(content, ScalarStyle::Literal | ScalarStyle::Folded, ..) = &mut event
            && !text.ends_with('\n')
            && span.end.index() >= text.chars().count()
            && content.ends_with('\n')
        {
            // A line without an end gives none.
            content.to_mut().pop();
        }
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return Err("unexpected extra content after value".to_string());
            }
        }
        reader.take(event).map_err(|why| {
            format!(
                "on line {}, column {}: {why}",
                span.start.line(),
                span.start.col() + 1
            )
        })?;
    }
    reader
        .done
        .ok_or_else(|| "missing start of document".to_string())
}

#[derive(Default)]
struct Reader {
    open: Vec<(Open, usize)>,
    anchors: BTreeMap<usize, Value>,
    done: Option<Value>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Alias(id) => {
                let value = self.anchors.get(&id).cloned();
                self.put(value.ok_or("cannot refer to an anchor from inside its own definition")?)
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() {
                    return self.key(&text, style, tag.as_deref());
                }
                let value = scalar(&text, style, tag.as_deref())?;
                self.anchored(value, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq", "sequence")?;
                self.begin(Open::Sequence(Vec::new()), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map", "mapping")?;
                let mapping = Open::Mapping {
                    entries: BTreeMap::new(),
                    merged: BTreeSet::new(),
                    key: None,
                };
                self.begin(mapping, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::Sequence(items), anchor)) => self.anchored(Value::tuple(items), anchor),
                Some((Open::Mapping { entries, .. }, anchor)) => {
                    self.anchored(Value::object(entries), anchor)
                }
                None => Ok(()),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some((Open::Mapping { key: None, .. }, _)))
    }

    fn begin(&mut self, open: Open, anchor: usize) -> Result<(), String> {
        if self.wants_key() {
            return Err("only strings are allowed as mapping keys".to_string());
        }
        if self.open.len() > usize::from(VALUE_DEPTH_MAX) {
            return Err("the document is nested too deeply".to_string());
        }
        self.open.push((open, anchor));
        Ok(())
    }

    fn anchored(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        self.put(value)
    }

    fn key(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<(), String> {
        let key = if text == "<<" && style == ScalarStyle::Plain && tag.is_none() {
            Key::Merge
        } else {
            let value = scalar(text, style, tag)?;
            if value.is_null() {
                return Err("mapping key cannot be null".to_string());
            }
            let text = crate::convert(&value, &Type::String).map_err(|error| error.to_string())?;
            Key::Name(Name::from(text.as_str().unwrap_or_default()))
        };
        if let Some((Open::Mapping { key: slot, .. }, _)) = self.open.last_mut() {
            *slot = Some(key);
        }
        Ok(())
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.done = Some(value),
            Some((Open::Sequence(items), _)) => items.push(value),
            Some((
                Open::Mapping {
                    entries,
                    merged,
                    key,
                },
                _,
            )) => match key.take() {
                Some(Key::Name(name)) => {
                    merged.remove(&name);
                    entries.insert(name, value);
                }
                Some(Key::Merge) => {
                    let Some(more) = value.entries() else {
                        let what = value.ty();
                        return Err(format!("cannot merge {} into mapping", what.in_words()));
                    };
                    for (name, value) in more {
                        if !entries.contains_key(name) || merged.contains(name) {
                            merged.insert(name.clone());
                            entries.insert(name.clone(), value.clone());
                        }
                    }
                }
                None => return Err("only strings are allowed as mapping keys".to_string()),
            },
        }
        Ok(())
    }
}

/// The name of a tag of YAML itself, or whole when it is another's.
fn short(tag: &Tag) -> Result<&str, String> {
    if tag.is_yaml_core_schema() {
        return Ok(&tag.suffix);
    }
    let written = if tag.handle == "!" {
        format!("!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    };
    Err(format!("unsupported tag {written:?}"))
}

fn collection_tag(tag: Option<&Tag>, wanted: &str, what: &str) -> Result<(), String> {
    match tag.map(short).transpose()? {
        None => Ok(()),
        Some(given) if given == wanted => Ok(()),
        Some(given) => Err(format!(
            "can't interpret {what} as tag:yaml.org,2002:{given}"
        )),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let tag = tag.map(short).transpose()?;
    if !matches!(
        tag,
        None | Some("str" | "int" | "float" | "bool" | "null" | "timestamp" | "binary")
    ) {
        let given = tag.unwrap_or_default();
        return Err(format!("unsupported tag \"tag:yaml.org,2002:{given}\""));
    }
    match style {
        ScalarStyle::Plain => {}
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => return Ok(Value::string(text)),
        // A block without a line is none.
        ScalarStyle::Literal | ScalarStyle::Folded if text.is_empty() => {
            return Ok(Value::null(Type::String));
        }
        ScalarStyle::Literal | ScalarStyle::Folded => return Ok(Value::string(text)),
    }
    if matches!(tag, Some("str" | "binary")) {
        return Ok(Value::string(text));
    }
    let (kind, value) = plain(text)?;
    match tag {
        Some("float") if kind == "int" => Ok(value),
        Some(wanted) if wanted != kind => Err(format!("cannot parse {text:?} as !!{wanted}")),
        _ => Ok(value),
    }
}

/// What an unquoted scalar means, and the name of its kind.
fn plain(text: &str) -> Result<(&'static str, Value), String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => ("null", Value::null(Type::Any)),
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            ("bool", Value::bool(true))
        }
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            ("bool", Value::bool(false))
        }
        ".nan" | ".NaN" | ".NAN" => return Err("floating point NaN is not supported".to_string()),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            return Err("floating point infinity is not supported".to_string());
        }
        _ => match (time::of_yaml(text), number(text)) {
            (Some(moment), _) => ("timestamp", Value::string(moment)),
            (None, Some((kind, number))) => (kind, Value::number(number)),
            (None, None) => ("str", Value::string(text)),
        },
    })
}

fn number(text: &str) -> Option<(&'static str, Number)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let radix = [("0x", 16), ("0o", 8)]
        .into_iter()
        .find(|(prefix, _)| digits.starts_with(prefix));
    if let Some((prefix, radix)) = radix {
        let digits = digits.strip_prefix(prefix)?;
        let value = num_bigint::BigInt::parse_bytes(digits.as_bytes(), radix)?;
        let value = Number::from_bigint(if negative { -value } else { value }).ok()?;
        return Some(("int", value));
    }
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let only = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !decimal || !only || digits == "." {
        return None;
    }
    let kind = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        "int"
    } else {
        "float"
    };
    Some((kind, text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use alloc::string::String;

    #[test]
    fn aliases_share_what_they_refer_to() {
        let mut text = String::from("- &a0 [x, x, x, x, x, x, x, x]\n");
        for level in 1..60 {
            let before = level - 1;
            text +=
                &alloc::format!("- &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]\n");
        }
        let value = parse(&text).unwrap();
        assert!(value.weight_bytes() > 1 << 60, "{}", value.weight_bytes());
    }
}
