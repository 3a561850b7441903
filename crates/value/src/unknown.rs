//! What is known of values that are not known yet.
//!
//! A refinement is a promise: whatever the value turns out to be will lie within it. It lets a plan say more (a text
//! that begins with a known prefix is not null and not equal to another) without guessing.

use crate::{Data, Marks, Number, Type, Value};
use alloc::string::String;
use alloc::sync::Arc;
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

    /// The same, never null.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.not_null = true;
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

    /// What is known of something that is either of two values: the conclusion that holds for both.
    pub(crate) fn either(ty: Type, left: &Value, right: &Value) -> Self {
        let mut unknown = Self::of(ty);
        unknown.not_null = !left.could_be_null() && !right.could_be_null();
        if let (Some(left), Some(right)) = (prefix_of(left), prefix_of(right))
            && unknown.not_null
            && unknown.ty == Type::String
        {
            let common: String = left
                .chars()
                .zip(right.chars())
                .take_while(|(left, right)| left == right)
                .map(|(left, _)| left)
                .collect();
            unknown.bounds = Self::string_with_prefix(&common).bounds;
        }
        unknown
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
