//! [`Value`]: a datum with its type and marks.

use crate::{Number, Type};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// An attribute name, map key or other short shared text.
pub type Name = Arc<str>;

/// Properties that travel with a value through every expression.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Marks(u8);

impl Marks {
    /// No mark.
    pub const NONE: Self = Self(0);
    /// Must not be shown.
    pub const SENSITIVE: Self = Self(1);
    /// Must not be stored.
    pub const EPHEMERAL: Self = Self(2);

    /// The marks of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all marks of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A datum. Cheap to clone: collections are shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Value {
    data: Data,
    marks: Marks,
}

/// What a [`Value`] holds, without its marks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Data {
    /// Known to be absent.
    Null(Type),
    /// Not known yet.
    Unknown(Arc<Unknown>),
    /// A truth value.
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// NFC text.
    String(Arc<str>),
    /// `list(T)`: element type and elements.
    List(Type, Arc<Vec<Value>>),
    /// `set(T)`: element type and elements in their order, without duplicates.
    Set(Type, Arc<Vec<Value>>),
    /// `map(T)`: element type and elements by key.
    Map(Type, Arc<BTreeMap<Name, Value>>),
    /// A sequence of differing types.
    Tuple(Arc<Vec<Value>>),
    /// Named attributes.
    Object(Arc<BTreeMap<Name, Value>>),
}

/// What is known of an unknown value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unknown {
    /// Its type, [`Type::Any`] if not even that is known.
    pub ty: Type,
    /// Known never to be null.
    pub not_null: bool,
}

impl Value {
    /// Null of a type.
    pub fn null(ty: Type) -> Self {
        Data::Null(ty).into()
    }
    /// Unknown of a type.
    pub fn unknown(ty: Type) -> Self {
        Data::Unknown(Arc::new(Unknown {
            ty,
            not_null: false,
        }))
        .into()
    }
    /// A truth value.
    pub fn bool(value: bool) -> Self {
        Data::Bool(value).into()
    }
    /// A number.
    pub fn number(value: impl Into<Number>) -> Self {
        Data::Number(value.into()).into()
    }
    /// A text.
    pub fn string(value: impl AsRef<str>) -> Self {
        Data::String(Arc::from(value.as_ref())).into()
    }
    /// `list(element)`.
    pub fn list(element: Type, items: Vec<Value>) -> Self {
        Data::List(element, Arc::new(items)).into()
    }
    /// `map(element)`.
    pub fn map(element: Type, items: BTreeMap<Name, Value>) -> Self {
        Data::Map(element, Arc::new(items)).into()
    }
    /// A tuple.
    pub fn tuple(items: Vec<Value>) -> Self {
        Data::Tuple(Arc::new(items)).into()
    }
    /// An object.
    pub fn object(attributes: BTreeMap<Name, Value>) -> Self {
        Data::Object(Arc::new(attributes)).into()
    }

    /// What it holds.
    pub fn data(&self) -> &Data {
        &self.data
    }
    /// The marks of this value itself (not of what is inside).
    pub fn marks(&self) -> Marks {
        self.marks
    }
    /// The same value with these marks added.
    #[must_use]
    pub fn with_marks(mut self, marks: Marks) -> Self {
        self.marks = self.marks.union(marks);
        self
    }
    /// The same value without its own marks.
    #[must_use]
    pub fn without_marks(mut self) -> Self {
        self.marks = Marks::NONE;
        self
    }
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null(_))
    }
    /// Whether it is itself known (its contents may not be).
    pub fn is_known(&self) -> bool {
        !matches!(self.data, Data::Unknown(_))
    }
    /// Whether it and all it contains is known.
    pub fn is_wholly_known(&self) -> bool {
        match &self.data {
            Data::Unknown(_) => false,
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
                items.iter().all(Self::is_wholly_known)
            }
            Data::Map(_, items) | Data::Object(items) => items.values().all(Self::is_wholly_known),
            Data::Null(_) | Data::Bool(_) | Data::Number(_) | Data::String(_) => true,
        }
    }
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }
    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(value) => Some(value),
            _ => None,
        }
    }
    /// The number, if it is one.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.data {
            Data::Number(number) => Some(number),
            _ => None,
        }
    }
    /// The attribute of an object or the element of a map under this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match &self.data {
            Data::Object(items) | Data::Map(_, items) => items.get(name),
            _ => None,
        }
    }
    /// The attributes of an object or elements of a map.
    pub fn entries(&self) -> Option<&BTreeMap<Name, Value>> {
        match &self.data {
            Data::Object(items) | Data::Map(_, items) => Some(items),
            _ => None,
        }
    }
    /// The elements of a list, set or tuple.
    pub fn elements(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => Some(items),
            _ => None,
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self {
            data,
            marks: Marks::NONE,
        }
    }
}
