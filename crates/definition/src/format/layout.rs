//! The blanks of a text, computed line by line: indentation, single spaces, columns.
//!
//! A line has up to three cells: what it begins with, an assignment (from the equals sign on, if the value ends on the
//! same line), and a comment at its end. The last two stand in columns over neighbouring lines that have them.

use super::{Piece, spacing};
use crate::lexer::TokenKind;
use alloc::vec::Vec;
use core::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// How far each open bracket that lasts beyond its line moves the lines inside.
const INDENT_COLUMNS: usize = 2;

/// A line as ranges of pieces. Cells that are not there are empty.
struct Line {
    lead: Range<usize>,
    assign: Range<usize>,
    comment: Range<usize>,
}

/// Computes the blanks before every piece.
pub(super) fn arrange(pieces: &mut [Piece<'_>]) {
    let lines = lines(pieces);
    indent(pieces, &lines);
    for line in &lines {
        space(pieces, line.lead.clone());
        space(pieces, line.assign.clone());
    }
    align(pieces, &lines, |line| line.assign.clone());
    align(pieces, &lines, |line| line.comment.clone());
}

fn lines(pieces: &[Piece<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let is_end = piece.kind == TokenKind::End;
        if !is_end && !piece.ends_line() {
            continue;
        }
        // The end of the text belongs to no line: blanks before it stay.
        let end = if is_end { at } else { at + 1 };
        if start < end {
            lines.push(line(pieces, start..end));
        }
        start = end;
    }
    lines
}

/// Splits a line into its cells.
fn line(pieces: &[Piece<'_>], whole: Range<usize>) -> Line {
    let kind = |at: usize| pieces.get(at).map(|piece| piece.kind);
    let last = whole.end - 1;
    let has_comment = whole.len() > 1 && kind(last) == Some(TokenKind::Comment);
    let code = whole.start..if has_comment { last } else { whole.end };
    let equals = (code.start + 1..code.end).find(|at| kind(*at) == Some(TokenKind::Assign));
    // A value that goes on behind the line stays with what it is assigned to.
    let assign = equals.filter(|at| net(pieces.get(*at..code.end).unwrap_or(&[])) == 0);
    let assign = assign.unwrap_or(code.end);
    Line {
        lead: code.start..assign,
        assign: assign..code.end,
        comment: code.end..whole.end,
    }
}

/// How many brackets are open behind these pieces that were not before.
fn net(pieces: &[Piece<'_>]) -> isize {
    pieces.iter().map(Piece::bracket_change).sum()
}

/// Sets the blanks at the beginning of each line.
///
/// A line that opens brackets moves the lines behind it by one step, however many it opens. The stack remembers how
/// many, so that one line that closes them all, or several that close them one by one, come back to the same column.
fn indent(pieces: &mut [Piece<'_>], lines: &[Line]) {
    let mut opened: Vec<usize> = Vec::new();
    for line in lines {
        let Some(first) = pieces.get(line.lead.start) else {
            continue;
        };
        if first.kind == TokenKind::Newline {
            set_spaces(pieces, line.lead.start, 0);
            continue;
        }
        let code = line.lead.start..line.assign.end.max(line.lead.end);
        let code = pieces.get(code).unwrap_or(&[]);
        // What is inside a heredoc does not move what follows.
        let heredoc = code
            .iter()
            .position(|piece| piece.kind == TokenKind::OpenHeredoc);
        let change = net(code.get(..heredoc.unwrap_or(code.len())).unwrap_or(code));
        close(&mut opened, change.min(0).unsigned_abs());
        set_spaces(pieces, line.lead.start, INDENT_COLUMNS * opened.len());
        if change > 0 {
            opened.push(change.unsigned_abs());
        }
    }
}

fn close(opened: &mut Vec<usize>, mut closed: usize) {
    while closed > 0
        && let Some(last) = opened.last_mut()
    {
        if closed < *last {
            *last -= closed;
            return;
        }
        closed -= *last;
        opened.pop();
    }
}

/// Sets the blanks between the pieces of a cell.
fn space(pieces: &mut [Piece<'_>], cell: Range<usize>) {
    for at in cell.start..cell.end.saturating_sub(1) {
        let (Some(piece), Some(after)) = (pieces.get(at), pieces.get(at + 1)) else {
            continue;
        };
        let before = at.checked_sub(1).filter(|before| *before >= cell.start);
        let before = before.and_then(|before| pieces.get(before));
        let spaced = spacing::is_spaced(before, piece, after);
        set_spaces(pieces, at + 1, usize::from(spaced));
    }
}

/// Puts the same cell of neighbouring lines into one column.
fn align(pieces: &mut [Piece<'_>], lines: &[Line], cell: impl Fn(&Line) -> Range<usize>) {
    let mut rest = lines;
    while let Some(from) = rest.iter().position(|line| !cell(line).is_empty()) {
        let chain = rest.get(from..).unwrap_or(&[]);
        let length = chain
            .iter()
            .position(|line| cell(line).is_empty())
            .unwrap_or(chain.len());
        let (chain, after) = chain.split_at(length);
        let widths: Vec<usize> = chain
            .iter()
            .map(|line| columns(pieces.get(line.lead.start..cell(line).start).unwrap_or(&[])))
            .collect();
        let widest = widths.iter().copied().max().unwrap_or(0);
        for (line, width) in chain.iter().zip(widths) {
            set_spaces(pieces, cell(line).start, widest - width + 1);
        }
        rest = after;
    }
}

/// The width of pieces with the blanks before them, in grapheme clusters.
fn columns(pieces: &[Piece<'_>]) -> usize {
    let width = |text: &str| {
        if text.is_ascii() && !text.contains('\r') {
            text.len()
        } else {
            text.graphemes(true).count()
        }
    };
    pieces
        .iter()
        .map(|piece| piece.spaces + width(&piece.text))
        .sum()
}

fn set_spaces(pieces: &mut [Piece<'_>], at: usize, spaces: usize) {
    if let Some(piece) = pieces.get_mut(at) {
        piece.spaces = spaces;
    }
}
