//! SF013: the text is JSON, but not the JSON form of the language.

use super::*;
use crate::suggest::did_you_mean;
use alloc::format;

pub(crate) fn ends_early(span: Span) -> Diagnostic {
    let detail = "The text ends where a value must stand. Is the file whole?";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn invalid_start(span: Span, character: char) -> Diagnostic {
    let detail = match character {
        '\'' => "JSON has only double quotes (\") around text.".into(),
        '#' | '/' => {
            "JSON has no comments. A property with the name \"//\" is one: \"//\": \"text\".".into()
        }
        '\u{feff}' => {
            "The file begins with a byte order mark, which JSON does not have. Save it as UTF-8 without one.".into()
        }
        other => format!(
            "No value begins with \"{}\". A value is an object, an array, a text in double quotes, a number, true, false or null.",
            other.escape_debug()
        ),
    };
    error(INVALID_JSON, detail, span)
}

pub(crate) fn value_missing(span: Span) -> Diagnostic {
    let detail = "A value is missing before this: an object, an array, a text in double quotes, a number, true, false or null.";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn name_required(span: Span) -> Diagnostic {
    let detail = "Here the name of a property must stand, in double quotes.";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn colon_missing(span: Span) -> Diagnostic {
    let detail = "Between the name of a property and its value stands a colon.";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn comma_missing(span: Span) -> Diagnostic {
    let detail = "A comma is missing before this, or the closing bracket of what stands before it.";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn trailing_comma(span: Span) -> Diagnostic {
    let detail = "Behind the last item JSON has no comma. Remove it.";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn mismatched(span: Span, close: char) -> Diagnostic {
    let detail = format!("What is open here is closed by {close}. Is a bracket missing before it?");
    error(INVALID_JSON, detail, span)
}

pub(crate) fn behind_the_end(span: Span) -> Diagnostic {
    let detail = "The value of the file has ended before this. A file holds one object.";
    error(INVALID_JSON, detail, span)
}

pub(crate) fn unclosed(span: Span, close: char) -> Diagnostic {
    let detail = format!(
        "What is opened here has no closing {close} before the end of the file. It may be missing further up, in what is nested inside."
    );
    error(UNCLOSED_BRACKET, detail, span)
}

pub(crate) fn invalid_word(span: Span, word: &str) -> Diagnostic {
    let detail = format!(
        "\"{word}\" is not one of the words of JSON: true, false and null. Text needs double quotes."
    );
    let suggestion = did_you_mean(word, ["true", "false", "null"]);
    suggest(error(INVALID_JSON, detail, span), suggestion)
}

pub(crate) fn invalid_number(span: Span, text: &str) -> Diagnostic {
    let detail = format!(
        "{text} is not a number of JSON. Before the decimal point stands a digit (and no zero before others), behind it another: 0.5, -1, 2e10."
    );
    error(INVALID_JSON_NUMBER, detail, span)
}

pub(crate) fn invalid_escape(span: Span) -> Diagnostic {
    let detail = "This escape means nothing in JSON. A backslash is followed by \", \\, /, b, f, n, r, t or by u and four hexadecimal digits.";
    error(INVALID_JSON_STRING, detail, span)
}

pub(crate) fn control_character(span: Span) -> Diagnostic {
    let detail = "A control character cannot stand in a JSON text as it is. Write it as an escape: \\t for a tab, \\u001b for others.";
    error(INVALID_JSON_STRING, detail, span)
}

pub(crate) fn duplicate_property(span: Span, name: &str, first: Span) -> Diagnostic {
    let detail = format!("The object has a property \"{name}\" already. Remove one of the two.");
    error(DUPLICATE_PROPERTY, detail, span).hint("first set here", Some(first))
}

pub(crate) fn root_object(span: Span, found: &str) -> Diagnostic {
    let detail = format!(
        "A definition in JSON is an object whose properties are blocks, or an array of such objects. This is {found}."
    );
    error(WRONG_JSON_VALUE, detail, span)
}

pub(crate) fn object_required(span: Span, found: &str) -> Diagnostic {
    let detail = format!(
        "Here the inside of a block must stand: an object with its arguments and blocks. This is {found}."
    );
    error(WRONG_JSON_VALUE, detail, span)
}

pub(crate) fn block_required(span: Span, kind: &str, found: &str) -> Diagnostic {
    let detail = format!(
        "\"{kind}\" is a kind of block: its value is an object, or an array of objects for several blocks. This is {found}."
    );
    error(WRONG_JSON_VALUE, detail, span)
}

pub(crate) fn labels_required(span: Span, kind: &str, label: &str, found: &str) -> Diagnostic {
    let detail = format!(
        "Blocks of type {kind} have a label, their {label}: here an object must stand whose properties are named by it. This is {found}."
    );
    error(WRONG_JSON_VALUE, detail, span)
}

pub(crate) fn label_missing(span: Span, kind: &str, label: &str) -> Diagnostic {
    let detail = format!(
        "Blocks of type {kind} have a label, their {label}: at least one property must stand here, named by it. To have no such block, leave out \"{kind}\"."
    );
    error(LABEL_MISSING, detail, span)
}

pub(crate) fn reference_required(span: Span, because: &str, sequence: bool) -> Diagnostic {
    let detail = format!(
        "This text must hold a reference or an expression as the native syntax writes it, such as TYPE.NAME{because}."
    );
    let found = error(REFERENCE_REQUIRED, detail, span);
    if sequence {
        found.hint(
            "leave out ${ and }: here the text itself is the expression",
            None,
        )
    } else {
        found
    }
}
