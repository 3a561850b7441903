//! A release as text, short enough to read and complete enough that a wrong one differs.

use super::blocks;
use model::{Condition, Lifecycle, Manner, Mode, Release, Repetition, Retry};
use std::fmt::Write as _;
use value::{BinaryOperator, Expr, ExprKind, Reference, UnaryOperator, Value};

/// The whole release.
pub(crate) fn release(release: &Release) -> String {
    let mut text = String::new();
    if !release.project.is_empty() {
        writeln!(text, "project {}", release.project).unwrap();
    }
    for (name, value) in &release.inputs {
        writeln!(text, "input {name} = {}", show_value(value)).unwrap();
    }
    for path in release.files.keys() {
        writeln!(text, "file {path}").unwrap();
    }
    for (index, module) in release.modules.iter().enumerate() {
        writeln!(text, "module #{index} {}", module.directory).unwrap();
        blocks::providers(&mut text, module);
        for (name, variable) in &module.variables {
            write!(text, "  variable {name}: {}", variable.ty.in_words()).unwrap();
            if let Some(default) = &variable.default {
                write!(text, " = {}", show_value(default)).unwrap();
            }
            for (set, word) in [
                (!variable.nullable, "not null"),
                (variable.sensitive, "sensitive"),
                (variable.ephemeral, "ephemeral"),
                (!variable.description.is_empty(), "described"),
            ] {
                if set {
                    write!(text, ", {word}").unwrap();
                }
            }
            writeln!(text).unwrap();
            conditions(&mut text, "validation", &variable.validations);
        }
        for (name, local) in &module.locals {
            writeln!(text, "  local {name} = {}", show(&local.value)).unwrap();
        }
        for resource in &module.resources {
            let mode = match resource.mode {
                Mode::Managed => "",
                Mode::Data => "data.",
                Mode::Ephemeral => "ephemeral.",
            };
            let (kind, name, provider) = (&resource.kind, &resource.name, &resource.provider);
            write!(text, "  {mode}{kind}.{name} of {provider}").unwrap();
            if resource.provider_config.alias.is_some() || resource.provider_config.key.is_some() {
                let configuration = blocks::configuration(&resource.provider_config);
                write!(text, " as {configuration}").unwrap();
            }
            writeln!(text).unwrap();
            repetition(&mut text, &resource.repetition);
            writeln!(text, "    {}", show(&resource.config)).unwrap();
            depends_on(&mut text, &resource.depends_on);
            lifecycle(&mut text, &resource.lifecycle);
            blocks::provisioners(&mut text, &resource.provisioners);
        }
        for (name, call) in &module.modules {
            writeln!(text, "  call {name} of #{}", call.module).unwrap();
            repetition(&mut text, &call.repetition);
            for (name, value) in &call.inputs {
                writeln!(text, "    {name} = {}", show(value)).unwrap();
            }
            depends_on(&mut text, &call.depends_on);
            blocks::passed(&mut text, &call.providers);
        }
        for (name, output) in &module.outputs {
            let hidden = if output.sensitive { " (sensitive)" } else { "" };
            let brief = if output.ephemeral { " (ephemeral)" } else { "" };
            let value = show(&output.value);
            writeln!(text, "  output {name}{hidden}{brief} = {value}").unwrap();
            depends_on(&mut text, &output.depends_on);
            conditions(&mut text, "precondition", &output.preconditions);
        }
        blocks::statements(&mut text, module);
    }
    delivery(&mut text, release);
    text
}

fn delivery(text: &mut String, release: &Release) {
    for (name, artifact) in &release.artifacts {
        writeln!(
            text,
            "artifact {name}: source {:?}, build {:?}, inherit {:?}, files {:?}, run {:?}, timeout {} ms",
            artifact.source, artifact.build, artifact.inherit, artifact.files, artifact.run, artifact.timeout_ms
        )
        .unwrap();
    }
    for (name, service) in &release.services {
        writeln!(
            text,
            "service {name} of {}: replicas {}, port {}, stop {} ms, memory {} bytes, after {:?}",
            service.artifact,
            show(&service.replicas),
            show(&service.port),
            service.stop_grace_ms,
            service.memory_bytes_max,
            service.depends_on
        )
        .unwrap();
        for (name, value) in &service.env {
            writeln!(text, "  env {name} = {}", show(value)).unwrap();
        }
        writeln!(text, "  {:?}", service.health).unwrap();
        writeln!(text, "  {:?}", service.rollout).unwrap();
    }
    for (name, environment) in &release.environments {
        writeln!(
            text,
            "environment {name} after {:?}, rollout {:?}",
            environment.after, environment.rollout
        )
        .unwrap();
        for (name, value) in &environment.variables {
            writeln!(text, "  {name} = {}", show(value)).unwrap();
        }
    }
}

fn repetition(text: &mut String, repetition: &Repetition) {
    match repetition {
        Repetition::Once => {}
        Repetition::Count(expr) => writeln!(text, "    count {}", show(expr)).unwrap(),
        Repetition::ForEach(expr) => writeln!(text, "    for_each {}", show(expr)).unwrap(),
    }
}

fn depends_on(text: &mut String, exprs: &[Expr]) {
    for expr in exprs {
        writeln!(text, "    depends on {}", show(expr)).unwrap();
    }
}

pub(crate) fn conditions(text: &mut String, kind: &str, conditions: &[Condition]) {
    for condition in conditions {
        let (condition, message) = (&condition.condition, &condition.error_message);
        writeln!(
            text,
            "    {kind} {} else {}",
            show(condition),
            show(message)
        )
        .unwrap();
    }
}

fn lifecycle(text: &mut String, lifecycle: &Lifecycle) {
    if lifecycle.create_before_destroy {
        writeln!(text, "    create before destroy").unwrap();
    }
    if let Some(expr) = &lifecycle.prevent_destroy {
        writeln!(text, "    prevent destroy {}", show(expr)).unwrap();
    }
    if lifecycle.ignore_all_changes {
        writeln!(text, "    ignore all").unwrap();
    }
    if let Some(drift) = lifecycle.drift {
        writeln!(text, "    drift {}", drift.word()).unwrap();
    }
    if lifecycle.holds_data {
        writeln!(text, "    holds data").unwrap();
    }
    if let Some(health) = &lifecycle.health {
        let Manner {
            statuses,
            interval_ms,
            deadline_ms,
            successes,
            on_failure,
        } = &health.manner;
        writeln!(text, "    health {}", show(&health.target)).unwrap();
        writeln!(text, "    health {statuses:?}, every {interval_ms}, within {deadline_ms}, {successes} times, {on_failure:?}").unwrap();
    }
    if let Some(retry) = &lifecycle.retry {
        let Retry {
            attempts,
            base_ms,
            cap_ms,
            on,
        } = retry;
        writeln!(
            text,
            "    retry attempts {attempts:?}, base {base_ms:?}, cap {cap_ms:?}, on {on:?}"
        )
        .unwrap();
    }
    for path in &lifecycle.ignore_changes {
        writeln!(text, "    ignore {}", path.join("/")).unwrap();
    }
    for expr in &lifecycle.replace_triggered_by {
        writeln!(text, "    replace by {}", show(expr)).unwrap();
    }
    conditions(text, "precondition", &lifecycle.preconditions);
    conditions(text, "postcondition", &lifecycle.postconditions);
}

fn show_value(value: &Value) -> String {
    if value.is_null() {
        return "null".into();
    }
    let text = value.render();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// An expression in one line, with parentheses wherever there is structure.
pub(crate) fn show(expr: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(show).collect::<Vec<_>>().join(", ");
    let condition = |condition: &Option<Box<Expr>>| {
        let shown = condition.as_ref().map(|c| format!(" if {}", show(c)));
        shown.unwrap_or_default()
    };
    let key =
        |key: &Option<value::Name>| key.as_ref().map(|k| format!("{k}, ")).unwrap_or_default();
    match &expr.kind {
        ExprKind::Literal(value) => show_value(value),
        ExprKind::Reference(reference) => show_reference(reference),
        ExprKind::Instance(reference, key) => {
            format!("{}[{}]!", show_reference(reference), show(key))
        }
        ExprKind::Iteration(name) => format!("@{name}"),
        ExprKind::Template(parts) => format!("template({})", list(parts)),
        ExprKind::Attribute(source, name) => format!("{}.{name}", show(source)),
        ExprKind::Index(source, key) => format!("{}[{}]", show(source), show(key)),
        ExprKind::Splat { source, each } => format!("splat({}: {})", show(source), show(each)),
        ExprKind::Unary(UnaryOperator::Negate, operand) => format!("-{}", show(operand)),
        ExprKind::Unary(UnaryOperator::Not, operand) => format!("!{}", show(operand)),
        ExprKind::Binary(operator, a, b) => {
            format!("({} {} {})", show(a), sign(*operator), show(b))
        }
        ExprKind::Conditional(c, a, b) => format!("({} ? {} : {})", show(c), show(a), show(b)),
        ExprKind::Call {
            name,
            arguments,
            expand_last,
        } => {
            let dots = if *expand_last { "..." } else { "" };
            format!("{name}({}{dots})", list(arguments))
        }
        ExprKind::Tuple(items) => format!("[{}]", list(items)),
        ExprKind::Object(items) => {
            let items = items
                .iter()
                .map(|(k, v)| format!("{} = {}", show(k), show(v)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        ExprKind::ForTuple {
            key: k,
            value,
            collection,
            condition: c,
            result,
        } => format!(
            "[for {}{value} in {}: {}{}]",
            key(k),
            show(collection),
            show(result),
            condition(c)
        ),
        ExprKind::ForObject {
            key: k,
            value,
            collection,
            condition: c,
            result_key,
            result_value,
            group,
        } => format!(
            "{{for {}{value} in {}: {} => {}{}{}}}",
            key(k),
            show(collection),
            show(result_key),
            show(result_value),
            if *group { "..." } else { "" },
            condition(c)
        ),
        ExprKind::Parenthesised(inner) | ExprKind::Interpolated(inner) => show(inner),
        ExprKind::Convert(inner, ty) => format!("{} as {}", show(inner), ty.in_words()),
    }
}

fn sign(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::And => "&&",
        BinaryOperator::Or => "||",
    }
}

fn show_reference(reference: &Reference) -> String {
    match reference {
        Reference::Variable(name) => format!("var.{name}"),
        Reference::Local(name) => format!("local.{name}"),
        Reference::Resource(kind, name) => format!("<{kind}.{name}>"),
        Reference::Data(kind, name) => format!("<data.{kind}.{name}>"),
        Reference::Module(name) => format!("<module.{name}>"),
        Reference::ModuleOutput(name, output) => format!("<module.{name}.{output}>"),
        Reference::EachKey => "each.key".into(),
        Reference::EachValue => "each.value".into(),
        Reference::CountIndex => "count.index".into(),
        Reference::PathModule => "path.module".into(),
        Reference::PathRoot => "path.root".into(),
        Reference::PathCwd => "path.cwd".into(),
        Reference::Workspace => "terraform.workspace".into(),
        Reference::Applying => "terraform.applying".into(),
        Reference::SelfObject => "self".into(),
        Reference::EnvironmentName => "environment.name".into(),
        Reference::Ephemeral(kind, name) => format!("<ephemeral.{kind}.{name}>"),
        Reference::ServicePort(name) => format!("service.{name}.port"),
    }
}
