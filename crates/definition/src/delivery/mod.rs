//! The delivery blocks of `steadfast.hcl`: what is built, what runs, and where.
//!
//! Everything that does not depend on an environment (commands, durations, steps) is a constant and checked here; what
//! may depend on one (replicas, ports, environment variables) stays an expression. Blocks that belong to later versions
//! are refused, never passed over: a release that only seems to be guarded by a gate is worse than none.

mod artifact;
mod environment;
pub(crate) mod quantity;
mod service;

use crate::compile::body::{self, Form};
use crate::compile::{Constraint, DELIVERY_FILE, Definition, Files};
use crate::diag::{blocks, delivery as diag};
use crate::lower::{Context, Lowerer, Names, Roots};
use crate::syntax::{Attribute, Block, Body, Expression, ExpressionKind, Identifier};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::Release;
use value::{Diagnostics, Name, SourceId, Span, Type, Value};

/// Kinds of block that `steadfast.hcl` has besides those of modules.
pub(crate) const KINDS: &[&str] = &[
    "project",
    "stack",
    "artifact",
    "service",
    "environment",
    "gate",
    "policy",
    "flags",
];

/// Kinds of block that later versions bring.
const LATER: [&str; 3] = ["gate", "policy", "flags"];

/// What is declared, by kind, so that references can be checked.
struct Declared {
    artifacts: BTreeSet<Name>,
    services: BTreeSet<Name>,
    environments: BTreeSet<Name>,
}

/// Reads delivery blocks one after the other.
struct Delivery<'n, 'd> {
    declared: Declared,
    constraints: &'n BTreeMap<Name, Constraint>,
    lowerer: Lowerer<'n>,
    diagnostics: &'d mut Diagnostics,
}

/// Names of the environments that a project declares, as far as its delivery file can be read.
pub fn environments(files: &dyn Files) -> Vec<Name> {
    let Some(bytes) = files.read(DELIVERY_FILE) else {
        return Vec::new();
    };
    let source = SourceId(0);
    let Ok(text) = crate::source_text(&bytes, source) else {
        return Vec::new();
    };
    let (body, _) = crate::parse_body(text, source);
    let blocks = body.blocks.iter();
    let blocks = blocks.filter(|block| &*block.kind.name == "environment");
    blocks
        .filter_map(|block| block.labels.first())
        .map(|label| label.name.clone())
        .collect()
}

/// Compiles the delivery blocks of the root module into the release.
pub(crate) fn compile<'n>(
    root: &Definition,
    names: &'n Names<'n>,
    constraints: &'n BTreeMap<Name, Constraint>,
    release: &mut Release,
    diagnostics: &mut Diagnostics,
) {
    if !root.has_delivery {
        return;
    }
    let context = Context {
        delivery: true,
        ..Context::default()
    };
    let blocks = unique(root, diagnostics);
    let mut delivery = Delivery {
        declared: Declared {
            artifacts: labels(&blocks, "artifact"),
            services: labels(&blocks, "service"),
            environments: labels(&blocks, "environment"),
        },
        constraints,
        lowerer: Lowerer::new(Roots::Module(names), context),
        diagnostics,
    };
    for block in blocks {
        delivery.block(block, release);
    }
    let found = core::mem::take(&mut delivery.lowerer.diagnostics);
    delivery.diagnostics.extend(found);
    delivery.cycles(release);
}

/// The blocks with wrong headers and repeated names taken out and reported.
fn unique<'b>(root: &'b Definition, diagnostics: &mut Diagnostics) -> Vec<&'b Block> {
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    let mut blocks = Vec::new();
    for block in &root.delivery {
        let kind = &*block.kind.name;
        if LATER.contains(&kind) {
            let what = alloc::format!("The block \"{kind}\"");
            diagnostics.push(diag::not_in_this_version(block.header, &what));
            continue;
        }
        if body::labels(block, &["NAME"], diagnostics).is_none() {
            continue;
        }
        let Some(label) = block.labels.first() else {
            continue;
        };
        if !value::is_identifier(&label.name) {
            diagnostics.push(blocks::invalid_name(label.span, &label.name));
            continue;
        }
        // There is one project, whatever it is called.
        let name = if kind == "project" { "" } else { &label.name };
        if let Some(first) = seen.get(&(kind, name)) {
            let what = alloc::format!("{kind} \"{}\"", label.name);
            diagnostics.push(blocks::duplicate(block.header, &what, *first));
            continue;
        }
        seen.insert((kind, name), block.header);
        blocks.push(block);
    }
    blocks
}

fn labels(blocks: &[&Block], kind: &str) -> BTreeSet<Name> {
    let blocks = blocks.iter().filter(|block| &*block.kind.name == kind);
    blocks
        .filter_map(|block| block.labels.first())
        .map(|label| label.name.clone())
        .collect()
}

impl Delivery<'_, '_> {
    fn block(&mut self, block: &Block, release: &mut Release) {
        let Some(name) = block.labels.first().map(|label| label.name.clone()) else {
            return;
        };
        match &*block.kind.name {
            "project" => {
                self.check(&block.body, "A project block", &[], &[], &[]);
                release.project = name.to_string();
            }
            "artifact" => {
                if let Some(artifact) = self.artifact(block) {
                    release.artifacts.insert(name, artifact);
                }
            }
            "service" => {
                if let Some(service) = self.service(block) {
                    release.services.insert(name, service);
                }
            }
            _ => {
                let environment = self.environment(block);
                release.environments.insert(name, environment);
            }
        }
    }

    /// Reports what a block cannot contain; `later` is refused with its own words.
    fn check(
        &mut self,
        inside: &Body,
        whose: &str,
        arguments: &[&str],
        blocks: &[&str],
        later: &[&str],
    ) {
        let written = inside.attributes.iter().map(|attribute| &attribute.name);
        let written = written.chain(inside.blocks.iter().map(|block| &block.kind));
        for name in written.filter(|name| later.contains(&&*name.name)) {
            let what = alloc::format!("\"{}\"", name.name);
            self.diagnostics
                .push(diag::not_in_this_version(name.span, &what));
        }
        let mut all_arguments = arguments.to_vec();
        all_arguments.extend(later);
        let mut all_blocks = blocks.to_vec();
        all_blocks.extend(later);
        let form = Form {
            whose,
            arguments: &all_arguments,
            blocks: &all_blocks,
        };
        body::check(inside, &form, self.diagnostics);
    }

    /// A constant argument of a type.
    fn constant(&mut self, inside: &Body, name: &str, ty: &Type) -> Option<Value> {
        body::constant(inside, name, ty, self.diagnostics).filter(|value| !value.is_null())
    }

    fn text(&mut self, inside: &Body, name: &str) -> Option<String> {
        let value = self.constant(inside, name, &Type::String)?;
        value.as_str().map(ToString::to_string)
    }

    /// A constant sequence of texts.
    fn texts(&mut self, inside: &Body, name: &str) -> Option<Vec<String>> {
        let value = self.constant(inside, name, &Type::list(Type::String))?;
        let items = value.elements()?.iter();
        Some(
            items
                .filter_map(|item| item.as_str())
                .map(ToString::to_string)
                .collect(),
        )
    }

    /// A constant map of texts.
    fn text_map(&mut self, inside: &Body, name: &str) -> Option<BTreeMap<String, String>> {
        let value = self.constant(inside, name, &Type::map(Type::String))?;
        let items = value.entries()?.iter();
        Some(
            items
                .filter_map(|(key, item)| Some((key.to_string(), item.as_str()?.to_string())))
                .collect(),
        )
    }

    /// A constant whole number between bounds.
    fn whole(&mut self, inside: &Body, name: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.constant(inside, name, &Type::Number)?;
        let number = value.as_number().and_then(|number| number.as_u64());
        let found = number.filter(|number| (least..=most).contains(number));
        if found.is_none() {
            let detail =
                alloc::format!("\"{name}\" must be a whole number between {least} and {most}.");
            self.invalid(inside, name, &detail);
        }
        found
    }

    /// A duration in milliseconds.
    fn duration(&mut self, inside: &Body, name: &str) -> Option<u64> {
        let text = self.text(inside, name)?;
        let found = quantity::duration_ms(&text);
        if found.is_none() {
            let span = value_span(inside, name);
            self.diagnostics.push(diag::invalid_duration(span, &text));
        }
        found
    }

    /// A duration that cannot be nothing.
    fn positive_duration(&mut self, inside: &Body, name: &str) -> Option<u64> {
        let found = self.duration(inside, name)?;
        if found == 0 {
            let detail = alloc::format!("\"{name}\" must be longer than nothing.");
            self.invalid(inside, name, &detail);
            return None;
        }
        Some(found)
    }

    /// A size in bytes.
    fn size(&mut self, inside: &Body, name: &str) -> Option<u64> {
        let text = self.text(inside, name)?;
        let found = quantity::size_bytes(&text);
        if found.is_none() {
            let span = value_span(inside, name);
            self.diagnostics.push(diag::invalid_size(span, &text));
        }
        found
    }

    fn invalid(&mut self, inside: &Body, name: &str, detail: &str) {
        let span = value_span(inside, name);
        self.diagnostics.push(diag::invalid_setting(span, detail));
    }

    fn required<'b>(&mut self, block: &'b Block, name: &str, whose: &str) -> Option<&'b Attribute> {
        body::required(&block.body, name, whose, self.diagnostics)
    }

    /// `kind.NAME`, of a declared block.
    fn name(&mut self, expression: &Expression, kind: &str) -> Option<Name> {
        let label: &Identifier = match &expression.kind {
            ExpressionKind::Attribute(source, label)
                if source.as_keyword().is_some_and(|root| &**root == kind) =>
            {
                label
            }
            ExpressionKind::Invalid => return None,
            _ => {
                self.diagnostics
                    .push(diag::not_a_name(expression.span, kind));
                return None;
            }
        };
        let declared = match kind {
            "artifact" => &self.declared.artifacts,
            "service" => &self.declared.services,
            _ => &self.declared.environments,
        };
        if declared.contains(&label.name) {
            return Some(label.name.clone());
        }
        let known = declared.iter().map(|name| &**name);
        let found = diag::unknown_name(label.span, kind, &label.name, known);
        self.diagnostics.push(found);
        None
    }

    /// `[kind.NAME, ...]`; empty when not set.
    fn names(&mut self, inside: &Body, argument: &str, kind: &str) -> Vec<Name> {
        let Some(attribute) = inside.attribute(argument) else {
            return Vec::new();
        };
        let ExpressionKind::Tuple(items) = &attribute.value.kind else {
            let span = attribute.value.span;
            self.diagnostics.push(diag::not_a_name(span, kind));
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.name(item, kind))
            .collect()
    }

    /// Services and environments that wait for each other.
    fn cycles(&mut self, release: &Release) {
        let services = release
            .services
            .iter()
            .map(|(name, service)| (name.clone(), (service.depends_on.clone(), service.span)));
        self.cycle("service", &services.collect());
        let environments = release
            .environments
            .iter()
            .map(|(name, block)| (name.clone(), (block.after.clone(), block.span)));
        self.cycle("environment", &environments.collect());
    }

    /// Takes away whatever waits for nothing until nothing is left; what cannot be taken away waits for itself.
    fn cycle(&mut self, kind: &str, all: &BTreeMap<Name, (Vec<Name>, Span)>) {
        let mut waiting: BTreeMap<&Name, BTreeSet<&Name>> = all
            .iter()
            .map(|(name, (needs, _))| (name, needs.iter().collect()))
            .collect();
        loop {
            let free: Vec<&Name> = waiting
                .iter()
                .filter(|(_, needs)| !needs.iter().any(|need| waiting.contains_key(*need)))
                .map(|(name, _)| *name)
                .collect();
            if free.is_empty() {
                break;
            }
            for name in free {
                waiting.remove(name);
            }
        }
        // From any of what is left, going along the needs comes back to where it has been.
        let Some(mut at) = waiting.keys().next().copied() else {
            return;
        };
        let mut path: Vec<&Name> = Vec::new();
        while !path.contains(&at) {
            path.push(at);
            let next = waiting
                .get(at)
                .and_then(|needs| needs.iter().find(|need| waiting.contains_key(**need)));
            match next {
                Some(next) => at = next,
                None => return,
            }
        }
        let begin = path.iter().position(|name| *name == at).unwrap_or(0);
        let members = path.iter().skip(begin).chain(Some(&at));
        let members: Vec<String> = members
            .map(|name| alloc::format!("{kind}.{name}"))
            .collect();
        let span = all.get(at).map_or(Span::default(), |(_, span)| *span);
        self.diagnostics
            .push(diag::cycle(span, kind, &members.join(" -> ")));
    }
}

/// Where the value of an argument stands.
fn value_span(inside: &Body, name: &str) -> Span {
    inside
        .attribute(name)
        .map_or(inside.span, |attribute| attribute.value.span)
}
