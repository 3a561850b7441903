//! Single expressions about what exists or is planned, for people who look: [`Inspection`].
//!
//! Nothing is decided here and nothing is recorded.

use crate::LoadedRelease;
use crate::eval::Evaluator;
use crate::plan::Schemas;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{Address, Answer, CallQuestion, Module, Plan, RunOptions};
use value::functions::provider_function_name;
use value::{Diagnostics, Expr, Value};

/// A release, and the objects that its expressions refer to.
pub struct Inspection {
    evaluator: Evaluator,
    objects: BTreeMap<Address, Value>,
}

impl Inspection {
    /// Objects that are not given, and variables without a value, are unknown. The options say in which environment
    /// and workspace, `schemas` which functions of providers can be called.
    pub fn new(
        mut loaded: LoadedRelease,
        options: &RunOptions,
        objects: BTreeMap<Address, Value>,
        schemas: &Schemas,
    ) -> Self {
        for (source, schema) in schemas {
            let functions = schema.functions.iter();
            let functions = functions.map(|(name, declared)| {
                let name = provider_function_name(source, name);
                (name, declared.clone())
            });
            loaded.release.functions.extend(functions);
        }
        let variables = loaded
            .release
            .modules
            .first()
            .map(|root: &Module| &root.variables);
        for (name, variable) in variables.into_iter().flatten() {
            if variable.default.is_none() && !loaded.inputs.contains_key(name) {
                let unknown = Value::unknown(variable.ty.without_optional());
                loaded.inputs.insert(name.clone(), unknown);
            }
        }
        Self {
            evaluator: Evaluator::new(Arc::new(loaded), options, true),
            objects,
        }
    }

    /// Puts the objects as a plan would leave them in the place of those there are.
    pub fn plan(&mut self, plan: &Plan) {
        for change in plan.changes.iter().filter(|change| !change.deposed) {
            let address = change.address.clone();
            match &change.after {
                Some(after) if !after.is_null() => self.objects.insert(address, after.clone()),
                _ => self.objects.remove(&address),
            };
        }
    }

    /// Calls that something needed since this was last asked, and that nobody has answered: until they are, what
    /// depends on them is not known.
    pub fn take_open_calls(&self) -> Vec<CallQuestion> {
        self.evaluator.take_open_calls()
    }

    /// Takes note of what was answered to a call.
    pub fn learn(&mut self, call: &CallQuestion, answer: &Answer) {
        self.evaluator.learn(call, answer);
        self.evaluator.forget();
    }

    /// The value of an expression of the root module. `files` has what it reads beside the files of the release.
    ///
    /// # Errors
    /// What is wrong with it, or with what it refers to.
    pub fn evaluate(
        &self,
        expr: &Expr,
        files: &dyn Fn(&str) -> Option<Arc<[u8]>>,
    ) -> Result<Value, Diagnostics> {
        let objects = |address: &Address| self.objects.get(address).cloned();
        self.evaluator.evaluate_with_files(expr, &objects, files)
    }
}
