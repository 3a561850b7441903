//! The end of a build's output, made fit to be shown: at most a few lines, without what would steer a terminal.

use crate::limits::{LOG_LINE_CHARS_MAX, LOG_TAIL_BYTES, LOG_TAIL_LINES};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The last lines of a file.
pub(crate) fn last_lines(path: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(shown(&String::from_utf8_lossy(&bytes)))
}

fn shown(text: &str) -> Vec<String> {
    let lines: Vec<String> = text
        .lines()
        // What overwrote the line before it is what was meant to be seen: progress bars.
        .map(|line| {
            line.trim_end_matches('\r')
                .rsplit('\r')
                .next()
                .unwrap_or(line)
        })
        .map(plain)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines.len().saturating_sub(LOG_TAIL_LINES);
    lines.into_iter().skip(first).collect()
}

/// A line without escape sequences (ECMA-48) and other control characters, cut to a readable length.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut length = 0;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.next_if_eq(&'[').is_some() {
                // Parameters, then one final character.
                while chars
                    .next_if(|c| !('\u{40}'..='\u{7e}').contains(c))
                    .is_some()
                {}
                chars.next();
            }
            continue;
        }
        if c.is_control() && c != '\t' {
            continue;
        }
        if length == LOG_LINE_CHARS_MAX {
            text.push('…');
            break;
        }
        length += 1;
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::limits::{LOG_LINE_CHARS_MAX, LOG_TAIL_LINES};

    #[test]
    fn lines_are_few_short_and_harmless() {
        for (text, expected) in [
            ("a\n\nb\n", vec!["a", "b"]),
            (
                "\u{1b}[1;31merror\u{1b}[0m: no\u{7}\u{1b}c",
                vec!["error: noc"],
            ),
            ("10%\r50%\r100%\r\nend", vec!["100%", "end"]),
            ("\u{1b}[", vec![]),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        let many: String = (0..100).map(|n| format!("{n}\n")).collect();
        let lines = shown(&many);
        assert_eq!(lines.len(), LOG_TAIL_LINES);
        assert_eq!(lines.last().unwrap(), "99");
        let long = shown(&"é".repeat(10_000));
        assert_eq!(long[0].chars().count(), LOG_LINE_CHARS_MAX + 1);
    }
}
