//! Functions of sets: union, difference and their like. Order and marks are the business of the values themselves.

use super::{Call, CallError, Category, Function, Kind, Parameter, Returns, follows};
use crate::limits::SETPRODUCT_ELEMENTS_MAX;
use crate::{Bounds, Data, Type, Unknown, Value, convert, unify};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

const ANY_SET: Kind = Kind::Set(&Kind::Any);
const FIRST: Parameter = Parameter::new("first_set", ANY_SET);
const OTHERS: Parameter = Parameter::new("other_sets", ANY_SET);

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Collection,
        description,
        parameters,
        returns,
        body,
    )
}

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "setintersection",
        "The elements that are in all of the sets.",
        &[FIRST],
        follows(common_set),
        |call| combine(call, |all, next| all.retain(|item| next.contains(item))),
    )
    .variadic(OTHERS),
    function(
        "setproduct",
        "Every way to take one element from each of the lists or sets.",
        &[],
        follows(product_type),
        setproduct,
    )
    .variadic(
        Parameter::new("sets", Kind::Any)
            .seen()
            .outer()
            .typed()
            .described(
                "Sets, lists or tuples; the order of the result is theirs unless one is a set.",
            ),
    ),
    function(
        "setsubtract",
        "The elements of one set that are not in another.",
        &[Parameter::new("a", ANY_SET), Parameter::new("b", ANY_SET)],
        follows(common_set),
        |call| combine(call, |all, next| all.retain(|item| !next.contains(item))),
    ),
    function(
        "setunion",
        "The elements that are in one of the sets.",
        &[FIRST.shallow()],
        follows(common_set),
        |call| combine(call, |all, next| all.extend_from_slice(next)),
    )
    .variadic(OTHERS.shallow()),
];

fn common_set(call: &Call<'_>) -> Result<Type, CallError> {
    // An empty set of elements of no type in particular fits beside every other, and decides nothing.
    let says_nothing = |argument: &&Value| {
        let elements = argument.elements();
        elements.is_some_and(<[Value]>::is_empty) && argument.ty().element() == Some(&Type::Any)
    };
    let deciding = call.rest(0).iter().filter(|one| !says_nothing(one));
    let types: Vec<Type> = deciding
        .filter_map(|argument| argument.ty().element().cloned())
        .collect();
    if types.is_empty() {
        return Ok(Type::set(Type::Any));
    }
    let common = unify(&types);
    let common = common
        .ok_or_else(|| CallError::new("given sets must all have compatible element types"))?;
    Ok(Type::set(common))
}

fn combine(call: &Call<'_>, step: fn(&mut Vec<Value>, &[Value])) -> Result<Value, CallError> {
    let wanted = common_set(call)?;
    let mut combined: Option<Vec<Value>> = None;
    for (index, argument) in call.rest(0).iter().enumerate() {
        let set = convert(argument, &wanted)
            .map_err(|error| CallError::argument(index, error.to_string()))?;
        let items = set.elements().unwrap_or_default();
        match &mut combined {
            Some(combined) => step(combined, items),
            None => combined = Some(items.to_vec()),
        }
    }
    let element = wanted.element().cloned().unwrap_or(Type::Any);
    Ok(Value::set(element, combined.unwrap_or_default()))
}

/// The type of the elements of one factor.
fn factor_type(index: usize, argument: &Value) -> Result<Type, CallError> {
    match argument.ty() {
        Type::List(element) | Type::Set(element) => Ok((*element).clone()),
        Type::Tuple(types) => unify(&types)
            .ok_or_else(|| CallError::argument(index, "all elements must be of the same type")),
        Type::Any => Ok(Type::Any),
        _ => Err(CallError::argument(index, "a set or a list is required")),
    }
}

/// Only lists and tuples among themselves have an order and give a list.
fn product_type(call: &Call<'_>) -> Result<Type, CallError> {
    let arguments = call.rest(0);
    if arguments.len() < 2 {
        return Err(CallError::new("at least two arguments are required"));
    }
    let types = arguments
        .iter()
        .enumerate()
        .map(|(index, argument)| factor_type(index, argument));
    let row = Type::tuple(types.collect::<Result<_, _>>()?);
    if arguments.iter().any(|argument| argument.ty() == Type::Any) {
        return Ok(Type::Any);
    }
    let set = arguments
        .iter()
        .any(|argument| matches!(argument.ty(), Type::Set(_)));
    Ok(if set { Type::set(row) } else { Type::list(row) })
}

/// What can be said of a product while a factor is not known: how many rows it will have, where that has an end.
fn unknown_product(call: &Call<'_>, ty: Type) -> Value {
    let mut least = 1_u64;
    let mut most = Some(1_u64);
    for argument in call.rest(0) {
        let (min, max) = match (argument.data(), argument.ty()) {
            (Data::Unknown(_), Type::Tuple(types)) => {
                (types.len() as u64, Some(types.len() as u64))
            }
            (Data::Unknown(unknown), _) => match &unknown.bounds {
                Bounds::Length { min, max } => (*min, *max),
                _ => (0, None),
            },
            // Elements of a set may turn out to be the same.
            (Data::Set(..), _) if !argument.is_wholly_known() => (0, None),
            _ => {
                let length = argument.elements().map_or(0, <[Value]>::len) as u64;
                (length, Some(length))
            }
        };
        least = least.saturating_mul(min);
        most = most.zip(max).and_then(|(most, max)| most.checked_mul(max));
    }
    let mut unknown = Unknown::of(ty).not_null();
    if most.is_some() {
        // Rows may turn out to be equal, so that nothing is certain of a lower end but that there is one.
        unknown.bounds = Bounds::Length {
            min: least.min(1),
            max: most,
        };
    }
    unknown.into()
}

fn setproduct(call: &Call<'_>) -> Result<Value, CallError> {
    let ty = product_type(call)?;
    let arguments = call.rest(0);
    if ty == Type::Any {
        return Ok(Value::unknown(ty));
    }
    let row_type = ty.element().cloned().unwrap_or(Type::Any);
    if arguments.iter().any(|argument| !argument.is_known()) {
        let product = unknown_product(call, ty.clone());
        // A tuple has its length before it is known.
        let is_empty = matches!(
            product.as_unknown().map(|unknown| &unknown.bounds),
            Some(Bounds::Length { max: Some(0), .. })
        );
        return Ok(match &ty {
            Type::Set(_) if is_empty => Value::set(row_type, Vec::new()),
            Type::List(_) if is_empty => Value::list(row_type, Vec::new()),
            _ => product,
        });
    }
    let Type::Tuple(types) = &row_type else {
        return Ok(Value::unknown(ty));
    };
    let mut factors = Vec::with_capacity(arguments.len());
    let mut count = 1_usize;
    for (index, (argument, element)) in arguments.iter().zip(types.iter()).enumerate() {
        let list = convert(argument, &Type::list(element.clone()))
            .map_err(|error| CallError::argument(index, error.to_string()))?;
        // Whether unknown elements of a set fall together decides how many combinations there are.
        let Some(items) = list.elements() else {
            return Ok(Value::unknown_not_null(ty));
        };
        count = count.saturating_mul(items.len());
        factors.push(items.to_vec());
    }
    if count > SETPRODUCT_ELEMENTS_MAX {
        return Err(CallError::new(format!(
            "the product would have {count} elements; at most {SETPRODUCT_ELEMENTS_MAX} are possible"
        )));
    }
    let mut rows: Vec<Vec<Value>> = alloc::vec![Vec::new()];
    for items in &factors {
        rows = rows
            .iter()
            .flat_map(|row| {
                items.iter().map(|item| {
                    let mut longer = row.clone();
                    longer.push(item.clone());
                    longer
                })
            })
            .collect();
    }
    let rows = rows.into_iter().map(Value::tuple).collect();
    Ok(if matches!(ty, Type::Set(_)) {
        Value::set(row_type, rows)
    } else {
        Value::list(row_type, rows)
    })
}
