//! What is written differently today and means the same: bare labels, values in needless quotes, types of old.
//!
//! Each change replaces some pieces by others. Only whole values of arguments are looked at, never parts of them.

use super::Piece;
use crate::lexer::TokenKind;
use crate::syntax::{Attribute, Block, Body, Identifier};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Range;
use value::is_visible;

/// Pieces that are replaced, by their positions, and what stands there instead.
pub(super) struct Edit<'a> {
    range: Range<usize>,
    by: Vec<Piece<'a>>,
}

struct Edits<'a, 'p> {
    pieces: &'p [Piece<'a>],
    found: Vec<Edit<'a>>,
}

/// All changes of a file, in the order of their places.
pub(super) fn edits<'a>(body: &Body, pieces: &[Piece<'a>]) -> Vec<Edit<'a>> {
    let mut edits = Edits {
        pieces,
        found: Vec::new(),
    };
    edits.body(body, false);
    for block in &body.blocks {
        edits.block(block, &*block.kind.name == "variable");
    }
    edits.found.sort_by_key(|edit| edit.range.start);
    edits.found
}

/// The pieces after the changes.
pub(super) fn apply<'a>(pieces: Vec<Piece<'a>>, edits: Vec<Edit<'a>>) -> Vec<Piece<'a>> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut rest = pieces.into_iter();
    let mut at = 0;
    for edit in edits {
        out.extend(rest.by_ref().take(edit.range.start.saturating_sub(at)));
        out.extend(edit.by);
        at = edit.range.end.max(at);
        let skipped = edit.range.len();
        rest.by_ref().take(skipped).for_each(drop);
    }
    out.extend(rest);
    out
}

impl<'a> Edits<'a, '_> {
    fn block(&mut self, block: &Block, is_variable: bool) {
        self.labels(block);
        self.body(&block.body, is_variable);
        for inner in &block.body.blocks {
            self.block(inner, false);
        }
    }

    /// The arguments of a body, not those of the blocks in it.
    fn body(&mut self, body: &Body, is_variable: bool) {
        for attribute in &body.attributes {
            let range = self.range(attribute.value.span.start, attribute.value.span.end);
            let value = self.pieces.get(range.clone()).unwrap_or(&[]);
            let by = if is_variable && is_type(attribute) {
                modern_type(value)
            } else {
                unwrapped(value)
            };
            if let Some(by) = by {
                self.found.push(Edit { range, by });
            }
        }
    }

    /// Labels are quoted, and nothing but a blank stands between them.
    fn labels(&mut self, block: &Block) {
        let Some(last) = block.labels.last() else {
            return;
        };
        let range = self.range(block.kind.span.end, last.span.end);
        let by = block.labels.iter().flat_map(quoted_label).collect();
        self.found.push(Edit { range, by });
    }

    /// The pieces between two places of the text.
    fn range(&self, start: u32, end: u32) -> Range<usize> {
        let first = self.pieces.partition_point(|piece| piece.start < start);
        let behind = self.pieces.partition_point(|piece| piece.end <= end);
        // The end of the text is a piece without extent, which belongs to nothing.
        first..behind.clamp(first, self.pieces.len().saturating_sub(1).max(first))
    }
}

fn is_type(attribute: &Attribute) -> bool {
    &*attribute.name.name == "type"
}

fn piece<'a>(kind: TokenKind, text: impl Into<Cow<'a, str>>) -> Piece<'a> {
    Piece {
        kind,
        start: 0,
        end: 0,
        text: text.into(),
        spaces: 0,
    }
}

fn quoted_label<'a>(label: &Identifier) -> impl Iterator<Item = Piece<'a>> + use<'a> {
    let text = escaped(&label.name);
    let text = (!text.is_empty()).then(|| piece(TokenKind::Text, text));
    core::iter::once(piece(TokenKind::OpenQuote, "\""))
        .chain(text)
        .chain(core::iter::once(piece(TokenKind::CloseQuote, "\"")))
}

/// A text as it stands in quotes: what cannot be seen is written as its number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', character]),
            '$' | '%' if characters.peek() == Some(&'{') => out.extend([character, character]),
            _ if is_visible(character) => out.push(character),
            _ => {
                let number = u32::from(character);
                // Writing to a text cannot fail.
                let _ = if number < 0x1_0000 {
                    write!(out, "\\u{number:04x}")
                } else {
                    write!(out, "\\U{number:08x}")
                };
            }
        }
    }
    out
}

/// The type that was meant by a type of old: `"string"`, `"list"`, `"map"`, `list`, `map`, `set`.
fn modern_type<'a>(value: &[Piece<'a>]) -> Option<Vec<Piece<'a>>> {
    let of = |collection: &'static str, element: &'static str| {
        alloc::vec![
            piece(TokenKind::Identifier, collection),
            piece(TokenKind::OpenParen, "("),
            piece(TokenKind::Identifier, element),
            piece(TokenKind::CloseParen, ")"),
        ]
    };
    match value {
        [only] if only.kind == TokenKind::Identifier => match &*only.text {
            "list" => Some(of("list", "any")),
            "map" => Some(of("map", "any")),
            "set" => Some(of("set", "any")),
            _ => None,
        },
        // Quoted types are older than `any`; their elements were texts.
        [open, text, _] if open.kind == TokenKind::OpenQuote => match &*text.text {
            "string" => Some(alloc::vec![piece(TokenKind::Identifier, "string")]),
            "list" => Some(of("list", "string")),
            "map" => Some(of("map", "string")),
            _ => None,
        },
        _ => None,
    }
}

/// What stands in `"${ ... }"`, if the text is nothing but that one interpolation. Over several lines it is put in
/// parentheses, without which the expression would end with its first line.
fn unwrapped<'a>(value: &[Piece<'a>]) -> Option<Vec<Piece<'a>>> {
    let [open, interpolation, inside @ .., end, close] = value else {
        return None;
    };
    let is_one = open.kind == TokenKind::OpenQuote
        && interpolation.kind == TokenKind::OpenInterpolation
        && end.kind == TokenKind::CloseSequence
        && close.kind == TokenKind::CloseQuote
        && !inside.is_empty()
        && !has_more_parts(inside);
    if !is_one {
        return None;
    }
    let is_newline = |one: &Piece<'_>| one.kind == TokenKind::Newline;
    let first = inside.iter().position(|one| !is_newline(one)).unwrap_or(0);
    let behind = inside
        .iter()
        .rposition(|one| !is_newline(one))
        .map_or(0, |last| last + 1);
    let inside = inside.get(first..behind).unwrap_or(&[]);
    let is_parenthesised = matches!(inside, [open, .., close]
        if open.kind == TokenKind::OpenParen && close.kind == TokenKind::CloseParen);
    let is_wrapped = inside.iter().any(is_newline) && !is_parenthesised;
    if !is_wrapped && breaks_off(inside) {
        return None;
    }
    let inside = inside.iter().cloned();
    if is_wrapped {
        let open = core::iter::once(piece(TokenKind::OpenParen, "("));
        let close = core::iter::once(piece(TokenKind::CloseParen, ")"));
        return Some(open.chain(inside).chain(close).collect());
    }
    Some(inside.collect())
}

/// Whether a line ends outside of all brackets before the last of what counts: without quotes, the value would end
/// there.
fn breaks_off(inside: &[Piece<'_>]) -> bool {
    let counts = |one: &Piece<'_>| !matches!(one.kind, TokenKind::Newline | TokenKind::Comment);
    let last = inside.iter().rposition(counts).unwrap_or(0);
    let mut open = 0;
    inside.get(..last).unwrap_or(&[]).iter().any(|one| {
        open += one.bracket_change();
        open == 0 && one.ends_line()
    })
}

/// Whether there is text or another sequence outside of the strings in it: `"${a}-${b}"`.
fn has_more_parts(inside: &[Piece<'_>]) -> bool {
    let mut quotes = 0usize;
    let mut heredocs = 0usize;
    inside.iter().any(|one| {
        match one.kind {
            TokenKind::OpenQuote => quotes += 1,
            TokenKind::CloseQuote => quotes = quotes.saturating_sub(1),
            TokenKind::OpenHeredoc => heredocs += 1,
            TokenKind::CloseHeredoc => heredocs = heredocs.saturating_sub(1),
            TokenKind::OpenInterpolation | TokenKind::CloseSequence => return quotes == 0,
            TokenKind::Text => return quotes == 0 && heredocs == 0,
            _ => {}
        }
        false
    })
}
