//! Templates: quoted strings, heredocs and template files.
//!
//! First a flat list of pieces with white space trimmed as the markers (`~`) and the flush heredoc (`<<-`) demand, then
//! the tree of directives. The order of these steps is HCL's, because it shows in the result.

use super::{Failed, Parsed, Parser, normalised};
use crate::diag::syntax as diag;
use crate::lexer::{Token, TokenKind};
use crate::limits::NESTING_DEPTH_MAX;
use crate::syntax::{Expression, ExpressionKind, Identifier, If, Part, Template, TemplateFor};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use unicode_segmentation::UnicodeSegmentation;
use value::Span;

/// A template before its directives are nested.
enum Piece {
    Text(String, Span),
    Interpolation(Expression),
    If(Expression, Span),
    Else(Span),
    EndIf(Span),
    For(Option<Identifier>, Identifier, Box<Expression>, Span),
    EndFor(Span),
}

impl Piece {
    /// Lets the place of a directive reach to the end of its sequence.
    fn extend_to(&mut self, end: u32) {
        match self {
            Self::Text(..) | Self::Interpolation(_) => {}
            Self::If(_, span)
            | Self::Else(span)
            | Self::EndIf(span)
            | Self::For(_, _, _, span)
            | Self::EndFor(span) => span.end = end,
        }
    }
}

/// What ends a list of parts.
enum Ending {
    All,
    Else(Span),
    EndIf,
    EndFor,
}

impl Parser<'_> {
    pub(super) fn quoted_template(&mut self) -> Parsed<Expression> {
        self.whole_template(TokenKind::CloseQuote, true, false)
    }

    pub(super) fn heredoc(&mut self) -> Parsed<Expression> {
        let open = self.peek();
        let flush = self.token_text(open).starts_with("<<-");
        self.whole_template(TokenKind::CloseHeredoc, false, flush)
    }

    /// A template file: everything to the end.
    pub(super) fn template_file(&mut self) -> (Template, u16) {
        self.newlines = true;
        let (parts, height) = match self.pieces(TokenKind::End, false) {
            Ok(pieces) => {
                self.template_end = self.token_span(self.peek());
                self.tree(meld(pieces))
            }
            Err(Failed) => (Vec::new(), 0),
        };
        let unwraps = matches!(parts.as_slice(), [Part::Interpolation(_)]);
        (Template { parts, unwraps }, height)
    }

    fn whole_template(
        &mut self,
        close: TokenKind,
        quoted: bool,
        flush: bool,
    ) -> Parsed<Expression> {
        let open = self.peek();
        self.advance();
        self.enter()?;
        let depth = self.depth;
        let newlines = core::mem::replace(&mut self.newlines, true);
        let pieces = self.pieces(close, quoted);
        let recovered = pieces.is_err() && self.skip_to_close(close);
        let end = self.previous().end;
        self.newlines = newlines;
        self.depth = depth;
        let span = self.span(open.start, end);
        let built = match pieces {
            Ok(mut pieces) => {
                if flush {
                    flush_left(&mut pieces);
                }
                let pieces = meld(pieces);
                self.template_end = self.token_span(self.previous());
                let unwraps = quoted && matches!(pieces.as_slice(), [Piece::Interpolation(_)]);
                let (parts, height) = self.tree(pieces);
                let kind = ExpressionKind::Template(Box::new(Template { parts, unwraps }));
                self.node(kind, span, height)
            }
            Err(Failed) if recovered => Ok(Expression::invalid(span)),
            Err(Failed) => Err(Failed),
        };
        self.depth = depth - 1;
        built
    }

    /// Pieces up to the closing token, which is taken too.
    fn pieces(&mut self, close: TokenKind, quoted: bool) -> Parsed<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut trim_next = false;
        loop {
            self.newlines = true;
            let token = self.peek();
            let trim_this = core::mem::take(&mut trim_next);
            if token.kind == close {
                self.advance();
                return Ok(pieces);
            }
            match token.kind {
                TokenKind::Text => {
                    self.advance();
                    let decoded = if quoted {
                        self.decode_quoted(token)
                    } else {
                        undouble(self.token_text(token))
                    };
                    let text = if trim_this {
                        String::from(decoded.trim_start())
                    } else {
                        decoded
                    };
                    pieces.push(Piece::Text(text, self.token_span(token)));
                }
                TokenKind::OpenInterpolation | TokenKind::OpenDirective => {
                    if self.token_text(token).ends_with('~')
                        && let Some(Piece::Text(text, _)) = pieces.last_mut()
                    {
                        text.truncate(text.trim_end().len());
                    }
                    let (piece, trims) = self.sequence(token)?;
                    trim_next = trims;
                    pieces.push(piece);
                }
                TokenKind::Newline => self.advance(),
                _ => return self.fail_here(diag::expression_expected),
            }
        }
    }

    /// `${ ... }` or `%{ ... }`, and whether it trims what follows.
    fn sequence(&mut self, open: Token) -> Parsed<(Piece, bool)> {
        self.advance();
        self.newlines = false;
        self.enter()?;
        let depth = self.depth;
        let piece = if open.kind == TokenKind::OpenInterpolation {
            self.expression().map(Piece::Interpolation)
        } else {
            self.directive(open)
        };
        self.depth = depth - 1;
        let close = self.peek();
        let piece = match piece {
            Ok(mut piece) if close.kind == TokenKind::CloseSequence => {
                self.advance();
                piece.extend_to(self.token_span(close).end);
                piece
            }
            failed => {
                if failed.is_ok() && self.at_cut_string() {
                    let found = diag::unterminated_sequence(self.token_span(open));
                    self.report(found);
                } else if failed.is_ok() {
                    let _ = self.fail_here::<()>(diag::sequence_continues);
                }
                if !self.skip_to_close(TokenKind::CloseSequence) {
                    return Err(Failed);
                }
                let end = self.previous().end;
                Piece::Interpolation(Expression::invalid(self.span(open.start, end)))
            }
        };
        let trims = self.token_text(self.previous()).starts_with('~');
        Ok((piece, trims))
    }

    /// Whether the string at hand was cut at the end of its line: then its quote was meant to close the string around.
    fn at_cut_string(&self) -> bool {
        let next = self.token(self.at + 1);
        let close = match next.kind {
            TokenKind::Text => self.token(self.at + 2),
            _ => next,
        };
        let cut = close.kind == TokenKind::CloseQuote && close.start == close.end;
        self.peek().kind == TokenKind::OpenQuote && cut
    }

    fn directive(&mut self, open: Token) -> Parsed<Piece> {
        let word = self.peek();
        let span = self.span(open.start, word.end);
        if word.kind != TokenKind::Identifier {
            return self.fail_here(|span, _| {
                diag::invalid_directive(
                    span,
                    "A directive begins with one of the words if, else, endif, for and endfor.",
                )
            });
        }
        match self.token_text(word) {
            "if" => {
                self.advance();
                Ok(Piece::If(self.expression()?, span))
            }
            "for" => {
                self.advance();
                let (key, value, collection) = self.for_head(open, TokenKind::CloseSequence)?;
                Ok(Piece::For(key, value, Box::new(collection), span))
            }
            "else" => {
                self.advance();
                Ok(Piece::Else(span))
            }
            "endif" => {
                self.advance();
                Ok(Piece::EndIf(span))
            }
            "endfor" => {
                self.advance();
                Ok(Piece::EndFor(span))
            }
            other => {
                let detail = alloc::format!(
                    "There is no directive \"{other}\"; there are if, else, endif, for and endfor. For a value use ${{...}}, for the text itself %%{{."
                );
                self.report(diag::invalid_directive(self.token_span(word), &detail));
                Err(Failed)
            }
        }
    }

    /// The tree of directives and its height.
    fn tree(&mut self, pieces: Vec<Piece>) -> (Vec<Part>, u16) {
        let mut pieces = pieces.into_iter();
        let mut parts = Vec::new();
        let mut height = 0;
        loop {
            let (mut more, below, ending) = self.parts(&mut pieces, None);
            height = height.max(below);
            parts.append(&mut more);
            match ending {
                Ending::All => return (parts, height),
                // Reported where it was found; what follows belongs to the template itself.
                Ending::Else(_) | Ending::EndIf | Ending::EndFor => {}
            }
        }
    }

    /// Parts up to the end of the directive opened at `inside`.
    fn parts(
        &mut self,
        pieces: &mut alloc::vec::IntoIter<Piece>,
        inside: Option<(&'static str, Span)>,
    ) -> (Vec<Part>, u16, Ending) {
        let mut parts = Vec::new();
        let mut height = 0;
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Text(text, span) => parts.push(Part::Text(text, span)),
                Piece::Interpolation(expression) => {
                    height = height.max(expression.height);
                    parts.push(Part::Interpolation(expression));
                }
                Piece::If(condition, span) => {
                    let (part, below) = self.if_part(pieces, condition, span);
                    height = height.max(below);
                    parts.extend(part);
                }
                Piece::For(key, value, collection, span) => {
                    let collection = *collection;
                    let Ok((inner, below, _)) = self.nested(pieces, ("for", span)) else {
                        return (parts, height, Ending::All);
                    };
                    height = height.max(below + 3).max(collection.height + 3);
                    parts.push(Part::For(Box::new(TemplateFor {
                        key,
                        value,
                        collection,
                        parts: inner,
                        span,
                    })));
                }
                Piece::Else(span) if matches!(inside, Some(("if", _))) => {
                    return (parts, height, Ending::Else(span));
                }
                Piece::EndIf(_) if matches!(inside, Some(("if" | "else", _))) => {
                    return (parts, height, Ending::EndIf);
                }
                Piece::EndFor(_) if matches!(inside, Some(("for", _))) => {
                    return (parts, height, Ending::EndFor);
                }
                Piece::Else(span) | Piece::EndIf(span) | Piece::EndFor(span) => {
                    self.report(diag::invalid_directive(
                        span,
                        "This directive ends nothing: there is no matching if or for before it, or another directive between them is still open.",
                    ));
                }
            }
        }
        if let Some((word, span)) = inside.filter(|_| !self.unterminated) {
            let end = if word == "for" { "endfor" } else { "endif" };
            let found = diag::unclosed_directive(self.template_end, word, end, span);
            self.report(found);
        }
        (parts, height, Ending::All)
    }

    fn nested(
        &mut self,
        pieces: &mut alloc::vec::IntoIter<Piece>,
        inside: (&'static str, Span),
    ) -> Parsed<(Vec<Part>, u16, Ending)> {
        if self.depth + 2 > NESTING_DEPTH_MAX {
            self.report(diag::nested_too_deeply(inside.1));
            // Without what is left there is nothing more to nest, and no end to miss.
            pieces.by_ref().for_each(drop);
            self.unterminated = true;
            return Err(Failed);
        }
        // Counts twice, because it keeps more on the stack.
        self.depth += 2;
        let parts = self.parts(pieces, Some(inside));
        self.depth -= 2;
        Ok(parts)
    }

    fn if_part(
        &mut self,
        pieces: &mut alloc::vec::IntoIter<Piece>,
        condition: Expression,
        span: Span,
    ) -> (Option<Part>, u16) {
        let Ok((then, mut below, ending)) = self.nested(pieces, ("if", span)) else {
            return (None, 0);
        };
        let mut otherwise = Vec::new();
        if let Ending::Else(span) = ending
            && let Ok((parts, height, _)) = self.nested(pieces, ("else", span))
        {
            otherwise = parts;
            below = below.max(height);
        }
        let height = below.max(condition.height) + 2;
        let part = Part::If(Box::new(If {
            condition,
            then,
            otherwise,
            span,
        }));
        (Some(part), height)
    }

    /// The text that a literal piece of a quoted string stands for.
    pub(super) fn decode_quoted(&mut self, token: Token) -> String {
        let text = self.token_text(token);
        if !text.contains(['\\', '$', '%']) {
            return String::from(text);
        }
        let mut decoded = String::with_capacity(text.len());
        let mut at = 0;
        // Runs of text between backslashes keep their place, so that a finding can point at its sequence.
        while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
            decoded.push_str(&undouble(text.get(at..at + found).unwrap_or("")));
            let start = at + found;
            let rest = text.get(start + 1..).unwrap_or("");
            let (character, length) = escape(rest);
            let end = start + 1 + length;
            match character {
                Some(character) => decoded.push(character),
                None => {
                    let span = self.span(token.start + start as u32, token.start + end as u32);
                    let sequence = text.get(start..end).unwrap_or("\\");
                    self.report(diag::invalid_escape(span, sequence));
                }
            }
            at = end;
        }
        decoded.push_str(&undouble(text.get(at..).unwrap_or("")));
        decoded
    }
}

/// What the text behind a backslash stands for, and how many bytes of it belong to the sequence.
fn escape(rest: &str) -> (Option<char>, usize) {
    let mut characters = rest.chars();
    let digits = match characters.next() {
        Some('n') => return (Some('\n'), 1),
        Some('r') => return (Some('\r'), 1),
        Some('t') => return (Some('\t'), 1),
        Some('"') => return (Some('"'), 1),
        Some('\\') => return (Some('\\'), 1),
        Some('u') => 4,
        Some('U') => 8,
        Some(other) => return (None, other.len_utf8()),
        None => return (None, 0),
    };
    let length = rest
        .chars()
        .skip(1)
        .take(digits)
        .take_while(char::is_ascii_hexdigit)
        .count();
    let hex = rest.get(1..1 + length).unwrap_or("");
    let character = if length == digits {
        u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
    } else {
        None
    };
    (character, 1 + length)
}

/// `$${` stands for `${` and `%%{` for `%{`; of a longer run one character goes.
fn undouble(text: &str) -> String {
    if !text.contains("$${") && !text.contains("%%{") {
        return String::from(text);
    }
    text.replace("$${", "${").replace("%%{", "%{")
}

/// Removes from every line the white space that all of them begin with (`<<-`).
fn flush_left(pieces: &mut [Piece]) {
    let mut indent = usize::MAX;
    let mut at_line_start = true;
    let mut lines: Vec<usize> = Vec::new();
    for (position, piece) in pieces.iter().enumerate() {
        let text = match piece {
            Piece::Text(text, _) => Some(text),
            _ => None,
        };
        if core::mem::take(&mut at_line_start) {
            let spaces = match text {
                Some(text) if text.trim_start().is_empty() && text.ends_with('\n') => usize::MAX,
                Some(text) => {
                    lines.push(position);
                    let blank = text.len() - text.trim_start().len();
                    text.get(..blank).unwrap_or("").graphemes(true).count()
                }
                None => 0,
            };
            indent = indent.min(spaces);
        }
        at_line_start = text.is_some_and(|text| text.ends_with('\n'));
    }
    for position in lines {
        if let Some(Piece::Text(text, span)) = pieces.get_mut(position) {
            let cut: usize = text.graphemes(true).take(indent).map(str::len).sum();
            text.drain(..cut);
            // White space stands for itself, so that as much of the source goes.
            let cut = u32::try_from(cut).unwrap_or(u32::MAX);
            span.start = span.start.saturating_add(cut).min(span.end);
        }
    }
}

/// Joins adjacent texts and normalises them. One of which nothing is left still makes a text of what stands beside it.
fn meld(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut melded: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (melded.last_mut(), piece) {
            (Some(Piece::Text(text, span)), Piece::Text(more, more_span)) => {
                text.push_str(&more);
                span.end = more_span.end;
            }
            (_, piece) => melded.push(piece),
        }
    }
    for piece in &mut melded {
        if let Piece::Text(text, _) = piece {
            let name = normalised(text);
            if *name != **text {
                *text = String::from(&*name);
            }
        }
    }
    melded
}
