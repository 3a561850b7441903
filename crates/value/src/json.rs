//! JSON, read and written exactly: numbers keep every digit, and what is written is byte for byte what `jsonencode` of
//! the language gives (`<`, `>`, `&`, U+2028 and U+2029 escaped, keys in order, no spaces).

use crate::limits::VALUE_DEPTH_MAX;
use crate::{Data, Name, Number, Type, Value};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Why a value cannot be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownInJson {
    /// The first part that is not known yet.
    pub path: crate::Path,
}

impl fmt::Display for UnknownInJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the value at {:?} is not known yet",
            self.path.to_string()
        )
    }
}

impl core::error::Error for UnknownInJson {}

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// What was found or missing.
    pub message: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl core::error::Error for JsonError {}

/// The value as JSON. Marks are not looked at: whoever writes decides what may be shown.
///
/// # Errors
/// When something in it is unknown.
pub fn to_string(value: &Value) -> Result<String, UnknownInJson> {
    if !value.is_wholly_known() {
        let mut first = None;
        value.walk(&mut |path, inner| {
            if !inner.is_known() && first.is_none() {
                first = Some(path.clone());
            }
            first.is_none() && !inner.is_wholly_known()
        });
        return Err(UnknownInJson {
            path: first.unwrap_or_default(),
        });
    }
    let mut text = String::new();
    write(&mut text, value);
    Ok(text)
}

fn write(out: &mut String, value: &Value) {
    match value.data() {
        Data::Null(_) | Data::Unknown(_) => out.push_str("null"),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => write_text(out, text),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Data::Map(_, items) | Data::Object(items) => {
            out.push('{');
            for (index, (name, item)) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(out, name);
                out.push(':');
                write(out, item);
            }
            out.push('}');
        }
    }
}

/// A JSON string literal with the escapes that Go's encoder uses.
pub(crate) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&alloc::format!("\\u{:04x}", u32::from(character)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Reads one JSON text: objects and tuples, exact numbers; of equal keys the last counts.
///
/// # Errors
/// When it is not JSON (RFC 8259), nested deeper than [`VALUE_DEPTH_MAX`], or holds a number out of range.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let mut reader = Reader { text, offset: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.error("extraneous data after JSON value")),
    }
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, message: &'static str) -> JsonError {
        JsonError {
            offset: self.offset,
            message,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.offset += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.offset += usize::from(found);
        found
    }

    fn value(&mut self, depth: u16) -> Result<Value, JsonError> {
        if depth > VALUE_DEPTH_MAX {
            return Err(self.error("JSON is nested too deeply"));
        }
        match self.peek() {
            None => Err(self.error("unexpected end of JSON")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::string),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                let words = [
                    ("null", Value::null(Type::Any)),
                    ("true", Value::bool(true)),
                    ("false", Value::bool(false)),
                ];
                for (word, value) in words {
                    if self.rest().starts_with(word) {
                        self.offset += word.len();
                        return Ok(value);
                    }
                }
                Err(self.error("invalid JSON value"))
            }
        }
    }

    fn object(&mut self, depth: u16) -> Result<Value, JsonError> {
        self.offset += 1;
        let mut items: BTreeMap<Name, Value> = BTreeMap::new();
        self.space();
        if self.accept(b'}') {
            return Ok(Value::object(items));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?;
            self.space();
            if !self.accept(b':') {
                return Err(self.error("expected a colon after the key"));
            }
            self.space();
            let value = self.value(depth + 1)?;
            items.insert(Name::from(&*crate::data::normalized(&key)), value);
            self.space();
            if self.accept(b'}') {
                return Ok(Value::object(items));
            }
            if !self.accept(b',') {
                return Err(self.error("expected a comma or a closing brace"));
            }
        }
    }

    fn array(&mut self, depth: u16) -> Result<Value, JsonError> {
        self.offset += 1;
        let mut items = Vec::new();
        self.space();
        if self.accept(b']') {
            return Ok(Value::tuple(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.accept(b']') {
                return Ok(Value::tuple(items));
            }
            if !self.accept(b',') {
                return Err(self.error("expected a comma or a closing bracket"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.offset;
        self.accept(b'-');
        let zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if zero && whole > 1 {
            return Err(self.error("a number must not begin with a zero"));
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        if self.accept(b'e') || self.accept(b'E') {
            if !self.accept(b'+') {
                self.accept(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.offset).unwrap_or("");
        match text.parse::<Number>() {
            Ok(number) => Ok(Value::number(number)),
            Err(_) => Err(self.error("number out of range")),
        }
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.offset;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.offset += 1;
        }
        if self.offset == start {
            return Err(self.error("expected a digit"));
        }
        Ok(self.offset - start)
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.offset += 1;
        let mut out = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else {
                return Err(self.error("unexpected end of JSON in a string"));
            };
            match character {
                '"' => {
                    self.offset += 1;
                    return Ok(out);
                }
                '\\' => self.escape(&mut out)?,
                '\0'..='\u{1f}' => {
                    return Err(self.error("control character in a string"));
                }
                other => {
                    out.push(other);
                    self.offset += other.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), JsonError> {
        self.offset += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.offset += 1;
                out.push(self.unicode_escape()?);
                return Ok(());
            }
            _ => return Err(self.error("invalid escape in a string")),
        };
        self.offset += 1;
        out.push(plain);
        Ok(())
    }

    /// After `\u`; a surrogate without its other half becomes U+FFFD, as Go's decoder has it.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let before = self.offset;
            self.offset += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let combined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.offset = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.rest().get(..4).unwrap_or("");
        let valid = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = if valid {
            u32::from_str_radix(digits, 16).ok()
        } else {
            None
        };
        match code {
            Some(code) => {
                self.offset += 4;
                Ok(code)
            }
            None => Err(self.error("expected four hexadecimal digits")),
        }
    }
}
