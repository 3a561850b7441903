//! Objects in and out: attributes are taken from values and put back, without trusting their form.

use crate::diag;
use contract::{Answer, Outcome};
use model::{BlockSchema, Change, PlanAnswer, ReadAnswer, Repeat, Verb};
use std::collections::BTreeMap;
use value::{Data, Diagnostic, Diagnostics, Name, Type, Value};

/// What is said of one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<T> {
    /// Null: nothing.
    Nothing,
    /// It will be known later.
    Later,
    /// This.
    This(T),
}

/// A text attribute. [`check`] has seen to it that it is one.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Said<&'a str> {
    match object.get(name) {
        Some(value) if !value.is_known() => Said::Later,
        Some(value) => value.as_str().map_or(Said::Nothing, Said::This),
        None => Said::Nothing,
    }
}

/// A text attribute, if it is set and known.
pub(crate) fn known<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// Whether two attributes are the same, whatever their marks.
pub(crate) fn same(one: &Value, other: &Value, name: &str) -> bool {
    one.get(name).map(Value::data) == other.get(name).map(Value::data)
}

/// Checks that a value is an object of exactly these attributes, each of its type, unknown, or null where it may be.
pub(crate) fn check(block: &BlockSchema, object: &Value) -> Result<(), Diagnostic> {
    let Some(entries) = object.entries() else {
        return Err(diag::unexpected_form("The value is no object"));
    };
    if !entries.keys().eq(block.attributes.keys()) {
        return Err(diag::unexpected_form(
            "The object does not have exactly the attributes of its type",
        ));
    }
    for (name, attribute) in &block.attributes {
        let Some(value) = entries.get(name) else {
            continue;
        };
        if !fits(value, &attribute.ty) {
            let what = format!("{name} is not of its type");
            return Err(diag::unexpected_form(&what));
        }
        if attribute.required && value.is_null() {
            return Err(diag::unexpected_form(&format!("{name} must be set")));
        }
    }
    Ok(())
}

fn fits(value: &Value, ty: &Type) -> bool {
    match (value.data(), ty) {
        (Data::Null(_) | Data::Unknown(_), _) | (_, Type::Any) => true,
        (Data::String(_), Type::String)
        | (Data::Number(_), Type::Number)
        | (Data::Bool(_), Type::Bool) => true,
        (Data::Map(_, items) | Data::Object(items), Type::Map(element)) => {
            items.values().all(|item| fits(item, element))
        }
        (
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items),
            Type::List(element) | Type::Set(element),
        ) => items.iter().all(|item| fits(item, element)),
        (_, _) => false,
    }
}

/// The same object with these attributes instead of its own.
pub(crate) fn with(
    object: &Value,
    attributes: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut entries: BTreeMap<Name, Value> = object.entries().cloned().unwrap_or_default();
    for (name, value) in attributes {
        entries.insert(name.into(), value);
    }
    Value::object(entries).with_marks(object.marks())
}

/// The planned object with what only the provider can say: given attributes fill what was unknown and nothing else,
/// and what depended on other resources is taken from the configuration.
pub(crate) fn fill(change: &Change, results: &[(&'static str, Value)]) -> Option<Value> {
    let planned = change.planned.as_ref()?.entries()?;
    let config = change.config.as_ref();
    let filled = planned.iter().map(|(name, value)| {
        if value.is_wholly_known() {
            return (name.clone(), value.clone());
        }
        let configured = config.and_then(|config| config.get(name));
        let result = results.iter().find(|(result, _)| *result == &**name);
        let now = match (configured, result) {
            (Some(configured), _) if !configured.is_null() => configured.clone(),
            (_, Some((_, result))) => result.clone(),
            (Some(null), None) => null.clone(),
            (None, None) => value.clone(),
        };
        (name.clone(), now)
    });
    Some(Value::object(filled.collect()))
}

/// A change whose parts fit its verb.
pub(crate) enum Parts<'a> {
    /// Nothing is there; this shall be.
    Create {
        config: &'a Value,
        planned: &'a Value,
    },
    /// This is there; that shall be.
    Update {
        prior: &'a Value,
        config: &'a Value,
        planned: &'a Value,
    },
    /// This is there and shall go.
    Delete { prior: &'a Value },
}

/// Takes a change apart, refusing what makes no sense.
pub(crate) fn parts<'a>(block: &BlockSchema, change: &'a Change) -> Result<Parts<'a>, Diagnostic> {
    let object = |value: &'a Option<Value>, what: &str| match value {
        Some(value) => check(block, value).map(|()| value),
        None => Err(diag::unexpected_form(&format!("The change has no {what}"))),
    };
    Ok(match change.verb {
        Verb::Create => Parts::Create {
            config: object(&change.config, "configuration")?,
            planned: object(&change.planned, "planned object")?,
        },
        Verb::Update => Parts::Update {
            prior: object(&change.prior, "object as it is")?,
            config: object(&change.config, "configuration")?,
            planned: object(&change.planned, "planned object")?,
        },
        Verb::Delete => Parts::Delete {
            prior: object(&change.prior, "object as it is")?,
        },
    })
}

/// A complete change. `object` is none after a deletion.
pub(crate) fn changed(object: Option<Value>, diagnostics: Diagnostics) -> Outcome {
    Outcome::Changed {
        object,
        private: Vec::new(),
        diagnostics,
    }
}

/// A deletion that is complete.
pub(crate) fn deleted() -> Outcome {
    changed(None, Diagnostics::new())
}

/// An answer to a read.
pub(crate) fn read(object: Option<Value>, diagnostics: Diagnostics) -> Answer {
    Answer::Read(ReadAnswer {
        object,
        private: Vec::new(),
        diagnostics,
    })
}

/// What is known of an object that exists already: nothing but some of its attributes.
pub(crate) fn imported(
    block: &BlockSchema,
    known: impl IntoIterator<Item = (&'static str, Value)>,
) -> Answer {
    let nothing = block
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), Value::null(attribute.ty.clone())));
    Answer::Import(ReadAnswer {
        object: Some(with(&Value::object(nothing.collect()), known)),
        private: Vec::new(),
        diagnostics: Diagnostics::new(),
    })
}

/// An answer to a plan. What the host does is over when the call is, so nothing settles later.
pub(crate) fn planned(planned: Value, replace: &[&str], repeat: Repeat) -> Answer {
    Answer::Plan(PlanAnswer {
        planned,
        requires_replace: replace.iter().map(|&name| vec![name.to_owned()]).collect(),
        private: Vec::new(),
        repeat,
        settle_ms: 0,
        recovery: None,
        loose: false,
        diagnostics: Diagnostics::new(),
    })
}
