//! Values and types as the console prints them, line for line as Terraform's does.
//!
//! One element on each line, texts of several lines as heredocs, conversions named where the notation alone would give
//! another type. What is sensitive, ephemeral or unknown is named, never shown.

use crate::{Data, Marks, Name, Type, Value};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt::Write as _;
use unicode_normalization::char::is_combining_mark;

/// By how many blanks elements stand deeper than what they are elements of.
const INDENT: usize = 2;

/// The same for the parts of a type.
const TYPE_INDENT: usize = 4;

impl Value {
    /// The value on as many lines as it takes.
    pub fn render_lines(&self) -> String {
        let mut out = String::new();
        write_value(&mut out, self, 0);
        out
    }
}

impl Type {
    /// The type on as many lines as it takes.
    pub fn render_lines(&self) -> String {
        let mut out = String::new();
        write_type(&mut out, self, 0);
        out
    }
}

fn write_value(out: &mut String, value: &Value, indent: usize) {
    if let Data::Unknown(_) = value.data() {
        out.push_str("(known after apply)");
    } else if value.marks().contains(Marks::SENSITIVE) {
        out.push_str("(sensitive value)");
    } else if value.marks().contains(Marks::EPHEMERAL) {
        out.push_str("(ephemeral value)");
    } else {
        write_data(out, value.data(), indent);
    }
}

fn write_data(out: &mut String, data: &Data, indent: usize) {
    let mut call = |function: &str, argument: &dyn Fn(&mut String)| {
        out.push_str(function);
        out.push('(');
        argument(out);
        out.push(')');
    };
    match data {
        Data::Unknown(_) => {}
        Data::Null(ty) => write_null(out, ty),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => write_text(out, text, indent),
        Data::List(_, items) => call("tolist", &|out| write_items(out, items, indent)),
        Data::Set(_, items) => call("toset", &|out| write_items(out, items, indent)),
        Data::Map(_, items) => call("tomap", &|out| write_entries(out, items, indent)),
        Data::Tuple(items) => write_items(out, items, indent),
        Data::Object(items) => write_entries(out, items, indent),
    }
}

fn write_null(out: &mut String, ty: &Type) {
    let of = |element: &Type| match element {
        Type::Any => "dynamic".to_string(),
        element => element.in_words().to_string(),
    };
    // Writing to a text cannot fail.
    let _ = match ty {
        Type::Any => write!(out, "null"),
        Type::Bool => write!(out, "tobool(null)"),
        Type::Number => write!(out, "tonumber(null)"),
        Type::String => write!(out, "tostring(null)"),
        Type::List(element) => write!(out, "tolist(null) /* of {} */", of(element)),
        Type::Set(element) => write!(out, "toset(null) /* of {} */", of(element)),
        Type::Map(element) => write!(out, "tomap(null) /* of {} */", of(element)),
        Type::Tuple(_) | Type::Object(_) => write!(out, "null /* {} */", ty.in_words()),
    };
}

fn write_items(out: &mut String, items: &[Value], indent: usize) {
    out.push('[');
    for item in items {
        begin_line(out, indent + INDENT);
        write_value(out, item, indent + INDENT);
        out.push(',');
    }
    if !items.is_empty() {
        begin_line(out, indent);
    }
    out.push(']');
}

fn write_entries(out: &mut String, items: &BTreeMap<Name, Value>, indent: usize) {
    out.push('{');
    for (name, item) in items {
        begin_line(out, indent + INDENT);
        write_text(out, name, indent + INDENT);
        out.push_str(" = ");
        write_value(out, item, indent + INDENT);
    }
    if !items.is_empty() {
        begin_line(out, indent);
    }
    out.push('}');
}

fn begin_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(core::iter::repeat_n(' ', indent));
}

/// A text of one line in quotes, one of several as a heredoc.
fn write_text(out: &mut String, text: &str, indent: usize) {
    if !text.contains('\n') {
        return write_quoted(out, text);
    }
    let mut marker = String::from("EOT");
    while text.split('\n').any(|line| line.trim() == marker) {
        marker.push('_');
    }
    out.push_str(if indent > 0 { "<<-" } else { "<<" });
    out.push_str(&marker);
    for line in text.split('\n').chain([&*marker]) {
        begin_line(out, indent);
        out.push_str(line);
    }
}

/// A text in quotes. Unlike [`Value::render`], which writes what the language reads back, this escapes as Go does, and
/// leaves the signs of templates alone.
fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        let number = u32::from(character);
        // Writing to a text cannot fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{c}' => write!(out, "\\f"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\u{b}' => write!(out, "\\v"),
            _ if is_visible(character) => write!(out, "{character}"),
            _ if number < 0x80 => write!(out, "\\x{number:02x}"),
            _ if number < 0x1_0000 => write!(out, "\\u{number:04x}"),
            _ => write!(out, "\\U{number:08x}"),
        };
    }
    out.push('"');
}

/// Whether a character leaves a mark of its own: letters, marks, digits, punctuation, symbols and the common blank.
pub fn is_visible(character: char) -> bool {
    // The standard library writes such characters as they are, but also escapes marks that combine with the one before.
    let mut debug = character.escape_debug();
    let is_escaped = debug.next() == Some('\\') && matches!(debug.next(), Some('u' | '0'));
    is_combining_mark(character) || !is_escaped
}

fn write_type(out: &mut String, ty: &Type, indent: usize) {
    let parts: &dyn Fn(&mut String) -> bool = match ty {
        Type::Any => return out.push_str("dynamic"),
        Type::Bool | Type::Number | Type::String => return out.push_str(&ty.to_string()),
        Type::List(element) | Type::Set(element) | Type::Map(element) => &move |out| {
            let is_tall = matches!(&**element, Type::Tuple(_) | Type::Object(_));
            if is_tall {
                begin_line(out, indent + TYPE_INDENT);
                write_type(out, element, indent + TYPE_INDENT);
                out.push(',');
            } else {
                write_type(out, element, indent);
            }
            is_tall
        },
        Type::Tuple(elements) => &move |out| {
            for element in elements.iter() {
                begin_line(out, indent + TYPE_INDENT);
                write_type(out, element, indent + TYPE_INDENT);
                out.push(',');
            }
            !elements.is_empty()
        },
        Type::Object(object) => &move |out| {
            for (name, attribute) in &object.attributes {
                begin_line(out, indent + TYPE_INDENT);
                out.push_str(name);
                out.push_str(": ");
                write_type(out, attribute, indent + TYPE_INDENT);
                out.push(',');
            }
            !object.attributes.is_empty()
        },
    };
    let (open, close) = match ty {
        Type::List(_) => ("list(", ")"),
        Type::Set(_) => ("set(", ")"),
        Type::Map(_) => ("map(", ")"),
        Type::Tuple(_) => ("tuple([", "])"),
        _ => ("object({", "})"),
    };
    out.push_str(open);
    if parts(out) {
        begin_line(out, indent);
    }
    out.push_str(close);
}
