//! `host_directory`: a directory with this mode and owner. What is inside is not its business, except that it is only
//! removed when nothing is.

use crate::diag::{self, Trouble};
use crate::file::{plan_common, replaced, unclear};
use crate::form::{self, Parts};
use crate::machine::Machine;
use crate::rights;
use crate::standing::{self, Standing};
use contract::{Answer, Inquiry, Outcome};
use model::{ActionId, BlockSchema, Change, Repeat};
use std::path::Path;
use value::{Diagnostics, Type, Value};

/// Mode when none is configured.
const MODE_DEFAULT: &str = "0755";

pub(crate) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    if let Some(path) = form::known(config, "path")
        && let Err(diagnostic) = standing::check_path("path", path)
    {
        found.push(diagnostic);
    }
    if let Err(diagnostic) = rights::check_mode(config) {
        found.push(diagnostic);
    }
    found
}

pub(crate) fn plan(config: &Value, prior: &Value) -> Result<Answer, Diagnostics> {
    let found = validate(config);
    if found.has_errors() {
        return Err(found);
    }
    let planned = form::with(config, plan_common(config, prior, MODE_DEFAULT));
    Ok(form::planned(
        planned,
        replaced(config, prior),
        Repeat::Safe,
    ))
}

pub(crate) fn read(machine: &Machine, prior: &Value) -> Result<Answer, Trouble> {
    let path = machine.path_of(prior)?;
    Ok(match machine.look(&path)? {
        Standing::Nothing => form::read(None, Diagnostics::new()),
        Standing::Directory(meta) => {
            let object = form::with(prior, machine.accounts()?.described(&meta, prior)?);
            form::read(Some(object), Diagnostics::new())
        }
        other @ (Standing::File(_) | Standing::Other(_)) => {
            form::read(None, diag::something_else(&path, other.what()).into())
        }
    })
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
    let wanted = machine.accounts()?.wanted(planned)?;
    match machine.look(&path)? {
        Standing::Nothing => machine.make_directory(&path, action, wanted)?,
        Standing::Directory(meta) => match wanted.difference(&meta) {
            Some(difference) if is_new => return Err(diag::exists(&path, &difference).into()),
            Some(_) => machine.set_rights(&path, wanted, &meta)?,
            None => {}
        },
        other @ (Standing::File(_) | Standing::Other(_)) if is_new => {
            return Err(diag::exists(&path, &format!("it is {}", other.what())).into());
        }
        other @ (Standing::File(_) | Standing::Other(_)) => {
            return Err(diag::in_the_way(&path, other.what()).into());
        }
    }
    found(machine, &path, change)
}

fn delete(machine: &Machine, path: &Path) -> Result<Outcome, Trouble> {
    match machine.look(path)? {
        Standing::Nothing | Standing::Directory(_) => machine.remove_directory(path)?,
        other @ (Standing::File(_) | Standing::Other(_)) => {
            return Err(diag::in_the_way(path, other.what()).into());
        }
    }
    Ok(form::deleted())
}

/// The outcome as the directory stands.
fn found(machine: &Machine, path: &Path, change: &Change) -> Result<Outcome, Trouble> {
    let Standing::Directory(meta) = machine.look(path)? else {
        return Err(Trouble::Lost(format!(
            "{} was gone again as soon as it had been made",
            path.display()
        )));
    };
    let planned = change
        .planned
        .clone()
        .unwrap_or_else(|| Value::null(Type::Any));
    let [mode, owner, group] = machine.accounts()?.described(&meta, &planned)?;
    let id = form::known(&planned, "path").unwrap_or_default();
    let results = [("id", Value::string(id)), mode, owner, group];
    Ok(form::changed(
        form::fill(change, &results),
        Diagnostics::new(),
    ))
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
            return Ok(match machine.look(&path)? {
                Standing::Nothing => Inquiry::Found(form::deleted()),
                Standing::Directory(_) => Inquiry::Absent,
                other @ (Standing::File(_) | Standing::Other(_)) => unclear(&path, other.what()),
            });
        }
    };
    let path = machine.path_of(planned)?;
    let meta = match machine.look(&path)? {
        Standing::Nothing => return Ok(Inquiry::Absent),
        Standing::Directory(meta) => meta,
        other @ (Standing::File(_) | Standing::Other(_)) => {
            return Ok(unclear(&path, other.what()));
        }
    };
    let Some(difference) = machine.accounts()?.wanted(planned)?.difference(&meta) else {
        return found(machine, &path, change).map(Inquiry::Found);
    };
    match prior {
        Some(prior)
            if machine
                .accounts()?
                .wanted(prior)?
                .difference(&meta)
                .is_none() =>
        {
            Ok(Inquiry::Absent)
        }
        Some(_) | None => Ok(unclear(&path, &format!("a directory, but {difference}"))),
    }
}
