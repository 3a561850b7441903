//! Finding the one type that several types can be converted to.
//!
//! Follows cty's unsafe unification: the result may be a type from which some values of the others cannot be converted
//! (a text that is no number), which then shows when values are converted.

use crate::convert::convert_type;
use crate::{Name, ObjectType, Type};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The type that all of these can be converted to, or none. `Any` yields to every primitive type, and keeps what is
/// beside it open where that is structures or collections of one kind; of nothing, `Any`.
pub fn unify(types: &[Type]) -> Option<Type> {
    let mut distinct: Vec<&Type> = Vec::new();
    for ty in types {
        if *ty != Type::Any && !distinct.contains(&ty) {
            distinct.push(ty);
        }
    }
    let undecided = types.contains(&Type::Any);
    match distinct.as_slice() {
        [] => return Some(Type::Any),
        // How structures and collections will fit with what is not known yet is open.
        all if undecided && of_one_kind(all) => return Some(Type::Any),
        [only] => return Some((*only).clone()),
        _ => {}
    }
    let objects: Vec<&ObjectType> = distinct
        .iter()
        .filter_map(|ty| match ty {
            Type::Object(object) => Some(&**object),
            _ => None,
        })
        .collect();
    let tuples: Vec<&[Type]> = distinct
        .iter()
        .filter_map(|ty| match ty {
            Type::Tuple(elements) => Some(elements.as_slice()),
            _ => None,
        })
        .collect();
    if !objects.is_empty() && !tuples.is_empty() {
        return None;
    }
    // An object can be converted to any object with fewer attributes, which would silently lose some: objects and
    // tuples among themselves are therefore joined part by part instead.
    if objects.len() == distinct.len() {
        return unify_objects(&objects);
    }
    if tuples.len() == distinct.len() {
        return unify_tuples(&tuples);
    }
    // Objects often hold what a map could, and tuples what a list could: among such they count as one.
    let kinds = [
        (Kind::Map, Type::map as fn(Type) -> Type),
        (Kind::List, Type::list),
        (Kind::Set, Type::set),
    ];
    for (kind, collection) in kinds.into_iter().filter(|_| !undecided) {
        if distinct.iter().all(|ty| kind.takes(ty))
            && let Some(element) = common_element(&distinct, kind, collection)
        {
            return Some(collection(element));
        }
    }
    distinct.sort_by(|left, right| prefer(left, right));
    distinct
        .iter()
        .find(|wanted| distinct.iter().all(|ty| becomes(ty, wanted)))
        .map(|wanted| (*wanted).clone())
        // Everything can wait for what is not known yet.
        .or(undecided.then_some(Type::Any))
}

/// The element that collections of a kind have in common with the structures that count as such. The structures come to
/// one of their own first, as if they had been converted before.
fn common_element(types: &[&Type], kind: Kind, collection: fn(Type) -> Type) -> Option<Type> {
    let (collections, structures): (Vec<&Type>, Vec<&Type>) =
        types.iter().partition(|ty| ty.element().is_some());
    let mut elements = elements_of(&collections);
    if !structures.is_empty() {
        let own = elements_of(&structures);
        if own.is_empty() {
            return None;
        }
        let element = unify(&own)?;
        // Tuples have to come to an element of a certain type; the attributes of objects can wait for theirs.
        let is_open = is_left_open(&element, &own);
        if is_open && matches!(kind, Kind::List) {
            return None;
        }
        let own = collection(element.clone());
        if !is_open && !structures.iter().all(|ty| convert_type(ty, &own).is_ok()) {
            return None;
        }
        elements.push(element);
    }
    let element = unify(&elements)?;
    let whole = collection(element.clone());
    let fits = |inner: &Type| convert_type(&collection(inner.clone()), &whole).is_ok();
    elements.iter().all(fits).then_some(element)
}

/// Whether a type can be converted to another. What a tuple has in common must not be that one element may still be
/// anything.
fn becomes(ty: &Type, wanted: &Type) -> bool {
    let is_open = match (ty, wanted) {
        (Type::Tuple(types), Type::List(element) | Type::Set(element))
            if **element == Type::Any =>
        {
            unify(types).is_some_and(|found| is_left_open(&found, types))
        }
        _ => false,
    };
    !is_open && convert_type(ty, wanted).is_ok()
}

/// Whether nothing was found that all of these are, only that one of them may still be anything.
fn is_left_open(found: &Type, types: &[Type]) -> bool {
    *found == Type::Any && types.iter().any(|ty| *ty != Type::Any)
}

/// Whether these are structures or collections, all in the same way.
fn of_one_kind(types: &[&Type]) -> bool {
    let mut kinds = types.iter().map(|ty| match ty {
        Type::Any | Type::Bool | Type::Number | Type::String => None,
        Type::List(_) => Some(0),
        Type::Set(_) => Some(1),
        Type::Map(_) => Some(2),
        Type::Tuple(_) => Some(3),
        Type::Object(_) => Some(4),
    });
    let first = kinds.next().flatten();
    first.is_some() && kinds.all(|kind| kind == first)
}

/// Collections, with the structures that can stand for them.
#[derive(Clone, Copy)]
enum Kind {
    Map,
    List,
    Set,
}

impl Kind {
    fn takes(self, ty: &Type) -> bool {
        match self {
            Self::Map => matches!(ty, Type::Map(_) | Type::Object(_)),
            Self::List => matches!(ty, Type::List(_) | Type::Tuple(_)),
            Self::Set => matches!(ty, Type::Set(_)),
        }
    }
}

/// The types of everything directly inside of these.
fn elements_of(types: &[&Type]) -> Vec<Type> {
    let mut inside = Vec::new();
    for ty in types {
        match ty {
            Type::List(element) | Type::Set(element) | Type::Map(element) => {
                inside.push((**element).clone())
            }
            Type::Tuple(elements) => inside.extend_from_slice(elements),
            Type::Object(object) => inside.extend(object.attributes.values().cloned()),
            Type::Any | Type::Bool | Type::Number | Type::String => {}
        }
    }
    inside
}

/// Attribute by attribute when all have the same, otherwise as maps.
fn unify_objects(objects: &[&ObjectType]) -> Option<Type> {
    let first = objects.first()?;
    let same_names = objects
        .iter()
        .all(|object| object.attributes.keys().eq(first.attributes.keys()));
    if !same_names {
        let all: Vec<Type> = objects
            .iter()
            .flat_map(|object| object.attributes.values().cloned())
            .collect();
        let map = Type::map(unify(&all)?);
        let fits = |object: &&ObjectType| {
            convert_type(&Type::Object(Arc::new((*object).clone())), &map).is_ok()
        };
        return objects.iter().all(fits).then_some(map);
    }
    let mut attributes: BTreeMap<Name, Type> = BTreeMap::new();
    for name in first.attributes.keys() {
        let types: Vec<Type> = objects
            .iter()
            .filter_map(|object| object.attributes.get(name).cloned())
            .collect();
        attributes.insert(name.clone(), unify(&types)?);
    }
    Some(Type::Object(Arc::new(ObjectType {
        attributes,
        optional: Default::default(),
    })))
}

/// Element by element when all are equally long, otherwise as lists.
fn unify_tuples(tuples: &[&[Type]]) -> Option<Type> {
    let length = tuples.first()?.len();
    if tuples.iter().any(|tuple| tuple.len() != length) {
        let all: Vec<Type> = tuples.iter().flat_map(|tuple| tuple.to_vec()).collect();
        let element = unify(&all)?;
        // Where it stays open what all elements are, each tuple has to find it among its own.
        let decided =
            |tuple: &&[Type]| unify(tuple).is_some_and(|element| !is_left_open(&element, tuple));
        let fits = element != Type::Any || tuples.iter().all(decided);
        return fits.then(|| Type::list(element));
    }
    let mut elements = Vec::with_capacity(length);
    for index in 0..length {
        let types: Vec<Type> = tuples
            .iter()
            .filter_map(|tuple| tuple.get(index).cloned())
            .collect();
        elements.push(unify(&types)?);
    }
    Some(Type::tuple(elements))
}

/// The more general type first: text before other primitives, collections before structures, lists before sets.
fn prefer(left: &Type, right: &Type) -> Ordering {
    let rank = |ty: &Type| match ty {
        Type::Any => 5,
        Type::Bool | Type::Number => 1,
        Type::String | Type::List(_) | Type::Map(_) => 0,
        Type::Set(_) => 1,
        Type::Tuple(_) | Type::Object(_) => 2,
    };
    match (left.element(), right.element()) {
        (Some(inner_left), Some(inner_right)) if rank(left) == rank(right) => {
            prefer(inner_left, inner_right)
        }
        _ => rank(left).cmp(&rank(right)),
    }
}
