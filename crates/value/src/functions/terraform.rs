//! Functions of the provider that is built into Terraform: values to texts of the language, and back.
//!
//! They stand beside the tables of the language, because a module has the provider only where it says so, under a name
//! of its choice. A compiled expression names the provider by its source address, which nobody can write as a name;
//! messages name it as most modules do.

use super::encoding::begun_encoding;
use super::{ANY, Call, CallError, Category, Function, Kind, Parameter, STRING, template};
use crate::console::is_visible;
use crate::render::write_quoted;
use crate::{Data, Name, Value, is_identifier};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use unicode_segmentation::UnicodeSegmentation;

/// The source address of the provider.
pub const TERRAFORM_PROVIDER: &str = "terraform.io/builtin/terraform";

/// What stands before the names of its functions in messages.
const NAMESPACE: &str = "provider::terraform::";

/// What stands before the names of functions of any provider.
pub(crate) const PROVIDER: &str = "provider::";

/// By how many blanks what is in brackets stands deeper.
const INDENT: usize = 2;

/// What a text of variables is spoken of by.
const VARIABLES: &str = "<decode_tfvars argument>";

const FUNCTIONS: &[Function] = &[
    Function::new(
        "provider::terraform::decode_tfvars",
        Category::Encoding,
        "The values in a text that has the form of a variables file, as an object.",
        &[Parameter::new("src", Kind::String)],
        ANY,
        |call| {
            let text = call.text(0)?;
            let read = call.scope.variables(text).ok_or_else(|| {
                CallError::new("variables files cannot be read where this is evaluated")
            })?;
            read.map(Value::object).map_err(|mut found| {
                if call.hidden {
                    // What is wrong can quote the text.
                    for one in &mut found.0 {
                        one.detail = call.shown(&one.detail);
                    }
                }
                let mut why = template::failed(found, text, VARIABLES);
                why.message = format!("invalid variables: {}", why.message.trim_end_matches('.'));
                why
            })
        },
    ),
    Function::new(
        "provider::terraform::encode_expr",
        Category::Encoding,
        "A value as an expression of the language.",
        &[VALUE.seen()],
        STRING,
        |call| {
            let value = call.value(0)?;
            if !value.is_wholly_known() {
                return Ok(begun_encoding(value));
            }
            let mut text = String::new();
            write(&mut text, value);
            Ok(Value::string(indented(&text)))
        },
    ),
    Function::new(
        "provider::terraform::encode_tfvars",
        Category::Encoding,
        "The attributes of an object as a text that has the form of a variables file.",
        &[VALUE],
        STRING,
        encode_variables,
    ),
];

const VALUE: Parameter = Parameter::new("value", Kind::Any);

/// The function of a name that [`provider_function_name`] has made.
pub(super) fn compiled(name: &str) -> Option<&'static Function> {
    let name = name.strip_prefix(PROVIDER)?;
    let name = name.strip_prefix(TERRAFORM_PROVIDER)?.strip_prefix("::")?;
    FUNCTIONS
        .iter()
        .find(|function| function.name.strip_prefix(NAMESPACE) == Some(name))
}

/// By what name a compiled expression calls a function of the provider with this source address.
pub fn provider_function_name(source: &str, function: &str) -> Name {
    format!("{PROVIDER}{source}::{function}").as_str().into()
}

/// The names of all functions of the provider built into Terraform.
pub fn terraform_function_names() -> impl Iterator<Item = &'static str> {
    let names = FUNCTIONS.iter().map(|function| function.name);
    names.filter_map(|name| name.strip_prefix(NAMESPACE))
}

fn encode_variables(call: &Call<'_>) -> Result<Value, CallError> {
    let Some(entries) = call.value(0)?.entries() else {
        return Err(CallError::new(
            "invalid value to encode: must be an object whose attribute names will become the encoded variable names",
        ));
    };
    if let Some(wrong) = entries.keys().find(|name| !is_identifier(name)) {
        return Err(CallError::new(format!(
            "invalid variable name {}: must be a valid identifier, per Terraform's rules for input variable \
             declarations",
            call.shown(wrong)
        )));
    }
    let mut text = String::new();
    write_entries(&mut text, entries);
    Ok(Value::string(indented(&text)))
}

/// The expression with nothing indented yet. What is null or unknown has no more to say.
fn write(out: &mut String, value: &Value) {
    match value.data() {
        Data::Null(_) | Data::Unknown(_) => out.push_str("null"),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&format!("{number}")),
        Data::String(text) => write_text(out, text),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(out, item);
            }
            out.push(']');
        }
        Data::Map(_, entries) | Data::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Data::Map(_, entries) | Data::Object(entries) => {
            out.push_str("{\n");
            write_entries(out, entries);
            out.push('}');
        }
    }
}

/// A line for each entry; the signs of neighbours that take one line each stand below one another.
fn write_entries(out: &mut String, entries: &BTreeMap<Name, Value>) {
    let lines = entries.iter().map(|(name, value)| {
        let (mut key, mut text) = (String::new(), String::new());
        if is_identifier(name) {
            key.push_str(name);
        } else {
            write_text(&mut key, name);
        }
        write(&mut text, value);
        (key, text)
    });
    let lines: alloc::vec::Vec<(String, String)> = lines.collect();
    let is_tall = |line: &(String, String)| line.1.contains('\n');
    for neighbours in lines.chunk_by(|one, next| !is_tall(one) && !is_tall(next)) {
        let widths = neighbours.iter().map(|(key, _)| width(key));
        let widest = widths.max().unwrap_or(0);
        for (key, text) in neighbours {
            out.push_str(key);
            out.extend(core::iter::repeat_n(' ', widest - width(key)));
            out.push_str(" = ");
            out.push_str(text);
            out.push('\n');
        }
    }
}

fn width(text: &str) -> usize {
    text.graphemes(true).count()
}

/// A text in quotes, in which all is escaped that nobody would see.
fn write_text(out: &mut String, text: &str) {
    let mut quoted = String::new();
    write_quoted(&mut quoted, text);
    for character in quoted.chars() {
        let number = u32::from(character);
        match character {
            visible if is_visible(visible) => out.push(visible),
            _ if number < 0x1_0000 => out.push_str(&format!("\\u{number:04x}")),
            _ => out.push_str(&format!("\\U{number:08x}")),
        }
    }
}

/// The lines of a text, each as deep as there are lines before it whose brackets are still open: brackets that one line
/// opens count once. A line that closes and opens as many stays as deep as what is before it.
fn indented(text: &str) -> String {
    let mut open: alloc::vec::Vec<usize> = alloc::vec::Vec::new();
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let (opened, closed) = brackets(line);
        let mut closing = closed.saturating_sub(opened);
        while closing > 0
            && let Some(last) = open.pop()
        {
            if last > closing {
                open.push(last - closing);
            }
            closing = closing.saturating_sub(last);
        }
        out.extend(core::iter::repeat_n(' ', INDENT * open.len()));
        out.push_str(line);
        if opened > closed {
            open.push(opened - closed);
        }
    }
    out
}

/// How many brackets a line opens and closes outside of its texts.
fn brackets(line: &str) -> (usize, usize) {
    let (mut opened, mut closed) = (0, 0);
    let (mut quoted, mut escaped) = (false, false);
    for character in line.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => opened += 1,
            '}' | ']' if !quoted => closed += 1,
            _ => {}
        }
    }
    (opened, closed)
}
