//! [`Value`]: a datum with its type and marks.
//!
//! What is known of unknown values is in `unknown.rs`, going through the inside of values in `path.rs`, comparing as
//! `==` does in `equal.rs`, the JSON form in `json.rs` and the form for people in `render.rs`.

use crate::limits::VALUE_NODE_BYTES;
use crate::unknown::Unknown;
use crate::{Number, Type};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

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
    /// Not the value itself but its sealed form, as it is stored; only whoever reads without the key meets it.
    pub const SEALED: Self = Self(4);

    /// The marks of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all marks of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no mark.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A datum. Cheap to clone: collections are shared.
///
/// What is asked of whole values again and again (is everything known, which marks are inside, how deep, how large) is
/// added up when a value is made, so asking costs nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    data: Data,
    marks: Marks,
    inside: Inside,
}

/// Facts about a value and all it contains. Determined by the data, so it never tells two equal values apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Inside {
    /// Size of the value written out, with shared parts counted each time.
    weight_bytes: u64,
    /// Containers inside containers; zero for what is no container.
    depth: u16,
    /// Marks of everything inside, not of the value itself.
    marks: Marks,
    /// Whether the value or something inside is unknown.
    unknown: bool,
}

/// What a [`Value`] holds, without its marks.
///
/// The order of the variants is the order of elements in a set of mixed kinds: unknown after known, null last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Data {
    /// A truth value.
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// NFC text.
    String(Arc<str>),
    /// `list(T)`: element type and elements.
    List(Type, Arc<Vec<Value>>),
    /// `set(T)`: element type and elements in their order, without duplicates of what is wholly known.
    Set(Type, Arc<Vec<Value>>),
    /// `map(T)`: element type and elements by key.
    Map(Type, Arc<BTreeMap<Name, Value>>),
    /// A sequence of differing types.
    Tuple(Arc<Vec<Value>>),
    /// Named attributes.
    Object(Arc<BTreeMap<Name, Value>>),
    /// Not known yet.
    Unknown(Arc<Unknown>),
    /// Known to be absent.
    Null(Type),
}

/// The NFC form of a text.
pub(crate) fn normalized(text: &str) -> Cow<'_, str> {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect::<String>())
    }
}

impl Value {
    /// Null of a type.
    pub fn null(ty: Type) -> Self {
        Data::Null(ty.without_optional()).into()
    }
    /// Unknown of a type.
    pub fn unknown(ty: Type) -> Self {
        Unknown::of(ty).into()
    }
    /// A truth value.
    pub fn bool(value: bool) -> Self {
        Data::Bool(value).into()
    }
    /// A number.
    pub fn number(value: impl Into<Number>) -> Self {
        Data::Number(value.into()).into()
    }
    /// A text; brought into NFC.
    pub fn string(value: impl AsRef<str>) -> Self {
        Data::String(Arc::from(value.as_ref())).into()
    }
    /// `list(element)`.
    pub fn list(element: Type, items: Vec<Value>) -> Self {
        Data::List(element, Arc::new(items)).into()
    }
    /// `set(element)`: brings the elements in order and drops duplicates, except of unknowns. Elements of a set have no
    /// marks of their own; those given become marks of the set.
    pub fn set(element: Type, items: Vec<Value>) -> Self {
        Data::Set(element, Arc::new(items)).into()
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
    /// The marks of this value and of everything inside.
    pub fn marks_deep(&self) -> Marks {
        self.marks.union(self.inside.marks)
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
        !self.inside.unknown
    }
    /// How many containers are inside one another; zero for what is no container.
    pub fn depth(&self) -> u16 {
        self.inside.depth
    }
    /// The size of the value written out, in bytes, with shared parts counted each time: a measure for budgets.
    pub fn weight_bytes(&self) -> u64 {
        self.inside.weight_bytes
    }
    /// The type.
    pub fn ty(&self) -> Type {
        match &self.data {
            Data::Null(ty) => ty.clone(),
            Data::Unknown(unknown) => unknown.ty.clone(),
            Data::Bool(_) => Type::Bool,
            Data::Number(_) => Type::Number,
            Data::String(_) => Type::String,
            Data::List(element, _) => Type::list(element.clone()),
            Data::Set(element, _) => Type::set(element.clone()),
            Data::Map(element, _) => Type::map(element.clone()),
            Data::Tuple(items) => Type::tuple(items.iter().map(Self::ty).collect()),
            Data::Object(items) => {
                Type::object(items.iter().map(|(name, item)| (name.clone(), item.ty())))
            }
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
    /// What is known of it, if it is unknown.
    pub fn as_unknown(&self) -> Option<&Unknown> {
        match &self.data {
            Data::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }
    /// The attribute of an object or the element of a map under this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries()?.get(name)
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
    /// Whether it could turn out to be null once known.
    pub(crate) fn could_be_null(&self) -> bool {
        match &self.data {
            Data::Null(_) => true,
            Data::Unknown(unknown) => !unknown.not_null,
            _ => false,
        }
    }
}

impl Inside {
    fn of(data: &Data) -> Self {
        let leaf = |weight_bytes: u64, unknown| Self {
            weight_bytes,
            depth: 0,
            marks: Marks::NONE,
            unknown,
        };
        match data {
            Data::Unknown(_) => leaf(VALUE_NODE_BYTES, true),
            Data::Null(_) | Data::Bool(_) | Data::Number(_) => leaf(VALUE_NODE_BYTES, false),
            Data::String(text) => leaf(VALUE_NODE_BYTES + text.len() as u64, false),
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
                Self::of_all(items.iter(), 0)
            }
            Data::Map(_, items) | Data::Object(items) => Self::of_all(
                items.values(),
                items.keys().map(|key| key.len() as u64).sum(),
            ),
        }
    }

    fn of_all<'a>(items: impl Iterator<Item = &'a Value>, keys_bytes: u64) -> Self {
        let mut all = Self {
            weight_bytes: VALUE_NODE_BYTES.saturating_add(keys_bytes),
            depth: 1,
            marks: Marks::NONE,
            unknown: false,
        };
        for item in items {
            all.weight_bytes = all.weight_bytes.saturating_add(item.inside.weight_bytes);
            all.depth = all.depth.max(item.inside.depth.saturating_add(1));
            all.marks = all.marks.union(item.marks_deep());
            all.unknown |= item.inside.unknown;
        }
        all
    }
}

impl From<Data> for Value {
    /// The value without marks of its own; texts are brought into NFC and sets in order.
    fn from(data: Data) -> Self {
        let mut marks = Marks::NONE;
        let data = match data {
            Data::String(text) => match normalized(&text) {
                Cow::Owned(normalized) => Data::String(normalized.into()),
                Cow::Borrowed(_) => Data::String(text),
            },
            Data::Set(element, items) => {
                let marked = |item: &Value| !item.marks_deep().is_empty();
                let ordered = items.is_sorted_by(|left, right| left < right);
                if ordered && !items.iter().any(marked) {
                    Data::Set(element, items)
                } else {
                    let mut plain = Vec::with_capacity(items.len());
                    for item in items.iter() {
                        marks = marks.union(item.marks_deep());
                        plain.push(item.clone().unmark_all());
                    }
                    plain.sort();
                    // What is not known yet may turn out to differ.
                    plain.dedup_by(|one, other| one == other && one.is_wholly_known());
                    Data::Set(element, Arc::new(plain))
                }
            }
            other => other,
        };
        Self {
            inside: Inside::of(&data),
            data,
            marks,
        }
    }
}

impl From<Unknown> for Value {
    fn from(unknown: Unknown) -> Self {
        Data::Unknown(Arc::new(unknown)).into()
    }
}

impl core::fmt::Debug for Value {
    /// As people see it: sensitive content is not shown, not even here.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.render())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Value", 2)?;
        fields.serialize_field("data", &self.data)?;
        fields.serialize_field("marks", &self.marks)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// The written form: what is added up is not written.
        #[derive(Deserialize)]
        #[serde(rename = "Value")]
        struct Written {
            data: Data,
            marks: Marks,
        }
        let written = Written::deserialize(deserializer)?;
        Ok(Self::from(written.data).with_marks(written.marks))
    }
}

#[cfg(test)]
mod tests {
    use super::{VALUE_NODE_BYTES, Value};

    #[test]
    fn budgets_count_at_least_what_a_value_takes() {
        assert!(
            size_of::<Value>() as u64 <= VALUE_NODE_BYTES,
            "{}",
            size_of::<Value>()
        );
    }
}
