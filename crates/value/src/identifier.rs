//! Identifiers of the language.

/// Whether a text is an identifier.
pub fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(starts_identifier) && characters.all(continues_identifier)
}

/// Whether an identifier can begin with a character.
pub fn starts_identifier(character: char) -> bool {
    character == '_' || unicode_ident::is_xid_start(character)
}

/// Whether an identifier can go on with a character.
pub fn continues_identifier(character: char) -> bool {
    character == '-' || unicode_ident::is_xid_continue(character)
}
