//! A provider without idempotency keys, as most of them are.

use super::diag::{refused, trouble};
use super::world::State;
use super::{FakeObject, FakeWorld, Fault, Landing, ProviderCall, ready};
use crate::{Answer, Inquiry, Lease, Looked, Opened, Outcome, Pending, Provider, Question};
use model::{
    ActionId, Attribute, BlockSchema, CallAnswer, CallQuestion, Change, Mode, OpenQuestion,
    PlanAnswer, PlanQuestion, ProviderSchema, ReadAnswer, Repeat, TypeSchema, Verb,
};
use std::collections::BTreeMap;
use value::functions::{Declaration, DeclaredParameter};
use value::{Diagnostics, Name, Type, Value};

/// How creations of a resource type bear the loss of their reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same request twice makes two objects; a creation can be found by name and tag.
    Named,
    /// The same request twice makes two objects, and nobody can tell whose an object is.
    Opaque,
    /// The same action twice makes one object.
    Keyed,
}

/// A [`Provider`] of [`FakeWorld`] objects.
///
/// Each of its types has the attributes `name` (required), `size` (optional, changed in place), `kind` (optional,
/// forces a replacement), `id` and `tag` (computed). The tag is the id of the action that made the object, and empty
/// where the class is [`Class::Opaque`]. Its function `label` gives texts with dashes between them, and refuses an
/// empty one.
#[derive(Clone, Debug)]
pub struct FakeProvider {
    world: FakeWorld,
    classes: BTreeMap<Name, Class>,
    schema: ProviderSchema,
    settle_ms: u64,
}

impl FakeProvider {
    /// Its source address.
    pub const SOURCE: &str = "steadfast.dev/test/fake";

    /// A provider with the one type `fake_thing`.
    pub fn new(world: FakeWorld, class: Class) -> Self {
        let provider = Self {
            world,
            classes: BTreeMap::new(),
            schema: ProviderSchema {
                source: Self::SOURCE.into(),
                functions: [(Name::from("label"), label())].into(),
                ..ProviderSchema::default()
            },
            settle_ms: 0,
        };
        provider.with_type("fake_thing", class)
    }

    /// Adds a type.
    #[must_use]
    pub fn with_type(mut self, kind: &str, class: Class) -> Self {
        let attributes = [
            ("name", Attribute::required(Type::String, "Its name.")),
            (
                "size",
                Attribute::optional(Type::Number, "Its size, changed in place."),
            ),
            (
                "kind",
                Attribute::optional(Type::String, "Its kind, never changed in place."),
            ),
            (
                "id",
                Attribute::computed(Type::String, "Given by the server."),
            ),
            (
                "tag",
                Attribute::computed(
                    Type::String,
                    "The action that made it, where it has a class that says so.",
                ),
            ),
        ];
        let block = BlockSchema {
            attributes: attributes.map(|(name, a)| (Name::from(name), a)).into(),
            blocks: BTreeMap::new(),
        };
        self.classes.insert(kind.into(), class);
        self.schema
            .resources
            .insert(kind.into(), TypeSchema { version: 0, block });
        self
    }

    /// Adds an ephemeral type with the attributes `name` (optional) and `secret` (computed): `secret-1` for the first
    /// that is opened, and so on.
    #[must_use]
    pub fn with_ephemeral(mut self, kind: &str) -> Self {
        let attributes = [
            ("name", Attribute::optional(Type::String, "Its name.")),
            (
                "secret",
                Attribute::computed(Type::String, "Another one each time."),
            ),
        ];
        let block = BlockSchema {
            attributes: attributes.map(|(name, a)| (Name::from(name), a)).into(),
            blocks: BTreeMap::new(),
        };
        let of_type = TypeSchema { version: 0, block };
        self.schema.ephemeral.insert(kind.into(), of_type);
        self
    }

    /// Plans say that a request may take effect so long after it was sent.
    #[must_use]
    pub fn with_settle_ms(mut self, settle_ms: u64) -> Self {
        self.settle_ms = settle_ms;
        self
    }

    /// The outside it acts on.
    pub fn world(&self) -> &FakeWorld {
        &self.world
    }

    /// The request lands: it takes effect now. What is returned is the reply, which may yet be lost on its way.
    pub fn land(&self, action: ActionId, change: &Change) -> Outcome {
        self.land_in(&mut self.world.state(), action, change, false)
    }

    /// Looks whether a change took effect, as the outside stands now: the answer of `inquire`.
    ///
    /// It knows nothing of requests that are still on their way: `Absent` means only that nothing landed so far. A
    /// simulator that delays requests answers [`Inquiry::NotYet`] itself as long as one is under way.
    pub fn look(&self, action: ActionId, change: &Change) -> Inquiry {
        let state = self.world.state();
        match change.verb {
            Verb::Create => self.look_for_creation(&state, action, change),
            Verb::Update => match (object_of(&state, change), &change.planned) {
                (Some(object), Some(planned)) if matches_plan(&object.value, planned) => {
                    Inquiry::Found(changed(Some(object.value.clone())))
                }
                (Some(object), _) if Some(&object.value) == change.prior.as_ref() => {
                    Inquiry::Absent
                }
                (Some(object), _) => Inquiry::Unclear {
                    what: format!("{} is neither as it was nor as planned", object.id),
                },
                (None, _) => Inquiry::Absent,
            },
            Verb::Delete => match object_of(&state, change) {
                Some(_) => Inquiry::Absent,
                None => Inquiry::Found(changed(None)),
            },
        }
    }

    fn look_for_creation(&self, state: &State, action: ActionId, change: &Change) -> Inquiry {
        let kind = &change.address.resource.kind;
        let class = self.classes.get(kind).copied().unwrap_or(Class::Opaque);
        if class == Class::Opaque {
            return Inquiry::Unclear {
                what: format!("{kind} cannot be found by anything known before it is made"),
            };
        }
        let name = change
            .planned
            .as_ref()
            .and_then(|planned| planned.get("name"));
        let tag = Value::string(action.to_string());
        let mut found = state.objects.values().filter(|object| {
            &object.kind == kind
                && object.value.get("name") == name
                && object.value.get("tag") == Some(&tag)
        });
        match (found.next(), found.next()) {
            (None, _) => Inquiry::Absent,
            (Some(one), None) => Inquiry::Found(changed(Some(one.value.clone()))),
            (Some(one), Some(other)) => Inquiry::Unclear {
                what: format!(
                    "both {} and {} were made by action {action}",
                    one.id, other.id
                ),
            },
        }
    }

    fn land_in(&self, state: &mut State, action: ActionId, change: &Change, half: bool) -> Outcome {
        let Some(class) = self.classes.get(&change.address.resource.kind).copied() else {
            return refused("no such resource type");
        };
        match change.verb {
            Verb::Create => create(state, class, action, change, half),
            Verb::Update => update(state, action, change, half),
            Verb::Delete => delete(state, action, change),
        }
    }

    fn plan(&self, question: &PlanQuestion) -> Answer {
        let kind = &question.address.resource.kind;
        let Some(class) = self.classes.get(kind) else {
            return Answer::Failed(trouble("no such resource type"));
        };
        let found = self.checked(kind, &question.config);
        if found.has_errors() {
            return Answer::Failed(found);
        }
        let (config, prior) = (&question.config, &question.prior);
        let mut planned = config.entries().cloned().unwrap_or_default();
        for computed in ["id", "tag"] {
            let before = prior
                .get(computed)
                .filter(|value| !value.is_null())
                .cloned();
            planned.insert(
                computed.into(),
                before.unwrap_or_else(|| Value::unknown(Type::String)),
            );
        }
        let replace = !prior.is_null() && prior.get("kind") != config.get("kind");
        Answer::Plan(PlanAnswer {
            planned: Value::object(planned),
            requires_replace: if replace {
                vec![vec!["kind".into()]]
            } else {
                Vec::new()
            },
            private: Vec::new(),
            repeat: match class {
                Class::Keyed => Repeat::ByKey,
                // Setting the attributes of an object whose id is known is the same however often it is done.
                Class::Named | Class::Opaque if !prior.is_null() && !replace => Repeat::Safe,
                Class::Named | Class::Opaque => Repeat::Never,
            },
            settle_ms: self.settle_ms,
            recovery: None,
            loose: false,
            diagnostics: Diagnostics::new(),
        })
    }

    fn checked(&self, kind: &Name, config: &Value) -> Diagnostics {
        let Some(of_kind) = self.schema.resources.get(kind) else {
            return trouble("no such resource type");
        };
        let known =
            |entries: &BTreeMap<Name, Value>| entries.keys().eq(of_kind.block.attributes.keys());
        if !config.entries().is_some_and(known) {
            return trouble("the configuration is not of the type's form");
        }
        match config.get("name") {
            Some(name) if !name.is_known() => Diagnostics::new(),
            Some(name) if name.as_str().is_some_and(|text| !text.is_empty()) => Diagnostics::new(),
            _ => trouble("name must be a text that is not empty"),
        }
    }
}

impl Provider for FakeProvider {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate<'a>(
        &'a self,
        _: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics> {
        ready(self.checked(kind, config))
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        ready(match question {
            Question::Plan(question) => {
                let call = ProviderCall::Plan(question.address.clone());
                self.world.state().calls.push(call);
                self.plan(question)
            }
            Question::Data(_) => Answer::Failed(trouble("no such data source")),
            Question::Open(_) => Answer::Failed(trouble("what is opened is no answer")),
            Question::Upgrade(_) => Answer::Failed(trouble("there never was another form")),
            Question::Call(question) => {
                let call = ProviderCall::Call(question.function.clone());
                self.world.state().calls.push(call);
                called(question)
            }
            Question::Import(question) => {
                let state = self.world.state();
                let object = state.objects.get(&question.id);
                Answer::Import(ReadAnswer {
                    object: object.map(|object| object.value.clone()),
                    private: Vec::new(),
                    diagnostics: Diagnostics::new(),
                })
            }
            Question::Read(question) => {
                let mut state = self.world.state();
                state
                    .calls
                    .push(ProviderCall::Read(question.address.clone()));
                let id = question.prior.get("id").and_then(Value::as_str);
                let object = id.and_then(|id| state.objects.get(id));
                Answer::Read(ReadAnswer {
                    object: object.map(|object| object.value.clone()),
                    private: question.private.clone(),
                    diagnostics: Diagnostics::new(),
                })
            }
        })
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        let mut state = self.world.state();
        let call = ProviderCall::Apply(action, change.verb, change.address.clone());
        state.calls.push(call);
        ready(match state.faults.pop_front() {
            None => self.land_in(&mut state, action, change, false),
            Some(Fault::Partial) => self.land_in(&mut state, action, change, true),
            Some(fault) => fault.around(|| self.land_in(&mut state, action, change, false)),
        })
    }

    fn open<'a>(
        &'a self,
        question: &'a OpenQuestion,
    ) -> Option<Pending<'a, Result<Opened, Diagnostics>>> {
        let kind = &question.address.resource.kind;
        self.schema.ephemeral.get(kind)?;
        let mut state = self.world.state();
        state
            .calls
            .push(ProviderCall::Open(question.address.clone()));
        state.opened += 1;
        let n = state.opened;
        let name = question.config.get("name").cloned();
        let name = name.unwrap_or_else(|| Value::null(Type::String));
        let secret = Value::string(format!("secret-{n}"));
        Some(ready(Ok(Opened {
            value: Value::object([("name".into(), name), ("secret".into(), secret)].into()),
            lease: Lease {
                kind: kind.clone(),
                private: Some(format!("lease-{n}").into_bytes()),
                renew_at_ms: state.renewals_ms.pop_front(),
            },
            diagnostics: Diagnostics::new(),
        })))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Pending<'a, (Lease, Diagnostics)> {
        let mut state = self.world.state();
        state.calls.push(ProviderCall::Renew(name_of(lease)));
        let renewed = Lease {
            renew_at_ms: state.renewals_ms.pop_front(),
            ..lease.clone()
        };
        ready((renewed, Diagnostics::new()))
    }

    fn let_go<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Diagnostics> {
        let call = ProviderCall::LetGo(name_of(lease));
        self.world.state().calls.push(call);
        ready(Diagnostics::new())
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
        let call = ProviderCall::Inquire(action, change.address.clone());
        self.world.state().calls.push(call);
        ready(self.look(action, change).into())
    }
}

fn name_of(lease: &Lease) -> String {
    let private = lease.private.clone().unwrap_or_default();
    String::from_utf8_lossy(&private).into_owned()
}

/// How the one function is declared.
fn label() -> Declaration {
    let parameter = |name: &str| DeclaredParameter {
        name: name.into(),
        ty: Type::String,
        takes_null: false,
        takes_unknown: false,
        description: String::new(),
    };
    Declaration {
        parameters: vec![parameter("text")],
        variadic: Some(parameter("more")),
        returns: Type::String,
        description: "Texts with dashes between them.".into(),
    }
}

fn called(question: &CallQuestion) -> Answer {
    if &*question.function != "label" {
        return Answer::Failed(trouble("no such function"));
    }
    let mut texts = Vec::new();
    for (at, argument) in (0..).zip(&question.arguments) {
        match argument.as_str() {
            Some(text) if !text.is_empty() => texts.push(text),
            _ => {
                return Answer::Call(CallAnswer::Refuses {
                    why: "it must be a text that is not empty".into(),
                    argument: Some(at),
                });
            }
        }
    }
    Answer::Call(CallAnswer::Gives(Value::string(texts.join("-"))))
}

fn create(
    state: &mut State,
    class: Class,
    action: ActionId,
    change: &Change,
    half: bool,
) -> Outcome {
    // A server with keys answers the same key alike, whatever became of the object since.
    if class == Class::Keyed
        && let Some(made) = state.answered.get(&action)
    {
        return changed(Some(made.clone()));
    }
    let planned = change.planned.as_ref().and_then(Value::entries);
    let Some(mut attributes) = planned.cloned() else {
        return refused("a creation without a planned object");
    };
    state.made += 1;
    let id = format!("obj-{}", state.made);
    let tag = match class {
        Class::Named | Class::Keyed => action.to_string(),
        Class::Opaque => String::new(),
    };
    attributes.insert("id".into(), Value::string(&id));
    attributes.insert("tag".into(), Value::string(tag));
    if half {
        attributes.insert("size".into(), Value::null(Type::Number));
    }
    let value = Value::object(attributes);
    let object = FakeObject {
        id: id.clone(),
        kind: change.address.resource.kind.clone(),
        made_by: action,
        value: value.clone(),
    };
    state.objects.insert(id.clone(), object);
    if class == Class::Keyed {
        state.answered.insert(action, value.clone());
    }
    note(state, action, change, id);
    reply(value, half)
}

fn update(state: &mut State, action: ActionId, change: &Change, half: bool) -> Outcome {
    let (Some(id), Some(planned)) = (id_of(change), change.planned.clone()) else {
        return refused("a change without an object, before or after");
    };
    let Some(object) = state.objects.get_mut(&id) else {
        return refused("the object to change is gone");
    };
    if !half {
        object.value = planned;
    }
    let value = object.value.clone();
    note(state, action, change, id);
    reply(value, half)
}

fn delete(state: &mut State, action: ActionId, change: &Change) -> Outcome {
    let Some(id) = id_of(change) else {
        return refused("a deletion without an object");
    };
    if state.objects.remove(&id).is_some() {
        note(state, action, change, id);
    }
    changed(None)
}

fn note(state: &mut State, action: ActionId, change: &Change, id: String) {
    state.landings.push(Landing {
        action,
        verb: change.verb,
        id,
        address: change.address.clone(),
    });
}

fn id_of(change: &Change) -> Option<String> {
    let id = change.prior.as_ref()?.get("id")?.as_str()?;
    Some(id.into())
}

fn object_of<'a>(state: &'a State, change: &Change) -> Option<&'a FakeObject> {
    state.objects.get(&id_of(change)?)
}

/// Equal wherever the plan was known.
fn matches_plan(object: &Value, planned: &Value) -> bool {
    let Some(planned) = planned.entries() else {
        return false;
    };
    planned
        .iter()
        .all(|(name, value)| !value.is_wholly_known() || object.get(name) == Some(value))
}

fn changed(object: Option<Value>) -> Outcome {
    Outcome::Changed {
        object,
        private: Vec::new(),
        diagnostics: Diagnostics::new(),
    }
}

fn reply(object: Value, half: bool) -> Outcome {
    if half {
        Outcome::Partial {
            object,
            private: Vec::new(),
            diagnostics: trouble("it took effect by half, as the test asked"),
        }
    } else {
        changed(Some(object))
    }
}
