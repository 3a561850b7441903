//! What is known of values that are not known yet.
//!
//! A refinement is a promise: whatever the value turns out to be will lie within it. It lets a plan say more (a text
//! that begins with a known prefix is not null and not equal to another) without guessing.

use crate::limits::SETTLED_ELEMENTS_MAX;
use crate::{Data, Marks, Number, Type, Value};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What is known of an unknown value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unknown {
    /// Its type, [`Type::Any`] if not even that is known.
    pub ty: Type,
    /// Known never to be null.
    pub not_null: bool,
    /// What else is known.
    pub bounds: Bounds,
}

/// Between which limits an unknown value will lie. The kind fits the type: a prefix only for a string, a range only for
/// a number, a length only for a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bounds {
    /// Nothing more is known.
    #[default]
    None,
    /// A text that begins with this one.
    Prefix(Arc<str>),
    /// A number not below the first and not above the second, where they are given.
    Range {
        /// The least number it can be.
        min: Option<Number>,
        /// The greatest number it can be.
        max: Option<Number>,
    },
    /// A collection with at least and at most so many elements.
    Length {
        /// Fewest elements.
        min: u64,
        /// Most elements, where there is a limit.
        max: Option<u64>,
    },
}

/// What a known beginning may end with.
const SEPARATORS: &str = "-_:;/\\,.(){}[]|?!~ \t@#$%^&*+\"'";

impl Unknown {
    /// Of a type, and nothing more.
    pub fn of(ty: Type) -> Self {
        Self {
            ty: ty.without_optional(),
            not_null: false,
            bounds: Bounds::None,
        }
    }

    /// The same, never null. Of what has no type yet nothing more is known, not even that.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.not_null = self.ty != Type::Any;
        self
    }

    /// A text, never null, that begins with `prefix`. The last grapheme cluster is left out of the promise, because
    /// what follows may combine with it when the whole text is brought into NFC, unless it is one of the separators
    /// that combine with nothing.
    pub fn string_with_prefix(prefix: &str) -> Self {
        use unicode_segmentation::UnicodeSegmentation;
        let safe = match prefix.grapheme_indices(true).next_back() {
            Some((_, last)) if last.len() == 1 && last.contains(|c| SEPARATORS.contains(c)) => {
                prefix
            }
            Some((at, _)) => prefix.get(..at).unwrap_or(""),
            None => "",
        };
        Self::string_with_exact_prefix(safe)
    }

    /// A text, never null, that begins with exactly this, which nothing that follows can change.
    pub fn string_with_exact_prefix(prefix: &str) -> Self {
        Self {
            bounds: if prefix.is_empty() {
                Bounds::None
            } else {
                Bounds::Prefix(Arc::from(prefix))
            },
            ..Self::of(Type::String).not_null()
        }
    }

    /// The prefix, if one is known.
    pub fn prefix(&self) -> Option<&str> {
        match &self.bounds {
            Bounds::Prefix(prefix) => Some(prefix),
            _ => None,
        }
    }

    /// Whether a value that is itself known can be what this turns out to be: `false` only when that is certain.
    pub fn may_become(&self, known: &Value) -> bool {
        if known.is_null() {
            return !self.not_null;
        }
        match (&self.bounds, known.data()) {
            (Bounds::Prefix(prefix), Data::String(text)) => text.starts_with(&**prefix),
            (Bounds::Range { min, max }, Data::Number(number)) => {
                min.as_ref().is_none_or(|min| min <= number)
                    && max.as_ref().is_none_or(|max| number <= max)
            }
            (Bounds::Length { min, max }, _) => {
                let length = known
                    .elements()
                    .map(<[Value]>::len)
                    .or_else(|| known.entries().map(|entries| entries.len()));
                length.is_none_or(|length| {
                    // Unknown elements of a set may still fall together.
                    let exact = known.is_wholly_known() || !matches!(known.data(), Data::Set(..));
                    (length as u64 >= *min)
                        && (!exact || max.is_none_or(|max| length as u64 <= max))
                })
            }
            _ => true,
        }
    }

    /// What is known of something that is either of two values: the conclusion that holds for both. Of texts the
    /// beginning is not compared, as in the language this one follows.
    pub(crate) fn either(ty: Type, left: &Value, right: &Value) -> Value {
        if left.is_null() && right.is_null() {
            return Value::null(ty);
        }
        let mut unknown = Self::of(ty);
        if !left.could_be_null() && !right.could_be_null() {
            unknown = unknown.not_null();
        }
        let (left_type, right_type) = (left.ty(), right.ty());
        if left_type == Type::Number && right_type == Type::Number {
            let ((left_min, left_max), (right_min, right_max)) = (range_of(left), range_of(right));
            let min = left_min.zip(right_min).map(|(left, right)| left.min(right));
            let max = left_max.zip(right_max).map(|(left, right)| left.max(right));
            if min.is_some() || max.is_some() {
                unknown.bounds = Bounds::Range { min, max };
            }
        } else if left_type == right_type
            && let (Some(left), Some(right)) = (length_of(left), length_of(right))
        {
            let min = left.0.min(right.0);
            let max = left.1.zip(right.1).map(|(left, right)| left.max(right));
            if min > 0 || max.is_some() {
                unknown.bounds = Bounds::Length { min, max };
            }
        }
        unknown.settled()
    }

    /// The value, as far as what is known of it leaves no other: a number between equal ends, a collection of a length
    /// that tells it or how many unknown elements it has.
    pub(crate) fn settled(self) -> Value {
        if !self.not_null {
            return self.into();
        }
        match (&self.bounds, &self.ty) {
            (
                Bounds::Range {
                    min: Some(min),
                    max: Some(max),
                },
                _,
            ) if min == max => Value::number(min.clone()),
            (
                Bounds::Length {
                    min,
                    max: Some(max),
                },
                ty,
            ) if min == max => match (ty, *min) {
                (Type::List(element), 0..=SETTLED_ELEMENTS_MAX) => {
                    let open = |_| Value::unknown((**element).clone());
                    Value::list((**element).clone(), (0..*min).map(open).collect())
                }
                (Type::Set(element), 0) => Value::set((**element).clone(), Vec::new()),
                (Type::Map(element), 0) => Value::map((**element).clone(), BTreeMap::new()),
                (Type::Set(element), 1) => {
                    let open = Value::unknown((**element).clone());
                    Value::set((**element).clone(), alloc::vec![open])
                }
                _ => self.into(),
            },
            _ => self.into(),
        }
    }
}

/// Between which limits a number lies.
fn range_of(value: &Value) -> (Option<Number>, Option<Number>) {
    match value.data() {
        Data::Number(number) => (Some(number.clone()), Some(number.clone())),
        Data::Unknown(unknown) => match &unknown.bounds {
            Bounds::Range { min, max } => (min.clone(), max.clone()),
            _ => (None, None),
        },
        _ => (None, None),
    }
}

/// How many elements a collection has at least and at most; none of what is no collection.
fn length_of(value: &Value) -> Option<(u64, Option<u64>)> {
    let exact = |length: usize| Some((length as u64, Some(length as u64)));
    match value.data() {
        // Unknown elements may turn out to be equal and then count once.
        Data::Set(..) if !value.is_wholly_known() => Some((0, None)),
        Data::List(_, items) | Data::Set(_, items) => exact(items.len()),
        Data::Map(_, items) => exact(items.len()),
        Data::Unknown(unknown) => match (&unknown.ty, &unknown.bounds) {
            (_, Bounds::Length { min, max }) => Some((*min, *max)),
            (Type::List(_) | Type::Set(_) | Type::Map(_), _) => Some((0, None)),
            _ => None,
        },
        _ => None,
    }
}

/// What a value is known to begin with.
pub(crate) fn prefix_of(value: &Value) -> Option<&str> {
    match value.data() {
        Data::String(text) => Some(text),
        Data::Unknown(unknown) => unknown.prefix(),
        _ => None,
    }
}

impl Value {
    /// Unknown of a type but never null.
    pub fn unknown_not_null(ty: Type) -> Self {
        Unknown::of(ty).not_null().into()
    }

    /// Unknown of a type but never null, with marks: what operators and functions give.
    pub(crate) fn unknown_result(ty: Type, marks: Marks) -> Self {
        Self::unknown_not_null(ty).with_marks(marks)
    }
}
