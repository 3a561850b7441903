//! [`Memo`]: what was computed before and cannot have changed. A pure cache: with an empty one every decision is the
//! same, only slower.

use crate::eval::{Evaluator, makes_all};
use crate::plan::Schemas;
use crate::run::Run;
use crate::{Decision, World};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{Address, Answer, BlockSchema, CallQuestion, RunId, TypeSchema};

/// See the module's header.
#[derive(Debug, Default)]
pub struct Memo {
    schemas: Arc<Schemas>,
    evaluator: Option<(RunId, Evaluator)>,
    /// Whether nobody asks for what is missing ([`Memo::for_looking`]).
    is_for_looking: bool,
}

/// A copy is an empty one: what is needed is computed again.
impl Clone for Memo {
    fn clone(&self) -> Self {
        Self {
            is_for_looking: self.is_for_looking,
            ..Self::new(self.schemas.clone())
        }
    }
}

impl Memo {
    /// An empty one for these providers.
    pub fn new(schemas: Arc<Schemas>) -> Self {
        Self {
            schemas,
            evaluator: None,
            is_for_looking: false,
        }
    }

    /// An empty one for whoever derives again what was decided: what comes of calls that the book has no answer to is
    /// not known, because those with ephemeral arguments are never in it.
    pub fn for_looking(schemas: Arc<Schemas>) -> Self {
        Self {
            is_for_looking: true,
            ..Self::new(schemas)
        }
    }

    /// Takes note of the answer to a call that is never written down, for the run that is under way.
    pub fn lend(&mut self, world: &World, call: &CallQuestion, answer: &Answer) {
        if let Some(run) = &world.run {
            self.evaluator(world, run).learn(call, answer);
        }
    }

    /// What must be asked before what was just evaluated can be decided.
    pub(crate) fn open_calls(&mut self, run: &Run) -> Vec<Decision> {
        let Some((_, evaluator)) = &self.evaluator else {
            return Vec::new();
        };
        let open = evaluator.take_open_calls();
        if self.is_for_looking {
            return Vec::new();
        }
        let calls = open
            .into_iter()
            .map(|call| Decision::Call { run: run.id, call });
        calls.collect()
    }

    /// The schemas of the providers at hand.
    pub fn schemas(&self) -> &Arc<Schemas> {
        &self.schemas
    }

    pub(crate) fn schema(&self, provider: &str, address: &Address) -> Option<&BlockSchema> {
        schema(&self.schemas, provider, address)
    }

    /// The evaluator of the active run.
    pub(crate) fn evaluator(&mut self, world: &World, run: &Run) -> &Evaluator {
        if self.evaluator.as_ref().is_none_or(|(id, _)| *id != run.id) {
            let evaluator = Evaluator::new(run.loaded.clone(), &run.options, false)
                .with_began(Some(run.began()))
                .with_those_there(there(world, run));
            self.evaluator = Some((run.id, evaluator));
        }
        #[expect(clippy::expect_used, reason = "set just above")]
        let (_, evaluator) = self.evaluator.as_ref().expect("an evaluator");
        evaluator.set_ports(world.route.ports.clone());
        evaluator.learn_of(run);
        evaluator
    }
}

/// The objects that there are, where a run does not make everything that is written: by the names that its plan gives
/// them.
fn there(world: &World, run: &Run) -> Option<BTreeSet<Address>> {
    let plan = run.plan.as_ref();
    let planned = plan.into_iter().flat_map(|plan| &plan.changes);
    let planned = planned.map(|change| &change.address);
    let all = world.resources.keys().chain(planned).cloned();
    (!makes_all(&run.options)).then(|| all.collect())
}

/// The schema of the block that an object of this address is made from.
pub(crate) fn schema<'a>(
    schemas: &'a Schemas,
    provider: &str,
    address: &Address,
) -> Option<&'a BlockSchema> {
    type_schema(schemas, provider, address).map(|one| &one.block)
}

/// The schema of the type that an object of this address is of.
pub(crate) fn type_schema<'a>(
    schemas: &'a Schemas,
    provider: &str,
    address: &Address,
) -> Option<&'a TypeSchema> {
    let schema = schemas.get(provider)?;
    let types = schema.types(address.resource.mode);
    types.get(&address.resource.kind)
}
