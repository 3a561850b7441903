//! SF01: the text is not HCL.

use super::*;
use crate::limits::{NESTING_DEPTH_MAX, SOURCE_BYTES_MAX, TOKENS_PER_SOURCE_MAX};
use alloc::format;

pub(crate) fn invalid_character(span: Span, character: char) -> Diagnostic {
    let detail = match character {
        '\'' => "Single quotes are not quotes here. Use double quotes (\") around text.".into(),
        '`' => "Backticks are not quotes here. For a text of several lines use a heredoc (<<EOT).".into(),
        '\u{201c}' | '\u{201d}' => {
            "These are typographic quotes, as word processors make them. Use straight ones (\").".into()
        }
        ';' => "Arguments are not separated by semicolons. Put each on a line of its own.".into(),
        '&' => "There is no operator \"&\". For the logical \"and\" use \"&&\".".into(),
        '|' => "There is no operator \"|\". For the logical \"or\" use \"||\".".into(),
        '$' => "Outside of quotes an expression stands for itself: write it without ${ and }.".into(),
        '^' => "There is no operator \"^\". For powers use the function pow.".into(),
        '\0' => "The text contains a NUL byte: it is probably not a text file, or in another encoding than UTF-8.".into(),
        '\r' => "A carriage return stands alone. Lines end with a line feed, or with both.".into(),
        other if other.is_control() || !other.is_ascii() => format!(
            "The character U+{:04X} has no meaning outside of quotes and comments. Remove it.",
            u32::from(other)
        ),
        other => format!("The character \"{other}\" has no meaning here. Remove it."),
    };
    error(INVALID_CHARACTER, detail, span)
}

pub(crate) fn stray_trim_marker(span: Span) -> Diagnostic {
    let detail =
        "~} ends a sequence and trims what follows, but no ${ or %{ is open here. Remove the ~.";
    error(INVALID_CHARACTER, detail, span)
}

pub(crate) fn invalid_utf8(span: Span) -> Diagnostic {
    let detail = format!(
        "The byte at offset {} begins no character. Save the file as UTF-8.",
        span.start
    );
    error(INVALID_UTF8, detail, span)
}

pub(crate) fn unterminated_string(span: Span) -> Diagnostic {
    let detail = "The closing quote is missing on this line. Add it; for a text of several lines use \\n inside the quotes or a heredoc (<<EOT).";
    error(UNTERMINATED_STRING, detail, span)
}

pub(crate) fn newline_in_string(span: Span, opened: Span) -> Diagnostic {
    let detail = "A text in quotes ends on its line. Add the closing quote; for a text of several lines use \\n inside the quotes or a heredoc (<<EOT).";
    error(UNTERMINATED_STRING, detail, span).hint("opened here", Some(opened))
}

pub(crate) fn unterminated_heredoc(span: Span, marker: &str) -> Diagnostic {
    let detail = format!(
        "No line with nothing but {marker} follows, so the text never ends. Add that line, with a line break behind it."
    );
    error(UNTERMINATED_HEREDOC, detail, span)
}

pub(crate) fn invalid_heredoc(span: Span) -> Diagnostic {
    let detail = "A heredoc begins with << or <<-, at once followed by a name of your choice and the end of the line, such as <<EOT.";
    error(INVALID_HEREDOC, detail, span)
}

pub(crate) fn unterminated_comment(span: Span) -> Diagnostic {
    let detail = "The comment begins with /* and never ends. Add */ behind it.";
    error(UNTERMINATED_COMMENT, detail, span)
}

pub(crate) fn invalid_escape(span: Span, sequence: &str) -> Diagnostic {
    let detail = format!(
        "The sequence {sequence} means nothing. A backslash is followed by n, r, t, \", \\, by u and four hexadecimal digits, or by U and eight. For a backslash itself write \\\\."
    );
    error(INVALID_ESCAPE, detail, span)
}

pub(crate) fn expression_expected(span: Span, found: &str) -> Diagnostic {
    let detail = format!("Expected the start of an expression, found {found}.");
    error(INVALID_EXPRESSION, detail, span)
}

pub(crate) fn expression_form(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_EXPRESSION, detail, span)
}

pub(crate) fn missing_separator(span: Span, detail: &str) -> Diagnostic {
    error(MISSING_SEPARATOR, detail, span)
}

pub(crate) fn unclosed(span: Span, open: &str, close: &str, what: &str) -> Diagnostic {
    let detail = format!(
        "The {what} opened here with {open} has no closing {close} before the end of the file. It may be missing further up, in what is nested inside."
    );
    error(UNCLOSED_BRACKET, detail, span)
}

pub(crate) fn missing_newline(span: Span, what: &str) -> Diagnostic {
    let detail =
        format!("{what} must end with a line break. Put what follows on a line of its own.");
    error(MISSING_NEWLINE, detail, span)
}

pub(crate) fn item_required(span: Span, found: &str) -> Diagnostic {
    let detail = format!(
        "Expected an argument (name = value) or a block (name {{ ... }}) here, found {found}."
    );
    error(ITEM_REQUIRED, detail, span)
}

pub(crate) fn quoted_argument(span: Span) -> Diagnostic {
    let detail = "Names of arguments and blocks are not quoted. Remove the quotes.";
    error(ITEM_REQUIRED, detail, span)
}

pub(crate) fn value_missing(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "After \"{name}\" comes an equals sign and a value ({name} = ...) or, for a block, its labels and an opening brace ({name} {{ ... }})."
    );
    error(ITEM_REQUIRED, detail, span)
}

pub(crate) fn brace_missing(span: Span) -> Diagnostic {
    let detail = "Expected a quoted label or the opening brace of the block, on the same line as its beginning.";
    error(INVALID_BLOCK, detail, span)
}

pub(crate) fn template_label(span: Span) -> Diagnostic {
    let detail = "A block label is a fixed text: sequences with ${ or %{ are not possible in it.";
    error(INVALID_BLOCK, detail, span)
}

pub(crate) fn duplicate_argument(span: Span, name: &str, first: Span) -> Diagnostic {
    let detail =
        format!("The argument \"{name}\" is already set in this block. Remove one of the two.");
    error(DUPLICATE_ARGUMENT, detail, span).hint("first set here", Some(first))
}

pub(crate) fn one_line_block(span: Span) -> Diagnostic {
    let detail = "A block on a single line holds at most one argument and no other block. Put each item on a line of its own.";
    error(INVALID_ONE_LINE_BLOCK, detail, span)
}

pub(crate) fn invalid_for(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_FOR, detail, span)
}

pub(crate) fn invalid_directive(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_DIRECTIVE, detail, span)
}

pub(crate) fn unclosed_directive(span: Span, word: &str, end: &str, opened: Span) -> Diagnostic {
    let detail =
        format!("The template ends here, and the directive \"{word}\" in it has no %{{ {end} }}.");
    error(INVALID_DIRECTIVE, detail, span).hint("opened here", Some(opened))
}

pub(crate) fn invalid_number(span: Span, text: &str) -> Diagnostic {
    let detail = format!("{text} is no number: it has more than one point.");
    error(INVALID_NUMBER, detail, span)
}

pub(crate) fn unterminated_sequence(span: Span) -> Diagnostic {
    let detail = "The sequence begun here has no closing brace. Add }, or write $${ or %%{ if the text itself is meant.";
    error(UNTERMINATED_SEQUENCE, detail, span)
}

pub(crate) fn sequence_continues(span: Span, found: &str) -> Diagnostic {
    let detail = format!("Expected the closing brace of the sequence, found {found}.");
    error(UNTERMINATED_SEQUENCE, detail, span)
}

pub(crate) fn invalid_traversal(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_TRAVERSAL, detail, span)
}

pub(crate) fn nested_too_deeply(span: Span) -> Diagnostic {
    let detail = format!(
        "Expressions and blocks may be nested in each other {NESTING_DEPTH_MAX} levels deep, and a chain of operators or attributes may be that long. Give parts of it a name in a locals block."
    );
    error(NESTED_TOO_DEEPLY, detail, span)
}

pub(crate) fn bidi_control(span: Span) -> Diagnostic {
    let detail = "The text contains a character that changes the direction of writing. It is invisible and can make the text look different from what it means. Remove it, or write it as an escape (\\u202E) if it is meant.";
    warning(BIDI_CONTROL, detail, span)
}

pub(crate) fn source_too_large(span: Span, length: usize) -> Diagnostic {
    let detail = format!(
        "The file has {length} bytes; at most {SOURCE_BYTES_MAX} are read. Is it a definition at all?"
    );
    error(SOURCE_TOO_LARGE, detail, span)
}

/// A file that was not even read.
pub(crate) fn file_too_large(path: &str, length: u64) -> Diagnostic {
    let detail = format!(
        "{path} has {length} bytes; at most {SOURCE_BYTES_MAX} are read. Is it a definition at all?"
    );
    Diagnostic::error(SOURCE_TOO_LARGE.0, SOURCE_TOO_LARGE.1, detail)
}

pub(crate) fn too_many_tokens(span: Span) -> Diagnostic {
    let detail = format!(
        "The file has more than {TOKENS_PER_SOURCE_MAX} words and signs; what follows is not read. Data of this size belongs in a file of its own, which file(...) and jsondecode(...) read."
    );
    error(SOURCE_TOO_LARGE, detail, span)
}

pub(crate) fn colon_missing(span: Span) -> Diagnostic {
    let detail = "A conditional has three parts, condition ? value if true : value if false. The colon with the third is missing.";
    error(INVALID_CONDITIONAL, detail, span)
}

pub(crate) fn ambiguous_key(span: Span) -> Diagnostic {
    let detail = "A key that is a reference must stand in parentheses, so that it is not taken for a name: (this.key) = value. For a fixed text use quotes.";
    error(AMBIGUOUS_KEY, detail, span)
}
