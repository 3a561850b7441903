//! What we make of a pair: the first version planned and applied, the second planned, in memory.
//!
//! The loop is the engine's own, the provider is the real one; marks are put back where they were, as Terraform does,
//! and not on whatever repeats something sensitive, which is a stricter rule of ours. Ids are those that Terraform
//! drew.

use super::{Answers, Files, Ids, Step, Texts, request};
use crate::pen::{Compiled, NOW_MS, Outside, Pen, options};
use contract::Provider as _;
use engine::{Configuration, unmarked_change, unmarked_question};
use host::Builtin;
use interchange::{Making, Secrecy};
use model::{ActionId, Answer, Change, Command, OpenQuestion, Outcome, PlanMode, Question, Verb};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use value::{Diagnostics, Value};

/// Plans and applies the first version, plans the second.
pub(crate) fn answers(texts: &Texts, ids: &Ids) -> Answers {
    let failed = |found| Answers::until(Step::Failed(found));
    let provider = Builtin::new();
    let schemas = BTreeMap::from([(Builtin::SOURCE.to_owned(), provider.schema().clone())]);
    let mut pen = match Pen::new(Arc::new(schemas), Known { provider, ids }) {
        Ok(pen) => pen,
        Err(found) => return failed(found),
    };
    let (one, compiled) = match planned(&mut pen, &texts.first, &[]) {
        Ok(planned) => planned,
        Err(found) => return failed(found),
    };
    if let Err(found) = pen.apply(&compiled, PlanMode::Normal) {
        return Answers {
            first: one,
            applied: false,
            second: Step::Failed(found),
        };
    }
    let second = match asked(&mut pen, texts) {
        Ok(plan) => plan,
        Err(found) => Step::Failed(found),
    };
    Answers {
        first: one,
        applied: true,
        second,
    }
}

/// Plans the second version as it is asked for.
fn asked(pen: &mut Pen<Known<'_>>, texts: &Texts) -> Result<Step, String> {
    for address in request::tainted(&texts.request)? {
        if !pen.world().resources.contains_key(&address) {
            return Err(format!("there is no {address} to mark as damaged"));
        }
        let tainted = true;
        pen.order(Command::Taint { address, tainted })?;
    }
    let (plan, _) = planned(pen, &texts.second, &texts.request)?;
    Ok(plan)
}

/// Compiles a version and plans it in the world as it is.
fn planned(
    pen: &mut Pen<Known<'_>>,
    files: &Files,
    request: &[String],
) -> Result<(Step, Compiled), String> {
    let options = request::options(request, options(PlanMode::Normal))?;
    let compiled = pen.compiled(files, options.mode)?;
    let (plan, loaded) = pen.planned(&compiled, options)?;
    let making = Making {
        loaded: &loaded,
        world: pen.world(),
        schemas: &pen.schemas,
        at_ms: NOW_MS,
        secrecy: Secrecy::Revealed,
    };
    let json = interchange::plan(&plan, making);
    let json = serde_json::from_str(&json).unwrap_or_default();
    Ok((Step::Planned(json), compiled))
}

/// The built-in provider, which draws the ids that are known.
struct Known<'a> {
    provider: Builtin,
    ids: &'a Ids,
}

impl Outside for Known<'_> {
    fn opened(
        &self,
        _question: &OpenQuestion,
        _configuration: &Configuration,
    ) -> Result<(Value, Diagnostics), Diagnostics> {
        // No case has any.
        Err(Diagnostics::new())
    }

    fn answered(&self, question: &Question, _configuration: &Configuration) -> Answer {
        let (question, sensitive) = unmarked_question(question, self.provider.schema());
        let answer = now(self.provider.ask(&question));
        sensitive.without_texts().answer(answer)
    }

    fn changed(
        &self,
        action: ActionId,
        change: &Change,
        _configuration: &Configuration,
    ) -> Outcome {
        let (change, sensitive) = unmarked_change(change, self.provider.schema());
        let mut outcome = now(self.provider.apply(action, &change));
        let id = self.ids.get(&change.address.to_string());
        if let (Outcome::Changed { object, .. }, Verb::Create, Some(id)) =
            (&mut outcome, change.verb, id)
            && let Some(entries) = object.as_ref().and_then(Value::entries)
        {
            let mut entries = entries.clone();
            entries.insert("id".into(), Value::string(id));
            *object = Some(Value::object(entries));
        }
        sensitive.without_texts().outcome(outcome)
    }
}

/// What is there at once: the built-in provider waits for nothing.
fn now<T>(mut pending: contract::Pending<'_, T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // Ends with the first look, for all that is asked here.
        if let Poll::Ready(value) = pending.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
