//! [`StandIns`]: what is made up in the place of a provider's answers while a definition is tested.
//!
//! A mocked provider configuration and an overridden object are answered here as a real provider would answer, without
//! one: what is configured is kept, what is already there is kept, and what the provider would compute is given by the
//! test or made up. What is made up follows from the seed, the object and the attribute, so that a test gives the same
//! each time. An overridden module is no matter of answers: [`without_modules`] puts constants in its place before
//! anything is planned.

use crate::diag_testing as diag;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use model::{
    Address, Answer, BlockSchema, Change, DataAnswer, Digest, During, Mock, Mode, Module,
    ModuleStep, Nesting, Outcome, Override, PlanAnswer, PlanQuestion, ProviderRef, ProviderSchema,
    Question, ReadAnswer, Release, Repeat, ResourceAddress, Substitute, Substitutes, Verb,
};
use value::{Data, Diagnostics, Expr, ExprKind, Name, Type, Value};

/// Letters of texts that are made up.
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// How many there are in one.
const TEXT_LETTERS: usize = 8;

/// What stands in for parts of the outside.
#[derive(Clone, Debug)]
pub struct StandIns {
    release: Release,
    substitutes: Substitutes,
    seed: u64,
}

/// What stands in for one object.
struct StandIn<'s> {
    given: Option<&'s Substitute>,
    during: During,
    /// It may be imported, for what it is is given.
    importable: bool,
}

/// Makes up the results of one object.
struct Maker<'s> {
    seed: u64,
    address: &'s Address,
    /// Where what is given is written.
    given: Option<&'s Substitute>,
    found: Diagnostics,
}

impl StandIns {
    /// For a release and what a test puts in the place of its outside.
    pub fn new(release: Release, substitutes: Substitutes, seed: u64) -> Self {
        Self {
            release,
            substitutes,
            seed,
        }
    }

    /// The answer to a question about an object that something stands in for; none when the real provider is asked.
    pub fn answer(&self, schema: &ProviderSchema, question: &Question) -> Option<Answer> {
        // Nothing stands in for functions: they look at nothing.
        let address = question.address()?;
        let stand_in = self.of(address, question.provider())?;
        let block = block_of(schema, address)?;
        let mut maker = Maker::new(self.seed, address, stand_in.given);
        let answer = match question {
            Question::Read(question) => Answer::Read(ReadAnswer {
                object: Some(question.prior.clone()),
                private: question.private.clone(),
                diagnostics: Diagnostics::new(),
            }),
            Question::Plan(question) => maker.plan(block, question, stand_in.during),
            Question::Data(question) => Answer::Data(DataAnswer {
                object: maker.object(block, &question.config, Holes::Unset),
                diagnostics: Diagnostics::new(),
            }),
            Question::Import(_) if stand_in.importable => Answer::Import(ReadAnswer {
                object: Some(maker.object(block, &unset(block), Holes::Unset)),
                private: Vec::new(),
                diagnostics: Diagnostics::new(),
            }),
            Question::Upgrade(question) => Answer::Upgrade(DataAnswer {
                object: question.stored.clone(),
                diagnostics: Diagnostics::new(),
            }),
            Question::Import(_) => Answer::Failed(diag::mock_not_importable(address).into()),
            Question::Open(_) => Answer::Failed(diag::mock_opens_nothing(address).into()),
            Question::Call(_) => return None,
        };
        Some(if maker.found.has_errors() {
            Answer::Failed(maker.found)
        } else {
            answer
        })
    }

    /// What comes of a change of an object that something stands in for; none when the real provider makes it.
    pub fn outcome(&self, schema: &ProviderSchema, change: &Change) -> Option<Outcome> {
        let stand_in = self.of(&change.address, &change.provider)?;
        let block = block_of(schema, &change.address)?;
        let mut maker = Maker::new(self.seed, &change.address, stand_in.given);
        // Nobody makes or destroys nothing; the real provider says so.
        let object = if change.verb == Verb::Delete {
            change.prior.as_ref()?;
            None
        } else {
            Some(maker.object(block, change.planned.as_ref()?, Holes::Unknown))
        };
        Some(if maker.found.has_errors() {
            Outcome::Refused {
                diagnostics: maker.found,
            }
        } else {
            Outcome::Changed {
                object,
                private: Vec::new(),
                diagnostics: Diagnostics::new(),
            }
        })
    }

    fn of(&self, address: &Address, source: &str) -> Option<StandIn<'_>> {
        let mock = self.mock_of(address, source);
        let of_mock = mock.into_iter().flat_map(|mock| &mock.overrides);
        let mut overrides = self.substitutes.overrides.iter().chain(of_mock);
        if let Some(found) = overrides.find(|one| targets(one, address)) {
            return Some(StandIn {
                given: Some(&found.substitute),
                during: found.substitute.during,
                importable: true,
            });
        }
        let mock = mock?;
        let given = match address.resource.mode {
            Mode::Data => mock.data.get(&address.resource.kind),
            Mode::Managed | Mode::Ephemeral => mock.resources.get(&address.resource.kind),
        };
        Some(StandIn {
            given,
            during: given.map_or(mock.during, |given| given.during),
            importable: false,
        })
    }

    /// The mock that an object's provider configuration is.
    fn mock_of(&self, address: &Address, source: &str) -> Option<&Mock> {
        let mocks = &self.substitutes.mocks;
        if mocks.is_empty() {
            return None;
        }
        let (local, alias) = configuration(&self.release, &address.resource, source)?;
        mocks
            .iter()
            .find(|mock| mock.local == local && mock.alias == alias)
    }
}

fn targets(one: &Override, address: &Address) -> bool {
    let Some(target) = &one.target.resource else {
        return false;
    };
    let resource = &address.resource;
    target.mode == resource.mode
        && target.kind == resource.kind
        && target.name == resource.name
        && (target.key == model::Key::None || target.key == address.key)
        && one.covers(&resource.module)
}

fn block_of<'s>(schema: &'s ProviderSchema, address: &Address) -> Option<&'s BlockSchema> {
    let types = schema.types(address.resource.mode);
    types.get(&address.resource.kind).map(|ty| &ty.block)
}

/// The configuration of the root module that an object belongs to: local name and alias. None when it is one of another
/// module. An object that is no longer written belongs to the default configuration of its provider.
fn configuration(
    release: &Release,
    address: &ResourceAddress,
    source: &str,
) -> Option<(Name, Option<Name>)> {
    let root = release.modules.first()?;
    let mut modules = Vec::from([root]);
    let mut calls = Vec::new();
    for step in &address.module.0 {
        let call = modules
            .last()
            .and_then(|module| module.modules.get(&step.name));
        let module = call.and_then(|call| release.modules.get(call.module as usize));
        let (Some(call), Some(module)) = (call, module) else {
            return Some((local_name(root, source), None));
        };
        calls.push(call);
        modules.push(module);
    }
    let written = modules.last().and_then(|module| {
        let mut resources = module.resources.iter();
        resources.find(|one| {
            one.mode == address.mode && one.kind == address.kind && one.name == address.name
        })
    });
    let Some(written) = written else {
        return Some((local_name(root, source), None));
    };
    let ProviderRef { local, alias, .. } = &written.provider_config;
    let (mut local, mut alias) = (local.clone(), alias.clone());
    while let Some(call) = calls.pop() {
        let own = modules.pop()?;
        let parent = modules.last()?;
        let mut passed = call.providers.iter();
        if let Some(passed) = passed.find(|one| one.local == local && one.alias == alias) {
            (local, alias) = (passed.from.local.clone(), passed.from.alias.clone());
        } else if own
            .providers
            .iter()
            .any(|one| one.local == local && one.alias == alias)
        {
            return None;
        } else {
            local = local_name(parent, source);
        }
    }
    Some((local, alias))
}

/// What a module calls a provider.
fn local_name(module: &Module, source: &str) -> Name {
    let mut required = module.required_providers.iter();
    match required.find(|(_, requirement)| requirement.source == source) {
        Some((local, _)) => local.clone(),
        None => Name::from(source.rsplit('/').next().unwrap_or(source)),
    }
}

/// Which attributes of an object are made up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    /// Computed ones that are not set.
    Unset,
    /// Those that are unknown.
    Unknown,
}

impl Holes {
    fn has(self, value: &Value) -> bool {
        match self {
            Self::Unset => value.is_null() || !value.is_known(),
            Self::Unknown => !value.is_wholly_known(),
        }
    }
}

impl<'s> Maker<'s> {
    fn new(seed: u64, address: &'s Address, given: Option<&'s Substitute>) -> Self {
        Self {
            seed,
            address,
            given,
            found: Diagnostics::new(),
        }
    }

    fn plan(&mut self, block: &BlockSchema, question: &PlanQuestion, during: During) -> Answer {
        let planned = match during {
            During::Apply => question.proposed.clone(),
            During::Plan => self.object(block, &question.proposed, Holes::Unknown),
        };
        Answer::Plan(PlanAnswer {
            planned,
            requires_replace: Vec::new(),
            private: question.private.clone(),
            repeat: Repeat::Safe,
            recovery: None,
            settle_ms: 0,
            loose: false,
            diagnostics: Diagnostics::new(),
        })
    }

    /// An object with its holes filled.
    fn object(&mut self, block: &BlockSchema, object: &Value, holes: Holes) -> Value {
        let given = self.given.map(|given| given.values.clone());
        self.filled(block, object, given.as_ref(), holes, "")
    }

    fn filled(
        &mut self,
        block: &BlockSchema,
        object: &Value,
        given: Option<&Value>,
        holes: Holes,
        path: &str,
    ) -> Value {
        let Some(entries) = object.entries() else {
            return object.clone();
        };
        let mut filled: BTreeMap<Name, Value> = entries.clone();
        for (name, attribute) in &block.attributes {
            let value = entries.get(name);
            let given = given.and_then(|given| given.get(name));
            let path = alloc::format!("{path}.{name}");
            if attribute.computed && value.is_none_or(|value| holes.has(value)) {
                let value = match given {
                    Some(value) => self.converted(value, &attribute.ty, name),
                    None => self.made_up(&attribute.ty, &path),
                };
                filled.insert(name.clone(), value);
            } else if let (Some(nested), Some(value)) = (&attribute.nested, value) {
                let inside = BlockSchema {
                    attributes: nested.attributes.clone(),
                    blocks: BTreeMap::new(),
                };
                let value = self.each(&inside, value, given, holes, &path);
                filled.insert(name.clone(), value);
            }
        }
        for (name, nested) in &block.blocks {
            if let Some(value) = entries.get(name) {
                let given = given.and_then(|given| given.get(name));
                let path = alloc::format!("{path}.{name}");
                let value = self.each(&nested.block, value, given, holes, &path);
                filled.insert(name.clone(), value);
            }
        }
        Value::object(filled).with_marks(object.marks())
    }

    /// One object of a nested block, or all of them: what is given counts for each.
    fn each(
        &mut self,
        block: &BlockSchema,
        value: &Value,
        given: Option<&Value>,
        holes: Holes,
        path: &str,
    ) -> Value {
        let mut one = |value: &Value, key: &str| {
            let path = alloc::format!("{path}.{key}");
            self.filled(block, value, given, holes, &path)
        };
        match value.data() {
            Data::Object(_) => one(value, ""),
            Data::List(ty, items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| one(item, &at.to_string()));
                Value::list(ty.clone(), items.collect())
            }
            Data::Set(ty, items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| one(item, &at.to_string()));
                Value::set(ty.clone(), items.collect())
            }
            Data::Map(ty, items) => {
                let items = items.iter();
                let items = items.map(|(key, item)| (key.clone(), one(item, key)));
                Value::map(ty.clone(), items.collect())
            }
            Data::Null(_)
            | Data::Unknown(_)
            | Data::Bool(_)
            | Data::Number(_)
            | Data::String(_)
            | Data::Tuple(_) => value.clone(),
        }
    }

    fn converted(&mut self, value: &Value, ty: &Type, name: &str) -> Value {
        match value::convert(value, ty) {
            Ok(value) => value,
            Err(why) => {
                let mut found = diag::substitute_unfit(self.address, name, &why.to_string());
                found.span = self.given.map(|given| given.span);
                self.found.push(found);
                Value::unknown(ty.clone())
            }
        }
    }

    /// A value of a type: texts are drawn, everything else is as little as the type allows.
    fn made_up(&self, ty: &Type, path: &str) -> Value {
        match ty {
            Type::String => Value::string(self.text(path)),
            Type::Number => Value::number(0),
            Type::Bool => Value::bool(false),
            Type::List(element) => Value::list((**element).clone(), Vec::new()),
            Type::Set(element) => Value::set((**element).clone(), Vec::new()),
            Type::Map(element) => Value::map((**element).clone(), BTreeMap::new()),
            Type::Object(attributes) => {
                let attributes = attributes.attributes.iter().map(|(name, ty)| {
                    let path = alloc::format!("{path}.{name}");
                    (name.clone(), self.made_up(ty, &path))
                });
                Value::object(attributes.collect())
            }
            Type::Tuple(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, ty)| self.made_up(ty, &alloc::format!("{path}.{at}")));
                Value::tuple(items.collect())
            }
            Type::Any => Value::null(Type::Any),
        }
    }

    fn text(&self, path: &str) -> String {
        let address = self.address.to_string();
        let parts: [&[u8]; 3] = [
            &self.seed.to_be_bytes(),
            address.as_bytes(),
            path.as_bytes(),
        ];
        let digest = Digest::of_parts("steadfast.made-up.1", &parts);
        let letters = digest.0.iter().take(TEXT_LETTERS);
        let letters = letters.filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        letters.map(|letter| char::from(*letter)).collect()
    }
}

/// An object with nothing set.
fn unset(block: &BlockSchema) -> Value {
    let attributes = block.attributes.iter();
    let attributes =
        attributes.map(|(name, one)| (name.clone(), Value::null(one.ty.without_optional())));
    let blocks = block.blocks.iter().map(|(name, nested)| {
        let inner = nested.block.implied_type();
        let value = match nested.nesting {
            Nesting::Single => Value::null(inner),
            Nesting::Group => unset(&nested.block),
            Nesting::List => Value::list(inner, Vec::new()),
            Nesting::Set => Value::set(inner, Vec::new()),
            Nesting::Map => Value::map(inner, BTreeMap::new()),
        };
        (name.clone(), value)
    });
    Value::object(attributes.chain(blocks).collect())
}

/// Puts modules whose outputs are given in the place of those that they override: with the same variables, with
/// nothing in them.
pub fn without_modules(release: &mut Release, overrides: &[Override]) {
    for one in overrides.iter().filter(|one| one.target.resource.is_none()) {
        let Some((last, before)) = one.target.module.0.split_last() else {
            continue;
        };
        // Each call on the way gets a definition of its own, for others may call the same one.
        let mut at = 0;
        for step in before {
            match own_definition(release, at, step, Clone::clone) {
                Some(called) => at = called,
                None => break,
            }
        }
        if release
            .modules
            .get(at)
            .is_some_and(|module| module.modules.contains_key(&last.name))
        {
            own_definition(release, at, last, |module| stub(module, &one.substitute));
        }
    }
}

/// Gives a call a definition of its own, made of the one it had; its position.
fn own_definition(
    release: &mut Release,
    at: usize,
    step: &ModuleStep,
    make: impl FnOnce(&Module) -> Module,
) -> Option<usize> {
    let call = release.modules.get(at)?.modules.get(&step.name)?;
    let made = make(release.modules.get(call.module as usize)?);
    let position = release.modules.len();
    let call = release.modules.get_mut(at)?.modules.get_mut(&step.name)?;
    call.module = u32::try_from(position).ok()?;
    release.modules.push(made);
    Some(position)
}

fn stub(module: &Module, substitute: &Substitute) -> Module {
    let mut stub = Module {
        directory: module.directory.clone(),
        variables: module.variables.clone(),
        outputs: module.outputs.clone(),
        required_providers: module.required_providers.clone(),
        ..Module::default()
    };
    for variable in stub.variables.values_mut() {
        variable.validations.clear();
    }
    for (name, output) in &mut stub.outputs {
        let given = substitute.values.get(name).cloned();
        output.value = Expr {
            kind: ExprKind::Literal(given.unwrap_or_else(|| Value::null(Type::Any))),
            span: output.span,
        };
        output.depends_on.clear();
        output.preconditions.clear();
    }
    stub
}

#[cfg(test)]
mod tests;
