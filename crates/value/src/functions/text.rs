//! Text. Characters are grapheme clusters wherever positions or lengths are counted.

use super::{
    BOOL, Call, CallError, Category, Function, Kind, Parameter, Returns, STRING, STRING_LIST,
    STRINGS, strings,
};
use crate::limits::{FORMAT_WIDTH_MAX, REGEX_BYTES_MAX};
use crate::unknown::prefix_of;
use crate::{Name, Type, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use regex::{Captures, Regex, RegexBuilder};
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
        &[Parameter::new("spaces", Kind::Number), STR],
        STRING,
        indent,
    ),
    function(
        "join",
        "All elements of the lists as one text, with a separator between them.",
        &[Parameter::new("separator", Kind::String)],
        STRING,
        join,
    )
    .variadic(Parameter::new("lists", STRING_LIST)),
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
        Returns::Follows(regex_type),
        regex_first,
    ),
    function(
        "regexall",
        "Everything that a regular expression finds, as a list.",
        &[
            Parameter::new("pattern", Kind::String),
            Parameter::new("string", Kind::String),
        ],
        Returns::Follows(|arguments| Type::list(regex_type(arguments))),
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
    ),
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
        &[STR, Parameter::new("cutset", Kind::String)],
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

/// Case is changed character by character, as in the language this one follows: what would become several stays.
fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

fn indent(call: &Call<'_>) -> Result<Value, CallError> {
    let spaces = usize::try_from(call.integer(0)?)
        .ok()
        .filter(|spaces| *spaces <= FORMAT_WIDTH_MAX)
        .ok_or_else(|| {
            CallError::argument(0, format!("must be between 0 and {FORMAT_WIDTH_MAX}"))
        })?;
    let padding = format!("\n{}", " ".repeat(spaces));
    Ok(Value::string(call.text(1)?.replace('\n', &padding)))
}

fn join(call: &Call<'_>) -> Result<Value, CallError> {
    let separator = call.text(0)?;
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
    if prefix.starts_with(begins) {
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
    let taken = match length {
        ..=-2 => {
            return Err(CallError::argument(2, "length must be -1 or greater"));
        }
        -1 => usize::MAX,
        _ => usize::try_from(length).unwrap_or(usize::MAX),
    };
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
                single(character, character.to_uppercase())
            } else {
                character
            }
        })
        .collect()
}

fn compile(pattern: &str, index: usize) -> Result<Regex, CallError> {
    RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| {
            // The last line says what is wrong; those before it draw a picture of the pattern.
            let text = error.to_string();
            let reason = text.lines().next_back().unwrap_or("");
            let reason = reason.trim_start_matches("error: ").trim_end_matches('.');
            CallError::argument(index, format!("invalid regexp pattern: {reason}"))
        })
}

/// How the groups of a pattern are given.
enum Groups {
    None,
    Numbered(usize),
    Named(Vec<Name>),
}

fn groups(pattern: &Regex) -> Result<Groups, CallError> {
    let names: Vec<Name> = pattern.capture_names().flatten().map(Name::from).collect();
    let count = pattern.captures_len() - 1;
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
fn regex_type(arguments: &[Value]) -> Type {
    let pattern = arguments.first().and_then(Value::as_str);
    let Some(Ok(pattern)) = pattern.map(|pattern| compile(pattern, 0)) else {
        return Type::Any;
    };
    finding_type(&groups(&pattern).unwrap_or(Groups::None))
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
            let attribute = |name: &Name| (name.clone(), group(captures.name(name)));
            Value::object(names.iter().map(attribute).collect())
        }
    }
}

fn regex_first(call: &Call<'_>) -> Result<Value, CallError> {
    let pattern = compile(call.text(0)?, 0)?;
    let groups = groups(&pattern)?;
    match pattern.captures(call.text(1)?) {
        Some(captures) => Ok(finding(&groups, &captures)),
        None => Err(CallError::new(
            "pattern did not match any part of the given string",
        )),
    }
}

fn regex_all(call: &Call<'_>) -> Result<Value, CallError> {
    let pattern = compile(call.text(0)?, 0)?;
    let groups = groups(&pattern)?;
    let found = pattern.captures_iter(call.text(1)?);
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
    Ok(Value::string(match pattern {
        Some(pattern) => compile(pattern, 1)?
            .replace_all(text, replacement)
            .into_owned(),
        None => text.replace(wanted, replacement),
    }))
}
