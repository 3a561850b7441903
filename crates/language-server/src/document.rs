//! The texts that the editor has open, and places in them.
//!
//! The protocol counts lines from 0 and columns in the code units of an encoding that both sides agree on: UTF-8 where
//! the client offers it, else UTF-16 (LSP 3.17, `PositionEncodingKind`).

use crate::limits::{DOCUMENT_BYTES_MAX, DOCUMENTS_MAX};
use lsp_types::{Position, Range, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Characters of a path that stand for themselves in an address (RFC 3986, `pchar` and `/`).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How columns are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16,
}

/// Open texts by path.
#[derive(Debug, Default)]
pub(crate) struct Documents(BTreeMap<PathBuf, Document>);

/// One open text.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) version: i32,
}

impl Documents {
    /// Takes a text, new or changed. False when it is not analysed because of the limits.
    pub(crate) fn put(&mut self, path: PathBuf, text: String, version: i32) -> bool {
        let known = self.0.contains_key(&path);
        if text.len() > DOCUMENT_BYTES_MAX || (!known && self.0.len() >= DOCUMENTS_MAX) {
            self.0.remove(&path);
            return false;
        }
        self.0.insert(path, Document { text, version });
        true
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        self.0.remove(path);
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Document> {
        self.0.get(path)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }
}

/// The path that an address names; none unless it is a file's.
pub(crate) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let text = uri.as_str();
    let rest = text.strip_prefix("file://")?;
    // An authority, if there is one, is this machine.
    let path = rest.get(rest.find('/')?..)?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    Some(PathBuf::from(&*path))
}

/// The address of a path.
pub(crate) fn uri_of(path: &Path) -> Option<Uri> {
    let path = path.to_str()?;
    Uri::from_str(&format!("file://{}", utf8_percent_encode(path, IN_PATH))).ok()
}

/// The byte at a place. Places behind the end of a line are its end, those behind the last line the end of the text.
pub(crate) fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let mut start = 0;
    for _ in 0..position.line {
        match text.get(start..).and_then(|rest| rest.find('\n')) {
            Some(at) => start += at + 1,
            None => return text.len(),
        }
    }
    let line = text.get(start..).unwrap_or("");
    let line = line.split('\n').next().unwrap_or("");
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut units = 0;
    for (at, character) in line.char_indices() {
        if units >= position.character {
            return start + at;
        }
        units += width(character, encoding);
    }
    start + line.len()
}

/// The place of a byte.
pub(crate) fn position(text: &str, byte: usize, encoding: Encoding) -> Position {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = text.get(..byte).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|one| *one == b'\n').count() as u32;
    let units = before.get(start..).unwrap_or("").chars();
    Position {
        line,
        character: units.map(|one| width(one, encoding)).sum(),
    }
}

/// The place of a range of bytes.
pub(crate) fn range(text: &str, start: u32, end: u32, encoding: Encoding) -> Range {
    Range {
        start: position(text, start as usize, encoding),
        end: position(text, end.max(start) as usize, encoding),
    }
}

fn width(character: char, encoding: Encoding) -> u32 {
    match encoding {
        Encoding::Utf8 => character.len_utf8() as u32,
        Encoding::Utf16 => character.len_utf16() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_bytes_are_each_others_inverse() {
        let text = "a = \"\u{1f600}é\"\r\nb = 1\n";
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            for (at, _) in text.char_indices().filter(|(_, one)| *one != '\n') {
                let place = position(text, at, encoding);
                assert_eq!(offset(text, place, encoding), at, "{at} {encoding:?}");
            }
        }
        let smile = text.find('é').unwrap();
        assert_eq!(position(text, smile, Encoding::Utf16).character, 7);
        assert_eq!(position(text, smile, Encoding::Utf8).character, 9);
    }

    #[test]
    fn places_outside_are_moved_inside() {
        let far = Position::new(9, 9);
        assert_eq!(offset("a\nb", far, Encoding::Utf16), 3);
        let far = Position::new(0, 9);
        assert_eq!(offset("a\r\nb", far, Encoding::Utf16), 1);
        assert_eq!(position("é", 1, Encoding::Utf16).character, 0);
    }

    #[test]
    fn addresses_of_paths_keep_what_is_special() {
        let path = Path::new("/a b/ü#?%.tf");
        let uri = uri_of(path).unwrap();
        assert_eq!(uri.as_str(), "file:///a%20b/%C3%BC%23%3F%25.tf");
        assert_eq!(path_of(&uri).unwrap(), path);
        assert!(path_of(&Uri::from_str("untitled:one").unwrap()).is_none());
    }
}
