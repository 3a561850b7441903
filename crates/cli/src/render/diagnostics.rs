//! Diagnostics with the line they are about, a caret, and what to do.

use super::blocks::Blocks;
use super::style::{BAD, BOLD, DIM, RESET, WARN};
use definition::{LineIndex, Outline};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use value::{Diagnostic, Diagnostics, Severity, Span};

/// Width that details are wrapped to.
const WIDTH: usize = 96;

/// The texts that spans point into, and where blocks stand in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    texts: Vec<Source>,
    blocks: Arc<Blocks>,
}

#[derive(Clone, Debug)]
struct Source {
    path: String,
    text: String,
    lines: LineIndex,
    /// Made when the first program asks for it.
    outline: OnceLock<Outline>,
}

/// A place in words: file, line and column (from 1), and the line itself.
pub(crate) struct Place<'a> {
    /// Path.
    pub path: &'a str,
    /// Line and column of the first character, and of the one after the last.
    pub start: (u32, u32),
    /// See `start`.
    pub end: (u32, u32),
    /// The first line, without its end.
    pub line: &'a str,
}

/// Whole lines around a place.
pub(crate) struct Excerpt<'a> {
    /// The lines, without the last line's end.
    pub code: &'a str,
    /// Number of the first.
    pub start_line: u32,
    /// Where it begins.
    pub start_byte: usize,
    /// The block around them.
    pub context: Option<String>,
}

impl Sources {
    pub(crate) fn new(texts: Vec<(String, Vec<u8>)>) -> Self {
        let sources = texts.into_iter().map(|(path, bytes)| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Source {
                path,
                lines: LineIndex::new(&text),
                text,
                outline: OnceLock::new(),
            }
        });
        Self {
            texts: sources.collect(),
            blocks: Arc::default(),
        }
    }

    /// The same texts as those of this release: what is said of its objects has a place in them.
    pub(crate) fn of_release(self, release: &model::Release) -> Self {
        Self {
            blocks: Arc::new(Blocks::of(release)),
            ..self
        }
    }

    /// What a diagnostic is about, where that is known.
    pub(crate) fn span(&self, diagnostic: &Diagnostic) -> Option<Span> {
        diagnostic.span.or_else(|| self.blocks.find(diagnostic))
    }

    /// The lines that a span touches, and what stands around them.
    pub(crate) fn excerpt(&self, span: Span) -> Option<Excerpt<'_>> {
        let source = self.texts.get(span.source.0 as usize)?;
        let first = source.lines.position(&source.text, span.start).line;
        // A span that ends at the beginning of a line does not touch it.
        let inside = span.end.saturating_sub(1).max(span.start);
        let last = source.lines.position(&source.text, inside).line;
        let start = source.lines.line_range(&source.text, first)?.start;
        let end = source.lines.line_range(&source.text, last)?.end;
        let outline = source
            .outline
            .get_or_init(|| Outline::new(&source.path, &source.text));
        Some(Excerpt {
            code: source.text.get(start..end)?,
            start_line: first,
            start_byte: start,
            context: outline.context(span.start),
        })
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Adds a text; spans point into it by the number that [`Sources::len`] was before.
    pub(crate) fn push(&mut self, path: String, bytes: Vec<u8>) {
        self.texts.extend(Self::new(vec![(path, bytes)]).texts);
    }

    /// Lets go of the texts that were added after there were so many.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.texts.truncate(length);
    }

    /// Where a span is; none when its text is not at hand.
    pub(crate) fn place(&self, span: Span) -> Option<Place<'_>> {
        let source = self.texts.get(span.source.0 as usize)?;
        let start = source.lines.position(&source.text, span.start);
        let end = source.lines.position(&source.text, span.end);
        let line = source
            .text
            .get(source.lines.line_range(&source.text, start.line)?)?;
        Some(Place {
            path: &source.path,
            start: (start.line, start.column),
            end: (end.line, end.column),
            line: line.trim_end_matches(['\n', '\r']),
        })
    }
}

/// All of them, each followed by an empty line.
pub(crate) fn text(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        one(&mut out, diagnostic, sources);
        out.push('\n');
    }
    out
}

fn one(out: &mut String, diagnostic: &Diagnostic, sources: &Sources) {
    let (style, word) = match diagnostic.severity {
        Severity::Error => (BAD, "error"),
        Severity::Warning => (WARN, "warning"),
    };
    let summary = visible(&diagnostic.summary);
    let _ = writeln!(
        out,
        "{style}{word}[{}]{RESET}{BOLD}: {summary}{RESET}",
        diagnostic.code
    );
    let place = sources.span(diagnostic);
    let place = place.and_then(|span| sources.place(span));
    match (&place, &diagnostic.address) {
        (Some(place), address) => {
            let about = address
                .as_ref()
                .map(|address| format!(" ({})", visible(address)))
                .unwrap_or_default();
            let _ = writeln!(
                out,
                "{DIM}  -->{RESET} {}:{}:{}{about}",
                place.path, place.start.0, place.start.1
            );
            quote(out, place);
        }
        (None, Some(address)) => {
            let _ = writeln!(out, "{DIM}  -->{RESET} {}", visible(address));
        }
        (None, None) => {}
    }
    for line in wrapped(&visible(&diagnostic.detail)) {
        let _ = writeln!(out, "  {line}");
    }
    for hint in &diagnostic.hints {
        let at = hint
            .span
            .and_then(|span| sources.place(span))
            .map(|place| format!(" ({}:{}:{})", place.path, place.start.0, place.start.1))
            .unwrap_or_default();
        let _ = writeln!(out, "  {BOLD}hint:{RESET} {}{at}", visible(&hint.text));
    }
}

/// The line with carets under what is meant.
fn quote(out: &mut String, place: &Place<'_>) {
    let number = place.start.0.to_string();
    let margin = " ".repeat(number.len());
    // Tabs would move the carets away from what they point at.
    let line: String = visible(place.line).replace('\t', " ");
    let column = place.start.1.saturating_sub(1) as usize;
    let length = if place.end.0 == place.start.0 {
        place.end.1.saturating_sub(place.start.1) as usize
    } else {
        line.chars().count().saturating_sub(column)
    };
    let carets = "^".repeat(length.max(1));
    let _ = writeln!(out, "{DIM}{margin} |{RESET}");
    let _ = writeln!(out, "{DIM}{number} |{RESET} {line}");
    let _ = writeln!(
        out,
        "{DIM}{margin} |{RESET} {}{BAD}{carets}{RESET}",
        " ".repeat(column)
    );
}

/// Text that cannot move the cursor or change colours: control characters are shown as what they are.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let hidden = character.is_control() && character != '\n' && character != '\t';
            let shown: Vec<char> = if hidden {
                character.escape_default().collect()
            } else {
                vec![character]
            };
            shown
        })
        .collect()
}

/// Paragraphs wrapped at words. Lines that are indented are quotations and stay as they are.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        if paragraph.starts_with(' ') || paragraph.len() <= WIDTH {
            lines.push(paragraph.to_owned());
            continue;
        }
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::SourceId;

    #[test]
    fn a_caret_stands_under_what_is_meant() {
        let sources = Sources::new(vec![("main.tf".into(), b"a = 1\n  b = vra.x\n".to_vec())]);
        let span = Span {
            source: SourceId(0),
            start: 12,
            end: 17,
        };
        let found = Diagnostic::error("SF9999", "No such thing", "There is no `vra`.").at(span);
        let text = anstream::adapter::strip_str(&text(&found.into(), &sources)).to_string();
        assert_eq!(
            text,
            "error[SF9999]: No such thing\n  --> main.tf:2:7\n  |\n2 |   b = vra.x\n  |       ^^^^^\n  There is no \
             `vra`.\n\n"
        );
    }

    #[test]
    fn control_characters_do_nothing() {
        assert_eq!(visible("a\x1b[31mb\r"), "a\\u{1b}[31mb\\r");
    }

    #[test]
    fn long_details_are_wrapped_at_words() {
        let lines = wrapped(&"word ".repeat(60));
        assert!(
            lines.iter().all(|line| line.chars().count() <= WIDTH),
            "{lines:?}"
        );
    }
}
