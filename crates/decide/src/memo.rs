//! [`Memo`]: what was computed before and cannot have changed. A pure cache: with an empty one every decision is the
//! same, only slower.

use crate::World;
use crate::eval::Evaluator;
use crate::plan::Schemas;
use crate::run::Run;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use model::{Address, BlockSchema, PlanMode, RunId, TypeSchema};

/// See the module's header.
#[derive(Debug, Default)]
pub struct Memo {
    schemas: Arc<Schemas>,
    evaluator: Option<(RunId, Evaluator)>,
}

/// A copy is an empty one: what is needed is computed again.
impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::new(self.schemas.clone())
    }
}

impl Memo {
    /// An empty one for these providers.
    pub fn new(schemas: Arc<Schemas>) -> Self {
        Self {
            schemas,
            evaluator: None,
        }
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
                .with_noted(noted(world, run));
            self.evaluator = Some((run.id, evaluator));
        }
        #[expect(clippy::expect_used, reason = "set just above")]
        let (_, evaluator) = self.evaluator.as_ref().expect("an evaluator");
        evaluator.set_ports(world.route.ports.clone());
        evaluator
    }
}

/// The objects that there are, where a run only takes note of them: by the names that its plan gives them.
fn noted(world: &World, run: &Run) -> Option<BTreeSet<Address>> {
    let plan = run.plan.as_ref();
    let planned = plan.into_iter().flat_map(|plan| &plan.changes);
    let planned = planned.map(|change| &change.address);
    let all = world.resources.keys().chain(planned).cloned();
    (run.options.mode == PlanMode::RefreshOnly).then(|| all.collect())
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
