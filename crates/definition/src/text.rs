//! Places in a source text: as people count them (lines, and columns in grapheme clusters, as Terraform does), and of
//! texts that stand inside of another.

use alloc::vec::Vec;
use unicode_segmentation::UnicodeSegmentation;
use value::{SourceId, Span};

/// A text that stands inside of a source, such as what a JSON string holds, and where each of its bytes stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excerpt<'a> {
    /// The text, escapes decoded.
    pub(crate) text: &'a str,
    /// The source.
    pub(crate) source: SourceId,
    /// Where the text begins in the source.
    pub(crate) start: u32,
    /// For every escape: where the text goes on behind it, in the text and in the source. Ascending.
    pub(crate) escapes: &'a [(u32, u32)],
}

impl<'a> Excerpt<'a> {
    /// A source as a whole.
    pub(crate) fn whole(text: &'a str, source: SourceId) -> Self {
        Self {
            text,
            source,
            start: 0,
            escapes: &[],
        }
    }

    /// The place in the source of bytes of the text.
    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        let start = self.place(start);
        Span {
            source: self.source,
            start,
            end: self.place(end).max(start),
        }
    }

    fn place(&self, at: u32) -> u32 {
        let passed = self.escapes.partition_point(|(behind, _)| *behind <= at);
        match passed
            .checked_sub(1)
            .and_then(|last| self.escapes.get(last))
        {
            Some((text, source)) => source + (at - text),
            None => self.start + at,
        }
    }
}

/// Finds the line and column of a byte. Made once per text, linear in its length; each question is answered in the
/// logarithm of the number of lines plus the length of one line.
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// First byte of every line.
    starts: Vec<u32>,
}

/// A place as shown to people; both numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column in grapheme clusters.
    pub column: u32,
}

impl LineIndex {
    /// Reads the line starts of a text.
    pub fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        // A byte order mark takes no column.
        let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let starts = core::iter::once(first)
            .chain(newlines.map(|(at, _)| at as u32 + 1))
            .collect();
        Self { starts }
    }

    /// Line and column of a byte of the text this index was made of.
    pub fn position(&self, text: &str, byte: u32) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = text.get(start as usize..byte as usize).unwrap_or("");
        Position {
            line: line as u32,
            column: before.graphemes(true).count() as u32 + 1,
        }
    }

    /// The byte range of a line (counted from 1) without its line break; none behind the last line.
    pub fn line_range(&self, text: &str, line: u32) -> Option<core::ops::Range<usize>> {
        let at = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(at)? as usize;
        let end = self
            .starts
            .get(at + 1)
            .map_or(text.len(), |next| *next as usize);
        let content = text.get(start..end)?;
        let content = content.strip_suffix('\n').unwrap_or(content);
        let content = content.strip_suffix('\r').unwrap_or(content);
        Some(start..start + content.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_excerpt_know_its_escapes() {
        // "a\n${\"x\"}" in JSON, beginning at byte 10.
        let excerpt = Excerpt {
            text: "a\n${\"x\"}",
            source: SourceId(0),
            start: 11,
            escapes: &[(2, 14), (5, 18), (7, 21)],
        };
        let span = excerpt.span(1, 2);
        assert_eq!((span.start, span.end), (12, 14));
        let span = excerpt.span(4, 7);
        assert_eq!((span.start, span.end), (16, 21));
        let span = excerpt.span(7, 8);
        assert_eq!((span.start, span.end), (21, 22));
    }

    #[test]
    fn columns_count_grapheme_clusters() {
        let text = "a = \"e\u{301}\u{1f468}\u{200d}\u{1f469}\" x\r\nb";
        let index = LineIndex::new(text);
        let x = text.find('x').unwrap() as u32;
        assert_eq!(
            index.position(text, x),
            Position {
                line: 1,
                column: 10
            }
        );
        let b = text.find('b').unwrap() as u32;
        assert_eq!(index.position(text, b), Position { line: 2, column: 1 });
        assert_eq!(index.line_range(text, 1), Some(0..x as usize + 1));
        assert_eq!(index.line_range(text, 3), None);
        assert_eq!(index.position(text, text.len() as u32).column, 2);
        let index = LineIndex::new("\u{feff}ab");
        assert_eq!(index.position("\u{feff}ab", 4).column, 2);
        assert_eq!(index.position("\u{feff}ab", 0).column, 1);
    }
}
