//! What an expression refers to, in the words of `terraform show -json`: every reference with the attributes and
//! constant keys behind it, and then each beginning of it, down to the block.

use value::{Data, Expr, ExprKind, Name, Reference};

/// The text of a literal.
pub(crate) fn constant_text(expr: &Expr) -> Option<Name> {
    match &expr.kind {
        ExprKind::Literal(value) => value.as_str().map(Name::from),
        _ => None,
    }
}

/// What entries of `depends_on` name.
pub(crate) fn named(entries: &[Expr]) -> Vec<String> {
    let all = entries.iter().filter_map(|entry| of(entry).pop());
    all.collect()
}

/// References in the order written, each followed by its beginnings.
pub(crate) fn of(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &Expr, found: &mut Vec<String>) {
    if is_working_directory(expr) {
        found.push("path.cwd".to_owned());
        return;
    }
    // From the outside in: the steps behind a reference, the last one first.
    let mut steps = Vec::new();
    let mut at = expr;
    let mut keys = Vec::new();
    // Each round looks into a part of the expression.
    let (beginnings, key) = loop {
        match &at.kind {
            ExprKind::Attribute(source, name) => {
                steps.push(format!(".{name}"));
                at = source;
            }
            ExprKind::Index(source, key) => {
                match constant_step(key) {
                    Some(step) => steps.push(step),
                    None => {
                        // What stands behind a key that is computed is no part of the reference any more.
                        steps.clear();
                        keys.push(&**key);
                    }
                }
                at = source;
            }
            ExprKind::Reference(reference) => break (subjects(reference, ""), None),
            ExprKind::Instance(reference, key) => match constant_step(key) {
                Some(step) => break (subjects(reference, &step), None),
                None => {
                    steps.clear();
                    break (vec![block(reference)], Some(&**key));
                }
            },
            _ => {
                at.each_child(&mut |child| collect(child, found));
                keys.iter().rev().for_each(|key| collect(key, found));
                return;
            }
        }
    };
    let subject = beginnings.first().cloned().unwrap_or_default();
    for end in 0..steps.len() {
        let behind = steps.iter().skip(end).rev();
        let behind: String = behind.map(String::as_str).collect();
        found.push(format!("{subject}{behind}"));
    }
    found.extend(beginnings);
    let keys = key.into_iter().chain(keys.into_iter().rev());
    keys.for_each(|key| collect(key, found));
}

/// Whether it is what `path.cwd` was compiled to: a call that stands where its argument stands, as nobody can write it.
fn is_working_directory(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call {
            name, arguments, ..
        } if &**name == "try" => {
            matches!(arguments.first(), Some(first) if first.span == expr.span)
        }
        _ => false,
    }
}

/// `[0]` or `["a"]`; none for a key that is computed.
fn constant_step(key: &Expr) -> Option<String> {
    let ExprKind::Literal(value) = &key.kind else {
        return None;
    };
    match value.data() {
        Data::String(text) => Some(format!("[{text:?}]")),
        Data::Number(number) => Some(format!("[{number}]")),
        _ => None,
    }
}

/// What a reference names, and what that is part of. `key` is that of the instance.
fn subjects(reference: &Reference, key: &str) -> Vec<String> {
    let block = block(reference);
    match reference {
        Reference::ModuleOutput(_, output) => {
            vec![format!("{block}{key}.{output}"), format!("{block}{key}")]
        }
        _ if key.is_empty() => vec![block],
        Reference::Module(_) => vec![format!("{block}{key}")],
        _ => vec![format!("{block}{key}"), block],
    }
}

/// The name of what a reference belongs to, without the instance and the output.
fn block(reference: &Reference) -> String {
    match reference {
        Reference::Variable(name) => format!("var.{name}"),
        Reference::Local(name) => format!("local.{name}"),
        Reference::Resource(kind, name) => format!("{kind}.{name}"),
        Reference::Data(kind, name) => format!("data.{kind}.{name}"),
        Reference::Ephemeral(kind, name) => format!("ephemeral.{kind}.{name}"),
        Reference::Module(name) | Reference::ModuleOutput(name, _) => format!("module.{name}"),
        Reference::EachKey => "each.key".to_owned(),
        Reference::EachValue => "each.value".to_owned(),
        Reference::CountIndex => "count.index".to_owned(),
        Reference::PathModule => "path.module".to_owned(),
        Reference::PathRoot => "path.root".to_owned(),
        Reference::PathCwd => "path.cwd".to_owned(),
        Reference::Workspace => "terraform.workspace".to_owned(),
        Reference::Applying => "terraform.applying".to_owned(),
        Reference::SelfObject => "self".to_owned(),
        Reference::EnvironmentName => "environment.name".to_owned(),
        Reference::ServicePort(name) => format!("service.{name}.port"),
    }
}
