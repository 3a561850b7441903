//! `terraform_data`: keeps a value, and is replaced when another one changes. And `terraform_remote_state`, which is in
//! `remote_state.rs`.
//!
//! Planned as Terraform plans it (its provider `terraform.io/builtin/terraform`), except that the id is a function of
//! the action that makes the object, so that making it twice is making it once. There is nothing outside: an object
//! lives in the book alone.

use crate::form::{self, Parts};
use crate::{diag, remote_state, schema};
use contract::{Answer, Inquiry, Looked, Outcome, Pending, Provider, Question, States};
use core::future::ready;
use model::{
    ActionId, BlockSchema, Change, DataQuestion, Digest, ImportQuestion, Mode, PlanQuestion,
    ProviderSchema, Repeat,
};
use std::path::PathBuf;
use std::sync::Arc;
use value::{Diagnostics, Name, Type, Unknown, Value};

/// The provider `terraform.io/builtin/terraform`.
#[derive(Clone)]
pub struct Builtin {
    schema: ProviderSchema,
    project: PathBuf,
    states: Option<Arc<dyn States>>,
}

impl core::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builtin")
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

impl Builtin {
    /// Its source address.
    pub const SOURCE: &str = "terraform.io/builtin/terraform";

    /// The provider. It has no configuration and no state.
    pub fn new() -> Self {
        Self::of_project(PathBuf::from("."))
    }

    /// The provider for the project in this directory, where relative paths of state files start.
    pub fn of_project(project: PathBuf) -> Self {
        Self {
            schema: schema::builtin(),
            project,
            states: None,
        }
    }

    /// The same, with who reads the states of other projects that are not on this machine.
    #[must_use]
    pub fn with_states(mut self, states: Arc<dyn States>) -> Self {
        self.states = Some(states);
        self
    }

    /// Any text is taken for the id of an object that nobody has: there is nothing outside that could contradict.
    fn import(&self, question: &ImportQuestion) -> Result<Answer, Diagnostics> {
        let block = self.block(&question.address.resource.kind)?;
        Ok(form::imported(block, [("id", Value::string(&question.id))]))
    }

    async fn data(&self, question: &DataQuestion) -> Answer {
        let states = self.states.as_deref();
        match schema::of_data(&self.schema, &question.address.resource.kind) {
            Ok(block) => remote_state::ask(&self.project, states, block, question).await,
            Err(found) => Answer::Failed(found.into()),
        }
    }

    fn block(&self, kind: &str) -> Result<&BlockSchema, value::Diagnostic> {
        schema::of_type(&self.schema, kind)
    }

    fn plan(&self, question: &PlanQuestion) -> Result<Answer, Diagnostics> {
        let block = self.block(&question.address.resource.kind)?;
        form::check(block, &question.config)?;
        let (config, prior) = (&question.config, &question.prior);
        // Nothing triggers nothing, of whatever type it is: that may show only when everything is known.
        let nothing = |object: &Value| object.get("triggers_replace").is_none_or(Value::is_null);
        let both_nothing = nothing(config) && nothing(prior);
        let same = both_nothing || form::same(config, prior, "triggers_replace");
        let replace = !prior.is_null() && !same;
        let fresh = prior.is_null() || replace;
        let before = |name| prior.get(name).filter(|_| !fresh).cloned();
        let id = before("id").unwrap_or_else(|| Unknown::of(Type::String).not_null().into());
        let input = config.get("input").cloned().unwrap_or_else(null);
        let output = match before("output") {
            Some(output) if form::same(config, prior, "input") => output,
            // The type of the output must be that of the input, even when it is null.
            None if input.is_null() => input,
            Some(_) | None => Value::unknown(input.ty()),
        };
        let planned = form::with(config, [("id", id), ("output", output)]);
        let replace: &[&str] = if replace { &["triggers_replace"] } else { &[] };
        Ok(form::planned(planned, replace, Repeat::ByKey))
    }

    /// What comes of a change: a function of it and of its action.
    fn outcome(&self, action: ActionId, change: &Change) -> Result<Outcome, Diagnostics> {
        let block = self.block(&change.address.resource.kind)?;
        let config = match form::parts(block, change)? {
            Parts::Delete { .. } => return Ok(form::deleted()),
            Parts::Create { config, .. } | Parts::Update { config, .. } => config,
        };
        let input = config.get("input").cloned().unwrap_or_else(null);
        let results = [("id", Value::string(id_of(action))), ("output", input)];
        Ok(form::changed(
            form::fill(change, &results),
            Diagnostics::new(),
        ))
    }

    fn checked(&self, kind: &Name, config: &Value) -> Diagnostics {
        let checked = self
            .block(kind)
            .and_then(|block| form::check(block, config));
        checked.err().map_or_else(Diagnostics::new, Into::into)
    }
}

impl Default for Builtin {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Builtin {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate<'a>(
        &'a self,
        _: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics> {
        Box::pin(ready(self.checked(kind, config)))
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        let answer = match question {
            Question::Plan(question) => self.plan(question).unwrap_or_else(Answer::Failed),
            Question::Read(question) => {
                form::read(Some(question.prior.clone()), Diagnostics::new())
            }
            Question::Import(question) => self.import(question).unwrap_or_else(Answer::Failed),
            Question::Upgrade(question) => {
                let found = diag::other_form(question.schema_version);
                Answer::Failed(found.about(question.address.to_string()).into())
            }
            Question::Data(question) => return Box::pin(self.data(question)),
            Question::Open(question) => {
                let what = format!("{} has no ephemeral resources", Self::SOURCE);
                let found = diag::unexpected_form(&what);
                Answer::Failed(found.about(question.address.to_string()).into())
            }
            // Its functions are computed where expressions are.
            Question::Call(_) => {
                let what = format!("{} is asked for no functions", self.schema.source);
                Answer::Failed(diag::unexpected_form(&what).into())
            }
        };
        Box::pin(ready(answer))
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        let outcome = self.outcome(action, change);
        Box::pin(ready(
            outcome.unwrap_or_else(|diagnostics| Outcome::Refused { diagnostics }),
        ))
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
        let inquiry = match self.outcome(action, change) {
            Ok(outcome) => Inquiry::Found(outcome),
            Err(_) => Inquiry::Absent,
        };
        Box::pin(ready(inquiry.into()))
    }
}

fn null() -> Value {
    Value::null(Type::Any)
}

/// A UUID of version 8 (RFC 9562: the content is ours) over the action.
fn id_of(action: ActionId) -> String {
    let digest = Digest::of_parts("steadfast.terraform_data.1", &[&action.0.to_be_bytes()]);
    let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest.0;
    let mut bits = u128::from_be_bytes(head);
    bits = bits & !(0xf << 76) | (8 << 76);
    bits = bits & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let mut id = String::with_capacity(36);
    for (position, digit) in hex.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_8_and_differ() {
        let one = id_of(ActionId(1));
        assert_ne!(one, id_of(ActionId(2)));
        assert_eq!(one, id_of(ActionId(1)));
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{one}");
        assert_eq!(&one[14..15], "8", "{one}");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }

    #[test]
    fn a_foreign_type_is_refused() {
        let found = Builtin::new().checked(&"null_resource".into(), &null());
        let codes: Vec<&str> = found.iter().map(|found| &*found.code).collect();
        assert_eq!(codes, ["SF0821"]);
    }
}
