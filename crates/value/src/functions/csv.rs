//! Comma-separated text (RFC 4180): fields in quotes may hold commas, newlines and doubled quotes; empty lines count
//! for nothing.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter::Peekable;
use core::str::Chars;

/// One row and the line it began on, counted from one.
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// What is wrong, and on which line.
pub(super) struct CsvError {
    pub(super) line: usize,
    pub(super) message: &'static str,
}

pub(super) fn parse(text: &str) -> Result<Vec<Row>, CsvError> {
    let text = text.replace("\r\n", "\n");
    let mut characters = text.chars().peekable();
    let mut rows = Vec::new();
    let mut line = 1;
    while characters.peek().is_some() {
        if characters.next_if_eq(&'\n').is_some() {
            line += 1;
            continue;
        }
        let mut row = Row {
            line,
            fields: Vec::new(),
        };
        loop {
            row.fields.push(field(&mut characters, &mut line)?);
            match characters.next() {
                Some(',') => {}
                _ => break,
            }
        }
        line += 1;
        rows.push(row);
    }
    Ok(rows)
}

/// Up to the comma or newline that ends the field, which is left.
fn field(characters: &mut Peekable<Chars<'_>>, line: &mut usize) -> Result<String, CsvError> {
    let mut content = String::new();
    if characters.next_if_eq(&'"').is_none() {
        while let Some(character) = characters.next_if(|next| *next != ',' && *next != '\n') {
            if character == '"' {
                return Err(CsvError {
                    line: *line,
                    message: "bare \" in non-quoted-field",
                });
            }
            content.push(character);
        }
        return Ok(content);
    }
    loop {
        match characters.next() {
            Some('"') if characters.next_if_eq(&'"').is_some() => content.push('"'),
            Some('"') if matches!(characters.peek(), None | Some(',' | '\n')) => {
                return Ok(content);
            }
            Some('"') | None => {
                return Err(CsvError {
                    line: *line,
                    message: "extraneous or missing \" in quoted-field",
                });
            }
            Some(other) => {
                *line += usize::from(other == '\n');
                content.push(other);
            }
        }
    }
}
