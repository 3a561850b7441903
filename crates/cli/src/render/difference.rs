//! What changed in a text, in the unified form that `diff -u` prints and `patch` reads.
//!
//! Between two texts there are often several shortest ways, most of all where lines such as `}` repeat. We show the one
//! that people are used to: a group of changed lines stands as low as it can, unless it can stand beside one of the
//! other text.

use similar::{Algorithm, DiffTag};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

/// Lines shown before and after what changed.
const CONTEXT_LINES: usize = 3;

/// One of the two texts.
struct Side<'a> {
    lines: Vec<&'a str>,
    /// Whether a line is not in the other text, for each.
    changed: Vec<bool>,
}

/// Lines of both texts that stand in each other's place, or lines that are the same.
struct Part {
    old: Range<usize>,
    new: Range<usize>,
    is_same: bool,
}

/// The changes from one text to another under the names `old/PATH` and `new/PATH`; empty when they are the same.
pub(crate) fn unified(path: &str, old: &str, new: &str) -> String {
    let (mut old, mut new) = (Side::of(old), Side::of(new));
    mark(&mut old, &mut new);
    old.settle(&new.gaps());
    new.settle(&old.gaps());
    let parts = parts(&old, &new);
    let mut out = String::new();
    if parts.iter().all(|part| part.is_same) {
        return out;
    }
    let _ = write!(out, "--- old/{path}\n+++ new/{path}\n");
    for hunk in hunks(parts) {
        write_hunk(&mut out, &hunk, &old, &new);
    }
    out
}

impl<'a> Side<'a> {
    fn of(text: &'a str) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let changed = vec![false; lines.len()];
        Self { lines, changed }
    }

    fn is_changed(&self, at: usize) -> bool {
        self.changed.get(at).copied().unwrap_or(false)
    }

    fn set_changed(&mut self, at: usize, changed: bool) {
        if let Some(place) = self.changed.get_mut(at) {
            *place = changed;
        }
    }

    /// For each number of unchanged lines, whether changed ones follow directly upon so many.
    fn gaps(&self) -> Vec<bool> {
        let mut gaps = vec![false];
        for changed in &self.changed {
            match gaps.last_mut() {
                Some(gap) if *changed => *gap = true,
                _ => gaps.push(false),
            }
        }
        gaps
    }

    /// Moves each group of changed lines to its place, and groups that meet together.
    fn settle(&mut self, gaps_of_other: &[bool]) {
        let is_beside = |unchanged: usize| gaps_of_other.get(unchanged).copied().unwrap_or(false);
        let mut at = 0;
        let mut unchanged = 0;
        while at < self.lines.len() {
            if !self.is_changed(at) {
                at += 1;
                unchanged += 1;
                continue;
            }
            let mut group = at..self.end_of_group(at);
            let mut best;
            // Ends because each round but the last joins two groups.
            loop {
                let length = group.len();
                while self.move_up(&mut group) {
                    unchanged -= 1;
                }
                best = is_beside(unchanged).then_some(group.end);
                while self.move_down(&mut group) {
                    unchanged += 1;
                    if is_beside(unchanged) {
                        best = Some(group.end);
                    }
                }
                if group.len() == length {
                    break;
                }
            }
            while best.is_some_and(|best| best < group.end) && self.move_up(&mut group) {
                unchanged -= 1;
            }
            at = group.end;
        }
    }

    fn end_of_group(&self, at: usize) -> usize {
        (at..self.lines.len())
            .find(|line| !self.is_changed(*line))
            .unwrap_or(self.lines.len())
    }

    /// One line up, where the line above is the same as the last of the group; takes in a group that is reached.
    fn move_up(&mut self, group: &mut Range<usize>) -> bool {
        let Some(above) = group.start.checked_sub(1) else {
            return false;
        };
        if self.lines.get(above) != self.lines.get(group.end - 1) {
            return false;
        }
        self.set_changed(above, true);
        self.set_changed(group.end - 1, false);
        *group = above..group.end - 1;
        while group.start > 0 && self.is_changed(group.start - 1) {
            group.start -= 1;
        }
        true
    }

    /// One line down, where the line below is the same as the first of the group.
    fn move_down(&mut self, group: &mut Range<usize>) -> bool {
        if group.end >= self.lines.len() || self.lines.get(group.start) != self.lines.get(group.end)
        {
            return false;
        }
        self.set_changed(group.start, false);
        self.set_changed(group.end, true);
        *group = group.start + 1..self.end_of_group(group.end);
        true
    }
}

/// Marks what is not in both. Lines that the other text has nowhere are no part of the comparison.
fn mark(old: &mut Side<'_>, new: &mut Side<'_>) {
    let candidates = |one: &Side<'_>, other: &Side<'_>| -> Vec<usize> {
        let known: HashSet<&str> = other.lines.iter().copied().collect();
        let is_known = |at: &usize| one.lines.get(*at).is_some_and(|line| known.contains(line));
        (0..one.lines.len()).filter(is_known).collect()
    };
    let (olds, news) = (candidates(old, new), candidates(new, old));
    let texts = |side: &Side<'_>, of: &[usize]| -> Vec<String> {
        of.iter()
            .filter_map(|at| side.lines.get(*at))
            .map(|line| (*line).to_owned())
            .collect()
    };
    let (old_texts, new_texts) = (texts(old, &olds), texts(new, &news));
    old.changed.fill(true);
    new.changed.fill(true);
    for change in similar::capture_diff_slices(Algorithm::Myers, &old_texts, &new_texts) {
        if change.tag() == DiffTag::Equal {
            for at in olds.get(change.old_range()).unwrap_or_default() {
                old.set_changed(*at, false);
            }
            for at in news.get(change.new_range()).unwrap_or_default() {
                new.set_changed(*at, false);
            }
        }
    }
}

/// Both texts in parts that are the same and parts that are not, in turn.
fn parts(old: &Side<'_>, new: &Side<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut from_old, mut from_new) = (0, 0);
    while from_old < old.lines.len() || from_new < new.lines.len() {
        let is_same = !old.is_changed(from_old) && !new.is_changed(from_new);
        let (to_old, to_new) = if is_same {
            let length = (0..)
                .take_while(|by| from_old + by < old.lines.len() && !old.is_changed(from_old + by))
                .take_while(|by| from_new + by < new.lines.len() && !new.is_changed(from_new + by))
                .count();
            // Both texts have the same number of unchanged lines: neither ends before the other.
            (from_old + length.max(1), from_new + length.max(1))
        } else {
            (old.end_of_group(from_old), new.end_of_group(from_new))
        };
        parts.push(Part {
            old: from_old..to_old,
            new: from_new..to_new,
            is_same,
        });
        (from_old, from_new) = (to_old, to_new);
    }
    parts
}

/// Changes with some lines around them. What lies far from any change is left out.
fn hunks(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut hunks: Vec<Vec<Part>> = Vec::new();
    let mut hunk: Vec<Part> = Vec::new();
    let n_parts = parts.len();
    let last =
        |range: &Range<usize>| range.end.saturating_sub(CONTEXT_LINES).max(range.start)..range.end;
    let first = |range: &Range<usize>| range.start..(range.start + CONTEXT_LINES).min(range.end);
    for (at, part) in parts.into_iter().enumerate() {
        if !part.is_same {
            hunk.push(part);
            continue;
        }
        let (is_first, is_last) = (at == 0, at + 1 == n_parts);
        if !is_first && !is_last && part.old.len() <= 2 * CONTEXT_LINES {
            hunk.push(part);
            continue;
        }
        let with = |old: Range<usize>, new: Range<usize>| Part {
            old,
            new,
            is_same: true,
        };
        if !is_first {
            hunk.push(with(first(&part.old), first(&part.new)));
            hunks.push(std::mem::take(&mut hunk));
        }
        if !is_last {
            hunk.push(with(last(&part.old), last(&part.new)));
        }
    }
    if !hunk.is_empty() {
        hunks.push(hunk);
    }
    hunks
}

fn write_hunk(out: &mut String, hunk: &[Part], old: &Side<'_>, new: &Side<'_>) {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
        return;
    };
    let old_lines = first.old.start..last.old.end;
    let new_lines = first.new.start..last.new.end;
    let _ = writeln!(out, "@@ -{} +{} @@", place(&old_lines), place(&new_lines));
    for part in hunk {
        if part.is_same {
            write_lines(out, ' ', old.lines.get(part.old.clone()));
        } else {
            write_lines(out, '-', old.lines.get(part.old.clone()));
            write_lines(out, '+', new.lines.get(part.new.clone()));
        }
    }
}

/// `FIRST,COUNT`; the count is left out where it is one, and without lines the first is the one before.
fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn write_lines(out: &mut String, sign: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        let _ = write!(out, "{sign}{line}");
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn hunks_are_those_of_diff() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl";
        let new = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n";
        let expected = "--- old/x\n+++ new/x\n@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n@@ -9,4 +9,4 @@\n i\n j\n k\n-l\n\
                        \\ No newline at end of file\n+l\n";
        assert_eq!(unified("x", old, new), expected);
        assert_eq!(
            unified("x", "", "a\n"),
            "--- old/x\n+++ new/x\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(unified("x", "a\n", "a\n"), "");
    }

    #[test]
    fn a_group_of_lines_stands_as_low_as_it_can() {
        let old = "a {\n}\n\nb {\n}\n";
        let new = "a {\n}\n\nx {\n}\n\nb {\n}\n";
        assert!(unified("x", old, new).ends_with(" \n+x {\n+}\n+\n b {\n }\n"));
    }
}
