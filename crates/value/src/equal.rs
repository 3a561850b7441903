//! `==` of the language.
//!
//! Unlike the structural equality that `Eq` is, it can be unknown, ignores marks (they pass to the answer) and takes
//! nulls of every type for the same.

use crate::{Data, Type, Unknown, Value};

/// Whether two values are equal, as a truth value that carries the marks of both and may be unknown. Never fails:
/// values of differing types are unequal.
pub fn equal(left: &Value, right: &Value) -> Value {
    let marks = left.marks_deep().union(right.marks_deep());
    match compare(left, right) {
        Some(answer) => Value::bool(answer).with_marks(marks),
        None => Value::unknown_result(Type::Bool, marks),
    }
}

/// None when it is not known yet.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<bool> {
    let are_containers = left.depth() > 0 && right.depth() > 0;
    if are_containers && !has_untyped(left) && !has_untyped(right) && left.ty() != right.ty() {
        return Some(false);
    }
    compare_inside(left, right)
}

/// Whether something inside is not known, and not even its type is.
fn has_untyped(value: &Value) -> bool {
    if value.is_wholly_known() {
        return false;
    }
    let mut found = false;
    value.walk(&mut |_, one| {
        found |= one.as_unknown().is_some_and(|one| one.ty.contains_any());
        !found && !one.is_wholly_known()
    });
    found
}

/// The same for values whose types are known to fit.
fn compare_inside(left: &Value, right: &Value) -> Option<bool> {
    match (left.as_unknown(), right.as_unknown()) {
        (None, None) => {}
        (Some(unknown), None) => return unlike(unknown, right),
        (None, Some(unknown)) => return unlike(unknown, left),
        (Some(_), Some(_)) => return None,
    }
    match (left.data(), right.data()) {
        (Data::Null(_), Data::Null(_)) => Some(true),
        (Data::Bool(left), Data::Bool(right)) => Some(left == right),
        (Data::Number(left), Data::Number(right)) => Some(left == right),
        (Data::String(left), Data::String(right)) => Some(left == right),
        (Data::List(left_type, left), Data::List(right_type, right)) => {
            if left_type != right_type {
                return Some(false);
            }
            compare_all(left.len(), right.len(), left.iter().zip(right.iter()))
        }
        (Data::Tuple(left), Data::Tuple(right)) => {
            compare_all(left.len(), right.len(), left.iter().zip(right.iter()))
        }
        (Data::Set(left_type, left_items), Data::Set(right_type, right_items)) => {
            if left_type != right_type {
                Some(false)
            } else if left.is_wholly_known() && right.is_wholly_known() {
                Some(left_items == right_items)
            } else {
                None
            }
        }
        (Data::Map(left_type, left), Data::Map(right_type, right)) => {
            if left_type != right_type || !left.keys().eq(right.keys()) {
                return Some(false);
            }
            compare_all(left.len(), right.len(), left.values().zip(right.values()))
        }
        (Data::Object(left), Data::Object(right)) => {
            if !left.keys().eq(right.keys()) {
                return Some(false);
            }
            compare_all(left.len(), right.len(), left.values().zip(right.values()))
        }
        _ => Some(false),
    }
}

/// Whether a known value can still be what an unknown one turns out to be: false where it certainly cannot, none where
/// that is open. Values of differing types are never equal, unless both are null.
fn unlike(unknown: &Unknown, known: &Value) -> Option<bool> {
    let other_type = !known.is_null() && are_unlike(&unknown.ty, &known.ty());
    (other_type || !unknown.may_become(known)).then_some(false)
}

/// Whether two types differ, however what is open in the first is decided.
fn are_unlike(open: &Type, known: &Type) -> bool {
    if !open.contains_any() {
        return open != known;
    }
    let are_of_one_kind = core::mem::discriminant(open) == core::mem::discriminant(known);
    *open != Type::Any && !are_of_one_kind
}

/// One certain difference decides, whatever is unknown elsewhere.
fn compare_all<'a>(
    left: usize,
    right: usize,
    pairs: impl Iterator<Item = (&'a Value, &'a Value)>,
) -> Option<bool> {
    if left != right {
        return Some(false);
    }
    let mut known = true;
    for (left, right) in pairs {
        match compare_inside(left, right) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = false,
        }
    }
    known.then_some(true)
}
