//! `moved`, `import` and `removed` blocks: what is said of objects apart from the blocks that declare them.
//!
//! Whether what they say fits the configuration is judged here as far as it is certain from what is written; instances
//! whose keys are computed are judged when there is a plan.

use super::address::{Written, written_keys};
use super::body::{self, Form};
use super::load::Definition;
use super::module::{Compiler, is_repeated};
use crate::diag::{blocks, provisioners, statements as diag};
use crate::lower::{Context, Lowerer, literal};
use crate::syntax::{Block, Body};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use model::{Endpoint, Import, Key, Mode, Module, ModuleStep, Moved, Removed, When};
use value::{Name, Span, Type, Value};

impl<'a> Compiler<'a> {
    /// All such blocks of a definition.
    pub(crate) fn statements<'l>(
        &mut self,
        index: usize,
        module: &mut Module,
        lowerer: &mut Lowerer<'l>,
    ) where
        'a: 'l,
    {
        let Some(definition) = self.definitions.get(index) else {
            return;
        };
        for block in &definition.moved {
            module.moved.extend(self.moved(block));
        }
        self.check_moves(index, &module.moved);
        for block in &definition.removed {
            module.removed.extend(self.removed(index, block, lowerer));
        }
        let mut seen = BTreeMap::new();
        for block in &definition.imports {
            if index > 0 {
                self.diagnostics.push(diag::import_in_module(block.header));
                continue;
            }
            module
                .imports
                .extend(self.import(block, &mut seen, lowerer));
        }
    }

    fn moved(&mut self, block: &Block) -> Option<Moved> {
        body::labels(block, &[], &mut self.diagnostics);
        let whose = "A moved block";
        let form = Form {
            whose,
            arguments: &["from", "to"],
            blocks: &[],
        };
        body::check(&block.body, &form, &mut self.diagnostics);
        let from = self.endpoint(&block.body, "from", whose);
        let to = self.endpoint(&block.body, "to", whose);
        let (from, to) = (from?, to?);
        let same_kind = match (&from.resource, &to.resource) {
            (None, None) => true,
            (Some(from), Some(to)) => from.mode == to.mode,
            _ => false,
        };
        if !same_kind {
            self.diagnostics
                .push(diag::moved_between_kinds(block.header));
            return None;
        }
        Some(Moved {
            from,
            to,
            span: block.header,
        })
    }

    fn endpoint(&mut self, inside: &Body, name: &str, whose: &str) -> Option<Endpoint> {
        let attribute = body::required(inside, name, whose, &mut self.diagnostics)?;
        let span = attribute.value.span;
        let endpoint = Written::read(&attribute.value).and_then(|found| found.endpoint(span));
        match endpoint {
            Ok(endpoint) => Some(endpoint),
            Err(found) => {
                self.diagnostics.push(found);
                None
            }
        }
    }

    /// Whether all moves of a definition can be true at once.
    fn check_moves(&mut self, index: usize, moves: &[Moved]) {
        let mut by_source: BTreeMap<&Endpoint, &Moved> = BTreeMap::new();
        let mut by_target: BTreeMap<&Endpoint, &Moved> = BTreeMap::new();
        for moved in moves {
            if moved.from == moved.to {
                let what = endpoint_text(&moved.from);
                self.diagnostics
                    .push(diag::moved_nowhere(moved.span, &what));
                continue;
            }
            if let Some(declared) = self.still_declared(index, &moved.from, &moved.to) {
                let (from, to) = (endpoint_text(&moved.from), endpoint_text(&moved.to));
                let found = diag::moved_still_declared(moved.span, &from, &to, declared);
                self.diagnostics.push(found);
            }
            match by_source.get(&moved.from) {
                Some(first) if first.to != moved.to => {
                    let from = endpoint_text(&moved.from);
                    let (one, other) = (endpoint_text(&first.to), endpoint_text(&moved.to));
                    let found = diag::moved_to_two(moved.span, &from, &one, &other, first.span);
                    self.diagnostics.push(found);
                }
                Some(_) => {}
                None => {
                    by_source.insert(&moved.from, moved);
                }
            }
            match by_target.get(&moved.to) {
                Some(first) if first.from != moved.from => {
                    let to = endpoint_text(&moved.to);
                    let (one, other) = (endpoint_text(&first.from), endpoint_text(&moved.from));
                    let found = diag::moved_from_two(moved.span, &to, &one, &other, first.span);
                    self.diagnostics.push(found);
                }
                Some(_) => {}
                None => {
                    by_target.insert(&moved.to, moved);
                }
            }
        }
        self.moves_in_circles(&by_source);
    }

    /// Chains of moves that end where they began.
    fn moves_in_circles(&mut self, by_source: &BTreeMap<&Endpoint, &Moved>) {
        let mut done: BTreeMap<&Endpoint, usize> = BTreeMap::new();
        for (turn, start) in by_source.keys().enumerate() {
            let mut chain: Vec<&Moved> = Vec::new();
            let mut at: &Endpoint = start;
            while let Some(moved) = by_source.get(at) {
                match done.get(at) {
                    Some(earlier) if *earlier == turn => {
                        let begin = chain.iter().position(|moved| moved.from == *at);
                        let circle = chain.get(begin.unwrap_or(0)..).unwrap_or_default();
                        let members: Vec<(String, Span)> = circle
                            .iter()
                            .map(|moved| (endpoint_text(&moved.from), moved.span))
                            .collect();
                        self.diagnostics.push(diag::moved_in_circles(&members));
                        break;
                    }
                    Some(_) => break,
                    None => {}
                }
                done.insert(at, turn);
                chain.push(moved);
                at = &moved.to;
            }
        }
    }

    fn removed<'l>(
        &mut self,
        index: usize,
        block: &Block,
        lowerer: &mut Lowerer<'l>,
    ) -> Option<Removed>
    where
        'a: 'l,
    {
        body::labels(block, &[], &mut self.diagnostics);
        let whose = "A removed block";
        let form = Form {
            whose,
            arguments: &["from"],
            blocks: &["lifecycle", "provisioner", "connection"],
        };
        let inside = &block.body;
        body::check(inside, &form, &mut self.diagnostics);
        let destroy = self.destroy(inside);
        let from = self.removed_endpoint(inside, whose)?;
        if let Some(declared) = self.declared(index, &from) {
            let what = endpoint_text(&from);
            self.diagnostics
                .push(diag::removed_still_declared(declared, &what, block.header));
        }
        let provisioners = self.removed_provisioners(index, inside, &from, lowerer);
        Some(Removed {
            from,
            destroy,
            provisioners,
            span: block.header,
        })
    }

    /// Whether what is removed shall be destroyed.
    fn destroy(&mut self, inside: &Body) -> bool {
        let mut destroy = true;
        for inner in &inside.blocks {
            if &*inner.kind.name == "lifecycle" {
                body::labels(inner, &[], &mut self.diagnostics);
                let form = Form {
                    whose: "The lifecycle of a removed block",
                    arguments: &["destroy"],
                    blocks: &[],
                };
                body::check(&inner.body, &form, &mut self.diagnostics);
                destroy =
                    body::switch(&inner.body, "destroy", &mut self.diagnostics).unwrap_or(destroy);
            }
        }
        destroy
    }

    /// A managed resource or a module, with all its instances.
    fn removed_endpoint(&mut self, inside: &Body, whose: &str) -> Option<Endpoint> {
        let attribute = body::required(inside, "from", whose, &mut self.diagnostics)?;
        let span = attribute.value.span;
        let endpoint =
            Written::read(&attribute.value).and_then(|written| match written.first_key {
                Some(key) => Err(diag::removed_instance(key)),
                None => written.endpoint(span),
            });
        let endpoint = endpoint.and_then(|from| match &from.resource {
            Some(resource) if resource.mode != Mode::Managed => {
                Err(diag::removed_not_managed(span))
            }
            _ => Ok(from),
        });
        endpoint.map_err(|found| self.diagnostics.push(found)).ok()
    }

    fn removed_provisioners<'l>(
        &mut self,
        index: usize,
        inside: &Body,
        from: &Endpoint,
        lowerer: &mut Lowerer<'l>,
    ) -> Vec<model::Provisioner>
    where
        'a: 'l,
    {
        let Some(resource) = &from.resource else {
            for inner in &inside.blocks {
                if &*inner.kind.name == "provisioner" {
                    self.diagnostics
                        .push(provisioners::of_a_module(inner.header));
                }
            }
            return Vec::new();
        };
        let nothing = super::settings::Requirements::new();
        let requirements = self.requirements.get(index).unwrap_or(&nothing);
        let body = Body::empty(inside.span);
        let provider = super::provider::of_type(self.schemas, requirements, &resource.kind, &body);
        let schema = provider
            .schema
            .and_then(|schema| schema.resources.get(&resource.kind))
            .map(|schema| &schema.block);
        let what = endpoint_text(from);
        let context = lowerer.context();
        // Of the keys of instances there may have been either kind.
        lowerer.set_context(Context {
            each: true,
            count: true,
            ..context
        });
        let provisioners = self.provisioners(inside, &what, schema, lowerer);
        lowerer.set_context(context);
        for provisioner in &provisioners {
            if provisioner.when == When::Create {
                self.diagnostics
                    .push(provisioners::not_at_creation(provisioner.span));
            }
        }
        provisioners
    }

    fn import(
        &mut self,
        block: &Block,
        seen: &mut BTreeMap<Endpoint, Span>,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<Import> {
        body::labels(block, &[], &mut self.diagnostics);
        let whose = "An import block";
        let form = Form {
            whose,
            arguments: &["to", "id", "identity", "for_each", "provider"],
            blocks: &[],
        };
        let inside = &block.body;
        body::check(inside, &form, &mut self.diagnostics);
        let outer = lowerer.context();
        let for_each = inside
            .attribute("for_each")
            .map(|attribute| lowerer.expression(&attribute.value));
        lowerer.set_context(Context {
            each: for_each.is_some(),
            ..outer
        });
        let (id, identity) = (inside.attribute("id"), inside.attribute("identity"));
        match (id, identity) {
            (None, None) => {
                let found = blocks::missing_argument(inside.open, "id", whose);
                self.diagnostics.push(found);
            }
            (Some(_), Some(identity)) => self
                .diagnostics
                .push(diag::id_and_identity(identity.name.span)),
            _ => {}
        }
        let span = block.header;
        let id = id.map_or_else(
            || literal(Value::null(Type::String), span),
            |attribute| lowerer.converted(&attribute.value, &Type::String),
        );
        let identity = identity.map(|attribute| lowerer.expression(&attribute.value));
        let target = self.import_target(inside, whose, seen, lowerer);
        lowerer.set_context(outer);
        let (module, kind, name, key) = target?;
        let provider = self.import_provider(inside, &module, &kind, &name, lowerer);
        Some(Import {
            module,
            kind,
            name,
            key,
            id,
            identity,
            for_each,
            provider,
            span,
        })
    }

    fn import_target(
        &mut self,
        inside: &Body,
        whose: &str,
        seen: &mut BTreeMap<Endpoint, Span>,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<ImportTarget> {
        let attribute = body::required(inside, "to", whose, &mut self.diagnostics)?;
        let span = attribute.value.span;
        let written = match Written::read(&attribute.value) {
            Ok(written) => written,
            Err(found) => {
                self.diagnostics.push(found);
                return None;
            }
        };
        let resource = match &written.resource {
            Some(resource) if resource.mode == Mode::Managed => resource,
            _ => {
                let whole = Span {
                    end: span.end,
                    ..attribute.name.span
                };
                self.diagnostics.push(diag::import_not_managed(whole));
                return None;
            }
        };
        match written.endpoint(span) {
            Ok(endpoint) => {
                self.check_import_target(&endpoint, span);
                let what = endpoint_text(&endpoint);
                let once = inside.attribute("for_each").is_none();
                if let (true, Some(first)) = (once, seen.insert(endpoint, span)) {
                    self.diagnostics
                        .push(diag::imported_twice(span, &what, first));
                }
            }
            // Keys that are computed say nothing yet, but the block must be there.
            Err(_) => {
                let address = written.without_keys();
                if self.declared(0, &address).is_none() {
                    let what = endpoint_text(&address);
                    self.diagnostics
                        .push(diag::import_target_missing(span, &what));
                }
            }
        }
        let mut key =
            |key: Option<&crate::syntax::Expression>| key.map(|key| lowerer.expression(key));
        let module = written
            .module
            .iter()
            .map(|(name, instance)| (name.clone(), key(*instance)))
            .collect();
        let instance = key(resource.key);
        Some((
            module,
            resource.kind.clone(),
            resource.name.clone(),
            instance,
        ))
    }

    /// What is imported must be declared, and have such an instance.
    fn check_import_target(&mut self, endpoint: &Endpoint, span: Span) {
        let what = endpoint_text(endpoint);
        let Some(definition) = self.definition_at(0, &endpoint.module.0) else {
            self.diagnostics
                .push(diag::import_target_missing(span, &what));
            return;
        };
        let Some(resource) = &endpoint.resource else {
            return;
        };
        let key = (resource.mode, resource.kind.clone(), resource.name.clone());
        let Some(block) = definition.resources.get(&key) else {
            self.diagnostics
                .push(diag::import_target_missing(span, &what));
            return;
        };
        let fits = match written_keys(&block.body) {
            Some(keys) => keys.contains(&resource.key),
            None => is_repeated(&block.body) == (resource.key != Key::None),
        };
        if !fits {
            self.diagnostics
                .push(diag::import_instance_missing(span, &what, block.header));
        }
    }

    fn import_provider(
        &mut self,
        inside: &Body,
        module: &[(Name, Option<value::Expr>)],
        kind: &Name,
        name: &Name,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<model::ProviderRef> {
        let attribute = inside.attribute("provider")?;
        let reference = self.provider_argument(0, kind, inside, lowerer);
        let steps: Vec<ModuleStep> = module
            .iter()
            .map(|(name, _)| ModuleStep {
                name: name.clone(),
                key: Key::None,
            })
            .collect();
        let block = self.definition_at(0, &steps).and_then(|found| {
            found
                .resources
                .get(&(Mode::Managed, kind.clone(), name.clone()))
        })?;
        let own = block.body.attribute("provider").map(|found| &found.value);
        let own = own
            .and_then(super::provider::configuration_name)
            .map_or((super::provider::implied(kind), None), |(local, alias)| {
                (&**local, alias)
            });
        if module.is_empty() && (own.0 != &*reference.local || own.1 != reference.alias.as_ref()) {
            let span = Span {
                end: attribute.value.span.end,
                ..attribute.name.span
            };
            self.diagnostics
                .push(diag::import_provider_differs(span, block.header));
        }
        Some(reference)
    }

    /// Where the object that an address means is declared, whatever its instances.
    fn declared(&self, index: usize, address: &Endpoint) -> Option<Span> {
        match &address.resource {
            Some(resource) => {
                let definition = self.definition_at(index, &address.module.0)?;
                let key = (resource.mode, resource.kind.clone(), resource.name.clone());
                definition.resources.get(&key).map(|block| block.header)
            }
            None => {
                let (last, before) = address.module.0.split_last()?;
                let definition = self.definition_at(index, before)?;
                let call = definition.calls.get(&last.name)?;
                Some(call.block.header)
            }
        }
    }

    /// The same for what was moved away: the instances with these keys, if it is certain that they are declared. Where
    /// either end of the move has a key, both mean instances.
    fn still_declared(&self, index: usize, from: &Endpoint, to: &Endpoint) -> Option<Span> {
        let of_resource = |endpoint: &Endpoint| {
            let resource = endpoint.resource.as_ref();
            resource.map_or(Key::None, |resource| resource.key.clone())
        };
        let of_module = |endpoint: &Endpoint| {
            let last = endpoint.module.0.last();
            last.map_or(Key::None, |step| step.key.clone())
        };
        let (block, key, other) = match &from.resource {
            Some(resource) => {
                let definition = self.instance_at(index, &from.module.0)?;
                let key = (resource.mode, resource.kind.clone(), resource.name.clone());
                let block = definition.resources.get(&key)?;
                (block, resource.key.clone(), of_resource(to))
            }
            None => {
                let (last, before) = from.module.0.split_last()?;
                let definition = self.instance_at(index, before)?;
                let block = &definition.calls.get(&last.name)?.block;
                (block, of_module(from), of_module(to))
            }
        };
        let exists = if key == Key::None && other == Key::None {
            true
        } else {
            match written_keys(&block.body) {
                Some(keys) => keys.contains(&key),
                None => false,
            }
        };
        exists.then_some(block.header)
    }

    /// The definition that a path of calls leads to.
    fn definition_at(&self, index: usize, steps: &[ModuleStep]) -> Option<&'a Definition> {
        let mut definition = self.definitions.get(index)?;
        for step in steps {
            let target = definition.calls.get(&step.name)?.target?;
            definition = self.definitions.get(target)?;
        }
        Some(definition)
    }

    /// The same, if the instances with the keys of the path are certain to be there.
    fn instance_at(&self, index: usize, steps: &[ModuleStep]) -> Option<&'a Definition> {
        let mut definition = self.definitions.get(index)?;
        for step in steps {
            let call = definition.calls.get(&step.name)?;
            if step.key != Key::None && !written_keys(&call.block.body)?.contains(&step.key) {
                return None;
            }
            definition = self.definitions.get(call.target?)?;
        }
        Some(definition)
    }
}

/// The parts of an import's address: modules with keys, type, name and key.
type ImportTarget = (
    Vec<(Name, Option<value::Expr>)>,
    Name,
    Name,
    Option<value::Expr>,
);

/// As an address is written.
pub(crate) fn endpoint_text(endpoint: &Endpoint) -> String {
    let mut text = endpoint.module.to_string();
    if let Some(resource) = &endpoint.resource {
        if !text.is_empty() {
            text.push('.');
        }
        let address = crate::diag::references::resource_address(
            resource.mode,
            &resource.kind,
            &resource.name,
        );
        text.push_str(&address);
        text.push_str(&resource.key.to_string());
    }
    text
}
