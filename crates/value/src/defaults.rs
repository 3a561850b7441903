//! Default values of optional attributes in a type constraint (`optional(T, default)`).
//!
//! They are kept beside the type and filled in before a value is converted to it, so that a default can be of a type
//! that is itself converted, and a given null counts as left out.

use crate::{Data, Name, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The defaults in one type constraint, by where they are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// Of an object: what stands for an optional attribute that is missing or null.
    pub values: BTreeMap<Name, Value>,
    /// Of an object: defaults inside its attributes.
    pub attributes: BTreeMap<Name, Defaults>,
    /// Of a tuple: defaults inside the element at each position.
    pub positions: BTreeMap<usize, Defaults>,
    /// Of a list, set or map: defaults inside each element.
    pub element: Option<Box<Defaults>>,
}

impl Defaults {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.attributes.values().all(Self::is_empty)
            && self.positions.values().all(Self::is_empty)
            && self
                .element
                .as_ref()
                .is_none_or(|element| element.is_empty())
    }

    /// The value with defaults filled in. What does not fit the constraint is left as it is: the conversion that
    /// follows finds and names it. Sequences come back as tuples and maps as objects, because an element with a default
    /// filled in may be of another type than one without.
    #[must_use]
    pub fn apply(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        let filled = match value.data() {
            Data::Object(items) | Data::Map(_, items) => {
                let mut items = BTreeMap::clone(items);
                if let Some(element) = &self.element {
                    for item in items.values_mut() {
                        *item = element.apply(item);
                    }
                }
                for (name, default) in &self.values {
                    let entry = items.entry(name.clone()).or_insert_with(|| default.clone());
                    if entry.is_null() {
                        *entry = default.clone().with_marks(entry.marks());
                    }
                }
                for (name, defaults) in &self.attributes {
                    if let Some(item) = items.get_mut(name) {
                        *item = defaults.apply(item);
                    }
                }
                Value::object(items)
            }
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    match (&self.element, self.positions.get(&index)) {
                        (Some(defaults), _) => defaults.apply(item),
                        (None, Some(defaults)) => defaults.apply(item),
                        (None, None) => item.clone(),
                    }
                });
                Value::tuple(items.collect::<Vec<_>>())
            }
            _ => return value.clone(),
        };
        filled.with_marks(value.marks())
    }
}
