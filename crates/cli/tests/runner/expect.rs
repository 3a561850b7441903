//! What a command printed against what it should print.
//!
//! What differs from run to run is replaced by a name first: `[DIR]` the script's directory, `[ID]` runs and actions,
//! `[DIGEST]` whole or short digests, `[TIME]` points in time and durations, `[MS]` milliseconds since 1970, `[PORT]`,
//! `[PID]`, `[UUID]`. In an expectation `[..]` stands for any text within a line, and a line `...` for any lines.

/// Replaces what differs from run to run.
pub(crate) struct Redactor {
    directory: String,
}

impl Redactor {
    pub(crate) fn new(directory: &str) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// A line with names in the place of what differs.
    pub(crate) fn line(&self, text: &str) -> String {
        let text = text.replace(&self.directory, "[DIR]");
        let mut out = String::new();
        let mut rest = &*text;
        while let Some(first) = rest.chars().next() {
            let before = out.chars().next_back();
            let at_word = !before.is_some_and(|one| one.is_ascii_alphanumeric());
            if at_word && let Some((length, name)) = special(rest, &out) {
                out.push_str(name);
                rest = &rest[length..];
                continue;
            }
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
        out
    }
}

/// How many bytes at the beginning differ from run to run, and what to call them.
fn special(rest: &str, before: &str) -> Option<(usize, &'static str)> {
    for (shape, name) in [
        ("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh", "[UUID]"),
        ("dddd-dd-dd dd:dd:dd", "[TIME]"),
        ("dddd-dd-ddTdd:dd:ddZ", "[TIME]"),
    ] {
        if let Some(length) = shaped(rest, shape) {
            return Some((length, name));
        }
    }
    let word = rest
        .find(|one: char| !one.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    let text = &rest[..word];
    let digits = !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
    let hex = !text.is_empty()
        && text
            .bytes()
            .all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'));
    if digits && let Some(length) = duration(rest) {
        return Some((length, "[TIME]"));
    }
    if digits
        && word == 5
        && (["127.0.0.1:", "port ", "\"port\":"]
            .iter()
            .any(|end| before.ends_with(end)))
    {
        return Some((word, "[PORT]"));
    }
    if digits
        && (before.ends_with("pid ") || before.ends_with("rocess ") || before.ends_with("number "))
    {
        return Some((word, "[PID]"));
    }
    match word {
        64 if hex => Some((word, "[DIGEST]")),
        16 if hex => Some((word, "[ID]")),
        13 if digits => Some((word, "[MS]")),
        12 if hex => Some((word, "[DIGEST]")),
        _ => None,
    }
}

/// Whether a text begins with digits (`d`), hexadecimal digits (`h`) and the other characters of a shape.
fn shaped(rest: &str, shape: &str) -> Option<usize> {
    let head = rest.get(..shape.len())?;
    let fits = head
        .bytes()
        .zip(shape.bytes())
        .all(|(one, shape)| match shape {
            b'd' => one.is_ascii_digit(),
            b'h' => matches!(one, b'0'..=b'9' | b'a'..=b'f'),
            other => one == other,
        });
    let ends = !rest[shape.len()..].starts_with(|one: char| one.is_ascii_alphanumeric());
    (fits && ends).then_some(shape.len())
}

/// The length of `12 ms`, `2.4 s`, `3 min 20 s` or `5 h 1 min`.
fn duration(rest: &str) -> Option<usize> {
    let number = |text: &str| {
        let length = text
            .find(|one: char| !one.is_ascii_digit())
            .unwrap_or(text.len());
        (length > 0).then_some(length)
    };
    let unit = |at: usize, unit: &str| {
        let after = rest.get(at..)?.strip_prefix(unit)?;
        let ends = !after.starts_with(|one: char| one.is_ascii_alphanumeric());
        ends.then_some(at + unit.len())
    };
    let first = number(rest)?;
    if let Some(end) = unit(first, " ms") {
        return Some(end);
    }
    if let Some(fraction) = rest[first..].strip_prefix('.') {
        return unit(first + 1 + number(fraction)?, " s");
    }
    for (large, small) in [(" min", " s"), (" h", " min")] {
        if let Some(end) = unit(first, large)
            && let Some(after) = rest[end..].strip_prefix(' ')
            && let Some(length) = number(after)
            && let Some(end) = unit(end + 1 + length, small)
        {
            return Some(end);
        }
    }
    None
}

/// Whether lines are what an expectation says.
pub(crate) fn matches(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..]))
        }
        Some((first, rest)) => actual
            .split_first()
            .is_some_and(|(line, lines)| captured(first, line).is_some() && matches(rest, lines)),
    }
}

/// What each `[..]` of a pattern stands for in a line, or nothing if the line is another.
pub(crate) fn captured(pattern: &str, line: &str) -> Option<Vec<String>> {
    let Some((head, rest)) = pattern.split_once("[..]") else {
        return (pattern == line).then(Vec::new);
    };
    let after = line.strip_prefix(head)?;
    let ends = (0..=after.len()).filter(|end| after.is_char_boundary(*end));
    ends.into_iter().find_map(|end| {
        let mut found = vec![after[..end].to_owned()];
        found.extend(captured(rest, &after[end..])?);
        Some(found)
    })
}

/// Both, one above the other, for a person.
pub(crate) fn difference(expected: &[String], actual: &[String]) -> String {
    let shared = expected
        .iter()
        .zip(actual)
        .take_while(|(one, other)| captured(one, other).is_some())
        .count();
    let mut text = String::new();
    for line in &expected[..shared] {
        text.push_str(&format!("      {line}\n"));
    }
    for line in &expected[shared..] {
        text.push_str(&format!("    - {line}\n"));
    }
    for line in &actual[shared..] {
        text.push_str(&format!("    + {line}\n"));
    }
    text
}
