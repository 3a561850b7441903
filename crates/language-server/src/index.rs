//! What the files of a module declare, and where.

use definition::syntax::{Attribute, Block, Body};
use std::path::PathBuf;
use value::{SourceId, Span};

/// The native files of one directory. Files in the JSON form are checked, but nothing in them is pointed at.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) body: Body,
}

/// Something declared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'m> {
    pub(crate) file: &'m File,
    /// What exactly names it.
    pub(crate) name: Span,
    pub(crate) what: What<'m>,
}

/// The text that declares it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'m> {
    Block(&'m Block),
    /// An entry of a `locals` block.
    Local(&'m Attribute),
}

impl Module {
    pub(crate) fn add(&mut self, path: PathBuf, text: String) {
        let (body, _) = definition::parse_body(&text, SourceId(self.files.len() as u32));
        self.files.push(File { path, text, body });
    }

    /// All outermost blocks of a kind.
    pub(crate) fn blocks<'m>(&'m self, kind: &str) -> impl Iterator<Item = (&'m File, &'m Block)> {
        self.files.iter().flat_map(move |file| {
            let blocks = file.body.blocks.iter();
            blocks
                .filter(move |block| *block.kind.name == *kind)
                .map(move |block| (file, block))
        })
    }

    /// The block of a kind with these labels.
    pub(crate) fn block(&self, kind: &str, labels: &[&str]) -> Option<Declared<'_>> {
        let mut blocks = self.blocks(kind);
        let (file, block) = blocks.find(|(_, block)| {
            let written = block.labels.iter().map(|label| &*label.name);
            written.eq(labels.iter().copied())
        })?;
        Some(Declared {
            file,
            name: block.labels.last().map_or(block.header, |label| label.span),
            what: What::Block(block),
        })
    }

    /// All local values.
    pub(crate) fn locals(&self) -> impl Iterator<Item = Declared<'_>> {
        self.blocks("locals").flat_map(|(file, block)| {
            let attributes = block.body.attributes.iter();
            attributes.map(move |attribute| Declared {
                file,
                name: attribute.name.span,
                what: What::Local(attribute),
            })
        })
    }

    pub(crate) fn local(&self, name: &str) -> Option<Declared<'_>> {
        self.locals().find(|declared| match declared.what {
            What::Local(attribute) => *attribute.name.name == *name,
            What::Block(_) => false,
        })
    }

    /// Last labels of all blocks of a kind whose labels before it are these.
    pub(crate) fn names<'m>(
        &'m self,
        kind: &'m str,
        before: &'m [&'m str],
    ) -> impl Iterator<Item = (&'m str, Declared<'m>)> {
        self.blocks(kind).filter_map(move |(file, block)| {
            let (last, others) = block.labels.split_last()?;
            let fits = others
                .iter()
                .map(|label| &*label.name)
                .eq(before.iter().copied());
            fits.then_some((
                &*last.name,
                Declared {
                    file,
                    name: last.span,
                    what: What::Block(block),
                },
            ))
        })
    }

    /// First labels of all blocks of a kind, once each.
    pub(crate) fn kinds(&self, kind: &str) -> Vec<&str> {
        let mut kinds: Vec<&str> = self
            .blocks(kind)
            .filter_map(|(_, block)| Some(&*block.labels.first()?.name))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

impl<'m> Declared<'m> {
    /// What a constant argument of the block says.
    pub(crate) fn text(&self, argument: &str) -> Option<String> {
        let What::Block(block) = self.what else {
            return None;
        };
        let value = &block.body.attribute(argument)?.value;
        let written = self.written(value.span)?;
        let expr = definition::constant_expression(written).ok()?;
        let value = expr.evaluate(&definition::Nothing).ok()?;
        value.as_str().map(str::to_owned)
    }

    /// The source text of an argument's value.
    pub(crate) fn source_of(&self, argument: &str) -> Option<&'m str> {
        match self.what {
            What::Block(block) => self.written(block.body.attribute(argument)?.value.span),
            What::Local(_) => None,
        }
    }

    /// What stands at a place of the declaring file.
    pub(crate) fn written(&self, span: Span) -> Option<&'m str> {
        self.file.text.get(span.start as usize..span.end as usize)
    }
}
