//! `lifecycle` blocks of resources.

use super::body::{self, Form};
use super::condition::Rule;
use super::module::Compiler;
use crate::diag::blocks as diag;
use crate::lower::{self, Context, Lowerer};
use crate::syntax::{Body, Expression, ExpressionKind};
use alloc::vec::Vec;
use model::{BlockSchema, DriftPolicy, Lifecycle, Mode};
use value::{Expr, ExprKind, Name, Reference, Span};

impl<'a> Compiler<'a> {
    pub(crate) fn lifecycle<'l>(
        &mut self,
        (mode, kind, name): (Mode, &Name, &Name),
        inside: &Body,
        schema: Option<&'a BlockSchema>,
        lowerer: &mut Lowerer<'l>,
    ) -> Lifecycle
    where
        'a: 'l,
    {
        let Some(block) = body::single(inside, "lifecycle", &mut self.diagnostics) else {
            return Lifecycle::default();
        };
        body::labels(block, &[], &mut self.diagnostics);
        let settings = &block.body;
        let arguments: &[&str] = &[
            "create_before_destroy",
            "prevent_destroy",
            "ignore_changes",
            "replace_triggered_by",
            "holds_data",
            "drift",
        ];
        let form = Form {
            whose: "A lifecycle block",
            arguments,
            blocks: &["precondition", "postcondition", "retry", "health"],
        };
        body::check(settings, &form, &mut self.diagnostics);
        if mode != Mode::Managed {
            let what = if mode == Mode::Data {
                "a data source, which is only read"
            } else {
                "an ephemeral resource, which is never kept"
            };
            for argument in arguments {
                self.refuse_argument(settings, argument, what);
            }
            self.refuse_blocks(settings, &["retry", "health"], what);
        }
        let own = Rule::NotByName(mode, kind, name);
        let preconditions = self.conditions(settings, "precondition", &own, lowerer);
        let context = lowerer.context();
        lowerer.set_context(Context {
            itself: true,
            self_schema: schema,
            ..context
        });
        let postconditions = self.conditions(settings, "postcondition", &own, lowerer);
        let health = match mode {
            Mode::Managed => self.health(settings, lowerer),
            Mode::Data | Mode::Ephemeral => None,
        };
        lowerer.set_context(context);
        let mut lifecycle = Lifecycle {
            preconditions,
            postconditions,
            health,
            ..Lifecycle::default()
        };
        if mode == Mode::Managed {
            self.settings(settings, schema, lowerer, &mut lifecycle);
        }
        lifecycle
    }

    /// Blocks that mean nothing in what is not managed.
    fn refuse_blocks(&mut self, settings: &Body, names: &[&str], what: &str) {
        for block in &settings.blocks {
            let name = &*block.kind.name;
            if names.contains(&name) {
                let found = diag::misplaced(block.kind.span, name, what);
                self.diagnostics.push(found);
            }
        }
    }

    /// What only managed resources have.
    fn settings(
        &mut self,
        settings: &Body,
        schema: Option<&BlockSchema>,
        lowerer: &mut Lowerer<'_>,
        lifecycle: &mut Lifecycle,
    ) {
        let create_first = "create_before_destroy";
        lifecycle.create_before_destroy = body::flag(settings, create_first, &mut self.diagnostics);
        let prevent_destroy = settings.attribute("prevent_destroy");
        lifecycle.prevent_destroy = prevent_destroy
            .map(|attribute| lowerer.converted(&attribute.value, &value::Type::Bool));
        (lifecycle.ignore_all_changes, lifecycle.ignore_changes) =
            self.ignore_changes(settings, schema);
        lifecycle.replace_triggered_by = self.replace_triggered_by(settings, lowerer);
        lifecycle.retry = self.retry(settings);
        lifecycle.holds_data = body::flag(settings, "holds_data", &mut self.diagnostics);
        lifecycle.drift = self.drift(settings);
    }

    /// `drift`: one of three words.
    fn drift(&mut self, settings: &Body) -> Option<DriftPolicy> {
        let attribute = settings.attribute("drift")?;
        let word = body::text(settings, "drift", &mut self.diagnostics)?;
        let policy = DriftPolicy::of_word(&word);
        if policy.is_none() {
            let detail = "drift is what becomes of the object when it is changed outside: \"observe\", \"warn\" or \"heal\".";
            let at = attribute.value.span;
            self.diagnostics.push(diag::invalid_lifecycle(at, detail));
        }
        policy
    }

    /// `ignore_changes`: the word `all`, or paths of attributes relative to the resource.
    fn ignore_changes(
        &mut self,
        settings: &Body,
        schema: Option<&BlockSchema>,
    ) -> (bool, Vec<Vec<Name>>) {
        let Some(attribute) = settings.attribute("ignore_changes") else {
            return (false, Vec::new());
        };
        let value = &attribute.value;
        if value.as_keyword().is_some_and(|word| &**word == "all") {
            return (true, Vec::new());
        }
        let ExpressionKind::Tuple(items) = &value.kind else {
            let detail = "ignore_changes is the word all, without quotes, or a sequence of attributes: [tags, size].";
            self.diagnostics
                .push(diag::invalid_lifecycle(value.start(), detail));
            return (false, Vec::new());
        };
        let mut paths = Vec::new();
        for item in items {
            if is_star(item) {
                let detail = "To ignore all changes, write the word all instead of the whole sequence: ignore_changes = all.";
                self.diagnostics
                    .push(diag::invalid_lifecycle(value.span, detail));
                continue;
            }
            let unquoted = self.unquoted(item);
            let item = unquoted.as_ref().unwrap_or(item);
            let Some(path) = attribute_path(item) else {
                let detail = "Only attributes of this resource can stand here, without quotes, such as tags or tags[\"Name\"].";
                self.diagnostics
                    .push(diag::invalid_lifecycle(item.span, detail));
                continue;
            };
            if let Some(schema) = schema {
                self.check_ignored(schema, item, &path);
            }
            paths.push(path);
        }
        (false, paths)
    }

    fn check_ignored(&mut self, schema: &BlockSchema, item: &Expression, path: &[Name]) {
        let whose = "This resource";
        if let Some(found) = lower::relative_path(whose, schema, item) {
            self.diagnostics.push(found);
            return;
        }
        if let [name] = path
            && let Some(attribute) = schema.attributes.get(name)
            && !attribute.required
            && !attribute.optional
        {
            self.diagnostics
                .push(diag::redundant_ignored(item.span, name));
        }
    }

    fn replace_triggered_by(&mut self, settings: &Body, lowerer: &mut Lowerer<'_>) -> Vec<Expr> {
        let Some(attribute) = settings.attribute("replace_triggered_by") else {
            return Vec::new();
        };
        let items = self.reference_list(&attribute.value, "replace_triggered_by");
        let mut triggers = Vec::new();
        for item in items {
            let before = lowerer.diagnostics.0.len();
            let expr = lowerer.expression(&item);
            let reported =
                lowerer.diagnostics.0.len() > before || matches!(expr.kind, ExprKind::Literal(_));
            if !reported {
                self.check_trigger(&expr, item.span);
            }
            triggers.push(expr);
        }
        triggers
    }

    fn check_trigger(&mut self, expr: &Expr, span: Span) {
        let mut n_managed = 0;
        let mut other = false;
        lower::walk::references(expr, &mut |reference, _| match reference {
            Reference::Resource(..) => n_managed += 1,
            Reference::EachKey | Reference::EachValue | Reference::CountIndex => {}
            _ => other = true,
        });
        let detail = if other && n_managed > 0 {
            "The key of an instance can only be a constant, each.key or count.index here."
        } else if other || n_managed != 1 {
            "Only managed resources and their attributes can trigger a replacement: [TYPE.NAME.attribute]."
        } else {
            return;
        };
        self.diagnostics.push(diag::invalid_lifecycle(span, detail));
    }
}

/// `"*"`, as old versions had it.
fn is_star(item: &Expression) -> bool {
    let mut nobody = value::Diagnostics::new();
    matches!(item.kind, ExpressionKind::Template(_))
        && lower::constant(item, &value::Type::String, "", &mut nobody)
            .is_some_and(|value| value.as_str() == Some("*"))
}

/// `tags["Name"]` as `["tags", "Name"]`.
fn attribute_path(expression: &Expression) -> Option<Vec<Name>> {
    match &expression.kind {
        ExpressionKind::Root(name) => Some(alloc::vec![name.clone()]),
        ExpressionKind::Attribute(source, name) => {
            let mut path = attribute_path(source)?;
            path.push(name.name.clone());
            Some(path)
        }
        ExpressionKind::Index(source, key) => {
            let mut path = attribute_path(source)?;
            let mut nobody = value::Diagnostics::new();
            let key = lower::constant(key, &value::Type::String, "", &mut nobody)?;
            path.push(key.as_str()?.into());
            Some(path)
        }
        _ => None,
    }
}
