//! `yamlencode`: a value as one YAML document, in the form that the language this one follows gives it, byte for byte.
//!
//! All texts are in double quotes, folded at 80 columns; those of several lines stand as blocks where a block can hold
//! them.

use crate::{Data, Value};
use alloc::format;
use alloc::string::{String, ToString};

/// Column after which a text is continued on the next line, at a space.
const WIDTH: usize = 80;

/// Bytes of a key that stands before its colon; a longer one is announced by a question mark.
const SIMPLE_KEY_BYTES_MAX: usize = 128;

/// Where a node stands, with the column of its neighbours.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Sequence(usize),
    Mapping(usize),
}

/// The document of a value that is wholly known.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    node(&mut out, value, Place::Root);
    // A lone scalar without quotes could go on; here it ends.
    if matches!(
        value.data(),
        Data::Null(_) | Data::Bool(_) | Data::Number(_)
    ) {
        out.push_str("\n...");
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn node(out: &mut String, value: &Value, place: Place) {
    match value.data() {
        Data::Null(_) | Data::Unknown(_) => out.push_str("null"),
        Data::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => scalar(out, text, place),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            sequence(out, items, place)
        }
        Data::Map(..) | Data::Object(_) => mapping(out, value, place),
    }
}

/// The column of a collection, and whether its first entry stands on the line that is begun.
fn column(place: Place, sequence: bool) -> (usize, bool) {
    match place {
        Place::Root => (0, true),
        Place::Sequence(column) => (column + 2, true),
        // A sequence in a mapping stands under its key, not further in.
        Place::Mapping(column) if sequence => (column, false),
        Place::Mapping(column) => (column + 2, false),
    }
}

fn begin_line(out: &mut String, column: usize) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(&" ".repeat(column));
}

fn sequence(out: &mut String, items: &[Value], place: Place) {
    if items.is_empty() {
        out.push_str("[]");
        return;
    }
    let (column, mut begun) = column(place, true);
    for item in items {
        if !begun {
            begin_line(out, column);
        }
        begun = false;
        out.push_str("- ");
        node(out, item, Place::Sequence(column));
    }
}

fn mapping(out: &mut String, value: &Value, place: Place) {
    let entries = value.entries().into_iter().flatten();
    let (column, mut begun) = column(place, false);
    let mut empty = true;
    for (key, item) in entries {
        empty = false;
        if !begun {
            begin_line(out, column);
        }
        begun = false;
        if key.contains('\n') || key.len() > SIMPLE_KEY_BYTES_MAX {
            out.push_str("? ");
            scalar(out, key, Place::Sequence(column));
            begin_line(out, column);
        } else {
            quoted(out, key, None);
        }
        out.push(':');
        match item.data() {
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items)
                if !items.is_empty() => {}
            Data::Map(_, items) | Data::Object(items) if !items.is_empty() => {}
            _ => out.push(' '),
        }
        node(out, item, Place::Mapping(column));
    }
    if empty {
        out.push_str("{}");
    }
}

fn scalar(out: &mut String, text: &str, place: Place) {
    let indent = match place {
        Place::Root => 2,
        Place::Sequence(column) | Place::Mapping(column) => column + 2,
    };
    if text.contains('\n') && fits_block(text) {
        block(out, text, indent);
    } else {
        quoted(out, text, Some(indent));
    }
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && character != '\u{feff}'
        || character == '\u{85}'
}

/// A block can hold what is printable, with no space before the end of a line.
fn fits_block(text: &str) -> bool {
    let mut before = ' ';
    let mut first = true;
    for character in text.chars() {
        let space_before_break = is_break(character) && before == ' ' && !first;
        if !is_printable(character) || character == '\u{85}' || space_before_break {
            return false;
        }
        before = character;
        first = false;
    }
    before != ' '
}

fn block(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with(|c: char| c == ' ' || is_break(c)) {
        out.push('2');
    }
    let lines_end = text.chars().rev().take_while(|c| is_break(*c)).count();
    out.push_str(match lines_end {
        0 => "-",
        1 if text.chars().count() > 1 => "",
        _ => "+",
    });
    out.push('\n');
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(line);
    }
}

/// In double quotes; with an indentation given, folded where it is too long.
fn quoted(out: &mut String, text: &str, indent: Option<usize>) {
    let line_start = out.rfind('\n').map_or(0, |at| at + 1);
    let mut column = out.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
    out.push('"');
    let mut spaces = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if let Some(escape) = escape(character) {
            out.push_str(&escape);
            column += escape.len();
            spaces = false;
            continue;
        }
        let inside = at > 0 && at + 1 < text.len();
        match indent {
            Some(indent) if character == ' ' && !spaces && column > WIDTH && inside => {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
                if characters.peek().is_some_and(|(_, next)| *next == ' ') {
                    out.push('\\');
                    column += 1;
                }
            }
            _ => {
                out.push(character);
                column += 1;
            }
        }
        spaces = character == ' ';
    }
    out.push('"');
}

fn escape(character: char) -> Option<String> {
    let short = match character {
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        '\u{1b}' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        other if is_printable(other) => return None,
        other => {
            let code = u32::from(other);
            return Some(match code {
                ..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(short.to_string())
}
