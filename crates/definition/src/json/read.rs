//! JSON text to nodes with places, passing over what is broken.
//!
//! Stricter than JavaScript and as strict as JSON: no comments, no trailing commas, no byte order mark. What is wrong
//! is reported where it stands, and reading goes on behind it. Recursion is bounded by [`NESTING_DEPTH_MAX`], time is
//! linear.

use crate::diag::json as diag;
use crate::limits::{DIAGNOSTICS_PER_SOURCE_MAX, NESTING_DEPTH_MAX, TOKENS_PER_SOURCE_MAX};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use value::{Diagnostic, Diagnostics, SourceId, Span};

/// A JSON value where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// All of it.
    pub(crate) span: Span,
    /// How many levels of values it has, itself included.
    pub(crate) height: u16,
}

/// Forms of a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// Could not be read; has been reported.
    Invalid,
    Null,
    Bool(bool),
    /// Digits as they were written.
    Number(String),
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<Property>),
}

/// A name and its value in an object, as often as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) name: Text,
    /// Shared with the body that is made of it.
    pub(crate) value: Arc<Node>,
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// What it stands for.
    pub(crate) content: String,
    /// With its quotes.
    pub(crate) span: Span,
    /// For every escape: where the text goes on behind it, in `content` and in the source.
    pub(crate) escapes: Vec<(u32, u32)>,
}

impl Node {
    /// The bracket or brace that opens it, or all of what has none.
    pub(crate) fn open(&self) -> Span {
        match self.kind {
            NodeKind::Array(_) | NodeKind::Object(_) => Span {
                end: self.span.start + 1,
                ..self.span
            },
            _ => self.span,
        }
    }

    /// The bracket or brace that closes it, or all of what has none.
    pub(crate) fn close(&self) -> Span {
        match self.kind {
            NodeKind::Array(_) | NodeKind::Object(_) => Span {
                start: self.span.end.saturating_sub(1).max(self.span.start),
                ..self.span
            },
            _ => self.span,
        }
    }

    /// What it is, in words.
    pub(crate) fn in_words(&self) -> &'static str {
        match self.kind {
            NodeKind::Invalid => "something unreadable",
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "a truth value",
            NodeKind::Number(_) => "a number",
            NodeKind::Text(_) => "a text",
            NodeKind::Array(_) => "an array",
            NodeKind::Object(_) => "an object",
        }
    }
}

/// A whole text, to find places in.
#[derive(Clone, Debug)]
pub(crate) struct Container(Node);

impl Container {
    /// The names and positions that lead to the innermost object or array around a byte, such as `locals[0].a`.
    pub(crate) fn path(&self, byte: u32) -> String {
        let mut path = String::new();
        let mut node = &self.0;
        let around = |node: &Node| {
            let nested = matches!(node.kind, NodeKind::Array(_) | NodeKind::Object(_));
            nested && node.span.start <= byte && byte < node.span.end
        };
        // Ends at the innermost level: every turn goes one deeper.
        loop {
            let inner = match &node.kind {
                NodeKind::Object(properties) => properties
                    .iter()
                    .find(|property| around(&property.value))
                    .map(|property| {
                        let dot = if path.is_empty() { "" } else { "." };
                        let step = alloc::format!("{dot}{}", property.name.content);
                        (step, &*property.value)
                    }),
                NodeKind::Array(items) => items
                    .iter()
                    .enumerate()
                    .find(|(_, item)| around(item))
                    .map(|(position, item)| (alloc::format!("[{position}]"), item)),
                _ => None,
            };
            let Some((step, inner)) = inner else {
                return path;
            };
            path.push_str(&step);
            node = inner;
        }
    }
}

/// A text as a whole, whatever is wrong with it.
pub(crate) fn container(text: &str, source: SourceId) -> Option<Container> {
    read(text, source).0.map(Container)
}

/// The value could not be read and that has been reported.
struct Failed;

struct Reader<'a> {
    text: &'a str,
    source: SourceId,
    at: usize,
    depth: usize,
    /// How many values have been read.
    values: usize,
    diagnostics: Diagnostics,
    /// The text ended too early, and that has been reported.
    ended: bool,
    /// The last string had no end, and what should stand behind it may be part of it.
    swallowed: bool,
}

/// Reads a text. None when there is nothing in it that could be read at all.
pub(crate) fn read(text: &str, source: SourceId) -> (Option<Node>, Diagnostics) {
    let mut reader = Reader {
        text,
        source,
        at: 0,
        depth: 0,
        values: 0,
        diagnostics: Diagnostics::new(),
        ended: false,
        swallowed: false,
    };
    let node = reader.value().ok();
    reader.blanks();
    if node.is_some() && reader.at < text.len() && !reader.ended {
        let found = diag::behind_the_end(reader.next_character());
        reader.report(found);
    }
    reader.diagnostics.0.truncate(DIAGNOSTICS_PER_SOURCE_MAX);
    (node, reader.diagnostics)
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Node, Failed> {
        self.blanks();
        let start = self.at;
        let Some(first) = self.byte() else {
            return self.end_of_text();
        };
        self.values += 1;
        if self.values > TOKENS_PER_SOURCE_MAX {
            return self.give_up();
        }
        let (kind, height) = match first {
            b'{' | b'[' => return self.nested(first),
            b'"' => (NodeKind::Text(self.string()), 0),
            b'0'..=b'9' | b'-' | b'+' | b'.' => (self.number(), 0),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => (self.word(), 0),
            b'}' | b']' | b',' | b':' => {
                let found = diag::value_missing(self.next_character());
                self.report(found);
                return Err(Failed);
            }
            _ => {
                let character = self.rest().chars().next().unwrap_or('\0');
                let found = diag::invalid_start(self.next_character(), character);
                self.report(found);
                return Err(Failed);
            }
        };
        Ok(self.node(kind, start, height))
    }

    fn node(&self, kind: NodeKind, start: usize, below: u16) -> Node {
        Node {
            kind,
            span: self.span(start, self.at),
            height: below + 1,
        }
    }

    /// An array or object, unless it is nested too deeply: then it is passed over.
    fn nested(&mut self, open: u8) -> Result<Node, Failed> {
        let start = self.at;
        if self.depth >= NESTING_DEPTH_MAX {
            let found = crate::diag::syntax::nested_too_deeply(self.next_character());
            self.report(found);
            self.pass_over_value();
            return Ok(self.node(NodeKind::Invalid, start, 0));
        }
        self.depth += 1;
        self.at += 1;
        let (kind, height) = if open == b'{' {
            self.object(start)
        } else {
            self.array(start)
        };
        self.depth -= 1;
        Ok(self.node(kind, start, height))
    }

    fn object(&mut self, open: usize) -> (NodeKind, u16) {
        let mut properties = Vec::new();
        let mut height = 0;
        // Ends with the text at the latest: every turn takes something or leaves.
        loop {
            self.blanks();
            match self.byte() {
                None => self.unclosed(open, b'}'),
                Some(b'}') => self.at += 1,
                Some(b']') => self.mismatched(b'}'),
                Some(_) => {
                    let before = properties.len();
                    let read = self.property(&mut properties);
                    if let Some(property) = properties.get(before) {
                        height = height.max(property.value.height);
                    }
                    self.separator(read.is_err(), b'}');
                    continue;
                }
            }
            return (NodeKind::Object(properties), height);
        }
    }

    /// A name, a colon and a value. A property whose value cannot be read still counts as being there.
    fn property(&mut self, properties: &mut Vec<Property>) -> Result<(), Failed> {
        if self.byte() != Some(b'"') {
            let start = self.at;
            let is_word = self.byte().is_some_and(|b| b.is_ascii_alphanumeric());
            if is_word {
                self.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            }
            let span = if is_word {
                self.span(start, self.at)
            } else {
                self.next_character()
            };
            self.report(diag::name_required(span));
            return Err(Failed);
        }
        let name = self.string();
        self.blanks();
        match self.byte() {
            Some(b':') => self.at += 1,
            Some(b'=') => {
                let found = diag::colon_missing(self.next_character());
                self.report(found);
                self.at += 1;
            }
            None => {
                self.end_of_text().map(drop)?;
            }
            Some(first) => {
                let found = diag::colon_missing(self.next_character());
                self.report(found);
                if matches!(first, b'}' | b']' | b',') {
                    return Err(Failed);
                }
            }
        }
        let start = self.at;
        let value = self.value();
        let failed = value.is_err();
        let value = value.unwrap_or_else(|Failed| self.node(NodeKind::Invalid, start, 0));
        properties.push(Property {
            name,
            value: Arc::new(value),
        });
        if failed { Err(Failed) } else { Ok(()) }
    }

    fn array(&mut self, open: usize) -> (NodeKind, u16) {
        let mut items: Vec<Node> = Vec::new();
        let mut height = 0;
        // Ends with the text at the latest: every turn takes something or leaves.
        loop {
            self.blanks();
            match self.byte() {
                None => self.unclosed(open, b']'),
                Some(b']') => self.at += 1,
                Some(b'}') => self.mismatched(b']'),
                Some(_) => {
                    let item = self.value();
                    let failed = item.is_err();
                    if let Ok(item) = item {
                        height = height.max(item.height);
                        items.push(item);
                    }
                    self.separator(failed, b']');
                    continue;
                }
            }
            return (NodeKind::Array(items), height);
        }
    }

    /// What stands behind an item: a comma, or the end of the array or object, which stays.
    fn separator(&mut self, failed: bool, close: u8) {
        if failed {
            self.pass_over_rest_of_item();
        }
        self.blanks();
        let swallowed = core::mem::take(&mut self.swallowed);
        match self.byte() {
            // Said by the loop that goes on.
            None | Some(b'}' | b']') => {}
            Some(b'"') if swallowed => {}
            Some(b',') => {
                let comma = self.next_character();
                self.at += 1;
                self.blanks();
                if self.byte() == Some(close) {
                    self.report(diag::trailing_comma(comma));
                }
            }
            Some(byte) => {
                let found = diag::comma_missing(self.next_character());
                self.report(found);
                if !matches!(byte, b'"' | b'{' | b'[' | b'0'..=b'9') {
                    self.pass_over_rest_of_item();
                    if self.byte() == Some(b',') {
                        self.at += 1;
                    }
                }
            }
        }
    }

    /// Goes to the comma or bracket that ends the item at hand.
    fn pass_over_rest_of_item(&mut self) {
        let mut open = 0usize;
        while let Some(byte) = self.byte() {
            match byte {
                b',' | b'}' | b']' if open == 0 => return,
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                b'"' => {
                    self.pass_over_string();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes behind the array or object at hand.
    fn pass_over_value(&mut self) {
        self.at += 1;
        let mut open = 1usize;
        while let (Some(byte), true) = (self.byte(), open > 0) {
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                b'"' => {
                    self.pass_over_string();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn pass_over_string(&mut self) {
        let kept = self.diagnostics.0.len();
        self.string();
        self.diagnostics.0.truncate(kept);
    }

    fn unclosed(&mut self, open: usize, close: u8) {
        if !self.ended {
            let span = self.span(open, open + 1);
            self.report(diag::unclosed(span, char::from(close)));
            // Everything around is open too, for the same reason.
            self.ended = true;
        }
    }

    fn mismatched(&mut self, close: u8) {
        let found = diag::mismatched(self.next_character(), char::from(close));
        self.report(found);
        self.at += 1;
    }

    /// Reads no further.
    fn give_up(&mut self) -> Result<Node, Failed> {
        if !self.ended {
            let found = crate::diag::syntax::too_many_tokens(self.span(self.at, self.at));
            self.report(found);
            self.ended = true;
        }
        self.at = self.text.len();
        Err(Failed)
    }

    fn end_of_text(&mut self) -> Result<Node, Failed> {
        if !self.ended {
            let at = self.text.len();
            let found = diag::ends_early(self.span(at, at));
            self.report(found);
            self.ended = true;
        }
        Err(Failed)
    }

    /// A number; anything made of its characters counts as one, right or wrong.
    fn number(&mut self) -> NodeKind {
        let start = self.at;
        self.take_while(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
        let text = self.text.get(start..self.at).unwrap_or("");
        if is_number(text) {
            return NodeKind::Number(text.into());
        }
        let found = diag::invalid_number(self.span(start, self.at), text);
        self.report(found);
        NodeKind::Invalid
    }

    fn word(&mut self) -> NodeKind {
        let start = self.at;
        self.take_while(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        match self.text.get(start..self.at).unwrap_or("") {
            "true" => NodeKind::Bool(true),
            "false" => NodeKind::Bool(false),
            "null" => NodeKind::Null,
            word => {
                let found = diag::invalid_word(self.span(start, self.at), word);
                self.report(found);
                NodeKind::Invalid
            }
        }
    }

    /// A string; the reader stands at its quote. One that is not closed ends with its line.
    fn string(&mut self) -> Text {
        let start = self.at;
        self.at += 1;
        let mut content = String::new();
        let mut escapes = Vec::new();
        // Every turn takes a run of text or one byte more.
        loop {
            let run = self
                .rest()
                .bytes()
                .position(|b| matches!(b, b'"' | b'\\') || b < 0x20)
                .unwrap_or(self.rest().len());
            content.push_str(self.rest().get(..run).unwrap_or(""));
            self.at += run;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    self.escape(&mut content);
                    escapes.push((content.len() as u32, self.at as u32));
                }
                None | Some(b'\n' | b'\r') => {
                    let opened = self.span(start, start + 1);
                    let here = self.span(self.at, self.at);
                    let found = crate::diag::syntax::newline_in_string(here, opened);
                    self.report(found);
                    self.swallowed = true;
                    break;
                }
                Some(_) => {
                    let found = diag::control_character(self.next_character());
                    self.report(found);
                    content.push(' ');
                    self.at += 1;
                }
            }
        }
        Text {
            content,
            span: self.span(start, self.at),
            escapes,
        }
    }

    /// What a backslash and what belongs to it stand for.
    fn escape(&mut self, content: &mut String) {
        let start = self.at;
        self.at += 1;
        let character = match self.byte() {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                if let Some(character) = self.unicode_escape() {
                    content.push(character);
                    return;
                }
                let found = diag::invalid_escape(self.span(start, self.at));
                self.report(found);
                return;
            }
            _ => {
                let length = self.rest().chars().next().filter(|c| !c.is_control());
                let end = self.at + length.map_or(0, char::len_utf8);
                let found = diag::invalid_escape(self.span(start, end));
                self.report(found);
                self.at = end;
                return;
            }
        };
        self.at += 1;
        content.push(character);
    }

    /// `uXXXX`, perhaps with the second half of a pair behind it. Half a pair stands for U+FFFD.
    fn unicode_escape(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if let Some(character) = char::from_u32(first) {
            return Some(character);
        }
        let before = self.at;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 1;
            if let Some(second @ 0xdc00..0xe000) = self.four_digits() {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code);
            }
            self.at = before;
        }
        Some('\u{fffd}')
    }

    /// The `u` and four hexadecimal digits; on failure the reader stands behind what there is of them.
    fn four_digits(&mut self) -> Option<u32> {
        self.at += 1;
        let digits = self.rest().bytes().take(4);
        let length = digits.take_while(u8::is_ascii_hexdigit).count();
        let value = u32::from_str_radix(self.rest().get(..length)?, 16).ok();
        self.at += length;
        value.filter(|_| length == 4)
    }

    fn blanks(&mut self) {
        self.take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) {
        self.at += self.rest().bytes().take_while(|b| wanted(*b)).count();
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn next_character(&self) -> Span {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        self.span(self.at, self.at + length)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.source,
            start: start as u32,
            end: end as u32,
        }
    }

    fn report(&mut self, found: Diagnostic) {
        if self.diagnostics.0.len() < DIAGNOSTICS_PER_SOURCE_MAX * 2 {
            self.diagnostics.push(found);
        }
    }
}

/// Whether a text is a number by the grammar of JSON.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at), text.get(at + 1..)),
        None => (Some(text), None),
    };
    let mantissa = mantissa.unwrap_or("");
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        for text in ["0", "-0", "10", "1.5", "1e5", "1E+5", "-1.25e-3"] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "--1", "1.2.3", "1e1e1",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn strings_are_decoded() {
        let text = r#""a\n\u00e9\ud83d\ude00\ud800x\/""#;
        let (node, found) = read(text, SourceId(0));
        assert!(found.is_empty());
        let Some(NodeKind::Text(text)) = node.map(|node| node.kind) else {
            unreachable!()
        };
        assert_eq!(text.content, "a\n\u{e9}\u{1f600}\u{fffd}x/");
    }
}
