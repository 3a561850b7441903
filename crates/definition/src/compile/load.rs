//! Reading source files: the blocks of every module that is reached from the root, sorted by what they declare.
//!
//! Nothing is computed here. Each directory is read once, however often it is called.

use super::body;
use super::files::{Files, join};
use super::inputs::Given;
use super::known::{Origin, Place};
use super::overrides;
use super::resolve::Resolved;
use crate::diag::blocks as diag;
use crate::json;
use crate::parser;
use crate::syntax::{Attribute, Block, Body, ExpressionKind, Identifier};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::Mode;
use value::is_identifier;
use value::{Diagnostic, Diagnostics, Name, SourceId};

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
#[derive(Clone, Default)]
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
    /// Whether it leads to the same modules wherever it is called.
    pub(crate) is_fixed: bool,
}

impl Definition {
    /// Whether an environment sets this variable of the root, so that it may differ between them.
    pub(crate) fn varies_by_environment(&self, variable: &Name) -> bool {
        let sets = |block: &Block| {
            let variables = block
                .body
                .attribute("variables")
                .map(|found| &found.value.kind);
            match variables {
                None => false,
                Some(ExpressionKind::Object(items)) => items
                    .iter()
                    .any(|(key, _)| key.as_keyword().is_none_or(|name| *name == *variable)),
                Some(_) => true,
            }
        };
        let environments = self
            .delivery
            .iter()
            .filter(|block| &*block.kind.name == "environment");
        environments.into_iter().any(sets)
    }
}

/// A `module` or `stack` block and the definition it calls.
#[derive(Clone)]
pub(crate) struct CallBlock {
    pub(crate) block: Block,
    pub(crate) stack: bool,
    /// None when it could not be read, which has been reported.
    pub(crate) target: Option<usize>,
    /// What became of its source.
    pub(crate) resolved: Resolved,
}

impl CallBlock {
    /// The name after `module` or `stack`.
    pub(crate) fn name(&self) -> &str {
        self.block.labels.first().map_or("", |label| &label.name)
    }
}

/// Everything that was read.
pub(crate) struct Loader<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) given: &'a [Given],
    pub(crate) sources: Vec<Source>,
    pub(crate) definitions: Vec<Definition>,
    /// Several where what a directory calls depends on who calls it.
    by_directory: BTreeMap<String, Vec<usize>>,
    pub(super) chain: Vec<String>,
    /// Calls followed so far, counted once per path from the root where paths differ.
    pub(super) n_calls: usize,
    /// Calls of modules that are not installed.
    pub(super) missing: Vec<Diagnostic>,
    /// A file could not be read as a whole: what it declares is not known, so that references cannot be judged.
    pub(crate) incomplete: bool,
    /// Whether it is read for a test.
    pub(super) tested: bool,
    pub(crate) diagnostics: Diagnostics,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(files: &'a dyn Files, given: &'a [Given]) -> Self {
        Self {
            files,
            given,
            n_calls: 0,
            missing: Vec::new(),
            sources: Vec::new(),
            definitions: Vec::new(),
            by_directory: BTreeMap::new(),
            chain: Vec::new(),
            incomplete: false,
            tested: false,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Reads the root module and everything it calls; the root becomes the first definition.
    pub(crate) fn load_root(&mut self) {
        self.load_root_in(".");
    }

    /// The same with another directory as the root module's.
    pub(super) fn load_root_in(&mut self, directory: &str) {
        if self.load(directory, None).is_none() {
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

    /// Reports the modules that are not installed, each place once.
    pub(super) fn report_missing(&mut self) {
        for found in core::mem::take(&mut self.missing) {
            if !self.diagnostics.0.contains(&found) {
                self.diagnostics.push(found);
            }
        }
    }

    /// Whether a definition leads to the same modules wherever it is called.
    pub(super) fn is_fixed(&self, index: usize) -> bool {
        self.definitions
            .get(index)
            .is_some_and(|found| found.is_fixed)
    }

    /// Reads a directory that is called from a place, or the root. None when it has no source files.
    pub(super) fn load(&mut self, directory: &str, from: Option<Origin<'_>>) -> Option<usize> {
        let known = self
            .by_directory
            .get(directory)
            .cloned()
            .unwrap_or_default();
        let (mut definition, index) = match known.first() {
            Some(first) if self.is_fixed(*first) => return Some(*first),
            Some(first) => (self.definitions.get(*first)?.clone(), None),
            None => {
                let names = self.names_in(directory)?;
                let index = self.definitions.len();
                self.definitions.push(Definition::default());
                let mut definition = Definition {
                    directory: directory.to_string(),
                    ..Definition::default()
                };
                for name in &names {
                    self.file(&mut definition, &join(directory, name), name);
                }
                (definition, Some(index))
            }
        };
        self.chain.push(directory.to_string());
        let place = Place {
            from,
            definition: &definition,
        };
        let resolved = self.resolve_calls(&place);
        self.chain.pop();
        definition.is_fixed = resolved.iter().all(|one| one.is_fixed);
        for (call, resolved) in definition.calls.values_mut().zip(resolved) {
            call.target = resolved.target;
            call.resolved = resolved;
        }
        let same = |index: &&usize| {
            let found = self.definitions.get(**index);
            found.is_some_and(|found| {
                let mut calls = found.calls.values().zip(definition.calls.values());
                calls.all(|(one, other)| one.resolved == other.resolved)
            })
        };
        if let Some(same) = known.iter().find(same) {
            return Some(*same);
        }
        let index = index.unwrap_or_else(|| {
            self.definitions.push(Definition::default());
            self.definitions.len() - 1
        });
        *self.definitions.get_mut(index)? = definition;
        self.by_directory
            .entry(directory.to_string())
            .or_default()
            .push(index);
        Some(index)
    }

    /// The source files of a directory; none when it has none.
    fn names_in(&self, directory: &str) -> Option<Vec<String>> {
        let mut names = self.files.list(directory)?;
        names.sort();
        let root = self.chain.is_empty();
        // Override files come last, so that everything they change is there.
        names.sort_by_key(|name| overrides::is_override(name));
        names.retain(|name| {
            !name.starts_with('.')
                && (name.ends_with(".tf")
                    || name.ends_with(".tf.json")
                    || (root && name == DELIVERY_FILE))
        });
        (!names.is_empty()).then_some(names)
    }

    fn file(&mut self, definition: &mut Definition, path: &str, name: &str) {
        let Some(content) = self.files.read(path) else {
            self.incomplete = true;
            let too_large = |length: &u64| *length > crate::limits::SOURCE_BYTES_MAX as u64;
            let found = match self.files.length(path).filter(too_large) {
                Some(length) => crate::diag::syntax::file_too_large(path, length),
                None => diag::unreadable(path),
            };
            return self.diagnostics.push(found);
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
                    let found =
                        diag::unknown_block(block.kind.span, kind, "A module", &KINDS, hint);
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
                    let found = diag::unknown_block(block.kind.span, kind, whose, known, hint);
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
            let found = diag::unknown_block(
                inner.kind.span,
                &inner.kind.name,
                "A locals block",
                &[],
                None,
            );
            self.diagnostics.push(found);
        }
        for attribute in block.body.attributes {
            let name = attribute.name.name.clone();
            if let Some(first) = definition.locals.get(&name) {
                let what = alloc::format!("local.{name}");
                let first = first.name.span;
                let span = value::Span {
                    end: attribute.value.span.end,
                    ..attribute.name.span
                };
                self.diagnostics.push(diag::duplicate(span, &what, first));
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
            resolved: Resolved::default(),
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
}
