//! The types of the language: primitives, collections, structural types and `any`.
//!
//! Conversion between types is in `convert.rs`, finding a common one in `unify.rs`.

use crate::Name;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
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

    /// Whether `any` appears in it.
    pub fn contains_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.contains_any(),
            Self::Tuple(elements) => elements.iter().any(Self::contains_any),
            Self::Object(object) => object.attributes.values().any(Self::contains_any),
        }
    }

    /// Whether an optional attribute appears in it: only constraints have them.
    pub fn contains_optional(&self) -> bool {
        match self {
            Self::Any | Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => {
                element.contains_optional()
            }
            Self::Tuple(elements) => elements.iter().any(Self::contains_optional),
            Self::Object(object) => {
                !object.optional.is_empty()
                    || object.attributes.values().any(Self::contains_optional)
            }
        }
    }

    /// The type that values of this constraint have: the same with every attribute required.
    #[must_use]
    pub fn without_optional(&self) -> Self {
        if !self.contains_optional() {
            return self.clone();
        }
        match self {
            Self::Any | Self::Bool | Self::Number | Self::String => self.clone(),
            Self::List(element) => Self::list(element.without_optional()),
            Self::Set(element) => Self::set(element.without_optional()),
            Self::Map(element) => Self::map(element.without_optional()),
            Self::Tuple(elements) => {
                Self::tuple(elements.iter().map(Self::without_optional).collect())
            }
            Self::Object(object) => Self::object(
                object
                    .attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.without_optional())),
            ),
        }
    }

    /// Whether it is `bool`, `number` or `string`.
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// The type of the elements of a list, set or map.
    pub fn element(&self) -> Option<&Type> {
        match self {
            Self::List(element) | Self::Set(element) | Self::Map(element) => Some(element),
            _ => None,
        }
    }

    /// The type in words, without going into structures: `list of string`, `object`.
    pub fn in_words(&self) -> TypeInWords<'_> {
        TypeInWords(self)
    }
}

/// Shows a [`Type`] in words; made by [`Type::in_words`].
#[derive(Clone, Copy, Debug)]
pub struct TypeInWords<'a>(&'a Type);

impl fmt::Display for TypeInWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Type::Any => f.write_str("any type"),
            Type::Bool => f.write_str("bool"),
            Type::Number => f.write_str("number"),
            Type::String => f.write_str("string"),
            Type::List(element) => write!(f, "list of {}", element.in_words()),
            Type::Set(element) => write!(f, "set of {}", element.in_words()),
            Type::Map(element) => write!(f, "map of {}", element.in_words()),
            Type::Tuple(_) => f.write_str("tuple"),
            Type::Object(_) => f.write_str("object"),
        }
    }
}

impl fmt::Display for Type {
    /// The type constraint that stands for it in source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (index, element) in elements.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(f, "{separator}{element}")?;
                }
                f.write_str("])")
            }
            Self::Object(object) => {
                f.write_str("object({")?;
                for (index, (name, ty)) in object.attributes.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    if object.optional.contains(name) {
                        write!(f, "{separator}{name} = optional({ty})")?;
                    } else {
                        write!(f, "{separator}{name} = {ty}")?;
                    }
                }
                f.write_str("})")
            }
        }
    }
}
