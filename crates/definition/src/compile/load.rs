//! Reading source files: the blocks of every module that is reached from the root, sorted by what they declare.
//!
//! Nothing is computed here. Each directory is read once, however often it is called.

use super::body;
use super::files::{Files, is_inside, join};
use super::overrides;
use crate::diag::blocks as diag;
use crate::json;
use crate::lexer::is_identifier;
use crate::limits::MODULE_DEPTH_MAX;
use crate::parser;
use crate::syntax::{Attribute, Block, Body, Identifier};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::Mode;
use value::{Diagnostics, Name, SourceId};

/// The file that describes delivery.
pub const DELIVERY_FILE: &str = "steadfast.hcl";

/// A source text, at the position that its [`SourceId`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path relative to the root module.
    pub path: String,
    /// Content as read.
    pub content: Vec<u8>,
}

/// The blocks of one directory.
#[derive(Default)]
pub(crate) struct Definition {
    pub(crate) directory: String,
    pub(crate) variables: BTreeMap<Name, Block>,
    pub(crate) locals: BTreeMap<Name, Attribute>,
    pub(crate) outputs: BTreeMap<Name, Block>,
    pub(crate) resources: BTreeMap<(Mode, Name, Name), Block>,
    pub(crate) calls: BTreeMap<Name, CallBlock>,
    /// `terraform` blocks.
    pub(crate) settings: Vec<Block>,
    /// `provider` blocks.
    pub(crate) provider_blocks: Vec<Block>,
    /// `moved` blocks.
    pub(crate) moved: Vec<Block>,
    /// `import` blocks.
    pub(crate) imports: Vec<Block>,
    /// `removed` blocks.
    pub(crate) removed: Vec<Block>,
    /// `check` blocks.
    pub(crate) checks: BTreeMap<Name, Block>,
    /// `project`, `artifact`, `service` and `environment` blocks.
    pub(crate) delivery: Vec<Block>,
    /// Whether the directory has a delivery file.
    pub(crate) has_delivery: bool,
}

/// A `module` or `stack` block and the definition it calls.
pub(crate) struct CallBlock {
    pub(crate) block: Block,
    pub(crate) stack: bool,
    /// None when it could not be read, which has been reported.
    pub(crate) target: Option<usize>,
}

/// Everything that was read.
pub(crate) struct Loader<'a> {
    files: &'a dyn Files,
    pub(crate) sources: Vec<Source>,
    pub(crate) definitions: Vec<Definition>,
    by_directory: BTreeMap<String, usize>,
    chain: Vec<String>,
    /// A file could not be read as a whole: what it declares is not known, so that references cannot be judged.
    pub(crate) incomplete: bool,
    pub(crate) diagnostics: Diagnostics,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            sources: Vec::new(),
            definitions: Vec::new(),
            by_directory: BTreeMap::new(),
            chain: Vec::new(),
            incomplete: false,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Reads the root module and everything it calls; the root becomes the first definition.
    pub(crate) fn load_root(&mut self) {
        if self.load(".").is_none() {
            self.incomplete = true;
            self.diagnostics.push(diag::nothing_here());
            self.definitions.push(Definition::default());
        }
    }

    /// Adds a module or variables file and parses it; its name says in which form it is written.
    pub(crate) fn add_text(&mut self, path: &str, content: Vec<u8>) -> Option<Body> {
        let source = SourceId(self.sources.len() as u32);
        self.sources.push(Source {
            path: path.to_string(),
            content,
        });
        let content = &self.sources.last()?.content;
        match parser::source_text(content, source) {
            Ok(text) => {
                let (body, found) = if path.ends_with(".tf.json") {
                    json::module_body(text, source)
                } else if path.ends_with(".json") {
                    json::variables_body(text, source)
                } else {
                    parser::parse_body(text, source)
                };
                self.incomplete |= found.has_errors();
                self.diagnostics.extend(found);
                Some(body)
            }
            Err(found) => {
                self.incomplete = true;
                self.diagnostics.push(found);
                None
            }
        }
    }

    /// Reads a directory. None when it has no source files.
    fn load(&mut self, directory: &str) -> Option<usize> {
        if let Some(found) = self.by_directory.get(directory) {
            return Some(*found);
        }
        let mut names = self.files.list(directory)?;
        names.sort();
        let root = self.chain.is_empty();
        names.retain(|name| {
            !name.starts_with('.')
                && (name.ends_with(".tf")
                    || name.ends_with(".tf.json")
                    || (root && name == DELIVERY_FILE))
        });
        if names.is_empty() {
            return None;
        }
        let index = self.definitions.len();
        self.by_directory.insert(directory.to_string(), index);
        self.definitions.push(Definition::default());
        self.chain.push(directory.to_string());
        let mut definition = Definition {
            directory: directory.to_string(),
            ..Definition::default()
        };
        // Override files come last, so that everything they change is there.
        names.sort_by_key(|name| overrides::is_override(name));
        for name in &names {
            self.file(&mut definition, &join(directory, name), name);
        }
        self.resolve_calls(&mut definition);
        self.chain.pop();
        if let Some(place) = self.definitions.get_mut(index) {
            *place = definition;
        }
        Some(index)
    }

    fn file(&mut self, definition: &mut Definition, path: &str, name: &str) {
        let Some(content) = self.files.read(path) else {
            self.incomplete = true;
            return self.diagnostics.push(diag::unreadable(path));
        };
        let Some(body) = self.add_text(path, content) else {
            return;
        };
        let delivery = name == DELIVERY_FILE;
        definition.has_delivery |= delivery;
        for attribute in &body.attributes {
            let whose = if delivery {
                "The delivery file"
            } else {
                "A module"
            };
            let hint = "Outside of blocks there are no arguments. A value with a name belongs in a locals block.";
            self.diagnostics.push(diag::unknown_argument(
                attribute.name.span,
                &attribute.name.name,
                whose,
                &[],
                Some(hint.into()),
            ));
        }
        if overrides::is_override(name) {
            return self.override_with(definition, body.blocks);
        }
        for block in body.blocks {
            if delivery {
                self.delivery_block(definition, block);
            } else {
                self.module_block(definition, block);
            }
        }
    }

    pub(super) fn module_block(&mut self, definition: &mut Definition, block: Block) {
        const KINDS: [&str; 13] = [
            "terraform",
            "provider",
            "variable",
            "locals",
            "output",
            "resource",
            "data",
            "module",
            "moved",
            "import",
            "removed",
            "check",
            "ephemeral",
        ];
        match &*block.kind.name {
            "terraform" => definition.settings.push(block),
            "provider" => definition.provider_blocks.push(block),
            "resource" => self.resource_block(definition, block, Mode::Managed),
            "data" => self.resource_block(definition, block, Mode::Data),
            "ephemeral" => self.resource_block(definition, block, Mode::Ephemeral),
            "module" => self.call_block(definition, block, false),
            "moved" => definition.moved.push(block),
            "import" => definition.imports.push(block),
            "removed" => definition.removed.push(block),
            "check" => {
                if let Some(name) = self.only_label(&block, "check") {
                    self.declare(&mut definition.checks, name, block);
                }
            }
            kind => {
                if let Err(block) = self.shared_block(definition, block.clone()) {
                    let hint = super::super::delivery::KINDS.contains(&kind).then(|| {
                        alloc::format!("Blocks of type {kind} belong in {DELIVERY_FILE}.")
                    });
                    let found = diag::unknown_block(block.header, kind, "A module", &KINDS, hint);
                    self.diagnostics.push(found);
                }
            }
        }
    }

    fn delivery_block(&mut self, definition: &mut Definition, block: Block) {
        match &*block.kind.name {
            "stack" => self.call_block(definition, block, true),
            kind if crate::delivery::KINDS.contains(&kind) => definition.delivery.push(block),
            kind => {
                if let Err(block) = self.shared_block(definition, block.clone()) {
                    let hint = ["resource", "data", "module", "provider", "terraform"]
                        .contains(&kind)
                        .then(|| alloc::format!("Blocks of type {kind} belong in a .tf file, which a stack block brings in."));
                    let known = crate::delivery::KINDS;
                    let whose = "The delivery file";
                    let found = diag::unknown_block(block.header, kind, whose, known, hint);
                    self.diagnostics.push(found);
                }
            }
        }
    }

    /// Blocks that both kinds of file have.
    fn shared_block(&mut self, definition: &mut Definition, block: Block) -> Result<(), Block> {
        match &*block.kind.name {
            "locals" => self.locals_block(definition, block),
            "variable" => {
                if let Some(name) = self.only_label(&block, "variable") {
                    self.declare(&mut definition.variables, name, block);
                }
            }
            "output" => {
                if let Some(name) = self.only_label(&block, "output") {
                    self.declare(&mut definition.outputs, name, block);
                }
            }
            _ => return Err(block),
        }
        Ok(())
    }

    fn locals_block(&mut self, definition: &mut Definition, block: Block) {
        body::labels(&block, &[], &mut self.diagnostics);
        for inner in &block.body.blocks {
            let found =
                diag::unknown_block(inner.header, &inner.kind.name, "A locals block", &[], None);
            self.diagnostics.push(found);
        }
        for attribute in block.body.attributes {
            let name = attribute.name.name.clone();
            if let Some(first) = definition.locals.get(&name) {
                let what = alloc::format!("local.{name}");
                let first = first.name.span;
                self.diagnostics
                    .push(diag::duplicate(attribute.name.span, &what, first));
                continue;
            }
            definition.locals.insert(name, attribute);
        }
    }

    fn resource_block(&mut self, definition: &mut Definition, block: Block, mode: Mode) {
        let labels = body::labels(&block, &["TYPE", "NAME"], &mut self.diagnostics);
        let Some([kind, name]) = labels.as_deref() else {
            return;
        };
        let key = (mode, (*kind).clone(), (*name).clone());
        for label in &block.labels {
            self.check_name(label);
        }
        if let Some(first) = definition.resources.get(&key) {
            let what = crate::diag::references::resource_address(mode, kind, name);
            let found = diag::duplicate(block.header, &what, first.header);
            self.diagnostics.push(found);
            return;
        }
        definition.resources.insert(key, block);
    }

    fn call_block(&mut self, definition: &mut Definition, block: Block, stack: bool) {
        let kind = if stack { "stack" } else { "module" };
        let Some(name) = self.only_label(&block, kind) else {
            return;
        };
        if let Some(first) = definition.calls.get(&name) {
            let first_kind = if first.stack { "stack" } else { "module" };
            let what = alloc::format!("{first_kind}.{name}");
            let first = first.block.header;
            self.diagnostics
                .push(diag::duplicate(block.header, &what, first));
            return;
        }
        let call = CallBlock {
            block,
            stack,
            target: None,
        };
        definition.calls.insert(name, call);
    }

    pub(super) fn only_label(&mut self, block: &Block, kind: &str) -> Option<Name> {
        body::labels(block, &["NAME"], &mut self.diagnostics)?;
        let label = block.labels.first()?;
        self.check_name(label);
        if kind == "variable" && super::call::RESERVED.contains(&&*label.name) {
            self.diagnostics
                .push(diag::reserved_name(label.span, &label.name));
        }
        Some(label.name.clone())
    }

    fn check_name(&mut self, label: &Identifier) {
        if !is_identifier(&label.name) {
            self.diagnostics
                .push(diag::invalid_name(label.span, &label.name));
        }
    }

    fn declare(&mut self, declared: &mut BTreeMap<Name, Block>, name: Name, block: Block) {
        if let Some(first) = declared.get(&name) {
            let what = alloc::format!("{} \"{name}\"", block.kind.name);
            let found = diag::duplicate(block.header, &what, first.header);
            self.diagnostics.push(found);
            return;
        }
        declared.insert(name, block);
    }

    /// Finds and reads the modules that a definition calls.
    fn resolve_calls(&mut self, definition: &mut Definition) {
        for call in definition.calls.values_mut() {
            call.target = self.resolve_call(&definition.directory, call);
        }
    }

    fn resolve_call(&mut self, directory: &str, call: &CallBlock) -> Option<usize> {
        let block = &call.block;
        let whose = if call.stack {
            "A stack block"
        } else {
            "A module block"
        };
        let attribute = body::required(
            &block.body,
            "source",
            whose,
            block.header,
            &mut self.diagnostics,
        )?;
        let span = attribute.value.span;
        let source = body::text(&block.body, "source", &mut self.diagnostics)?;
        let local = source == "."
            || source == ".."
            || source.starts_with("./")
            || source.starts_with("../");
        if !local {
            self.diagnostics.push(diag::module_source(span, &source));
            return None;
        }
        let target = join(directory, &source);
        if !is_inside(&target) && !self.files.may_leave_root() {
            self.diagnostics.push(diag::module_outside(span, &source));
            return None;
        }
        if let Some(begin) = self.chain.iter().position(|open| *open == target) {
            let chain = self.chain.iter().skip(begin).chain(Some(&target));
            let chain: Vec<&str> = chain.map(String::as_str).collect();
            let found = diag::module_recursion(span, &chain.join(" -> "));
            self.diagnostics.push(found);
            return None;
        }
        if self.chain.len() >= MODULE_DEPTH_MAX {
            self.diagnostics.push(diag::module_depth(span));
            return None;
        }
        let found = self.load(&target);
        if found.is_none() {
            self.diagnostics.push(diag::module_not_found(span, &target));
        }
        found
    }
}
