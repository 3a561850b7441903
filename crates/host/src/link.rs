//! `host_link`: a symbolic link with this target. What stands at its target, if anything does, is not its business.
//!
//! A link is replaced whole, as files are: nobody ever finds it missing while it is turned to another target.

use crate::diag::{self, Trouble};
use crate::file::{replaced, unclear};
use crate::form::{self, Parts};
use crate::machine::Machine;
use crate::standing::{self, Standing};
use crate::write::Over;
use contract::{Answer, Inquiry, Outcome};
use model::{ActionId, BlockSchema, Change, Repeat};
use std::path::Path;
use value::{Diagnostics, Type, Unknown, Value};

pub(crate) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    if let Some(path) = form::known(config, "path")
        && let Err(diagnostic) = standing::check_path("path", path)
    {
        found.push(diagnostic);
    }
    if let Some(target) = form::known(config, "target")
        && let Err(diagnostic) = standing::check_text("target", target)
    {
        found.push(diagnostic);
    }
    found
}

pub(crate) fn plan(config: &Value, prior: &Value) -> Result<Answer, Diagnostics> {
    let found = validate(config);
    if found.has_errors() {
        return Err(found);
    }
    let path = config.get("path").filter(|path| !path.is_null());
    let id = path.map(|path| path.clone().without_marks());
    let id = id.unwrap_or_else(|| Unknown::of(Type::String).not_null().into());
    let planned = form::with(config, [("id", id)]);
    Ok(form::planned(
        planned,
        replaced(config, prior),
        Repeat::Safe,
    ))
}

pub(crate) fn read(machine: &Machine, prior: &Value) -> Result<Answer, Trouble> {
    let path = machine.path_of(prior)?;
    Ok(match look(machine, &path)? {
        Found::Nothing => form::read(None, Diagnostics::new()),
        Found::Link(target) => {
            let marks = prior.get("target").map(Value::marks).unwrap_or_default();
            let target = Value::string(&target).with_marks(marks);
            let object = form::with(prior, [("target", target)]);
            form::read(Some(object), Diagnostics::new())
        }
        Found::Other(what) => form::read(None, diag::something_else(&path, what).into()),
    })
}

/// What a look at the place of a link showed.
enum Found {
    Nothing,
    /// A link with this target.
    Link(String),
    /// Something else, in words.
    Other(&'static str),
}

fn look(machine: &Machine, path: &Path) -> Result<Found, Trouble> {
    match machine.link_target(path)? {
        // Such a target was not written by this program, which only has texts.
        Some(Ok(target)) => Ok(Found::Link(target)),
        Some(Err(())) => Ok(Found::Other(
            "a symbolic link whose target is no text of Unicode",
        )),
        None => Ok(match machine.look(path)? {
            Standing::Nothing => Found::Nothing,
            other @ (Standing::File(_) | Standing::Directory(_) | Standing::Other(_)) => {
                Found::Other(other.what())
            }
        }),
    }
}

pub(crate) fn apply(
    machine: &Machine,
    block: &BlockSchema,
    action: ActionId,
    change: &Change,
) -> Result<Outcome, Trouble> {
    let (planned, is_new) = match form::parts(block, change)? {
        Parts::Create { planned, .. } => (planned, true),
        Parts::Update { planned, .. } => (planned, false),
        Parts::Delete { prior } => return delete(machine, &machine.path_of(prior)?),
    };
    let path = machine.path_of(planned)?;
    let target = target_of(planned)?;
    match look(machine, &path)? {
        Found::Nothing => machine.make_link(&path, action, target, Over::Nothing)?,
        Found::Link(there) if there == target => {}
        Found::Link(there) if is_new => {
            return Err(diag::exists(&path, &format!("it leads to {there}")).into());
        }
        Found::Link(_) => machine.make_link(&path, action, target, Over::Anything)?,
        Found::Other(what) if is_new => {
            return Err(diag::exists(&path, &format!("it is {what}")).into());
        }
        Found::Other(what) => return Err(diag::in_the_way(&path, what).into()),
    }
    Ok(done(change))
}

fn target_of(planned: &Value) -> Result<&str, Trouble> {
    form::known(planned, "target")
        .ok_or_else(|| diag::unexpected_form("The target of a link is not known").into())
}

fn delete(machine: &Machine, path: &Path) -> Result<Outcome, Trouble> {
    match look(machine, path)? {
        Found::Nothing | Found::Link(_) => machine.remove_file(path)?,
        Found::Other(what) => return Err(diag::in_the_way(path, what).into()),
    }
    Ok(form::deleted())
}

fn done(change: &Change) -> Outcome {
    let id = change.planned.as_ref();
    let id = id.and_then(|planned| form::known(planned, "path"));
    let results = [("id", Value::string(id.unwrap_or_default()))];
    form::changed(form::fill(change, &results), Diagnostics::new())
}

pub(crate) fn inquire(
    machine: &Machine,
    block: &BlockSchema,
    change: &Change,
) -> Result<Inquiry, Trouble> {
    let (planned, prior) = match form::parts(block, change)? {
        Parts::Create { planned, .. } => (planned, None),
        Parts::Update { planned, prior, .. } => (planned, Some(prior)),
        Parts::Delete { prior } => {
            let path = machine.path_of(prior)?;
            return Ok(match look(machine, &path)? {
                Found::Nothing => Inquiry::Found(form::deleted()),
                Found::Link(_) => Inquiry::Absent,
                Found::Other(what) => unclear(&path, what),
            });
        }
    };
    let path = machine.path_of(planned)?;
    let before = prior.and_then(|prior| form::known(prior, "target"));
    Ok(match look(machine, &path)? {
        Found::Nothing => Inquiry::Absent,
        Found::Link(there) if there == target_of(planned)? => Inquiry::Found(done(change)),
        Found::Link(there) if before == Some(&*there) => Inquiry::Absent,
        Found::Link(there) => unclear(&path, &format!("a symbolic link to {there}")),
        Found::Other(what) => unclear(&path, what),
    })
}
