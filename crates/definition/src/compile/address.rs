//! Addresses in `moved`, `import` and `removed` blocks (`module.m["k"].TYPE.NAME[0]`), and the keys of instances as far
//! as they are known before there is a plan.

use crate::diag::statements as diag;
use crate::lower;
use crate::syntax::{Expression, ExpressionKind};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use model::{Endpoint, EndpointResource, Key, Mode, ModulePath, ModuleStep, Repetition};
use value::{Data, Diagnostic, Diagnostics, Marks, Name, Span, Type, Value};

/// An address as it was written.
pub(crate) struct Written<'e> {
    /// Module calls on the way.
    pub(super) module: Vec<(Name, Option<&'e Expression>)>,
    /// The resource; none when a module is meant.
    pub(super) resource: Option<WrittenResource<'e>>,
    /// The first key: where an address must have none.
    pub(super) first_key: Option<Span>,
}

/// The resource of an address.
pub(crate) struct WrittenResource<'e> {
    pub(super) mode: Mode,
    pub(super) kind: Name,
    pub(super) name: Name,
    pub(super) key: Option<&'e Expression>,
}

/// One part between dots or brackets.
enum Item<'e> {
    Name(&'e Name, Span),
    Key(&'e Expression, Span),
}

/// Roots that begin references to something that cannot be moved or removed.
const OTHER_ROOTS: [&str; 7] = ["count", "each", "local", "path", "self", "terraform", "var"];

impl<'e> Written<'e> {
    /// Reads an address.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn read(expression: &'e Expression) -> Result<Self, Diagnostic> {
        if !super::module::is_reference(expression) {
            return Err(diag::not_an_address(expression.span));
        }
        let items = items(expression);
        let mut address = Self {
            module: Vec::new(),
            resource: None,
            first_key: None,
        };
        let mut at = items.as_slice();
        while let [Item::Name(word, start), rest @ ..] = at
            && &***word == "module"
        {
            let [Item::Name(name, _), rest @ ..] = rest else {
                let detail = "The name of a module call follows the word module: module.NAME.";
                return Err(diag::invalid_address(*start, detail));
            };
            let (key, rest) = address.key(rest);
            address.module.push(((*name).clone(), key));
            at = rest;
        }
        if at.is_empty() {
            return Ok(address);
        }
        let whole = expression.span;
        let rest = match at {
            [Item::Name(word, _), rest @ ..] if &***word == "data" => {
                address.named(Mode::Data, rest, whole)?
            }
            [Item::Name(word, _), rest @ ..] if &***word == "ephemeral" => {
                address.named(Mode::Ephemeral, rest, whole)?
            }
            [Item::Name(word, _), rest @ ..] if &***word == "resource" => {
                address.named(Mode::Managed, rest, whole)?
            }
            [Item::Name(word, _), ..] if OTHER_ROOTS.contains(&&***word) => {
                let detail = "Only modules and resources have an address: module.NAME, TYPE.NAME.";
                return Err(diag::invalid_address(whole, detail));
            }
            _ => address.named(Mode::Managed, at, whole)?,
        };
        match rest.first() {
            None => Ok(address),
            Some(Item::Name(_, span) | Item::Key(_, span)) => {
                let detail = "The address ends with the name or the key of the resource. Remove what follows.";
                Err(diag::invalid_address(*span, detail))
            }
        }
    }

    fn key<'i>(&mut self, items: &'i [Item<'e>]) -> (Option<&'e Expression>, &'i [Item<'e>]) {
        match items {
            [Item::Key(key, span), rest @ ..] => {
                self.first_key.get_or_insert(*span);
                (Some(*key), rest)
            }
            _ => (None, items),
        }
    }

    fn named<'i>(
        &mut self,
        mode: Mode,
        items: &'i [Item<'e>],
        whole: Span,
    ) -> Result<&'i [Item<'e>], Diagnostic> {
        let [Item::Name(kind, _), Item::Name(name, _), rest @ ..] = items else {
            let detail = "The address of a resource is its type and its name: TYPE.NAME.";
            return Err(diag::invalid_address(whole, detail));
        };
        let (key, rest) = self.key(rest);
        self.resource = Some(WrittenResource {
            mode,
            kind: (*kind).clone(),
            name: (*name).clone(),
            key,
        });
        Ok(rest)
    }

    /// The address with its keys, which must be constant.
    ///
    /// # Errors
    /// When one is not.
    pub(crate) fn endpoint(&self, whole: Span) -> Result<Endpoint, Diagnostic> {
        let constant = |key: Option<&Expression>| match key {
            None => Ok(Key::None),
            Some(key) => constant_key(key).ok_or_else(|| diag::key_not_constant(whole)),
        };
        let mut steps = Vec::with_capacity(self.module.len());
        for (name, key) in &self.module {
            steps.push(ModuleStep {
                name: name.clone(),
                key: constant(*key)?,
            });
        }
        let resource = match &self.resource {
            None => None,
            Some(resource) => Some(EndpointResource {
                mode: resource.mode,
                kind: resource.kind.clone(),
                name: resource.name.clone(),
                key: constant(resource.key)?,
            }),
        };
        Ok(Endpoint {
            module: ModulePath(steps),
            resource,
        })
    }
}

impl Written<'_> {
    /// The address without any keys.
    pub(super) fn without_keys(&self) -> Endpoint {
        let steps = self.module.iter().map(|(name, _)| ModuleStep {
            name: name.clone(),
            key: Key::None,
        });
        Endpoint {
            module: ModulePath(steps.collect()),
            resource: self.resource.as_ref().map(|resource| EndpointResource {
                mode: resource.mode,
                kind: resource.kind.clone(),
                name: resource.name.clone(),
                key: Key::None,
            }),
        }
    }
}

/// The parts of a reference from its root.
fn items(expression: &Expression) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut at = expression;
    loop {
        let own = |source: &Expression| Span {
            start: source.span.end,
            ..at.span
        };
        match &at.kind {
            ExpressionKind::Attribute(source, name) => {
                items.push(Item::Name(&name.name, own(source)));
                at = source;
            }
            ExpressionKind::Index(source, key) => {
                items.push(Item::Key(key, own(source)));
                at = source;
            }
            ExpressionKind::Root(name) => {
                items.push(Item::Name(name, at.span));
                break;
            }
            _ => break,
        }
    }
    items.reverse();
    items
}

fn constant_key(key: &Expression) -> Option<Key> {
    let mut nobody = Diagnostics::new();
    let value = lower::constant(key, &Type::Any, "", &mut nobody)?;
    match value.data() {
        Data::Number(number) => {
            let index = u64::try_from(number.as_i64()?).ok()?;
            Some(Key::Index(index))
        }
        Data::String(text) => Some(Key::Name(text.clone())),
        _ => None,
    }
}

/// The keys of instances that a block says to have in so many words; none where they are computed.
pub(super) fn written_keys(body: &crate::syntax::Body) -> Option<Vec<Key>> {
    if let Some(count) = body.attribute("count") {
        let Some(Key::Index(count)) = constant_key(&count.value) else {
            return None;
        };
        let most = crate::limits::STATIC_INSTANCES_MAX as u64;
        return (count <= most).then(|| (0..count).map(Key::Index).collect());
    }
    let Some(for_each) = body.attribute("for_each") else {
        return Some(alloc::vec![Key::None]);
    };
    let keys: Vec<&Expression> = match &for_each.value.kind {
        ExpressionKind::Object(items) => items.iter().map(|(key, _)| key).collect(),
        ExpressionKind::Call(call) if &*call.name.name == "toset" => match call.arguments.first() {
            Some(Expression {
                kind: ExpressionKind::Tuple(items),
                ..
            }) => items.iter().collect(),
            _ => return None,
        },
        _ => return None,
    };
    let keys = keys.into_iter().map(|key| match key.as_keyword() {
        Some(name) => Some(Key::Name(name.clone())),
        None => constant_key(key),
    });
    keys.collect()
}

/// The keys of the instances that a value of `count` or `for_each` gives; none where they are not known.
///
/// # Errors
/// Why there can be no such instances.
pub(super) fn known_keys(
    value: &Value,
    repetition: &Repetition,
) -> Result<Option<BTreeSet<Key>>, &'static str> {
    match repetition {
        Repetition::Once => Ok(Some(BTreeSet::from([Key::None]))),
        Repetition::Count(_) => count_keys(value),
        Repetition::ForEach(_) => for_each_keys(value),
    }
}

fn count_keys(value: &Value) -> Result<Option<BTreeSet<Key>>, &'static str> {
    if value.is_null() {
        return Err(
            "The value of count is null. Give a number; without count there is exactly one instance.",
        );
    }
    let Some(number) = value.as_number() else {
        return Ok(None);
    };
    let Some(count) = number.as_i64() else {
        return Err("The value of count must be a whole number that a machine can count to.");
    };
    let Ok(count) = u64::try_from(count) else {
        return Err("The value of count is negative. It must be 0 or more.");
    };
    let most = crate::limits::STATIC_INSTANCES_MAX as u64;
    Ok((count <= most).then(|| (0..count).map(Key::Index).collect()))
}

fn for_each_keys(value: &Value) -> Result<Option<BTreeSet<Key>>, &'static str> {
    const FORMS: &str = "for_each takes a map, an object or a set of texts. A list or tuple of texts becomes a set by toset(...).";
    if value.marks().contains(Marks::SENSITIVE) {
        return Err(
            "The value of for_each is sensitive, but its keys become part of the addresses of instances, which are shown. Take keys that may be seen; nonsensitive(...) makes a value one of those.",
        );
    }
    match value.data() {
        Data::Null(_) => {
            Err("The value of for_each is null. Give an empty map ({}) for no instances.")
        }
        Data::Map(_, items) | Data::Object(items) => {
            Ok(Some(items.keys().cloned().map(Key::Name).collect()))
        }
        Data::Set(_, items) if items.is_empty() => Ok(Some(BTreeSet::new())),
        Data::Set(Type::String | Type::Any, items) => set_keys(items),
        Data::Set(..) => Err(
            "The elements of a set in for_each must be texts, because they become keys of instances. Convert them: toset([for x in ... : tostring(x)]).",
        ),
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Any | Type::Map(_) | Type::Object(_) => Ok(None),
            Type::Set(element) if matches!(&**element, Type::String | Type::Any) => Ok(None),
            _ => Err(FORMS),
        },
        _ => Err(FORMS),
    }
}

fn set_keys(items: &[Value]) -> Result<Option<BTreeSet<Key>>, &'static str> {
    let mut keys = BTreeSet::new();
    for item in items {
        match item.data() {
            Data::String(text) => {
                keys.insert(Key::Name(text.clone()));
            }
            Data::Null(_) => {
                return Err("A set in for_each must not contain null: there is no such key.");
            }
            Data::Unknown(_) => return Ok(None),
            _ => {
                return Err(
                    "The elements of a set in for_each must be texts, because they become keys of instances.",
                );
            }
        }
    }
    Ok(Some(keys))
}
