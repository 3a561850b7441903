//! Managed objects: read, compared with their configuration, planned by their provider.

use super::pass::{Pass, Pending, Stage};
use super::propose;
use crate::Object;
use crate::diag;
use crate::eval::{Judged, Judging, Place, Use};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{
    Action, Address, CheckStatus, CheckSubject, DataAnswer, Drift, ImportQuestion, Imported, Key,
    Mode, PlanAnswer, PlanMode, PlanQuestion, PlannedChange, Question, ReadAnswer, ReadQuestion,
    Reason, Resource, ResourceAddress, UpgradeQuestion,
};
use value::{Diagnostics, Expr, ExprKind, Name, Reference, Severity, Value};

/// Instances of a block in one module instance.
type Found = (
    u32,
    ResourceAddress,
    Vec<crate::eval::Instance>,
    BTreeSet<Use>,
);

impl Pass {
    /// Plans every instance of a block.
    pub(super) fn resource(
        &mut self,
        number: u32,
        node: u32,
        (mode, kind, name): (Mode, Name, Name),
    ) {
        let Some(resource) = self.evaluator.resource(node, mode, &kind, &name).cloned() else {
            return;
        };
        let (found, trouble) = self.instances(node, &resource);
        if !trouble.is_empty() {
            self.cannot(number, trouble);
        }
        let imports = match self.imports_of(node, &resource) {
            Ok(imports) => imports,
            Err(trouble) => return self.cannot(number, trouble),
        };
        for (module, block, instances, uses) in found {
            for instance in instances {
                let address = Address {
                    resource: block.clone(),
                    key: instance.key.clone(),
                };
                if self.is_left_out(number, &address) {
                    self.leave_unjudged(&address, &resource);
                    self.keep(address);
                    continue;
                }
                let place = Place {
                    module,
                    key: instance.key,
                    each: instance.each,
                    this: None,
                };
                let mut pending = Pending::new(Some(number), address, place);
                pending.uses = uses.clone();
                pending.importing = imports.get(&pending.address).cloned();
                self.instance(number, pending, &resource);
            }
        }
        self.keep_unchosen(node, (mode, &kind, &name));
    }

    /// Takes note that nobody judges the conditions of an instance.
    fn leave_unjudged(&mut self, address: &Address, resource: &Resource) {
        let lifecycle = &resource.lifecycle;
        if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty() {
            return;
        }
        let unknown = Judged {
            status: CheckStatus::Unknown,
            ..Judged::nothing()
        };
        let _ = self.judged(CheckSubject::Resource(address.clone()), unknown);
    }

    fn is_left_out(&self, number: u32, address: &Address) -> bool {
        self.chosen
            .as_ref()
            .is_some_and(|chosen| !chosen.has_instance(number, address))
    }

    fn instances(&self, node: u32, resource: &Resource) -> (Vec<Found>, Diagnostics) {
        let mut found = Vec::new();
        let mut trouble = Diagnostics::new();
        let objects = self.objects();
        let modules = match self.evaluator.module_instances(node, &objects) {
            Ok(modules) => modules,
            Err(diagnostics) => return (found, diagnostics),
        };
        for module in modules {
            let address = ResourceAddress {
                module: self.evaluator.path(module),
                mode: resource.mode,
                kind: resource.kind.clone(),
                name: resource.name.clone(),
            };
            let place = Place::of(module);
            let (expanded, mut uses) = self.evaluator.noting(|| {
                self.evaluator.expand(
                    &resource.repetition,
                    &place,
                    &address,
                    resource.span,
                    &objects,
                )
            });
            uses.extend(self.evaluator.module_uses(module));
            match expanded {
                Ok(instances) => found.push((module, address, instances, uses)),
                Err(diagnostics) => trouble.extend(diagnostics),
            }
        }
        (found, trouble)
    }

    fn instance(&mut self, number: u32, mut pending: Pending, resource: &Resource) {
        self.written.insert(pending.address.clone());
        self.one_more(number);
        if self.schema(&resource.provider, &pending.address).is_none() {
            self.diagnostics.push(
                diag::provider_missing(&pending.address, &resource.provider).at(resource.span),
            );
            self.fail(&pending);
            return;
        }
        match resource.mode {
            Mode::Managed => {}
            Mode::Data => return self.data(pending, resource),
            Mode::Ephemeral => return self.ephemeral(pending, resource),
        }
        pending.prior = self.objects.get(&pending.address).cloned();
        let mut named = self.options.imports.iter();
        let only_noted = self.options.mode == PlanMode::RefreshOnly
            && !named.any(|(address, _)| *address == pending.address);
        if pending.prior.is_some() || only_noted {
            // What is known already is not taken over again, and where only note is taken nothing is that nobody named.
            pending.importing = None;
        }
        if let Some(id) = pending.importing.clone() {
            pending.stage = Stage::Importing;
            let question = ImportQuestion {
                address: pending.address.clone(),
                provider: resource.provider.clone(),
                id,
                retry: resource.lifecycle.retry.clone(),
            };
            self.ask(pending, Question::Import(question));
        } else if pending.prior.is_some() {
            self.look(pending);
        } else {
            self.plan_instance(pending, resource);
        }
    }

    /// Looks at what there is before it is planned: in the form of its provider's version first.
    pub(super) fn look(&mut self, mut pending: Pending) {
        let Some(prior) = pending.prior.clone() else {
            return;
        };
        let managed = pending.address.resource.mode == Mode::Managed;
        let now = self.schema_version(&prior.provider, &pending.address);
        match (prior.schema_version, now) {
            (Some(stored), Some(now)) if managed && stored > now => {
                let found = diag::object_is_newer(&pending.address, &prior.provider, stored, now);
                self.diagnostics.push(found);
                self.fail(&pending);
            }
            (Some(stored), Some(now)) if managed && stored < now => {
                pending.stage = Stage::Upgrading;
                let question = UpgradeQuestion {
                    address: pending.address.clone(),
                    provider: prior.provider,
                    schema_version: stored,
                    stored: prior.value,
                };
                self.ask(pending, Question::Upgrade(question));
            }
            _ => self.look_outside(pending),
        }
    }

    /// An object is in the form of its provider's version.
    pub(super) fn upgraded(&mut self, mut pending: Pending, answer: DataAnswer) {
        self.diagnostics.extend(answer.diagnostics);
        let provider = pending.prior.as_ref().map(|prior| prior.provider.clone());
        let now = self.schema_version(&provider.unwrap_or_default(), &pending.address);
        if let Some(prior) = &mut pending.prior {
            prior.value = answer.object;
            prior.schema_version = now;
        }
        self.look_outside(pending);
    }

    /// Looks at the object as it is now, if that was asked for.
    fn look_outside(&mut self, mut pending: Pending) {
        if pending.deposed {
            return self.left_behind(pending);
        }
        let managed = pending.address.resource.mode == Mode::Managed;
        // What is only forgotten is nobody's business any more.
        let forgotten = pending.block.is_none() && self.is_kept(&pending.address);
        if self.options.refresh && managed && !forgotten {
            return self.ask_read(pending);
        }
        match self.resource_of(pending.block) {
            Some((_, resource)) => {
                pending.stage = Stage::Planning;
                self.plan_instance(pending, &resource);
            }
            None => self.forget(pending),
        }
    }

    /// An object that exists already was found: it is looked at like any other.
    pub(super) fn found(&mut self, mut pending: Pending, answer: ReadAnswer) {
        self.diagnostics.extend(answer.diagnostics);
        let Some((_, resource)) = self.resource_of(pending.block) else {
            return;
        };
        let Some(value) = answer.object else {
            return self.not_found(&pending, &resource);
        };
        let provider = resource.provider.clone();
        pending.prior = Some(Object::found(provider, value, answer.private));
        self.ask_read(pending);
    }

    fn not_found(&mut self, pending: &Pending, resource: &Resource) {
        let id = pending.importing.clone().unwrap_or_default();
        self.diagnostics
            .push(diag::import_absent(&pending.address, &id).at(resource.span));
        self.fail(pending);
    }

    pub(super) fn ask_read(&mut self, mut pending: Pending) {
        let Some(prior) = pending.prior.clone() else {
            return;
        };
        pending.stage = Stage::Reading;
        let question = ReadQuestion {
            address: pending.address.clone(),
            provider: prior.provider,
            prior: prior.value,
            private: prior.private,
            retry: self.evaluator.retry(&pending.address).cloned(),
        };
        self.ask(pending, Question::Read(question));
    }

    pub(super) fn read(&mut self, mut pending: Pending, answer: ReadAnswer) {
        self.diagnostics.extend(answer.diagnostics.clone());
        let Some(prior) = pending.prior.take() else {
            return;
        };
        let resource = self.resource_of(pending.block);
        if pending.importing.is_some() {
            let (Some(object), Some((_, resource))) = (&answer.object, &resource) else {
                if let Some((_, resource)) = &resource {
                    self.not_found(&pending, resource);
                }
                return;
            };
            self.imported.push(Imported {
                address: pending.address.clone(),
                provider: resource.provider.clone(),
                object: object.clone(),
                private: answer.private.clone(),
            });
        } else {
            self.note_drift(&pending.address, &prior, &answer);
        }
        if answer.object.is_none() {
            self.planned.remove(&pending.address);
        }
        pending.prior = answer.object.map(|value| Object {
            value,
            private: answer.private,
            ..prior
        });
        match resource {
            Some((_, resource)) => {
                pending.stage = Stage::Planning;
                self.plan_instance(pending, &resource);
            }
            None => self.forget(pending),
        }
    }

    fn note_drift(&mut self, address: &Address, prior: &Object, answer: &ReadAnswer) {
        let changed = answer
            .object
            .as_ref()
            .is_none_or(|object| !propose::same(object, &prior.value));
        if changed {
            self.drift.push(Drift {
                address: address.clone(),
                before: prior.value.clone(),
                after: answer.object.clone(),
                private: answer.private.clone(),
            });
        }
    }

    /// Evaluates the configuration and asks the provider for a plan.
    fn plan_instance(&mut self, mut pending: Pending, resource: &Resource) {
        if self.options.mode == PlanMode::RefreshOnly {
            self.observe_conditions(&pending, resource);
            self.unchanged(pending, resource);
            return;
        }
        let Some(config) = self.configured(&mut pending, resource) else {
            self.fail(&pending);
            return;
        };
        let triggers = self.triggers(resource, &pending.address);
        pending.uses.extend(triggers);
        // Of an object that is only made the reason is told too, and nothing is replaced.
        let triggered = self.triggered(resource, &pending.place, &pending.address);
        let tainted = pending.prior.as_ref().is_some_and(|prior| prior.tainted);
        let requested = pending.prior.is_some() && self.options.replace.contains(&pending.address);
        pending.reason = if triggered {
            Some(Reason::ReplaceByTriggers)
        } else if tainted {
            Some(Reason::ReplaceBecauseTainted)
        } else if requested {
            Some(Reason::ReplaceByRequest)
        } else {
            None
        };
        pending.config = Some(self.with_ignored(&pending, resource, config.clone()));
        pending.written = Some(config);
        pending.stage = Stage::Planning;
        if tainted {
            pending.replace();
        }
        self.ask_plan(pending, resource);
    }

    /// The configuration of an instance, its preconditions judged before; none when it cannot be had.
    pub(super) fn configured(
        &mut self,
        pending: &mut Pending,
        resource: &Resource,
    ) -> Option<Value> {
        let ((judged, config), mut uses) = self.evaluator.noting(|| {
            let objects = self.objects();
            self.note_configuration(&pending.place, resource);
            let judged = self.evaluator.judge(
                &resource.lifecycle.preconditions,
                &Judging::before(&pending.address),
                &pending.place,
                &objects,
            );
            let config = self
                .evaluator
                .evaluate(&resource.config, &pending.place, &objects);
            (judged, config)
        });
        if let Some((node, _)) = self.resource_of(pending.block) {
            self.explicit(node, pending.place.module, &resource.depends_on, &mut uses);
        }
        pending.uses.extend(uses);
        self.needed_as_written(pending);
        pending
            .uses
            .remove(&Use::Whole(pending.address.resource.clone()));
        let behind = self.behind_opened(&pending.uses);
        pending.uses.extend(behind);
        let failed = judged.diagnostics.has_errors();
        self.diagnostics.extend(judged.diagnostics.clone());
        pending.judged = judged;
        match config {
            // Whoever opens something says whether all of it is known.
            Ok(config) if !failed && resource.mode == Mode::Ephemeral => {
                Some(config.ephemeral_as_null())
            }
            Ok(config) if !failed => Some(self.without_ephemeral(&config, &pending.uses)),
            Ok(_) => None,
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                None
            }
        }
    }

    fn with_ignored(&self, pending: &Pending, resource: &Resource, config: Value) -> Value {
        let lifecycle = &resource.lifecycle;
        let Some(prior) = &pending.prior else {
            return config;
        };
        let Some(schema) = self.schema(&resource.provider, &pending.address) else {
            return config;
        };
        propose::ignoring(
            schema,
            &config,
            &prior.value,
            lifecycle.ignore_all_changes,
            &lifecycle.ignore_changes,
        )
    }

    fn ask_plan(&mut self, pending: Pending, resource: &Resource) {
        let Some(schema) = self.schema(&resource.provider, &pending.address) else {
            return;
        };
        let Some(config) = pending.config.clone() else {
            return;
        };
        let prior = if pending.stage == Stage::Replacing {
            None
        } else {
            pending.prior.as_ref()
        };
        let question = PlanQuestion {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            proposed: propose::proposed(schema, prior.map(|prior| &prior.value), &config),
            prior: prior.map_or_else(|| propose::null_object(schema), |prior| prior.value.clone()),
            private: prior.map_or_else(|| pending.private.clone(), |prior| prior.private.clone()),
            config,
            written: pending
                .written
                .clone()
                .filter(|one| Some(one) != pending.config.as_ref()),
            retry: resource.lifecycle.retry.clone(),
        };
        self.ask(pending, Question::Plan(question));
    }

    pub(super) fn planned_answer(&mut self, mut pending: Pending, answer: PlanAnswer) {
        let Some((_, resource)) = self.resource_of(pending.block) else {
            return;
        };
        if let Some(path) = self.broken_promise(&pending, &resource, &answer)
            && !answer.loose
        {
            self.diagnostics.extend(answer.diagnostics);
            self.diagnostics.push(
                diag::plan_inconsistent(&pending.address, &resource.provider, &path)
                    .at(resource.span),
            );
            self.fail(&pending);
            return;
        }
        if pending.stage == Stage::Planning
            && let Some(prior) = &pending.prior
        {
            pending.replace_paths = changed_paths(&prior.value, &answer);
            if pending.reason.is_none() && !pending.replace_paths.is_empty() {
                pending.reason = Some(Reason::ReplaceBecauseCannotUpdate);
            }
            if pending.reason.is_some() {
                pending.replace();
                pending.private = answer.private;
                self.ask_plan(pending, &resource);
                return;
            }
        }
        self.diagnostics.extend(answer.diagnostics.clone());
        self.settle(pending, &resource, answer);
    }

    /// The first attribute that the provider planned otherwise than configured.
    fn broken_promise(
        &self,
        pending: &Pending,
        resource: &Resource,
        answer: &PlanAnswer,
    ) -> Option<String> {
        let schema = self.schema(&resource.provider, &pending.address)?;
        let config = pending.config.as_ref()?.entries()?;
        config
            .iter()
            .filter(|(name, value)| {
                let attribute = schema.attributes.get(*name);
                !value.is_null() && attribute.is_some_and(|one| !one.write_only)
            })
            .find_map(|(name, value)| {
                let planned = answer.planned.get(name)?;
                let nested = schema.attributes.get(name)?.nested.as_ref();
                let found = match nested {
                    Some(nested) => propose::contradiction_inside(nested, value, planned),
                    None => propose::contradiction(value, planned),
                };
                found.map(|path| {
                    if path.is_empty() {
                        name.to_string()
                    } else {
                        format!("{name}.{path}")
                    }
                })
            })
    }

    fn settle(&mut self, mut pending: Pending, resource: &Resource, answer: PlanAnswer) {
        let action = match (&pending.prior, pending.stage) {
            (None, _) => Action::Create,
            (Some(_), Stage::Replacing) => Action::DeleteThenCreate,
            (Some(prior), _) if propose::same_with_marks(&prior.value, &answer.planned) => {
                Action::NoOp
            }
            (Some(_), _) => Action::Update,
        };
        let unjudged = self.judge_after(&mut pending, resource, &answer.planned);
        let after = if action == Action::NoOp {
            pending.prior.as_ref().map(|prior| prior.value.clone())
        } else {
            Some(answer.planned)
        };
        if let Some(after) = &after {
            self.planned.insert(pending.address.clone(), after.clone());
        }
        let change = PlannedChange {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            action,
            reason: pending.reason,
            before: pending.prior.as_ref().map(|prior| prior.value.clone()),
            after,
            config: pending.config.clone(),
            replace_paths: pending.replace_paths.clone(),
            private: answer.private,
            repeat: answer.repeat,
            settle_ms: answer.settle_ms,
            recovery: answer.recovery,
            deposed: false,
            create_before_destroy: self.is_made_first(pending.block),
            dependencies: dependencies(&pending.uses),
            previous: self.previous.get(&pending.address).cloned(),
            importing: pending.importing.clone(),
            configuration: self.configuration_of(&pending.place, resource),
            loose: answer.loose,
            unjudged,
            schema_version: None,
            retry: None,
            probed: false,
        };
        self.draft(pending, change);
    }

    /// Judges the postconditions of an object and takes note of all its conditions; whether some must be judged again
    /// when it is there.
    pub(super) fn judge_after(
        &mut self,
        pending: &mut Pending,
        resource: &Resource,
        planned: &Value,
    ) -> bool {
        let lifecycle = &resource.lifecycle;
        if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty() {
            return false;
        }
        let place = Place {
            this: Some(planned.clone()),
            ..pending.place.clone()
        };
        let (judged, uses) = self.evaluator.noting(|| {
            self.evaluator.judge(
                &lifecycle.postconditions,
                &Judging::after(&pending.address),
                &place,
                &self.objects(),
            )
        });
        let unseen = if judged.status == CheckStatus::Unknown {
            let what = pending.address.to_string();
            self.refuse_unseen(what, resource.span, &uses, Severity::Error)
        } else {
            Diagnostics::new()
        };
        pending.uses.extend(uses);
        if unseen.has_errors()
            && let Some(block) = pending.block
        {
            self.cannot(block, unseen);
        }
        if judged.diagnostics.has_errors()
            && let Some(block) = pending.block
        {
            self.cannot(block, judged.diagnostics.clone());
        }
        let both = pending.judged.clone().and(judged);
        let unjudged = both.status == CheckStatus::Unknown;
        // What it says was told when it was judged.
        let _ = self.judged(CheckSubject::Resource(pending.address.clone()), both);
        unjudged
    }

    /// Judges the conditions of an object of which only note is taken: they warn. Of one that is not there, nobody can
    /// say what holds when it is.
    fn observe_conditions(&mut self, pending: &Pending, resource: &Resource) {
        let lifecycle = &resource.lifecycle;
        if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty() {
            return;
        }
        let prior = pending.prior.as_ref().map(|prior| prior.value.clone());
        let place = Place {
            this: Some(prior.unwrap_or_else(|| Value::unknown(value::Type::Any))),
            ..pending.place.clone()
        };
        let before = self.evaluator.judge(
            &lifecycle.preconditions,
            &Judging::before(&pending.address).warning(),
            &pending.place,
            &self.objects(),
        );
        let after = self.evaluator.judge(
            &lifecycle.postconditions,
            &Judging::after(&pending.address).warning(),
            &place,
            &self.objects(),
        );
        let subject = CheckSubject::Resource(pending.address.clone());
        let said = self.judged(subject, before.and(after));
        self.diagnostics.extend(said);
    }

    /// Whether new objects of a block are made before those that they replace go.
    fn is_made_first(&self, block: Option<u32>) -> bool {
        block.is_some_and(|block| self.made_first.contains(&block))
    }

    /// A change that changes nothing: what is planned when only taking note.
    fn unchanged(&mut self, pending: Pending, resource: &Resource) {
        let Some(prior) = pending.prior.clone() else {
            if let Some(block) = pending.block {
                self.one_less(block);
            }
            return;
        };
        self.planned
            .insert(pending.address.clone(), prior.value.clone());
        let address = pending.address.clone();
        let change = PlannedChange {
            before: Some(prior.value.clone()),
            after: Some(prior.value),
            private: prior.private,
            create_before_destroy: self.is_made_first(pending.block),
            dependencies: prior.dependencies,
            previous: self.previous.get(&pending.address).cloned(),
            importing: pending.importing.clone(),
            configuration: prior.configuration,
            ..PlannedChange::new(address, &resource.provider, Action::NoOp)
        };
        self.draft(pending, change);
    }

    /// The blocks that `replace_triggered_by` names: they are looked at like those that the configuration refers to.
    fn triggers(&self, resource: &Resource, of: &Address) -> Vec<Use> {
        let mut found = Vec::new();
        for expr in &resource.lifecycle.replace_triggered_by {
            let root = rooted(expr);
            if let ExprKind::Reference(reference) | ExprKind::Instance(reference, _) = &root.kind
                && let Reference::Resource(kind, name) = reference
            {
                found.push(Use::Whole(ResourceAddress {
                    module: of.resource.module.clone(),
                    mode: Mode::Managed,
                    kind: kind.clone(),
                    name: name.clone(),
                }));
            }
        }
        found
    }

    /// Whether anything that `replace_triggered_by` names changes.
    fn triggered(&self, resource: &Resource, place: &Place, of: &Address) -> bool {
        let triggers = &resource.lifecycle.replace_triggered_by;
        triggers
            .iter()
            .any(|expr| self.triggered_by(expr, place, of) == Some(true))
    }

    fn triggered_by(&self, expr: &Expr, place: &Place, of: &Address) -> Option<bool> {
        let (root, path) = self.path_of(expr, place)?;
        let (ExprKind::Reference(reference) | ExprKind::Instance(reference, _)) = &root.kind else {
            return None;
        };
        let Reference::Resource(kind, name) = reference else {
            return None;
        };
        let key = if let ExprKind::Instance(_, key) = &root.kind {
            Some(key)
        } else {
            None
        };
        let resource = ResourceAddress {
            module: of.resource.module.clone(),
            mode: Mode::Managed,
            kind: kind.clone(),
            name: name.clone(),
        };
        let key = match key {
            Some(key) => Some(self.key_of(key, place)?),
            None => None,
        };
        if path.is_empty() && key.is_none() {
            let first = Address {
                resource: resource.clone(),
                key: Key::None,
            };
            let all = self.draft_of.range(first..);
            let mut of_block = all.take_while(|(address, _)| address.resource == resource);
            return Some(of_block.any(|(_, at)| self.replaces_others(*at)));
        }
        let address = Address {
            resource,
            key: key.unwrap_or_default(),
        };
        let at = *self.draft_of.get(&address)?;
        if !self.replaces_others(at) {
            return Some(false);
        }
        let change = &self.drafts.get(at)?.change;
        let before = change.before.as_ref();
        let after = change.after.as_ref();
        Some(
            before.and_then(|before| propose::at_path(before, &path))
                != after.and_then(|after| propose::at_path(after, &path)),
        )
    }

    /// Only objects that are there before and after replace others by changing.
    fn replaces_others(&self, draft: usize) -> bool {
        let change = self.drafts.get(draft).map(|draft| draft.change.action);
        matches!(
            change,
            Some(Action::Update | Action::DeleteThenCreate | Action::CreateThenDelete)
        )
    }

    fn key_of(&self, key: &Expr, place: &Place) -> Option<Key> {
        let value = self.evaluator.evaluate(key, place, &self.objects()).ok()?;
        if let Some(text) = value.as_str() {
            return Some(Key::Name(Name::from(text)));
        }
        let number = value.as_number()?.as_i64()?;
        u64::try_from(number).ok().map(Key::Index)
    }

    /// What a reference is rooted in, and the steps from there.
    fn path_of<'e>(&self, expr: &'e Expr, place: &Place) -> Option<(&'e Expr, Vec<String>)> {
        let mut path = Vec::new();
        let mut at = expr;
        loop {
            // Ends: each round takes an expression that is inside the one before.
            if let ExprKind::Attribute(inner, name) = &at.kind {
                path.push(name.to_string());
                at = inner;
            } else if let ExprKind::Index(inner, key) = &at.kind {
                path.push(match self.key_of(key, place)? {
                    Key::None => return None,
                    Key::Index(index) => index.to_string(),
                    Key::Name(name) => name.to_string(),
                });
                at = inner;
            } else {
                break;
            }
        }
        path.reverse();
        Some((at, path))
    }
}

/// What a reference begins with.
fn rooted(expr: &Expr) -> &Expr {
    let mut at = expr;
    // Ends: each round takes an expression that is inside the one before.
    while let ExprKind::Attribute(inner, _) | ExprKind::Index(inner, _) = &at.kind {
        at = inner;
    }
    at
}

/// Paths that force a replacement and do change.
fn changed_paths(prior: &Value, answer: &PlanAnswer) -> Vec<Vec<String>> {
    let changed = |path: &&Vec<String>| {
        let before = propose::at_path(prior, path);
        let after = propose::at_path(&answer.planned, path);
        match (before, after) {
            (Some(before), Some(after)) => !propose::same(before, after),
            (before, after) => before.is_some() != after.is_some(),
        }
    };
    let paths = answer.requires_replace.iter();
    paths.filter(changed).cloned().collect()
}

/// Resources that were looked at, once each.
pub(super) fn dependencies(uses: &BTreeSet<Use>) -> Vec<ResourceAddress> {
    let all: BTreeSet<&ResourceAddress> = uses.iter().map(Use::block).collect();
    all.into_iter().cloned().collect()
}
