//! Splits a source text into tokens.
//!
//! The tokens cover everything but blanks, so that the same list serves the parser and, later, the formatter. Strings
//! and heredocs are split into their literal pieces and the sequences (`${`, `%{`) between them. Whatever is wrong at
//! this level is reported here and stays in the list as [`TokenKind::Invalid`], which the parser passes over silently.
//! One pass, linear, no recursion.

use crate::diag::syntax as diag;
use crate::limits::TOKENS_PER_SOURCE_MAX;
use crate::text::Excerpt;
use alloc::vec::Vec;
use value::{Diagnostics, Span, continues_identifier, is_identifier, starts_identifier};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Newline,
    Comment,
    Identifier,
    Number,
    OpenQuote,
    CloseQuote,
    /// Literal text of a string, heredoc or template file, escapes not yet decoded.
    Text,
    OpenHeredoc,
    CloseHeredoc,
    /// `${` or `${~`.
    OpenInterpolation,
    /// `%{` or `%{~`.
    OpenDirective,
    /// `}` or `~}` of a sequence.
    CloseSequence,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    Assign,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Not,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Question,
    Colon,
    DoubleColon,
    Comma,
    Dot,
    Ellipsis,
    FatArrow,
    Invalid,
    End,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// All tokens of a text, the last of them [`TokenKind::End`].
pub(crate) struct Tokens {
    pub(crate) list: Vec<Token>,
    /// The text ended inside a string, heredoc or sequence, and that has been reported.
    pub(crate) unterminated: bool,
}

/// What the text is read as, innermost last.
#[derive(Clone, Copy)]
enum Mode {
    /// Blocks, arguments and expressions.
    Plain,
    /// Inside `${ }` or `%{ }`; the number counts braces opened inside, the other is where it began.
    Sequence { braces: usize, start: usize },
    /// Inside a quoted string that began there.
    Quoted { start: usize },
    /// Inside a heredoc whose marker is at this range.
    Heredoc {
        start: usize,
        marker: (usize, usize),
        at_line_start: bool,
    },
    /// A template file: literal text to the end.
    Template,
}

struct Lexer<'a> {
    text: &'a str,
    excerpt: Excerpt<'a>,
    at: usize,
    modes: Vec<Mode>,
    tokens: Vec<Token>,
    diagnostics: &'a mut Diagnostics,
    unterminated: bool,
    /// A search for the end of a wrong heredoc came to the end of the text.
    heredocs_unclosed: bool,
    /// The string at hand has a line break in it, and that has been reported.
    newline_reported: bool,
}

/// Splits a text of blocks and arguments, or a single expression.
pub(crate) fn lex(excerpt: Excerpt<'_>, diagnostics: &mut Diagnostics) -> Tokens {
    run(excerpt, Mode::Plain, diagnostics)
}

/// Splits a template file: literal text with sequences in it.
pub(crate) fn lex_template(excerpt: Excerpt<'_>, diagnostics: &mut Diagnostics) -> Tokens {
    run(excerpt, Mode::Template, diagnostics)
}

fn run(excerpt: Excerpt<'_>, mode: Mode, diagnostics: &mut Diagnostics) -> Tokens {
    let text = excerpt.text;
    report_bidi_controls(&excerpt, diagnostics);
    let mut lexer = Lexer {
        text,
        excerpt,
        at: 0,
        modes: alloc::vec![mode],
        tokens: Vec::with_capacity(text.len() / 6),
        diagnostics,
        unterminated: false,
        heredocs_unclosed: false,
        newline_reported: false,
    };
    if text.starts_with('\u{feff}') {
        // A byte order mark at the very start is what some editors leave behind; Terraform passes over it too.
        lexer.at = '\u{feff}'.len_utf8();
    }
    lexer.run();
    Tokens {
        list: lexer.tokens,
        unterminated: lexer.unterminated,
    }
}

/// Characters that make text look different from what it is are allowed in strings, but said aloud.
fn report_bidi_controls(excerpt: &Excerpt<'_>, diagnostics: &mut Diagnostics) {
    let text = excerpt.text;
    // All of U+202A..=U+202E and U+2066..=U+2069 begin with the byte E2 in UTF-8.
    let first = text.bytes().enumerate().find(|(at, byte)| {
        *byte == 0xe2
            && text
                .get(*at..)
                .and_then(|rest| rest.chars().next())
                .is_some_and(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    });
    if let Some((at, _)) = first {
        let span = excerpt.span(at as u32, at as u32 + 3);
        diagnostics.push(diag::bidi_control(span));
    }
}

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        while self.at < self.text.len() {
            if self.tokens.len() >= TOKENS_PER_SOURCE_MAX {
                return self.give_up();
            }
            match self.modes.last().copied().unwrap_or(Mode::Plain) {
                Mode::Plain | Mode::Sequence { .. } => self.plain(),
                Mode::Quoted { start } => self.quoted(start),
                Mode::Heredoc {
                    marker,
                    at_line_start,
                    ..
                } => self.heredoc(marker, at_line_start),
                Mode::Template => self.template(),
            }
        }
        let length = self.text.len();
        match self.modes.last() {
            Some(Mode::Quoted { start }) => {
                let start = *start;
                self.fail(diag::unterminated_string, start, length);
                self.unterminated = true;
            }
            Some(Mode::Heredoc { start, marker, .. }) => {
                let (start, marker) = (*start, self.slice(marker.0, marker.1));
                let span = self.span(start, start + 2 + marker.len());
                self.diagnostics
                    .push(diag::unterminated_heredoc(span, marker));
                self.unterminated = true;
            }
            Some(Mode::Sequence { start, .. }) => {
                let start = *start;
                self.fail(diag::unterminated_sequence, start, start + 2);
                self.unterminated = true;
            }
            _ => {}
        }
        self.push(TokenKind::End, length, length);
    }

    /// Reads no further.
    fn give_up(&mut self) {
        let (at, end) = (self.at, self.text.len());
        self.fail(diag::too_many_tokens, at, at);
        self.unterminated = true;
        self.push(TokenKind::End, end, end);
    }

    /// One token of blocks, arguments or expressions.
    fn plain(&mut self) {
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return;
        };
        match first {
            ' ' | '\t' => self.at += 1,
            '\n' => self.take(TokenKind::Newline, 1),
            '\r' if self.rest().starts_with("\r\n") => self.take(TokenKind::Newline, 2),
            '#' => self.line_comment(),
            '/' if self.rest().starts_with("//") => self.line_comment(),
            '/' if self.rest().starts_with("/*") => self.block_comment(),
            '0'..='9' => self.number(),
            '"' => {
                self.take(TokenKind::OpenQuote, 1);
                self.modes.push(Mode::Quoted { start });
            }
            '<' if self.rest().starts_with("<<") => self.open_heredoc(),
            '{' => {
                if let Some(Mode::Sequence { braces, .. }) = self.modes.last_mut() {
                    *braces += 1;
                }
                self.take(TokenKind::OpenBrace, 1);
            }
            '}' | '~' => self.close_brace(first),
            _ if starts_identifier(first) => self.identifier(),
            _ => self.operator(first),
        }
    }

    fn close_brace(&mut self, first: char) {
        let width = if first == '}' {
            1
        } else if self.rest().starts_with("~}") {
            2
        } else {
            return self.invalid(first);
        };
        match self.modes.last_mut() {
            Some(Mode::Sequence { braces: 0, .. }) => {
                self.take(TokenKind::CloseSequence, width);
                self.modes.pop();
            }
            _ if width == 2 => {
                // Only the end of a sequence looks like this, and there is none to end.
                self.fail(diag::stray_trim_marker, self.at, self.at + 2);
                self.take(TokenKind::Invalid, 2);
            }
            Some(Mode::Sequence { braces, .. }) => {
                *braces -= 1;
                self.take(TokenKind::CloseBrace, 1);
            }
            _ => self.take(TokenKind::CloseBrace, 1),
        }
    }

    fn operator(&mut self, first: char) {
        const OPERATORS: [(&str, TokenKind); 28] = [
            ("...", TokenKind::Ellipsis),
            ("==", TokenKind::Equal),
            ("=>", TokenKind::FatArrow),
            ("=", TokenKind::Assign),
            ("!=", TokenKind::NotEqual),
            ("!", TokenKind::Not),
            ("<=", TokenKind::LessOrEqual),
            ("<", TokenKind::Less),
            (">=", TokenKind::GreaterOrEqual),
            (">", TokenKind::Greater),
            ("&&", TokenKind::And),
            ("||", TokenKind::Or),
            ("+", TokenKind::Plus),
            ("-", TokenKind::Minus),
            ("*", TokenKind::Star),
            ("/", TokenKind::Slash),
            ("%", TokenKind::Percent),
            ("?", TokenKind::Question),
            ("::", TokenKind::DoubleColon),
            (":", TokenKind::Colon),
            (",", TokenKind::Comma),
            (".", TokenKind::Dot),
            ("[", TokenKind::OpenBracket),
            ("]", TokenKind::CloseBracket),
            ("(", TokenKind::OpenParen),
            (")", TokenKind::CloseParen),
            ("{", TokenKind::OpenBrace),
            ("}", TokenKind::CloseBrace),
        ];
        let rest = self.rest();
        match OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) {
            Some((text, kind)) => self.take(*kind, text.len()),
            None => self.invalid(first),
        }
    }

    /// A run of the same wrong character is one finding, so that a binary file does not give a thousand.
    fn invalid(&mut self, character: char) {
        let start = self.at;
        let run = self.rest().chars().take_while(|c| *c == character).count();
        self.at += run * character.len_utf8();
        let span = self.span(start, self.at);
        self.diagnostics
            .push(diag::invalid_character(span, character));
        self.push(TokenKind::Invalid, start, self.at);
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        // What ends in a lone carriage return is no line break; at the end of a text it belongs to the comment.
        let length = rest.find('\n').map_or(rest.len(), |line| {
            let content = rest.get(..line).unwrap_or(rest);
            content.strip_suffix('\r').unwrap_or(content).len()
        });
        self.take(TokenKind::Comment, length);
    }

    fn block_comment(&mut self) {
        let start = self.at;
        match self.rest().find("*/") {
            Some(end) => self.take(TokenKind::Comment, end + 2),
            None => {
                // Behind an operand a slash is an operator, and what cannot be there is the star.
                let star = usize::from(self.is_behind_operand());
                self.fail(diag::unterminated_comment, start + star, start + star + 1);
                self.take(TokenKind::Invalid, self.text.len() - start);
            }
        }
    }

    fn is_behind_operand(&self) -> bool {
        matches!(
            self.tokens.last().map(|token| token.kind),
            Some(
                TokenKind::Identifier
                    | TokenKind::Number
                    | TokenKind::CloseQuote
                    | TokenKind::CloseHeredoc
                    | TokenKind::CloseBrace
                    | TokenKind::CloseBracket
                    | TokenKind::CloseParen
            )
        )
    }

    fn number(&mut self) {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| {
            let rest = bytes.get(from..).unwrap_or(&[]);
            rest.iter().take_while(|b| b.is_ascii_digit()).count()
        };
        let mut length = digits(0);
        // Of several points only one can be right, but they all belong to the same mistake.
        while bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        self.take(TokenKind::Number, length);
    }

    fn identifier(&mut self) {
        let rest = self.rest();
        let length = rest
            .char_indices()
            .find(|(_, c)| !continues_identifier(*c))
            .map_or(rest.len(), |(at, _)| at);
        self.take(TokenKind::Identifier, length);
    }

    fn open_heredoc(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let line = rest.find('\n').unwrap_or(rest.len());
        let head = rest.get(2..line).unwrap_or("");
        let head = head.strip_suffix('\r').unwrap_or(head);
        let marker = head.strip_prefix('-').unwrap_or(head);
        if line == rest.len() || !is_identifier(marker) {
            self.fail(diag::invalid_heredoc, start, start + 1);
            let length = self.meant_heredoc(head).unwrap_or(2 + head.len());
            self.take(TokenKind::Invalid, length);
            return;
        }
        let marker_end = start + 2 + head.len();
        let marker_start = marker_end - marker.len();
        self.take(TokenKind::OpenHeredoc, line + 1);
        self.modes.push(Mode::Heredoc {
            start,
            marker: (marker_start, marker_end),
            at_line_start: true,
        });
    }

    /// Where the heredoc ends that a wrong beginning was meant to be: at a line with nothing but what looks like its
    /// marker. Its lines are text and no further mistakes.
    fn meant_heredoc(&mut self, head: &str) -> Option<usize> {
        let marker = head.trim_matches(|c: char| !continues_identifier(c) || c == '-');
        if self.heredocs_unclosed || !is_identifier(marker) {
            return None;
        }
        let mut length = 0;
        for line in self.rest().split_inclusive('\n') {
            if length > 0 && line.trim() == marker {
                return Some(length + line.trim_end().len());
            }
            length += line.len();
        }
        // Another search would go over the same text again.
        self.heredocs_unclosed = true;
        None
    }

    /// Literal text of a quoted string, up to its end or the next sequence.
    fn quoted(&mut self, open: usize) {
        let (length, stop) = self.text_run(true, false);
        if length > 0 {
            self.take(TokenKind::Text, length);
        }
        match stop {
            Stop::Sequence => self.open_sequence(),
            Stop::Quote => {
                self.take(TokenKind::CloseQuote, 1);
                self.modes.pop();
                self.newline_reported = false;
            }
            Stop::Newline => self.newline_in_string(open),
            Stop::Return | Stop::End => {}
        }
    }

    /// A line ends inside of a string. Either the string was meant to have several lines, or its quote is missing here:
    /// then every string of the line ends with it, so that the rest of the file stays readable.
    fn newline_in_string(&mut self, open: usize) {
        let at = self.at;
        let width = if self.rest().starts_with("\r\n") {
            2
        } else {
            1
        };
        let (place, opened) = (self.span(at, at + width), self.span(open, open + 1));
        if !self.newline_reported {
            self.diagnostics
                .push(diag::newline_in_string(place, opened));
        }
        self.newline_reported = self.string_goes_on(width);
        if self.newline_reported {
            return self.take(TokenKind::Text, width);
        }
        self.push(TokenKind::CloseQuote, at, at);
        self.modes.pop();
        while let [.., Mode::Quoted { .. }, Mode::Sequence { .. }] = self.modes.as_slice() {
            self.push(TokenKind::CloseSequence, at, at);
            self.push(TokenKind::CloseQuote, at, at);
            self.modes.pop();
            self.modes.pop();
        }
    }

    /// Whether the line behind the line break looks like the rest of a string: it holds an odd number of quotes, and
    /// does not begin like an argument, a block or the end of one.
    fn string_goes_on(&self, width: usize) -> bool {
        if width == 1 && self.rest().starts_with('\r') {
            return true;
        }
        let rest = self.rest().get(width..).unwrap_or("");
        let line = rest.split('\n').next().unwrap_or("");
        let quotes = line.matches('"').count() - line.matches("\\\"").count();
        let line = line.trim_start();
        let word = line.trim_start_matches(continues_identifier);
        let item = word.len() < line.len() && word.trim_start().starts_with(['=', '{', '"']);
        quotes % 2 == 1 && !item && !line.starts_with(['}', '#', '"', ']', ')'])
    }

    fn heredoc(&mut self, marker: (usize, usize), at_line_start: bool) {
        if at_line_start {
            let rest = self.rest();
            let line_end = rest.find('\n');
            let line = rest.get(..line_end.unwrap_or(rest.len())).unwrap_or(rest);
            if line_end.is_some() && line.trim() == self.slice(marker.0, marker.1) {
                let length = line.strip_suffix('\r').unwrap_or(line).len();
                self.take(TokenKind::CloseHeredoc, length);
                self.modes.pop();
                return;
            }
        }
        let (length, stop) = self.text_run(false, true);
        if length > 0 {
            self.take(TokenKind::Text, length);
        }
        if let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() {
            *at_line_start = matches!(stop, Stop::Newline);
        }
        match stop {
            Stop::Sequence => self.open_sequence(),
            Stop::Return => self.invalid('\r'),
            Stop::Quote | Stop::Newline | Stop::End => {}
        }
    }

    fn template(&mut self) {
        let (length, stop) = self.text_run(false, false);
        if length > 0 {
            self.take(TokenKind::Text, length);
        }
        if matches!(stop, Stop::Sequence) {
            self.open_sequence();
        }
    }

    /// How many bytes of literal text follow and what ends them. Text outside quotes includes its line break.
    fn text_run(&self, quoted: bool, heredoc: bool) -> (usize, Stop) {
        let bytes = self.rest().as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' if quoted => return (at, Stop::Quote),
                b'\\' if quoted => {
                    // The escaped character may be a quote; a line break ends the string in any case.
                    at += 1 + usize::from(!matches!(bytes.get(at + 1), None | Some(b'\n' | b'\r')));
                }
                b'\n' if quoted => return (at, Stop::Newline),
                b'\r' if quoted => return (at, Stop::Newline),
                b'\r' if heredoc && bytes.get(at + 1) != Some(&b'\n') => return (at, Stop::Return),
                b'\n' => return (at + 1, Stop::Newline),
                b'$' | b'%' => {
                    let rest = bytes.get(at..).unwrap_or(&[]);
                    let run = rest.iter().take_while(|b| *b == byte).count();
                    match bytes.get(at + run) {
                        Some(b'{') if run == 1 => return (at, Stop::Sequence),
                        // Doubled, it stands for itself: `$${` is the text `${`.
                        Some(b'{') => at += run + 1,
                        _ => at += run,
                    }
                }
                _ => at += 1,
            }
        }
        (bytes.len(), Stop::End)
    }

    fn open_sequence(&mut self) {
        let start = self.at;
        let kind = if self.rest().starts_with('$') {
            TokenKind::OpenInterpolation
        } else {
            TokenKind::OpenDirective
        };
        let trims = self.text.as_bytes().get(start + 2) == Some(&b'~');
        // `${~}` closes at once: the marker belongs to its end.
        let closes = self.text.as_bytes().get(start + 3) == Some(&b'}');
        self.take(kind, if trims && !closes { 3 } else { 2 });
        self.modes.push(Mode::Sequence { braces: 0, start });
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or("")
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.excerpt.span(start as u32, end as u32)
    }

    fn fail(&mut self, make: impl Fn(Span) -> value::Diagnostic, start: usize, end: usize) {
        let span = self.span(start, end.min(self.text.len()));
        self.diagnostics.push(make(span));
    }

    fn take(&mut self, kind: TokenKind, length: usize) {
        let start = self.at;
        self.at += length;
        self.push(kind, start, self.at);
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        self.tokens.push(Token {
            kind,
            start: start as u32,
            end: end as u32,
        });
    }
}

/// What ends a run of literal text.
#[derive(Clone, Copy)]
enum Stop {
    Sequence,
    /// A carriage return without a line feed.
    Return,
    Quote,
    Newline,
    End,
}
