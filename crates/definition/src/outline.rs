//! Which block of a file a place belongs to, in words: what stands beside a finding so that a reader need not look.

use crate::json::Container;
use crate::{json, parser};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use value::SourceId;

/// The blocks of a file and where they stand. Made once per file.
#[derive(Clone, Debug)]
pub struct Outline(Form);

#[derive(Clone, Debug)]
enum Form {
    /// Byte ranges and headers of the outermost blocks, ascending.
    Native(Vec<(u32, u32, String)>),
    /// The value of a JSON file, unless it could not be read.
    Json(Option<Container>),
}

impl Outline {
    /// Reads a file; its name says in which form it is written.
    pub fn new(path: &str, text: &str) -> Self {
        let source = SourceId(0);
        if path.ends_with(".json") {
            return Self(Form::Json(json::container(text, source)));
        }
        let (body, _) = parser::parse_body(text, source);
        let blocks = body.blocks.iter().map(|block| {
            let mut header = String::from(&*block.kind.name);
            for label in &block.labels {
                header.push_str(&format!(" {:?}", &*label.name));
            }
            // The closing brace belongs to the block.
            (block.header.start, block.body.span.end + 1, header)
        });
        Self(Form::Native(blocks.collect()))
    }

    /// The header of the outermost block around a byte or, in the JSON form, the path of the innermost object or array.
    pub fn context(&self, byte: u32) -> Option<String> {
        match &self.0 {
            Form::Native(blocks) => {
                let behind = blocks.partition_point(|(start, ..)| *start <= byte);
                let (_, end, header) = blocks.get(behind.checked_sub(1)?)?;
                (byte < *end).then(|| header.clone())
            }
            Form::Json(container) => container
                .as_ref()
                .map(|container| container.path(byte))
                .filter(|path| !path.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outline;

    #[test]
    fn a_place_belongs_to_a_block() {
        let text = "a \"x\" b {\n  c {}\n}\nd = 1\nlocals {\n}\n";
        let outline = Outline::new("main.tf", text);
        let at = |what: &str| outline.context(text.find(what).unwrap() as u32);
        assert_eq!(at("c {").as_deref(), Some("a \"x\" \"b\""));
        assert_eq!(at("d ="), None);
        assert_eq!(at("locals").as_deref(), Some("locals"));
        assert_eq!(outline.context(text.len() as u32), None);
    }

    #[test]
    fn a_place_in_json_has_a_path() {
        let text = r#"{"resource": {"t": {"a": [{"x": 1}, {"y": {"z": 2}}]}}, "b": 3}"#;
        let outline = Outline::new("main.tf.json", text);
        let at = |what: &str| outline.context(text.find(what).unwrap() as u32);
        assert_eq!(at("\"x\"").as_deref(), Some("resource.t.a[0]"));
        assert_eq!(at("\"z\"").as_deref(), Some("resource.t.a[1].y"));
        assert_eq!(at("\"b\""), None);
    }
}
