//! Tokens to the tree of [`crate::syntax`]: bodies and blocks here, expressions and templates beside.
//!
//! A finding never ends the work: the parser goes on at the end of the construct or line that is broken, so that one
//! run shows every mistake of a file. Recursion is bounded by [`NESTING_DEPTH_MAX`], time is linear.

mod expression;
mod template;

pub(crate) use expression::number_of;

use crate::diag::syntax as diag;
use crate::lexer::{self, Token, TokenKind, Tokens};
use crate::limits::{DIAGNOSTICS_PER_SOURCE_MAX, NESTING_DEPTH_MAX, SOURCE_BYTES_MAX};
use crate::syntax::{Attribute, Block, Body, Expression, ExpressionKind, Identifier, Template};
use crate::text::Excerpt;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use value::{Diagnostic, Diagnostics, Name, SourceId, Span};

/// The construct could not be read and that has been reported.
struct Failed;

type Parsed<T> = Result<T, Failed>;

struct Parser<'a> {
    text: &'a str,
    excerpt: Excerpt<'a>,
    tokens: Vec<Token>,
    at: usize,
    /// Whether line breaks mean something where the parser stands.
    newlines: bool,
    depth: usize,
    diagnostics: Diagnostics,
    /// The lexer has reported that the text ends too early.
    unterminated: bool,
    /// What ends the template at hand.
    template_end: Span,
    /// A search for a closing bracket came to the end of the text; another one would too.
    brackets_unbalanced: bool,
}

/// Checks that bytes are a text that can be parsed.
///
/// # Errors
/// A diagnostic when they are not UTF-8 or too many.
pub fn source_text(bytes: &[u8], source: SourceId) -> Result<&str, Diagnostic> {
    let at = |start: usize, end: usize| Span {
        source,
        start: start as u32,
        end: end as u32,
    };
    if bytes.len() > SOURCE_BYTES_MAX {
        return Err(diag::source_too_large(at(0, 0), bytes.len()));
    }
    core::str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        let length = error.error_len().unwrap_or(1);
        diag::invalid_utf8(at(start, start + length))
    })
}

/// Parses a file of arguments and blocks. The body holds what could be read, whatever the diagnostics say.
pub fn parse_body(text: &str, source: SourceId) -> (Body, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let excerpt = Excerpt::whole(text, source);
    let tokens = lexer::lex(excerpt, &mut diagnostics);
    let mut parser = Parser::new(excerpt, tokens, diagnostics);
    let mut body = parser.body(None);
    body.span = parser.span(0, text.len() as u32);
    (body, parser.finish())
}

/// Parses a single expression, as given on a command line or in a console.
pub fn parse_expression(text: &str, source: SourceId) -> (Expression, Diagnostics) {
    expression_of(Excerpt::whole(text, source), 0)
}

/// Parses a template file: literal text with sequences in it.
pub fn parse_template(text: &str, source: SourceId) -> (Template, Diagnostics) {
    let (template, _, diagnostics) = template_of(Excerpt::whole(text, source), 0);
    (template, diagnostics)
}

/// Parses an expression that stands inside of something else, nested so deep.
pub(crate) fn expression_of(excerpt: Excerpt<'_>, depth: usize) -> (Expression, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let tokens = lexer::lex(excerpt, &mut diagnostics);
    let mut parser = Parser::new(excerpt, tokens, diagnostics);
    parser.newlines = false;
    parser.depth = depth;
    let expression = parser.expression().unwrap_or_else(|Failed| {
        let end = excerpt.text.len() as u32;
        parser.skip_to_end();
        Expression::invalid(parser.span(0, end))
    });
    if parser.peek().kind != TokenKind::End {
        let _: Parsed<()> = parser.fail_here(|span, found| {
            let detail =
                alloc::format!("The expression ends before {found}. Is an operator missing?");
            diag::expression_form(span, &detail)
        });
    }
    (expression, parser.finish())
}

/// Parses a template that stands inside of something else, nested so deep; the number is the height of its tree.
pub(crate) fn template_of(excerpt: Excerpt<'_>, depth: usize) -> (Template, u16, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let tokens = lexer::lex_template(excerpt, &mut diagnostics);
    let mut parser = Parser::new(excerpt, tokens, diagnostics);
    parser.depth = depth;
    let (template, height) = parser.template_file();
    (template, height, parser.finish())
}

impl<'a> Parser<'a> {
    fn new(excerpt: Excerpt<'a>, tokens: Tokens, diagnostics: Diagnostics) -> Self {
        Self {
            text: excerpt.text,
            excerpt,
            tokens: tokens.list,
            at: 0,
            newlines: true,
            depth: 0,
            diagnostics,
            unterminated: tokens.unterminated,
            template_end: Span::default(),
            brackets_unbalanced: false,
        }
    }

    /// The findings in the order of their places, as many as help.
    fn finish(mut self) -> Diagnostics {
        self.diagnostics.0.sort_by_key(|found| found.span);
        self.diagnostics.0.truncate(DIAGNOSTICS_PER_SOURCE_MAX);
        self.diagnostics
    }

    /// Items up to the closing brace (which stays) of the block that was opened at `open`, or to the end of the file.
    fn body(&mut self, open: Option<Token>) -> Body {
        let start = self.peek().start;
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut seen: BTreeMap<Name, Span> = BTreeMap::new();
        let mut blocks = Vec::new();
        let depth = self.depth;
        self.newlines = true;
        loop {
            // What has failed may not have left all that it entered.
            self.depth = depth;
            let token = self.peek();
            match token.kind {
                TokenKind::Newline => self.advance(),
                TokenKind::End => break,
                TokenKind::CloseBrace if open.is_some() => break,
                _ => match self.item(open.is_some()) {
                    Ok(Item::Attribute(attribute)) => {
                        let name = attribute.name.clone();
                        if let Some(first) = seen.get(&name.name) {
                            let first = *first;
                            self.report(diag::duplicate_argument(name.span, &name.name, first));
                        } else {
                            seen.insert(name.name, name.span);
                            attributes.push(attribute);
                        }
                    }
                    Ok(Item::Block(block)) => blocks.push(block),
                    Err(Failed) => self.skip_line(open.is_some()),
                },
            }
        }
        let end = self.peek().start;
        Body {
            attributes,
            blocks,
            span: self.span(start, end),
            open: open.map_or(self.span(0, 0), |open| self.token_span(open)),
        }
    }

    fn item(&mut self, in_block: bool) -> Parsed<Item> {
        let token = self.peek();
        match token.kind {
            TokenKind::Identifier => {}
            TokenKind::OpenQuote => {
                return self.fail_here(|span, _| diag::quoted_argument(span));
            }
            _ => return self.fail_here(diag::item_required),
        }
        let name = self.identifier_of(token);
        self.advance();
        match self.peek().kind {
            TokenKind::Assign => {
                self.advance();
                let attribute = self.attribute_value(name)?;
                if attribute.value.kind != ExpressionKind::Invalid {
                    self.end_of_item("An argument", in_block);
                }
                Ok(Item::Attribute(attribute))
            }
            TokenKind::OpenQuote | TokenKind::OpenBrace | TokenKind::Identifier => {
                let block = self.block(name)?;
                self.end_of_item("A block", in_block);
                Ok(Item::Block(block))
            }
            TokenKind::Invalid => {
                // That the character has no meaning says nothing of what is missing here.
                self.report(diag::value_missing(name.span, &name.name));
                Err(Failed)
            }
            _ => self.fail_here(|_, _| diag::value_missing(name.span, &name.name)),
        }
    }

    /// The value behind an equals sign. One that cannot be read stays as [`ExpressionKind::Invalid`], so that the
    /// argument is not called missing as well.
    fn attribute_value(&mut self, name: Identifier) -> Parsed<Attribute> {
        self.newlines = true;
        let start = self.peek().start;
        match self.expression() {
            Ok(value) => Ok(Attribute { name, value }),
            Err(Failed) => {
                let stop = self.peek().start.max(start);
                self.skip_line(true);
                Ok(Attribute {
                    name,
                    value: Expression::invalid(self.span(start, stop)),
                })
            }
        }
    }

    /// What follows an item is the end of its line or of the file. The item stays, whatever else follows.
    fn end_of_item(&mut self, what: &str, in_block: bool) {
        self.newlines = true;
        match self.peek().kind {
            TokenKind::Newline => self.advance(),
            TokenKind::End => {}
            _ => {
                let _: Parsed<()> = self.fail_here(|span, _| diag::missing_newline(span, what));
                self.skip_line(in_block);
            }
        }
    }

    fn block(&mut self, kind: Identifier) -> Parsed<Block> {
        // Counts twice, because it keeps more on the stack.
        self.enter()?;
        self.enter().inspect_err(|_| self.depth -= 1)?;
        let depth = self.depth;
        let block = self.block_inside(kind);
        self.depth = depth - 2;
        block
    }

    fn block_inside(&mut self, kind: Identifier) -> Parsed<Block> {
        let mut labels = Vec::new();
        let open = loop {
            let token = self.peek();
            match token.kind {
                TokenKind::OpenBrace => break token,
                TokenKind::Identifier => {
                    labels.push(self.identifier_of(token));
                    self.advance();
                }
                TokenKind::OpenQuote => labels.push(self.label()?),
                _ => return self.fail_here(|span, _| diag::brace_missing(span)),
            }
        };
        let header = expression::join(kind.span, labels.last().map_or(kind.span, |l| l.span));
        self.advance();
        let body = match self.peek().kind {
            TokenKind::Newline => self.body(Some(open)),
            TokenKind::CloseBrace => Body {
                attributes: Vec::new(),
                blocks: Vec::new(),
                span: self.span(open.end, open.end),
                open: self.token_span(open),
            },
            TokenKind::End => self.body(Some(open)),
            _ => self.one_line_body(open)?,
        };
        if self.peek().kind == TokenKind::CloseBrace {
            self.advance();
        } else {
            let span = self.token_span(open);
            if !self.unterminated {
                self.report(diag::unclosed(span, "{", "}", "block"));
                // Every block around this one is open too, for the same reason.
                self.unterminated = true;
            }
        }
        Ok(Block {
            kind,
            labels,
            body,
            header,
        })
    }

    /// `{ name = value }`.
    fn one_line_body(&mut self, open: Token) -> Parsed<Body> {
        let token = self.peek();
        let name = self.identifier_of(token);
        let is_argument = token.kind == TokenKind::Identifier && {
            self.advance();
            self.peek().kind == TokenKind::Assign
        };
        if !is_argument {
            let next = self.peek();
            let mut span = self.token_span(token);
            if matches!(
                next.kind,
                TokenKind::OpenQuote | TokenKind::OpenBrace | TokenKind::Identifier
            ) {
                span = expression::join(span, self.token_span(next));
            }
            self.report(diag::one_line_block(span));
            self.skip_to_close(TokenKind::CloseBrace);
            self.step_back_to(TokenKind::CloseBrace);
            return Ok(Body {
                attributes: Vec::new(),
                blocks: Vec::new(),
                span: self.span(open.end, self.peek().start),
                open: self.token_span(open),
            });
        }
        self.advance();
        let attribute = self.attribute_value(name)?;
        if self.peek().kind != TokenKind::CloseBrace {
            if self.previous().kind != TokenKind::Newline {
                let span = self.span_with_comment(self.peek());
                self.report(diag::one_line_block(span));
            }
            self.skip_to_close(TokenKind::CloseBrace);
            self.step_back_to(TokenKind::CloseBrace);
        }
        let end = self.peek().start;
        Ok(Body {
            attributes: alloc::vec![attribute],
            blocks: Vec::new(),
            span: self.span(open.end, end),
            open: self.token_span(open),
        })
    }

    /// A quoted block label: one literal text.
    fn label(&mut self) -> Parsed<Identifier> {
        let open = self.peek();
        self.advance();
        let mut name = alloc::string::String::new();
        let mut end = open.end;
        loop {
            let token = self.peek();
            self.advance();
            match token.kind {
                TokenKind::Text => name.push_str(&self.decode_quoted(token)),
                TokenKind::CloseQuote => {
                    end = end.max(token.end);
                    break;
                }
                TokenKind::End => return Err(Failed),
                _ => {
                    self.report(diag::template_label(self.token_span(token)));
                    self.skip_to_close(TokenKind::CloseQuote);
                    return Err(Failed);
                }
            }
        }
        Ok(Identifier {
            name: normalised(&name),
            span: self.span(open.start, end),
        })
    }

    // Moving through the tokens.

    /// The next token that means something here. Comments never do.
    fn peek(&self) -> Token {
        let mut at = self.at;
        loop {
            let token = self.token(at);
            match token.kind {
                TokenKind::Comment => at += 1,
                TokenKind::Newline if !self.newlines => at += 1,
                _ => return token,
            }
        }
    }

    /// Goes past the token that [`Parser::peek`] shows.
    fn advance(&mut self) {
        while matches!(self.token(self.at).kind, TokenKind::Comment)
            || (self.token(self.at).kind == TokenKind::Newline && !self.newlines)
        {
            self.at += 1;
        }
        if self.token(self.at).kind != TokenKind::End {
            self.at += 1;
        }
    }

    fn token(&self, at: usize) -> Token {
        let end = Token {
            kind: TokenKind::End,
            start: self.text.len() as u32,
            end: self.text.len() as u32,
        };
        self.tokens.get(at).copied().unwrap_or(end)
    }

    fn previous(&self) -> Token {
        self.token(self.at.saturating_sub(1))
    }

    fn token_text(&self, token: Token) -> &'a str {
        self.text
            .get(token.start as usize..token.end as usize)
            .unwrap_or("")
    }

    fn identifier_of(&self, token: Token) -> Identifier {
        Identifier {
            name: normalised(self.token_text(token)),
            span: self.token_span(token),
        }
    }

    fn token_span(&self, token: Token) -> Span {
        self.span(token.start, token.end)
    }

    fn span(&self, start: u32, end: u32) -> Span {
        self.excerpt.span(start, end)
    }

    // Trouble, and going on after it.

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.0.len() < DIAGNOSTICS_PER_SOURCE_MAX * 2 {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports the token at hand, unless the lexer has already done so.
    fn fail_here<T>(&mut self, make: impl FnOnce(Span, &str) -> Diagnostic) -> Parsed<T> {
        let token = self.peek();
        let reported = token.kind == TokenKind::Invalid
            || (token.kind == TokenKind::End && self.unterminated)
            // A closing token without text was added by the lexer after it had reported the missing one.
            || (token.start == token.end && token.kind != TokenKind::End);
        if !reported {
            let found = self.describe(token);
            self.report(make(self.span_with_comment(token), &found));
        }
        Err(Failed)
    }

    /// A comment up to the end of a line belongs to that end.
    fn span_with_comment(&self, token: Token) -> Span {
        let behind = self.tokens.partition_point(|t| t.start < token.start);
        let before = self.token(behind.saturating_sub(1));
        if token.kind == TokenKind::Newline
            && before.kind == TokenKind::Comment
            && before.end == token.start
            && !self.token_text(before).starts_with("/*")
        {
            return self.span(before.start, token.end);
        }
        self.token_span(token)
    }

    fn describe(&self, token: Token) -> alloc::string::String {
        match token.kind {
            TokenKind::End => "the end of the file".into(),
            TokenKind::Newline => "the end of the line".into(),
            TokenKind::OpenQuote | TokenKind::OpenHeredoc => "a text".into(),
            _ => alloc::format!("\"{}\"", self.token_text(token)),
        }
    }

    fn enter(&mut self) -> Parsed<()> {
        if self.depth >= NESTING_DEPTH_MAX {
            return self.fail_here(|span, _| diag::nested_too_deeply(span));
        }
        self.depth += 1;
        Ok(())
    }

    /// Goes to the end of a broken item: past the next line break that no bracket encloses. The closing brace of the
    /// block around it stays where it is.
    fn skip_line(&mut self, in_block: bool) {
        self.newlines = true;
        let mut open = 0usize;
        loop {
            let token = self.token(self.at);
            match token.kind {
                TokenKind::End => return,
                TokenKind::Newline if open == 0 => {
                    self.at += 1;
                    return;
                }
                kind if opens(kind) => open += 1,
                TokenKind::CloseBrace if open == 0 && in_block => return,
                kind if closes(kind) => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes past the bracket that closes the construct at hand. Where there is none, the parser stays.
    ///
    /// A line that begins like an argument cannot stand inside parentheses or brackets, so there the search ends. Once
    /// a search has come to the end of the text, others only look at the rest of their line: otherwise a text full of
    /// open brackets would be searched over and over.
    fn skip_to_close(&mut self, close: TokenKind) -> bool {
        let mut open = 0usize;
        let mut braces = usize::from(close == TokenKind::CloseBrace);
        let mut at = self.at;
        loop {
            let token = self.token(at);
            at += 1;
            match token.kind {
                TokenKind::End => {
                    self.brackets_unbalanced = true;
                    return false;
                }
                TokenKind::Newline if self.brackets_unbalanced => return false,
                TokenKind::Newline if braces == 0 && self.begins_argument(at) => return false,
                kind if opens(kind) => {
                    open += 1;
                    braces += usize::from(kind == TokenKind::OpenBrace);
                }
                kind if closes(kind) => {
                    if open == 0 {
                        if kind != close {
                            return false;
                        }
                        self.at = at;
                        return true;
                    }
                    open -= 1;
                    braces = braces.saturating_sub(usize::from(kind == TokenKind::CloseBrace));
                }
                _ => {}
            }
        }
    }

    fn begins_argument(&self, at: usize) -> bool {
        self.token(at).kind == TokenKind::Identifier && self.token(at + 1).kind == TokenKind::Assign
    }

    fn step_back_to(&mut self, kind: TokenKind) {
        if self.previous().kind == kind && self.at > 0 {
            self.at -= 1;
        }
    }

    fn skip_to_end(&mut self) {
        self.at = self.tokens.len();
    }
}

enum Item {
    Attribute(Attribute),
    Block(Block),
}

fn opens(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::OpenBrace
            | TokenKind::OpenBracket
            | TokenKind::OpenParen
            | TokenKind::OpenQuote
            | TokenKind::OpenHeredoc
            | TokenKind::OpenInterpolation
            | TokenKind::OpenDirective
    )
}

fn closes(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::CloseBrace
            | TokenKind::CloseBracket
            | TokenKind::CloseParen
            | TokenKind::CloseQuote
            | TokenKind::CloseHeredoc
            | TokenKind::CloseSequence
    )
}

/// Names and texts are NFC, so that what looks equal is equal.
pub(crate) fn normalised(text: &str) -> Name {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Name::from(text)
    } else {
        let text: alloc::string::String = text.nfc().collect();
        Name::from(text)
    }
}
