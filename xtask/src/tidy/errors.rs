//! An error's message says its own part of the story; whoever prints the chain prints the source after it.

use std::ops::Range;

use super::Finding;
use crate::source::{Source, closing, is_word, occurrences, skip_attributes, word};
use crate::tree::Tree;

pub(super) fn errors(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.house() {
        for (_, inside) in source.attributes() {
            let attribute = &source.code[inside.clone()];
            if word(attribute) != "error" || !attribute["error".len()..].starts_with('(') {
                continue;
            }
            let fields = fields_after(&source.code, inside.end + 1);
            for name in fields.map_or_else(Vec::new, |fields| source_fields(&source.code[fields])) {
                if mentions(source, inside.start + "error".len()..inside.end, &name) {
                    let what = format!(
                        "the message repeats its source `{name}`; say only what failed here, the chain is printed by the edge"
                    );
                    findings.push(Finding::new(path, source.line(inside.start), what));
                }
            }
        }
    }
    findings
}

/// The brackets with the fields of the variant or struct that follows an attribute.
fn fields_after(code: &str, at: usize) -> Option<Range<usize>> {
    let mut at = skip_attributes(code, at);
    // A struct comes with words before its name, and maybe with generics after it.
    let is_struct = occurrences(code[at..].split(['{', '(', ',']).next()?, "struct")
        .next()
        .is_some();
    if is_struct {
        at += code[at..].find("struct")? + "struct".len();
    }
    let open =
        at + code[at..].find(|c: char| !is_word(c) && !c.is_whitespace() && !"<>':".contains(c))?;
    if !matches!(code.as_bytes().get(open), Some(b'{' | b'(')) {
        return None;
    }
    Some(open + 1..closing(code, open)?)
}

/// The fields that are sources: marked `#[source]` or `#[from]`, or named `source`. Unnamed ones by their index.
fn source_fields(fields: &str) -> Vec<String> {
    split_fields(fields)
        .iter()
        .enumerate()
        .filter_map(|(index, field)| {
            let start = skip_attributes(field, 0);
            let declaration = field[start..].trim_start_matches("pub ").trim();
            let name = match declaration.split_once(':') {
                Some((name, rest)) if !rest.starts_with(':') => name.trim().to_owned(),
                _ => index.to_string(),
            };
            let attributes = &field[..start];
            let is_marked = ["source", "from"]
                .iter()
                .any(|mark| occurrences(attributes, mark).next().is_some());
            (is_marked || name == "source").then_some(name)
        })
        .collect()
}

/// Splits at commas outside of brackets; commas of generics belong to types without names and do no harm here.
fn split_fields(fields: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut depth = 0_i32;
    for (at, byte) in fields.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&fields[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&fields[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Whether the format string or one of its arguments uses a field.
fn mentions(source: &Source, arguments: Range<usize>, name: &str) -> bool {
    let text = &source.raw[arguments.clone()];
    let in_format = ["}", ":"]
        .iter()
        .any(|end| text.contains(&format!("{{{name}{end}")));
    let arguments = &source.code[arguments];
    let in_arguments = if name.chars().all(|c| c.is_ascii_digit()) {
        occurrences(arguments, &format!(".{name}")).next().is_some()
    } else {
        occurrences(arguments, name).next().is_some()
    };
    in_format || in_arguments
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn a_message_that_repeats_its_source_is_found_in_every_form() {
        let text = "\
#[derive(Error)]
enum E {
    #[error(\"cannot read {path}\")]
    Good { path: String, #[source] error: io::Error },
    #[error(\"cannot read {path}: {error}\")]
    Named { path: String, #[source] error: io::Error },
    #[error(\"bad: {0}\")]
    Tuple(#[from] io::Error),
    #[error(\"bad: {0}\")]
    Plain(String),
    #[error(\"{path}: {source:?}\")]
    Implicit { path: String, source: io::Error },
    /// Doc.
    #[error(\"bad {}\", error.kind())]
    Argument { #[source] error: io::Error },
    #[error(transparent)]
    Through(#[from] Other),
    #[error(\"no fields {{error}}\")]
    Unit,
}
#[derive(Error)]
#[error(\"bad {1}\")]
pub struct S(pub BTreeMap<u8, u8>, #[source] pub io::Error);
";
        expect(
            errors,
            &[("crates/host/src/error.rs", text)],
            &[
                ("crates/host/src/error.rs:5", "`error`"),
                ("crates/host/src/error.rs:7", "`0`"),
                ("crates/host/src/error.rs:11", "`source`"),
                ("crates/host/src/error.rs:14", "`error`"),
                ("crates/host/src/error.rs:22", "`1`"),
            ],
        );
    }
}
