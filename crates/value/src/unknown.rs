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
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{canonical_combining_class, compose};
use unicode_segmentation::UnicodeSegmentation as _;

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

/// What can change the character before it in NFC: the second characters of all primary composites (UAX 15), of those
/// of Hangul one of each kind.
const COMBINING: &[core::ops::RangeInclusive<char>] = &[
    '\u{300}'..='\u{345}',
    '\u{653}'..='\u{655}',
    '\u{93c}'..='\u{93c}',
    '\u{9be}'..='\u{9be}',
    '\u{9d7}'..='\u{9d7}',
    '\u{b3e}'..='\u{b3e}',
    '\u{b56}'..='\u{b57}',
    '\u{bbe}'..='\u{bbe}',
    '\u{bd7}'..='\u{bd7}',
    '\u{c56}'..='\u{c56}',
    '\u{cc2}'..='\u{cc2}',
    '\u{cd5}'..='\u{cd6}',
    '\u{d3e}'..='\u{d3e}',
    '\u{d57}'..='\u{d57}',
    '\u{dca}'..='\u{dca}',
    '\u{dcf}'..='\u{dcf}',
    '\u{ddf}'..='\u{ddf}',
    '\u{102e}'..='\u{102e}',
    '\u{1161}'..='\u{1161}',
    '\u{11a8}'..='\u{11a8}',
    '\u{1b35}'..='\u{1b35}',
    '\u{3099}'..='\u{309a}',
    '\u{110ba}'..='\u{110ba}',
    '\u{11127}'..='\u{11127}',
    '\u{1133e}'..='\u{1133e}',
    '\u{11357}'..='\u{11357}',
    '\u{114b0}'..='\u{114bd}',
    '\u{115af}'..='\u{115af}',
    '\u{11930}'..='\u{11930}',
];

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
    ///
    /// As in cty, where a beginning that ends with what combines with nothing is looked through from its front, and no
    /// further than to a line break: there only what stands before the first is promised.
    pub fn string_with_prefix(prefix: &str) -> Self {
        let mut starters = prefix
            .char_indices()
            .rev()
            .filter(|(_, character)| canonical_combining_class(*character) == 0);
        let length = match starters.next() {
            None => 0,
            Some((at, last)) if at + last.len_utf8() < prefix.len() || combines(last) => at,
            Some(_) => lone_line_break(prefix).unwrap_or_else(|| without_last_cluster(prefix)),
        };
        Self::string_with_exact_prefix(prefix.get(..length).unwrap_or(""))
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

/// Whether a character is made of several, or can become one with what follows it.
fn combines(character: char) -> bool {
    // Nothing in ASCII but letters and these is.
    if character.is_ascii() && !character.is_ascii_alphabetic() && !"<=>".contains(character) {
        return false;
    }
    let composite = core::iter::once(character).nfd().count() > 1;
    let mut others = COMBINING.iter().cloned().flatten();
    composite || others.any(|other| compose(character, other).is_some())
}

/// Where the first line feed or carriage return is that is not one of a pair of both.
fn lone_line_break(text: &str) -> Option<usize> {
    let breaks = text.match_indices(['\n', '\r']);
    let mut alone = breaks.filter(|(at, found)| match *found {
        "\n" => !text.get(..*at).is_some_and(|before| before.ends_with('\r')),
        _ => !text.get(*at..).is_some_and(|rest| rest.starts_with("\r\n")),
    });
    alone.next().map(|(at, _)| at)
}

/// How much of a text is left without its last grapheme cluster, unless that is a separator.
fn without_last_cluster(text: &str) -> usize {
    match text.grapheme_indices(true).next_back() {
        Some((_, last)) if last.len() == 1 && last.contains(|c| SEPARATORS.contains(c)) => {
            text.len()
        }
        Some((at, _)) => at,
        None => 0,
    }
}
