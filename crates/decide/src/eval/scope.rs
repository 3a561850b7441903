//! What an expression sees: each reference answered from where it is evaluated.

use super::{Evaluator, Objects, Place};
use crate::diag;
use alloc::sync::Arc;
use model::{Key, Mode};
use value::functions::{Called, Circumstances, Declaration};
use value::{Diagnostics, Expr, Marks, Reference, Scope, Span, Type, Value};

/// See the module's header.
pub(super) struct EvaluationScope<'a> {
    pub(super) evaluator: &'a Evaluator,
    pub(super) objects: Objects<'a>,
    pub(super) place: &'a Place,
    pub(super) circumstances: Circumstances,
}

impl Scope for EvaluationScope<'_> {
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics> {
        let (evaluator, objects, module) = (self.evaluator, self.objects, self.place.module);
        let missing = |what: &str| Err(diag::not_available(what, span).into());
        match reference {
            Reference::Variable(name) => evaluator.variable(module, name, span, objects),
            Reference::Local(name) => evaluator.local(module, name, span, objects),
            Reference::Resource(kind, name) => {
                evaluator.whole(module, (Mode::Managed, kind, name), span, objects)
            }
            Reference::Data(kind, name) => {
                evaluator.whole(module, (Mode::Data, kind, name), span, objects)
            }
            Reference::Ephemeral(kind, name) => {
                evaluator.whole(module, (Mode::Ephemeral, kind, name), span, objects)
            }
            Reference::Module(name) => {
                evaluator.module_value(module, name, None, None, span, objects)
            }
            Reference::ModuleOutput(name, output) => {
                evaluator.module_value(module, name, None, Some(output), span, objects)
            }
            Reference::EachKey => match &self.place.key {
                Key::Name(name) => Ok(Value::string(name)),
                Key::None | Key::Index(_) => missing("each.key"),
            },
            Reference::EachValue => self
                .place
                .each
                .clone()
                .map_or_else(|| missing("each.value"), Ok),
            Reference::CountIndex => match &self.place.key {
                Key::Index(index) => Ok(Value::number(*index as i64)),
                Key::None | Key::Name(_) => missing("count.index"),
            },
            Reference::PathModule => {
                let node = evaluator.node_of(module);
                Ok(Value::string(&evaluator.loaded.module(node).directory))
            }
            Reference::PathRoot | Reference::PathCwd => Ok(Value::string(".")),
            Reference::Workspace => Ok(Value::string(&evaluator.workspace)),
            Reference::Applying => {
                Ok(Value::bool(!evaluator.planning).with_marks(Marks::EPHEMERAL))
            }
            Reference::SelfObject => self.place.this.clone().map_or_else(|| missing("self"), Ok),
            Reference::EnvironmentName => Ok(Value::string(&evaluator.environment)),
            Reference::ServicePort(name) => match evaluator.ports.borrow().get(name) {
                Some(port) => Ok(Value::number(i64::from(*port))),
                None => Ok(Value::unknown(Type::Number)),
            },
        }
    }

    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics> {
        let (evaluator, objects, module) = (self.evaluator, self.objects, self.place.module);
        match reference {
            Reference::Resource(kind, name) => {
                evaluator.one(module, (Mode::Managed, kind, name), key, span, objects)
            }
            Reference::Data(kind, name) => {
                evaluator.one(module, (Mode::Data, kind, name), key, span, objects)
            }
            Reference::Ephemeral(kind, name) => {
                evaluator.one(module, (Mode::Ephemeral, kind, name), key, span, objects)
            }
            Reference::Module(name) => {
                evaluator.module_value(module, name, Some(key), None, span, objects)
            }
            Reference::ModuleOutput(name, output) => {
                evaluator.module_value(module, name, Some(key), Some(output), span, objects)
            }
            Reference::Variable(_)
            | Reference::Local(_)
            | Reference::EachKey
            | Reference::EachValue
            | Reference::CountIndex
            | Reference::PathModule
            | Reference::PathRoot
            | Reference::PathCwd
            | Reference::Workspace
            | Reference::Applying
            | Reference::SelfObject
            | Reference::EnvironmentName
            | Reference::ServicePort(_) => Err(diag::not_available("an instance key", span).into()),
        }
    }

    fn declared(&self, name: &str) -> Option<&Declaration> {
        self.evaluator.loaded.release.functions.get(name)
    }

    fn called(&self, name: &str, arguments: &[Value], marks: Marks) -> Called {
        self.evaluator.call(name, arguments, marks)
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.evaluator.loaded.files.get(path).cloned()
    }

    fn circumstances(&self) -> Option<&Circumstances> {
        Some(&self.circumstances)
    }

    fn template(&self, text: &str, _: &str) -> Option<Result<Expr, Diagnostics>> {
        let texts = self.evaluator.loaded.texts?;
        let loaded = &self.evaluator.loaded;
        let required = &loaded
            .module(self.evaluator.node_of(self.place.module))
            .required_providers;
        let find = |provider: &str, function: &str| {
            model::function_name(required, &loaded.release.functions, provider, function)
        };
        Some((texts.template)(text, &find))
    }

    fn variables(&self, text: &str) -> Option<Result<model::Inputs, Diagnostics>> {
        let texts = self.evaluator.loaded.texts?;
        Some((texts.variables)(text))
    }
}

/// A scope that knows files beside those of the release.
pub(super) struct WithFiles<'a> {
    pub(super) scope: EvaluationScope<'a>,
    pub(super) files: &'a dyn Fn(&str) -> Option<Arc<[u8]>>,
}

impl Scope for WithFiles<'_> {
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics> {
        self.scope.resolve(reference, span)
    }

    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics> {
        self.scope.instance(reference, key, span)
    }

    fn declared(&self, name: &str) -> Option<&Declaration> {
        self.scope.declared(name)
    }

    fn called(&self, name: &str, arguments: &[Value], marks: Marks) -> Called {
        self.scope.called(name, arguments, marks)
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.scope.file(path).or_else(|| (self.files)(path))
    }

    fn circumstances(&self) -> Option<&Circumstances> {
        self.scope.circumstances()
    }

    fn template(&self, text: &str, name: &str) -> Option<Result<Expr, Diagnostics>> {
        self.scope.template(text, name)
    }

    fn variables(&self, text: &str) -> Option<Result<model::Inputs, Diagnostics>> {
        self.scope.variables(text)
    }

    fn budget(&self) -> Option<&value::Budget> {
        self.scope.budget()
    }
}
