//! Rust text as the rules need to see it: what is code, what is comment, what is literal, what is test.
//!
//! A scanner, not a parser: it understands comments, literals and brackets, which is enough to count lines and to look
//! for words without being fooled by a string. It expands no macro and resolves no name.

use std::ops::Range;

/// Stands where a byte of a literal stood; part of no word that a rule looks for.
const FILLER: u8 = b'_';

/// A comment, or one line of a block comment.
#[derive(Debug)]
pub(crate) struct Comment {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    /// With its slashes.
    pub(crate) text: String,
}

/// A string literal, without quotes and prefix, escapes as written.
#[derive(Debug)]
pub(crate) struct Literal {
    /// Line of its opening quote, from 1.
    pub(crate) line: usize,
    /// Its text.
    pub(crate) text: String,
}

/// A function with a body.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// Line of `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace which hold code.
    pub(crate) code_lines: usize,
}

/// A Rust file. All its texts have the same length, so an offset into one is an offset into every other.
#[derive(Debug)]
pub(crate) struct Source {
    /// As it stands on disk.
    pub(crate) raw: String,
    /// With the contents of literals filled.
    pub(crate) outline: String,
    /// With the contents of literals filled and comments blanked.
    pub(crate) code: String,
    /// All comments.
    pub(crate) comments: Vec<Comment>,
    /// All string literals.
    pub(crate) literals: Vec<Literal>,
    /// Names of modules declared `#[cfg(test)] mod name;`: their files are tests.
    pub(crate) test_modules: Vec<String>,
    line_starts: Vec<usize>,
    test_lines: Vec<bool>,
}

impl Source {
    /// Reads a text. Never fails: what is not Rust looks odd and matches no rule.
    pub(crate) fn new(raw: &str) -> Self {
        let mut scanner = Scanner::new(raw);
        scanner.scan();
        let line_starts: Vec<usize> = std::iter::once(0)
            .chain(raw.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let mut source = Self {
            raw: raw.to_owned(),
            outline: String::from_utf8_lossy(&scanner.outline).into_owned(),
            code: String::from_utf8_lossy(&scanner.code).into_owned(),
            comments: scanner.comments,
            literals: scanner.literals,
            test_modules: Vec::new(),
            test_lines: vec![false; line_starts.len()],
            line_starts,
        };
        source.find_tests();
        source
    }

    /// The line of an offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Whether a line, counted from 1, belongs to tests.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.test_lines
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(false)
    }

    /// Makes the whole file a test.
    pub(crate) fn set_all_test(&mut self) {
        self.test_lines.fill(true);
    }

    /// How many lines hold code and are no tests.
    pub(crate) fn code_lines(&self) -> usize {
        self.code
            .lines()
            .enumerate()
            .filter(|(index, line)| !line.trim().is_empty() && !self.is_test(index + 1))
            .count()
    }

    /// Lines where a word or phrase stands in code, tests included.
    pub(crate) fn lines_with(&self, needle: &str) -> Vec<usize> {
        occurrences(&self.code, needle)
            .map(|at| self.line(at))
            .collect()
    }

    /// Lines where a word or phrase stands in code that is no test.
    pub(crate) fn shipped_lines_with(&self, needle: &str) -> Vec<usize> {
        let mut lines = self.lines_with(needle);
        lines.retain(|line| !self.is_test(*line));
        lines
    }

    /// All functions with a body that are no tests.
    pub(crate) fn functions(&self) -> Vec<Function> {
        occurrences(&self.code, "fn")
            .filter_map(|at| self.function_at(at))
            .filter(|function| !self.is_test(function.line))
            .collect()
    }

    /// Attributes `#[...]` and `#![...]`: the offset of the hash and the range between the brackets.
    pub(crate) fn attributes(&self) -> Vec<(usize, Range<usize>)> {
        let bytes = self.code.as_bytes();
        self.code
            .match_indices('#')
            .filter_map(|(at, _)| {
                let open = at + 1 + usize::from(bytes.get(at + 1) == Some(&b'!'));
                if bytes.get(open) != Some(&b'[') {
                    return None;
                }
                Some((at, open + 1..closing(&self.code, open)?))
            })
            .collect()
    }

    fn function_at(&self, at: usize) -> Option<Function> {
        let rest = &self.code[at + 2..];
        let name = word(rest.trim_start());
        // `fn(u8) -> u8` is a type.
        if name.is_empty() {
            return None;
        }
        let end = item_end(&self.code, at)?;
        if self.code.as_bytes().get(end) != Some(&b'}') {
            return None;
        }
        let body = &self.code[at..=end];
        Some(Function {
            name: name.to_owned(),
            line: self.line(at),
            code_lines: body.lines().filter(|line| !line.trim().is_empty()).count(),
        })
    }

    fn find_tests(&mut self) {
        let mut regions = Vec::new();
        for (at, inside) in self.attributes() {
            if !marks_tests(&self.code[inside.clone()]) {
                continue;
            }
            if self.code[at..].starts_with("#!") {
                regions.push(0..self.code.len());
                continue;
            }
            let item = skip_attributes(&self.code, inside.end + 1);
            let end = item_end(&self.code, item).unwrap_or(self.code.len());
            let declaration = self.code[item..end].trim();
            if let Some(module) = declaration.rsplit("mod ").next()
                && declaration.contains("mod ")
                && module.chars().all(|c| c.is_alphanumeric() || c == '_')
            {
                self.test_modules.push(module.to_owned());
            }
            regions.push(at..end);
        }
        for region in regions {
            for line in self.line(region.start)..=self.line(region.end) {
                if let Some(flag) = self.test_lines.get_mut(line - 1) {
                    *flag = true;
                }
            }
        }
    }
}

/// Offsets at which `needle` stands. Where it begins or ends with a letter, digit or underscore, it must stand there
/// as a whole word.
pub(crate) fn occurrences<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    let word_first = needle.starts_with(is_word);
    let word_last = needle.ends_with(is_word);
    text.match_indices(needle).filter_map(move |(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        let cut = (word_first && before.is_some_and(is_word))
            || (word_last && after.is_some_and(is_word));
        (!cut).then_some(at)
    })
}

/// The word at the start of a text, empty if there is none.
pub(crate) fn word(text: &str) -> &str {
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    &text[..end]
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The offset of the bracket that closes the one at `open`, in text without literals and comments.
pub(crate) fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The first offset from `at` on that is neither blank nor part of an attribute.
pub(crate) fn skip_attributes(code: &str, mut at: usize) -> usize {
    // Bounded by the text: every turn moves forward.
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with("#[") {
            return at;
        }
        match closing(code, at + 1) {
            Some(end) => at = end + 1,
            None => return code.len(),
        }
    }
}

/// Words that begin an item; what begins otherwise is a field, a variant, an arm or a statement.
const ITEM_WORDS: [&str; 14] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules",
    "mod",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "unsafe",
];

/// The offset of the `}` or `;` that ends the item at `at` (`,` and a foreign bracket end what is no item).
fn item_end(code: &str, at: usize) -> Option<usize> {
    let is_item = ITEM_WORDS.contains(&word(&code[at..])) || code[at..].starts_with("use ");
    let bytes = code.as_bytes();
    let mut position = at;
    while let Some(byte) = bytes.get(position) {
        match byte {
            b'(' | b'[' => position = closing(code, position)?,
            b'{' => return closing(code, position),
            b';' => return Some(position),
            b',' if !is_item => return Some(position),
            b')' | b']' | b'}' => return Some(position),
            _ => {}
        }
        position += 1;
    }
    None
}

/// Whether an attribute says that its item exists in tests only. `cfg(any(test, ...))` does not.
fn marks_tests(attribute: &str) -> bool {
    let text: String = attribute.split_whitespace().collect();
    let path = text.split('(').next().unwrap_or_default();
    path == "test"
        || path.ends_with("::test")
        || text.starts_with("cfg(test")
        || text.starts_with("cfg(all(test")
}

/// Splits a text into code, comments and literals.
struct Scanner<'a> {
    raw: &'a str,
    at: usize,
    line: usize,
    outline: Vec<u8>,
    code: Vec<u8>,
    comments: Vec<Comment>,
    literals: Vec<Literal>,
}

impl<'a> Scanner<'a> {
    fn new(raw: &'a str) -> Self {
        Self {
            raw,
            at: 0,
            line: 1,
            outline: Vec::with_capacity(raw.len()),
            code: Vec::with_capacity(raw.len()),
            comments: Vec::new(),
            literals: Vec::new(),
        }
    }

    fn scan(&mut self) {
        while self.at < self.raw.len() {
            let rest = &self.raw.as_bytes()[self.at..];
            if rest.starts_with(b"//") {
                let end = rest.iter().position(|byte| *byte == b'\n');
                self.comment(end.unwrap_or(rest.len()));
            } else if rest.starts_with(b"/*") {
                self.comment(block_comment_len(rest));
            } else if let Some((prefix, hashes)) = self.string_start(rest) {
                self.string(prefix, hashes);
            } else if let Some(len) = char_len(rest) {
                self.take(1, Kind::Code);
                self.take(len - 2, Kind::Literal);
                self.take(1, Kind::Code);
            } else {
                self.take(1, Kind::Code);
            }
        }
    }

    /// Whether a string literal begins here: the length up to and with its opening quote, and the number of hashes,
    /// none for a literal with escapes.
    fn string_start(&self, rest: &[u8]) -> Option<(usize, Option<usize>)> {
        let before = self.raw.as_bytes()[..self.at].last();
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            return (rest.first() == Some(&b'"')).then_some((1, None));
        }
        let mut len = usize::from(matches!(rest.first(), Some(b'b' | b'c')));
        let is_raw = rest.get(len) == Some(&b'r');
        len += usize::from(is_raw);
        let hashes = rest[len.min(rest.len())..]
            .iter()
            .take_while(|byte| **byte == b'#')
            .count();
        if (hashes > 0 && !is_raw) || rest.get(len + hashes) != Some(&b'"') {
            return None;
        }
        Some((len + hashes + 1, is_raw.then_some(hashes)))
    }

    fn string(&mut self, prefix: usize, hashes: Option<usize>) {
        let line = self.line;
        self.take(prefix, Kind::Code);
        let rest = &self.raw.as_bytes()[self.at..];
        let len = match hashes {
            Some(hashes) => {
                let end: Vec<u8> = std::iter::once(b'"')
                    .chain(std::iter::repeat_n(b'#', hashes))
                    .collect();
                rest.windows(end.len())
                    .position(|window| window == end)
                    .unwrap_or(rest.len())
            }
            None => escaped_len(rest),
        };
        let text = String::from_utf8_lossy(&rest[..len]).into_owned();
        self.literals.push(Literal { line, text });
        self.take(len, Kind::Literal);
        self.take(1 + hashes.unwrap_or(0), Kind::Code);
    }

    fn comment(&mut self, len: usize) {
        let text = &self.raw[self.at..self.at + len];
        for (index, line) in text.lines().enumerate() {
            self.comments.push(Comment {
                line: self.line + index,
                text: line.to_owned(),
            });
        }
        self.take(len, Kind::Comment);
    }

    fn take(&mut self, len: usize, kind: Kind) {
        let end = (self.at + len).min(self.raw.len());
        for &byte in &self.raw.as_bytes()[self.at..end] {
            if byte == b'\n' {
                self.line += 1;
            }
            let (outline, code) = match kind {
                _ if byte == b'\n' => (byte, byte),
                Kind::Code => (byte, byte),
                Kind::Comment => (byte, b' '),
                Kind::Literal => (FILLER, FILLER),
            };
            self.outline.push(outline);
            self.code.push(code);
        }
        self.at = end;
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Literal,
}

fn block_comment_len(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a literal with escapes, up to its closing quote.
fn escaped_len(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a character literal with both quotes; none for a lifetime.
fn char_len(rest: &[u8]) -> Option<usize> {
    if rest.first() != Some(&b'\'') {
        return None;
    }
    let first = *rest.get(1)?;
    if first == b'\\' {
        // The escaped character may itself be a quote.
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(close + 4);
    }
    let width = match first {
        0x00..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_are_no_code() {
        let source = Source::new(concat!(
            "let a = \"dbg!(\\\" // no\"; // dbg!(x)\n",
            "let b = r#\"dbg!(\"# ; /* dbg!( /* nested */ dbg!( */ dbg!(1);\n",
            "let c: &'static str = b\"\\\\\"; let d = '\"'; let e = '\\''; dbg!(2);\n",
        ));
        assert_eq!(source.lines_with("dbg!("), [2, 3]);
        assert_eq!(source.code.len(), source.raw.len());
        assert_eq!(source.outline.len(), source.raw.len());
        assert_eq!(source.literals[0].text, "dbg!(\\\" // no");
        assert_eq!(source.comments[0].text, "// dbg!(x)");
    }

    #[test]
    fn words_are_whole() {
        let found: Vec<usize> =
            occurrences("println!(\"\"); eprintln!(); x.println!(", "println!(").collect();
        assert_eq!(found, [0, 29]);
    }

    #[test]
    fn tests_are_found_wherever_they_stand() {
        let source = Source::new(concat!(
            "fn shipped() {}\n",
            "#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn f() {}\n}\n",
            "fn shipped_too() {}\n",
            "#[tokio::test(flavor = \"x\")]\nasync fn g() {\n}\n",
            "#[cfg(any(test, feature = \"fake\"))]\nmod fake {}\n",
            "#[cfg(test)]\nmod outside;\n",
            "struct S {\n    #[cfg(test)]\n    a: u8,\n    b: u8,\n}\n",
        ));
        let tests: Vec<usize> = (1..=20).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 4, 5, 6, 8, 9, 10, 13, 14, 16, 17]);
        assert_eq!(source.test_modules, ["outside"]);
    }

    #[test]
    fn functions_are_measured_in_lines_of_code() {
        let source = Source::new(concat!(
            "trait T { fn declared(&self) -> [u8; 3]; }\n",
            "fn f<const N: usize>(a: [u8; N],\n    b: fn(u8) -> u8) -> u8 {\n",
            "    // a comment\n\n    \"{\";\n    { 1 }\n}\n",
        ));
        let functions = source.functions();
        assert_eq!(functions.len(), 1);
        assert_eq!((functions[0].name.as_str(), functions[0].line), ("f", 2));
        assert_eq!(functions[0].code_lines, 5);
    }
}
