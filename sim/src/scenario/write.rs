//! Writes a blueprint as a release, in the form that `definition` would compile it to.

use super::blueprint::{Block, Blueprint, Called, How, MODULE, Repeated, block_name, type_name};
use crate::check::secrets::SECRET;
use contract::fake::FakeProvider;
use model::{
    HealthCheck, Lifecycle, Manner, Mode, Module, ModuleCall, OnFailure, Output, Provisioner,
    Release, Repetition, Resource, Unhealthy, Variable, When,
};
use std::collections::BTreeMap;
use value::{Expr, ExprKind, Name, Reference, Span, Type, Value};

/// An expression from nowhere in particular.
pub(crate) fn expr(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

/// A text.
pub(crate) fn text(text: &str) -> Expr {
    expr(ExprKind::Literal(Value::string(text)))
}

/// A number.
pub(crate) fn number(number: i64) -> Expr {
    expr(ExprKind::Literal(Value::number(number)))
}

fn reference(reference: Reference) -> Expr {
    expr(ExprKind::Reference(reference))
}

fn attribute(of: Expr, name: &str) -> Expr {
    expr(ExprKind::Attribute(Box::new(of), Name::from(name)))
}

fn resource_reference(number: u32, block: &Block) -> Reference {
    Reference::Resource(Name::from(type_name(block.class)), block_name(number))
}

/// The release of a blueprint, without anything to deliver.
pub(crate) fn release(blueprint: &Blueprint) -> Release {
    let mut root = Module {
        directory: ".".into(),
        ..Module::default()
    };
    let extra = |number: u32| match &blueprint.called {
        Some(called) if called.used_by == Some(number) => Some(module_output(called)),
        _ => None,
    };
    root.resources = resources(&blueprint.blocks, extra);
    if let Some((number, block)) = blueprint.blocks.iter().next() {
        root.outputs
            .insert(Name::from("first"), output(ids_of(*number, block)));
    }
    root.variables.insert(Name::from(TOKEN), variable(true));
    let mut modules = vec![root];
    if let Some(called) = &blueprint.called {
        let input = called
            .input
            .and_then(|number| Some((number, blueprint.blocks.get(&number)?)));
        let call = ModuleCall {
            source: String::new(),
            version: String::new(),
            module: 1,
            repetition: called
                .count
                .map_or(Repetition::Once, |n| Repetition::Count(number(n as i64))),
            inputs: input
                .map(|(number, block)| {
                    (
                        Name::from("up"),
                        attribute(reference(resource_reference(number, block)), "id"),
                    )
                })
                .into_iter()
                .collect(),
            depends_on: Vec::new(),
            providers: Vec::new(),
            span: Span::default(),
        };
        if let Some(root) = modules.first_mut() {
            root.modules.insert(Name::from(MODULE), call);
        }
        modules.push(called_module(called));
    }
    Release {
        format: 1,
        inputs: [(Name::from(TOKEN), Value::string(SECRET))].into(),
        modules,
        ..Release::default()
    }
}

/// The variable that the secret is given to.
const TOKEN: &str = "token";

/// The secret, where it is used.
pub(crate) fn token() -> Expr {
    reference(Reference::Variable(Name::from(TOKEN)))
}

fn variable(sensitive: bool) -> Variable {
    Variable {
        ty: Type::String,
        default: Some(Value::null(Type::String)),
        nullable: true,
        sensitive,
        ephemeral: false,
        validations: Vec::new(),
        description: String::new(),
        span: Span::default(),
    }
}

fn called_module(called: &Called) -> Module {
    let mut module = Module {
        directory: "m".into(),
        ..Module::default()
    };
    module.variables.insert(Name::from("up"), variable(false));
    let first = called.blocks.keys().next().copied();
    let extra = |number: u32| {
        let handed_in = called.input.is_some() && Some(number) == first;
        handed_in.then(|| reference(Reference::Variable(Name::from("up"))))
    };
    module.resources = resources(&called.blocks, extra);
    if let Some((number, block)) = called.blocks.iter().next() {
        let id = attribute(reference(resource_reference(*number, block)), "id");
        module.outputs.insert(Name::from("out"), output(id));
    }
    module
}

fn module_output(called: &Called) -> Expr {
    let out = Reference::ModuleOutput(Name::from(MODULE), Name::from("out"));
    match called.count {
        None => reference(out),
        Some(_) => expr(ExprKind::Instance(out, Box::new(number(0)))),
    }
}

fn output(value: Expr) -> Output {
    Output {
        value,
        sensitive: false,
        ephemeral: false,
        depends_on: Vec::new(),
        preconditions: Vec::new(),
        description: String::new(),
        span: Span::default(),
    }
}

/// `join(",", [for v in TYPE.NAME : v.id])`, or the one id.
fn ids_of(number: u32, block: &Block) -> Expr {
    let whole = reference(resource_reference(number, block));
    if block.repeated == Repeated::Once {
        return attribute(whole, "id");
    }
    let item = expr(ExprKind::Iteration(Name::from("v")));
    let ids = expr(ExprKind::ForTuple {
        key: None,
        value: Name::from("v"),
        collection: Box::new(whole),
        condition: None,
        result: Box::new(attribute(item, "id")),
    });
    expr(ExprKind::Call {
        name: Name::from("join"),
        arguments: vec![text(","), ids],
        expand_last: false,
    })
}

fn resources(blocks: &BTreeMap<u32, Block>, extra: impl Fn(u32) -> Option<Expr>) -> Vec<Resource> {
    let mut all: Vec<Resource> = blocks
        .iter()
        .map(|(number, block)| resource(blocks, *number, block, extra(*number)))
        .collect();
    all.sort_by(|a, b| (a.mode, &a.kind, &a.name).cmp(&(b.mode, &b.kind, &b.name)));
    all
}

fn resource(
    blocks: &BTreeMap<u32, Block>,
    at: u32,
    block: &Block,
    extra: Option<Expr>,
) -> Resource {
    let mut name = vec![text(&format!("b{at}"))];
    let (repetition, key) = repetition(blocks, block);
    if let Some(key) = &key {
        name.extend([text("-"), key.clone()]);
    }
    if block.secret {
        name.extend([text("+"), token()]);
    }
    if let Repeated::EachOf(_) = block.repeated {
        name.extend([text("+"), attribute(reference(Reference::EachValue), "id")]);
    }
    let mut size = number(block.size);
    let mut kind = text(&format!("form-{}", block.form));
    let mut depends_on = Vec::new();
    for (to, how) in &block.links {
        let Some(other) = blocks.get(to) else {
            continue;
        };
        let target = resource_reference(*to, other);
        match how {
            How::Id | How::Whole => name.extend([text("+"), ids_of(*to, other)]),
            How::SameKey => {
                let key = key.clone().unwrap_or_else(|| number(0));
                let one = expr(ExprKind::Instance(target, Box::new(key)));
                name.extend([text("+"), attribute(one, "id")]);
            }
            How::Explicit => depends_on.push(reference(target)),
            How::Size => size = attribute(reference(target), "size"),
            How::Kind => kind = attribute(reference(target), "id"),
        }
    }
    name.extend(extra.into_iter().flat_map(|extra| [text("+"), extra]));
    let attributes = [
        ("id", expr(ExprKind::Literal(Value::null(Type::String)))),
        ("kind", kind),
        ("name", expr(ExprKind::Template(name))),
        ("size", size),
        ("tag", expr(ExprKind::Literal(Value::null(Type::String)))),
    ];
    Resource {
        mode: Mode::Managed,
        kind: Name::from(type_name(block.class)),
        name: block_name(at),
        provider: FakeProvider::SOURCE.into(),
        provider_config: model::ProviderRef::default(),
        repetition,
        config: expr(ExprKind::Object(
            attributes.map(|(name, value)| (text(name), value)).into(),
        )),
        depends_on,
        lifecycle: Lifecycle {
            create_before_destroy: block.new_first,
            health: health(at),
            ..Lifecycle::default()
        },
        provisioners: provisioners(at),
        span: Span::default(),
    }
}

/// The health of some objects is looked at.
fn health(at: u32) -> Option<HealthCheck> {
    let own = attribute(reference(Reference::SelfObject), "id");
    let target = [(text("tcp"), own)].into();
    (at % 8 == 5).then(|| HealthCheck {
        target: expr(ExprKind::Object(target)),
        manner: Manner {
            statuses: Vec::new(),
            interval_ms: 1_000,
            deadline_ms: 60_000,
            successes: 1,
            on_failure: if at % 16 == 13 {
                Unhealthy::Rollback
            } else {
                Unhealthy::Hold
            },
        },
        span: Span::default(),
    })
}

/// Every other block has a provisioner: for its creation, for its destruction, or one that fails and may.
fn provisioners(at: u32) -> Vec<Provisioner> {
    let own = attribute(reference(Reference::SelfObject), "id");
    let (command, when, on_failure) = match at % 6 {
        0 => (own, When::Create, OnFailure::Fail),
        2 => (own, When::Destroy, OnFailure::Fail),
        4 => (text("false"), When::Create, OnFailure::Continue),
        _ => return Vec::new(),
    };
    let config = [(text("command"), command)].into();
    Vec::from([Provisioner {
        kind: Name::from("local-exec"),
        config: expr(ExprKind::Object(config)),
        connection: None,
        when,
        on_failure,
        span: Span::default(),
    }])
}

/// `count` or `for_each`, and what says which instance one is in.
fn repetition(blocks: &BTreeMap<u32, Block>, block: &Block) -> (Repetition, Option<Expr>) {
    match &block.repeated {
        Repeated::Once => (Repetition::Once, None),
        Repeated::Count(n) => (
            Repetition::Count(number(*n as i64)),
            Some(reference(Reference::CountIndex)),
        ),
        Repeated::Each(keys) => {
            let set = Value::set(Type::String, keys.iter().map(Value::string).collect());
            (
                Repetition::ForEach(expr(ExprKind::Literal(set))),
                Some(reference(Reference::EachKey)),
            )
        }
        Repeated::EachOf(of) => {
            let whole = blocks.get(of).map_or_else(
                || text(""),
                |other| reference(resource_reference(*of, other)),
            );
            (
                Repetition::ForEach(whole),
                Some(reference(Reference::EachKey)),
            )
        }
    }
}
