//! The canonical form of a source text, byte for byte the one that `terraform fmt` writes.
//!
//! A text is taken apart into [`Piece`]s (the lexer's tokens with the blanks before each), a few of them are replaced
//! by what means the same in today's language (`rewrite`), the blanks are computed anew line by line (`layout`, with
//! the rules between two neighbours in `spacing`), and the pieces are written one after the other. Nothing but blanks
//! and the few rewritten pieces can change, whatever the rules do: line breaks, comments and the order of things are
//! the author's.
//!
//! A text with syntax errors is refused: brackets that do not match would move everything behind them.
//!
//! In two places Terraform loses what was written, and we do not follow: a block label with a `$` or `%` in it, which
//! it deletes, and a lone interpolation with a comment in it, whose unwrapped form can no longer be read.

mod layout;
mod rewrite;
mod spacing;

use crate::diag;
use crate::lexer::{self, Token, TokenKind};
use crate::parser;
use crate::text::Excerpt;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use value::{Diagnostic, Diagnostics, Severity, SourceId};

/// A token with its text and the blanks before it.
#[derive(Clone)]
struct Piece<'a> {
    kind: TokenKind,
    /// Where it was written. Pieces that were put in have an empty range.
    start: u32,
    end: u32,
    text: Cow<'a, str>,
    /// How many spaces are written before it.
    spaces: usize,
}

/// Formats a file of arguments and blocks.
///
/// # Errors
/// The findings of a text that cannot be read as one; it is not formatted at all then.
pub fn format(text: &str, source: SourceId) -> Result<String, Diagnostics> {
    let (body, diagnostics) = parser::parse_body(text, source);
    // Which of its two readings is meant by a key like `aws.east` is no matter of form.
    let is_in_the_way =
        |one: &Diagnostic| one.severity == Severity::Error && one.code != diag::AMBIGUOUS_KEY.0;
    if diagnostics.iter().any(is_in_the_way) {
        return Err(diagnostics);
    }
    let mut ignored = Diagnostics::new();
    let tokens = lexer::lex(Excerpt::whole(text, source), &mut ignored);
    let pieces = pieces(text, &tokens.list);
    let edits = rewrite::edits(&body, &pieces);
    let mut pieces = rewrite::apply(pieces, edits);
    layout::arrange(&mut pieces);
    Ok(written(&pieces, text.len()))
}

/// The tokens with their texts. A comment up to the end of its line takes the line break with it.
fn pieces<'a>(text: &'a str, tokens: &[Token]) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = Vec::with_capacity(tokens.len());
    // A byte order mark is not written again.
    let mut before = 0;
    for token in tokens {
        if token.kind == TokenKind::Newline
            && let Some(last) = pieces.last_mut()
            && last.kind == TokenKind::Comment
            && !last.text.starts_with("/*")
            && !last.ends_line()
        {
            last.end = token.end;
            last.text = Cow::Borrowed(slice(text, last.start, last.end));
        } else {
            pieces.push(Piece {
                kind: token.kind,
                start: token.start,
                end: token.end,
                text: Cow::Borrowed(slice(text, token.start, token.end)),
                spaces: token.start.saturating_sub(before) as usize,
            });
        }
        before = token.end;
    }
    pieces
}

fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or("")
}

fn written(pieces: &[Piece<'_>], length: usize) -> String {
    let mut out = String::with_capacity(length + length / 8);
    for piece in pieces {
        out.extend(core::iter::repeat_n(' ', piece.spaces));
        out.push_str(&piece.text);
    }
    out
}

impl Piece<'_> {
    /// Whether a line of the text ends with it.
    fn ends_line(&self) -> bool {
        match self.kind {
            TokenKind::Newline => true,
            TokenKind::Comment => self.text.ends_with('\n'),
            _ => false,
        }
    }

    /// By how much it changes the number of open brackets.
    fn bracket_change(&self) -> isize {
        match self.kind {
            TokenKind::OpenBrace
            | TokenKind::OpenBracket
            | TokenKind::OpenParen
            | TokenKind::OpenInterpolation
            | TokenKind::OpenDirective => 1,
            TokenKind::CloseBrace
            | TokenKind::CloseBracket
            | TokenKind::CloseParen
            | TokenKind::CloseSequence => -1,
            _ => 0,
        }
    }
}
