//! A value as one line of text that tells everything of it: types of collections, nulls and unknowns, what is known of
//! unknowns, and every mark at its place. Two values are the same when their lines are.

use std::fmt::Write as _;
use value::{Bounds, Data, Marks, Unknown, Value};

/// The line.
pub(crate) fn exact(value: &Value) -> String {
    let mut line = String::new();
    write(&mut line, value);
    line
}

fn write(line: &mut String, value: &Value) {
    let marks = [
        (Marks::SENSITIVE, "sensitive"),
        (Marks::EPHEMERAL, "ephemeral"),
    ];
    let marks = marks
        .iter()
        .filter(|(mark, _)| value.marks().contains(*mark));
    let names: Vec<&str> = marks.map(|(_, name)| *name).collect();
    for name in &names {
        line.push_str(name);
        line.push('(');
    }
    match value.data() {
        Data::Bool(_) | Data::Number(_) | Data::String(_) => {
            line.push_str(&value.clone().without_marks().render());
        }
        Data::Null(ty) => {
            let _ = write!(line, "null {ty}");
        }
        Data::Unknown(unknown) => write_unknown(line, unknown),
        Data::List(ty, items) => write_items(line, &format!("list({ty})"), items),
        Data::Set(ty, items) => write_items(line, &format!("set({ty})"), items),
        Data::Tuple(items) => write_items(line, "", items),
        Data::Map(ty, _) => write_entries(line, &format!("map({ty})"), value),
        Data::Object(_) => write_entries(line, "", value),
    }
    names.iter().for_each(|_| line.push(')'));
}

fn write_unknown(line: &mut String, unknown: &Unknown) {
    let _ = write!(line, "unknown {}", unknown.ty);
    if unknown.not_null {
        line.push_str(" not null");
    }
    let end = |bound: Option<String>| bound.unwrap_or_default();
    match &unknown.bounds {
        Bounds::None => {}
        Bounds::Prefix(prefix) => {
            let _ = write!(line, " prefix {}", Value::string(prefix).render());
        }
        Bounds::Range { min, max } => {
            let (min, max) = (
                min.as_ref().map(ToString::to_string),
                max.as_ref().map(ToString::to_string),
            );
            let _ = write!(line, " range {}..{}", end(min), end(max));
        }
        Bounds::Length { min, max } => {
            let _ = write!(
                line,
                " length {min}..{}",
                end(max.map(|max| max.to_string()))
            );
        }
    }
}

fn write_items(line: &mut String, ty: &str, items: &[Value]) {
    line.push_str(ty);
    line.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            line.push_str(", ");
        }
        write(line, item);
    }
    line.push(']');
}

fn write_entries(line: &mut String, ty: &str, value: &Value) {
    line.push_str(ty);
    line.push('{');
    for (index, (name, item)) in value.entries().into_iter().flatten().enumerate() {
        if index > 0 {
            line.push_str(", ");
        }
        let _ = write!(line, "{} = ", Value::string(name).render());
        write(line, item);
    }
    line.push('}');
}
