//! Text. Characters are grapheme clusters wherever positions or lengths are counted.

use super::pattern::Pattern;
use super::{
    BOOL, Call, CallError, Category, Function, Kind, Parameter, Returns, STRING, STRING_LIST,
    STRINGS, follows, strings,
};
use crate::limits::FORMAT_WIDTH_MAX;
use crate::unknown::prefix_of;
use crate::{Name, Type, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use regex::Captures;
use unicode_segmentation::UnicodeSegmentation;

const STR: Parameter = Parameter::new("str", Kind::String);

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::String,
        description,
        parameters,
        returns,
        body,
    )
}

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "chomp",
        "The text without newlines at its end.",
        &[STR],
        STRING,
        |call| Ok(Value::string(call.text(0)?.trim_end_matches(['\r', '\n']))),
    ),
    function(
        "endswith",
        "Whether a text ends with another.",
        &[STR, Parameter::new("suffix", Kind::String)],
        BOOL,
        |call| Ok(Value::bool(call.text(0)?.ends_with(call.text(1)?))),
    ),
    function(
        "indent",
        "The text with every line but the first moved right by so many spaces.",
        &[
            Parameter::new("spaces", Kind::Number)
                .described("How many spaces follow each line break."),
            STR,
        ],
        STRING,
        indent,
    ),
    function(
        "join",
        "All elements of the lists as one text, with a separator between them.",
        &[
            Parameter::new("separator", Kind::String)
                .described("What stands between two elements."),
        ],
        STRING,
        join,
    )
    .variadic(
        Parameter::new("lists", STRING_LIST).described("Lists of texts, one after the other."),
    ),
    function(
        "lower",
        "The text in small letters.",
        &[STR],
        STRING,
        |call| {
            Ok(Value::string(
                call.text(0)?
                    .chars()
                    .map(|c| single(c, c.to_lowercase()))
                    .collect::<String>(),
            ))
        },
    ),
    function(
        "regex",
        "What a regular expression finds first: the text, or its groups as a tuple or, when named, as an object.",
        &[
            Parameter::new("pattern", Kind::String),
            Parameter::new("string", Kind::String),
        ],
        follows(regex_type),
        regex_first,
    ),
    function(
        "regexall",
        "Everything that a regular expression finds, as a list.",
        &[
            Parameter::new("pattern", Kind::String),
            Parameter::new("string", Kind::String),
        ],
        follows(|call| Ok(Type::list(regex_type(call)?))),
        regex_all,
    ),
    function(
        "replace",
        "The text with every occurrence of another (or, between slashes, of a regular expression) replaced.",
        &[
            STR,
            Parameter::new("substr", Kind::String),
            Parameter::new("replace", Kind::String),
        ],
        STRING,
        replace,
    ),
    function(
        "split",
        "The parts of a text between separators.",
        &[Parameter::new("separator", Kind::String), STR],
        STRINGS,
        |call| {
            let (separator, text) = (call.text(0)?, call.text(1)?);
            Ok(if separator.is_empty() {
                strings(text.chars().map(|character| character.to_string()))
            } else {
                strings(text.split(separator))
            })
        },
    ),
    function(
        "startswith",
        "Whether a text begins with another.",
        &[STR.seen(), Parameter::new("prefix", Kind::String)],
        BOOL,
        startswith,
    ),
    function(
        "strcontains",
        "Whether a text contains another.",
        &[STR, Parameter::new("substr", Kind::String)],
        BOOL,
        |call| Ok(Value::bool(call.text(0)?.contains(call.text(1)?))),
    )
    .maybe_null(),
    function(
        "strrev",
        "The characters of a text in reverse order.",
        &[STR],
        STRING,
        |call| {
            Ok(Value::string(
                call.text(0)?.graphemes(true).rev().collect::<String>(),
            ))
        },
    ),
    function(
        "substr",
        "Part of a text by offset (negative: from its end) and length (-1: all the rest).",
        &[
            STR,
            Parameter::new("offset", Kind::Number),
            Parameter::new("length", Kind::Number),
        ],
        STRING,
        substr,
    ),
    function(
        "title",
        "The text with every word beginning with a capital.",
        &[STR],
        STRING,
        |call| Ok(Value::string(title(call.text(0)?))),
    ),
    function(
        "trim",
        "The text without these characters at its ends.",
        &[
            STR,
            Parameter::new("cutset", Kind::String)
                .described("All characters that are taken away, in any order."),
        ],
        STRING,
        |call| {
            let cutset: Vec<char> = call.text(1)?.chars().collect();
            Ok(Value::string(call.text(0)?.trim_matches(cutset.as_slice())))
        },
    ),
    function(
        "trimprefix",
        "The text without another at its beginning.",
        &[STR, Parameter::new("prefix", Kind::String)],
        STRING,
        |call| {
            let text = call.text(0)?;
            Ok(Value::string(
                text.strip_prefix(call.text(1)?).unwrap_or(text),
            ))
        },
    ),
    function(
        "trimspace",
        "The text without white space at its ends.",
        &[STR],
        STRING,
        |call| Ok(Value::string(call.text(0)?.trim())),
    ),
    function(
        "trimsuffix",
        "The text without another at its end.",
        &[STR, Parameter::new("suffix", Kind::String)],
        STRING,
        |call| {
            let text = call.text(0)?;
            Ok(Value::string(
                text.strip_suffix(call.text(1)?).unwrap_or(text),
            ))
        },
    ),
    function("upper", "The text in capitals.", &[STR], STRING, |call| {
        Ok(Value::string(
            call.text(0)?
                .chars()
                .map(|c| single(c, c.to_uppercase()))
                .collect::<String>(),
        ))
    }),
];

/// Case is changed character by character, as in the language this one follows: what would become several stays, except
/// for the one that has a plain counterpart.
fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ if character == 'İ' => 'i',
        _ => character,
    }
}

/// The form of a character at the beginning of a word, which differs from the capital for a few.
fn title_case(character: char) -> char {
    match character {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        // Georgian letters have capitals for whole words only.
        'ა'..='ჿ' => character,
        other => single(other, other.to_uppercase()),
    }
}

fn indent(call: &Call<'_>) -> Result<Value, CallError> {
    let spaces = usize::try_from(call.integer(0)?)
        .ok()
        .filter(|spaces| *spaces <= FORMAT_WIDTH_MAX)
        .ok_or_else(|| {
            CallError::new(format!(
                "the number of spaces must be between 0 and {FORMAT_WIDTH_MAX}"
            ))
        })?;
    let padding = format!("\n{}", " ".repeat(spaces));
    Ok(Value::string(call.text(1)?.replace('\n', &padding)))
}

fn join(call: &Call<'_>) -> Result<Value, CallError> {
    let separator = call.text(0)?;
    if call.rest(1).is_empty() {
        return Err(CallError::new("at least one list is required"));
    }
    let mut joined = String::new();
    let mut first = true;
    for index in 1..=call.rest(1).len() {
        for (position, text) in call.texts(index)?.enumerate() {
            let Some(text) = text else {
                return Err(CallError::argument(
                    index,
                    format!("element {position} is null; cannot concatenate null values"),
                ));
            };
            if !first {
                joined.push_str(separator);
            }
            first = false;
            joined.push_str(text);
        }
    }
    Ok(Value::string(joined))
}

/// A known beginning can decide before the whole text is known.
fn startswith(call: &Call<'_>) -> Result<Value, CallError> {
    let text = call.value(0)?;
    let prefix = call.text(1)?;
    let begins = prefix_of(text).unwrap_or("");
    if text.is_known() || begins.starts_with(prefix) {
        return Ok(Value::bool(begins.starts_with(prefix)));
    }
    // Of a longer one than is known nothing is said, though its beginning may already differ.
    if prefix.len() > begins.len() {
        return Ok(Value::unknown_not_null(Type::Bool));
    }
    Ok(Value::bool(false))
}

fn substr(call: &Call<'_>) -> Result<Value, CallError> {
    let text = call.text(0)?;
    let (offset, length) = (call.integer(1)?, call.integer(2)?);
    let skipped = if offset < 0 {
        let total = text.graphemes(true).count();
        total.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(offset).unwrap_or(usize::MAX)
    };
    // Less than nothing is all the rest.
    let taken = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Value::string(
        text.graphemes(true)
            .skip(skipped)
            .take(taken)
            .collect::<String>(),
    ))
}

fn title(text: &str) -> String {
    let mut previous = ' ';
    text.chars()
        .map(|character| {
            let begins = if previous.is_ascii() {
                !previous.is_ascii_alphanumeric() && previous != '_'
            } else {
                !previous.is_alphanumeric() && previous.is_whitespace()
            };
            previous = character;
            if begins {
                title_case(character)
            } else {
                character
            }
        })
        .collect()
}

fn compile(pattern: &str, index: usize) -> Result<Pattern, CallError> {
    Pattern::compile(pattern).map_err(|mistake| {
        let why = format!("{} in {}", mistake.kind, mistake.part);
        CallError::argument(index, format!("invalid regexp pattern: {why}"))
    })
}

/// How the groups of a pattern are given.
enum Groups {
    None,
    Numbered(usize),
    Named(Vec<Name>),
}

fn groups(pattern: &Pattern) -> Result<Groups, CallError> {
    let names: Vec<Name> = pattern.names.iter().flatten().cloned().collect();
    let count = pattern.names.len();
    if names.is_empty() {
        Ok(if count == 0 {
            Groups::None
        } else {
            Groups::Numbered(count)
        })
    } else if names.len() == count {
        Ok(Groups::Named(names))
    } else {
        Err(CallError::argument(
            0,
            "invalid regexp pattern: cannot mix both named and unnamed capture groups",
        ))
    }
}

/// The type of one finding, as far as the pattern is known.
fn regex_type(call: &Call<'_>) -> Result<Type, CallError> {
    match call.value(0)?.as_str() {
        Some(pattern) => Ok(finding_type(&groups(&compile(pattern, 0)?)?)),
        None => Ok(Type::Any),
    }
}

fn finding_type(groups: &Groups) -> Type {
    match groups {
        Groups::None => Type::String,
        Groups::Numbered(count) => Type::tuple(alloc::vec![Type::String; *count]),
        Groups::Named(names) => Type::object(names.iter().map(|name| (name.clone(), Type::String))),
    }
}

fn finding(groups: &Groups, captures: &Captures<'_>) -> Value {
    let group = |found: Option<regex::Match<'_>>| match found {
        Some(found) => Value::string(found.as_str()),
        None => Value::null(Type::String),
    };
    match groups {
        Groups::None => group(captures.get(0)),
        Groups::Numbered(count) => Value::tuple(
            (1..=*count)
                .map(|index| group(captures.get(index)))
                .collect(),
        ),
        Groups::Named(names) => {
            let attribute =
                |(index, name): (usize, &Name)| (name.clone(), group(captures.get(index + 1)));
            Value::object(names.iter().enumerate().map(attribute).collect())
        }
    }
}

fn regex_first(call: &Call<'_>) -> Result<Value, CallError> {
    let pattern = compile(call.text(0)?, 0)?;
    let groups = groups(&pattern)?;
    match pattern.regex.captures(call.text(1)?) {
        Some(captures) => Ok(finding(&groups, &captures)),
        None => Err(CallError::new(
            "pattern did not match any part of the given string",
        )),
    }
}

fn regex_all(call: &Call<'_>) -> Result<Value, CallError> {
    let pattern = compile(call.text(0)?, 0)?;
    let groups = groups(&pattern)?;
    let found = pattern.regex.captures_iter(call.text(1)?);
    Ok(Value::list(
        finding_type(&groups),
        found.map(|captures| finding(&groups, &captures)).collect(),
    ))
}

fn replace(call: &Call<'_>) -> Result<Value, CallError> {
    let (text, wanted, replacement) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let pattern = wanted
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let Some(pattern) = pattern else {
        return Ok(Value::string(text.replace(wanted, replacement)));
    };
    let pattern = Pattern::compile(pattern).map_err(|mistake| {
        let shown = if call.hidden { "" } else { &mistake.part };
        CallError::new(format!("error parsing regexp: {}: `{shown}`", mistake.kind))
    })?;
    let replaced = pattern.regex.replace_all(text, |captures: &Captures<'_>| {
        expand(replacement, &pattern, captures)
    });
    Ok(Value::string(replaced))
}

/// A replacement with what the groups found: `$1`, `$name`, `${name}`; `$$` is a dollar sign. The name of a group is
/// the longest there can be, and one that is no group stands for nothing.
fn expand(template: &str, pattern: &Pattern, captures: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let braced = after.strip_prefix('{');
        let named = braced.unwrap_or(after);
        let in_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = named.find(|c| !in_name(c)).unwrap_or(named.len());
        let (name, after_name) = named.split_at(length);
        let end = match braced {
            Some(_) => after_name.strip_prefix('}'),
            None => Some(after_name),
        };
        match end {
            Some(end) if !name.is_empty() => {
                out.push_str(pattern.group(name, captures).unwrap_or(""));
                rest = end;
            }
            _ => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
