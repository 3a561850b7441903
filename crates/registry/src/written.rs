//! Small files that are read as a whole: lock files, lists and settings, most of them in the language.

use crate::limits::FILE_BYTES_MAX;
use definition::Nothing;
use definition::syntax::Body;
use std::io;
use std::path::Path;
use value::{Data, SourceId, Value};

/// The content of a file; none where there is no such file.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(io::Error::other(format!(
            "it is larger than {FILE_BYTES_MAX} bytes"
        ))),
        Ok(_) => std::fs::read(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text of a file in the language and its tree, or the first thing that is wrong with it.
pub(crate) fn parsed(content: &[u8]) -> Result<(&str, Body), String> {
    let source = SourceId(0);
    let text = definition::source_text(content, source).map_err(|found| found.detail)?;
    let (body, found) = definition::parse_body(text, source);
    match found.iter().next() {
        Some(first) => Err(first.detail.clone()),
        None => Ok((text, body)),
    }
}

/// The same text with what stands in braces on lines of its own: Terraform reads its settings in the first version of
/// the language, in which blocks may stand on one line.
pub(crate) fn spread(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content);
    let mut spread = String::with_capacity(text.len() + 16);
    let (mut is_text, mut is_escaped, mut is_remark) = (false, false, false);
    let mut characters = text.chars().peekable();
    while let Some(one) = characters.next() {
        match one {
            '\n' => (is_text, is_remark) = (false, false),
            _ if is_remark => {}
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '#' => is_remark = true,
            '/' if characters.peek() == Some(&'/') => is_remark = true,
            '{' => {
                spread.push_str("{\n");
                continue;
            }
            '}' => spread.push('\n'),
            _ => {}
        }
        spread.push(one);
    }
    spread
}

/// The value of an argument that refers to nothing.
pub(crate) fn constant(text: &str, body: &Body, name: &str) -> Option<Value> {
    let span = body.attribute(name)?.value.span;
    let text = text.get(span.start as usize..span.end as usize)?;
    let expr = definition::constant_expression(text).ok()?;
    expr.evaluate(&Nothing).ok()
}

/// A text list.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let items: Vec<&Value> = match value.data() {
        Data::Tuple(items) => items.iter().collect(),
        Data::List(_, items) => items.iter().collect(),
        Data::Set(_, items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let texts = items.into_iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_braces_gets_lines_of_its_own() {
        for (text, lines) in [
            (
                "a { b { c = \"}\\\"{\" } }",
                "a {\n b {\n c = \"}\\\"{\" \n} \n}",
            ),
            ("a { # {\n}", "a {\n # {\n\n}"),
            ("// {\na {}", "// {\na {\n\n}"),
        ] {
            assert_eq!(spread(text.as_bytes()), lines);
            assert!(parsed(lines.as_bytes()).is_ok(), "{lines}");
        }
    }
}
