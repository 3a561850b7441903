//! Regular expressions as the language has them (RE2, in the reading of Go), in the words of the library that runs
//! them.
//!
//! Both are linear in time and agree in what matches, but not in what is written: here classes like `\w` are of ASCII,
//! repetitions do not stack, a class holds no other class, and a mistake is told in its own words. A pattern is read
//! once from left to right and written anew, every part with its flags, so that the library has nothing to interpret.

use crate::limits::{REGEX_BYTES_MAX, REGEX_DEPTH_MAX, REGEX_REPETITIONS_MAX};
use crate::{Diagnostics, Name, Severity};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use regex::{Captures, Regex, RegexBuilder};

/// What is wrong with a pattern, in the words of the function `regex`; none when nothing is.
pub fn mistake(pattern: &str) -> Option<String> {
    let mistake = Pattern::compile(pattern).err()?;
    Some(format!("{} in {}", mistake.kind, mistake.part))
}

/// Whether an error among findings fits one of some patterns, by its summary or by its detail. A pattern that is none
/// fits nothing.
pub fn fits(patterns: &[String], found: &Diagnostics) -> bool {
    patterns.iter().any(|pattern| {
        let Ok(pattern) = Pattern::compile(pattern) else {
            return false;
        };
        let mut errors = found.iter().filter(|one| one.severity == Severity::Error);
        errors
            .any(|one| pattern.regex.is_match(&one.summary) || pattern.regex.is_match(&one.detail))
    })
}

/// A compiled pattern.
pub(super) struct Pattern {
    /// What runs it.
    pub(super) regex: Regex,
    /// Names of its groups, in their order.
    pub(super) names: Vec<Option<Name>>,
}

/// What is wrong with a pattern, and in which part of it.
pub(super) struct Mistake {
    pub(super) kind: &'static str,
    pub(super) part: String,
}

impl Pattern {
    pub(super) fn compile(pattern: &str) -> Result<Self, Mistake> {
        let mut reader = Reader::new(pattern);
        reader.read()?;
        let written = reader.finish()?;
        let too_large = || Mistake {
            kind: "expression too large",
            part: pattern.to_string(),
        };
        let regex = RegexBuilder::new(&written)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .nest_limit(REGEX_DEPTH_MAX.saturating_mul(4))
            .build()
            .map_err(|_| too_large())?;
        Ok(Self {
            regex,
            names: reader.names,
        })
    }

    /// What a group found, by its name or number. Of several with a name, the first that found something counts.
    pub(super) fn group<'t>(&self, name: &str, captures: &Captures<'t>) -> Option<&'t str> {
        let number = name.bytes().all(|byte| byte.is_ascii_digit());
        if number && (name == "0" || !name.starts_with('0')) {
            return captures.get(name.parse().ok()?).map(|found| found.as_str());
        }
        let mut named = (1..)
            .zip(&self.names)
            .filter(|(_, own)| own.as_deref() == Some(name));
        named.find_map(|(index, _)| captures.get(index).map(|found| found.as_str()))
    }
}

/// How a part is to be read.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    lines: bool,
    dot_newline: bool,
    lazy: bool,
}

/// A part that can be repeated: how it is written, and how often it repeats something inside.
struct Part {
    text: String,
    repeats: u32,
}

/// A group that is open.
struct Group {
    /// What opens it.
    opening: &'static str,
    /// Flags that hold again after it.
    flags: Flags,
    /// Branches that are complete.
    branches: Vec<Part>,
    /// Parts of the branch that is not.
    parts: Vec<Part>,
}

struct Reader<'p> {
    whole: &'p str,
    rest: &'p str,
    flags: Flags,
    groups: Vec<Group>,
    names: Vec<Option<Name>>,
}

fn joined(parts: &[Part], separator: &str) -> Part {
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    Part {
        text: texts.join(separator),
        repeats: parts.iter().map(|part| part.repeats).max().unwrap_or(1),
    }
}

impl<'p> Reader<'p> {
    fn new(whole: &'p str) -> Self {
        let root = Group {
            opening: "",
            flags: Flags::default(),
            branches: Vec::new(),
            parts: Vec::new(),
        };
        Self {
            whole,
            rest: whole,
            flags: Flags::default(),
            groups: alloc::vec![root],
            names: Vec::new(),
        }
    }

    /// What stood between a place and what is left.
    fn since(&self, before: &'p str) -> &'p str {
        before
            .get(..before.len() - self.rest.len())
            .unwrap_or(before)
    }

    fn mistake(kind: &'static str, part: &str) -> Mistake {
        Mistake {
            kind,
            part: part.to_string(),
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or("");
        Some(next)
    }

    fn accept(&mut self, wanted: &str) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    fn push(&mut self, text: String) {
        if let Some(group) = self.groups.last_mut() {
            group.parts.push(Part { text, repeats: 1 });
        }
    }

    /// A part that the flag for case has a say in.
    fn push_folding(&mut self, text: String) {
        let text = if self.flags.fold_case {
            format!("(?i:{text})")
        } else {
            text
        };
        self.push(text);
    }

    fn literal(&mut self, character: char) {
        self.push_folding(format!("\\x{{{:x}}}", u32::from(character)));
    }

    fn read(&mut self) -> Result<(), Mistake> {
        let mut last_repeat: Option<&'p str> = None;
        while let Some(first) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match first {
                '(' if before.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.rest = before.get(1..).unwrap_or("");
                    self.names.push(None);
                    self.open("(")?;
                }
                '[' => self.class()?,
                '\\' => self.escape()?,
                '*' | '+' | '?' => {
                    self.next();
                    self.repeat(before, last_repeat, &first.to_string(), 1)?;
                    repeat = Some(before);
                }
                '{' => match counts(before) {
                    Some(counts) => {
                        self.counted(before, last_repeat, &counts)?;
                        repeat = Some(before);
                    }
                    None => {
                        self.next();
                        self.literal('{');
                    }
                },
                _ => {
                    self.next();
                    self.plain(first)?;
                }
            }
            last_repeat = repeat;
        }
        Ok(())
    }

    fn plain(&mut self, character: char) -> Result<(), Mistake> {
        match character {
            '|' => self.branch(),
            ')' => return self.close(),
            '^' if self.flags.lines => self.push("(?m:^)".into()),
            '^' => self.push("\\A".into()),
            '$' if self.flags.lines => self.push("(?m:$)".into()),
            '$' => self.push("\\z".into()),
            '.' if self.flags.dot_newline => self.push("(?s:.)".into()),
            '.' => self.push("[^\\n]".into()),
            other => self.literal(other),
        }
        Ok(())
    }

    fn open(&mut self, opening: &'static str) -> Result<(), Mistake> {
        if self.groups.len() > REGEX_DEPTH_MAX as usize {
            return Err(Self::mistake("expression nests too deeply", self.whole));
        }
        self.groups.push(Group {
            opening,
            flags: self.flags,
            branches: Vec::new(),
            parts: Vec::new(),
        });
        Ok(())
    }

    fn branch(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            let branch = joined(&group.parts, "");
            group.parts.clear();
            group.branches.push(branch);
        }
    }

    fn close(&mut self) -> Result<(), Mistake> {
        self.branch();
        let group = match self.groups.pop() {
            Some(group) if !self.groups.is_empty() => group,
            _ => return Err(Self::mistake("unexpected )", self.whole)),
        };
        self.flags = group.flags;
        let inside = joined(&group.branches, "|");
        if let Some(outer) = self.groups.last_mut() {
            outer.parts.push(Part {
                text: format!("{}{})", group.opening, inside.text),
                repeats: inside.repeats,
            });
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<String, Mistake> {
        self.branch();
        match self.groups.as_slice() {
            [root] => Ok(joined(&root.branches, "|").text),
            _ => Err(Self::mistake("missing closing )", self.whole)),
        }
    }

    /// After a repetition operator: whether it is lazy, then its application to the last part.
    fn repeat(
        &mut self,
        before: &'p str,
        last_repeat: Option<&'p str>,
        operator: &str,
        times: u32,
    ) -> Result<(), Mistake> {
        let lazy = self.accept("?") != self.flags.lazy;
        if let Some(last) = last_repeat {
            let stacked = self.since(last);
            return Err(Self::mistake("invalid nested repetition operator", stacked));
        }
        let operator_text = self.since(before);
        let last = self
            .groups
            .last_mut()
            .and_then(|group| group.parts.last_mut());
        let Some(part) = last else {
            return Err(Self::mistake(
                "missing argument to repetition operator",
                operator_text,
            ));
        };
        part.repeats = part.repeats.saturating_mul(times.max(1));
        if times >= 2 && part.repeats > REGEX_REPETITIONS_MAX {
            return Err(Self::mistake("invalid repeat count", operator_text));
        }
        let lazy = if lazy { "?" } else { "" };
        part.text = format!("(?:{}){operator}{lazy}", part.text);
        Ok(())
    }

    fn counted(
        &mut self,
        before: &'p str,
        last_repeat: Option<&'p str>,
        counts: &Counts<'p>,
    ) -> Result<(), Mistake> {
        self.rest = counts.after;
        let (min, max) = (counts.min, counts.max);
        let too_many = |count: u32| count > REGEX_REPETITIONS_MAX;
        if too_many(min) || max.is_some_and(|max| too_many(max) || min > max) {
            return Err(Self::mistake("invalid repeat count", self.since(before)));
        }
        let operator = match max {
            Some(max) => format!("{{{min},{max}}}"),
            None => format!("{{{min},}}"),
        };
        self.repeat(before, last_repeat, &operator, max.unwrap_or(min))
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)`, `(?flags:`.
    fn perl_group(&mut self) -> Result<(), Mistake> {
        let before = self.rest;
        for opening in ["(?P<", "(?<"] {
            let Some(named) = before
                .strip_prefix(opening)
                .filter(|named| !named.is_empty())
            else {
                continue;
            };
            let Some((name, after)) = named.split_once('>') else {
                return Err(Self::mistake("invalid named capture", before));
            };
            self.rest = after;
            let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(in_name) {
                return Err(Self::mistake("invalid named capture", self.since(before)));
            }
            self.names.push(Some(Name::from(name)));
            return self.open("(");
        }
        self.rest = before.get(2..).unwrap_or("");
        let mut flags = self.flags;
        let (mut value, mut seen) = (true, false);
        while let Some(flag) = self.next() {
            match flag {
                'i' => flags.fold_case = value,
                'm' => flags.lines = value,
                's' => flags.dot_newline = value,
                'U' => flags.lazy = value,
                '-' if value => {
                    value = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if value || seen => {
                    if flag == ':' {
                        self.open("(?:")?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(Self::mistake(
            "invalid or unsupported Perl syntax",
            self.since(before),
        ))
    }

    /// After a backslash outside of a class.
    fn escape(&mut self) -> Result<(), Mistake> {
        let before = self.rest;
        let simple = [
            ("\\A", "\\A"),
            ("\\b", "(?-u:\\b)"),
            ("\\B", "(?-u:\\B)"),
            ("\\z", "\\z"),
        ];
        for (written, meant) in simple {
            if self.accept(written) {
                self.push(meant.into());
                return Ok(());
            }
        }
        if before.starts_with("\\C") {
            return Err(Self::mistake("invalid escape sequence", "\\C"));
        }
        if self.accept("\\Q") {
            let (text, after) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = after;
            text.chars().for_each(|character| self.literal(character));
            return Ok(());
        }
        if let Some(class) = self.class_escape()? {
            self.push_folding(format!("[{class}]"));
            return Ok(());
        }
        let character = self.character_escape()?;
        self.literal(character);
        Ok(())
    }

    /// `\d` and its like, `\pL`, `\p{Greek}`, as what stands inside of a class.
    fn class_escape(&mut self) -> Result<Option<String>, Mistake> {
        let perl = [
            ("\\d", "0-9"),
            ("\\s", "\\t\\n\\f\\r\\x20"),
            ("\\w", "0-9A-Za-z_"),
            ("\\D", "^0-9"),
            ("\\S", "^\\t\\n\\f\\r\\x20"),
            ("\\W", "^0-9A-Za-z_"),
        ];
        for (written, meant) in perl {
            if self.accept(written) {
                return Ok(Some(format!("[{meant}]")));
            }
        }
        let before = self.rest;
        let mut negative = before.starts_with("\\P");
        if !negative && !before.starts_with("\\p") {
            return Ok(None);
        }
        self.rest = before.get(2..).unwrap_or("");
        let name = match self.next() {
            None => return Err(Self::mistake("invalid character class range", before)),
            Some('{') => {
                let Some((name, after)) = self.rest.split_once('}') else {
                    return Err(Self::mistake("invalid character class range", before));
                };
                self.rest = after;
                name.to_string()
            }
            Some(letter) => letter.to_string(),
        };
        let plain = match name.strip_prefix('^') {
            Some(plain) => {
                negative = !negative;
                plain
            }
            None => &name,
        };
        let letter = if negative { 'P' } else { 'p' };
        let property = match plain {
            "Any" if negative => return Ok(Some("[^\\x{0}-\\x{10ffff}]".into())),
            "Any" => return Ok(Some("\\x{0}-\\x{10ffff}".into())),
            category if CATEGORIES.contains(&category) => format!("\\{letter}{{{category}}}"),
            script => format!("\\{letter}{{Script={script}}}"),
        };
        let exact = plain.starts_with(|c: char| c.is_ascii_uppercase())
            && plain.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        if !exact || Regex::new(&property).is_err() {
            return Err(Self::mistake(
                "invalid character class range",
                self.since(before),
            ));
        }
        Ok(Some(property))
    }

    /// One character after a backslash.
    fn character_escape(&mut self) -> Result<char, Mistake> {
        let before = self.rest;
        self.next();
        let Some(first) = self.next() else {
            return Err(Self::mistake("trailing backslash at end of expression", ""));
        };
        let code = match first {
            '0' => Some(self.octal(0)),
            '1'..='7' if self.rest.starts_with(|c| ('0'..='7').contains(&c)) => {
                Some(self.octal(u32::from(first) - u32::from('0')))
            }
            'x' => self.hexadecimal(),
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
            _ => None,
        };
        code.and_then(char::from_u32)
            .ok_or_else(|| Self::mistake("invalid escape sequence", self.since(before)))
    }

    /// Up to two more octal digits.
    fn octal(&mut self, first: u32) -> u32 {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else {
                break;
            };
            code = code * 8 + digit;
            self.next();
        }
        code
    }

    /// After `\x`: two digits, or any number in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        if self.accept("{") {
            let mut code = 0_u32;
            let mut count = 0;
            loop {
                match self.next()? {
                    '}' if count > 0 => return Some(code),
                    digit => code = code.checked_mul(16)? + digit.to_digit(16)?,
                }
                count += 1;
                if code > u32::from(char::MAX) {
                    return None;
                }
            }
        }
        let high = self.next()?.to_digit(16);
        let low = self.next()?.to_digit(16);
        Some(high? * 16 + low?)
    }

    fn class(&mut self) -> Result<(), Mistake> {
        let before = self.rest;
        self.next();
        let mut text = String::from(if self.accept("^") { "[^" } else { "[" });
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if let Some(named) = self.named_class()? {
                text.push_str(named);
                continue;
            }
            if let Some(class) = self.class_escape()? {
                text.push_str(&class);
                continue;
            }
            let range = self.rest;
            let low = self.class_character(before)?;
            let mut high = low;
            let dashed = self.rest.strip_prefix('-');
            if dashed.is_some_and(|after| !after.is_empty() && !after.starts_with(']')) {
                self.next();
                high = self.class_character(before)?;
                if high < low {
                    return Err(Self::mistake(
                        "invalid character class range",
                        self.since(range),
                    ));
                }
            }
            text.push_str(&format!(
                "\\x{{{:x}}}-\\x{{{:x}}}",
                u32::from(low),
                u32::from(high)
            ));
        }
        self.next();
        text.push(']');
        self.push_folding(text);
        Ok(())
    }

    fn class_character(&mut self, class: &str) -> Result<char, Mistake> {
        if self.rest.starts_with('\\') {
            return self.character_escape();
        }
        self.next()
            .ok_or_else(|| Self::mistake("missing closing ]", class))
    }

    /// `[:alpha:]` and its like.
    fn named_class(&mut self) -> Result<Option<&'p str>, Mistake> {
        let before = self.rest;
        let Some((name, after)) = before
            .strip_prefix("[:")
            .and_then(|rest| rest.split_once(":]"))
        else {
            return Ok(None);
        };
        self.rest = after;
        let whole = self.since(before);
        if NAMED_CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            Ok(Some(whole))
        } else {
            Err(Self::mistake("invalid character class range", whole))
        }
    }
}

const NAMED_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

const CATEGORIES: [&str; 37] = [
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N",
    "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So",
    "Z", "Zl", "Zp", "Zs", "ASCII",
];

/// `{2}`, `{2,}` or `{2,5}`, and what follows it.
struct Counts<'p> {
    min: u32,
    max: Option<u32>,
    after: &'p str,
}

/// None when the brace begins no such thing and stands for itself.
fn counts(text: &str) -> Option<Counts<'_>> {
    let inside = text.strip_prefix('{')?;
    let (min, rest) = count(inside)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = count(rest)?;
            (Some(max), rest)
        }
    };
    let after = rest.strip_prefix('}')?;
    Some(Counts { min, max, after })
}

/// A number without leading zeros; one that is much too large is the largest there is.
fn count(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}
