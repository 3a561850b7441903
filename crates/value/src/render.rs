//! Values for people, in the notation of the language on one line.
//!
//! What is sensitive, ephemeral or unknown is named, never shown. For machines there is `json.rs`.

use crate::{Data, Marks, Name, Type, Value};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

impl Value {
    /// The value as one would write it, on one line, with `(sensitive value)`, `(ephemeral value)` and
    /// `(known after apply)` where it cannot be shown.
    pub fn render(&self) -> String {
        let mut text = String::new();
        write(&mut text, self);
        text
    }
}

fn write(out: &mut String, value: &Value) {
    if value.marks().contains(Marks::SENSITIVE) {
        out.push_str("(sensitive value)");
        return;
    }
    if value.marks().contains(Marks::EPHEMERAL) {
        out.push_str("(ephemeral value)");
        return;
    }
    match value.data() {
        Data::Unknown(_) => out.push_str("(known after apply)"),
        Data::Null(ty) => write_null(out, ty),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => write_quoted(out, text),
        Data::List(_, items) => write_call(out, "tolist", |out| write_items(out, items)),
        Data::Set(_, items) => write_call(out, "toset", |out| write_items(out, items)),
        Data::Map(_, items) => write_call(out, "tomap", |out| write_entries(out, items)),
        Data::Tuple(items) => write_items(out, items),
        Data::Object(items) => write_entries(out, items),
    }
}

fn write_null(out: &mut String, ty: &Type) {
    out.push_str(match ty {
        Type::Bool => "tobool(null)",
        Type::Number => "tonumber(null)",
        Type::String => "tostring(null)",
        _ => "null",
    });
}

fn write_call(out: &mut String, function: &str, argument: impl FnOnce(&mut String)) {
    out.push_str(function);
    out.push('(');
    argument(out);
    out.push(')');
}

fn write_items(out: &mut String, items: &[Value]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    out.push(']');
}

fn write_entries(out: &mut String, items: &BTreeMap<Name, Value>) {
    out.push('{');
    for (index, (name, item)) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_quoted(out, name);
        out.push_str(" = ");
        write(out, item);
    }
    out.push('}');
}

/// A text in quotes as the language reads it back: control characters and template markers escaped.
pub(crate) fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if characters.peek() == Some(&'{') => {
                out.push(character);
                out.push(character);
            }
            control if control.is_control() => {
                out.push_str(&alloc::format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
