//! [`Sensitive`]: marks across the seam. A provider is given plain values; what comes back is marked again.
//!
//! Marked is what stands where something sensitive was given (as Terraform does), and beyond that every text that
//! repeats a sensitive text, wherever it stands: a computed attribute that echoes its input is as secret as the input.
//! Marked is also what the provider's schema declares as sensitive.
//! Its SHA-256 counts as a repetition; whatever else a provider computes from it (its length, its base64) is not found.

use contract::Looked;
use decide::secrets;
use model::{
    Address, Answer, BlockSchema, CallAnswer, Change, Inquiry, OpenQuestion, Outcome, Probe,
    ProviderSchema, Provision, Question, Rung,
};
use std::collections::BTreeSet;
use value::{Data, Diagnostics, Marks, Path, Value};

/// Shorter sensitive texts are marked only where they stand alone: as a part of something longer they would be found
/// everywhere.
const PART_BYTES_MIN: usize = 4;

/// What is said instead of a sensitive text.
const REDACTED: &str = "(sensitive value)";

/// What is said instead of what a provisioner wrote.
const OUTPUT_HIDDEN: &str =
    "(output left out: the provisioner was given a sensitive or ephemeral value)";

/// What is said instead of what was answered to a look.
const ANSWER_HIDDEN: &str = "(answer left out: the look was given a sensitive or ephemeral value)";

/// What is sensitive in what a provider was given, and what it says itself is never to be shown.
#[derive(Default)]
pub struct Sensitive {
    places: Vec<(Path, Marks)>,
    texts: BTreeSet<String>,
    /// The type that it is about, if it has secrets of its own.
    secrets: Option<BlockSchema>,
    /// What the whole answer is marked with: what a function makes of its arguments has no place of theirs.
    whole: Marks,
}

/// A question without marks, and what was marked in it.
pub fn unmarked_question(question: &Question, schema: &ProviderSchema) -> (Question, Sensitive) {
    let mut plain = question.clone();
    let mut sensitive = match question.address() {
        Some(address) => Sensitive::of(address, schema),
        None => Sensitive::default(),
    };
    match &mut plain {
        Question::Read(question) => sensitive.take_shape(&mut question.prior),
        Question::Plan(question) => {
            sensitive.take_config(&mut question.config);
            sensitive.take_shape(&mut question.proposed);
            sensitive.take_other(&mut question.prior);
            question
                .written
                .iter_mut()
                .for_each(|one| sensitive.take_other(one));
        }
        Question::Data(question) => sensitive.take_config(&mut question.config),
        Question::Open(question) => sensitive.take_config(&mut question.config),
        Question::Import(_) => {}
        Question::Upgrade(question) => sensitive.take_shape(&mut question.stored),
        Question::Call(question) => {
            for argument in &mut question.arguments {
                sensitive.whole = sensitive.whole.union(argument.marks_deep());
                sensitive.take_other(argument);
            }
        }
    }
    (plain, sensitive)
}

/// What an ephemeral resource is opened with, without marks, and what was marked in it.
pub(crate) fn unmarked_open(question: &OpenQuestion) -> (OpenQuestion, Sensitive) {
    let mut plain = question.clone();
    let mut sensitive = Sensitive::default();
    sensitive.take_config(&mut plain.config);
    (plain, sensitive)
}

/// The value with a mark on every text in it that repeats a sensitive one.
pub fn mark_repeats(value: &Value) -> Value {
    let mut plain = value.clone();
    let mut sensitive = Sensitive::default();
    sensitive.take_config(&mut plain);
    sensitive.marked(plain)
}

/// A change without marks, and what was marked in it.
pub fn unmarked_change(change: &Change, schema: &ProviderSchema) -> (Change, Sensitive) {
    let mut plain = change.clone();
    let mut sensitive = Sensitive::of(&change.address, schema);
    plain
        .config
        .iter_mut()
        .for_each(|one| sensitive.take_config(one));
    plain
        .planned
        .iter_mut()
        .for_each(|one| sensitive.take_shape(one));
    plain
        .prior
        .iter_mut()
        .for_each(|one| sensitive.take_other(one));
    (plain, sensitive)
}

/// A provisioner without marks, and what was marked in it.
pub(crate) fn unmarked_provision(provision: &Provision) -> (Provision, Sensitive) {
    let mut plain = provision.clone();
    let mut sensitive = Sensitive::default();
    for value in core::iter::once(&mut plain.config).chain(&mut plain.connection) {
        sensitive.take_config(value);
    }
    (plain, sensitive)
}

/// A look without marks, and what was marked in it.
pub(crate) fn unmarked_probe(probe: &Probe) -> (Probe, Sensitive) {
    let mut plain = probe.clone();
    let mut sensitive = Sensitive::default();
    sensitive.take_config(&mut plain.target);
    (plain, sensitive)
}

fn is_secret(marks: Marks) -> bool {
    marks.contains(Marks::SENSITIVE) || marks.contains(Marks::EPHEMERAL)
}

impl Sensitive {
    fn of(address: &Address, schema: &ProviderSchema) -> Self {
        let types = schema.types(address.resource.mode);
        let block = types.get(&address.resource.kind).map(|one| &one.block);
        Self {
            places: Vec::new(),
            texts: BTreeSet::new(),
            secrets: block.filter(|block| secrets::has_secrets(block)).cloned(),
            whole: Marks::NONE,
        }
    }

    /// What is marked in a configuration was sensitive before it came here: what repeats it is, too.
    fn take_config(&mut self, value: &mut Value) {
        self.note_texts(value);
        self.take_places(value);
    }

    /// Takes the marks off what has the shape of the answer.
    fn take_shape(&mut self, value: &mut Value) {
        self.note_texts(&self.revealed(value));
        self.take_places(value);
    }

    /// Takes the marks off what has another.
    fn take_other(&mut self, value: &mut Value) {
        self.note_texts(&self.revealed(value));
        *value = value.clone().unmark_all();
    }

    fn take_places(&mut self, value: &mut Value) {
        let (plain, places) = value.unmark_deep();
        self.places.extend(places);
        *value = plain;
    }

    /// An object without the marks that its provider asks for. Whoever declares an attribute as sensitive does not say
    /// that every other text like it is: a parameter may hold `main`, and its name, too.
    fn revealed(&self, value: &Value) -> Value {
        match &self.secrets {
            Some(block) => secrets::revealed(block, value),
            None => value.clone(),
        }
    }

    /// The same, and what is in a value is sensitive, too.
    pub(crate) fn with(mut self, value: &Value) -> Self {
        self.note_texts(value);
        self
    }

    /// What a provider says, without what is sensitive.
    pub(crate) fn said(&self, found: Diagnostics) -> Diagnostics {
        self.diagnostics(found)
    }

    /// Only the places: what repeats a sensitive text elsewhere is not looked for, as in Terraform. For comparing.
    #[must_use]
    pub fn without_texts(mut self) -> Self {
        self.texts.clear();
        self
    }

    fn note_texts(&mut self, value: &Value) {
        value.walk(&mut |_, one| {
            if is_secret(one.marks()) {
                one.walk(&mut |_, inside| {
                    if let Some(text) = inside.as_str().filter(|text| !text.is_empty()) {
                        self.texts.insert(text.to_owned());
                        // What a digest without a key is of can be found by guessing.
                        let digest = model::Digest::of(text.as_bytes()).to_string();
                        self.texts
                            .extend(digest.strip_prefix("sha256:").map(str::to_owned));
                    }
                    true
                });
            }
            is_secret(one.marks_deep())
        });
    }

    fn repeats(&self, text: &str) -> bool {
        self.texts.contains(text)
            || self
                .texts
                .iter()
                .any(|secret| secret.len() >= PART_BYTES_MIN && text.contains(secret.as_str()))
    }

    fn marked(&self, value: Value) -> Value {
        let value = value.mark_at(&self.places);
        let value = match &self.secrets {
            Some(block) => secrets::concealed(block, &value),
            None => value,
        };
        if self.texts.is_empty() {
            return value;
        }
        value.transform(&mut |_, one| match one.data() {
            Data::String(text) if self.repeats(text) => one.with_marks(Marks::SENSITIVE),
            _ => one,
        })
    }

    fn text(&self, mut text: String) -> String {
        for secret in self.texts.iter().filter(|one| one.len() >= PART_BYTES_MIN) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REDACTED);
            }
        }
        text
    }

    fn diagnostics(&self, mut found: Diagnostics) -> Diagnostics {
        for one in &mut found.0 {
            one.summary = self.text(std::mem::take(&mut one.summary));
            one.detail = self.text(std::mem::take(&mut one.detail));
            for hint in &mut one.hints {
                hint.text = self.text(std::mem::take(&mut hint.text));
            }
        }
        found
    }

    /// What a provisioner wrote is left out where it was given something sensitive, as in Terraform: it may say that in
    /// any form.
    fn written(&self, output: String) -> String {
        match output.is_empty() || (self.places.is_empty() && self.texts.is_empty()) {
            true => output,
            false => OUTPUT_HIDDEN.to_owned(),
        }
    }

    /// What was answered to a look is left out in the same way.
    pub(crate) fn answered(&self, answer: String) -> String {
        match self.places.is_empty() && self.texts.is_empty() {
            true => answer,
            false => ANSWER_HIDDEN.to_owned(),
        }
    }

    /// The answer, marked again.
    pub fn answer(&self, answer: Answer) -> Answer {
        match answer {
            Answer::Read(mut read) => {
                read.object = read.object.map(|object| self.marked(object));
                read.diagnostics = self.diagnostics(read.diagnostics);
                Answer::Read(read)
            }
            Answer::Plan(mut plan) => {
                plan.planned = self.marked(plan.planned);
                plan.diagnostics = self.diagnostics(plan.diagnostics);
                Answer::Plan(plan)
            }
            Answer::Open(mut open) => {
                open.diagnostics = self.diagnostics(open.diagnostics);
                Answer::Open(open)
            }
            Answer::Data(mut data) => {
                data.object = self.marked(data.object);
                data.diagnostics = self.diagnostics(data.diagnostics);
                Answer::Data(data)
            }
            Answer::Upgrade(mut upgraded) => {
                upgraded.object = self.marked(upgraded.object);
                upgraded.diagnostics = self.diagnostics(upgraded.diagnostics);
                Answer::Upgrade(upgraded)
            }
            Answer::Import(mut found) => {
                found.object = found.object.map(|object| self.marked(object));
                Answer::Import(found)
            }
            Answer::Call(CallAnswer::Gives(value)) => {
                Answer::Call(CallAnswer::Gives(value.with_marks(self.whole)))
            }
            Answer::Call(CallAnswer::Refuses { why, argument }) => {
                Answer::Call(CallAnswer::Refuses {
                    why: self.text(why),
                    argument,
                })
            }
            Answer::Failed(found) => Answer::Failed(self.diagnostics(found)),
        }
    }

    /// The outcome, marked again.
    pub fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Changed {
                object,
                private,
                diagnostics,
            } => Outcome::Changed {
                object: object.map(|object| self.marked(object)),
                private,
                diagnostics: self.diagnostics(diagnostics),
            },
            Outcome::Partial {
                object,
                private,
                diagnostics,
            } => Outcome::Partial {
                object: self.marked(object),
                private,
                diagnostics: self.diagnostics(diagnostics),
            },
            Outcome::Refused { diagnostics } => Outcome::Refused {
                diagnostics: self.diagnostics(diagnostics),
            },
            Outcome::Failed {
                diagnostics,
                retry_after_ms,
            } => Outcome::Failed {
                diagnostics: self.diagnostics(diagnostics),
                retry_after_ms,
            },
            Outcome::Unknown { why } => Outcome::Unknown {
                why: self.text(why),
            },
            Outcome::Provisioned { output } => Outcome::Provisioned {
                output: self.written(output),
            },
            Outcome::Broken {
                output,
                diagnostics,
            } => Outcome::Broken {
                output: self.written(output),
                diagnostics: self.diagnostics(diagnostics),
            },
            // What was answered was left out when it came.
            other @ (Outcome::Healthy { .. }
            | Outcome::Unhealthy { .. }
            | Outcome::Placed { .. }
            | Outcome::Stopped
            | Outcome::Published { .. }
            | Outcome::Built { .. }) => other,
        }
    }

    /// What was found, marked again.
    pub fn inquiry(&self, inquiry: Inquiry) -> Inquiry {
        match inquiry {
            Inquiry::Found(outcome) => Inquiry::Found(self.outcome(outcome)),
            Inquiry::Unclear { what } => Inquiry::Unclear {
                what: self.text(what),
            },
            other @ (Inquiry::Absent | Inquiry::NotYet) => other,
        }
    }

    /// What was found and how, marked again.
    pub(crate) fn looked(&self, looked: Looked) -> Looked {
        let rungs = looked.rungs.into_iter().map(|rung| Rung {
            by: rung.by,
            asked: self.text(rung.asked),
            seen: self.text(rung.seen),
        });
        Looked {
            rungs: rungs.collect(),
            inquiry: self.inquiry(looked.inquiry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Address, Key, Mode, ModulePath, Repeat, ResourceAddress, Verb};
    use value::{Diagnostic, Type};

    fn secret() -> Value {
        Value::string("hunter-22").with_marks(Marks::SENSITIVE)
    }

    fn object(input: Value, output: Value) -> Value {
        Value::object([("input".into(), input), ("output".into(), output)].into())
    }

    fn change() -> Change {
        let resource = ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: "terraform_data".into(),
            name: "a".into(),
        };
        Change {
            address: Address {
                resource,
                key: Key::None,
            },
            provider: String::new(),
            verb: Verb::Update,
            prior: Some(object(
                Value::string("old-one").with_marks(Marks::SENSITIVE),
                Value::string("old-one"),
            )),
            config: Some(object(secret(), Value::null(Type::Any))),
            planned: Some(object(secret(), Value::unknown(Type::String))),
            private: Vec::new(),
            repeat: Repeat::Never,
            settle_ms: 0,
            dependencies: Vec::new(),
            retry: None,
        }
    }

    #[test]
    fn providers_are_given_no_marks_and_answers_have_them_again() {
        let (plain, sensitive) = unmarked_change(&change(), &ProviderSchema::default());
        for value in [&plain.prior, &plain.config, &plain.planned] {
            assert!(
                value
                    .as_ref()
                    .is_some_and(|one| one.marks_deep().is_empty())
            );
        }
        let digest = model::Digest::of(b"hunter-22").to_string();
        assert!(sensitive.repeats(&digest));
        let made = object(Value::string("hunter-22"), Value::string("got hunter-22"));
        let outcome = sensitive.outcome(Outcome::Changed {
            object: Some(made),
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        });
        let Outcome::Changed {
            object: Some(made), ..
        } = outcome
        else {
            panic!("another outcome");
        };
        for name in ["input", "output"] {
            let marks = made.get(name).map(Value::marks);
            assert_eq!(marks, Some(Marks::SENSITIVE), "{name}");
        }
    }

    #[test]
    fn what_a_provider_says_repeats_no_secret() {
        let (_, sensitive) = unmarked_change(&change(), &ProviderSchema::default());
        let found = Diagnostic::error("SF0000", "no hunter-22", "hunter-22 replaced old-one");
        let outcome = sensitive.outcome(Outcome::Refused {
            diagnostics: found.into(),
        });
        let Outcome::Refused { diagnostics } = outcome else {
            panic!("another outcome");
        };
        let text = format!("{diagnostics:?}");
        assert!(
            !text.contains("hunter-22") && !text.contains("old-one"),
            "{text}"
        );
    }

    #[test]
    fn without_marks_nothing_is_changed() {
        let mut change = change();
        change.prior = None;
        change.config = Some(object(Value::string("x"), Value::string("y")));
        change.planned = change.config.clone();
        let (plain, sensitive) = unmarked_change(&change, &ProviderSchema::default());
        assert_eq!(plain, change);
        let object = object(Value::string("x"), Value::string("z"));
        assert_eq!(sensitive.marked(object.clone()), object);
    }

    #[test]
    fn what_the_schema_declares_is_marked_and_what_is_like_it_is_not() {
        let sensitive = |ty| model::Attribute {
            sensitive: true,
            ..model::Attribute::optional(ty, "")
        };
        let inside = BlockSchema {
            attributes: [("key".into(), sensitive(Type::String))].into(),
            ..BlockSchema::default()
        };
        let nested = |nesting| model::NestedBlock {
            nesting,
            block: inside.clone(),
            min_items: 0,
            max_items: 0,
        };
        let block = BlockSchema {
            attributes: [
                ("input".into(), sensitive(Type::String)),
                (
                    "output".into(),
                    model::Attribute::computed(Type::String, ""),
                ),
            ]
            .into(),
            blocks: [
                ("list".into(), nested(model::Nesting::List)),
                ("set".into(), nested(model::Nesting::Set)),
            ]
            .into(),
        };
        let kind = change().address.resource.kind;
        let schema = ProviderSchema {
            resources: [(kind, model::TypeSchema { version: 0, block })].into(),
            ..ProviderSchema::default()
        };
        let inner = Value::object([("key".into(), Value::string("k"))].into());
        let ty = inner.ty();
        let made = Value::object(
            [
                ("input".into(), Value::string("main")),
                ("output".into(), Value::string("/main")),
                ("list".into(), Value::list(ty.clone(), vec![inner.clone()])),
                ("set".into(), Value::set(ty, vec![inner])),
            ]
            .into(),
        );
        let (_, first) = unmarked_change(&change(), &schema);
        let places = |object: &Value| {
            let (_, places) = object.unmark_deep();
            let places = places.into_iter().map(|(path, _)| format!("{path:?}"));
            places.collect::<Vec<_>>()
        };
        let marked = first.without_texts().marked(made);
        assert_eq!(places(&marked).len(), 3, "{:?}", places(&marked));
        // It comes again as the object that is there: still nothing else is taken for a secret.
        let again = Change {
            prior: Some(marked.clone()),
            config: None,
            planned: Some(marked.clone()),
            ..change()
        };
        let (plain, sensitive) = unmarked_change(&again, &schema);
        assert_eq!(
            plain.prior.map(|one| one.marks_deep()),
            Some(Marks::default())
        );
        let answered = sensitive.marked(marked.clone().unmark_all());
        assert_eq!(places(&answered), places(&marked));
    }
}
