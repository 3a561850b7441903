//! Whether a blank stands between two neighbours on a line.

use super::Piece;
use crate::lexer::TokenKind;

/// Whether a blank follows `piece`, which stands behind `before` (if anything) and in front of `after`.
pub(super) fn is_spaced(before: Option<&Piece<'_>>, piece: &Piece<'_>, after: &Piece<'_>) -> bool {
    use TokenKind as Kind;
    match (piece.kind, after.kind) {
        (_, Kind::Newline) => false,
        // Calls, namespaces and what is taken of a value stay in one word.
        (Kind::Identifier, Kind::OpenParen | Kind::DoubleColon)
        | (Kind::DoubleColon, Kind::Identifier)
        | (Kind::Dot, _)
        | (_, Kind::Dot) => false,
        (_, Kind::Comma | Kind::Ellipsis) => false,
        (Kind::Comma, _) => true,
        // Every blank in a text is part of it.
        (Kind::Text | Kind::OpenQuote | Kind::OpenHeredoc, _)
        | (_, Kind::Text | Kind::CloseQuote | Kind::CloseHeredoc) => false,
        // `for x in [...]`: a word of the language, not something that is indexed.
        (Kind::Identifier, _) if piece.text == "in" && is(before, Kind::Identifier) => true,
        (Kind::Identifier | Kind::Number, Kind::OpenBracket) => false,
        (_, Kind::OpenBracket) if piece.bracket_change() < 0 => false,
        (Kind::Not, _) => false,
        (Kind::Minus, _) => !before.is_none_or(|before| is_before_sign(before.kind)),
        (Kind::OpenBrace, Kind::CloseBrace) => false,
        (Kind::OpenBrace, _) | (_, Kind::CloseBrace) => true,
        // `${ {` and `} }` would be hard to tell apart.
        (Kind::OpenInterpolation | Kind::OpenDirective, Kind::OpenBrace)
        | (Kind::CloseBrace, Kind::CloseSequence) => true,
        (Kind::CloseSequence, Kind::OpenInterpolation | Kind::OpenDirective) => false,
        _ => piece.bracket_change() <= 0 && after.bracket_change() >= 0,
    }
}

fn is(piece: Option<&Piece<'_>>, kind: TokenKind) -> bool {
    piece.is_some_and(|piece| piece.kind == kind)
}

/// Whether a minus behind such a token is a sign and not an operator between two values.
fn is_before_sign(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::OpenParen
            | TokenKind::OpenBrace
            | TokenKind::OpenBracket
            | TokenKind::Assign
            | TokenKind::Colon
            | TokenKind::Comma
            | TokenKind::Question
            | TokenKind::Plus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::Percent
            | TokenKind::Minus
            | TokenKind::Equal
            | TokenKind::NotEqual
            | TokenKind::Greater
            | TokenKind::GreaterOrEqual
            | TokenKind::Less
            | TokenKind::LessOrEqual
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::Not
    )
}
