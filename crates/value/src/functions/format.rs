//! `format` and `formatlist`: texts with verbs, after Go's `fmt` as far as the language has it.

use super::{Call, CallError, Category, Function, Kind, Parameter, STRING, STRINGS};
use crate::limits::FORMAT_WIDTH_MAX;
use crate::{Data, Number, Type, Unknown, Value, convert, json};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use num_bigint::BigInt;
use num_traits::Signed;
use unicode_segmentation::UnicodeSegmentation;

const FORMAT: Parameter = Parameter::new("format", Kind::String);
const ARGS: Parameter = Parameter::new("args", Kind::Any).nullable().seen();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "format",
        Category::String,
        "A text with values in place of its verbs (%s, %d, %q, ...).",
        &[FORMAT],
        STRING,
        |call| {
            let arguments: Vec<&Value> = call.rest(1).iter().collect();
            let text = call.text(0)?;
            if arguments.iter().all(|argument| argument.is_wholly_known()) {
                return interpret(call, text, &arguments);
            }
            // What stands before the first verb is certain; without one, the arguments are too many.
            let literal = text.split_once('%').map_or("", |(before, _)| before);
            Ok(Unknown::string_with_prefix(literal).into())
        },
    )
    .variadic(ARGS.typed()),
    Function::new(
        "formatlist",
        Category::String,
        "Texts with verbs, one for each element of the lists given.",
        &[FORMAT],
        STRINGS,
        formatlist,
    )
    .variadic(ARGS.typed()),
];

/// What an argument of `formatlist` is for its rounds.
enum Rounds {
    /// The same in each.
    Single,
    /// One of so many elements in each.
    Each(usize),
    /// One element in each, but it is not known how many there are.
    Open,
}

fn rounds_of(argument: &Value) -> Rounds {
    if let Data::Unknown(unknown) = argument.data() {
        return match &unknown.ty {
            Type::Bool | Type::Number | Type::String | Type::Map(_) | Type::Object(_) => {
                Rounds::Single
            }
            Type::Tuple(elements) => Rounds::Each(elements.len()),
            Type::Any | Type::List(_) | Type::Set(_) => Rounds::Open,
        };
    }
    // Elements of a set may turn out to be the same.
    let is_set = matches!(argument.data(), Data::Set(..));
    match argument.elements() {
        Some(items) if is_set && items.len() > 1 && !argument.is_wholly_known() => Rounds::Open,
        Some(items) => Rounds::Each(items.len()),
        None => Rounds::Single,
    }
}

fn formatlist(call: &Call<'_>) -> Result<Value, CallError> {
    let text = call.text(0)?;
    let arguments = call.rest(1);
    let mut rounds: Option<(usize, usize)> = None;
    let mut is_open = false;
    for (position, argument) in arguments.iter().enumerate() {
        let length = match rounds_of(argument) {
            Rounds::Single => continue,
            Rounds::Open => {
                is_open = true;
                continue;
            }
            Rounds::Each(length) => length,
        };
        is_open |= !argument.is_known();
        match rounds {
            Some((first, others)) if others != length => {
                return Err(CallError::argument(
                    position + 1,
                    format!(
                        "argument {} has length {length}, which is inconsistent with argument {first} of length {others}",
                        position + 1,
                    ),
                ));
            }
            Some(_) => {}
            None => rounds = Some((position + 1, length)),
        }
    }
    if is_open {
        return Ok(Value::unknown_not_null(Type::list(Type::String)));
    }
    let mut results = Vec::new();
    for round in 0..rounds.map_or(1, |(_, length)| length) {
        let row: Vec<&Value> = arguments
            .iter()
            .map(|argument| match argument.elements() {
                Some(items) => items.get(round).unwrap_or(argument),
                None => argument,
            })
            .collect();
        results.push(interpret(call, text, &row).map_err(|error| {
            CallError::new(format!(
                "error on format iteration {round}: {}",
                error.message
            ))
        })?);
    }
    Ok(Value::list(Type::String, results))
}

/// One verb with its flags.
#[derive(Default)]
struct Verb<'t> {
    /// As written, and where in the format.
    source: &'t str,
    offset: usize,
    letter: char,
    plus: bool,
    minus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    /// Position of the argument, counted from one, where it is given.
    argument: Option<usize>,
}

/// The text with values filled in: unknown as soon as one of them is, whatever the rest says.
fn interpret(call: &Call<'_>, text: &str, arguments: &[&Value]) -> Result<Value, CallError> {
    if !arguments.iter().all(|argument| argument.is_wholly_known()) {
        return Ok(Value::unknown_not_null(Type::String));
    }
    let mut out = String::new();
    let mut next = 0;
    let mut used = 0;
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("%%") {
            out.push('%');
            rest = after;
            continue;
        }
        let verb = parse_verb(from, text.len() - from.len(), call)?;
        rest = from.get(verb.source.len()..).unwrap_or("");
        if !"vtbdoxXeEfgGsq".contains(verb.letter) {
            let offset = verb.offset;
            return Err(CallError::new(if call.hidden {
                format!("unsupported format verb at offset {offset}")
            } else {
                format!(
                    "unsupported format verb '{}' in {:?} at offset {offset}",
                    verb.letter, verb.source
                )
            }));
        }
        let position = verb.argument.unwrap_or(next + 1);
        next = position;
        used = used.max(position);
        let Some(argument) = position
            .checked_sub(1)
            .and_then(|index| arguments.get(index))
        else {
            return Err(CallError::new(format!(
                "not enough arguments for {} at {}: need index {position} but have {} total",
                call.shown(verb.source),
                verb.offset,
                arguments.len()
            )));
        };
        out.push_str(&apply(&verb, argument, call)?.unwrap_or_default());
    }
    out.push_str(rest);
    if used < arguments.len() {
        return Err(CallError::argument(
            used + 1,
            format!("too many arguments; only {used} used by format string"),
        ));
    }
    Ok(Value::string(out))
}

fn parse_verb<'t>(from: &'t str, offset: usize, call: &Call<'_>) -> Result<Verb<'t>, CallError> {
    let mut verb = Verb {
        offset,
        ..Verb::default()
    };
    let bytes = from.as_bytes();
    let mut at = 1;
    let number = |at: &mut usize| -> Option<usize> {
        let start = *at;
        while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
        from.get(start..*at)?.parse().ok()
    };
    loop {
        match bytes.get(at) {
            Some(b'+') => verb.plus = true,
            Some(b'-') => verb.minus = true,
            Some(b' ') => verb.space = true,
            Some(b'#') => verb.sharp = true,
            Some(b'0') => verb.zero = true,
            _ => break,
        }
        at += 1;
    }
    verb.width = number(&mut at).unwrap_or(0);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        verb.precision = Some(number(&mut at).unwrap_or(0));
    }
    if bytes.get(at) == Some(&b'[') {
        at += 1;
        let digits_at = at;
        let position = number(&mut at).filter(|position| *position > 0);
        if position.is_none() {
            return Err(unrecognized(from, digits_at, offset, call));
        }
        if bytes.get(at) != Some(&b']') {
            return Err(unrecognized(from, at, offset, call));
        }
        verb.argument = position;
        at += 1;
    }
    if verb.width > FORMAT_WIDTH_MAX
        || verb
            .precision
            .is_some_and(|places| places > FORMAT_WIDTH_MAX)
    {
        return Err(CallError::argument(
            0,
            format!("width and precision must not be greater than {FORMAT_WIDTH_MAX}"),
        ));
    }
    match from.get(at..).and_then(|rest| rest.chars().next()) {
        Some(letter) if letter.is_alphabetic() => {
            verb.letter = letter;
            verb.source = from.get(..at + letter.len_utf8()).unwrap_or("");
            Ok(verb)
        }
        _ => Err(unrecognized(from, at, offset, call)),
    }
}

fn unrecognized(from: &str, at: usize, offset: usize, call: &Call<'_>) -> CallError {
    let place = offset + at;
    CallError::new(match from.get(at..).and_then(|rest| rest.chars().next()) {
        Some(_) if call.hidden => format!("unrecognized format character at offset {place}"),
        Some(character) => format!("unrecognized format character '{character}' at offset {place}"),
        None => format!("invalid format string starting at offset {place}"),
    })
}

fn unsupported(verb: &Verb<'_>, why: &str, call: &Call<'_>) -> CallError {
    CallError::new(format!(
        "unsupported value for {} at {}: {why}",
        call.shown(verb.source),
        verb.offset
    ))
}

/// The value as the verb wants it; none never for a value that is known.
fn apply(verb: &Verb<'_>, argument: &Value, call: &Call<'_>) -> Result<Option<String>, CallError> {
    if verb.letter == 'v' {
        return Ok(Some(any(verb, argument)));
    }
    if argument.is_null() {
        return Err(unsupported(verb, "null value cannot be formatted", call));
    }
    let wanted = match verb.letter {
        't' => Type::Bool,
        's' | 'q' => Type::String,
        _ => Type::Number,
    };
    let value =
        convert(argument, &wanted).map_err(|error| unsupported(verb, &error.to_string(), call))?;
    Ok(match value.data() {
        Data::Bool(truth) => Some(truth.to_string()),
        Data::String(text) => {
            let mut text = cut(text, verb.precision);
            if verb.letter == 'q' {
                let mut quoted = String::new();
                json::write_text(&mut quoted, &text);
                text = quoted;
            }
            Some(pad(verb, text))
        }
        Data::Number(number) => Some(match verb.letter {
            'b' | 'd' | 'o' | 'x' | 'X' => {
                let integer = number
                    .to_bigint()
                    .ok_or_else(|| unsupported(verb, "an integer is required", call))?;
                whole(verb, &integer)
            }
            _ => fractional(verb, number),
        }),
        _ => None,
    })
}

/// `%v`: texts as they are, numbers as `%g`, everything else as JSON.
fn any(verb: &Verb<'_>, value: &Value) -> String {
    match value.data() {
        Data::String(text) if !verb.sharp => pad(verb, cut(text, verb.precision)),
        Data::Number(number) if !verb.sharp => {
            let whole = Verb {
                precision: None,
                source: verb.source,
                ..*verb
            };
            fractional(&whole, number)
        }
        _ => pad(verb, json::to_string(value).unwrap_or_default()),
    }
}

/// A precision of nothing leaves a text whole, other than a number's fraction.
fn cut(text: &str, precision: Option<usize>) -> String {
    match precision.filter(|length| *length > 0) {
        Some(length) => text.graphemes(true).take(length).collect(),
        None => text.to_string(),
    }
}

fn pad(verb: &Verb<'_>, text: String) -> String {
    let missing = verb.width.saturating_sub(text.graphemes(true).count());
    if verb.minus {
        text + &" ".repeat(missing)
    } else if verb.zero {
        "0".repeat(missing) + &text
    } else {
        " ".repeat(missing) + &text
    }
}

/// A number's digits with its sign; zeros go between the two.
fn signed(verb: &Verb<'_>, negative: bool, digits: &str) -> String {
    let sign = match (negative, verb.plus, verb.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    if verb.zero && !verb.minus {
        let missing = verb.width.saturating_sub(sign.len() + digits.len());
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    pad(verb, format!("{sign}{digits}"))
}

fn whole(verb: &Verb<'_>, integer: &BigInt) -> String {
    let (radix, prefix) = match verb.letter {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = integer.magnitude().to_str_radix(radix);
    if verb.letter == 'X' {
        digits.make_ascii_uppercase();
    }
    if verb.sharp {
        digits.insert_str(0, prefix);
    }
    signed(verb, integer.is_negative(), &digits)
}

fn fractional(verb: &Verb<'_>, number: &Number) -> String {
    let magnitude = number.abs();
    let mut digits = match verb.letter {
        'f' => magnitude.to_fixed(verb.precision.unwrap_or(6)),
        'e' | 'E' => {
            let (digits, exponent) = magnitude.to_scientific(verb.precision.unwrap_or(6) + 1);
            exponential(&digits, exponent)
        }
        _ => general(&magnitude, verb.precision),
    };
    if verb.letter == 'E' || verb.letter == 'G' {
        digits.make_ascii_uppercase();
    }
    signed(verb, number.is_negative(), &digits)
}

fn exponential(digits: &str, exponent: i64) -> String {
    let (first, rest) = digits.split_at(digits.len().min(1));
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

/// `%g`: the shortest digits (or as many as the precision says), with an exponent where that is more readable.
fn general(number: &Number, precision: Option<usize>) -> String {
    if number.is_zero() {
        return "0".to_string();
    }
    let (digits, exponent, bound) = match precision {
        None => {
            let (digits, exponent) = number.shortest_digits();
            (digits, exponent, 6)
        }
        Some(precision) => {
            let (digits, exponent) = number.to_scientific(precision.max(1));
            let digits = digits.trim_end_matches('0').to_string();
            let mut bound = i64::try_from(precision.max(1)).unwrap_or(i64::MAX);
            let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
            if bound > length && length > exponent {
                bound = length;
            }
            (digits, exponent, bound)
        }
    };
    if exponent < -4 || exponent >= bound {
        return exponential(&digits, exponent);
    }
    match usize::try_from(exponent) {
        Ok(exponent) if digits.len() > exponent + 1 => {
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{whole}.{fraction}")
        }
        Ok(exponent) => format!("{digits}{}", "0".repeat(exponent + 1 - digits.len())),
        Err(_) => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
    }
}
