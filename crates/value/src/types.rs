//! The types of the language: primitives, collections, structural types and `any`.

use crate::Name;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A type or type constraint. `Any` stands for "not known yet" in a value's type and for "infer" in a constraint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Type {
    /// `any`: dynamic.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(T)`.
    List(Arc<Type>),
    /// `set(T)`.
    Set(Arc<Type>),
    /// `map(T)`.
    Map(Arc<Type>),
    /// `tuple([...])`.
    Tuple(Arc<Vec<Type>>),
    /// `object({...})`.
    Object(Arc<ObjectType>),
}

/// The attributes of an object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectType {
    /// Type of each attribute.
    pub attributes: BTreeMap<Name, Type>,
    /// Those that may be left out (`optional(...)`, only in constraints).
    pub optional: alloc::collections::BTreeSet<Name>,
}

impl Type {
    /// `list(element)`.
    pub fn list(element: Type) -> Self {
        Self::List(Arc::new(element))
    }
    /// `set(element)`.
    pub fn set(element: Type) -> Self {
        Self::Set(Arc::new(element))
    }
    /// `map(element)`.
    pub fn map(element: Type) -> Self {
        Self::Map(Arc::new(element))
    }
    /// `tuple([...])`.
    pub fn tuple(elements: Vec<Type>) -> Self {
        Self::Tuple(Arc::new(elements))
    }
    /// `object({...})` without optional attributes.
    pub fn object(attributes: impl IntoIterator<Item = (Name, Type)>) -> Self {
        Self::Object(Arc::new(ObjectType {
            attributes: attributes.into_iter().collect(),
            optional: Default::default(),
        }))
    }
}
